"""Facts out of bytes: the header scan, the ids, the digest; and never a changed byte."""

import hashlib

import pytest
from helpers.messages import facts, mail
from hypothesis import given
from hypothesis import strategies as st

from mailgate.mail import message

HEAD = b"From: bob@client.org\nSubject: x\n"


@pytest.mark.parametrize(
    ("raw", "subject", "body"),
    [
        pytest.param(b"Subject: a\n\nbody\n", "a", b"body\n", id="lf"),
        pytest.param(b"Subject: a\r\n\r\nbody\r\n", "a", b"body\r\n", id="crlf"),
        pytest.param(b"Subject: a\r\n\nbody", "a", b"body", id="mixed-line-ends"),
        pytest.param(b"Subject: a\n\r\nbody", "a", b"body", id="mixed-the-other-way"),
        pytest.param(b"From x@y Mon Jan 1 00:00:00 2024\nSubject: a\n\nbody", "a", b"body", id="B10-mbox-line"),
        pytest.param(b"SUBJECT:a\n\nbody", "a", b"body", id="case-and-no-blank"),
        pytest.param(b"Subject:  \t a b \n\nbody", "a b", b"body", id="blanks-around"),
        pytest.param(b"Subject: a\n b\n\t c\n\nbody", "a b c", b"body", id="folded"),
        pytest.param(b"Subject: a\r\n b\r\n\r\nbody", "a b", b"body", id="folded-crlf"),
        pytest.param(b"Subject:\n a\n\nbody", "a", b"body", id="folded-before-the-value"),
        pytest.param(b"Subject: a\n \nX: y\n\nbody", "a", b"body", id="line-of-blanks-is-no-end"),
        pytest.param(b"Subject: a\n", "a", b"", id="no-blank-line"),
        pytest.param(b"Subject: a", "a", b"", id="no-line-end"),
        pytest.param(b"\nSubject: a\n\nbody", "", b"\nSubject: a\n\nbody", id="starts-with-a-blank-line"),
        pytest.param(b"\r\nbody", "", b"\r\nbody", id="starts-with-crlf"),
        pytest.param(b"Subject: a\nSubject: b\n\nbody", "a", b"body", id="first-subject-counts"),
        pytest.param(b"Subject: =?utf-8?q?=C3=A4?=\n\n", "ä", b"", id="encoded-word"),
        pytest.param(b"Subject: \xc3\xa4\n\n", "ä", b"", id="raw-utf8"),
        pytest.param(b"Subject: \xe4\n\n", "ä", b"", id="raw-latin1"),
        pytest.param(b"Subject: a\rSubject: b\r\rbody", "a", b"body", id="old-macintosh-line-ends"),
        pytest.param(b"Subject: a\nno field here\n\nbody", "a", b"no field here\n\nbody", id="a-line-that-is-no-field"),
        pytest.param(
            b"Subject: a\nnot a field\n\tgoes on\nbody", "a", b"not a field\n\tgoes on\nbody", id="which-is-folded"
        ),
        pytest.param(b"Subject: a\r\nno\r\n on\r\nbody", "a", b"no\r\n on\r\nbody", id="folded-crlf-no-field"),
        pytest.param(b"Subject: Hi\nHi\nbody", "Hi", b"Hi\nbody", id="which-stood-in-a-field-before"),
        pytest.param(b"", "", b"", id="empty"),
        pytest.param(b"\xff\xfe", "", b"\xff\xfe", id="two-stray-bytes"),
        pytest.param(b" Subject: a\nSubject: b\n\nbody", "b", b"body", id="starts-with-white-space"),
    ],
)
def test_a_message_is_divided_into_header_and_body(raw: bytes, subject: str, body: bytes) -> None:
    found = facts(raw)
    assert (found.subject, raw[found.body_at :], found.raw) == (subject, body, raw)


