"""Write header fields and MIME parts that no value can break out of.

The stdlib's email.message would be larger than this: it folds differently in every version, turns a long id in
References into encoded words, raises on a VT in a subject, and accepts the field name `Subject `. All output is ASCII,
except for addresses that are not (RFC 6532). Line ends are LF, as sendmail expects them.
"""

import re
import time
from binascii import b2a_base64, b2a_qp
from collections.abc import Sequence
from typing import NamedTuple

from mailgate.values import charset

_FOLD_AT = 76
_PLAIN_LINE = 900
"""Octets of a line that is sent without an encoding; RFC 5322 section 2.1.1 allows 998."""
_WORD_OCTETS = 45
"""Octets in one encoded word: 60 characters of base64 and 12 around them, of the 75 that RFC 2047 section 2 allows."""
_BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FROM_LINE = re.compile(rb"^From ", re.MULTILINE)
_UNSAFE = re.compile(rb"[^\t\n -~]|^From |[ \t]$", re.MULTILINE)
JOINERS = "\u200c\u200d"
"""Characters without width that Persian, the scripts of India and families of emoji need."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class BodyPart(NamedTuple):
    """A part to be written: the full Content-Type value, the transfer encoding, the body in that encoding.

    `disposition`: the words of Content-Disposition, none for text to read.
    """

    type: str
    encoding: str
    body: bytes
    disposition: tuple[str, ...] = ()


def shown(text: str, limit: int) -> str:
    """Untrusted text as one line of at most `limit` visible characters.

    Controls, bidi controls and other format characters are dropped; white space and line breaks become one space.
    """
    visible = "".join(c for c in charset.line(text) if c.isprintable() or c.isspace() or c in JOINERS)
    return " ".join(visible.split())[:limit].rstrip()


def words(text: str) -> list[str]:
    """The words of unstructured text for `field`, as encoded words (RFC 2047) from the first one that needs it.

    Text that looks like an encoded word is encoded too, or a reader would decode it.
    """
    split = text.split(" ")
    plain = next((at for at, word in enumerate(split) if not word.isascii() or "=?" in word), len(split))
    return split[:plain] + (_encoded(" ".join(split[plain:])) if plain < len(split) else [])


def _encoded(text: str) -> list[str]:
    chunks = [b""]
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(chunks[-1]) + len(octets) > _WORD_OCTETS:  # a word ends where a character ends (RFC 2047 section 5)
            chunks.append(b"")
        chunks[-1] += octets
    return [f"=?utf-8?b?{b2a_base64(chunk, newline=False).decode('ascii')}?=" for chunk in chunks]


def field(name: str, *value: str) -> bytes:
    """A header field with its line end, folded between the words of its value; controls are removed."""
    clean = [_BREAKING.sub("", word) for word in value]
    lines = [f"{name}: {clean[0]}"]
    for word in clean[1:]:
        if word and len(lines[-1]) + 1 + len(word) > _FOLD_AT:  # for some readers, a line of blanks ends a header
            lines.append("")
        lines[-1] += f" {word}"
    return "\n".join(lines).encode("utf-8") + b"\n"


def phrase(text: str) -> list[str]:
    """A display name (RFC 5322 section 3.2.5) as words for `field`: quoted, or encoded when it is not ASCII.

    An empty name has no words.
    """
    if not text:
        return []
    if text.isascii() and "=?" not in text:
        return ['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"']
    return _encoded(text)


def date(now: float) -> str:
    """A time in seconds since the epoch as a Date value (RFC 5322 section 3.3), in UTC and in no locale."""
    at = time.gmtime(now)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    return f"{day}, {at.tm_mday:02} {month} {at.tm_year} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} +0000"


def part(content_type: str, text: str) -> BodyPart:
    """A part with a text, as it is where no mail server would change it, else in the shorter encoding.

    Line ends become LF, also a lone CR, which the encodings of text cannot keep.
    """
    body = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    if not _UNSAFE.search(body) and all(len(line) <= _PLAIN_LINE for line in body.split(b"\n")):
        return BodyPart(content_type, "7bit", body)
    quoted = _FROM_LINE.sub(b"=46rom ", b2a_qp(body))
    encoded = _base64(body)
    if len(encoded) < len(quoted):
        return BodyPart(content_type, "base64", encoded)
    return BodyPart(content_type, "quoted-printable", quoted)


def _base64(octets: bytes) -> bytes:
    return b"".join(b2a_base64(octets[at : at + 57]) for at in range(0, len(octets), 57))


def attachment(name: str, content_type: str, octets: bytes) -> BodyPart:
    """A part that is a file (RFC 2183).

    A name that is not plain ASCII is written as in RFC 2231 section 4, and once more, for older readers, as encoded
    words in the Content-Type.
    """
    if re.fullmatch(r"[ !#-\[\]-~]{1,70}", name):
        return BodyPart(content_type, "base64", _base64(octets), ("attachment;", f'filename="{name}"'))
    from urllib.parse import quote

    name = name.encode("utf-8", "replace")[:200].decode("utf-8", "ignore")
    content_type = f'{content_type}; name="{" ".join(_encoded(name))}"'
    disposition = ("attachment;", f"filename*=utf-8''{quote(name, safe='')}")
    return BodyPart(content_type, "base64", _base64(octets), disposition)


def multipart(parts: Sequence[BodyPart], boundary: str) -> bytes:
    """The body of a multipart message (RFC 2046 section 5.1); the authors of the parts must not know the boundary."""
    out = []
    for part in parts:
        out.append(b"--" + boundary.encode("ascii") + b"\n" + field("Content-Type", *part.type.split(" ")))
        if part.disposition:
            out.append(field("Content-Disposition", *part.disposition))
        if part.encoding != "7bit":
            out.append(field("Content-Transfer-Encoding", part.encoding))
        out.append(b"\n" + part.body + b"\n")  # the line end before a boundary belongs to the boundary
    return b"".join(out) + b"--" + boundary.encode("ascii") + b"--\n"
