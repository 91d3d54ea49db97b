"""Mail that a rule, a group or a list passed on is a person's, and nobody outside is answered for it."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import BOB, mail

from mailgate.store import records
from mailgate.values.record import Ref

ONE = Ref("crm.lead", 1)
OUR_GROUP = {"list_id": "<support.example.com>", "precedence": "list", "list_post": "<mailto:support@example.com>"}
A_LIST = {"list_id": "<users.lists.org>", "precedence": "list", "list_post": "<mailto:users@lists.org>"}


def classed(gateway: Gateway, **fields: str) -> str:
    return gateway(mail(**fields), "info@example.com").facts.class_.name


def followers(gateway: Gateway) -> tuple[str, ...]:
    with gateway.store.read() as tx:
        return records.get(tx, ONE).followers


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"x_ms_exchange_inbox_rules_loop": "info@example.com"}, id="outlook-rule"),
        pytest.param({"x_ms_exchange_generated_message_source": "Mailbox Rules Agent"}, id="rules-agent"),
        pytest.param({"x_auto_response_suppress": "All"}, id="suppress"),
        pytest.param(OUR_GROUP, id="group-of-ours"),
        pytest.param({"list_id": "<support.example.com>"}, id="list-id-of-ours"),
        pytest.param({"list_id": "<team.support.other.test>"}, id="list-id-below-a-domain-of-ours"),
        pytest.param({"mailing_list": "list support@example.com; contact x@example.com"}, id="mailing-list-of-ours"),
        pytest.param(
            {"list_unsubscribe": "<https://x>", "list_unsubscribe_post": "List-Unsubscribe=One-Click"}, id="crm"
        ),
        pytest.param({"feedback_id": "1:2:crm"}, id="feedback-id"),
    ],
)
def test_a_person_whose_mail_was_passed_on_follows(gateway: Gateway, fields: dict[str, str]) -> None:
    assert classed(gateway, **fields) == "person"
    assert followers(gateway) == (BOB,)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(A_LIST, id="subscribed-list"),
        pytest.param({"list_id": "<example.com.lists.org>"}, id="our-domain-in-another"),
        pytest.param({"list_post": "<mailto:users@sub.example.com>"}, id="another-domain-below-ours"),
        pytest.param({"precedence": "list"}, id="no-list-named"),
        pytest.param({**OUR_GROUP, "auto_submitted": "auto-replied"}, id="robot-through-our-group"),
        pytest.param({**OUR_GROUP, "from": "noreply@shop.org"}, id="noreply-through-our-group"),
        pytest.param({"list_unsubscribe": "<https://x>", "precedence": "bulk"}, id="newsletter"),
    ],
)
def test_a_list_or_a_robot_does_not_follow(gateway: Gateway, fields: dict[str, str]) -> None:
    assert classed(gateway, **fields) in ("list", "automatic")
    assert followers(gateway) == ()


def test_a_list_that_the_alias_names_carries_peoples_mail(gateway: Gateway) -> None:
    gateway.change("info@example.com", lists=("users@lists.org",))
    assert classed(gateway, **A_LIST) == "person"
    assert (
        classed(
            gateway,
            **{**A_LIST, "message_id": "<2@x>", "list_post": "<mailto:others@lists.org>", "list_id": "<o.x.org>"},
        )
        == "list"
    )


@pytest.mark.parametrize(
    "fields",
    [OUR_GROUP, {"x_ms_exchange_inbox_rules_loop": "x"}, {"list_unsubscribe": "<x>"}, {"feedback_id": "1:2:3"}],
)
def test_nobody_outside_is_answered_for_carried_mail(gateway: Gateway, fields: dict[str, str]) -> None:
    gateway.change("info@example.com", policy="members")
    found = gateway(mail(**fields), "info@example.com")
    assert [(each.action, each.reason, each.quiet) for each in found.decision.outcomes] == [("hold", "policy", False)]
    assert found.decision.outgoing == ()


ANSWER = """--b
Content-Type: text/plain

Ann has accepted.
--b
Content-Type: text/calendar; method=REPLY; charset=utf-8
Content-Transfer-Encoding: base64

QkVHSU46VkNBTEVOREFSDQpNRVRIT0Q6UkVQTFkNCkJFR0lOOlZFVkVOVA0KVUlEOjFAeA0KRU5EOlZFVkVOVA0KRU5EOlZDQUxFTkRBUg0K
--b--
"""


def answer(body: str = ANSWER, kind: str = "multipart/alternative; boundary=b", **fields: str) -> bytes:
    return mail(body, content_type=kind, subject="Accepted: Boxes", **fields)


def outcomes(gateway: Gateway, raw: bytes, *to: str, fallback: str | None = None) -> list[tuple[str, str, bool]]:
    found = gateway(raw, *(to or ("info@example.com",)), fallback=fallback)
    return [(each.action, each.reason, each.quiet) for each in found.decision.outcomes]


QUIET = [("hold", "unrouted", True)]


def test_an_answer_to_an_unknown_invitation_is_held_quietly(gateway: Gateway) -> None:
    assert outcomes(gateway, answer()) == QUIET
    plain = "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n"
    assert outcomes(gateway, answer(plain, "text/calendar", message_id="<2@x>")) == QUIET
    assert outcomes(gateway, answer(message_id="<3@x>"), "new@example.com", fallback="lead") == QUIET


def test_an_answer_to_an_invitation_joins_its_thread(gateway: Gateway) -> None:
    gateway(mail(message_id="<first@x>"), "info@example.com")
    assert outcomes(gateway, answer(in_reply_to="<first@x>")) == [("post", "reply", False)]


def test_an_alias_may_make_records_of_answers_to_invitations(gateway: Gateway) -> None:
    gateway.change("info@example.com", calendar="record")
    assert outcomes(gateway, answer()) == [("create", "alias", False)]


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL", "PUBLISH"])
def test_other_calendars_make_records(gateway: Gateway, method: str) -> None:
    raw = answer(f"BEGIN:VCALENDAR\nMETHOD:{method}\nEND:VCALENDAR\n", "text/calendar")
    assert outcomes(gateway, raw) == [("create", "alias", False)]


def test_a_calendar_that_is_only_quoted_is_none(gateway: Gateway) -> None:
    raw = mail("Content-Type: text/calendar\n\nMETHOD:REPLY\n")
    assert outcomes(gateway, raw) == [("create", "alias", False)]
