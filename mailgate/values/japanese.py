"""Decode Japanese octets with the rows that NEC and IBM added, which Python's codecs for JIS do not know.

Windows programs write characters such as U+2460 and U+3231 in ISO-2022-JP and EUC-JP as if they were part of JIS X
0208 (code pages 50221 and 51932). The same rows exist in code page 932, to which the double bytes are moved here.
"""

import re

_ESCAPE = re.compile(rb"\x1b(\$[@B]|\$\([@BD]|\([BJI])")
_EUC = re.compile(rb"(?:[\xa1-\xfe]{2})+|\x8e[\xa1-\xdf]|\x8f[\xa1-\xfe]{2}|[\x00-\x7f]+|.", re.DOTALL)
_TO_GR = bytes(code | 0x80 if 0x21 <= code <= 0x7E else code for code in range(256))


def iso2022(data: bytes) -> str:
    """The text of octets in ISO-2022-JP, with U+FFFD for what is in no row."""
    texts: list[str] = []
    mode, at = b"(B", 0
    for match in _ESCAPE.finditer(data):
        texts.append(_segment(data[at : match.start()], mode))
        mode, at = match[1], match.end()
    texts.append(_segment(data[at:], mode))
    return "".join(texts)


def _segment(data: bytes, mode: bytes) -> str:
    """The text of octets between two escape sequences."""
    if mode in (b"$@", b"$B", b"$(@", b"$(B"):
        return "".join(_pairs(line) for line in re.split(rb"([\r\n]+)", data))
    if mode == b"$(D":  # JIS X 0212
        high = data.translate(_TO_GR)
        return b"".join(b"\x8f" + high[at : at + 2] for at in range(0, len(high), 2)).decode("euc_jp", "replace")
    if mode == b"(I":  # half-width katakana
        return data.translate(_TO_GR).decode("cp932", "replace")
    return data.decode("ascii", "replace")


def euc(data: bytes) -> str:
    """The text of octets in EUC-JP, with U+FFFD for what is in no row."""
    texts: list[str] = []
    for match in _EUC.finditer(data):
        piece = match[0]
        try:
            texts.append(piece.decode("euc_jp"))
        except UnicodeDecodeError:
            texts.append(_pairs(piece) if len(piece) % 2 == 0 else "\ufffd")
    return "".join(texts)


def _pairs(data: bytes) -> str:
    """The text of double bytes of JIS X 0208, of seven bits or eight, by way of Shift_JIS."""
    moved = bytearray()
    for at in range(0, len(data) - 1, 2):
        row, cell = data[at] & 0x7F, data[at + 1] & 0x7F
        if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
            moved += data[at : at + 2]
            continue
        moved.append(((row + 1) >> 1) + (0x70 if row < 0x5F else 0xB0))
        moved.append(cell + (0x1F if cell < 0x60 else 0x20) if row & 1 else cell + 0x7E)
    if len(data) % 2:
        moved += data[-1:]
    return moved.decode("cp932", "replace")
