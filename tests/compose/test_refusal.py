"""What mailgate says when it refuses: every word, the form, and that nothing a stranger writes gets out of place."""

import email
import email.policy
import os
import re
from base64 import b64encode
from glob import glob
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.compose import refusal, wording
from mailgate.compose.origin import Composed, Origin
from mailgate.mail import message
from mailgate.mail.envelope import Envelope
from mailgate.routing.decision import Outgoing
from mailgate.values import token
from mailgate.values.address import parse
from mailgate.values.directory import Domain

SECRET = b"k" * 32
RANDOM = bytes(range(16))
NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 UTC
EXAMPLE = Domain("example.com", company="Example Ltd", contact="info@example.com")
MAIL = b"From: Bob <bob@client.org>\nTo: sales@example.com\nSubject: Offer\nMessage-ID: <1@client.org>\n\nthe body\n"

SEPARATORS = {
    "CR": "\r",
    "LF": "\n",
    "CRLF": "\r\n",
    "NUL": "\0",
    "TAB": "\t",
    "VT": "\v",
    "FF": "\f",
    "FS": "\x1c",
    "GS": "\x1d",
    "RS": "\x1e",
    "US": "\x1f",
    "NEL": "\x85",
    "LS": "\u2028",
    "PS": "\u2029",
}


def refuse(
    raw: bytes = MAIL,
    reason: str = "catchall",
    domain: Domain = EXAMPLE,
    to: str = "bob@client.org",
    about: tuple[str, ...] = ("sales@example.com",),
    text: str = "",
    policy: str = "",
    folder: str | None = None,
    template: str | None = None,
    vouched: bool = True,
) -> Composed:
    facts = message.read(raw, lambda hints, author: Envelope(parse("bob@client.org")))
    words = refusal.template(reason, domain, folder) if template is None else template
    outgoing = Outgoing("refusal", reason, to, domain.name, about, text, vouched=vouched)
    return refusal.refusal(facts, outgoing, Origin(domain, SECRET, RANDOM, NOW), words, policy)


def parsed(letter: Composed) -> email.message.EmailMessage:
    found = email.message_from_bytes(letter.octets, policy=email.policy.default)
    assert isinstance(found, email.message.EmailMessage)
    return found


def said(letter: Composed) -> str:
    part = parsed(letter).get_payload(0)
    text: str = part.get_content()
    return text


def returned(letter: Composed) -> str:
    part = parsed(letter).get_payload(2)
    return part.get_payload(decode=True).decode("utf-8")


def names(letter: Composed) -> list[str]:
    """The field names of the header, by bytes: nobody's parser can be talked out of them."""
    header = letter.octets.partition(b"\n\n")[0]
    return [line.partition(b":")[0].decode("ascii") for line in header.split(b"\n") if line[:1] not in b" \t"]


NAMES = [
    *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted"),
    *("Precedence", "X-Auto-Response-Suppress", "X-Mailgate-Loop", "MIME-Version", "Content-Type"),
]


# --- the words -------------------------------------------------------------------------------------------------------

