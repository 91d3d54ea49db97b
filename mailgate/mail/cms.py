"""Open what S/MIME signs without a second, readable part (RFC 8551 section 3.5.2), and tell what it encrypts.

Reads as much of the Cryptographic Message Syntax (RFC 5652) as that takes, in DER or BER. No signature is verified.
"""

from typing import Literal, NamedTuple

from mailgate.values import charset

_SIGNED = bytes.fromhex("2a864886f70d010702")
_ENCRYPTED = (
    bytes.fromhex("2a864886f70d010703"),  # enveloped data
    bytes.fromhex("2a864886f70d010706"),  # encrypted data
    bytes.fromhex("2a864886f70d0109100117"),  # authenticated enveloped data
)
_SEQUENCE, _OID, _OCTETS, _CONTENT = 0x30, 0x06, 0x04, 0xA0
_CONSTRUCTED = 0x20
_DEPTH = 8
"""Levels of octet strings in octet strings."""


class Sealed(NamedTuple):
    """What an S/MIME part is; `content` is the message that was signed, None where there is none to read."""

    kind: Literal["signed", "encrypted", ""]
    content: bytes | None = None


class _Element(NamedTuple):
    """An element: its tag, where its content starts, and where that ends; None for an end that a mark says."""

    tag: int
    start: int
    end: int | None


def read(data: bytes) -> Sealed:
    """What octets in the Cryptographic Message Syntax, or their PEM, hold; a truncated message as far as it goes."""
    if data.lstrip()[:11] == b"-----BEGIN ":
        data = charset.base64(b"\n".join(line for line in data.splitlines() if not line.startswith(b"-----")))
    info = _element(data, 0)
    if not info or info.tag != _SEQUENCE:
        return Sealed("")
    name = _element(data, info.start)
    if not name or name.tag != _OID or name.end is None:
        return Sealed("")
    oid = data[name.start : name.end]
    if oid in _ENCRYPTED:
        return Sealed("encrypted")
    return Sealed("signed", _signed(data, name.end)) if oid == _SIGNED else Sealed("")


def _signed(data: bytes, at: int) -> bytes | None:
    """The content in the signed data at `at`: behind its version and algorithms."""
    for wanted in (_CONTENT, _SEQUENCE):
        element = _element(data, at)
        if not element or element.tag != wanted:
            return None
        at = element.start
    for _ in range(2):
        element = _element(data, at)
        if not element:
            return None
        at = _behind(data, element)
    for wanted in (_SEQUENCE, _OID, _CONTENT):
        element = _element(data, at)
        if not element or element.tag != wanted:
            return None
        at = _behind(data, element) if wanted == _OID else element.start
    element = _element(data, at)
    if not element or element.tag | _CONSTRUCTED != _OCTETS | _CONSTRUCTED:
        return None
    pieces: list[bytes] = []
    _octets(data, element, pieces, 0)
    return b"".join(pieces)


def _octets(data: bytes, element: _Element, pieces: list[bytes], depth: int) -> int:
    """Add the octets of a string, which BER may divide into strings; where reading goes on."""
    end = len(data) if element.end is None else min(element.end, len(data))
    if not element.tag & _CONSTRUCTED:
        pieces.append(data[element.start : end])
        return end
    at = element.start
    while at < end:
        piece = _element(data, at)
        if not piece or piece.tag == 0:
            return at + 2
        if piece.tag | _CONSTRUCTED != _OCTETS | _CONSTRUCTED or depth >= _DEPTH:
            return end
        at = _octets(data, piece, pieces, depth + 1)
    return at


def _element(data: bytes, at: int) -> _Element | None:
    """The element at `at`; None where there is none."""
    if at + 2 > len(data) or data[at] & 0x1F == 0x1F:  # a tag of several octets, which CMS has not
        return None
    tag, length, start = data[at], data[at + 1], at + 2
    if length == 0x80:
        return _Element(tag, start, None)
    if length > 0x80:
        size = length & 0x7F
        if size > 8:
            return None
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    return _Element(tag, start, start + length)


def _behind(data: bytes, element: _Element) -> int:
    """Where the element behind this one starts."""
    if element.end is not None:
        return element.end
    at, depth = element.start, 1
    while depth and (inner := _element(data, at)):
        if inner.tag == 0:
            depth -= 1
        elif inner.end is None:
            depth += 1
        at = inner.start if inner.end is None else inner.end
    return at
