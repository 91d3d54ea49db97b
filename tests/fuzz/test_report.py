"""Reports: what a mail system writes is read back; what nobody could mean does no harm."""

import re

from fuzz.checks import clean
from fuzz.strategies import ADDRESSES, BODIES, NASTY, SOUP, WORDS, fuzz, octets, soups
from helpers.messages import facts, mail, report_in
from hypothesis import given
from hypothesis import strategies as st

from mailgate.reports import diagnosis, dsn, report
from mailgate.reports.report import Report
from mailgate.values.address import Address

ACTIONS = st.sampled_from(["failed", "delayed", "delivered", "relayed", "expanded"])
STATUS = re.compile(r"(?:[245]\.\d{1,3}\.\d{1,3})?")
SAID = st.sampled_from(
    [
        *("550 5.1.1 <ann@client.org>: unknown user", "could not be delivered", "<ann@client.org>", "mailbox is full"),
        *("The following recipients failed:", "  ann@client.org", "Final-Recipient: rfc822; ann@client.org", "--b"),
        *("Action: failed", "Action: delayed", "Status: 4.2.2", "Diagnostic-Code: smtp; 550 no", "Remote-MTA: dns; x"),
        *("Message-ID: <m1@example.com>", "Reply-To: info@example.com", "--- Original message ---", "Received: by mx"),
        *("Original-Recipient: utf-8; a\\x{E9}@x.org", "Feedback-Type: abuse", "Original-Rcpt-To: ann@client.org", ""),
        *("will keep trying", "Content-Type: message/delivery-status", "Content-Type: message/rfc822", "--b--"),
    ]
)
MAILBOXES = ADDRESSES.filter(
    lambda each: each.printed_local == each.local
)  # in quotes anything is read, and a little of it wrong
ROWS = st.lists(SAID | SOUP, max_size=20).map(lambda rows: octets("\n".join(rows)))
GATES: dict[str, dict[str, str | None]] = {
    "report": {"content_type": 'multipart/report; report-type=delivery-status; boundary="b"'},
    "status": {"content_type": "message/delivery-status"},
    "daemon": {"from": "Mail Delivery System <MAILER-DAEMON@client.org>"},
    "exim": {"x_failed_recipients": "ann@client.org, carl@client.org"},
    "person": {},
}


def holds(found: Report | None) -> None:
    """What is true of every report."""
    if found is None:
        return
    assert found.kind in ("failed", "delayed", "delivered", "disposition", "feedback", "automatic", "other")
    assert len(found.message_ids) <= report.IDS_LIMIT
    assert len(found.return_addresses) <= report.ADDRESSES_LIMIT
    assert len(set(found.findings)) == len(found.findings) <= dsn.BLOCKS_LIMIT
    clean(found._replace(findings=()), "a report")
    clean(report.summary(found), "a summary")
    for each in found.findings:
        clean(each._replace(permanent=None), "a finding")
        assert each.action in ("failed", "delayed", "delivered", "relayed", "expanded", "complaint")
        assert STATUS.fullmatch(each.status)
        assert len(each.diagnostic) <= dsn.DIAGNOSTIC_LIMIT
        assert len(each.remote) <= 255
        assert each.kind in diagnosis.KINDS
        assert not each.permanent or each.action in ("failed", "complaint")
        assert each.recipient is None or "@" in each.recipient


@fuzz
@given(ROWS, st.sampled_from(list(GATES)), st.booleans(), st.sampled_from(["", "bob@client.org", None]))
def test_any_words_are_read_without_an_exception(
    body: bytes, gateway: str, expected: bool, reverse_path: str | None
) -> None:
    raw = mail(body, to="bounce@example.com", **GATES[gateway])
    found = report_in(facts(raw, reverse_path=reverse_path), expected=expected)
    holds(found)
    crlf = report_in(
        facts(raw.replace(b"\r", b"").replace(b"\n", b"\r\n"), reverse_path=reverse_path), expected=expected
    )
    if b"\r" not in raw:
        assert crlf == found
    if found is not None and not expected:
        assert report_in(facts(raw, reverse_path=reverse_path), expected=True) is not None


@fuzz
@given(soups() | BODIES, st.booleans())
def test_any_octets_are_read_without_an_exception(raw: bytes, expected: bool) -> None:
    for start in (b"", b"\xef\xbb\xbf", b"\r\n", b"From: <>\n", b"Content-Type: multipart/report; boundary=b\n"):
        holds(report_in(facts(start + raw, reverse_path=""), expected=expected))


@st.composite
def told(draw: st.DrawFn) -> tuple[Address, str, str, str]:
    """Recipient, action, status, diagnostic."""
    action = draw(ACTIONS)
    first = {"failed": "5", "delayed": "4"}.get(action, "2")
    status = f"{first}.{draw(st.integers(0, 9))}.{draw(st.integers(1, 99))}"
    words = draw(st.lists(WORDS.filter(lambda word: ":" not in word and ";" not in word), max_size=6).map(" ".join))
    return draw(MAILBOXES), action, status, f"550 {words}".strip()


@fuzz
@given(st.lists(told(), min_size=1, max_size=5, unique_by=lambda each: each[0].key), st.sampled_from(["\n", "\r\n"]))
def test_what_is_written_is_read_back(blocks: list[tuple[Address, str, str, str]], end: str) -> None:
    status = "\n".join(
        f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {code}\nDiagnostic-Code: smtp; {said}\n"
        for recipient, action, code, said in blocks
    )
    parts = (
        f"--b\n\nIt failed.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n{status}\n--b--\n"
    )
    raw = mail(parts, to="bounce@example.com", **GATES["report"]).replace(b"\n", end.encode())
    found = report_in(facts(raw, reverse_path=""))
    holds(found)
    assert found
    read = [(each.recipient, each.action, each.status, each.diagnostic) for each in found.findings]
    assert read == [(str(recipient), action, code, said) for recipient, action, code, said in blocks]


@fuzz
@given(SOUP, st.lists(NASTY, max_size=5).map("".join))
def test_any_status_part_is_read_without_an_exception(recipient: str, more: str) -> None:
    text = f"Final-Recipient: rfc822; {recipient}\nAction: {more}\nStatus: {more}\nDiagnostic-Code: {recipient}{more}"
    for each in dsn.blocks(text.replace("\r", "\n")):
        assert each.action in dsn.ACTIONS.values()
        assert STATUS.fullmatch(each.status)