ENGLISH = {
    "catchall": """\
Your message could not be delivered to:

    sales@example.com

This address only takes answers to mail from Example Ltd,
and your message does not seem to be one. Nobody would read it there.

Please write to info@example.com instead.
A reply to this notice goes there, too.

This notice was written by the mail system of example.com.
""",
    "policy": """\
Your message could not be delivered to:

    sales@example.com

This address only takes mail from people we already know,
and we could not count you among them. If you usually write from another
address, please use that one.

You can reach us at info@example.com.
A reply to this notice goes there, too.

This notice was written by the mail system of example.com.
""",
    "rate-limit": """\
Your message could not be delivered to:

    sales@example.com

Many messages came from your address within a short time, so this one was
not taken. Please try again later.

If it is urgent, please write to info@example.com.
A reply to this notice goes there, too.

This notice was written by the mail system of example.com.
""",
    "no-route": """\
Your message could not be delivered to:

    sales@example.com

No such address takes mail here. Please check the spelling. Other recipients
of your message are not affected.

If you do not know whom to ask, please write to info@example.com.
A reply to this notice goes there, too.

This notice was written by the mail system of example.com.
""",
}
GERMAN = {
    "catchall": """\
Ihre Nachricht konnte nicht zugestellt werden an:

    sales@example.com

Diese Adresse nimmt nur Antworten auf Mails von Example Ltd an,
und Ihre Nachricht scheint keine zu sein. Dort würde sie niemand lesen.

Bitte schreiben Sie stattdessen an info@example.com.
Auch eine Antwort auf diese Mitteilung kommt dort an.

Diese Mitteilung hat das Mailsystem von example.com geschrieben.
""",
    "policy": """\
Ihre Nachricht konnte nicht zugestellt werden an:

    sales@example.com

Diese Adresse nimmt nur Mails von uns bekannten Personen an,
und wir konnten Sie nicht dazu zählen. Falls Sie sonst von einer anderen
Adresse schreiben, verwenden Sie bitte diese.

Sie erreichen uns unter info@example.com.
Auch eine Antwort auf diese Mitteilung kommt dort an.

Diese Mitteilung hat das Mailsystem von example.com geschrieben.
""",
    "rate-limit": """\
Ihre Nachricht konnte nicht zugestellt werden an:

    sales@example.com

Von Ihrer Adresse kamen in kurzer Zeit sehr viele Nachrichten, deshalb wurde
diese nicht mehr angenommen. Bitte versuchen Sie es später noch einmal.

Falls es eilt, schreiben Sie bitte an info@example.com.
Auch eine Antwort auf diese Mitteilung kommt dort an.

Diese Mitteilung hat das Mailsystem von example.com geschrieben.
""",
    "no-route": """\
Ihre Nachricht konnte nicht zugestellt werden an:

    sales@example.com

Eine solche Adresse nimmt hier keine Mails an. Bitte prüfen Sie die
Schreibweise. Andere Empfänger Ihrer Nachricht sind nicht betroffen.

Falls Sie nicht wissen, wer zuständig ist, schreiben Sie bitte an info@example.com.
Auch eine Antwort auf diese Mitteilung kommt dort an.

Diese Mitteilung hat das Mailsystem von example.com geschrieben.
""",
}


@pytest.mark.parametrize(
    ("language", "reason", "expected"),
    [(language, *item) for language, golden in (("en", ENGLISH), ("de", GERMAN)) for item in golden.items()],
)
def test_every_refusal_reads_as_expected(language: str, reason: str, expected: str) -> None:
    letter = refuse(reason=reason, domain=EXAMPLE._replace(language=language), policy="contacts")
    assert said(letter) == expected


def test_nothing_is_invented_when_the_domain_says_nothing() -> None:
    letter = refuse(domain=Domain("example.com"))
    assert (
        said(letter)
        == """\
Your message could not be delivered to:

    sales@example.com

This address only takes answers to mail from example.com,
and your message does not seem to be one. Nobody would read it there.

This notice was written by the mail system of example.com.
"""
    )
    assert names(letter) == [name for name in NAMES if name != "Reply-To"]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("members", "only takes mail from our members,"),
        ("followers", "only takes mail from people who follow the matter it belongs to,"),
        ("", "only takes mail from certain senders,"),
    ],
)
def test_a_policy_says_who_may_write(policy: str, words: str) -> None:
    assert words in said(refuse(reason="policy", policy=policy))


def test_an_unknown_language_is_english() -> None:
    assert said(refuse(domain=EXAMPLE._replace(language="fr"))) == ENGLISH["catchall"]
    assert said(refuse(domain=EXAMPLE._replace(language="../de"))) == ENGLISH["catchall"]


