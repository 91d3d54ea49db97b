"""The tree of MIME parts, by byte scan.

Hostile messages make the stdlib parser recurse, raise and loop. This one keeps offsets instead of copies,
looks only at four Content- fields, follows RFC 2045, 2046, 2183 and 2231 as loosely as mail programs do, and
stops at the limits below with a note instead of an error. Time and memory are linear in the message.
"""

import re
from binascii import Error, a2b_hex, a2b_qp, a2b_uu
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from mailgate.values import charset

DEPTH_LIMIT = 50
"""Multiparts inside each other; a deeper one is a leaf."""
PARTS_LIMIT = 1000
"""Parts inside a message, containers included; what comes after them is not looked at."""
HEADER_LIMIT = 256 * 1024
"""Bytes of the header of a message or part in which fields are looked for."""
BOUNDARY_LIMIT = 1000
"""Bytes of a boundary, where RFC 2046 allows 70; a longer one is none."""
PARAMETERS_LIMIT = 50
"""Parameters of one field."""
VALUE_LIMIT = 16 * 1024
"""Bytes of one field."""
DEFECTS_LIMIT = 50
"""Defects of one message that are noted."""
NAME_LIMIT = 150
"""Bytes of a file name in UTF-8: what file systems take, less a prefix."""

# RFC 5322, 2.2; but what starts like a delimiter line is one, whatever colon it holds.
_FIRST_NO_FIELD = re.compile(rb"^(?!(?!--)[!-9;-~]++[ \t]*+:|[ \t])", re.M)
_BLANK_LINE = re.compile(rb"\n\r?\n")
_CONTENT_FIELD = re.compile(
    rb"^content-(type|transfer-encoding|disposition|id)[ \t]*+:((?:[^\n]*+\n[ \t]++)*[^\n]*+)",
    re.M | re.I,
)
_TYPE = re.compile(rb"[a-z0-9!#$&*^_.+-]{1,127}(?:/[a-z0-9!#$&*^_.+-]{1,127})?", re.I)
# A separator may be missing or be white space; values without quotes may hold spaces; quotes may never close.
_PARAMETER = re.compile(
    rb'(?<=[;\s])([^\s;="]{1,100}+)\s*+=\s*+(?:"((?:[^"\\]++|\\.)*)"?|([^;]*+))', re.S
)  # fmt: skip
_TOKEN = re.compile(rb"[a-z0-9-]{1,40}", re.I)
_QUOTED_PAIR = re.compile(rb'\\(["\\])')
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_LIKELY_DELIMITER = re.compile(rb"^--([^\r\n]{1,200}+)\r?\n(?=content-)", re.M | re.I)
_UU_LINE = re.compile(rb"[^\r\n]+")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.M)

_UUENCODE = dict.fromkeys(("x-uuencode", "x-uue", "uue"), "uuencode")
# What mailers write for types that exist (Odoo mends the same two).
_MENDED = {"pdf": "application/pdf", "binary/octet-stream": "application/octet-stream"}


class Part(NamedTuple):
    """One part. Offsets are into `Tree.raw`; `type` is lower case; `charset` as declared, "" when it is not."""

    type: str
    charset: str
    disposition: str
    name: str
    """The file name: last path part, one clean line, at most 150 bytes; "" when there is none."""
    content_id: str
    encoding: str
    header: int
    start: int
    end: int
    parts: tuple["Part", ...] = ()


class Tree(NamedTuple):
    """A message taken apart; `raw` is the message, with LF for CR where CR was its line end."""

    raw: bytes
    root: Part
    defects: tuple[str, ...]


def tree(raw: bytes) -> Tree:
    """The parts of a message, which may start with an mbox `From ` line. message/rfc822 is a leaf."""
    # The old Macintosh line end; anywhere else a lone CR is data.
    if b"\r" in raw and raw.find(b"\n", 0, -1) < 0:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    start = 0
    if raw.startswith((b"From ", b">From ")):
        start = raw.find(b"\n") + 1 or len(raw)
    reader = _Reader(raw)
    root = reader.part(start, len(raw), "text/plain", 0)
    return Tree(raw, root, tuple(reader.defects))


def leaves(part: Part) -> Iterator[Part]:
    """The parts that hold something, in document order."""
    if not part.parts:
        yield part
    for child in part.parts:
        yield from leaves(child)


