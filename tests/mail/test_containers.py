"""What containers hold: signed S/MIME, winmail.dat, calendars, files in text, encrypted mail."""

import struct
import time
from base64 import b64encode
from binascii import b2a_uu
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.mail import calendar, cms, flowed, rtf, tnef, uuencode
from mailgate.mail.content import ENCRYPTED, attachment_bytes, content


def whole(type_: str, data: bytes, *fields: str) -> bytes:
    """A message with one part, in base64."""
    head = "\n".join(["Subject: x", f"Content-Type: {type_}", "Content-Transfer-Encoding: base64", *fields])
    return head.encode() + b"\n\n" + b64encode(data)


def text(body: str, type_: str = "text/plain; charset=utf-8") -> bytes:
    return f"Subject: x\nContent-Type: {type_}\n\n{body}".encode()


# Signed and encrypted S/MIME


def der(tag: int, *pieces: bytes) -> bytes:
    data = b"".join(pieces)
    size = len(data).to_bytes(4, "big")
    return bytes([tag, 0x84]) + size + data


def ber(tag: int, *pieces: bytes) -> bytes:
    """The same with an end that a mark says."""
    return bytes([tag, 0x80]) + b"".join(pieces) + b"\0\0"


SIGNED, ENVELOPED, DATA = (bytes.fromhex(f"06092a864886f70d0107{kind}") for kind in ("02", "03", "01"))
Element = Callable[..., bytes]


def signed(inner: bytes, element: Element = der) -> bytes:
    halves = ber(0x24, der(0x04, inner[:20]), ber(0x24, der(0x04, inner[20:])))
    octets = der(0x04, inner) if element is der else halves
    held = element(0x30, DATA, element(0xA0, octets))
    return element(0x30, SIGNED, element(0xA0, element(0x30, b"\x02\x01\x01", element(0x31, b""), held)))


INNER = (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nOrder 4711\r\n"
    b"--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF\r\n--b--\r\n"
)


@pytest.mark.parametrize("element", [der, ber])
@pytest.mark.parametrize("type_", ["application/pkcs7-mime; smime-type=signed-data", "application/x-pkcs7-mime"])
def test_signed_mail_in_one_piece_is_opened(element: Element, type_: str) -> None:
    raw = whole(type_, signed(INNER, element))
    found = content(raw)
    assert (found.text, found.signed, found.encrypted) == ("Order 4711", "smime", None)
    assert [(file.name, file.size) for file in found.attachments] == [("a.pdf", 4)]
    assert attachment_bytes(raw, 0) == b"%PDF"


def test_signed_mail_in_signed_mail_and_in_pem_is_opened() -> None:
    twice = b"Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n" + b64encode(signed(INNER))
    assert content(whole("application/octet-stream; name=smime.p7m", signed(twice))).text == "Order 4711"
    pem = b"-----BEGIN PKCS7-----\n" + b64encode(signed(INNER)) + b"\n-----END PKCS7-----\n"
    assert cms.read(pem) == cms.Sealed("signed", INNER)


@pytest.mark.parametrize("size", [0, 1, 2, 10, 30, 60])
def test_what_is_cut_is_a_file(size: int) -> None:
    found = content(whole("application/pkcs7-mime", signed(INNER)[:size]))
    assert (found.text, [file.name for file in found.attachments]) == ("", ["attachment.p7m"])


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (whole("application/pkcs7-mime; smime-type=enveloped-data", b"?"), "smime"),
        (whole("application/pkcs7-mime", der(0x30, ENVELOPED)), "smime"),
        (text("--b\nContent-Type: application/pgp-encrypted\n\n1\n--b--", "multipart/encrypted; boundary=b"), "pgp"),
    ],
)
def test_encrypted_mail_says_so(raw: bytes, kind: str) -> None:
    found = content(raw)
    assert (found.text, found.encrypted) == (f"{ENCRYPTED}\n", kind)
    assert len(found.attachments) == 1


def test_pgp_in_text_is_noted_and_stays_as_it_is() -> None:
    armour = "-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n"
    found = content(text(armour))
    assert (found.text, found.encrypted, found.defects) == (armour, "pgp", (ENCRYPTED,))
    assert content(text("-----BEGIN PGP SIGNED MESSAGE-----\n\nabc\n")).signed == "pgp"
    assert content(text("I wrote -----BEGIN PGP MESSAGE-----")).encrypted is None