@pytest.mark.parametrize(
    ("raw", "defect"),
    [
        pytest.param(b"", "no end of header", id="empty"),
        pytest.param(b"\nbody", "no header", id="no-header"),
        pytest.param(b"Subject: a\nno field\n\n", "a line that is no field ends the header", id="no-field"),
        pytest.param(b" x\nSubject: a\n\n", "the header starts with white space", id="white-space"),
        pytest.param(HEAD + b"From: ann@client.org\n\n", "several From fields", id="two-from"),
        pytest.param(b"Subject: a\n\n", "no From field", id="no-from"),
        pytest.param(HEAD + b"X: y\n" * 999 + b"\n", "more than 1000 header fields", id="many-fields"),
        pytest.param(HEAD + b"Received: x\n" * 101 + b"\n", "more than 100 received fields", id="many-of-a-kind"),
        pytest.param(HEAD + b"X: " + b"y" * (9 << 20), "header too large", id="header-of-9-MB"),
        pytest.param(
            HEAD + b"References:" + b"".join(b"<%d@x>" % n for n in range(10_001)) + b"\n\n",
            "more than 10000 references",
            id="many-references",
        ),
    ],
)
def test_a_broken_header_has_its_defect(raw: bytes, defect: str) -> None:
    assert defect in facts(raw).defects


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(mail(), id="a-message"),
        pytest.param(HEAD + b"X: y\n" * 998 + b"\n", id="the-last-field"),
        pytest.param(HEAD + b"Received: x\n" * 100 + b"\n", id="the-last-of-a-kind"),
        pytest.param(
            HEAD + b"References:" + b"".join(b"<%d@x>" % n for n in range(10_000)) + b"\n\n", id="the-last-id"
        ),
        pytest.param(HEAD + b"X: " + b"y" * ((8 << 20) - len(HEAD) - 6) + b"\n\n", id="the-last-octet"),
    ],
)
def test_a_clean_message_has_no_defects(raw: bytes) -> None:
    assert facts(raw).defects == ()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"From : bob@client.org\n", id="I6-blank-before-the-colon"),
        pytest.param(b"From\t: bob@client.org\n", id="tab-before-the-colon"),
        pytest.param(b"From : boss@corp.com\nFrom: bob@client.org\n", id="one-with-a-blank-and-one-without"),
        pytest.param(b"From: bob@client.org\nFROM: ann@client.org\n", id="two-by-case"),
        pytest.param(b"From: bob@client.org\0\n", id="nul"),
        pytest.param(b"From: bob@client.org,\n boss@corp.com\n", id="two-folded"),
        pytest.param(b"X: y\n", id="none"),
    ],
)
def test_a_doubtful_author_has_a_defect(head: bytes) -> None:
    found = facts(head + b"Subject: a\n\nbody")
    assert found.author.address is None
    assert found.author.defect
    assert found.subject == "a"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        pytest.param(b"From: =?utf-8?q?B=C3=B6b?= Ray <bob@client.org>\n", "Böb Ray", id="encoded-name"),
        pytest.param(b"From:\n Bob\n <bob@client.org>\n", "Bob", id="folded"),
        pytest.param(b'From: "B\xc3\xb6b" <bob@client.org>\n', "Böb", id="raw-8-bit-name"),
    ],
)
def test_the_name_of_the_author_is_decoded(head: bytes, name: str) -> None:
    found = facts(head + b"\nbody").author
    assert (str(found.address), found.name) == ("bob@client.org", name)


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("iso-8859-1", "J\xf6rg M\xfcller"),
        ("iso-8859-2", "\u017dlu\u0165ou\u010dk\xfd k\u016f\u0148"),
        ("windows-1251", "\u041a\u043e\u0440\u043e\u0431\u043a\u0438"),
        ("koi8-r", "\u041a\u043e\u0440\u043e\u0431\u043a\u0438"),
        ("iso-8859-7", "\u039a\u03bf\u03c5\u03c4\u03b9\u03ac"),
        ("windows-1255", "\u05e7\u05d5\u05e4\u05e1\u05d0\u05d5\u05ea"),
        ("cp874", "\u0e01\u0e25\u0e48\u0e2d\u0e07"),
        ("gb2312", "\u5173\u4e8e\u7eb8\u7bb1\u7684\u95ee\u9898"),
        ("big5", "\u95dc\u65bc\u7d19\u7bb1\u7684\u554f\u984c"),
        ("shift_jis", "\u7bb1\u306e\u4ef6\u3067\u3059"),
        ("euc-jp", "\u7bb1\u306e\u4ef6\u3067\u3059"),
        ("euc-kr", "\uc0c1\uc790 \ubb38\uc758"),
        ("utf-8", "\u7bb1 J\xf6rg"),
    ],
)
def test_octets_of_fields_are_read_in_the_charset_of_the_mail(label: str, text: str) -> None:
    octets = text.encode(label)
    for name in (octets, b'"' + octets + b'"'):
        found = facts(
            b"From: " + name + b" <bob@client.org>\nSubject: " + octets + b"\n"
            b"Content-Type: text/plain; charset=" + label.encode() + b"\n\nbody"
        )
        assert (found.subject, found.author.name, str(found.author.address)) == (text, text, "bob@client.org")


