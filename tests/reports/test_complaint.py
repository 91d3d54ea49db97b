"""Complaints without a feedback part, and mail about failures that is not a report of one."""

import pytest
from helpers.messages import facts, mail, report_in
from helpers.reports import RETURNED, multipart

from mailgate.mail.classify import classify
from mailgate.reports.report import Report

COMPLAINED = {"from": "staff@provider.example", "subject": "complaint about message from 192.0.2.1"}


def at(raw: bytes, reverse_path: str | None = "") -> list[Report | None]:
    """What is read at an alias, and at a bounce address."""
    found = facts(raw, reverse_path=reverse_path)
    return [report_in(found), report_in(found, expected=True)]


def test_a_complaint_with_the_message_attached_alone() -> None:
    returned = "X-HmXmrOriginalRecipient: <ann@client.org>\n" + RETURNED
    raw = multipart(("text/plain", ""), ("message/rfc822", returned), kind="mixed", **COMPLAINED)
    for found in at(raw, "staff@provider.example"):
        assert found
        assert (found.kind, found.message_ids) == ("feedback", ("<orig.1@example.com>",))
        assert [(each.recipient, each.action) for each in found.findings] == [("ann@client.org", "complaint")]


@pytest.mark.parametrize("reverse_path", ["", "bob@client.org"])
def test_a_person_who_writes_about_a_complaint_makes_none(reverse_path: str) -> None:
    text = "Your mail could not be delivered to <ann@client.org>. What shall we do?\n"
    assert at(mail(text, subject="Complaint about message from Bob"), reverse_path) == [None, None]


def test_who_unsubscribes_with_apple_mail_wants_no_more_mail() -> None:
    raw = mail(
        "Apple Mail sent this.\n", subject="unsubscribe", auto_submitted="auto-replied", x_apple_unsubscribe="true"
    )
    for found in at(raw, "bob@client.org"):
        assert found
        assert [(found.kind, each.recipient, each.diagnostic) for each in found.findings] == [
            ("feedback", "bob@client.org", "unsubscribe")
        ]


FAILED_CHECK = """\
This is an email abuse report for an email message received from IP 192.0.2.1 on Mon, 4 Mar 2024.
The message below did not meet the sending domain's DMARC policy and was rejected.

Received: from mx.example.com (mx.example.com [192.0.2.1])
\tby mx.provider.example with ESMTP; Mon, 4 Mar 2024 09:12:11 +0000
Message-ID: <orig.1@example.com>
From: info@example.com
To: ann@client.org
Subject: Chairs
"""


@pytest.mark.parametrize("kind", ["email abuse", "SPF/DKIM authentication failure", "DMARC failure", "forensic"])
@pytest.mark.parametrize("author", ["noreply-dmarc@provider.example", "MAILER-DAEMON@provider.example"])
def test_a_failed_check_is_not_a_bounce(author: str, kind: str) -> None:
    raw = mail(FAILED_CHECK.replace("email abuse", kind), subject="DMARC failure report", **{"from": author})
    found = at(raw)
    assert [each and (each.kind, each.findings) for each in found] == [("feedback", ())] * 2


def test_a_refusal_for_dmarc_is_a_bounce() -> None:
    text = "<ann@client.org>: 550 5.7.26 Unauthenticated email is not accepted due to the DMARC policy.\n"
    found = at(mail(text, subject="Undelivered Mail", **{"from": "MAILER-DAEMON@client.org"}))
    assert [each and each.kind for each in found] == ["failed", "failed"]


ABOUT_BOUNCES = """\
I got this again, the mail could not be delivered to

  <ann@client.org>: 550 5.1.1 user unknown

What is wrong with the list?
"""


@pytest.mark.parametrize(
    "fields",
    [
        {"list_id": "<chairs.lists.example>"},
        {"list_post": "<mailto:chairs@lists.example>"},
        {"precedence": "list"},
        {"mailing_list": "contact chairs-help@lists.example; run by ezmlm"},
        {"subject": "Re: Undelivered Mail", "in_reply_to": "<1@lists.example>", "user_agent": "Mutt/2"},
        {"subject": "RE: Undelivered Mail", "in_reply_to": "<1@lists.example>", "x_mailer": "Outlook 16"},
    ],
)
@pytest.mark.parametrize("reverse_path", ["", "chairs-bounces@lists.example"])
def test_a_person_who_writes_about_bounces_reports_none(fields: dict[str, str | None], reverse_path: str) -> None:
    raw = mail(ABOUT_BOUNCES, **({"from": "Bob <bob@client.org>", "subject": "Bounces"} | fields))
    assert not [each for found in at(raw, reverse_path) if found for each in found.findings]


def test_a_list_manager_that_does_not_distribute() -> None:
    raw = mail(
        "You are not a member of this mailing list <chairs@lists.example>.\n",
        subject="You info@example.com are not member (chairs ML)",
        x_mlserver="fml 4.0",
        references="<orig.1@example.com>",
        list_subscribe="<mailto:chairs-ctl@lists.example>",
        **{"from": "chairs-admin@lists.example"},
    )
    for found in at(raw, "chairs-admin@lists.example"):
        assert found
        assert [(found.kind, found.message_ids, each.basis) for each in found.findings] == [
            ("failed", ("<orig.1@example.com>",), "guess")
        ]


@pytest.mark.parametrize("to", ["chairs-bounces@example.com", "bounces+1@example.com"])
def test_a_notice_to_a_robot_of_a_gateway_that_names_itself(to: str) -> None:
    text = "Your message could not be delivered to the following recipients:\n\nann@client.org\n"
    fields = {"from": "Scanner_Gateways@client.org", "to": to, "subject": "Delivery failure notification"}
    found = at(mail(text, **fields), "Scanner_Gateways@client.org")[0]
    assert found
    assert [(each.recipient, each.basis) for each in found.findings] == [("ann@client.org", "guess")]
    assert at(mail(text, **(fields | {"to": "info@example.com"})), "Scanner_Gateways@client.org")[0] is None


def test_an_address_that_is_the_name_of_another_did_not_fail() -> None:
    text = "A message has a recipient that could not be delivered to:\n\n  ann@client.org <eve@client.org>: malformed\n"
    found = at(mail(text, subject="Mail failure", **{"from": "MAILER-DAEMON@client.org"}))[1]
    assert found
    assert [each.recipient for each in found.findings] == ["eve@client.org"]


@pytest.mark.parametrize("name", ["x_bluebottle_request", "x_choicemail_registration_request"])
def test_who_asks_for_a_proof_that_a_person_writes_is_automatic(name: str) -> None:
    given = facts(mail("Click here.\n", **{name: "<1>"}))
    assert classify(given).name == "automatic"
