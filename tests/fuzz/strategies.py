"""What mails are made of, for hypothesis; and how many examples a test gets.

MAILGATE_FUZZ=N asks for N examples of each property instead of a few, and for others every time.
"""

import base64
import os
import quopri
from typing import NamedTuple

from helpers.messages import mail
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from mailgate.values.address import Address

_MANY = int(os.environ.get("MAILGATE_FUZZ") or 0)
fuzz = settings(
    max_examples=_MANY or 40,
    derandomize=not _MANY,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
"""The settings of every property here."""

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=40)
"""Text with controls and halves of surrogate pairs."""
WORDS = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="\ufffd"), min_size=1, max_size=12)
ATOMS = st.text(st.sampled_from("abcXYZ019!#$%&'*+-/=?^_`{|}~é漢"), min_size=1, max_size=20)
NASTY = st.sampled_from(
    [
        *('"', "\\", "(", ")", "<", ">", "@", ",", ";", ":", "[", "]", ".", " ", "\t", "=?utf-8?q?a?=", "=?", "?="),
        *("\0", "\x1b[31m", "\x7f", "\x85", "\x9b", "\u2028", "\u202e", "\ufeff", "\ufffe", "\udcff", "\U0001f4a9"),
        *("info@example.com", "bob@client.org", "catchall@example.com", "bounce@example.com", "<m1@client.org>"),
        *("multipart/report", "message/rfc822", "boundary=b", "charset=utf-7", "base64", "550 5.1.1", "rfc822;"),
        *("=?utf-8?b?DQpYLUluamVjdGVkOiB5?=", "=?utf-8?q?=0D=0AX-Injected:_y?=", "mg1.", "auto-replied", "yes"),
    ]
)
SOUP = st.lists(NASTY | WORDS | ANYTHING, max_size=8).map("".join)
"""What somebody writes who means harm."""
DOMAINS = st.sampled_from(
    ["client.org", "mx.client.org", "bücher.example", "xn--bcher-kva.example", "[192.0.2.1]", "x"]
)
LOCALS = ATOMS | st.builds("{}.{}".format, ATOMS, ATOMS) | st.text(st.characters(codec="ascii", categories="LNPSZ"))
ADDRESSES = st.builds(Address, LOCALS.filter(lambda text: 0 < len(text.encode()) <= 64), DOMAINS.filter(str.isascii))
"""Mailboxes as they are once they were read: any printable local part."""
RECIPIENTS = st.sampled_from(
    [
        *("info@example.com", "sales@example.com", "INFO+x@Example.com", "jobs@example.com", "help@other.test"),
        *("catchall@example.com", "bounce@example.com", "returns@other.test", "postmaster@example.com"),
        *("nobody@example.com", "mailbox@host.lan"),
    ]
)
REVERSE_PATHS = (
    st.sampled_from(["bob@client.org", "", None, "<>", "mailer-daemon@client.org", "info@example.com"]) | SOUP
)
FIELDS = st.sampled_from(
    [
        *("From", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Reply-To", "Sender"),
        *("Received", "Return-Path", "Delivered-To", "X-Original-To", "Resent-To", "Content-Type", "MIME-Version"),
        *("Content-Transfer-Encoding", "Content-Disposition", "Auto-Submitted", "Precedence", "List-Id", "X-Loop"),
        *("Authentication-Results", "X-Failed-Recipients", "X-Mailgate-Loop", "X-Spam-Flag", "from ", "TO\t", "X"),
    ]
)
"""Names of fields, some of them in odd spellings."""


@st.composite
def encoded_words(draw: st.DrawFn) -> str:
    """An encoded word, right or nearly."""
    name = draw(st.sampled_from(["utf-8", "iso-8859-1", "utf-7", "utf-16", "gb18030", "iso-2022-jp", "x", "idna", ""]))
    octets = draw(st.binary(max_size=20) | SOUP.map(lambda text: text.encode("utf-8", "surrogatepass")))
    if draw(st.booleans()):
        return f"=?{name}?b?{base64.b64encode(octets).decode()}?="
    return f"=?{name}?Q?{''.join(f'={each:02X}' for each in octets)}?="


VALUES = SOUP | encoded_words() | st.lists(encoded_words(), max_size=4).map(" ".join)
IDS = st.lists(ATOMS.map("<{}@client.org>".format) | SOUP.map("<{}>".format), max_size=5).map(" ".join)


def octets(text: str) -> bytes:
    """Text as bytes, whatever is in it."""
    return text.encode("utf-8", "surrogatepass")


@st.composite
def soups(draw: st.DrawFn) -> bytes:
    """A header of any fields with any values, folded at will, and any body."""
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = draw(st.lists(st.tuples(FIELDS, VALUES | IDS | RECIPIENTS), max_size=12))
    head = "".join(f"{name}:{draw(st.sampled_from(['', ' ', end + ' ']))}{value}{end}" for name, value in lines)
    return octets(head) + octets(end) + draw(BODIES)


BODIES = (
    SOUP.map(octets) | st.binary(max_size=60) | st.lists(SOUP, max_size=8).map(lambda rows: octets("\n".join(rows)))
)


class Leaf(NamedTuple):
    """A part whose content is known: what it is read as, and its bytes as they are written."""

    said: str
    written: bytes


@st.composite
def texts(draw: st.DrawFn, kind: str = "plain") -> Leaf:
    """A text part in any charset and encoding."""
    name, said = draw(
        st.tuples(st.just("utf-8"), st.lists(WORDS, min_size=1, max_size=5).map(" ".join))
        | st.tuples(st.just("iso-8859-1"), st.text(st.sampled_from("abc äöü ß\n"), min_size=1))
        | st.tuples(st.just("koi8-r"), st.text(st.sampled_from("абв где"), min_size=1))
        | st.tuples(st.just("shift_jis"), st.text(st.sampled_from("日本語 a"), min_size=1))
    )
    raw = said.encode(name)
    encoding, written = draw(
        st.sampled_from(
            [
                ("8bit", raw),
                ("base64", base64.encodebytes(raw)),
                ("quoted-printable", quopri.encodestring(raw)),
            ]
        )
    )
    head = f"Content-Type: text/{kind}; charset={name}\nContent-Transfer-Encoding: {encoding}\n\n"
    return Leaf(said, head.encode() + written)


def field(name: str, value: str) -> tuple[str, str]:
    """A field as `build.mail` takes further ones."""
    return name, value


@st.composite
def letters(draw: st.DrawFn) -> bytes:
    """A mail as mail programs write it: LF line ends, single blanks, no control characters."""
    words = st.lists(WORDS, max_size=6).map(" ".join)
    fields = {
        "subject": draw(words),
        "message_id": draw(ATOMS.map("<{}@client.org>".format)),
        "references": draw(st.lists(ATOMS.map("<{}@client.org>".format), max_size=5).map(" ".join)) or None,
        "to": draw(st.lists(RECIPIENTS | ADDRESSES.map(str), min_size=1, max_size=4).map(", ".join)),
        "cc": draw(st.none() | RECIPIENTS),
        "from": draw(st.sampled_from(["Bob Ray <bob@client.org>", "ann@client.org", "nobody at all"])),
        "auto_submitted": draw(st.sampled_from([None, None, "auto-replied"])),
        "list_id": draw(st.sampled_from([None, None, "<chairs.client.org>"])),
    }
    body = draw(st.lists(words, max_size=6).map("\n".join))
    return mail(body, **fields)
