"""Find the files that programs older than MIME, and newsreaders, write into text: uuencode and yEnc."""

import re
from binascii import Error, a2b_uu

from mailgate.mail.entity import file_name
from mailgate.mail.files import File, type_of
from mailgate.values import charset

_BEGIN = re.compile(
    rb"^(?:begin (?:-base64 )?[0-7]{3,4} ([^\r\n]{1,250})|=ybegin [^\r\n]{0,500}?name=([^\r\n]{1,250}))\r?\n", re.M
)
_LINE = re.compile(rb"([^\r\n]*)\r?\n?")
_YEND = re.compile(rb"^=yend [^\r\n]*\r?\n?", re.M)
_YPART = re.compile(rb"=ypart [^\r\n]*\r?\n")
_MINUS_42 = bytes((code - 42) & 0xFF for code in range(256))
LIMIT = 100
"""Files of one text."""


def split(data: bytes) -> tuple[bytes, list[File]]:
    """The text without the files in it, and these files. What does not end, or has a line that is wrong, is text."""
    if b"begin " not in data:
        return data, []
    texts: list[bytes] = []
    files: list[File] = []
    at = search = 0
    unended = False
    while len(files) < LIMIT and (begin := _BEGIN.search(data, search)):
        decoded = None
        end = begin.end()
        if begin[1] is not None:
            decoded, end = _uu(data, end)
        elif not unended:
            decoded, end = _y(data, end)
            unended = decoded is None
        search = end
        if decoded is not None:
            texts.append(data[at : begin.start()])
            at = end
            name = file_name(charset.decode_words(begin[1] or begin[2])) or "attachment"
            files.append(File(name, type_of(name), decoded))
    return b"".join([*texts, data[at:]]), files


def _uu(data: bytes, at: int) -> tuple[bytes | None, int]:
    """The file whose lines start at `at`, None where they are no such lines; and where reading goes on."""
    decoded: list[bytes] = []
    while at < len(data):
        match = _LINE.match(data, at)
        assert match is not None
        line, after = match[1], match.end()
        if line.rstrip() == b"end":
            return b"".join(decoded), after
        size = (line[0] - 32) & 63 if line else 0
        needed = (size * 4 + 2) // 3
        # Blanks at the end of a line may be lost; a checksum may follow.
        if (line and not 32 <= line[0] <= 96) or not needed // 2 <= len(line.rstrip()) - (size > 0) <= needed + 3:
            return None, at
        try:
            decoded.append(a2b_uu(line[: 1 + needed]))
        except Error:
            return None, at
        at = after
    return None, at


def _y(data: bytes, at: int) -> tuple[bytes | None, int]:
    """The file of yEnc whose lines start at `at`, None without an end; and where reading goes on."""
    part = _YPART.match(data, at)
    start = part.end() if part else at
    end = _YEND.search(data, start)
    if not end:
        return None, at
    first, *escaped = data[start : end.start()].translate(None, b"\r\n").split(b"=")
    pieces = [first, *(bytes([(piece[0] - 64) & 0xFF]) + piece[1:] for piece in escaped if piece)]
    return b"".join(pieces).translate(_MINUS_42), end.end()
