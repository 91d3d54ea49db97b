"""Turn bytes of a named charset, and RFC 2047 encoded words, into clean text.

Three steps, taken apart because each has its own place: `decode` and `decode_words` turn bytes of a stranger
into text, `clean` and `line` make that text fit for a database, JSON or XML, and `printable` makes it fit for
a terminal, a log line or a field that we write ourselves. Nothing here raises, and all of it is linear.
"""

import re
from binascii import a2b_base64, a2b_qp

WORDS_LIMIT = 32 * 1024
"""Bytes of one header value that `decode_words` looks at."""

# Python codec -> the names it answers to, reduced to letters and digits ("ISO_8859-1:1987", "iso885911987").
# An allow-list, because codecs.lookup() also finds "undefined", "idna", "punycode", "hex" and "zlib", which
# raise even with errors="replace" or are no charsets at all. Where a mailer's label is commonly a lie, it is
# read as the larger set, as browsers do (https://encoding.spec.whatwg.org/#names-and-labels): latin-1 is
# windows-1252.
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
_NAMES = {name: codec for codec, names in _CODECS.items() for name in names.split()}

# Compiled at every start of the pipe program, where a class beyond U+00FF costs a millisecond: none has one.
_NO_NAME = re.compile(r"[^a-z0-9]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CLEANED = dict.fromkeys((*range(9), 11, 12, *range(14, 32)), "\ufffd")
_BREAKS = re.compile(r"[\t-\r\x1c-\x20\x85]+")
_FOLD = re.compile(rb"(?:\r\n|\n|\r)(?=[ \t])")
_WORD = re.compile(rb"=\?([^?=\s]{1,80})\?([bBqQ])\?")
_QUANTA = re.compile(rb"[^=]+=*")
_FOREIGN = re.compile(rb"[^A-Za-z0-9+/=\s]")

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_BASE64 = bytes(set(range(256)) - set(_BASE64))

# Spaces that str.isprintable() calls unprintable, but that move nothing and hide nothing.
_SPACES = frozenset("\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000")


def clean(text: str) -> str:
    """The text as it may be stored: line ends are LF, and what a database, JSON or XML refuses is U+FFFD.

    That is NUL, every C0 control except tab and LF, lone surrogates, U+FFFE and U+FFFF (XML 1.0, 2.2).
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _CONTROLS.search(text):
        text = text.translate(_CLEANED)  # sub() would need memory for every match
    if text.isascii():
        return text
    return _whole(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def _whole(text: str) -> str:
    """The text without lone surrogates; two that make a pair become the character they mean."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def line(text: str, limit: int = 998) -> str:
    """The text as one clean line of at most `limit` characters (998: RFC 5322, 2.1.1): subjects, names.

    Tabs, every kind of line break (also VT, FF, FS to US, NEL, U+2028, U+2029) and runs of them and of spaces
    are one space; none at the ends. Bidi controls and other format characters stay: `printable` shows them.
    """
    text = _BREAKS.sub(" ", text.replace("\u2028", "\n").replace("\u2029", "\n"))
    return clean(text).strip()[:limit].rstrip()


def printable(text: str) -> str:
    r"""The text as it may be shown: what is not printable reads `\x1b` below U+0100, else `<U+202E>`.

    Escaped are line breaks and tabs too, C0, C1, DEL, bidi controls, zero-width characters, tags, lone
    surrogates, and code points that are private or not assigned. The result is one line and moves no cursor.
    """
    if text.isprintable():
        return text
    return "".join([c if c.isprintable() or c in _SPACES else _escaped(ord(c)) for c in text])


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"<U+{code:04X}>"


def codec(name: str | None) -> str:
    """The Python codec that a charset name means; "" when there is none, it is ASCII, or nobody knows it."""
    if not name:
        return ""
    key = _NO_NAME.sub("", name[:80].lower())
    return _NAMES.get(key) or _NAMES.get(key.removeprefix("x"), "")


def decode(data: bytes, name: str | None) -> str:
    """The text of bytes that a message says are in the charset `name`; what cannot be read is U+FFFD.

    Without a charset, with ASCII or with one that nobody knows: UTF-8, else windows-1252. The text has no
    lone surrogates, but may have controls: `clean` it.
    """
    known = codec(name)
    # UTF-16 and UTF-32 can hide a text from whoever reads the bytes as ASCII; only a byte order mark makes it
    # sure that they are meant. The codecs take the byte order from the mark, whatever the name said.
    if known == "utf-16" and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        known = ""
    if known == "utf-32" and not data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        known = ""
    if known == "utf-8-sig":
        text = data.decode(known, "replace")
        # Broken, and without one right character beyond ASCII: not a byte is wrong, the label is.
        if "\ufffd" not in text or not text.replace("\ufffd", "").isascii():
            return text
    elif known:
        try:
            text = data.decode(known, "replace")
        except (LookupError, ValueError):  # a Python that was built without the CJK codecs
            return _undeclared(data)
        return _whole(text) if known == "utf-7" else text  # Python's lets half a surrogate pair through
    return _undeclared(data)


def _undeclared(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def decode_words(value: bytes) -> str:
    """The text of an unstructured header value (RFC 2047), folded or not; at most the first 32 KiB of it.

    As in real mail programs, encoded words count wherever they stand (glued to text, inside quotes), and
    adjacent ones of one charset are joined before decoding, because mailers cut through characters. Raw 8-bit
    bytes are UTF-8, else windows-1252. Encoded words can smuggle line breaks and controls: the result is for
    `line` or `clean`.
    """
    data = value[:WORDS_LIMIT]
    if len(value) > WORDS_LIMIT:  # cut between words rather than through a character
        space = data.rfind(b" ", WORDS_LIMIT - 1024)
        data = data[:space] if space > 0 else data
    data = _FOLD.sub(b"", data)
    if b"=?" not in data:
        return _undeclared(data)
    out: list[str] = []
    run: list[bytes] = []  # bytes of adjacent words, not yet decoded: a character may go on in the next
    charset = ""
    done = 0  # everything before is in `out` or `run`
    end = -1  # the "?=" that was found last
    start = _WORD.search(data)
    while start:
        begin = start.end()
        if end < begin:  # looked for once per "?=", not once per "=?": that would be quadratic
            end = data.find(b"?=", begin)
            if end < 0:
                break
        inner = _WORD.search(data, begin, end)
        if inner:  # a word that never ended, before one that does: the first is plain text
            start = inner
            continue
        gap = data[done : start.start()]
        name = start[1].decode("latin-1").partition("*")[0]  # the rest is a language (RFC 2231, 5)
        adjacent = bool(run) and not gap.strip(b" \t\r\n")
        if run and not (adjacent and name.lower() == charset):
            out.append(decode(b"".join(run), charset))
            run = []
        if not adjacent:
            out.append(_undeclared(gap))
        charset = name.lower()
        text = data[begin:end]
        run.append(base64(text) if start[2] in b"bB" else a2b_qp(text, header=True))
        done = end + 2
        start = _WORD.search(data, done)
    if run:
        out.append(decode(b"".join(run), charset))
    out.append(_undeclared(data[done:]))
    return "".join(out)


def base64(data: bytes | memoryview) -> bytes:
    """The bytes of base64 text (RFC 2045, 6.8), as far as there are any.

    Foreign characters are skipped and missing padding is added. What follows a padding is read too (some mailers
    pad every line), unless it has foreign characters (some lists add a footer in plain text).
    """
    view = memoryview(data)  # attachments are large: no copy
    found: list[bytes] = []
    for match in _QUANTA.finditer(data):
        if found and (len(found) > 100_000 or _FOREIGN.search(data, match.start(), match.end())):
            break
        found.append(_base64(view[match.start() : match.end()]))
    return b"".join(found)


def _base64(data: memoryview) -> bytes:
    try:
        return a2b_base64(data)
    except ValueError:  # the last quantum is not whole; in blocks, to keep no second copy of a large attachment
        found: list[bytes] = []
        kept = b""
        for at in range(0, len(data), 1 << 16):
            kept += bytes(data[at : at + (1 << 16)]).translate(None, _NO_BASE64)
            whole = len(kept) & ~3
            found.append(a2b_base64(kept[:whole]))
            kept = kept[whole:]
        if len(kept) > 1:
            found.append(a2b_base64(kept + b"=="))
        return b"".join(found)
