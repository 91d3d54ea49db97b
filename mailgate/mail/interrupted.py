"""Find the fields of a header that something interrupts: a byte order mark or a banner in front, a stray line within.

Mail servers and filters end the header at the first line that is no field. People still want to read the fields below
it. What follows such a line is a header only where it looks like one, because a mail without the empty line behind its
header has its text there.
"""

import re
from itertools import islice

STRAYS_LIMIT = 5
"""Lines in one header that are no fields."""
HEADER_LIMIT = 256 * 1024
"""Octets below such a line in which the header must end."""
BANNERS_LIMIT = 2_000
"""Octets of the lines in front of the first field."""
MARKS = (b"\xef\xbb\xbf", b"\xc3\xaf\xc2\xbb\xc2\xbf")
"""The byte order mark in UTF-8, and the same where a program took it for windows-1252."""

_MARKED_LINE = re.compile(rb"(?:\A|(?<=\n))(?:" + b"|".join(MARKS) + rb")+")
_MBOX_LINE = re.compile(rb">?From (?![ \t]*:)")  # local(8) and Exim put it in front
_BLANK_LINE = re.compile(rb"\n\r?\n")
_FIELD = re.compile(rb"^(?!--)[!-9;-~]+[ \t]*:", re.MULTILINE)
_STRAY = re.compile(rb"^(?!\Z|\r?$|[ \t]|(?!--)[!-9;-~]+[ \t]*:)[^\n]*", re.MULTILINE)
_STRAY_FOLDED = re.compile(
    rb"^(?!\Z|[ \t]|(?!--)[!-9;-~]+[ \t]*:)[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)", re.MULTILINE
)  # fmt: skip
_NAME = re.compile(rb"^([!-9;-~]+)[ \t]*:", re.MULTILINE)
# Fields that a header has and a text hardly ever, with the start of a value that fits.
_TELLING = re.compile(
    rb"^(?:(from|to|cc|reply-to|sender)[ \t]*:[^\n]*[^\s@]@[^\s@]|(date)[ \t]*:[^\n]*\d:\d\d|(subject)[ \t]*:"
    rb"|(message-id|in-reply-to|references|return-path)[ \t]*:\s*<|(mime-version)[ \t]*:[ \t]*1"
    rb"|(content-type)[ \t]*:[ \t]*[a-z]+/|(content-transfer-encoding|content-disposition)[ \t]*:[ \t]*[a-z78]"
    rb"|(received)[ \t]*:|(dkim-signature)[ \t]*:)",
    re.MULTILINE | re.IGNORECASE,
)


def start(raw: bytes) -> tuple[int, str]:
    """The offset of the first field, and what was skipped in front of it, `""` for nothing or an mbox line."""
    at, skipped = 0, ""
    while True:
        mark = next((mark for mark in MARKS if raw.startswith(mark, at)), b"")
        if mark:
            at, skipped = at + len(mark), "a byte order mark in front of the header"
        elif _MBOX_LINE.match(raw, at):
            at = raw.find(b"\n", at) + 1 or len(raw)
        else:
            break
    head = raw[at : at + BANNERS_LIMIT]
    line, first = _STRAY.match(head), _FIELD.search(head)
    if line and first and resumed(raw, at, at, len(raw), fewest=2):
        return at + first.start(), f"a line in front of the header: {_shown(line[0])}"
    return at, skipped


def resumed(raw: bytes, first: int, at: int, limit: int, fewest: int = 1) -> int | None:
    """Where the header that starts at `first` ends for people, although the line at `at` is no field.

    limit: the offset where the message or part ends. Returns the offset of the last line end of the header, None where
    no header follows that line: its fields are fewer than the stray lines, or fewer than `fewest` of them tell that it
    is one and are missing above.
    """
    blank = _BLANK_LINE.search(raw, at, min(limit, at + HEADER_LIMIT))
    if not blank:
        return None
    block = _MARKED_LINE.sub(b"", raw[at : blank.start() + 1])
    strays = sum(1 for _ in islice(_STRAY.finditer(block), STRAYS_LIMIT + 1))
    if strays > STRAYS_LIMIT or strays > sum(1 for _ in islice(_FIELD.finditer(block), STRAYS_LIMIT)):
        return None
    above = names(raw[first:at])
    telling = {match[match.lastindex or 0].lower() for match in _TELLING.finditer(block)}
    return blank.start() if len(telling - above) >= fewest else None


def fields(block: bytes) -> bytes:
    """The lines of an interrupted header that belong to fields."""
    return _STRAY_FOLDED.sub(b"", _MARKED_LINE.sub(b"", block))


def stray(block: bytes) -> str:
    """The first line of an interrupted header, as it is shown in a defect; a byte order mark by its name."""
    line = _STRAY.match(_MARKED_LINE.sub(b"", block))
    return _shown(line[0]) if line else "a byte order mark"


def names(block: bytes) -> frozenset[bytes]:
    """The names of the fields in a header, in lower case."""
    return frozenset(match[1].lower() for match in _NAME.finditer(block))


def _shown(line: bytes) -> str:
    from mailgate.values import charset

    return f'"{charset.printable(charset.line(charset.decode(line, None), 80))}"'
