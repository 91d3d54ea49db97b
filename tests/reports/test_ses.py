"""Events of Amazon SES, as SNS sends them by mail."""

import json
from typing import Any

import pytest
from helpers.messages import facts, mail, report_in

from mailgate.reports import ses
from mailgate.reports.report import Report

ANN = "ann@client.org"
MAIL = {
    "source": "bounce@example.com",
    "headers": [{"name": "From", "value": "x@y.org"}, {"name": "Message-ID", "value": "<orig.1@example.com>"}],
}
TOLD = {"emailAddress": ANN, "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}


def event(kind: str, key: str, told: dict[str, Any], name: str = "notificationType", **more: Any) -> str:
    return json.dumps({name: kind, key: told, "mail": MAIL, **more})


def notified(text: str, **fields: str | None) -> bytes:
    given: dict[str, str | None] = {
        "from": "AWS Notifications <no-reply@sns.amazonaws.example>",
        "subject": "AWS Notification Message",
        "x_amz_sns_message_id": "1af9f4b7",
    }
    return mail(text + "\n\n--\nIf you wish to stop receiving notifications, visit the link.\n", **(given | fields))


def read(raw: bytes) -> Report:
    found = report_in(facts(raw, reverse_path="1@amazonses.example"))
    assert found
    return found


EVENTS = {
    "bounce": (event("Bounce", "bounce", {"bounceType": "Permanent", "bouncedRecipients": [TOLD]}), "failed", "5.1.1"),
    "event-type": (
        event("Bounce", "bounce", {"bouncedRecipients": [TOLD]}, name="eventType"),
        "failed",
        "5.1.1",
    ),
    "permanent": (
        event("Bounce", "bounce", {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": ANN}]}),
        "failed",
        "5.0.0",
    ),
    "transient": (
        event("Bounce", "bounce", {"bounceType": "Transient", "bouncedRecipients": [{"emailAddress": ANN}]}),
        "failed",
        "4.0.0",
    ),
    "delay": (
        event("DeliveryDelay", "deliveryDelay", {"delayedRecipients": [{"emailAddress": ANN, "status": "4.4.1"}]}),
        "delayed",
        "4.4.1",
    ),
    "delivery": (
        event("Delivery", "delivery", {"recipients": [ANN], "smtpResponse": "250 2.6.0 Message received"}),
        "delivered",
        "2.6.0",
    ),
}


@pytest.mark.parametrize("wrapped", [False, True], ids=["raw", "wrapped"])
@pytest.mark.parametrize(("text", "action", "status"), EVENTS.values(), ids=EVENTS)
def test_an_event_is_a_report(text: str, action: str, status: str, wrapped: bool) -> None:
    raw = notified(json.dumps({"Type": "Notification", "Message": text}, indent=1) if wrapped else text)
    found = read(raw)
    assert [(each.recipient, each.action, each.status) for each in found.findings] == [(ANN, action, status)]
    assert (found.kind, found.message_ids) == (action, ("<orig.1@example.com>",))
    assert found.return_addresses == ("bounce@example.com",)


def test_an_event_of_a_complaint() -> None:
    found = read(notified(event("Complaint", "complaint", {"complainedRecipients": [{"emailAddress": ANN}]})))
    assert (found.kind, [(each.recipient, each.kind) for each in found.findings]) == ("feedback", [(ANN, "complaint")])


def test_a_long_line_that_was_parted_on_the_way() -> None:
    text = EVENTS["bounce"][0]
    assert read(notified(f"{text[:300]}!\n {text[300:]}")).findings[0].recipient == ANN


def test_other_notifications_are_none() -> None:
    for text in ('{"AlarmName": "mail", "NewStateReason": "delivery to ann@client.org failed: 5.1.1"}', "Failed.", "{"):
        assert report_in(facts(notified(text), reverse_path="1@amazonses.example")) is None


def test_a_person_who_sends_an_event_has_only_guessed() -> None:
    raw = mail(EVENTS["bounce"][0] + "\n")
    assert report_in(facts(raw)) is None
    found = report_in(facts(raw), expected=True)
    assert found
    assert [(each.recipient, each.basis) for each in found.findings] == [(ANN, "guess")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"Message": 1}',
        '{"Message": "{"}',
        "[" * 60_000,
        '{"a":' * 10_000,
        '{"notificationType": "Bounce"}',
        '{"notificationType": "Bounce", "bounce": [], "mail": 7}',
        '{"notificationType": "Bounce", "bounce": {"bouncedRecipients": [1, null, {"emailAddress": {}}]}}',
        '{"notificationType": ["Bounce"], "mail": {"headers": [1, {"name": 1, "value": "\\ud800"}]}}',
    ],
)
def test_any_json_is_read_without_an_exception(text: str) -> None:
    told = ses.read(text)
    assert told is None or not any(each.recipient for each in told.blocks)
    report_in(facts(notified(text), reverse_path=""), expected=True)