def test_octets_of_fields_are_read_as_japanese_by_their_escapes() -> None:
    found = facts(b"From: \x1b$B%F%9%H\x1b(B <bob@client.org>\nSubject: \x1b$B%F%9%H-!\x1b(B\n\nbody")
    assert (found.subject, found.author.name) == ("\u30c6\u30b9\u30c8\u2460", "\u30c6\u30b9\u30c8")
    assert found.author.defect == "control character in From"


def test_encoded_words_of_an_unknown_charset_are_read_in_that_of_the_mail() -> None:
    found = facts(b"Subject: =?x-unknown?Q?=CB=CF=D2?=\nContent-Type: text/plain; charset=koi8-r\n\nbody")
    assert found.subject == "\u043a\u043e\u0440"


def test_an_author_whose_octets_have_two_readings_is_unknown() -> None:
    raw = (
        b'From: "\x81\\" <ann@client.org>, "\x81" <bob@client.org>\nContent-Type: text/plain; charset=shift_jis\n\nbody'
    )
    assert facts(raw).author.address is None
    local = b"From: b\xf6b@client.org\nContent-Type: text/plain; charset=iso-8859-1\n\nbody"
    assert facts(local).author.address is None


@pytest.mark.parametrize("name", ["X-Delivered-To", "X-Envelope-To", "X-Rcpt-To", "Envelope-To", "X-Original-To"])
def test_fields_of_providers_name_recipients(name: str) -> None:
    found = facts(HEAD + name.encode() + b": <info@example.com>\n\nbody")
    assert [str(address) for address in found.transport] == ["info@example.com"]
    assert not found.to


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        pytest.param("<a@b>", "<a@b>", id="plain"),
        pytest.param("  <a@b> (comment)", "<a@b>", id="comment"),
        pytest.param("a@b", "<a@b>", id="no-brackets"),
        pytest.param("<a\n @b>", "<a@b>", id="folded-inside"),
        pytest.param("<a b@c>", "<ab@c>", id="blank-inside"),
        pytest.param("<A@B>", "<A@B>", id="case-kept"),
        pytest.param("<>", None, id="empty-brackets"),
        pytest.param("", None, id="empty"),
        pytest.param("<<<<", None, id="only-brackets"),
    ],
)
def test_a_message_id_is_taken_as_it_is(value: str, wanted: str | None) -> None:
    assert facts(mail(message_id=value)).message_id == wanted


