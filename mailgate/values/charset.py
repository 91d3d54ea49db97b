"""Turn the octets of a message into text that is safe to store and to show.

It takes three steps, because each has its own place. `decode` and `decode_words` turn octets into text. `clean` and
`line` make the text fit for a database, JSON or XML. `printable` makes it fit for a terminal, a log line or a header
field. Nothing here raises, and all of it is linear.
"""

import re
from binascii import a2b_base64, a2b_qp

from mailgate.values.pattern import pattern

WORDS_LIMIT = 32 * 1024
"""Octets of one header value that `decode_words` reads."""
DECLARED_LIMIT = 64 * 1024
"""Octets of a message in which `declared` looks for a charset."""

# Python codec -> the names of its charset, reduced to letters and digits ("ISO_8859-1:1987" is "iso885911987").
# An allow-list, because codecs.lookup() also finds "undefined", "idna", "punycode", "hex" and "zlib", which raise even
# with errors="replace" or are not charsets. A label that mailers often get wrong means the larger charset, as it does
# in browsers (https://encoding.spec.whatwg.org/#names-and-labels): latin-1 is windows-1252.
_CODECS = {
    "utf-8-sig": "utf8 utf8mb4 unicode11utf8 unicode20utf8 cp65001 utf8bom",
    "utf-7": "utf7 unicode11utf7 unicode20utf7 csunicode11utf7 cp65000",
    "utf-16": "utf16 utf16le utf16be ucs2 iso10646ucs2 unicode csunicode",
    "utf-32": "utf32 utf32le utf32be ucs4 iso10646ucs4",
    "cp1250": "cp1250 windows1250 win1250",
    "cp1251": "cp1251 windows1251 win1251 ansi1251",
    "cp1252": "cp1252 windows1252 win1252 ansi1252 ansi iso88591 iso885911987 latin1 l1 isoir100 ibm819 cp819"
    " isolatin1 isolatin",
    "cp1253": "cp1253 windows1253 win1253",
    "cp1254": "cp1254 windows1254 win1254 iso88599 iso885991989 latin5 l5 isoir148",
    "cp1255": "cp1255 windows1255 win1255",
    "cp1256": "cp1256 windows1256 win1256",
    "cp1257": "cp1257 windows1257 win1257",
    "cp1258": "cp1258 windows1258 win1258",
    "cp874": "cp874 windows874 win874 ibm874 tis620 tis6200 tis62025291 iso885911 iso8859112001 dos874",
    "iso8859_2": "iso88592 iso885921987 latin2 l2 isoir101",
    "iso8859_3": "iso88593 iso885931988 latin3 l3 isoir109",
    "iso8859_4": "iso88594 iso885941988 latin4 l4 isoir110",
    "iso8859_5": "iso88595 iso885951988 cyrillic isoir144",
    "iso8859_6": "iso88596 iso885961987 iso88596i iso88596e arabic asmo708 ecma114 isoir127",
    "iso8859_7": "iso88597 iso885971987 iso885972003 greek greek8 elot928 ecma118 isoir126",
    "iso8859_8": "iso88598 iso885981988 iso88598i iso88598e hebrew logical visual isoir138",
    "iso8859_10": "iso885910 latin6 l6 isoir157",
    "iso8859_13": "iso885913 latin7 l7",
    "iso8859_14": "iso885914 latin8 l8 isoceltic isoir199",
    "iso8859_15": "iso885915 iso8859152000 latin9 latin0 l9 windows28605",
    "iso8859_16": "iso885916 iso8859162001 latin10 l10 isoir226",
    "koi8_r": "koi8r koi8 koi cskoi8r cp878",
    "koi8_u": "koi8u koi8ru",
    "cp437": "cp437 ibm437",
    "cp850": "cp850 ibm850",
    "cp852": "cp852 ibm852",
    "cp866": "cp866 ibm866",
    "mac_roman": "macintosh mac macroman csmacintosh",
    "mac_cyrillic": "maccyrillic macukrainian",
    "gb18030": "gb18030 gb2312 gb23121980 gbk cp936 windows936 ms936 chinese euccn gb231280 csgb2312"
    " isoir58 cngb",
    "hz": "hz hzgb hzgb2312",
    "cp950": "big5 cp950 windows950 cnbig5 csbig5 big5eten",
    "big5hkscs": "big5hkscs",
    "cp932": "shiftjis shiftjisx0213 sjis cp932 windows31j csshiftjis mskanji ms932 cswindows31j",
    "euc_jp": "eucjp ujis cseucpkdfmtjapanese eucjpms cp51932",
    "iso2022_jp_ext": "iso2022jp csiso2022jp iso2022jp1 iso2022jp3 iso2022jpext iso2022jpms"
    " cp50220 cp50221 jis jis7",
    "iso2022_jp_2": "iso2022jp2",
    "cp949": "euckr ksc56011987 ksc56011989 ksc5601 kscc5601 ksc56011992 cp949 windows949 uhc korean cseuckr"
    " isoir149 ks56011987",
    "johab": "johab cp1361",
    "iso2022_kr": "iso2022kr csiso2022kr",
}  # fmt: skip
_DOUBLE = ("gb18030", "cp950", "big5hkscs", "cp932", "euc_jp", "cp949", "johab")
"""Codecs in which text often happens to be valid UTF-8 of two octets a character."""
_NAMES = {name: codec for codec, names in _CODECS.items() for name in names.split()}

