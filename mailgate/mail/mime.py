"""Find the MIME parts of a message, by scanning octets.

Hostile messages make the stdlib's parser recurse, raise and loop. This one keeps offsets instead of copies, reads six
Content- fields only, and follows RFC 2045, 2046, 2183 and 2231 as loosely as mail programs do. At the limits below it
notes a defect and goes on. Time and memory are linear in the message.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from mailgate.mail import entity as entities
from mailgate.mail import header, transfer
from mailgate.values import charset

DEPTH_LIMIT = 50
"""Levels of nested multiparts; a deeper one is a leaf."""
PARTS_LIMIT = 1000
"""Parts of a message, containers included; those that follow are not read."""
HEADER_LIMIT = 256 * 1024
"""Octets of the header of a message or part that are read."""
BOUNDARY_LIMIT = 1000
"""Octets of a boundary, where RFC 2046 allows 70; a longer one is ignored."""
VALUE_LIMIT = 16 * 1024
"""Octets of one field."""
DEFECTS_LIMIT = 50
"""Defects of one message that are noted."""
# RFC 5322, 2.2; but a line that starts like a delimiter line is one, even with a colon in it.
_FIRST_NOT_FIELD = re.compile(rb"^(?!(?!--)[!-9;-~]++[ \t]*+:|[ \t])", re.M)
_BLANK_LINE = re.compile(rb"\n\r?\n")
_CONTENT_FIELD = re.compile(
    rb"^content-(type|transfer-encoding|disposition|id|description|location)[ \t]*+:((?:[^\n]*+\n[ \t]++)*[^\n]*+)",
    re.M | re.I,
)
_BADLY_FOLDED = re.compile(
    rb";[ \t]*\r?\n(?=[a-z0-9*-]{1,40}[ \t]*=)", re.I
)  # without the white space of RFC 5322, 2.2.3
_LIKELY_DELIMITER = re.compile(rb"^--([^\r\n]{1,200}+)\r?\n(?=content-)", re.M | re.I)


class Part(NamedTuple):
    """One part. Offsets count in `Tree.raw`. `type` is lower case; `charset` is as declared, "" without one."""

    type: str
    charset: str
    disposition: str
    name: str
    """The file name: last path part, one clean line, at most 150 octets; "" when there is none."""
    content_id: str
    encoding: str
    header: int
    start: int
    end: int
    description: str = ""
    """What else may name it: its Content-Description, else its Content-Location."""
    variant: str = ""
    """See `entity.Entity`."""
    parts: tuple["Part", ...] = ()


class Tree(NamedTuple):
    """The parts of a message; `raw` is the message, with LF for CR where CR is its line end."""

    raw: bytes
    root: Part
    defects: tuple[str, ...]


def tree(raw: bytes) -> Tree:
    """The parts of a message, which may start with an mbox line or a byte order mark. message/rfc822 is a leaf."""
    # The old Macintosh line end; anywhere else a lone CR is data.
    if b"\r" in raw and raw.find(b"\n", 0, -1) < 0:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    reader = _MimeReader(raw)
    root = reader.part(header.start(raw, []), len(raw), "text/plain", 0)
    return Tree(raw, root, tuple(reader.defects))


def leaves(part: Part) -> Iterator[Part]:
    """The parts that are not containers, in document order."""
    if not part.parts:
        yield part
    for child in part.parts:
        yield from leaves(child)


def body(raw: bytes, part: Part) -> bytes:
    """The decoded octets of a part."""
    return transfer.decode(raw, part.start, part.end, part.encoding, text=part.type.startswith("text/"))


def _content_fields(block: bytes) -> dict[str, bytes]:
    """The unfolded Content- fields of a header, the first of each, by the rest of their names."""
    fields: dict[str, bytes] = {}
    for match in _CONTENT_FIELD.finditer(block):
        value = match[2][:VALUE_LIMIT].replace(b"\r", b"").replace(b"\n", b"")
        fields.setdefault(match[1].decode("ascii").lower(), value)
    return fields


class _MimeReader:
    """The state for all parts of one message: its octets, the number of parts so far, the defects."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.count = 0
        self.named: str | None = None
        self.defects: dict[str, None] = {}  # in order, without repetition

    def part(self, start: int, end: int, default: str, depth: int) -> Part:
        fields, body_at = self.header(start, end)
        entity = entities.read(fields, default, self.declared)
        for defect in entity.defects:
            self.note(defect)
        part = Part(
            entity.type,
            entity.charset,
            entity.disposition,
            entity.name,
            entity.content_id,
            entity.encoding,
            header=start,
            start=body_at,
            end=end,
            description=entity.description,
            variant=entity.variant,
        )
        if not part.type.startswith("multipart/"):
            return part
        if depth >= DEPTH_LIMIT:
            self.note(f"truncated: multiparts more than {DEPTH_LIMIT} deep")
            return part
        spans = self.spans(part, entity.boundary)
        if spans is None:
            likely = _LIKELY_DELIMITER.search(self.raw, body_at, end)
            spans = self.spans(part, likely[1]) if likely else None
        if spans is None:
            self.note("multipart without parts")
            return part._replace(type="text/plain")  # a person may still read it
        return self.divided(part, spans, depth)

    def divided(self, part: Part, spans: list[tuple[int, int]], depth: int) -> Part:
        """A multipart with the parts in these spans."""
        default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        parts: list[Part] = []
        for first, last in spans:
            if self.count >= PARTS_LIMIT:
                self.note(f"truncated: more than {PARTS_LIMIT} parts")
                break
            self.count += 1
            parts.append(self.part(first, last, default, depth + 1))
        # Without parts there was only the closing delimiter: an empty leaf.
        return part._replace(parts=tuple(parts)) if parts else part._replace(start=part.end)

    def header(self, start: int, end: int) -> tuple[dict[str, bytes], int]:
        """The unfolded Content- fields (the first of each) by the rest of their name, and where the body starts.

        As for mail servers, a line that is not a field ends the header like an empty line.
        """
        raw = self.raw
        limit = min(end, start + HEADER_LIMIT + 2)  # and the empty line
        stop = _FIRST_NOT_FIELD.search(raw, start, limit)
        if stop and stop.start() - start > HEADER_LIMIT:
            stop = None
        if stop and (limit == end or raw.find(b"\n", stop.start(), limit) >= 0):  # not a field cut in two
            header_end = body_at = stop.start()
            if raw.startswith((b"\n", b"\r\n"), body_at):
                body_at = raw.find(b"\n", body_at) + 1
            elif body_at < end:
                return self.interrupted(start, body_at, end)
        elif limit == end:
            header_end = body_at = end
        else:
            self.note(f"truncated: a header of more than {HEADER_LIMIT} bytes")
            header_end = limit
            blank = _BLANK_LINE.search(raw, limit - 3, end)
            body_at = blank.end() if blank else end
        return _content_fields(raw[start:header_end]), min(body_at, end)

    def interrupted(self, start: int, at: int, end: int) -> tuple[dict[str, bytes], int]:
        """The same where the line at `at` is no field: the header goes on below it, or the body starts with it."""
        from mailgate.mail import interrupted  # seldom needed

        raw = self.raw
        last = interrupted.resumed(raw, start, at, end, fewest=1 if at > start else 2)
        if last is None:
            self.note("no empty line after the header")
            return _content_fields(raw[start:at]), at
        self.note("a line in the header that is no field")
        blank = raw.find(b"\n", last + 1) + 1
        return _content_fields(interrupted.fields(_BADLY_FOLDED.sub(b"; ", raw[start:last]))), min(blank, end)

    def spans(self, part: Part, boundary: bytes | None) -> list[tuple[int, int]] | None:
        """(start, end) of the parts between the delimiter lines (RFC 2046, 5.1.1); None without such lines."""
        if boundary is None or len(boundary) > BOUNDARY_LIMIT:
            return None
        # The pattern starts with the line end, which belongs to the delimiter: a literal is ten times as fast as ^.
        line = re.compile(rb"\n--" + re.escape(boundary.rstrip()) + rb"(--)?[ \t]*+\r?(?=\n|\Z)")
        spans: list[tuple[int, int]] = []
        start = -1  # of the current part; -1 before the first delimiter
        for match in line.finditer(self.raw, part.start - 1, part.end):
            if start >= 0:
                end = match.start()
                end -= self.raw[end - 1] == 0x0D
                spans.append((start, max(start, end)))
            start = min(match.end() + 1, part.end)
            if match[1] or len(spans) > PARTS_LIMIT:
                return spans
        if start < 0:
            return None
        self.note("multipart without an end")
        return [*spans, (start, part.end)]

    def declared(self) -> str:
        """The charset that the message names, for raw octets in its fields."""
        if self.named is None:
            self.named = charset.declared(self.raw)
        return self.named

    def note(self, defect: str) -> None:
        if len(self.defects) < DEFECTS_LIMIT:
            self.defects[defect] = None