def test_no_message_id_is_invented() -> None:
    assert facts(mail(message_id=None)).message_id is None


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        pytest.param({"references": "<a@x> <b@x>"}, ["<a@x>", "<b@x>"], id="references"),
        pytest.param({"references": "<a@x><b@x>"}, ["<a@x>", "<b@x>"], id="without-blanks"),
        pytest.param({"references": "<a@x>,\n\t<b@x>"}, ["<a@x>", "<b@x>"], id="comma-and-fold"),
        pytest.param({"in_reply_to": "<a@x>"}, ["<a@x>"], id="in-reply-to"),
        pytest.param({"references": "<a@x>", "in_reply_to": "<b@x>"}, ["<a@x>", "<b@x>"], id="D1-both-count"),
        pytest.param({"references": "junk", "in_reply_to": "<b@x>"}, ["<b@x>"], id="D1-useless-references"),
        pytest.param({"in_reply_to": "<a@x> <b@x>"}, ["<a@x>", "<b@x>"], id="several-in-in-reply-to"),
        pytest.param({"in_reply_to": "Your mail of Monday <a@x> (Bob)"}, ["<a@x>"], id="comment-in-in-reply-to"),
        pytest.param({"in_reply_to": "a@x"}, ["<a@x>"], id="no-brackets"),
        pytest.param({"references": "<a\n b@x>"}, ["<ab@x>"], id="folded-inside-an-id"),
        pytest.param({"references": "<a@x> <a@x>"}, ["<a@x>"], id="once"),
        pytest.param({"references": "<> <a@x>"}, ["<a@x>"], id="empty-id"),
        pytest.param({"references": "<m1@client.org> <a@x>"}, ["<a@x>"], id="never-itself"),
        pytest.param({}, [], id="none"),
    ],
)
def test_every_id_in_references_and_in_reply_to_is_read(fields: dict[str, str], wanted: list[str]) -> None:
    assert sorted(facts(mail(**fields)).references) == wanted


def test_every_reference_counts_not_the_last_32() -> None:
    ids = [f"<{n}@x>" for n in range(5000)]
    assert set(facts(mail(references=" ".join(ids))).references) == set(ids)


@pytest.mark.parametrize("token", ["<>", "<a@x>"])
def test_repeated_references_are_bounded_too(token: str) -> None:
    found = facts(mail(references=token * 20_000 + "<late@x>"))
    assert found.defects == ("more than 10000 references",)
    assert found.references == (() if token == "<>" else ("<a@x>",))


def test_in_reply_to_counts_however_many_references_there_are() -> None:
    ids = " ".join(f"<{n}@x>" for n in range(10_500))
    assert "<parent@x>" in facts(mail(references=ids, in_reply_to="<parent@x>")).references


def test_header_addresses_of_every_field_and_occurrence() -> None:
    names = ("To", "To", "Cc", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "Resent-To", "Resent-Cc")
    more = tuple((name, f"u{n}@x.org") for n, name in enumerate(names))
    found = facts(mail("", *more, ("Bcc", "bcc@x.org"), ("Reply-To", "r@x.org"), to=None))
    assert {str(each) for each in found.header_addresses} == {f"u{n}@x.org" for n in range(len(names))}
    assert [str(each) for each in found.to] == ["u0@x.org", "u1@x.org"]


def test_the_last_of_100_fields_still_counts() -> None:
    more = tuple(("To", f"u{n}@x.org") for n in range(100))
    assert len(facts(mail("", *more, to=None)).to) == 100


