"""The header of what goes to a record's people, and the body as its author wrote it."""

import re
from email.utils import getaddresses

import pytest
from helpers.gateway import Gateway
from helpers.messages import BOB, HOME, SECRET, facts, mail
from helpers.queued import queued
from hypothesis import given
from hypothesis import strategies as st

from mailgate.compose import mime, posting
from mailgate.compose.posting import Heading, Identity, Recipient, Thread
from mailgate.mail import content
from mailgate.mail.content import Content
from mailgate.values import address, mailboxes, token
from mailgate.values.directory import Domain

NOW = 1_700_000_000.0
RECORD = "crm.lead/7"
OURS = Identity(HOME, ("info", "catchall"), SECRET)
MARK = token.new_mark(token.POST, SECRET, b"0123456789")
ID = f"<{MARK}@example.com>"


def copied(raw: bytes, parent: str | None = None, whom: Identity = OURS) -> bytes:
    """The copy of a message that Anna gets."""
    message = facts(raw, "info@example.com")
    heading = posting.heading(message, whom, MARK, parent, NOW)
    head = posting.header(whom, heading, ["anna@team.org"], "info+x@example.com", copy=True)
    return head + raw[message.body_at :]


def header(octets: bytes) -> list[tuple[str, str]]:
    """Every field of a header that is well formed, unfolded."""
    head, end, _ = octets.partition(b"\n\n")
    assert end
    lines = re.sub(rb"\n(?=[ \t])", b"", head).split(b"\n")
    matches = [re.fullmatch(rb"([!-9;-~]+): ([^\x00-\x1f\x7f]*)", line) for line in lines]
    assert all(matches), lines
    assert all(line.strip() for line in head.split(b"\n")), "a line of blanks ends the header for some readers"
    return [(each[1].decode(), each[2].decode()) for each in matches if each]


def names(octets: bytes) -> list[str]:
    return [name for name, _ in header(octets)]


def value(octets: bytes, name: str) -> str:
    (found,) = [text for each, text in header(octets) if each == name]
    return found


def who(octets: bytes) -> tuple[str, str]:
    """Name and address of the author; other programs agree about the address."""
    assert [each for _, each in getaddresses([value(octets, "From")])] == ["info@example.com"]
    author = facts(octets).author
    assert not author.defect
    return author.name, str(author.address)


ALWAYS = ["From", "To", "Reply-To", "Subject", "Date", "Message-ID"]
MARKS = ["X-Auto-Response-Suppress", "X-Mailgate-Loop"]


