"""A header that something interrupts is read for people, and trusted no further than mail servers read it."""

import pytest
from helpers.messages import facts

from mailgate.mail import content, header

HEAD = (
    b"From: Ann Lee <ann@client.org>\nTo: support@example.com\nSubject: Boxes\n"
    b"Date: Mon, 4 Mar 2024 09:12:11 +0100\nMessage-ID: <a1@client.org>\nMIME-Version: 1.0\n"
    b"Content-Type: text/plain; charset=utf-8\n"
)
MAIL = HEAD + b"\nHello\n"
BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize(
    ("front", "noted"),
    [
        pytest.param(BOM, "a byte order mark in front of the header", id="bom"),
        pytest.param(BOM + BOM, "a byte order mark in front of the header", id="two-boms"),
        pytest.param(BOM.decode("cp1252").encode(), "a byte order mark in front of the header", id="bom-encoded-twice"),
        pytest.param(
            b"From ann@client.org Mon Mar 4\n" + BOM, "a byte order mark in front of the header", id="mbox-bom"
        ),
        pytest.param(
            b"Microsoft Mail Internet Headers Version 2.0\n",
            'a line in front of the header: "Microsoft Mail Internet Headers Version 2.0"',
            id="banner",
        ),
        pytest.param(BOM + b"+OK 312 octets\n", 'a line in front of the header: "+OK 312 octets"', id="bom-banner"),
        pytest.param(b"From ann@client.org Mon Mar 4\n", None, id="mbox"),
        pytest.param(b">From ann@client.org Mon Mar 4\n", None, id="escaped-mbox"),
        pytest.param(b"From a@b Mon\n>From c@d Mon\n", None, id="two-mbox-lines"),
    ],
)
def test_what_is_in_front_of_the_header_is_skipped_and_noted(front: bytes, noted: str | None, line_end: bytes) -> None:
    raw = (front + MAIL).replace(b"\n", line_end)
    message = facts(raw)
    assert (message.subject, str(message.author.address), message.message_id) == (
        *("Boxes", "ann@client.org"),
        "<a1@client.org>",
    )
    assert message.defects == ((noted,) if noted else ())
    assert content.content(raw).text.strip() == "Hello"


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize(
    ("stray", "shown"),
    [
        pytest.param(b"client.org, 12 ms\n", '"client.org, 12 ms"', id="broken-fold"),
        pytest.param(BOM, "a byte order mark", id="bom-in-front-of-a-field"),
        pytest.param(BOM + b"\n", "a byte order mark", id="bom-on-a-line"),
        pytest.param(b">From ann@client.org Mon Mar 4\n", '">From ann@client.org Mon Mar 4"', id="mbox-line"),
        pytest.param(b"no field\n\tfolded\n", '"no field"', id="folded"),
        pytest.param(b"one\ntwo\nthree\n", '"one"', id="three"),
        pytest.param(b"J\xf6rg\n", '"J\xf6rg"', id="8-bit"),
    ],
)
def test_the_fields_below_a_stray_line_are_read_for_people(stray: bytes, shown: str, line_end: bytes) -> None:
    raw = (b"Received: from a by b; Mon, 4 Mar 2024 09:12:11 +0100\n" + stray + MAIL).replace(b"\n", line_end)
    message = facts(raw)
    assert (message.subject, message.author.name, message.message_id) == ("Boxes", "Ann Lee", "<a1@client.org>")
    assert [str(address) for address in message.to] == ["support@example.com"]
    assert message.defects == (f"{header.ENDED} for mail servers: {shown}", header.FROM_BELOW)
    assert content.content(raw).text.strip() == "Hello"


def test_an_author_below_a_stray_line_is_unknown() -> None:
    author = facts(b"Received: from a by b\nstray\n" + MAIL).author
    assert (author.address, author.name, author.text) == (None, "Ann Lee", "Ann Lee <ann@client.org>")


def test_a_field_above_the_stray_line_counts_alone() -> None:
    message = facts(b"From: bob@client.org\nSubject: above\nstray\n" + MAIL)
    assert (str(message.author.address), message.subject, message.author.defect) == ("bob@client.org", "above", "")


def test_no_trace_of_a_mail_server_is_believed_below_a_stray_line() -> None:
    scanned = header.scan(
        b"Subject: a\nstray\nReturn-Path: <x@client.org>\nDelivered-To: y@example.com\n"
        b"Authentication-Results: mx.example.com; dmarc=pass\nFrom: a@b.org\nMessage-ID: <a@b>\n\n"
    )
    assert (scanned.return_path, scanned.trace, scanned.stamps) == (None, {}, ())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"Hello Bob,\n\nit broke.\n", id="prose"),
        pytest.param(b"Hello Bob,\nNote: it broke\nthanks\n\nAnn\n", id="prose-with-a-colon"),
        pytest.param(b"Hello Bob,\nI wrote\nFrom: there\nDate: today\n\nAnn\n", id="words-of-a-header"),
        pytest.param(b"a\nb\nc\nd\ne\nf\nMessage-ID: <x@y>\nSubject: z\n\nAnn\n", id="too-many-strays"),
        pytest.param(b"See below.\nSubject: a\nFrom: c@d.org\n", id="no-end"),
        pytest.param(b"fwd\nFrom: c@d.org\nTo: e@f.org\nSubject: old\n\nAnn\n", id="a-quoted-header"),
    ],
)
def test_text_without_an_empty_line_in_front_is_text(text: bytes) -> None:
    raw = b"From: ann@client.org\nTo: support@example.com\nSubject: Boxes\n" + text
    message = facts(raw)
    assert raw[message.body_at :] == text
    assert header.ENDED in message.defects
    assert content.content(raw).text == text.decode()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"Dear all,\nthis is text.\n\n" + HEAD, id="an-empty-line-between"),
        pytest.param(b"Dear all,\nSubject: we move\n\nAnn\n", id="one-field"),
        pytest.param(BOM + b"Dear all,\n\nAnn\n", id="text-with-a-bom"),
    ],
)
def test_a_text_without_a_header_is_no_banner(raw: bytes) -> None:
    assert facts(raw).subject == ""


def test_a_part_keeps_its_fields_behind_a_badly_folded_one() -> None:
    raw = (
        b"From: a@b.org\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: application/pdf;\n"
        b'name="a.pdf"\nContent-Disposition: attachment;\nfilename="b.pdf"\nContent-Transfer-Encoding: base64\n\n'
        b"SGVsbG8=\n--x\n\ntext\n--x--\n"
    )
    found = content.content(raw)
    assert found.text == "text"
    assert [(file.name, file.type, file.size) for file in found.attachments] == [("b.pdf", "application/pdf", 5)]