def test_several_addresses_are_listed() -> None:
    letter = refuse(reason="no-route", about=("a@example.com", "b@example.com", "a@example.com"))
    assert "delivered to:\n\n    a@example.com\n    b@example.com\n\nNo such" in said(letter)
    blocks = parsed(letter).get_payload(1).get_payload()
    assert [block["Final-Recipient"] for block in blocks[1:]] == ["rfc822; a@example.com", "rfc822; b@example.com"]


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        ("Please call us.\n\nWe are sorry.", "Please call us.\n\nWe are sorry."),
        ("<p>Please <b>call</b> us &amp; wait.</p><p>Danke</p>", "Please call us & wait.\n\nDanke"),
        ("Write to <sales@example.com> or <https://a.org/>", "Write to <sales@example.com> or <https://a.org/>"),
        ("a $who pays $5", "a $who pays $5"),
        ("one\r\ntwo\x1b[31m\u202e", "one\ntwo\ufffd[31m"),
    ],
)
def test_the_own_text_of_an_alias_replaces_the_explanation(own: str, shown: str) -> None:
    text = said(refuse(reason="policy", text=own, policy="members"))
    assert f"\n    sales@example.com\n\n{shown}\n\nYou can reach us" in text
    assert "our members" not in text


@pytest.mark.parametrize(
    "nothing",
    ["", " \n\t", "<p></p>", "<p><br></p>", "<div>&nbsp;</div>", "&#160;", "<!-- --><p>\xa0</p>", "<o:p></o:p>"],
)
def test_an_own_text_without_visible_content_is_none(nothing: str) -> None:
    assert said(refuse(reason="policy", text=nothing, policy="contacts")) == ENGLISH["policy"]


# --- templates -------------------------------------------------------------------------------------------------------


def write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_templates_are_replaced_from_the_most_special_place(tmp_path: Path) -> None:
    german = EXAMPLE._replace(language="de")
    built_in = refusal.template("policy", german, None)
    assert refusal.template("policy", german, str(tmp_path)) == built_in
    for place in ("de", "example.com", "example.com/de"):
        write(tmp_path / place / "policy.txt", f"{place}: $address")
        assert refusal.template("policy", german, str(tmp_path)) == f"{place}: $address"
    assert refusal.template("policy", Domain("example.org", language="de"), str(tmp_path)) == "de: $address"
    assert refusal.template("policy", Domain("example.org"), str(tmp_path)) == refusal.template("policy", EXAMPLE, None)


@pytest.mark.parametrize(
    "broken",
    [b"", b" \n", b"\xff\xfe", b"costs $ 5", b"$unknown", b"${address", b"x" * 20_000],
    ids=["empty", "blank", "no-utf-8", "dollar", "unknown", "open", "large"],
)
def test_a_broken_template_is_passed_over(tmp_path: Path, broken: bytes) -> None:
    write(tmp_path / "en/catchall.txt", broken)
    assert refusal.template("catchall", EXAMPLE, str(tmp_path)) == refusal.template("catchall", EXAMPLE, None)


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    built_in = refusal.template("catchall", EXAMPLE, None)
    (tmp_path / "en/catchall.txt").mkdir(parents=True)
    assert refusal.template("catchall", EXAMPLE, str(tmp_path)) == built_in
    (tmp_path / "example.com").mkdir()
    os.mkfifo(tmp_path / "example.com/catchall.txt")
    assert refusal.template("catchall", EXAMPLE, str(tmp_path)) == built_in
    assert refusal.template("catchall", EXAMPLE, str(tmp_path / "gone")) == built_in


BUILT_IN = sorted(glob("*/*.txt", root_dir=wording.BUILT_IN))


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_templates_are_usable(name: str) -> None:
    text = Path(wording.BUILT_IN, name).read_text("utf-8")
    assert wording.usable(text)
    assert max(map(len, text.splitlines())) <= 76


def test_a_reason_without_words_still_names_the_address() -> None:
    assert said(refuse(reason="too-large")) == "sales@example.com\n"


def test_a_template_that_leaves_nothing_still_says_what_happened() -> None:
    text = said(refuse(template="$contact\n", domain=Domain("example.com")))
    assert text == "5.2.1 <sales@example.com>: this address takes only answers to our mail\n"


@pytest.mark.parametrize("template", ["$", "${", "$nobody $address", "%s {0}", "\0\r\n$address"])
def test_no_template_makes_a_refusal_fail(template: str) -> None:
    assert names(refuse(template=template)) == NAMES


# --- the form --------------------------------------------------------------------------------------------------------