# A delivery compiles those that it uses, and a class beyond U+00FF costs a millisecond: none of these has one.
_NOT_NAME = pattern(r"[^a-z0-9]+")
_JIS = pattern(rb"\x1b(?:\$[@B]|\$\)C)")
_CHARSET = pattern(rb"charset[ \t]*=[ \t]*(?:3D)?[\"']?([a-z0-9._:+-]{2,40})", re.IGNORECASE)
_CONTROLS = pattern(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CLEANED = dict.fromkeys((*range(9), 11, 12, *range(14, 32)), "\ufffd")
_BREAKS = pattern(r"[\t-\r\x1c-\x20\x85]+")
_FOLD = pattern(rb"(?:\r\n|\n|\r)(?=[ \t])")
_WORD = pattern(rb"=\?([^?=\s]{1,80})\?([bBqQ])\?")
_QUANTA = pattern(rb"[^=]+=*")
_NOT_BASE64_TEXT = pattern(rb"[^A-Za-z0-9+/=\s]")

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_LETTERS = bytes(set(range(256)) - set(b" " + _BASE64[:52]))
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))

# Spaces that str.isprintable() rejects, although they neither move the cursor nor hide anything.
_SPACES = frozenset("\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000")


def clean(text: str) -> str:
    """The text as it may be stored: line ends are LF, and characters that XML 1.0 (2.2) refuses become U+FFFD.

    These are NUL, every C0 control except tab and LF, lone surrogates, U+FFFE and U+FFFF.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _CONTROLS.search(text):
        text = text.translate(_CLEANED)  # sub() would allocate memory for every match
    if text.isascii():
        return text
    return _paired(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def _paired(text: str) -> str:
    """The text without lone surrogates; a pair becomes the character that it encodes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def line(text: str, limit: int = 998) -> str:
    """The text as one clean line of at most `limit` characters (998: RFC 5322, 2.1.1), for subjects and names.

    A run of spaces, tabs and line breaks of any kind (also VT, FF, FS to US, NEL, U+2028, U+2029) becomes one space,
    and none is left at the ends. Bidi controls and other format characters stay: `printable` shows them.
    """
    text = _BREAKS.sub(" ", text.replace("\u2028", "\n").replace("\u2029", "\n"))
    return clean(text).strip()[:limit].rstrip()


def printable(text: str) -> str:
    r"""The text as it may be shown, with unprintable characters as `\x1b` below U+0100, else as `<U+202E>`.

    This escapes line breaks, tabs, C0, C1, DEL, bidi controls, zero-width characters, tags, lone surrogates, and code
    points that are private or unassigned. The result is one line that never moves the cursor.
    """
    if text.isprintable():
        return text
    return "".join([c if c.isprintable() or c in _SPACES else _escaped(ord(c)) for c in text])


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"<U+{code:04X}>"


def codec(name: str | None) -> str:
    """The Python codec for a charset name; "" for no name, for ASCII and for an unknown name."""
    if not name:
        return ""
    key = _NOT_NAME.sub("", name[:80].lower())
    return _NAMES.get(key) or _NAMES.get(key.removeprefix("x"), "")


