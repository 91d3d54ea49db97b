"""Write header fields and parts that no value can break out of.

By hand rather than with email.message: what is written here is little and known, while that package folds differently
in every version, turns a long id in References into encoded words, raises on a VT in a subject and lets the field name
`Subject ` through. Everything is ASCII but an address that is not (RFC 6532); line ends are LF, as sendmail wants them.
"""

import re
import time
from binascii import b2a_base64, b2a_qp
from collections.abc import Sequence
from typing import NamedTuple

from mailgate.values import charset

_FOLD_AT = 76
_PLAIN_LINE = 900
"""Octets of a line that goes out without an encoding; RFC 5322 section 2.1.1 allows 998."""
_WORD_OCTETS = 45
"""Octets in one encoded word: 60 characters of base64 and 12 around them, of the 75 that RFC 2047 section 2 allows."""
_BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FROM_LINE = re.compile(rb"^From ", re.MULTILINE)
_UNSAFE = re.compile(rb"[^\t\n -~]|^From |[ \t]$", re.MULTILINE)
JOINERS = "\u200c\u200d"
"""Without width, but Persian, the scripts of India and families of emoji are spelled with them."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Part(NamedTuple):
    """A part of a message: the whole Content-Type value, the transfer encoding, the body encoded with it.

    `disposition`: the words of Content-Disposition, none for what is to be read.
    """

    type: str
    encoding: str
    body: bytes
    disposition: tuple[str, ...] = ()


def shown(text: str, limit: int) -> str:
    """A stranger's text as one line of at most `limit` characters, without whatever is not meant to be seen.

    Controls, bidi controls and other format characters are dropped; white space and line breaks are one space.
    """
    kept = [c for c in charset.line(text) if c.isprintable() or c.isspace() or c in JOINERS]
    return " ".join("".join(kept).split())[:limit].rstrip()


def words(text: str) -> list[str]:
    """The words of unstructured text for `field`, encoded words (RFC 2047) from the first one that needs it.

    Text that looks like an encoded word is encoded itself, else a reader would decode what nobody wrote.
    """
    every = text.split(" ")
    plain = next((at for at, word in enumerate(every) if not word.isascii() or "=?" in word), len(every))
    return every[:plain] + (_encoded(" ".join(every[plain:])) if plain < len(every) else [])


def _encoded(text: str) -> list[str]:
    chunks = [b""]
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(chunks[-1]) + len(octets) > _WORD_OCTETS:  # a word ends where a character ends (RFC 2047 section 5)
            chunks.append(b"")
        chunks[-1] += octets
    return [f"=?utf-8?b?{b2a_base64(chunk, newline=False).decode('ascii')}?=" for chunk in chunks]


def field(name: str, *value: str) -> bytes:
    """A header field with its line end: the words of its value, folded between them, without controls in them."""
    clean = [_BREAKING.sub("", word) for word in value]
    lines = [f"{name}: {clean[0]}"]
    for word in clean[1:]:
        if word and len(lines[-1]) + 1 + len(word) > _FOLD_AT:  # a line of blanks ends a header for some
            lines.append("")
        lines[-1] += f" {word}"
    return "\n".join(lines).encode("utf-8") + b"\n"


def phrase(text: str) -> list[str]:
    """A display name (RFC 5322 section 3.2.5) as words for `field`: a quoted string, encoded words when not ASCII.

    Without a name: no words.
    """
    if not text:
        return []
    if text.isascii() and "=?" not in text:
        return ['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"']
    return _encoded(text)


def date(now: float) -> str:
    """A moment as RFC 5322 section 3.3 writes it, in UTC; names of days do not depend on a locale."""
    at = time.gmtime(now)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    return f"{day}, {at.tm_mday:02} {month} {at.tm_year} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} +0000"


def part(content_type: str, text: str) -> Part:
    """A part that says `text`, as it is where every mail server leaves that alone, else in the shorter encoding.

    Its line ends become LF, also a lone CR, which no encoding of text would show to a mail server.
    """
    body = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    if not _UNSAFE.search(body) and all(len(line) <= _PLAIN_LINE for line in body.split(b"\n")):
        return Part(content_type, "7bit", body)
    quoted = _FROM_LINE.sub(b"=46rom ", b2a_qp(body))
    encoded = _base64(body)
    if len(encoded) < len(quoted):
        return Part(content_type, "base64", encoded)
    return Part(content_type, "quoted-printable", quoted)


def _base64(octets: bytes) -> bytes:
    return b"".join(b2a_base64(octets[at : at + 57]) for at in range(0, len(octets), 57))


def attachment(name: str, content_type: str, octets: bytes) -> Part:
    """A part that is a file (RFC 2183). A name that is not plain ASCII goes as RFC 2231 section 4 has it, and for
    older readers as encoded words in the Content-Type."""
    if re.fullmatch(r"[ !#-\[\]-~]{1,70}", name):
        return Part(content_type, "base64", _base64(octets), ("attachment;", f'filename="{name}"'))
    from urllib.parse import quote

    octets_of_name = name.encode("utf-8", "replace")[:200].decode("utf-8", "ignore")
    typed = " ".join((f"{content_type};", f'name="{" ".join(_encoded(octets_of_name))}"'))
    words = ("attachment;", f"filename*=utf-8''{quote(octets_of_name, safe='')}")
    return Part(typed, "base64", _base64(octets), words)


def multipart(parts: Sequence[Part], boundary: str) -> bytes:
    """The body of a multipart message (RFC 2046 section 5.1); whoever wrote the parts must not know the boundary."""
    out = []
    for each in parts:
        out.append(b"--" + boundary.encode("ascii") + b"\n" + field("Content-Type", *each.type.split(" ")))
        if each.disposition:
            out.append(field("Content-Disposition", *each.disposition))
        if each.encoding != "7bit":
            out.append(field("Content-Transfer-Encoding", each.encoding))
        out.append(b"\n" + each.body + b"\n")  # the line end before a boundary belongs to the boundary
    return b"".join(out) + b"--" + boundary.encode("ascii") + b"--\n"