def test_the_header_of_a_refusal_has_its_fields_in_order() -> None:
    letter = refuse()
    found = parsed(letter)
    mark = token.new_mark(token.REFUSAL, SECRET, RANDOM)
    assert names(letter) == NAMES
    assert letter.message_id == f"<{mark}@example.com>"
    assert letter.subject == "Re: Offer"
    assert {name: str(value) for name, value in found.items() if name != "Content-Type"} == {
        "From": "MAILER-DAEMON <bounce@example.com>",
        "To": "bob@client.org",
        "Reply-To": "info@example.com",
        "Subject": "Re: Offer",
        "Date": "Tue, 14 Nov 2023 22:13:20 +0000",
        "Message-ID": letter.message_id,
        "In-Reply-To": "<1@client.org>",
        "References": f"<1@client.org> {letter.message_id}",
        "Auto-Submitted": "auto-replied",
        "Precedence": "bulk",
        "X-Auto-Response-Suppress": "All",
        "X-Mailgate-Loop": mark,
        "MIME-Version": "1.0",
    }
    assert found.get_content_type() == "multipart/report"
    assert found.get_param("report-type") == "delivery-status"
    assert [part.get_content_type() for part in found.iter_parts()] == [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ]
    assert not found.defects


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("catchall", "5.2.1", "this address takes only answers to our mail"),
        ("policy", "5.7.1", "you may not write to this address"),
        ("rate-limit", "5.7.28", "too many messages from you, try again later"),
        ("no-route", "5.1.1", "no such address here"),
    ],
)
def test_the_delivery_status_of_a_refusal_follows_rfc_3464(reason: str, code: str, words: str) -> None:
    about, recipient = parsed(refuse(reason=reason)).get_payload(1).get_payload()
    assert dict(about.items()) == {"Reporting-MTA": "dns; example.com"}
    assert dict(recipient.items()) == {
        "Final-Recipient": "rfc822; sales@example.com",
        "Action": "failed",
        "Status": code,
        "Diagnostic-Code": f"x-mailgate; {code} {words}",
    }


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("jürgen+x=1@example.com", r"utf-8; j\x{FC}rgen\x{2B}x\x{3D}1@example.com"),
        ("a+b=c@example.com", "rfc822; a+b=c@example.com"),
        ('"a b"@example.com', 'rfc822; "a b"@example.com'),
    ],
)
def test_a_recipient_of_any_script_stays_ascii(address: str, expected: str) -> None:
    block = parsed(refuse(about=(address,))).get_payload(1).get_payload()[1]
    assert block["Final-Recipient"] == expected


def test_without_an_address_meant_there_is_still_a_recipient_block() -> None:
    block = parsed(refuse(about=("",))).get_payload(1).get_payload()[1]
    assert block["Final-Recipient"] == "rfc822; sales@example.com"
    block = parsed(refuse(b"Subject: x\n\n", about=())).get_payload(1).get_payload()[1]
    assert block["Final-Recipient"] == "unknown; unknown"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (None, "Re:"),
        ("", "Re:"),
        ("Re: Offer", "Re: Re: Offer"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Re: Grüße"),
        ("x" * 300, "Re: " + "x" * 200),
        ("word " * 100, "Re: " + ("word " * 40).strip()),
        ("ж" * 300, "Re: " + "ж" * 200),
        ("👩‍👩‍👧 a\xa0b", "Re: 👩‍👩‍👧 a b"),
        ("\u202eevil\u2066 \x9b31m\u200b", "Re: evil 31m"),
        ("=?utf-8?b?PT91dGYtOD9xP2E9MEQ9MEFCY2M6X3Y/PQ==?=", "Re: =?utf-8?q?a=0D=0ABcc:_v?="),
    ],
)
def test_the_subject_of_a_refusal_is_clean_and_short(subject: str | None, expected: str) -> None:
    field = b"" if subject is None else b"Subject: " + subject.encode() + b"\n"
    letter = refuse(b"From: bob@client.org\n" + field + b"\n")
    assert letter.subject == expected
    assert parsed(letter)["Subject"] == expected
    assert max(map(len, letter.octets.partition(b"\n\n")[0].split(b"\n"))) <= 220


