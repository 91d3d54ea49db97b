"""Delivery reports: every dialect by its traps, every kind apart, and nobody's mail taken for one.

The collected corpus is looked for in `bounces/` of the folder that MAILGATE_CORPORA names, or in a folder `shared`
beside the project's.
"""

import base64
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
from helpers.messages import facts, mail, report_in
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.compose import diagnoses
from mailgate.mail.message import Message
from mailgate.reports import arf, diagnosis, dsn, flufl, original, plaintext, report
from mailgate.reports.report import Finding, Report

ROOT = Path(__file__).parents[2]
CORPORA = Path(os.environ.get("MAILGATE_CORPORA") or ROOT.parent / "shared")

STATUS = """\
Reporting-MTA: dns; mx.client.org

Final-Recipient: rfc822; ann@client.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.client.org
Diagnostic-Code: smtp; 550 5.1.1 <ann@client.org>: user unknown
"""
RETURNED = "Message-ID: <orig.1@example.com>\nFrom: info@example.com\nTo: ann@client.org\nSubject: Chairs\n\nHello.\n"


def multipart(*parts: tuple[str, str], kind: str = "report", **fields: str | None) -> bytes:
    """A daemon's multipart message; each part is its type (and further header lines) and its text."""
    body = "".join(f"--b1\nContent-Type: {header}\n\n{text}\n" for header, text in parts) + "--b1--\n"
    given: dict[str, str | None] = {
        "from": "Mail Delivery System <MAILER-DAEMON@mx.client.org>",
        "to": "bounce@example.com",
        "subject": "Undelivered Mail",
        "content_type": f'multipart/{kind}; boundary="b1"',
    }
    return mail(body, **(given | fields))


def standard(status: str = STATUS, original: str = RETURNED, **fields: str | None) -> bytes:
    """A report as RFC 3464 wants it."""
    parts = (("text/plain", "It failed."), ("message/delivery-status", status), ("message/rfc822", original))
    return multipart(*parts, **fields)


def plain(text: str, **fields: str | None) -> bytes:
    """A daemon's notice in words."""
    given: dict[str, str | None] = {
        "from": "MAILER-DAEMON@mx.client.org",
        "to": "bounce@example.com",
        "subject": "failure notice",
    }
    return mail(text, **(given | fields))


def read(raw: bytes, *, reverse_path: str | None = "", expected: bool = False) -> Report:
    """The report that a message is, with a null reverse-path."""
    found = report_in(facts(raw, reverse_path=reverse_path), expected=expected)
    assert found
    return found


def one(raw: bytes) -> Finding:
    """The only finding of a report."""
    found = read(raw)
    assert len(found.findings) == 1, found
    return found.findings[0]


def test_a_standard_report() -> None:
    found = read(standard())
    said = "550 5.1.1 <ann@client.org>: user unknown"
    assert found.findings == (
        Finding("ann@client.org", "failed", "5.1.1", said, "mx.client.org", "no-such-address", True),
    )
    assert (found.kind, found.message_ids, found.because) == ("failed", ("<orig.1@example.com>",), "multipart/report")


FIELDS = {
    "no-empty-line-between-recipients": (
        "Final-Recipient: rfc822; ann@client.org\nAction: failed\nStatus: 5.1.1\n"
        "Final-Recipient: rfc822; bob@client.org\nAction: failed\nStatus: 5.2.2\n",
        [("ann@client.org", "failed", "5.1.1"), ("bob@client.org", "failed", "5.2.2")],
    ),
    "empty-lines-inside-a-block": (
        "Original-Recipient: rfc822; ann@client.org\n\nFinal-Recipient: rfc822; a1@client.org\n\n\nAction: failed\n\n"
        "Status: 5.1.1\n",
        [("ann@client.org", "failed", "5.1.1")],
    ),
    "two-whole-blocks": (
        "Original-Recipient: rfc822; ann@client.org\nFinal-Recipient: rfc822; a@x.org\nAction: failed\n"
        "Status: 5.1.1\n\n"
        "Original-Recipient: rfc822; bob@client.org\nFinal-Recipient: rfc822; b@x.org\nAction: delayed\n"
        "Status: 4.2.2\n",
        [("ann@client.org", "failed", "5.1.1"), ("bob@client.org", "delayed", "4.2.2")],
    ),
    "blank-before-the-colon-and-odd-type": (
        "Final-Recipient : rfc/822;ann@client.org\nAction:failed\nStatus : 5.7.1\n",
        [("ann@client.org", "failed", "5.7.1")],
    ),
    "no-type": (
        "Final-Recipient: <ann@client.org>\nAction: failed\nStatus: 5.0.0\n",
        [("ann@client.org", "failed", "5.0.0")],
    ),
    "two-types": (
        "Final-Recipient: rfc822; rfc822;ann@client.org\nAction: failed\n",
        [("ann@client.org", "failed", "")],
    ),
    "display-name": (
        'Final-Recipient: rfc822; "Ann, Lee" <ann@client.org>\nAction: failed\nStatus: 5.1.1\n',
        [("ann@client.org", "failed", "5.1.1")],
    ),
    "apostrophes-around-it": (
        "Final-Recipient: rfc822; 'ann@client.org'\nAction: failed\nStatus: 5.1.1\n",
        [("ann@client.org", "failed", "5.1.1")],
    ),
    "apostrophe-behind-it": (
        "Final-Recipient: rfc822; ann@client.org'\nAction: failed\nStatus: 5.1.1\n",
        [("ann@client.org", "failed", "5.1.1")],
    ),
    "apostrophe-of-a-name": (
        "Final-Recipient: rfc822; 't.hooft@client.org\nAction: failed\nStatus: 5.1.1\n",
        [("'t.hooft@client.org", "failed", "5.1.1")],
    ),
    "source-route": (
        "Final-Recipient: rfc822; @mx.client.org:ann@client.org\nAction: failed\nStatus: 5.1.1\n",
        [("ann@client.org", "failed", "5.1.1")],
    ),
    "pipe-as-final-recipient": (
        "Original-Recipient: rfc822; ann@client.org\nFinal-Recipient: x-unix; |/usr/bin/filter\nAction: failed\n",
        [("ann@client.org", "failed", "")],
    ),
    "file-as-original-recipient": (
        "Original-Recipient: rfc822; /var/mail/ann\nFinal-Recipient: rfc822; ann@client.org\nAction: failed\n",
        [("ann@client.org", "failed", "")],
    ),
    "domain-that-cannot-be": (
        "Final-Recipient: rfc822; ann@#client.org\nAction: failed\nStatus: 5.1.2\n",
        [("ann@#client.org", "failed", "5.1.2")],
    ),
    "action-failure": ("Final-Recipient: rfc822; a@x.org\nAction: Failure\n", [("a@x.org", "failed", "")]),
    "action-expired": (
        "Final-Recipient: rfc822; a@x.org\nAction: expired\nStatus: 4.4.7\n",
        [("a@x.org", "failed", "4.4.7")],
    ),
    "action-with-a-comment": (
        "Final-Recipient: rfc822; a@x.org\nAction: delayed (will try)\nStatus: 4.4.1\n",
        [("a@x.org", "delayed", "4.4.1")],
    ),
    "no-action": ("Final-Recipient: rfc822; a@x.org\nStatus: 5.1.1\n", [("a@x.org", "failed", "5.1.1")]),
    "empty-action-of-class-4": (
        "Final-Recipient: rfc822; a@x.org\nAction:\nStatus: 4.4.1\n",
        [("a@x.org", "delayed", "4.4.1")],
    ),
    "better-code-in-the-diagnostic": (
        "Final-Recipient: rfc822; a@x.org\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.7.26 DMARC\n",
        [("a@x.org", "failed", "5.7.26")],
    ),
    "only-a-reply-code": (
        "Final-Recipient: rfc822; a@x.org\nAction: failed\nDiagnostic-Code: smtp; 452 no space\n",
        [("a@x.org", "failed", "4.0.0")],
    ),
    "no-code-in-an-ip-address": (
        "Final-Recipient: rfc822; a@x.org\nAction: failed\nDiagnostic-Code: smtp; from 5.6.7.8 and [2001:db8::450:1]\n",
        [("a@x.org", "failed", "")],
    ),
    "status-with-a-comment": (
        "Final-Recipient: rfc822; a@x.org\nAction: failed\nStatus: 5.4.4 (unable to route)\n",
        [("a@x.org", "failed", "5.4.4")],
    ),
    "the-same-recipient-twice": (
        "Final-Recipient: rfc822; a@x.org\nAction: failed\nStatus: 5.1.1\n\n"
        "Final-Recipient: rfc822; a@x.org\nAction: failed\nStatus: 5.1.1\n",
        [("a@x.org", "failed", "5.1.1")],
    ),
}