# --- who writes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("author", "name"),
    [
        pytest.param("Bob Ray <bob@client.org>", "Bob Ray (bob@client.org)", id="words"),
        pytest.param('"Ray, Bob" <bob@client.org>', "Ray, Bob (bob@client.org)", id="comma"),
        pytest.param(r'"Bob \"B\" Ray" <bob@client.org>', 'Bob "B" Ray' + " (bob@client.org)", id="quotes"),
        pytest.param(r'"Bob \\" <bob@client.org>', "Bob \\ (bob@client.org)", id="backslash"),
        pytest.param(r'"\\\"" <bob@client.org>', '\\"' + " (bob@client.org)", id="both"),
        pytest.param('"eve@else.org" <bob@client.org>', "bob@client.org", id="F8-an-address"),
        pytest.param('"<eve@else.org>," <bob@client.org>', "bob@client.org", id="F8-an-address-in-brackets"),
        pytest.param(
            "=?utf-8?q?J=C3=B6rg_M=C3=BCller?= <bob@client.org>", "Jörg Müller (bob@client.org)", id="umlauts"
        ),
        pytest.param("Jörg <bob@client.org>", "Jörg (bob@client.org)", id="raw-utf-8"),
        pytest.param("=?utf-8?b?5bGx55Sw5aSq6YOO?= <bob@client.org>", "山田太郎 (bob@client.org)", id="han"),
        pytest.param(
            "=?utf-8?b?2LnZhNuM4oCM2LHYttin?= <bob@client.org>", "علی\u200cرضا (bob@client.org)", id="persian"
        ),
        pytest.param("=?utf-8?q?a=0D=0ABcc=3A_eve=40else.org?= <bob@client.org>", "bob@client.org", id="line-end"),
        pytest.param("=?utf-8?q?a=E2=80=A8=C2=85b?= <bob@client.org>", "a b (bob@client.org)", id="unicode-line-ends"),
        pytest.param(
            "=?utf-8?q?a=E2=80=AEgpj.exe?= <bob@client.org>",
            "agpj.exe (bob@client.org)",
            id="right-to-left-override",
        ),
        pytest.param(
            "=?utf-8?q?a=00=1B=5B31mb?= <bob@client.org>", "a\ufffd\ufffd[31mb (bob@client.org)", id="controls"
        ),
        pytest.param(
            "=?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?= <bob@client.org>",
            "=?utf-8?q?x?= (bob@client.org)",
            id="encoded-twice",
        ),
        pytest.param(f"{'x' * 300} <bob@client.org>", "x" * 100 + " (bob@client.org)", id="300-characters"),
        pytest.param(
            f"=?utf-8?b?{'w7bDtsO2' * 15}?= <bob@client.org>", "ö" * 45 + " (bob@client.org)", id="several-words"
        ),
        pytest.param("bob@client.org", "bob@client.org", id="no-name"),
        pytest.param('"" <bob@client.org>', "bob@client.org", id="empty-name"),
        pytest.param("=?utf-8?q?=E2=80=8B?= <bob@client.org>", "bob@client.org", id="nothing-to-see"),
        pytest.param('"a b"@client.org', '"a b"@client.org', id="no-name-quoted-local-part"),
        pytest.param("a@b.org, c@d.org", "unknown author: a@b.org, c@d.org", id="author-unknown"),
        pytest.param("nobody", "unknown author: nobody", id="no-address"),
        pytest.param(None, "unknown author", id="no-from"),
        pytest.param("", "unknown author", id="empty-from"),
        pytest.param('"Example.COM support" <bob@client.org>', "bob@client.org", id="F8-a-local-domain"),
        pytest.param("=?utf-8?q?ann=EF=BC=A0staff?= <bob@client.org>", "bob@client.org", id="F8-a-wide-at-sign"),
        pytest.param("=?utf-8?q?example=E2=80=8D.com?= <bob@client.org>", "bob@client.org", id="F8-a-joiner"),
    ],
)
def test_the_name_is_the_authors_and_the_address_is_ours(author: str | None, name: str) -> None:
    """F8: it is we who sign the copy, so the author's address stands where a person reads it."""
    octets = copied(mail(**{"from": author}))
    assert who(octets) == (name, "info@example.com")
    assert value(octets, "From").isascii()


@given(st.text(max_size=150))
def test_no_name_breaks_out_of_from(name: str) -> None:
    heading = Heading(name, "x", ID, MARK, Thread(), NOW, ())
    octets = posting.header(OURS, heading, ["anna@team.org"], "info@example.com", copy=False)
    assert names(octets) == [*ALWAYS, "References", "X-Mailgate-Loop"]
    assert who(octets) == (mime.shown(name, 360), "info@example.com")


# --- where answers and reports go ------------------------------------------------------------------------------------

LONG = "a" * 50