@pytest.mark.parametrize(
    ("message_id", "answered"),
    [
        (b"<a@b>", "<a@b>"),
        (b"<" + b"x" * 250 + b">", "<" + "x" * 250 + ">"),
        (b"<" + b"x" * 251 + b">", None),
        ("<ü@b>".encode(), None),
        (b"<a\0@b>", None),
        (b"<=?utf-8?q?a=0D=0ABcc:_v?=>", None),
        (b"a<b", None),
        (b"", None),
    ],
)
def test_only_a_well_formed_id_is_answered(message_id: bytes, answered: str | None) -> None:
    letter = refuse(b"From: bob@client.org\nMessage-ID: " + message_id + b"\n\n")
    found = parsed(letter)
    assert found["In-Reply-To"] == answered
    assert found["References"] == " ".join(filter(None, [answered, letter.message_id]))


def test_a_recipient_beyond_ascii_stays_as_it_is() -> None:
    letter = refuse(to="jörg@client.org")
    assert b"\nTo: j\xc3\xb6rg@client.org\n" in letter.octets
    header, _, rest = letter.octets.partition(b"\n\n")
    assert rest.isascii()
    assert header.replace("ö".encode(), b"").isascii()


# --- what goes back --------------------------------------------------------------------------------------------------


def test_the_original_header_goes_back_and_nothing_of_the_body() -> None:
    assert returned(refuse()) == MAIL.decode().partition("\n\n")[0] + "\n"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"From bob Tue\nA: 1\nB: 2\n\nsecret", "A: 1\nB: 2\n"),
        (b"A: 1\r\n folded\r\n\r\nX: secret", "A: 1\n folded\n"),
        (b"A: 1\n \nX: secret", "A: 1\n"),
        (b"A: 1\nno field\nX: secret\n\n", "A: 1\n"),
        (b"\nX: secret", ""),
        (b" X: white\nA: 1\n\n", "A: 1\n"),
        (b"A: 1\rB: 2\r\rX: secret", "A: 1\nB: 2\n"),
        (b"A: a\0b\x1b[m\rc\n\n", "A: a?b?[m?c\n"),
        ("A: grün\n\n".encode(), "A: grün\n"),
        ("A: grün\n\n".encode("latin-1"), "A: grün\n"),
        (b"A: " + b"x" * 5000 + b"\nB: 2\n\n", "A: " + "x" * 995 + "\nB: 2\n"),
        (b"A: 1", "A: 1\n"),
        (b"", ""),
    ],
)
def test_the_header_that_goes_back_is_clean(raw: bytes, expected: str) -> None:
    assert returned(refuse(raw)) == expected


@pytest.mark.parametrize("text", ["x", "ü", "=", "жx", "\0"])
def test_at_most_8_kib_of_header_go_back_cut_at_a_line_end(text: str) -> None:
    lines = "".join(f"X-{number}: {text * 40}\n" for number in range(5000))
    letter = refuse(lines.encode() + b"\nsecret")
    kept = returned(letter)
    assert kept.endswith("\n")
    assert all(re.fullmatch(r"X-\d+: .{40}|X-\d+: .{80}", line) for line in kept.splitlines())
    assert 2_000 < len(kept.encode()) <= 8_192
    assert len(letter.octets.rpartition(b"rfc822-headers")[2]) < 8_192 + 150


def test_the_notice_stays_below_32_kib() -> None:
    subject = b"Subject: =?utf-8?q?" + b"=D0=96" * 300 + b"?=\n"
    header = subject + "".join(f"X-{n}: ж{n}\n" for n in range(9000)).encode()
    about = tuple(f"{'ж' * 30}{number}@{'x' * 60}.{'y' * 60}.example.com" for number in range(300))
    domain = EXAMPLE._replace(company="Ж" * 500)
    letter = refuse(header + b"\n" + b"x" * 10_000_000, "policy", domain, about=about, text="Ж" * 50_000)
    assert len(letter.octets) <= 32_768
    assert names(letter) == [name for name in NAMES if name != "In-Reply-To"]
    assert "(+" in said(letter)
    assert len(parsed(letter).get_payload(1).get_payload()) > 5


# --- injection -------------------------------------------------------------------------------------------------------