@pytest.mark.parametrize(("protocol", "kind"), [("pgp-signature", "pgp"), ("pkcs7-signature", "smime")])
def test_signed_mail_in_two_pieces_says_so(protocol: str, kind: str) -> None:
    raw = text("--b\n\nx\n--b--", f'multipart/signed; boundary=b; protocol="application/{protocol}"')
    assert (content(raw).text, content(raw).signed) == ("x", kind)


# winmail.dat


def attribute(name: int, value: bytes) -> bytes:
    return struct.pack("<BHHI", 1, name, 6, len(value)) + value + b"\0\0"


def properties(*values: tuple[int, int, bytes]) -> bytes:
    """Properties of MAPI: kind, name, value."""
    out = struct.pack("<I", len(values))
    for kind, name, value in values:
        out += struct.pack("<HH", kind, name)
        if name & 0x8000:
            out += bytes(16) + struct.pack("<II", 1, 6) + "abc".encode("utf-16-le") + bytes(2)
        if kind in (0x1E, 0x1F, 0x0D, 0x102):
            out += struct.pack("<II", 1, len(value)) + value + bytes(-len(value) % 4)
        else:
            out += value
    return out


def winmail(*attributes: bytes) -> bytes:
    return b"\x78\x9f\x3e\x22\x01\x00" + attribute(0x9007, struct.pack("<II", 1250, 0)) + b"".join(attributes)


def wide(words: str) -> bytes:
    return words.encode("utf-16-le") + b"\0\0"


FILE = (
    attribute(0x9002, b"x")
    + attribute(0x8010, b"OFFER~1.PDF\0")
    + attribute(0x800F, b"%PDF")
    + attribute(0x9005, properties((3, 0x8001, bytes(4)), (0x1F, 0x3707, wide("nabídka.pdf"))))
)


def test_winmail_dat_is_opened() -> None:
    plain = attribute(0x9002, b"x") + attribute(0x8010, "kůň.txt".encode("cp1250") + b"\0") + attribute(0x800F, b"a")
    raw = whole("application/ms-tnef; name=winmail.dat", winmail(FILE, plain))
    found = content(raw)
    assert [(file.name, file.type, file.size) for file in found.attachments] == [
        ("nabídka.pdf", "application/pdf", 4),
        ("kůň.txt", "text/plain", 1),
    ]
    assert attachment_bytes(raw, 0) == b"%PDF"


COMPRESSED = struct.pack("<II4sI", 0, 0, b"LZFu", 0)


@pytest.mark.parametrize(
    ("wrapped", "words"),
    [
        (attribute(0x800C, "Dobrý den".encode("cp1250") + b"\0"), "Dobrý den"),
        (attribute(0x9003, properties((0x1F, 0x1000, wide("Dobrý den")))), "Dobrý den"),
        (attribute(0x9003, properties((0x102, 0x1013, b"<p>Hello</p>"))), "Hello"),
        (attribute(0x9003, properties((0x102, 0x1009, COMPRESSED + b"\0{\\rtf1 H\0ello}   "))), "Hello"),
    ],
)
def test_the_text_of_winmail_dat_is_read(wrapped: bytes, words: str) -> None:
    assert content(whole("application/ms-tnef", winmail(wrapped))).text.strip() == words


def test_a_message_in_winmail_dat_gives_its_text_and_files() -> None:
    inner = bytes(16) + winmail(attribute(0x800C, b"inner\0"), FILE)
    outer = attribute(0x9002, b"x") + attribute(
        0x9005, properties((0x1F, 0x3707, wide("Old mail")), (0x0D, 0x3701, inner))
    )
    found = tnef.read(winmail(outer))
    assert found is not None
    assert [(file.name, file.data) for file in found.files] == [("nabídka.pdf", b"%PDF"), ("Old mail.txt", b"inner")]


