"""Give back the header of a message that is refused (RFC 6522 section 4), as text that no reader can misread."""

import re
from collections.abc import Iterator

from mailgate.compose import mime
from mailgate.compose.mime import BodyPart
from mailgate.mail import dates
from mailgate.mail import header as headers
from mailgate.mail.message import Message
from mailgate.values import charset

LIMIT = 8_192
"""Octets of the original header that are returned, before and after encoding."""
_LINE_LIMIT = 998
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_ID = re.compile(r"<(?!.*=\?)[!-;=?-~]{1,198}>")
"""A Message-ID that may be returned: printable ASCII, nothing that a reader could decode, at most 200 characters."""
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def traces(message: Message) -> BodyPart:
    """What tells a sender which message it was, and tells nobody anything else: its Message-ID and its date."""
    lines = []
    if message.message_id and _ID.fullmatch(message.message_id):
        lines.append(f"Message-ID: {message.message_id}\n")
    if moment := dates.read(message.field("date")):
        lines.append(f"Date: {mime.date(moment.timestamp())}\n")
    return mime.part("text/rfc822-headers; charset=utf-8", "".join(lines))


def header(raw: bytes) -> BodyPart:
    """The original header fields, at most LIMIT octets, cut at a line end."""
    room = LIMIT
    while True:
        lines: list[str] = []
        length = 0
        for line in _lines(raw):
            length += len(line.encode("utf-8")) + 1
            if length > room:
                break
            lines.append(f"{line}\n")
        part = mime.part("text/rfc822-headers; charset=utf-8", "".join(lines))
        if len(part.body) <= LIMIT:
            return part
        room = room * LIMIT // len(part.body)


def _lines(raw: bytes) -> Iterator[str]:
    """The lines of the header as text without controls. The first doubtful line ends it, so none is of the body."""
    at = raw.find(b"\n") + 1 if raw[:5] == b"From " else 0
    line_end = b"\n" if raw.find(b"\n", at, at + headers.LIMIT) >= 0 else b"\r"
    started = False
    while at < len(raw):
        end = raw.find(line_end, at)
        end = len(raw) if end < 0 else end
        line = raw[at : min(end, at + _LINE_LIMIT)].removesuffix(b"\r")
        if end > at + _LINE_LIMIT:
            line = line.rstrip(bytes(range(128, 256)))  # not a part of a character
        at = end + 1
        if not line.strip():
            return
        if line[:1] not in b" \t":
            if not _FIELD.match(line):
                return
            started = True
        if started:
            yield _CONTROL.sub("?", charset.decode(line, None)).rstrip()
