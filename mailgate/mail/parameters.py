"""Read Content- fields with parameters (RFC 2045 section 5.1, RFC 2231) as loosely as mail programs write them."""

import re
from binascii import a2b_hex
from typing import NamedTuple

from mailgate.values import charset

LIMIT = 50
"""Parameters of one field."""
NAME_LIMIT = 150
"""Octets of a file name in UTF-8: what file systems take, less a prefix."""

# A separator may be missing or be white space; values without quotes may have spaces; quotes may never be closed.
_PARAMETER = re.compile(
    rb'(?<=[;\s])([^\s;="]{1,100}+)\s*+=\s*+(?:"((?:[^"\\]++|\\.)*)"?|([^;]*+))', re.S
)  # fmt: skip
_TOKEN = re.compile(rb"[a-z0-9-]{1,40}", re.I)
_QUOTED_PAIR = re.compile(rb'\\(["\\])')
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


class Field(NamedTuple):
    """A field: what comes before the parameters, and their raw values by lower-case name."""

    head: bytes
    parameters: dict[str, bytes]
    truncated: bool = False

    def text(self, name: str) -> str:
        """The text of a parameter: extended or continued (RFC 2231), else as encoded words or raw octets."""
        pieces, extended = self._pieces(name)
        if not pieces:
            return charset.decode_words(self.parameters.get(name, b""))
        if not extended:
            return charset.decode_words(b"".join(pieces))
        label, quote, first = pieces[0].partition(b"'")
        _, quote, first = first.partition(b"'")  # a language
        if not quote:
            label, first = b"", pieces[0]
        return charset.decode(b"".join([_percent_decoded(first), *pieces[1:]]), label.decode("latin-1"))

    def _pieces(self, name: str) -> tuple[list[bytes], bool]:
        """The pieces of a parameter as RFC 2231 splits it, and whether the first one has a charset."""
        if f"{name}*" in self.parameters:
            return [self.parameters[f"{name}*"]], True
        extended = f"{name}*0*" in self.parameters
        pieces: list[bytes] = []
        for number in range(LIMIT):
            piece = self.parameters.get(f"{name}*{number}")
            if piece is None:
                piece = self.parameters.get(f"{name}*{number}*")
                if piece is None:
                    break
                if number and extended:
                    piece = _percent_decoded(piece)
            pieces.append(piece)
        return pieces, extended


def parse(value: bytes) -> Field:
    """The head and the parameters of an unfolded field; the first parameter of a name counts."""
    parameters: dict[str, bytes] = {}
    truncated = False
    for match in _PARAMETER.finditer(value):
        if len(parameters) >= LIMIT:
            truncated = True
            break
        name, quoted, bare = match.groups()
        text = bare.strip() if quoted is None else _QUOTED_PAIR.sub(rb"\1", quoted)
        parameters.setdefault(name.decode("latin-1").lower(), text)
    return Field(value.partition(b";")[0].strip(), parameters, truncated)


def token(value: bytes) -> str:
    """The first token in a value, in lower case; "" when there is none."""
    match = _TOKEN.search(value)
    return match[0].decode("ascii").lower() if match else ""


def _percent_decoded(value: bytes) -> bytes:
    return _PERCENT.sub(lambda match: a2b_hex(match[1]), value)


def file_name(text: str) -> str:
    """The file name in a text: its last path part, as one clean line of at most 150 octets; "" stays ""."""
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
