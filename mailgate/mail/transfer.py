"""Undo transfer encodings (RFC 2045 section 6), and uuencode, as far as the data allows."""

import re
from binascii import Error, a2b_qp, a2b_uu
from contextlib import suppress

from mailgate.values import charset

_UU_LINE = re.compile(rb"[^\r\n]+")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.M)
_UU_ERRORS = 1000
"""Lines that cannot be decoded, after which the rest is left out."""
_SAMPLE = 2048
"""Octets that show whether something is base64."""


def decode(raw: bytes, start: int, end: int, encoding: str, *, text: bool) -> bytes:
    """The decoded octets of `raw` between two offsets; with an unknown encoding, or none, as they are.

    `text`: whether lines end in LF, as text is read here; in everything else a line end that quoted-printable breaks is
    CRLF (RFC 2045 section 6.7, rule 4).
    """
    if encoding == "base64":
        if text and _has_words(raw[start : min(end, start + _SAMPLE)]):
            return raw[start:end]
        return charset.base64(memoryview(raw)[start:end])
    data = raw[start:end]
    if encoding == "quoted-printable":
        # A CR that is data is written =0D, so every raw CR belongs to a line end; a2b_qp would read a lone "=\r" as a
        # soft line break that lasts until the next LF.
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"= \n", b"=\n")  # a blank of a relay
        return a2b_qp(data if text else data.replace(b"\n", b"\r\n"))
    if encoding == "uuencode":
        return _uudecoded(data)
    return data


def _has_words(sample: bytes) -> bool:
    """Whether something that is labelled base64 is plain text: base64 has no blanks within a line."""
    lines = [line.strip() for line in sample.splitlines() if line.strip()]
    return bool(lines) and 2 * sum(b" " in line for line in lines) >= len(lines) and b" " in lines[0]


def _uudecoded(data: bytes) -> bytes:
    begin = _UU_BEGIN.search(data)
    if not begin:
        return data
    decoded = bytearray()
    errors = 0
    for match in _UU_LINE.finditer(data, begin.end()):
        line = match[0]
        # a2b_uu pads short lines with zeros: one octet can become 63, so the result has a limit.
        if line == b"end" or len(decoded) > len(data) or errors > _UU_ERRORS:
            break
        try:
            decoded += a2b_uu(line)
        except Error:  # trailing garbage; the first character is the length
            errors += 1
            size = (line[0] - 32) & 63
            with suppress(Error):
                decoded += a2b_uu(line[: 1 + (size * 4 + 2) // 3])
    return bytes(decoded or data)