@pytest.mark.parametrize(
    ("domain", "locals_", "number", "reply_to", "back"),
    [
        pytest.param(HOME, ("info", "catchall"), 7, r"info\+mg1r\w{19}", r"bounce\+mg1b\w{19}", id="alias"),
        pytest.param(HOME, ("catchall",), 7, r"catchall\+mg1r\w{19}", r"bounce\+mg1b\w{19}", id="no-alias"),
        pytest.param(HOME, ("a" * 40, "all"), 7, r"a{40}\+mg1r\w{19}", r"bounce\+mg1b\w{19}", id="64-octets"),
        pytest.param(HOME, ("a" * 40, "all"), 32, r"all\+mg1r\w{20}", r"bounce\+mg1b\w{20}", id="65-octets"),
        pytest.param(HOME, ("a" * 64, "all"), 7, r"all\+mg1r\w{19}", r"bounce\+mg1b\w{19}", id="longest-alias"),
        pytest.param(HOME, (LONG, LONG + "b"), 7, LONG, r"bounce\+mg1b\w{19}", id="long-alias-and-catchall"),
        pytest.param(HOME, ("info",), (1 << 60) - 1, r"info\+mg1r\w{30}", r"bounce\+mg1b\w{30}", id="large-number"),
        pytest.param(HOME._replace(bounce=LONG), ("info",), 7, r"info\+mg1r\w{19}", LONG, id="long-bounce-name"),
        pytest.param(HOME._replace(delimiter="-"), ("info",), 7, r"info-mg1r\w{19}", r"bounce-mg1b\w{19}", id="minus"),
        pytest.param(HOME._replace(delimiter=""), ("info", "all"), 7, "info", "bounce", id="no-delimiter"),
        pytest.param(HOME._replace(details=False), ("info", "all"), 7, "info", "bounce", id="turned-off"),
    ],
)
def test_a_recipient_gets_a_signed_reply_to_and_return_path(
    domain: Domain, locals_: tuple[str, ...], number: int, reply_to: str, back: str
) -> None:
    found = posting.recipient(Identity(domain, locals_, SECRET), BOB, RECORD, number, BOB)
    assert found.address == BOB
    for written, wanted in ((found.reply_to, reply_to), (found.reverse_path, back)):
        assert re.fullmatch(rf"{wanted}@example\.com", written)
        assert len(written.partition("@")[0]) <= 64
        assert address.parse(written)


def test_signed_addresses_are_what_is_checked() -> None:
    found: Recipient = posting.recipient(OURS, "Bob Ray <bob@client.org>", RECORD, 7, BOB)
    for written, purpose in ((found.reply_to, token.REPLY), (found.reverse_path, token.BOUNCE)):
        detail = token.parse(written.partition("@")[0])
        assert detail
        assert (detail.purpose, detail.number) == (purpose, 7)
        assert token.fault(detail, (SECRET,), RECORD, BOB) == ""


# --- the thread ------------------------------------------------------------------------------------------------------


def ids(*numbers: int) -> list[str]:
    return [f"<{number}@x.org>" for number in numbers]


@pytest.mark.parametrize(
    ("references", "wanted"),
    [
        pytest.param([], [], id="none"),
        pytest.param(ids(1, 2), ids(1, 2), id="two"),
        pytest.param(ids(*range(18)), ids(*range(18)), id="18-and-two"),
        pytest.param(ids(*range(19)), ids(0, *range(2, 19)), id="one-too-many"),
        pytest.param(ids(*range(1000)), ids(0, *range(983, 1000)), id="1000"),
        pytest.param(ids(1, 1, 2, 1), ids(1, 2), id="repeated"),
        pytest.param(["<a b@x>", f"<{'x' * 300}@y>", "<=?utf-8?q?x?=@y>", "<ü@x>", "<>", "<a\x01@x>"], [], id="no-ids"),
    ],
)
def test_references_hold_the_thread_and_the_own_id(references: list[str], wanted: list[str]) -> None:
    octets = copied(mail(references=" ".join(references)))
    wanted = ["<ab@x>"] * ("<a b@x>" in references) + wanted  # a blank in an id is a fold that broke it
    assert value(octets, "References").split() == [*wanted, "<m1@client.org>", ID]
    assert len(value(octets, "References").split()) <= 20
    assert all(len(line) <= 300 for line in octets.split(b"\n"))