def word(text: str, encoding: str) -> bytes:
    if encoding == "raw":
        return text.encode("utf-8")
    quoted = "".join(f"={octet:02X}" for octet in text.encode("utf-8"))
    if encoding == "q":
        return f"=?utf-8?q?{quoted}?=".encode()
    return b"=?utf-8?b?" + b64encode(text.encode()) + b"?="


@pytest.mark.parametrize("encoding", ["raw", "q", "b"])
@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS)
@pytest.mark.parametrize("place", ["Subject", "From", "To", "Message-ID", "References", "Content-Type"])
def test_nothing_breaks_out_of_a_field_of_the_message(place: str, separator: str, encoding: str) -> None:
    evil = word(f"a{separator}Bcc: victim@example.org{separator}{separator}Bcc: x", encoding)
    value = {
        "From": b'"' + evil + b'" <bob@client.org>',
        "To": evil + b" <sales@example.com>",
        "Message-ID": b"<" + evil + b"@client.org>",
        "Content-Type": b'text/plain; name="' + evil + b'"',
    }.get(place, evil)
    letter = refuse(b"From: bob@client.org\n" * (place != "From") + place.encode() + b": " + value + b"\n\nbody\n")
    assert names(letter) in (NAMES, [name for name in NAMES if name != "In-Reply-To"])
    found = parsed(letter)
    assert found["To"] == "bob@client.org"
    assert found["Bcc"] is None
    assert len(list(found.iter_parts())) == 3
    for name in found:
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", str(found[name]))


@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS)
def test_nothing_breaks_out_of_what_the_store_says(separator: str) -> None:
    evil = f"a{separator}Bcc: victim@example.org{separator}{separator}x"
    domain = EXAMPLE._replace(company=evil, contact=f"{evil}@example.com")
    letter = refuse(domain=domain, to=f"{evil}@client.org", about=(f"{evil}@example.com",), text=evil, reason="policy")
    assert names(letter) == NAMES
    blocks = parsed(letter).get_payload(1).get_payload()
    assert [list(block.keys()) for block in blocks] == [
        ["Reporting-MTA"],
        ["Final-Recipient", "Action", "Status", "Diagnostic-Code"],
    ]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.binary(max_size=200))
def test_a_refusal_can_be_written_for_any_message(subject: bytes, rest: bytes) -> None:
    letter = refuse(b"Message-ID: <" + rest[:50] + b">\nSubject: " + subject + b"\n" + rest)
    assert set(names(letter)) <= set(NAMES)
    assert letter.octets.count(b"\nTo: ") == 1
    assert all(len(line) <= 998 for line in letter.octets.split(b"\n"))


def test_nothing_of_a_stranger_goes_to_whom_they_name() -> None:
    """A forged reverse-path got 6 KB of the forger's words, with our name on it."""
    raw = (
        b"From: Cheap Pills <x@evil.org>\nTo: sales@example.com\nSubject: Buy at evil.org\nX-Text: buy, buy\n"
        b"Message-ID: <buy@evil.org>\nDate: Wed, 25 Nov 2026 12:00:00 +0200\n\nBuy.\n"
    )
    letter = refuse(raw, vouched=False)
    assert letter.subject == parsed(letter)["Subject"] == "Undelivered mail"
    assert parsed(letter)["References"].split()[0] == "<buy@evil.org>"
    header = parsed(letter).get_payload(2).get_payload()
    assert header == "Message-ID: <buy@evil.org>\nDate: Wed, 25 Nov 2026 10:00:00 +0000\n"
    assert not [word for word in (b"Pills", b"Buy at", b"buy, buy", b"x@evil.org") if word in letter.octets]
    assert refuse(raw, domain=EXAMPLE._replace(language="de"), vouched=False).subject == "Nicht zugestellte Nachricht"


@pytest.mark.parametrize(
    "field",
    [b"Message-ID: <=?utf-8?q?buy?=@evil.org>", b"Message-ID: <" + b"a" * 250 + b"@x>", b"Date: buy at evil.org"],
)
def test_a_field_that_says_something_else_is_not_returned(field: bytes) -> None:
    letter = refuse(b"From: x@evil.org\n" + field + b"\n\nBuy.\n", vouched=False)
    assert parsed(letter).get_payload(2).get_payload() == ""
