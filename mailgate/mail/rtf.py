"""Read the words of Rich Text, which is all that some mails of Outlook have (MS-OXRTFCP, RTF 1.9.1)."""

import re

from mailgate.values import charset

LIMIT = 8 << 20
"""Octets of decompressed text."""
_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_TOKEN = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-z]{1,32})(-?[0-9]{1,9})? ?|\\(.)|([{}])|[\r\n]+|([^\\{}\r\n]+)|.", re.S
)
_LINES = {b"par": b"\n", b"line": b"\n", b"row": b"\n", b"sect": b"\n", b"page": b"\n", b"tab": b"\t", b"cell": b"\t"}
_TYPED = {
    b"emdash": "—",
    b"endash": "–",
    b"lquote": "‘",
    b"rquote": "’",
    b"ldblquote": "“",
    b"rdblquote": "”",
    b"bullet": "•",
}
_SILENT = frozenset(
    (b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"footer", b"fldinst")
)


def decompressed(data: bytes) -> bytes:
    """Rich Text out of its compressed form, as far as it can be read."""
    if data[8:12] == b"MELA":  # not compressed
        return data[16 : 16 + int.from_bytes(data[4:8], "little")]
    if data[8:12] != b"LZFu":
        return b""
    window = bytearray(_DICTIONARY.ljust(4096, b"\0"))
    write = len(_DICTIONARY)
    out = bytearray()
    at = 16
    while at < len(data) and len(out) < LIMIT:
        control = data[at]
        at += 1
        for bit in range(8):
            if not control >> bit & 1:
                if at >= len(data):
                    return bytes(out)
                out.append(data[at])
                window[write] = data[at]
                write = (write + 1) & 4095
                at += 1
                continue
            if at + 2 > len(data):
                return bytes(out)
            offset, length = data[at] << 4 | data[at + 1] >> 4, (data[at + 1] & 15) + 2
            at += 2
            if offset == write:
                return bytes(out)
            for _ in range(length):
                octet = window[offset]
                out.append(octet)
                window[write] = octet
                offset, write = (offset + 1) & 4095, (write + 1) & 4095
    return bytes(out)


def text(data: bytes) -> str:
    """The words of Rich Text, a line per paragraph; of wrapped HTML, its words without its tags."""
    codepage = "cp1252"
    out: list[str] = []
    octets = bytearray()  # of characters that may take several
    silent: list[bool] = [False]  # for each group that is open, whether it says nothing
    starts = False  # right behind the start of a group
    skip = 0  # characters that stand in for one of Unicode
    for match in _TOKEN.finditer(data):
        code, word, number, symbol, brace, plain = match.groups()
        if code or plain:
            piece = bytes.fromhex(code.decode()) if code else plain
            if not silent[-1]:
                octets += piece[skip:] if plain else piece if not skip else b""
            skip = max(skip - len(piece), 0)
            starts = False
            continue
        out.append(charset.decode(bytes(octets), codepage))
        octets.clear()
        if brace == b"{":
            silent.append(silent[-1])
        elif brace and len(silent) > 1:
            silent.pop()
        elif symbol == b"*" and starts:
            silent[-1] = True
        elif word == b"htmlrtf":
            silent[-1] = number != b"0"
        elif word in _SILENT and starts:
            silent[-1] = True
        elif word == b"ansicpg" and number:
            codepage = f"cp{number.decode()}"
        elif not silent[-1]:
            if word == b"u" and number:
                out.append(chr(int(number) & 0xFFFF))
                skip = 1
            elif word:
                out.append(_LINES.get(word, b"").decode() or _TYPED.get(word, ""))
            elif symbol:
                out.append({b"~": " ", b"\\": "\\", b"{": "{", b"}": "}", b"_": "-"}.get(symbol, ""))
        starts = brace == b"{"
    out.append(charset.decode(bytes(octets), codepage))
    return charset.clean("".join(out)).strip("\n")