def body(raw: bytes, part: Part) -> bytes:
    """The decoded bytes of a part (RFC 2045, 6); as they are where the encoding is unknown or not there at all."""
    if part.encoding == "base64":
        return charset.base64(memoryview(raw)[part.start : part.end])
    data = raw[part.start : part.end]
    if part.encoding == "quoted-printable":
        # A CR that is data is written =0D, so every raw one belongs to a line end; a2b_qp would take a lone
        # "=\r" for a soft line break up to the next LF.
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return a2b_qp(data.replace(b"= \n", b"=\n"))  # a blank that a relay added
    if part.encoding == "uuencode":
        return _uu(data)
    return data


def _uu(data: bytes) -> bytes:
    begin = _UU_BEGIN.search(data)
    if not begin:
        return data
    found = bytearray()
    broken = 0
    for match in _UU_LINE.finditer(data, begin.end()):
        line = match[0]
        # a2b_uu fills short lines up with zeros: one byte can become 63, which must not go on for ever.
        if line == b"end" or len(found) > len(data) or broken > 1000:
            break
        try:
            found += a2b_uu(line)
        except Error:  # trailing garbage; the first character says how many count
            broken += 1
            size = (line[0] - 32) & 63
            with suppress(Error):
                found += a2b_uu(line[: 1 + (size * 4 + 2) // 3])
    return bytes(found or data)


class _Reader:
    """What the parts of one message share: the bytes, how many parts were met, what was wrong."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.count = 0
        self.defects: dict[str, None] = {}  # each once, in order

    def part(self, start: int, end: int, default: str, depth: int) -> Part:
        fields, body_at = self.header(start, end)
        head, parameters = self.parse(fields.get("type", b""))
        disposition, more = self.parse(fields.get("disposition", b""))
        part = Part(
            type=_type(head, default),
            charset=charset.line(_value(parameters, "charset"), 80),
            disposition=_token(disposition),
            name=file_name(_value(more, "filename") or _value(parameters, "name")),
            content_id=charset.line(fields.get("id", b"").decode("utf-8", "replace")).strip("<> "),
            encoding=self.encoding(fields.get("transfer-encoding", b"")),
            header=start,
            start=body_at,
            end=end,
        )
        if not part.type.startswith("multipart/"):
            return part
        if depth >= DEPTH_LIMIT:
            self.note(f"truncated: multiparts more than {DEPTH_LIMIT} deep")
            return part
        boundary = parameters.get("boundary")
        if boundary is None:
            boundary = _value(parameters, "boundary").encode() or None
        spans = self.spans(part, boundary)
        if spans is None:
            likely = _LIKELY_DELIMITER.search(self.raw, body_at, end)
            spans = self.spans(part, likely[1]) if likely else None
        if spans is None:
            self.note("multipart without parts")
            return part._replace(type="text/plain")  # somebody wrote it to be read
        inner = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        parts: list[Part] = []
        for first, last in spans:
            if self.count >= PARTS_LIMIT:
                self.note(f"truncated: more than {PARTS_LIMIT} parts")
                break
            self.count += 1
            parts.append(self.part(first, last, inner, depth + 1))
        # Without any, only its closing delimiter was there: an empty leaf.
        return part._replace(parts=tuple(parts)) if parts else part._replace(start=end)

    def header(self, start: int, end: int) -> tuple[dict[str, bytes], int]:
        """The unfolded Content- fields (the first of each) by the rest of their name; where the body starts.

        As mail servers do, a line that is no field ends the header like an empty line.
        """
        raw = self.raw
        limit = min(end, start + HEADER_LIMIT + 2)  # and the empty line
        found = _FIRST_NO_FIELD.search(raw, start, limit)
        if found and found.start() - start > HEADER_LIMIT:
            found = None
        if found and (limit == end or raw.find(b"\n", found.start(), limit) >= 0):  # not a field cut in two
            header_end = body_at = found.start()
            if raw.startswith((b"\n", b"\r\n"), body_at):
                body_at = raw.find(b"\n", body_at) + 1
            elif body_at < end:
                self.note("no empty line after the header")
        elif limit == end:
            header_end = body_at = end
        else:
            self.note(f"truncated: a header of more than {HEADER_LIMIT} bytes")
            header_end = limit
            blank = _BLANK_LINE.search(raw, limit - 3, end)
            body_at = blank.end() if blank else end
        fields: dict[str, bytes] = {}
        for match in _CONTENT_FIELD.finditer(raw[start:header_end]):
            value = match[2][:VALUE_LIMIT].replace(b"\r", b"").replace(b"\n", b"")
            fields.setdefault(match[1].decode("ascii").lower(), value)
        return fields, min(body_at, end)

    def parse(self, value: bytes) -> tuple[bytes, dict[str, bytes]]:
        """A field with parameters: what stands before them, and their raw values by lower-case name."""
        parameters: dict[str, bytes] = {}
        for match in _PARAMETER.finditer(value):
            if len(parameters) >= PARAMETERS_LIMIT:
                self.note(f"truncated: more than {PARAMETERS_LIMIT} parameters")
                break
            name, quoted, bare = match.groups()
            text = bare.strip() if quoted is None else _QUOTED_PAIR.sub(rb"\1", quoted)
            parameters.setdefault(name.decode("latin-1").lower(), text)
        return value.partition(b";")[0].strip(), parameters

    def spans(self, part: Part, boundary: bytes | None) -> list[tuple[int, int]] | None:
        """Where the parts between the delimiter lines (RFC 2046, 5.1.1) start and end; None without lines."""
        if boundary is None or len(boundary) > BOUNDARY_LIMIT:
            return None
        # The line end in front is the delimiter's. It stands there as a literal, which is ten times as fast as ^.
        line = re.compile(rb"\n--" + re.escape(boundary.rstrip()) + rb"(--)?[ \t]*+\r?(?=\n|\Z)")
        spans: list[tuple[int, int]] = []
        start = -1  # of the part that goes on; none does before the first line
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

    def encoding(self, value: bytes) -> str:
        """The transfer encoding by its one name here, whatever it was called."""
        name = _token(value)
        name = _UUENCODE.get(name, name)
        if name not in ("", "7bit", "8bit", "binary", "base64", "quoted-printable", "uuencode"):
            self.note(f"unknown encoding: {name}")
        return name

    def note(self, defect: str) -> None:
        if len(self.defects) < DEFECTS_LIMIT:
            self.defects[defect] = None


def _type(head: bytes, default: str) -> str:
    """The media type; text/plain where it is not one (RFC 2045, 5.2)."""
    match = _TYPE.match(head)
    if not match:
        return default
    name = match[0].decode("ascii").lower()
    name = _MENDED.get(name, name)
    return name if "/" in name else "text/plain"


def _token(value: bytes) -> str:
    match = _TOKEN.search(value)
    return match[0].decode("ascii").lower() if match else ""


def _value(parameters: Mapping[str, bytes], name: str) -> str:
    """The text of a parameter: extended or continued (RFC 2231), else as encoded words or raw bytes."""
    pieces: list[bytes] = []
    extended = False
    if f"{name}*" in parameters:
        pieces, extended = [parameters[f"{name}*"]], True
    else:
        extended = f"{name}*0*" in parameters
        for number in range(PARAMETERS_LIMIT):
            piece = parameters.get(f"{name}*{number}")
            if piece is None:
                piece = parameters.get(f"{name}*{number}*")
                if piece is None:
                    break
                if number and extended:
                    piece = _unquoted(piece)
            pieces.append(piece)
    if not pieces:
        return charset.decode_words(parameters.get(name, b""))
    if not extended:
        return charset.decode_words(b"".join(pieces))
    label, quote, first = pieces[0].partition(b"'")
    _, quote, first = first.partition(b"'")
    if not quote:
        label, first = b"", pieces[0]
    return charset.decode(b"".join([_unquoted(first), *pieces[1:]]), label.decode("latin-1"))


def _unquoted(value: bytes) -> bytes:
    return _PERCENT.sub(lambda match: a2b_hex(match[1]), value)


def file_name(text: str) -> str:
    """A file name that only names: last path part, one clean line, at most 150 bytes; "" stays ""."""
    if not text.strip():
        return ""
    name = charset.line(text).replace("\\", "/").rpartition("/")[2].strip()
    if name in ("", ".", ".."):
        return "attachment"
    if len(name.encode()) > NAME_LIMIT:
        stem, dot, extension = name.rpartition(".")
        if not stem or len(extension.encode()) > 20:
            stem, dot, extension = name, "", ""
        room = NAME_LIMIT - len((dot + extension).encode())
        name = stem.encode()[:room].decode("utf-8", "ignore").rstrip() + dot + extension
    return name