@pytest.mark.parametrize(
    ("fields", "parent", "answers", "references"),
    [
        pytest.param({}, None, None, ["<m1@client.org>"], id="new"),
        pytest.param({}, "<p@example.com>", "<p@example.com>", ["<m1@client.org>"], id="by-its-signed-address"),
        pytest.param({"in_reply_to": "<a@x>"}, "<p@y>", "<a@x>", ["<a@x>", "<m1@client.org>"], id="in-reply-to"),
        pytest.param(
            {"in_reply_to": "<b@x>", "references": "<a@x> <b@x>"},
            "<p@y>",
            "<b@x>",
            ["<a@x>", "<b@x>", "<m1@client.org>"],
            id="both",
        ),
        pytest.param({"references": "<a@x>"}, "<p@y>", "<p@y>", ["<a@x>", "<m1@client.org>"], id="references-only"),
        pytest.param({"message_id": None}, None, None, [], id="no-id"),
        pytest.param({"message_id": "<a\x01b@x>"}, None, None, [], id="an-id-with-a-control"),
        pytest.param({"in_reply_to": "<a b@x>"}, None, "<ab@x>", ["<ab@x>", "<m1@client.org>"], id="a-broken-parent"),
        pytest.param({"in_reply_to": "<ü@x>"}, None, None, ["<m1@client.org>"], id="a-parent-that-is-no-id"),
    ],
)
def test_a_copy_stands_where_its_original_stands(
    fields: dict[str, str | None], parent: str | None, answers: str | None, references: list[str]
) -> None:
    octets = copied(mail(**fields), parent)
    assert ("In-Reply-To" in names(octets)) == (answers is not None)
    assert answers is None or value(octets, "In-Reply-To") == answers
    assert value(octets, "References").split() == [*references, ID]
    assert value(octets, "Message-ID") == ID
    assert value(octets, "X-Mailgate-Loop") == MARK


@pytest.mark.parametrize(
    ("name", "last", "wanted"),
    [
        pytest.param("Offer", "", "Offer", id="first"),
        pytest.param("Offer", " ", "Offer", id="blank"),
        pytest.param("Offer", "Hello", "Re: Hello", id="answer"),
        pytest.param("Offer", "Re: Hello", "Re: Hello", id="once"),
        pytest.param("Offer", "RE : Hello", "RE : Hello", id="another-spelling"),
        pytest.param("Offer", "Reading", "Re: Reading", id="only-looks-like-it"),
    ],
)
def test_a_post_has_the_subject_of_the_conversation(name: str, last: str, wanted: str) -> None:
    assert posting.subject(name, last) == wanted


@pytest.mark.parametrize(
    ("subject", "wanted"),
    [
        pytest.param("Hello", "Hello", id="ascii"),
        pytest.param("=?utf-8?q?Caf=C3=A9?= au lait", "Café au lait", id="encoded"),
        pytest.param("=?utf-8?q?a=0D=0ABcc:_x=40y.z=0D=0A=0D=0A<b>?=", "a Bcc: x@y.z <b>", id="line-ends"),
        pytest.param("=?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?= y", "=?utf-8?q?x?= y", id="encoded-twice"),
        pytest.param("x" * 2000, "x" * 500, id="long"),
        pytest.param("ö" * 2000, "ö" * 500, id="long-and-not-ascii"),
        pytest.param(" ".join(["word"] * 50), " ".join(["word"] * 50), id="folded"),
        pytest.param(None, "", id="none"),
    ],
)
def test_a_copy_has_the_subject_of_its_message(subject: str | None, wanted: str) -> None:
    octets = copied(mail(subject=subject))
    assert facts(octets).subject == wanted
    assert all(len(line) <= 998 for line in octets.split(b"\n"))


def test_the_date_is_that_of_the_copy() -> None:
    assert value(copied(mail(date="Mon, 1 Jan 1990 00:00:00 +0000")), "Date") == "Tue, 14 Nov 2023 22:13:20 +0000"


@pytest.mark.parametrize("to", [[], ["a@b.org"], [f"person{n}@client.org" for n in range(30)]], ids=len)
def test_to_names_the_recipient_alone(to: list[str]) -> None:
    heading = Heading("Us", "x", ID, MARK, Thread(), NOW, ())
    octets = posting.header(OURS, heading, to, "info@example.com", copy=False)
    assert [str(each) for each in mailboxes.read(value(octets, "To"))] == to if to else "To" not in names(octets)


# --- nothing gets in -------------------------------------------------------------------------------------------------


def test_a_copy_keeps_the_marks_of_other_gateways() -> None:
    loops = (("X-Mailgate-Loop", value) for value in ("mg1.one", "two words", "mg1.two"))
    raw = mail("Hi\n", *loops)
    kept = [text for name, text in header(copied(raw)) if name == "X-Mailgate-Loop"]
    assert kept == [MARK, "mg1.one", "mg1.two"]