DATED = {"date": "Mon, 1 Jan 2024 00:00:00 +0000"}
PLAIN = mail("one\ntwo\n", **DATED)


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(PLAIN.replace(b"\n", b"\r\n"), id="crlf"),
        pytest.param(PLAIN + b"\n", id="a-trailing-blank-line"),
        pytest.param(PLAIN + b"\r\n\n\r\n", id="several"),
        pytest.param(PLAIN[:-1], id="no-last-line-end"),
        pytest.param(b"From bob@client.org Mon Jan  1 00:00:00 2024\n" + PLAIN, id="mbox-line"),
        pytest.param(
            b"Return-Path: <bob@client.org>\nReceived: by mx2\nDelivered-To: a@x\n" + PLAIN, id="trace-fields"
        ),
        pytest.param(b"X-Spam-Flag: NO\nAuthentication-Results: mx; dmarc=pass\n" + PLAIN, id="fields-of-a-filter"),
        pytest.param(b"DKIM-Signature: v=1\nX-Original-To: a@x\nEnvelope-To: a@x\n" + PLAIN, id="more-trace-fields"),
        pytest.param(PLAIN.replace(b"Bob Ray <", b"Bob Ray\n <"), id="folding"),
        pytest.param(PLAIN.replace(b"Bob Ray <", b"Bob  \r\n\tRay   <"), id="folding-with-other-blanks"),
        pytest.param(PLAIN.replace(b"Subject: Hello", b"SUBJECT:Hello "), id="field-name-case-and-blanks"),
        pytest.param(
            PLAIN.replace(b"To: info@example.com\nSubject: Hello\n", b"Subject: Hello\nTo: info@example.com\n"),
            id="order-of-fields",
        ),
    ],
)
def test_the_same_content_has_the_same_digest(copy: bytes) -> None:
    assert copy != PLAIN
    assert facts(copy).digest == facts(PLAIN).digest


@pytest.mark.parametrize(
    "other",
    [
        *(
            pytest.param(mail("one\ntwo\n", **{**DATED, name: "<z@z.org>"}), id=name)
            for name in ("from", "to", "subject", "date", "message_id")
        ),
        *(
            pytest.param(name.encode() + b": z\n" + PLAIN, id=name)
            for name in (
                "Sender",
                "Reply-To",
                "Cc",
                "In-Reply-To",
                "References",
                "MIME-Version",
                "Content-Type",
                "Content-Transfer-Encoding",
                "Content-Odd",
            )
        ),
        pytest.param(PLAIN + b"three\n", id="longer-body"),
        pytest.param(PLAIN.replace(b"one\ntwo", b"one\n\ntwo"), id="blank-line-inside"),
        pytest.param(PLAIN.replace(b"one\ntwo", b"one two"), id="line-end-inside"),
        pytest.param(PLAIN.replace(b"\n\none", b"\n\n\none"), id="leading-blank-line"),
        pytest.param(PLAIN.replace(b"two", b"Two"), id="case-in-body"),
        pytest.param(PLAIN.replace(b"two\n", b"two \n"), id="trailing-blank-in-a-line"),
        pytest.param(b"Subject: Hello\n" + PLAIN, id="a-field-twice"),
    ],
)
def test_other_content_has_another_digest(other: bytes) -> None:
    assert facts(other).digest != facts(PLAIN).digest


def test_where_a_value_ends_matters() -> None:
    one = mail(subject="a", to="b\n c")
    two = mail(subject="a b", to="c")
    assert facts(one).digest != facts(two).digest


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        pytest.param({"message_id": None}, False, id="without-id-and-date-the-lowest-received-counts"),
        pytest.param({"message_id": None, **DATED}, True, id="with-a-date-it-does-not"),
        pytest.param({}, True, id="with-an-id-it-does-not"),
    ],
)
def test_the_lowest_received_counts_without_id_and_date(fields: dict[str, str | None], same: bool) -> None:
    one, two = (mail("", ("Received", "by mx"), ("Received", f"from {host}"), **fields) for host in ("a", "b"))
    assert (facts(one).digest == facts(two).digest) is same


@pytest.mark.parametrize("fold", ["from a by b", "from a\n\tby b", "from a\n   by b"])
def test_only_the_lowest_received_and_not_its_folding(fold: str) -> None:
    one = facts(mail("", ("Received", "from a by b"), message_id=None))
    two = facts(mail("", ("Received", "by later hop"), ("Received", fold), message_id=None))
    assert one.digest == two.digest