def test_winmail_dat_that_is_none_is_a_file() -> None:
    assert [file.name for file in content(whole("application/ms-tnef", b"?")).attachments] == ["attachment.bin"]
    assert [file.name for file in content(whole("application/x; name=winmail.dat", winmail())).attachments] == [
        "winmail.dat"
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\*\x y}a\par b\tab \'e4\u8364?c\{\}}", "a\nb\tä€c{}"),
        (rb"{\rtf1\ansicpg1251\'ef\'f0 {\*\htmltag <p>}x\htmlrtf y\htmlrtf0 z}", "пр xz"),
        (b"", ""),
    ],
)
def test_rich_text_is_read(data: bytes, words: str) -> None:
    assert rtf.text(data) == words


def test_rich_text_is_decompressed() -> None:
    # MS-OXRTFCP section 3.1
    data = "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    assert rtf.decompressed(bytes.fromhex(data)) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert rtf.decompressed(struct.pack("<II4sI", 0, 3, b"MELA", 0) + b"abcd") == b"abc"
    assert rtf.decompressed(b"") == rtf.decompressed(COMPRESSED) == b""


# Calendars


EVENT = """BEGIN:VCALENDAR
METHOD:{method}
BEGIN:VTIMEZONE
TZID:Berlin
BEGIN:DAYLIGHT
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
SUMMARY:Box talk\\, with
  tea
{times}
LOCATION:Room 1\\nFloor 2
ORGANIZER;CN="Lee, Ann":mailto:ann@client.org
ATTENDEE;CN=Bob;PARTSTAT={answer}:MAILTO:bob@example.com
BEGIN:VALARM
SUMMARY:Alarm
END:VALARM
END:VEVENT
BEGIN:VEVENT
SUMMARY:Second
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        ("DTSTART:20240305T090000Z\nDTEND:20240305T100000Z", "2024-03-05T09:00:00+00:00", "2024-03-05T10:00:00+00:00"),
        ("DTSTART;TZID=Berlin:20240330T090000", "2024-03-30T09:00:00+01:00", ""),
        ("DTSTART;TZID=Berlin:20240331T090000", "2024-03-31T09:00:00+02:00", ""),
        ('DTSTART;TZID="Berlin":20241027T0900', "2024-10-27T09:00:00+01:00", ""),
        ("DTSTART;TZID=Nowhere:20240331T090000\nDURATION:PT1H30M", "2024-03-31T09:00:00", "2024-03-31T10:30:00"),
        ("DTSTART;VALUE=DATE:20240305\nDURATION:P2D", "2024-03-05", "2024-03-07"),
        ("DTSTART;TZID=Berlin:99991231T235900\nDURATION:P9D", "9999-12-31T23:59:00+01:00", ""),
        ("DTSTART:20241399T000000", "", ""),
        ("DTSTART:soon", "", ""),
    ],
)
def test_the_times_of_an_event_have_their_zone(times: str, start: str, end: str) -> None:
    event = calendar.read(EVENT.format(method="REQUEST", times=times, answer="NEEDS-ACTION"))
    assert event is not None
    assert (event.start, event.end) == (start, end)


@pytest.mark.parametrize(
    ("method", "answer", "status", "first"),
    [
        ("REQUEST", "NEEDS-ACTION", "", "Invitation: Box talk, with tea"),
        ("REPLY", "ACCEPTED", "accepted", "Answer: Box talk, with tea"),
        ("reply", "DECLINED", "declined", "Answer: Box talk, with tea"),
        ("CANCEL", "ACCEPTED", "cancelled", "Cancelled: Box talk, with tea"),
    ],
)
def test_an_invitation_and_an_answer_are_said(method: str, answer: str, status: str, first: str) -> None:
    times = "DTSTART:20240305T090000Z\nRRULE:FREQ=WEEKLY"
    body = EVENT.format(method=method, times=times, answer=answer)
    found = content(text(body, "text/calendar; charset=utf-8"))
    event = found.calendar
    assert event is not None
    assert (event.method, event.status, event.location) == (method.lower(), status, "Room 1 Floor 2")
    assert event.organizer == "Lee, Ann <ann@client.org>"
    lines = found.text.splitlines()
    assert lines[:3] == [first, "When: 2024-03-05 09:00 +00:00", "Repeats: weekly"]
    assert f"Bob <bob@example.com>{f' ({answer.lower()})' if answer in ('ACCEPTED', 'DECLINED') else ''}" in lines[4]
    assert (f"Status: {status}" in lines) == bool(status)
    assert [file.name for file in found.attachments] == ["attachment.ics"]


def test_an_event_stands_once_above_the_text() -> None:
    part = "Content-Type: {}; name=invite.ics\n\nBEGIN:VEVENT\nSUMMARY:Talk\nEND:VEVENT"
    parts = [part.format("text/calendar"), part.format("application/ics"), "\nCome!"]
    raw = text("".join(f"--b\n{each}\n" for each in parts) + "--b--", "multipart/mixed; boundary=b")
    assert content(raw).text == "Event: Talk\n\nCome!"
    assert calendar.read("BEGIN:VCALENDAR\nEND:VCALENDAR") is None


def test_a_zone_that_begins_before_all_dates_says_nothing_of_the_time() -> None:
    """The fifth Thursday from the end of January of the year 1 lies in a year that is none."""
    zone = "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nTZOFFSETTO:+0100\nRRULE:BYMONTH=1;BYDAY=-5TH\nEND:STANDARD\n"
    event = "END:VTIMEZONE\nBEGIN:VEVENT\nSUMMARY:Talk\nDTSTART;TZID=X:00010115T100000\nEND:VEVENT\n"
    read = calendar.read(zone + event)
    assert read is not None
    assert (read.summary, read.start) == ("Talk", "")


# Files in text


UU = "begin 644 note.txt\n" + b2a_uu(b"a" * 45).decode() + b2a_uu(b"bc").decode() + "`\nend\n"


def test_files_in_text_are_attachments() -> None:
    raw = text(f"See:\n\n{UU}\nBye\n{UU}")
    found = content(raw)
    assert found.text == "See:\n\n\nBye\n"
    assert [(file.name, file.type, file.size) for file in found.attachments] == [("note.txt", "text/plain", 47)] * 2
    assert attachment_bytes(raw, 1) == b"a" * 45 + b"bc"


def test_yenc_in_text_is_an_attachment() -> None:
    data = bytes(range(256))
    coded = b"".join(
        b"=" + bytes([(each + 64) & 255]) if each in b"\0\n\r=" else bytes([each])
        for each in ((octet + 42) & 255 for octet in data)
    )
    lines = coded[:100] + b"\r\n" + coded[100:]
    raw = b"Content-Type: text/plain\n\nHi\n=ybegin line=128 size=256 name=all.bin\n" + lines + b"\n=yend size=256\n"
    found = content(raw)
    assert (found.text, [file.name for file in found.attachments]) == ("Hi\n", ["all.bin"])
    assert attachment_bytes(raw, 0) == data


@pytest.mark.parametrize(
    "words",
    [
        "begin 644 note.txt\nwe begin here\nend\n",
        "begin 644 note.txt\n#86)C\n",
        "begin the day\n#86)C\n`\nend\n",
        "=ybegin line=128 size=1 name=a\nabc\n",
    ],
)
def test_what_only_looks_like_a_file_is_text(words: str) -> None:
    assert content(text(words)).text == words


# Text


@pytest.mark.parametrize(
    ("delsp", "body", "words"),
    [
        (False, "one \ntwo \nthree\nfour", "one two three\nfour"),
        (True, "https://x.org/a \nbc\nこれは \n一行\n", "https://x.org/abc\nこれは一行\n"),
        (False, " From here\n > no quote\n", "From here\n> no quote\n"),
        (False, ">> a \n>> b\n> c \nd\n>\n", ">> a b\n> c\nd\n>\n"),
        (False, "one \n-- \nAnn\n", "one\n-- \nAnn\n"),
        (False, "open ", "open "),
    ],
)
def test_flowed_text_is_joined(delsp: bool, body: str, words: str) -> None:
    assert flowed.joined(body, delsp=delsp) == words
    assert content(text(body, f"text/plain; charset=utf-8; format=flowed{'; DelSp=yes' * delsp}")).text == words


@pytest.mark.parametrize(
    ("type_", "body", "words"),
    [
        ("enriched", "<bold>Hi</bold> <<3\nthere\n\n<color><param>red</param>x</color>", "Hi <3 there\nx"),
        ("enriched", "<nofill>a\nb</nofill>", "a\nb"),
        ("richtext", "a<nl>b <lt>c", "a\nb <c"),
    ],
)
def test_rich_text_of_old_has_no_tags(type_: str, body: str, words: str) -> None:
    assert content(text(body, f"text/{type_}")).text == words


LONG = "<p>" + " ".join(f"word{n}" for n in range(30)) + "</p>"


@pytest.mark.parametrize(
    ("plain", "html", "shown"),
    [
        ("This mail needs an HTML reader.", "<p>Order 4711</p>", "Order 4711"),
        ("Please see the HTML part.", '<a href="https://x.org/"><img src=x></a>', "<https://x.org/>"),
        ("word1 word2", LONG, LONG[3:-4]),
        ("Hello", "<img src=x>", "Hello"),
        ("Order 4711 and more", "<b>order</b> 4711", "Order 4711 and more"),
    ],
)
def test_a_stub_gives_way_to_its_html(plain: str, html: str, shown: str) -> None:
    parts = [f"\n{plain}", f"Content-Type: text/html\n\n{html}"]
    raw = text("".join(f"--b\n{each}\n" for each in parts) + "--b--", "multipart/alternative; boundary=b")
    assert content(raw).text == shown


def test_a_page_of_html_without_a_type_is_html() -> None:
    assert content(b"Subject: x\n\n<!DOCTYPE html><html><p>Hi</p></html>\n").text == "Hi"
    assert content(b"Subject: x\n\n<html> is a tag\n").text == "<html> is a tag\n"


def test_html_is_in_the_charset_of_its_meta() -> None:
    raw = b'Content-Type: text/html\n\n<meta http-equiv=x content="text/html; charset=windows-1251"><p>'
    assert content(raw + "привет".encode("cp1251")).text == "привет"
    assert content(b"Content-Type: text/html\n\n<meta charset='koi8-r'>" + "привет".encode("koi8-r")).text == "привет"


NAMED = "Content-Type: text/{0}; name=a.{0}\n\n{1}"


@pytest.mark.parametrize(
    ("kind", "parts", "shown", "files"),
    [
        ("mixed", [NAMED.format("plain", "words")], "words", []),
        ("mixed", [NAMED.format("plain", "one"), NAMED.format("plain", "two")], "one", ["a.plain"]),
        ("mixed", [NAMED.format("plain", "one"), "\ntwo"], "two", ["a.plain"]),
        ("mixed", [NAMED.format("plain", "one"), "\n\n"], "one\n\n", []),
        ("alternative", [NAMED.format("plain", "one"), NAMED.format("html", "one")], "one", []),
        ("mixed", ["Content-Disposition: attachment; filename=a.txt\n\none"], "", ["a.txt"]),
    ],
)
def test_a_named_text_is_the_body_where_no_other_is(kind: str, parts: list[str], shown: str, files: list[str]) -> None:
    raw = text("".join(f"--b\n{each}\n" for each in parts) + "--b--", f"multipart/{kind}; boundary=b")
    found = content(raw)
    assert (found.text, [file.name for file in found.attachments]) == (shown, files)


# Names


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ("Content-Type: image/jpeg", "attachment.jpg"),
        ("Content-Type: application/x-odd", "attachment.bin"),
        ("Content-Type: application/pdf\nContent-Description: Our offer", "Our offer.pdf"),
        ("Content-Type: application/pdf\nContent-Description: offer.pdf", "offer.pdf"),
        ("Content-Type: image/gif\nContent-Location: http://x.org/i/logo.gif?a=b", "logo.gif"),
        ("Content-Type: image/jpeg\nContent-ID: <image001.jpg@01D0.A5>", "image001.jpg"),
        ("Content-Type: image/jpeg\nContent-ID: <f_abc@x>", "attachment.jpg"),
        ("Content-Type: application/pdf; name=offer", "offer.pdf"),
        ("Content-Type: application/pdf; name=offer.exe", "offer.exe"),
        ("Content-Type: application/octet-stream; name=Makefile", "Makefile"),
        ("Content-Type: message/rfc822", "Grüße, a-b.eml"),
    ],
)
def test_a_file_has_a_telling_name(fields: str, name: str) -> None:
    inner = "From: Ann <ann@client.org>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=, a/b\n\nx"
    raw = text(f"--b\n\nx\n--b\n{fields}\n\n{inner}\n--b--", "multipart/mixed; boundary=b")
    (file,) = content(raw).attachments
    assert file.name == name
    forwarded = ("Grüße, a/b", "Ann <ann@client.org>")
    assert (file.subject, file.author) == (forwarded if file.type == "message/rfc822" else ("", ""))


def test_the_halves_of_a_file_of_a_macintosh_are_one_file() -> None:
    halves = (
        "--c\nContent-Type: application/applefile; name=a.pdf\n\nx\n--c\nContent-Type: application/pdf\n\n%PDF\n--c--"
    )
    raw = text(
        f"--b\n\nx\n--b\nContent-Type: multipart/appledouble; boundary=c\n\n{halves}\n--b--",
        "multipart/mixed; boundary=b",
    )
    assert [(file.name, file.size) for file in content(raw).attachments] == [("a.pdf", 4)]


# Hostile input


@pytest.mark.parametrize(
    "bomb",
    [
        lambda size: whole("application/pkcs7-mime", b"\x30\x80" * (size // 2)),
        lambda size: whole("application/pkcs7-mime", signed(b"")[:50] + b"\x24\x80" * (size // 2)),
        lambda size: whole(
            "application/pkcs7-mime", ber(0x30, SIGNED, b"\xa0\x80\x30\x80" + b"\x31\x80" * (size // 2))
        ),
        lambda size: whole("application/ms-tnef", winmail(attribute(0x9002, b"") * (size // 11))),
        lambda size: whole("application/ms-tnef", winmail(attribute(0x9003, b"\xff" * size))),
        lambda size: whole("application/ms-tnef", winmail(*[FILE] * (size // 200))),
        lambda size: text("begin 644 x\nM\n" * (size // 14)),
        lambda size: text("=ybegin name=x\n" * (size // 15)),
        lambda size: text("begin 644 x\n" + "`\n" * (size // 2)),
        lambda size: text("BEGIN:VEVENT\n" * (size // 13), "text/calendar"),
        lambda size: text("BEGIN:VEVENT\nX" + ';a="b"' * (size // 6), "text/calendar"),
        lambda size: text("BEGIN:VEVENT\nSUMMARY:" + "\\" * size, "text/calendar"),
        lambda size: text("a \n" * (size // 3), "text/plain; format=flowed"),
        lambda size: text(">" * size, "text/plain; format=flowed"),
        lambda size: text("<" * size, "text/enriched"),
        lambda size: text("<param>" * (size // 7), "text/enriched"),
        lambda size: whole(
            "application/ms-tnef", winmail(attribute(0x9003, properties((0x102, 0x1009, COMPRESSED + b"\xff" * size))))
        ),
    ],
)
def test_bombs_take_linear_time(bomb: Callable[[int], bytes]) -> None:
    raw = bomb(300_000)
    start = time.process_time()
    content(raw)
    assert time.process_time() - start < 5


SEEDS = [
    signed(INNER),
    signed(INNER, ber),
    winmail(FILE),
    EVENT.format(method="REPLY", times="DTSTART:20240305", answer="X").encode(),
]
SEEDS += [UU.encode(), b"{\\rtf1\\ansi\\'e4\\u1?{\\*\\x}}", COMPRESSED + b"\0{\\rtf1 \xff\0a"]


@given(st.sampled_from(SEEDS), st.integers(0, 400), st.binary(max_size=6), st.integers(0, 6))
def test_anything_is_read(seed: bytes, at: int, more: bytes, less: int) -> None:
    data = seed[:at] + more + seed[at + less :]
    cms.read(data)
    tnef.read(data)
    uuencode.split(data)
    rtf.text(rtf.decompressed(data))
    rtf.text(data)
    calendar.read(data.decode("latin-1"))
    for type_ in ("application/pkcs7-mime", "application/ms-tnef", "text/calendar", "text/plain; format=flowed"):
        raw = whole(type_, data)
        found = content(raw)
        assert [len(attachment_bytes(raw, index)) for index in range(len(found.attachments))] == [
            file.size for file in found.attachments
        ]