def test_the_fields_of_a_copy() -> None:
    raw = mail(
        "",
        ("Bcc", "eve@else.org"),
        ("Received", "by mx"),
        ("DKIM-Signature", "v=1"),
        ("Return-Receipt-To", BOB),
        ("Disposition-Notification-To", BOB),
        ("X-Mailgate-Loop", "mg1.p.x.y"),
        ("Reply-To", BOB),
        ("Sender", BOB),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("content-type", "text/html"),
        ("MIME-Version", "1.0"),
        ("Content-Transfer-Encoding", "8bit"),
        ("Content-Length", "7"),
        ("Content-Disposition", 'attachment; filename="x"'),
        ("Content-ID", "<part@client.org>"),
        ("Content-Language", "de"),
        ("Content-Type-Extra", "x"),
        in_reply_to="<a@x>",
    )
    assert header(copied(raw))[-9:] == [
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("X-Mailgate-Loop", MARK),
        ("X-Mailgate-Loop", "mg1.p.x.y"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "8bit"),
        ("Content-Disposition", 'attachment; filename="x"'),
        ("Content-Language", "de"),
        ("Content-ID", "<part@client.org>"),
    ]
    assert names(copied(raw))[:-9] == [*ALWAYS, "In-Reply-To", "References"]


CONTENT = st.text(st.characters(max_codepoint=0x17F, exclude_characters="\n"), max_size=120)
FOLD = st.sampled_from(
    ["\n ", "\n\t", "\r\n ", "\r", "\x0b", "\x00", "\u2028", " " * 90, "=?utf-8?q?=0A=0AX:_y?=", "x" * 90]
)
WILD = st.lists(CONTENT | FOLD, max_size=6).map("".join)


@given(WILD, WILD, WILD, WILD, WILD, WILD)
def test_no_field_breaks_out(
    author: str, subject: str, kind: str, encoding: str, message_id: str, references: str
) -> None:
    fields = {"from": f"{author} <{BOB}>", "subject": subject, "content_type": kind, "message_id": f"<{message_id}@x>"}
    raw = mail("Hi.\n", **fields, content_transfer_encoding=encoding, in_reply_to=f"<{references}@x>")
    octets = copied(raw)
    found = names(octets)
    optional = {"In-Reply-To", "Content-Type", "Content-Transfer-Encoding"}
    assert [name for name in found if name not in optional] == [*ALWAYS, "References", *MARKS]
    assert len(found) == len(set(found))
    assert octets.endswith(b"\n\n" + raw[facts(raw).body_at :])


# --- the body --------------------------------------------------------------------------------------------------------