def test_body_after_a_line_that_is_no_field_is_in_the_digest() -> None:
    one, two = (HEAD + b"no field\n folded\nbody %d ends\n" % n for n in (1, 2))
    assert facts(one).digest != facts(two).digest


def test_digest_across_the_chunks_of_a_large_body() -> None:
    body = (b"x" * 1023 + b"\r\n") * 1024 + b"\r\n" * 600_000 + b"end\r\n" + b"\r\n" * 600_000
    assert facts(HEAD + b"\n" + body).digest == facts(HEAD + b"\n" + body.replace(b"\r\n", b"\n").rstrip(b"\n")).digest
    assert facts(HEAD + b"\n" + body).digest != facts(HEAD + b"\n" + body.replace(b"\r\n\r\nend", b"\r\nend")).digest


@given(st.binary(max_size=300))
def test_any_bytes_are_read(raw: bytes) -> None:
    found = facts(raw)
    assert found.raw == raw
    assert 0 <= found.body_at <= len(raw)


@given(st.lists(st.sampled_from([b"From:", b"To", b":", b" ", b"\t", b"\n", b"\r\n", b"\r", b"<a@b>", b"\0", b"x"])))
def test_any_pieces_of_a_header_are_read(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    found = facts(raw)
    assert 0 <= found.body_at <= len(raw)
    normal = facts(raw.replace(b"\r\n", b"\n"))
    assert found.subject == normal.subject
    assert found.message_id == normal.message_id


def test_plain_values_are_clean_lines() -> None:
    found = facts(mail(auto_submitted=f"a\0b\x1bc\rd\u2028e {'f' * 2000}"))
    assert found.plain("auto-submitted") == [f"a\ufffdb\ufffdc d e {'f' * 2000}"]
    assert len(facts(mail(auto_submitted="f" * (1 << 20))).plain("auto-submitted")[0]) == 65536


def test_unread_keeps_bytes_and_a_digest() -> None:
    envelope = facts(mail()).envelope
    found = message.unread(b"\0raw", envelope, "RuntimeError: x")
    assert (found.raw, found.envelope, found.defects) == (b"\0raw", envelope, ("RuntimeError: x",))
    assert found.digest == hashlib.sha256(b"\0raw").hexdigest()
    assert found.author.address is None


@pytest.mark.parametrize(
    ("field", "listed"),
    [("List-Id", True), ("List-Unsubscribe", True), ("Precedence", False), ("Mailing-List", False)],
)
def test_a_list_field_marks_a_copy_of_a_list(field: str, listed: bool) -> None:
    assert facts(mail("", (field, "x"))).listed is listed


@pytest.mark.parametrize(
    ("counts", "kept", "defect"),
    [
        pytest.param((1999, 1), 2000, False, id="exactly-all"),
        pytest.param((2000, 1), 2000, True, id="one-more"),
        pytest.param((2500,), 2000, True, id="in-one-field"),
        pytest.param((900, 900, 900), 2000, True, id="in-three-fields"),
    ],
)
def test_recipient_addresses_are_bounded(counts: tuple[int, ...], kept: int, defect: bool) -> None:
    names = ("To", "Cc", "Delivered-To")
    more = [
        (name, ", ".join(f"a{n}@{at}.example" for n in range(count)))
        for at, (name, count) in enumerate(zip(names, counts, strict=False))
    ]
    found = facts(mail("", *more, to=None))
    assert len(found.header_addresses) == kept
    assert ("more than 2000 recipient addresses" in found.defects) is defect


def test_a_boundary_that_looks_like_a_field_ends_the_header() -> None:
    raw = b'From: bob@client.org\nContent-Type: multipart/mixed; boundary="-a:b"\n---a:b\n\nHi.\n---a:b--\n'
    found = facts(raw)
    assert raw[found.body_at :].startswith(b"---a:b\n")