def decode(data: bytes, name: str | None, rest: str = "") -> str:
    """The text of octets that are declared to be in the charset `name`, with U+FFFD for what cannot be decoded.

    Where nothing known is declared, or the octets show that the label is wrong: UTF-8 if they are (with a cut character
    too), ISO-2022-JP by its escapes, UTF-16 by its mark or pattern, the charset `rest` that the rest of the mail
    declares, else windows-1252. The text has no lone surrogates, but may have controls: `clean` it.
    """
    encoding = codec(name)
    if not encoding:
        return _undeclared(data, rest)
    if encoding == "utf-8-sig":
        text, valid, errors = _utf8(data)
        return text if valid >= errors else _undeclared(data, rest)
    if encoding == "utf-16":
        encoding = _utf16(data, str(name)) or ""
    elif encoding == "utf-32" and not data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        encoding = ""
    if not encoding:
        return _undeclared(data, rest)
    try:
        text = _declared(data, encoding)
    except ValueError:  # a LookupError is a fault of the machine: the codec is in our table
        return _undeclared(data, rest)
    return _paired(text) if encoding == "utf-7" else text  # its codec yields lone surrogates


def _declared(data: bytes, encoding: str) -> str:
    """The text in the codec of a label, or as UTF-8 where the octets are that."""
    if encoding.startswith(("utf", "iso2022", "hz")):  # of seven bits, or certain
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            return _japanese(data) if encoding.startswith("iso2022_jp") else data.decode(encoding, "replace")
    if data.isascii():
        return data.decode(encoding, "replace")
    utf8, valid, errors = _utf8(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if valid >= 2 * errors:
            return utf8
        return _japanese(data) if encoding == "euc_jp" else data.decode(encoding, "replace")
    if errors or not valid:
        return text
    # Short text in double bytes can look like UTF-8; sequences of three octets hardly ever do.
    wide = encoding in _DOUBLE and (valid < 3 or min(c for c in utf8 if c > "\x7f") < "\u0800")
    return text if wide else utf8


def _utf8(data: bytes) -> tuple[str, int, int]:
    """The octets as UTF-8, and the numbers of characters beyond ASCII and of errors in it."""
    text = data.decode("utf-8-sig", "replace")
    if text.isascii():
        return text, 0, 0
    errors = text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
    return text, len(text) - len(text.encode("ascii", "ignore")) - errors, errors


def _utf16(data: bytes, name: str) -> str:
    """The codec of octets that are UTF-16 by their mark, by the pattern of their NULs or by their label, else ""."""
    # It can hide text from software that reads ASCII, so octets that are ASCII or UTF-8 are that, whatever the label.
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    big, little = data[::2].count(0), data[1::2].count(0)
    if big or little:
        return "utf-16-le" if little > big else "utf-16-be"
    # East Asian text has no NULs; text of eight bits has more letters of ASCII.
    if not name or not _utf8(data)[2] or len(data) % 2 or 2 * len(data.translate(None, _NOT_LETTERS)) > len(data):
        return ""
    return "utf-16-be" if name.lower().endswith("be") else "utf-16-le"


def _japanese(data: bytes) -> str:
    """ISO-2022-JP or EUC-JP with the rows of vendors."""
    from mailgate.values import japanese  # seldom needed

    return japanese.iso2022(data) if b"\x1b" in data else japanese.euc(data)


def _undeclared(data: bytes, rest: str = "") -> str:
    if data.isascii():
        if b"\x1b$" in data and _JIS.search(data):
            return _declared(data, "iso2022_kr" if b"\x1b$)C" in data else "iso2022_jp_ext")
        if b"\0" not in data:
            return data.decode("ascii")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) and len(data) % 2 == 0 and b"\0" in data:
        return data.decode("utf-16", "replace")
    # Of text in UTF-16, every other octet is NUL where it is ASCII; others are controls, or data.
    few, many = sorted((data[::2].count(0), data[1::2].count(0)))
    if 3 * many > len(data) >= 4 and 4 * few < many:
        return data.decode(_utf16(data, ""), "replace")
    text, valid, errors = _utf8(data)
    if valid >= 2 * errors:
        return text
    encoding = codec(rest)
    if encoding and not encoding.startswith("utf"):
        try:
            return _declared(data, encoding)
        except ValueError:
            pass
    return data.decode("cp1252", "replace")


def declared(raw: bytes) -> str:
    """The first charset that the start of a message names, other than ASCII and Unicode, `""` when there is none.

    It is the best guess for raw octets beyond ASCII in fields, which have no charset of their own.
    """
    for match in _CHARSET.finditer(raw, 0, DECLARED_LIMIT):
        name = match[1].decode("ascii")
        if codec(name) and not codec(name).startswith("utf"):
            return name
    return ""


def is_labelled(value: bytes) -> bool:
    """Whether the octets of a field say in which charset they are: ASCII, encoded words of known charsets, or UTF-8."""
    if not is_unicode(value):
        return False
    labels = (match[1].decode("latin-1").partition("*")[0] for match in _WORD.finditer(value, 0, WORDS_LIMIT))
    return all(label.lower() == "us-ascii" or codec(label) for label in labels)