@pytest.mark.parametrize(("fields", "expected"), FIELDS.values(), ids=FIELDS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_the_fields_of_a_report_make_its_findings(fields: str, expected: list[tuple[str, str, str]], end: str) -> None:
    raw = standard(f"Reporting-MTA: dns; mx.client.org\n\n{fields}")
    found = read(raw.replace(b"\n", end.encode()))
    assert [(each.recipient, each.action, each.status) for each in found.findings] == expected
    assert found.message_ids == ("<orig.1@example.com>",)


def test_a_folded_diagnostic_is_one_line() -> None:
    status = (
        "Final-Recipient: rfc822; a@x.org\nAction: failed\nDiagnostic-Code: smtp; 550 no\n\tsuch\n"
        "   user\nbroken line\n"
    )
    assert one(standard(status)).diagnostic == "550 no such user broken line"
    long = "Final-Recipient: rfc822; a@x.org\nAction: failed\nDiagnostic-Code: smtp; " + "x" * 3000
    assert len(one(standard(long)).diagnostic) == dsn.DIAGNOSTIC_LIMIT


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_encoded_parts_are_decoded(encoding: str) -> None:
    """RFC 6522 forbids it, servers do it."""
    import base64
    import quopri

    def encoded(text: str) -> str:
        raw = text.encode()
        return (base64.encodebytes(raw) if encoding == "base64" else quopri.encodestring(raw)).decode()

    raw = multipart(
        (f"message/delivery-status\nContent-Transfer-Encoding: {encoding}", encoded(STATUS)),
        (f"message/rfc822\nContent-Transfer-Encoding: {encoding}", encoded(RETURNED)),
    )
    found = read(raw)
    assert (found.findings[0].recipient, found.message_ids) == ("ann@client.org", ("<orig.1@example.com>",))


def test_reports_with_utf_8_addresses_are_read() -> None:
    """RFC 6533: the utf-8 address type, its escapes, and parts of type message/global."""
    status = "Final-Recipient: utf-8; j\u00f6rg@b\u00fccher.example\nAction: failed\nStatus: 5.1.1\n"
    raw = multipart(
        ("text/plain", "x"),
        ("message/global-delivery-status\nContent-Transfer-Encoding: 8bit", status),
        ("message/global-headers", "Message-ID: <g.1@example.com>\n"),
    )
    found = read(raw)
    assert found.findings[0].recipient == "j\u00f6rg@xn--bcher-kva.example"
    assert found.message_ids == ("<g.1@example.com>",)
    escaped = "Final-Recipient: utf-8; j\\x{F6}rg@client.org\nAction: failed\nStatus: 5.1.1\n"
    assert one(standard(escaped)).recipient == "j\u00f6rg@client.org"


def test_a_returned_report_is_not_read() -> None:
    """A double bounce: the report that came back names somebody else."""
    inner = standard("Final-Recipient: rfc822; other@x.org\nAction: failed\n").decode().replace("b1", "b2")
    found = read(standard(original=inner))
    assert [each.recipient for each in found.findings] == ["ann@client.org"]
    assert found.message_ids[0] == "<m1@client.org>"


def test_a_report_that_a_gateway_wrapped_is_read() -> None:
    words = "----- The following addresses had permanent delivery errors -----\n"
    raw = multipart(("text/plain", words), ("message/rfc822", standard().decode()), kind="mixed")
    assert [each.recipient for each in read(raw).findings] == ["ann@client.org"]


def test_a_status_part_without_a_report_around_it() -> None:
    raw = multipart(("message/delivery-status", STATUS), ("message/rfc822", RETURNED), kind="mixed")
    assert one(raw).status == "5.1.1"
    bare = plain(STATUS, content_type="message/delivery-status", **{"from": None})
    assert one(bare).recipient == "ann@client.org"


@pytest.mark.parametrize("boundary", ["", "; boundary=other", "; boundary="])
def test_status_fields_in_broken_mime_are_read(boundary: str) -> None:
    """A boundary that is missing or another one: the fields are found in the text."""
    body = (
        f"\n--x1\nContent-Type: text/plain\n\nIt failed.\n\n--x1\nContent-Type: message/delivery-status\n\n"
        f"{STATUS}\n--x1--\n"
    )
    raw = plain(body, content_type=f"multipart/report{boundary}")
    assert one(raw).recipient == "ann@client.org"


def test_status_fields_that_name_nobody_do_not_stop_the_words() -> None:
    status = "Reporting-MTA: dns; x\n\nAction: failed\nStatus: 5.0.0\n"
    words = "Your message could not be delivered to:\n\n<ann@client.org>: 550 5.1.1 unknown user\n"
    raw = multipart(("text/plain", words), ("message/delivery-status", status))
    assert (one(raw).recipient, one(raw).status) == ("ann@client.org", "5.1.1")


def test_a_diagnostic_may_stand_in_the_words_alone() -> None:
    status = "Final-Recipient: rfc822; ann@client.org\nAction: failed\nStatus: 5.0.0\n"
    raw = multipart(("text/plain", "<ann@client.org>: mailbox is full\n"), ("message/delivery-status", status))
    assert (one(raw).kind, one(raw).diagnostic) == ("mailbox-full", "<ann@client.org>: mailbox is full")


NOTICES = {
    "qmail": (
        "Hi. This is the qmail-send program at mx.client.org.\nI'm afraid I wasn't able to deliver your message to the"
        " following addresses.\n\n<ann@client.org>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 no"
        " such user here\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <info@example.com>\n"
        + RETURNED,
        "5.1.1",
    ),
    "postfix-before-reports": (
        "This is the Postfix program at host mx.client.org.\n\n"
        "I'm sorry to have to inform you that the message returned\n"
        "below could not be delivered to one or more destinations.\n\n<ann@client.org>: host mx[192.0.2.1] said: 550"
        " 5.7.1 go away\n\n",
        "5.7.1",
    ),
    "exim": (
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be"
        " delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
        "  ann@client.org\n    SMTP error from remote mail server after RCPT TO:<ann@client.org>:\n"
        "    host mx.client.org"
        " [192.0.2.1]: 550 5.1.1 unknown\n\n------ This is a copy of the message, including all the headers. ------\n\n"
        + RETURNED,
        "5.1.1",
    ),
    "sendmail": (
        "   ----- The following addresses had permanent fatal errors -----\n<ann@client.org>\n"
        "    (reason: 550 5.1.1 User"
        " unknown)\n\n   ----- Transcript of session follows -----\n... while talking to mx.client.org.:\n>>> RCPT"
        " To:<ann@client.org>\n<<< 550 5.1.1 User unknown\n\n   ----- Original message follows -----\n\n" + RETURNED,
        "5.1.1",
    ),
    "transcript-alone": (
        "   ----- Transcript of session follows -----\nWhile talking to mx.client.org:\n"
        ">>> MAIL From:<info@example.com>\n"
        "<<< 250 ok\n>>> RCPT To:<ann@client.org>\n<<< 550 <ann@client.org>... User unknown\n\n"
        "   ----- Unsent message follows -----\n" + RETURNED,
        "5.0.0",
    ),
    "exchange-describes-the-message-first": (
        "Your message\n\n  To:      list@example.com\n  Subject: Chairs\n  Sent:    Fri, 4 Oct 2002 17:10:56\n\ndid not"
        " reach the following recipient(s):\n\nann@client.org on Fri, 4 Oct 2002 17:12:28\n"
        "    The recipient name is not"
        " recognized\n",
        "",
    ),
    "domino": (
        "Your message\n\n  Subject: Chairs\n\nwas not delivered to:\n\n  ann@client.org\n\nbecause:\n\n"
        "  User not listed\n",
        "",
    ),
    "failed-recipient": (
        "Could not deliver message to the following recipient(s):\n\nFailed Recipient: ann@client.org\n",
        "",
    ),
    "sentence": (
        "There was an error delivering your mail to <ann@client.org>.\n\nmx: 550 5.7.26 unauthenticated\n",
        "5.7.26",
    ),
    "smtp-command": ("Sent <<< RCPT TO:<ann@client.org>\nReceived >>> 550 5.1.1 unknown user.\n", "5.1.1"),
    "asks-for-help-elsewhere": (
        "For assistance, contact <help@mx.client.org>.\n\nThe message could not be delivered.\n\n"
        ">>> ann@client.org <<<\n",
        "",
    ),
    "arrows-and-quotes": ('Delivery of email to this address\n\n"ann@client.org"\n\nfailed: full mailbox.\n', ""),
    "positive-codes-do-not-count": (
        " In:  RCPT TO:<ann@client.org>\n Out: 250 2.1.5 Ok\n In:  DATA\n"
        " Out: 451 4.3.0 Error: queue file write error\n",
        "4.3.0",
    ),
    "german": ("Ihre Nachricht konnte nicht zugestellt werden:\n\n<ann@client.org>: Benutzer unbekannt\n", ""),
    "login-and-reason": ("The message was undeliverable to the following:\n\tann (user not found)\n", ""),
    "login-only": ("Your mail to the following recipients could not be delivered:\n\tann\n", ""),
}


@pytest.mark.parametrize(("text", "status"), NOTICES.values(), ids=NOTICES)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_a_notice_in_words_is_read(text: str, status: str, end: str) -> None:
    raw = plain(text, **{"from": "Mail Delivery Subsystem <MAILER-DAEMON@client.org>"})
    found = read(raw.replace(b"\n", end.encode()))
    assert [each.recipient for each in found.findings] == ["ann@client.org"]
    assert (found.kind, found.findings[0].status) == ("failed", status)
    if RETURNED in text:
        assert found.message_ids[0] == "<orig.1@example.com>"


def test_a_notice_for_several_keeps_their_reasons_apart() -> None:
    text = (
        "Delivery failed:\n\n<ann@client.org>:\n550 5.1.1 no such user\n\n<bob@client.org>:\n552 5.2.2 mailbox full\n"
    )
    found = read(plain(text)).findings
    assert [(each.recipient, each.status, each.kind) for each in found] == [
        ("ann@client.org", "5.1.1", "no-such-address"),
        ("bob@client.org", "5.2.2", "mailbox-full"),
    ]


def test_a_notice_in_html() -> None:
    text = (
        "<html><body><p>Delivery has failed to these recipients:</p><p>ann@client.org</p><p>550 5.1.1</p></body></html>"
    )
    assert one(plain(text, content_type="text/html")).recipient == "ann@client.org"


def test_a_notice_to_oneself() -> None:
    """Sender and failed recipient are the same address."""
    assert (
        one(plain("Undeliverable:\n\n<info@example.com>: full\n", to="info@example.com")).recipient
        == "info@example.com"
    )


def test_exims_field_comes_first() -> None:
    text = "Delivery to the following recipient failed permanently:\n\n  nobody@x.org\n\n550 5.1.1 no such user\n"
    raw = plain(text, x_failed_recipients="ann@client.org,\n bob@client.org")
    assert [each.recipient for each in read(raw).findings] == ["ann@client.org", "bob@client.org"]
    assert {each.status for each in read(raw).findings} == {"5.1.1"}


DELAYS = [
    "Your message has not yet been delivered to the following addresses:\n\n<ann@client.org>: connection timed out\n\n"
    "The mail software will give up later, and the message will be returned to you.\n",
    "THIS IS A WARNING MESSAGE ONLY.\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\n<ann@client.org>... Deferred\n",
    "Delivery to the following recipients has been delayed:\n\n   ann@client.org\n\n"
    "Attempts will continue for 2 days.\n",
]


@pytest.mark.parametrize("text", DELAYS)
def test_delays_are_no_failures(text: str) -> None:
    found = read(plain(text, subject="Warning"))
    assert (found.kind, found.findings[0].action, found.findings[0].permanent) == ("delayed", "delayed", False)


@pytest.mark.parametrize(
    ("action", "kind"),
    [("delivered", "delivered"), ("relayed", "delivered"), ("expanded", "delivered"), ("delayed", "delayed")],
)
def test_other_actions_stay_apart(action: str, kind: str) -> None:
    raw = standard(f"Final-Recipient: rfc822; ann@client.org\nAction: {action}\nStatus: 2.0.0\n")
    assert (read(raw).kind, one(raw).action, one(raw).permanent) == (kind, action, False)


def test_one_failure_among_successes_is_a_failure() -> None:
    status = (
        "Final-Recipient: rfc822; ann@client.org\nAction: delivered\nStatus: 2.0.0\n\n"
        "Final-Recipient: rfc822; bob@client.org\nAction: failed\nStatus: 5.1.1\n"
    )
    found = read(standard(status))
    assert found.kind == "failed"
    assert [each.action for each in found.findings] == ["delivered", "failed"]


MDN = (
    "Reporting-UA: client.org; Mail\nFinal-Recipient: rfc822; ann@client.org\n"
    "Original-Message-ID: <orig.1@example.com>\n"
)


def test_a_read_receipt_is_a_disposition() -> None:
    shown = MDN + "Disposition: manual-action/MDN-sent-manually; displayed\n"
    raw = multipart(("text/plain", "Read."), ("message/disposition-notification", shown), **{"from": "ann@client.org"})
    found = read(raw)
    assert (found.kind, found.findings, found.message_ids) == ("disposition", (), ("<orig.1@example.com>",))


def test_a_filter_that_refuses_with_a_receipt_is_a_failure() -> None:
    """RFC 5429 section 2.1.1, as a Sieve server does it."""
    deleted = MDN + "Disposition: automatic-action/MDN-sent-automatically; deleted\n"
    words = "Your message to <ann@client.org> was automatically rejected:\nQuota exceeded\n"
    raw = multipart(
        ("text/plain", words), ("message/disposition-notification", deleted), auto_submitted="auto-replied (rejected)"
    )
    assert (one(raw).recipient, one(raw).kind) == ("ann@client.org", "mailbox-full")
    assert read(raw).message_ids[0] == "<orig.1@example.com>"


def feedback_report(fields: str, original: str = RETURNED, as_type: str = "message/rfc822") -> Report:
    """What is read of a feedback report."""
    parts = [("text/plain", "A user complained."), ("message/feedback-report", fields), (as_type, original)]
    return read(multipart(*parts, **{"from": "feedback@client.org"}))


ABUSE = "Feedback-Type: abuse\nVersion: 1\n"
COMPLAINT = f"""\
{ABUSE}User-Agent: SomeGenerator/1.0
Original-Mail-From: <bounce+1@example.com>
Original-Rcpt-To: <ann@CLIENT.org>
Original-Rcpt-To: rfc822; bob@client.org
Reporting-MTA: dns; mx.client.org
Source-IP: 192.0.2.1
Removal-Recipient: someone@client.org
"""


def test_a_complaint() -> None:
    """RFC 5965 section 3.2: a finding for every Original-Rcpt-To."""
    found = feedback_report(COMPLAINT)
    said = "abuse, sent from 192.0.2.1, reported by SomeGenerator/1.0"
    assert found.findings == tuple(
        Finding(each, "complaint", "", said, "mx.client.org", "complaint", True)
        for each in ("ann@client.org", "bob@client.org")
    )
    assert (found.kind, found.message_ids) == ("feedback", ("<orig.1@example.com>",))
    assert found.return_addresses == ("bounce+1@example.com",)
    assert report.summary(found) == "complaint for ann@client.org, complaint for bob@client.org"


def test_a_complaint_may_name_the_message_itself() -> None:
    encoded = base64.encodebytes(f"{ABUSE}Original-Message-ID: <orig.1@example.com>\n".encode()).decode()
    raw = multipart(("message/feedback-report\nContent-Transfer-Encoding: base64", encoded))
    assert read(raw).message_ids == ("<orig.1@example.com>",)


def test_a_complaint_passed_on_by_another_names_its_source() -> None:
    assert feedback_report(f"{ABUSE}Source: Example Mail\n").findings[0].remote == "Example Mail"


TYPES = {
    "abuse": True,
    "Fraud (phishing)": True,
    "virus": True,
    "other": True,
    "opt-out": True,
    "x-unheard-of": True,
    "not-spam": False,
    "Auth-Failure": False,
    "": False,
}


@pytest.mark.parametrize(("name", "complaint"), TYPES.items(), ids=TYPES)
def test_not_every_feedback_is_a_complaint(name: str, complaint: bool) -> None:
    fields = COMPLAINT.replace("abuse", name)
    found = feedback_report(fields)
    assert (found.kind, bool(found.findings)) == ("feedback", complaint)
    assert (found.message_ids, found.return_addresses) == (("<orig.1@example.com>",), ("bounce+1@example.com",))
    assert all(each.diagnostic.startswith(name.lower().partition(" ")[0] + ",") for each in found.findings)
    assert not feedback_report("").findings


HIDDEN = "Message-ID: <orig.1@example.com>\nFrom: info@example.com\nTo: redacted@client.org\n"
COMPLAINERS = {
    "removal-recipient": ("Removal-Recipient: ann@client.org\n", RETURNED.replace("ann", "bob"), "ann@client.org"),
    "hidden-in-the-report": (
        "Original-Rcpt-To: <Redacted-1@client.org>\nRemoval-Recipient: ann@client.org\n",
        HIDDEN,
        "ann@client.org",
    ),
    "microsoft": ("", f"X-HmXmrOriginalRecipient: <ann@client.org>\n{HIDDEN}", "ann@client.org"),
    "yahoo": ("", f"X-Apparently-To: ann@client.org via 192.0.2.1; Thu, 4 Jan\n{HIDDEN}", "ann@client.org"),
    "standard-field": ("", f"Original-Recipient: rfc822;ann@client.org\n{HIDDEN}", "ann@client.org"),
    "to": ("", RETURNED, "ann@client.org"),
    "to-behind-an-mbox-line": ("", f"\n\nFrom ann Thu Jan 4\n{RETURNED}", "ann@client.org"),
    "to-with-a-name": ("", RETURNED.replace("ann@", '"Ray, Ann" <ann@').replace("\nSub", ">\nSub"), "ann@client.org"),
    "two-in-to": ("", RETURNED.replace("ann@", "bob@client.org, ann@"), None),
    "two-to-fields": ("", f"To: bob@client.org\n{RETURNED}", None),
    "one-in-cc": ("", f"Cc: bob@client.org\n{RETURNED}", None),
    "hidden-and-one-in-cc": ("", f"Cc: bob@client.org\n{HIDDEN}", None),
    "to-oneself": ("", "From: info@example.com\nTo: Info@example.com\nSubject: News\n", None),
    "to-the-return-address": (
        "Original-Mail-From: news@example.com\n",
        "From: info@example.com\nTo: news@example.com\n",
        None,
    ),
    "hidden": ("", HIDDEN, None),
    "undisclosed": ("", "To: undisclosed-recipients:;\n\nHello.\n", None),
    "undisclosed-address": ("", "To: <undisclosed@client.org>\n\nHello.\n", None),
    "stars": ("", "To: a**@client.org\n\nHello.\n", None),
    "no-domain-there-is": ("", "To: ann@client.org.invalid\n\nHello.\n", None),
    "quoted-in-the-body": ("", "From: info@example.com\n\nTo: ann@client.org\n", None),
    "nothing-given-back": ("", "", None),
}


@pytest.mark.parametrize(("fields", "original", "recipient"), COMPLAINERS.values(), ids=COMPLAINERS)
@pytest.mark.parametrize("as_type", ["message/rfc822", "text/rfc822-headers"])
def test_who_complained(fields: str, original: str, recipient: str | None, as_type: str) -> None:
    found = feedback_report(ABUSE + fields, original, as_type)
    assert [each.recipient for each in found.findings] == [recipient]


def test_a_complaint_that_is_encoded() -> None:
    encoded = base64.encodebytes(COMPLAINT.replace("\n", "\r\n").encode()).decode()
    raw = multipart(("message/feedback-report\nContent-Transfer-Encoding: base64", encoded))
    assert [each.recipient for each in read(raw).findings] == ["ann@client.org", "bob@client.org"]


def test_a_tls_report_is_another() -> None:
    raw = multipart(("text/plain", "See"), ("application/tlsrpt+gzip", "x"), **{"from": "tls@client.org"})
    assert (read(raw).kind, read(raw).findings) == ("other", ())


def test_what_cannot_be_understood_is_kept() -> None:
    found = read(multipart(("text/plain", "Your message could not be delivered. Sorry."), ("message/rfc822", RETURNED)))
    assert (found.kind, found.findings[0].recipient, found.findings[0].kind) == ("failed", None, "unknown")
    assert found.message_ids == ("<orig.1@example.com>",)
    assert read(multipart(("text/plain", "Something."))).kind == "failed"  # its subject says so
    assert read(multipart(("text/plain", "Something."), subject="Notice")).kind == "other"


AUTOMATIC = {
    "vacation": ("I am away until Monday. Please write to bob@client.org.\n", "Out of office"),
    "ticket": ("A new ticket from <ann@client.org> waits for you.\n", "Ticket 7"),
}


@pytest.mark.parametrize(("text", "subject"), AUTOMATIC.values(), ids=AUTOMATIC)
def test_a_null_reverse_path_alone_makes_no_report(text: str, subject: str) -> None:
    raw = mail(text, subject=subject, auto_submitted="auto-replied")
    assert report_in(facts(raw, reverse_path="")) is None
    assert read(raw, expected=True).kind == "automatic"


def test_an_automatic_reply_needs_a_field_of_its_own() -> None:
    raw = mail("I am away until Monday.\n", subject="Out of office")
    assert report_in(facts(raw, reverse_path=""), expected=True) is None


PERSONS = {
    "forwards-a-report": mail(
        f"--b\n\nLook, what is this?\n--b\nContent-Type: message/rfc822\n\n{standard().decode()}\n--b--\n",
        content_type="multipart/mixed; boundary=b",
    ),
    "quotes-a-report": mail(f"Why did this fail?\n\n{STATUS}"),
    "writes-about-failures": mail(
        "My mail to <ann@client.org> was rejected: 550 5.1.1 user unknown.\n", subject="Undeliverable"
    ),
    "daemon-as-display-name": mail("<ann@client.org>: failed\n", **{"from": "Mail Delivery System <bob@client.org>"}),
}


@pytest.mark.parametrize("expected", [False, True], ids=["alias", "bounce-address"])
@pytest.mark.parametrize("raw", PERSONS.values(), ids=PERSONS)
def test_a_persons_mail_is_never_a_report(raw: bytes, expected: bool) -> None:
    assert report_in(facts(raw), expected=expected) is None


def test_a_bounce_address_opens_the_gate_for_robots() -> None:
    text = "Could not be delivered to: <ann@client.org>\nAs their mailbox is full.\n"
    raw = mail(text, subject="Notice", **{"from": "scanner@client.org"}, auto_submitted="auto-generated")
    assert report_in(facts(raw)) is None
    assert read(raw, reverse_path="scanner@client.org", expected=True).findings[0].recipient == "ann@client.org"


def test_a_robot_is_believed_beside_a_copy_of_the_message() -> None:
    robot = {"from": "no-reply@client.org", "subject": "Mail delivery failed"}
    words = ("text/plain", "Could not be delivered to: <ann@client.org>\n")
    with_copy = multipart(words, ("message/rfc822", RETURNED), kind="mixed", **robot)
    assert read(with_copy, reverse_path="no-reply@client.org").findings[0].recipient == "ann@client.org"
    assert report_in(facts(multipart(words, kind="mixed", **robot), reverse_path="no-reply@client.org")) is None


@pytest.mark.parametrize(
    "sender", ["<>", "MAILER-DAEMON <>", "mailer-daemon", "Mail Delivery Subsystem <MAILER-DAEMON>", "Postmaster <>"]
)
def test_authors_that_are_no_address(sender: str) -> None:
    assert (
        one(plain("Undelivered:\n\n<ann@client.org>: 550 unknown user\n", **{"from": sender})).recipient
        == "ann@client.org"
    )


@pytest.mark.parametrize(
    "front", [b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n"]
)
def test_what_stands_in_front_of_the_header(front: bytes) -> None:
    assert one(front + standard()).recipient == "ann@client.org"


IDS = {
    "returned-part": (RETURNED, ("<orig.1@example.com>",)),
    "folded": ("Message-ID:\n <orig.1@example.com>\n\n", ("<orig.1@example.com>",)),
    "without-brackets": ("Message-ID: orig.1@example.com\n\n", ("<orig.1@example.com>",)),
    "kept-by-a-provider": (
        "X-Microsoft-Original-Message-ID: <ours@example.com>\nMessage-ID: <theirs@outlook.test>\n\n",
        ("<theirs@outlook.test>", "<ours@example.com>"),
    ),
}


@pytest.mark.parametrize(("original", "expected"), IDS.values(), ids=IDS)
def test_ids_of_the_original(original: str, expected: tuple[str, ...]) -> None:
    assert read(standard(original=original)).message_ids == expected


def test_ids_without_a_returned_part() -> None:
    text = "Undeliverable: <ann@client.org>\n\nMessage-ID: <said@example.com>\n"
    found = read(plain(text, in_reply_to="<answered@example.com>", references="<older@example.com>"))
    assert found.message_ids == ("<said@example.com>", "<answered@example.com>", "<older@example.com>")
    headers = multipart(("message/delivery-status", STATUS), ("text/rfc822-headers", RETURNED))
    assert read(headers).message_ids == ("<orig.1@example.com>",)
    attached = multipart(
        ("text/plain", "Undeliverable: <ann@client.org>\n"),
        ("text/plain; name=headers.txt\nContent-Disposition: attachment", RETURNED),
    )
    assert read(attached).message_ids == ("<orig.1@example.com>",)


RETURN_ADDRESSES = {
    "best-first": (
        "Reply-To: Info <answer+1@EXAMPLE.com>\nReturn-Path: <bounce+1@example.com>\n",
        ("bounce+1@example.com", "answer+1@example.com"),
    ),
    "folded-and-several": (
        'Reply-To: "Ray, Bob"\n <one@example.com>,\n\ttwo@example.com\n',
        ("one@example.com", "two@example.com"),
    ),
    "null": ("Return-Path: <>\nReply-To: <Answer@example.com>\n", ("Answer@example.com",)),
    "one-twice": ("Return-Path: a@example.com\nReply-To: a@example.com\n", ("a@example.com",)),
    "no-address": ("Reply-To: nobody\n", ()),
    "many": (
        "".join(f"Reply-To: u{n}@example.com, v{n}@example.com\n" for n in range(9)),
        tuple(f"{letter}{n}@example.com" for n in range(5) for letter in "uv"),
    ),
}


@pytest.mark.parametrize(("fields", "expected"), RETURN_ADDRESSES.values(), ids=RETURN_ADDRESSES)
@pytest.mark.parametrize("as_type", ["message/rfc822", "text/rfc822-headers"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_return_addresses_of_the_original(fields: str, expected: tuple[str, ...], as_type: str, end: str) -> None:
    raw = multipart(("message/delivery-status", STATUS), (as_type, fields + RETURNED)).replace(b"\n", end.encode())
    assert read(raw).return_addresses == expected


def test_return_addresses_of_a_complaint_start_with_its_own() -> None:
    many = "".join(f"Reply-To: u{n}@example.com\n" for n in range(12))
    found = feedback_report(f"{ABUSE}Original-Mail-From: <sent@example.com>\n", f"{many}{RETURNED}")
    assert found.return_addresses == ("sent@example.com", *(f"u{n}@example.com" for n in range(9)))


def test_a_quoted_header_has_no_return_addresses() -> None:
    quoted = "> Return-Path: <old@example.com>\n> Reply-To: older@example.com\n"
    assert read(standard(original=f"{RETURNED}\n{quoted}")).return_addresses == ()
    answered = read(standard(original=f"Reply-To: new@example.com\n{RETURNED}\n{quoted}"))
    assert answered.return_addresses == ("new@example.com",)
    raw = multipart(("message/delivery-status", STATUS), ("application/x-original", f"{RETURNED}\n{quoted}"))
    for end in (b"\n", b"\r\n"):
        assert read(raw.replace(b"\n", end)).return_addresses == ()


def test_return_addresses_of_several_returned_parts() -> None:
    many = ["".join(f"Reply-To: {letter}{n}@example.com\n" for n in range(8)) for letter in "uv"]
    found = read(
        multipart(*[("message/rfc822", each + RETURNED) for each in many], ("message/delivery-status", STATUS))
    )
    assert found.return_addresses == (*(f"u{n}@example.com" for n in range(8)), "v0@example.com", "v1@example.com")


def test_a_returned_part_without_an_id_keeps_its_return_addresses() -> None:
    told = ("text/plain", "Reply-To: somebody@client.org\nMessage-ID: <said@example.com>\n")
    found = read(
        multipart(told, ("message/delivery-status", STATUS), ("message/rfc822", "Return-Path: a@example.com\n"))
    )
    assert (found.return_addresses, found.message_ids) == (("a@example.com",), ("<said@example.com>",))


def test_return_addresses_without_a_returned_part() -> None:
    copy = f"Return-Path: <bounce+1@example.com>\nReply-To: answer+1@example.com\n{RETURNED}"
    expected = ("bounce+1@example.com", "answer+1@example.com"), ("<orig.1@example.com>",)
    words = "Undeliverable: <ann@client.org>\n\n--- Below this line is a copy of the message.\n\n"
    indented = "".join(f"    {row}\n" for row in copy.split("\n"))
    for text in (copy, indented):
        found = read(plain(words + text))
        assert (found.return_addresses, found.message_ids) == expected
    broken = read(standard(original=copy).replace(b'boundary="b1"', b'boundary="b2"'))
    assert (broken.return_addresses, broken.message_ids) == expected
    unknown = read(multipart(("message/delivery-status", STATUS), ("application/x-original", copy)))
    assert (unknown.return_addresses, unknown.message_ids) == expected


REASONS = [
    ("5.1.1", "550 5.1.1 user unknown", "no-such-address"),
    ("5.0.0", "550 No such mailbox here", "no-such-address"),
    ("5.1.1", "550 5.1.1 mailbox over quota", "mailbox-full"),
    ("5.2.2", "", "mailbox-full"),
    ("5.2.1", "550 account has been disabled", "mailbox-disabled"),
    ("5.1.6", "", "moved"),
    ("5.1.2", "550 Host unknown", "bad-domain"),
    ("5.4.4", "", "bad-domain"),
    ("4.4.1", "connect to mx[192.0.2.1]: Connection refused", "unreachable"),
    ("4.4.7", "message expired", "expired"),
    ("5.3.4", "552 message size exceeds fixed limit", "too-large"),
    ("5.7.1", "554 192.0.2.1 is listed by Spamhaus", "blocked"),
    ("5.7.1", "550 message looks like SPAM to us", "spam"),
    ("5.7.0", "552 virus found", "virus"),
    ("5.7.26", "550 fails DMARC policy", "authentication"),
    ("5.7.1", "550 access denied by policy", "policy"),
    ("5.7.1", "554 relay access denied", "relay-denied"),
    ("4.7.1", "450 greylisted, try again later", "greylisted"),
    ("4.7.0", "421 too many connections from your IP", "rate-limited"),
    ("5.4.6", "554 too many hops", "loop"),
    ("5.6.0", "", "content"),
    ("5.7.10", "", "encryption"),
    ("4.3.0", "451 queue file write error", "system-error"),
    ("5.9.9", "xyzzy", "unknown"),
    ("5.1.1", "550 <virus-spam@quota.client.org>: user unknown", "no-such-address"),
    ("", "user ann (ann@client.org) not listed in the directory", "no-such-address"),
    ("", "<expired@client.org>", "unknown"),
    ("", "", "unknown"),
]


@pytest.mark.parametrize(("status", "diagnostic", "kind"), REASONS)
def test_a_reason_has_its_kind(status: str, diagnostic: str, kind: str) -> None:
    assert diagnosis.kind(status, diagnostic) == kind


def test_every_kind_has_its_words() -> None:
    assert {kind for _, _, kind in REASONS} | {"complaint"} == set(diagnosis.KINDS)  # of feedback reports
    for kind in diagnosis.KINDS:
        english, german = diagnoses.reason(kind, "en"), diagnoses.reason(kind, "de-AT")
        assert english.endswith(".")
        assert german.endswith(".")
        assert english != german
        assert diagnoses.reason(kind, "fr") == english
    assert diagnoses.reason("never heard of", "en") == diagnoses.reason("unknown", "en")


def test_what_is_permanent() -> None:
    assert diagnosis.permanent("failed", "5.1.1", "no-such-address")
    assert diagnosis.permanent("failed", "", "no-such-address")
    assert not diagnosis.permanent("failed", "", "mailbox-full")
    assert not diagnosis.permanent("failed", "4.4.7", "expired")
    assert not diagnosis.permanent("delayed", "5.1.1", "no-such-address")


def test_flufl_is_asked_when_only_a_guess_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(flufl, "blocks", lambda message, words, senders: asked.append(words) or [])
    read(standard())
    read(plain("Undeliverable:\n\n<ann@client.org>: unknown user\n"))
    assert not asked
    read(plain("It was rejected.\nYou wrote lately, ann@client.org left the company.\n"))
    assert len(asked) == 1


def test_flufl_may_be_missing_or_broken(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    message = facts(plain("Undeliverable"), reverse_path="")
    monkeypatch.setitem(sys.modules, "flufl.bounce", None)
    assert flufl.blocks(message, "x", frozenset()) == []
    broken = ModuleType("flufl.bounce")
    broken.all_failures = lambda letter: 1 / 0
    monkeypatch.setitem(sys.modules, "flufl.bounce", broken)
    assert flufl.blocks(message, "x", frozenset()) == []
    assert capfd.readouterr() == ("", "")


def test_flufl_gets_a_short_text_of_short_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its patterns take a second for one line of 16,000 commas."""
    given: list[str] = []
    fake = ModuleType("flufl.bounce")
    fake.all_failures = lambda letter: given.append(letter.get_payload()) or ((), ())
    monkeypatch.setitem(sys.modules, "flufl.bounce", fake)
    read(plain("It failed.\n" + "," * 100_000 + "\nIt did.\n" * 100_000))
    (text,) = given
    assert len(text) <= 16_384
    assert max(map(len, text.split("\n"))) <= 998


def test_flufl_answers_are_filtered(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("flufl.bounce")
    answers = {b"ann@client.org", b"bounce@example.com", b"id@x.org", b"\xff"}
    fake.all_failures = lambda letter: (set(), answers)
    monkeypatch.setitem(sys.modules, "flufl.bounce", fake)
    message = facts(plain("Undeliverable", references="<id@x.org>"), reverse_path="")
    own = frozenset({"bounce@example.com"})
    assert [each.recipient for each in flufl.blocks(message, "x", own)] == ["ann@client.org"]


LARGE = {
    "10-mb-report": lambda: standard(original=RETURNED + "A line of text.\n" * 650_000),
    "10-mb-notice": lambda: plain("<ann@client.org>: 550 user unknown\n" * 300_000),
    "one-long-line": lambda: plain("failed " + "a" * 1_000_000 + "@" + "b" * 1_000_000),
    "at-signs": lambda: plain("failed " + "a@" * 1_000_000),
    "angle-brackets": lambda: plain("failed\n" + "<" * 1_000_000),
    "spaces": lambda: plain("failed\n" + " " * 1_000_000 + "\n" + "\t\n" * 500_000),
    "rules": lambda: plain("failed\n" + "----- original " * 100_000 + "\n" + "--\n" * 300_000),
    "failing-words": lambda: plain("delivery could not mailbox user address " * 30_000),
    "fields": lambda: standard("Final-Recipient: rfc822; a@x.org\n" * 100_000),
    "many-recipients": lambda: plain("failed:\n\n" + "".join(f"<u{n}@x.org>:\n550 no\n" for n in range(100_000))),
    "many-ids": lambda: standard(original="Message-ID: <" + "a" * 900_000 + "\nMessage-ID: <x@y>\n" * 50_000),
    "deep-nesting": lambda: multipart(("message/rfc822", "Content-Type: message/rfc822\n\n" * 50_000), kind="mixed"),
    "many-parts": lambda: multipart(*[("message/delivery-status", STATUS)] * 5000),
    "complainers": lambda: multipart(("message/feedback-report", ABUSE + "Original-Rcpt-To: a@x.org\n" * 100_000)),
    "a-long-list-of-complainers": lambda: multipart(
        ("message/feedback-report", f"{ABUSE}Original-Rcpt-To: {'a@x.org, ' * 100_000}"), ("message/rfc822", RETURNED)
    ),
    "odd-fields": lambda: multipart(
        ("message/feedback-report", "a:\n" * 300_000), ("message/rfc822", "a" * 1_000_000 + " " * 1_000_000)
    ),
    "return-addresses": lambda: standard(
        original=f"Reply-To: {'a@x.org, ' * 100_000}\n" + "Reply-To: <a@x>\n" * 50_000
    ),
    "folded": lambda: standard(original="Reply-To:" + "\n " * 500_000 + "\n  a:" * 100_000),
    "html": lambda: plain("<p>failed<b " * 200_000, content_type="text/html"),
}


@pytest.mark.parametrize("made", LARGE.values(), ids=LARGE)
def test_large_and_odd_ones_take_no_time(made) -> None:
    message = facts(made(), reverse_path="")
    started = time.process_time()
    found = report_in(message)
    assert time.process_time() - started < 2
    assert found is None or len(found.findings) <= dsn.BLOCKS_LIMIT


SEEDS = [
    standard(original=f"Return-Path: <bounce@example.com>\nReply-To: info@example.com\n{RETURNED}"),
    multipart(("message/feedback-report", COMPLAINT), ("message/rfc822", RETURNED)),
    plain(NOTICES["exim"][0]),
    plain(NOTICES["sendmail"][0]),
    plain(DELAYS[0]),
]


@settings(max_examples=300, deadline=None)
@given(data=st.data(), seed=st.sampled_from(SEEDS))
def test_changed_reports_never_raise(data: st.DataObject, seed: bytes) -> None:
    raw = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(raw)))
        cut = data.draw(st.integers(0, 40))
        raw[at : at + cut] = data.draw(
            st.binary(max_size=12) | st.sampled_from([b"\r", b"\n\n", b"--b1", b"<", b"@", b"\0"])
        )
    check(report_in(facts(bytes(raw), reverse_path=""), expected=True))


def check(found: Report | None) -> None:
    """Whatever a report says is clean: one line, within its limits."""
    if found is None:
        return
    assert found.kind in ("failed", "delayed", "delivered", "disposition", "feedback", "automatic", "other")
    assert all(each.startswith("<") and each.endswith(">") for each in found.message_ids)
    for each in found.findings:
        for text in (each.recipient or "", each.status, each.diagnostic, each.remote):
            assert "\n" not in text
            assert "\0" not in text
            text.encode()
        assert each.action in ("failed", "delayed", "delivered", "relayed", "expanded", "complaint")
        assert each.kind in (*diagnosis.KINDS, "complaint")
        assert (each.action == "complaint") == (each.kind == "complaint")
    assert len(found.return_addresses) <= report.ADDRESSES_LIMIT
    for text in found.return_addresses:
        assert "@" in text
        assert "\n" not in text
        assert "\0" not in text
        text.encode()


@pytest.mark.parametrize("name", ["hostile", "weird/mails"])
def test_corpora_never_raise(name: str) -> None:
    folder = CORPORA / name
    if not folder.is_dir():
        pytest.skip(f"no corpus in {folder}: name its parent in MAILGATE_CORPORA")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            for reverse_path in ("", "bob@client.org", None):
                check(report_in(facts(raw, reverse_path=reverse_path), expected=True))


def test_the_collected_reports_are_read_as_well_as_before() -> None:
    """What must hold over the collected mails."""
    folder = CORPORA / "bounces"
    if not folder.is_dir():
        pytest.skip(f"no corpus in {folder}: name its parent in MAILGATE_CORPORA")
    spec = importlib.util.spec_from_file_location("bounces", ROOT / "tests" / "bench" / "bounces.py")
    assert spec
    assert spec.loader
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    truth, answers, _ = bench.run(folder)
    found = bench.score(truth, answers)
    short = {name: found.percent(name) for name, bound in bench.BOUNDS.items() if found.percent(name) < bound}
    assert not short, found.wrong
    assert all(len(found.wrong.get(name, [])) <= most for name, most in bench.MISTAKES.items())


def test_parts_of_the_reader_never_raise() -> None:
    for text in (
        "",
        "\n",
        "@",
        "<>",
        "Final-Recipient:",
        "Message-ID:",
        "x" * 100_000,
        "\ud800".encode("utf-8", "replace").decode(),
    ):
        dsn.blocks(text)
        plaintext.split(text)
        original.read([text])
        arf.read(text, text)
        arf.read(ABUSE + text, text)
    assert isinstance(facts(b""), Message)
    assert report_in(facts(b"")) is None


ORDINARY = """
import subprocess
import sys
from mailgate.mail import classify, envelope, message
from mailgate.mail.incoming import Incoming
from mailgate.reports import report
raw = b"From: bob@client.org\\nTo: info@example.com\\nSubject: Hello\\n\\nHello.\\n"
incoming = Incoming(raw, "bob@client.org", ["info@example.com"])
facts = message.read(raw, lambda hints, author: envelope.read(incoming, hints, author))
assert report.read(facts, classify.classify(facts)) is None
print(*sorted(sys.modules))
"""


def test_an_ordinary_message_imports_nothing_of_the_reader() -> None:
    ran = subprocess.run([sys.executable, "-I", "-c", ORDINARY], capture_output=True, check=True, text=True, timeout=60)
    imported = set(ran.stdout.split())
    rooms = {name for name in imported if name.startswith("mailgate.reports.")}
    assert rooms == {"mailgate.reports.report", "mailgate.reports.evidence"}
    assert not imported & {"mailgate.mail.mime", "email", "flufl.bounce"}
