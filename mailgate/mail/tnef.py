"""Open winmail.dat, in which Outlook wraps a mail for its own kind (MS-OXTNEF).

Yields the files and the text. What is truncated or wrong ends the reading; what was read until then counts.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from mailgate.mail import rtf
from mailgate.mail.entity import file_name
from mailgate.mail.files import File, type_of
from mailgate.values import charset

_SIGNATURE = b"\x78\x9f\x3e\x22"
FILES_LIMIT = 1000
"""Files of one message, those in attached messages included."""
_PROPERTIES_LIMIT = 2000
"""Properties of one message or file."""
_DEPTH = 3
"""Levels of messages in messages."""
# Attributes: the low half of their ids.
_TITLE, _DATA, _RENDERING, _ATTACHMENT, _PROPERTIES, _BODY, _CODEPAGE = (
    *(0x8010, 0x800F, 0x9002, 0x9005, 0x9003, 0x800C, 0x9007),
)
# Properties of MAPI (MS-OXPROPS).
_LONG_NAME, _SHORT_NAME, _MIME_TYPE, _CONTENT_ID, _OBJECT = 0x3707, 0x3704, 0x370E, 0x3712, 0x3701
_TEXT, _HTML, _RTF = 0x1000, 0x1013, 0x1009
_SIZES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
_STRING, _UNICODE, _OBJECTS, _BINARY = 0x1E, 0x1F, 0x0D, 0x102
_MANY = 0x1000
_UUID = 16


class Opened(NamedTuple):
    """What is in winmail.dat: `text` or else `html` is what it says, `""` where it says nothing."""

    text: str
    html: str
    files: tuple[File, ...]


def read(data: bytes) -> Opened | None:
    """The content of winmail.dat; None for octets that are something else."""
    if not data.startswith(_SIGNATURE):
        return None
    reader = _Reader()
    text, html = reader.message(data, 0)
    return Opened(text, html, tuple(reader.files))


class _Reader:
    """Collects the files of one winmail.dat."""

    def __init__(self) -> None:
        self.files: list[File] = []

    def message(self, data: bytes, depth: int) -> tuple[str, str]:
        """Read a message; its text and its HTML."""
        codepage = "cp1252"
        text = html = ""
        current: dict[int, bytes] = {}  # attributes of the file that is open
        for name, value in _attributes(data):
            if name == _CODEPAGE and len(value) >= 4:
                codepage = f"cp{int.from_bytes(value[:4], 'little')}"
            elif name == _RENDERING:
                self.file(current, codepage, depth)
                current = {name: b""}
            elif name in (_TITLE, _DATA, _ATTACHMENT):
                current[name] = value
            elif name == _BODY:
                text = text or charset.decode(value.rstrip(b"\0"), codepage)
            elif name == _PROPERTIES:
                found = dict(_properties(value, codepage))
                text = _words(found.get(_TEXT, b"")) or text
                html = charset.decode(_octets(found.get(_HTML, b"")), codepage)
                if not text and not html and _RTF in found:
                    text = rtf.text(rtf.decompressed(_octets(found[_RTF])))
        self.file(current, codepage, depth)
        return charset.clean(text), charset.clean(html)

    def file(self, attributes: dict[int, bytes], codepage: str, depth: int) -> None:
        """Add the file that these attributes describe."""
        if not attributes or len(self.files) >= FILES_LIMIT:
            return
        found = dict(_properties(attributes.get(_ATTACHMENT, b""), codepage))
        title = charset.decode(attributes.get(_TITLE, b"").rstrip(b"\0"), codepage)
        name = file_name(_words(found.get(_LONG_NAME, b"")) or title or _words(found.get(_SHORT_NAME, b"")))
        data = attributes.get(_DATA) or _octets(found.get(_OBJECT, b""))
        inner = data[_UUID:]
        if inner.startswith(_SIGNATURE) and depth < _DEPTH:  # a message
            text, html = self.message(inner, depth + 1)
            stem = name or "message"
            data, name, type_ = (text or html).encode(), f"{stem}.{'txt' if text else 'html'}", "text/plain"
            type_ = type_ if text else "text/html"
            if not data:
                return
        else:
            type_ = _words(found.get(_MIME_TYPE, b"")).strip().lower()
        if not name and not data:
            return
        if "/" not in type_:
            type_ = type_of(name)
        self.files.append(File(name, type_, data, _words(found.get(_CONTENT_ID, b"")).strip("<> ")))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes of a stream: the low half of their ids, and their values."""
    at = 6  # the signature and a key
    while at + 9 <= len(data):
        _, name, _, length = struct.unpack_from("<BHHI", data, at)
        at += 9
        yield name, data[at : at + length]
        at += length + 2  # a checksum


def _properties(data: bytes, codepage: str) -> Iterator[tuple[int, bytes | str]]:
    """The properties of MAPI in an attribute, the first value of each; strings are text."""
    if len(data) < 4:
        return
    count = int.from_bytes(data[:4], "little")
    at = 4
    for _ in range(min(count, _PROPERTIES_LIMIT)):
        if at + 4 > len(data):
            return
        kind, name = struct.unpack_from("<HH", data, at)
        at += 4
        if name & 0x8000:  # named
            at += _UUID + 8
            if at > len(data):
                return
            is_text, length = struct.unpack_from("<II", data, at - 8)
            at += (length + 3 & ~3) if is_text else 0
        many = kind & _MANY
        kind &= ~_MANY
        sized = kind in (_STRING, _UNICODE, _OBJECTS, _BINARY)
        if not sized and kind not in _SIZES:
            return
        values = 1
        if many or sized:
            values = int.from_bytes(data[at : at + 4], "little")
            at += 4
        if not sized:
            at += values * _SIZES[kind]
            continue
        for index in range(values):
            if at + 4 > len(data):
                return
            length = int.from_bytes(data[at : at + 4], "little")
            value = data[at + 4 : at + 4 + length]
            at += 4 + (length + 3 & ~3)
            if index == 0:
                yield name, _text(value, kind, codepage)


def _text(value: bytes, kind: int, codepage: str) -> bytes | str:
    if kind == _STRING:
        return charset.decode(value.rstrip(b"\0"), codepage)
    if kind == _UNICODE:
        return value.decode("utf-16-le", "replace").rstrip("\0")
    return value


def _words(value: bytes | str) -> str:
    return value if isinstance(value, str) else ""


def _octets(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