def is_unicode(value: bytes) -> bool:
    """Whether the octets of a field are ASCII or UTF-8, without the escapes of ISO-2022-JP."""
    if value.isascii():
        return b"\x1b" not in value
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def raw(value: bytes, rest: str = "") -> str:
    """The text of octets without a charset of their own; `rest`: what the rest of the mail declares, see `decode`."""
    return _undeclared(value, rest)


def decode_words(value: bytes, rest: str = "") -> str:
    """The text of an unstructured header value (RFC 2047), folded or not; at most the first 32 KiB of it.

    As in mail programs, encoded words count wherever they are, glued to text or inside quotes. Adjacent words of one
    charset are joined before decoding, because mailers cut words inside a character. Raw octets are what `decode` makes
    of undeclared ones. Encoded words can contain line breaks and controls: pass the result to `line` or `clean`.
    """
    data = _FOLD.sub(b"", value if len(value) <= WORDS_LIMIT else _shortened(value))
    if b"=?" not in data:
        return _undeclared(data, rest)
    texts: list[str] = []
    run: list[bytes] = []  # content of adjacent words of one charset, which may share a character
    run_charset = ""
    done = 0  # everything before this offset is in `texts` or `run`
    for start, end, charset, content in _encoded_words(data):
        gap = data[done:start]
        adjacent = bool(run) and not gap.strip(b" \t\r\n")
        if run and not (adjacent and charset == run_charset):
            texts.append(decode(b"".join(run), run_charset, rest))
            run = []
        if not adjacent:
            texts.append(_undeclared(gap, rest))
        run_charset = charset
        run.append(content)
        done = end
    if run:
        texts.append(decode(b"".join(run), run_charset, rest))
    texts.append(_undeclared(data[done:], rest))
    return "".join(texts)


def _shortened(value: bytes) -> bytes:
    """The first 32 KiB of a value, cut between words where possible, so that no character is split."""
    space = value.rfind(b" ", WORDS_LIMIT - 1024, WORDS_LIMIT)
    return value[: space if space > 0 else WORDS_LIMIT]


def _encoded_words(data: bytes) -> list[tuple[int, int, str, bytes]]:
    """(start, end, charset in lower case, decoded octets) of every complete encoded word (RFC 2047 section 2)."""
    words: list[tuple[int, int, str, bytes]] = []
    closing = -1  # the last "?=" that was searched for: once per "?=", as once per "=?" would be quadratic
    opening = _WORD.search(data)
    while opening:
        start = opening.end()
        if closing < start:
            closing = data.find(b"?=", start)
            if closing < 0:
                break
        later = _WORD.search(data, start, closing)
        if later:  # the first one is not closed before the next one opens: it is plain text
            opening = later
            continue
        charset = opening[1].decode("latin-1").partition("*")[0].lower()  # `*` precedes a language (RFC 2231, 5)
        text = data[start:closing]
        content = base64(text) if opening[2] in b"bB" else a2b_qp(text, header=True)
        words.append((opening.start(), closing + 2, charset, content))
        opening = _WORD.search(data, closing + 2)
    return words


def base64(data: bytes | memoryview) -> bytes:
    """The octets of base64 text (RFC 2045, 6.8), as many as can be decoded.

    Characters outside of the alphabet are skipped, and missing padding is added. Text after padding is decoded too,
    because some mailers pad every line, unless it has other characters, because some lists append a plain footer.
    """
    view = memoryview(data)  # attachments are large: no copy
    decoded: list[bytes] = []
    for match in _QUANTA.finditer(data):
        if decoded and (len(decoded) > 100_000 or _NOT_BASE64_TEXT.search(data, match.start(), match.end())):
            break
        decoded.append(_base64(view[match.start() : match.end()]))
    return b"".join(decoded)


def _base64(data: memoryview) -> bytes:
    try:
        return a2b_base64(data)
    except ValueError:  # the last quantum is incomplete; decoded in blocks, to avoid a copy of a large attachment
        decoded: list[bytes] = []
        rest = b""
        for at in range(0, len(data), 1 << 16):
            rest += bytes(data[at : at + (1 << 16)]).translate(None, _NOT_BASE64)
            end = len(rest) & ~3
            decoded.append(a2b_base64(rest[:end]))
            rest = rest[end:]
        if len(rest) > 1:
            decoded.append(a2b_base64(rest + b"=="))
        return b"".join(decoded)