MIXED = b"""\
MIME-Version: 1.0
Content-Type: multipart/mixed;
\tboundary="=_b  ound"

preamble
--=_b  ound
Content-Type: text/plain; charset=iso-8859-1

Gr\xfc\xdfe
--=_b  ound
Content-Type: application/pdf; name="a.pdf"
Content-Disposition: attachment; filename="=?utf-8?q?=C3=A4.pdf?="
Content-Transfer-Encoding: base64

JVBERi0=
--=_b  ound
Content-Type: message/rfc822

Subject: inside

x
--=_b  ound--
epilogue
"""
FROM = b"From: Bob Ray <bob@client.org>\nTo: info@example.com\nSubject: Hello\nMessage-ID: <m1@client.org>\n"
ALTERNATIVE = (
    FROM + b"Content-Type: multipart/alternative; boundary=x\n\n"
    b"--x\n\nplain\n--x\nContent-Type: text/html\n\n<b>rich</b>\n--x--\n"
)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(mail("Hi.\n"), id="plain"),
        pytest.param(mail(""), id="empty"),
        pytest.param(mail("no line end"), id="no-line-end"),
        pytest.param(mail("\n\n\nHi.\n\n\n"), id="blank-lines"),
        pytest.param(mail(b"Gr\xc3\xbc\xc3\x9fe \xff\x00\x1b\n"), id="8-bit"),
        pytest.param(mail(b"Gr\xfc\xdfe\n", content_type="text/plain; charset=iso-8859-1"), id="latin-1"),
        pytest.param(mail("a=20b=\nc\n", content_transfer_encoding="quoted-printable"), id="quoted-printable"),
        pytest.param(mail("SGkuCg==\n", content_transfer_encoding=" BASE64 "), id="base64"),
        pytest.param(mail("Hi.\nYou.\n").replace(b"\n", b"\r\n"), id="crlf"),
        pytest.param(mail("Hi.\r\nYou.\nMixed.\r\n"), id="crlf-in-the-body-only"),
        pytest.param(mail("Hi.\rYou.\r\n"), id="lone-cr"),
        pytest.param(mail("From here\n.\n>From there\n-- \nsig\n"), id="from-and-dots"),
        pytest.param(FROM + MIXED, id="attachments"),
        pytest.param((FROM + MIXED).replace(b"\n", b"\r\n"), id="attachments-crlf"),
        pytest.param(ALTERNATIVE, id="alternative"),
        pytest.param(
            FROM + b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0=\n",
            id="pdf",
        ),
        pytest.param(FROM + b"Content-Type: text/html\n\n<p>Hi <b>you</b>\n", id="html"),
        pytest.param(FROM, id="no-end-of-header"),
        pytest.param(FROM.rstrip(b"\n"), id="no-end-of-header-and-no-line-end"),
        pytest.param(FROM + b"This is no field\nand: this is none either\n\nHi.\n", id="no-field"),
        pytest.param(
            FROM + b"Content-Type: multipart/mixed; boundary=x\n--x\n\nHi.\n--x--\n", id="delimiter-ends-the-header"
        ),
        pytest.param(b"From bob@client.org Mon Jan  1 00:00:00 2024\n" + mail("Hi.\n"), id="mbox-line"),
        pytest.param(b"\tfolded: x\n" + mail("Hi.\n"), id="starts-with-white-space"),
    ],
)
def test_the_body_is_as_it_was(raw: bytes) -> None:
    octets = copied(raw)
    message = facts(raw)
    head, body = octets[: len(octets) - len(raw) + message.body_at], octets[len(octets) - len(raw) + message.body_at :]
    assert body == raw[message.body_at :]
    assert head.endswith(b"\n\n")
    assert b"\n\n" not in head[:-2]
    before, after = content.content(raw), content.content(octets)
    assert (after.text, after.html, after.attachments) == (before.text, before.html, before.attachments)
    for at in range(len(before.attachments)):
        assert content.attachment_bytes(octets, at) == content.attachment_bytes(raw, at)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(mail("Hi.\n"), id="plain"),
        pytest.param((FROM + MIXED).replace(b"\n", b"\r\n"), id="attachments-crlf"),
        pytest.param(b"From bob@client.org Mon Jan  1 00:00:00 2024\n" + FROM + MIXED, id="attachments-mbox-line"),
        pytest.param(FROM, id="no-end-of-header"),
        pytest.param(mail(b"\xff\x00" * 3_000_000), id="6-megabytes"),
    ],
)
def test_what_leaves_is_that_header_and_that_body(gateway: Gateway, raw: bytes) -> None:
    gateway.change("info@example.com", notify=("anna@team.org", "carl@team.org"))
    gateway(raw, "info@example.com")
    with gateway.store.read() as tx:
        copies = queued(tx)
    assert len(copies) == 2
    for copy in copies:
        octets = copy.octets
        assert names(octets)[:6] == ALWAYS
        assert octets == copy.own + raw[facts(raw).body_at :]
        assert len(copy.own) < 2000, "one body serves all"
        assert content.content(octets).attachments == content.content(raw).attachments


def test_the_bodies_of_these_tests_are_read_as_intended() -> None:
    found: Content = content.content(copied(FROM + MIXED))
    assert found.text == "Grüße"
    assert [(each.name, each.size) for each in found.attachments] == [("ä.pdf", 5), ("inside.eml", 18)]


def test_a_header_with_bare_cr_lines_is_copied() -> None:
    raw = mail("Hi.\nYou.\n").replace(b"\n", b"\r")
    octets = copied(raw)
    assert octets.endswith(b"\n\nHi.\rYou.\r")
    assert who(octets) == ("Bob Ray (bob@client.org)", "info@example.com")
