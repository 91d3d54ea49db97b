"""Bytes of a named charset and encoded words, turned into clean text."""

import base64
import subprocess
import sys
import unicodedata
from email.header import Header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.values import charset

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("a\r\nb\rc\n\rd", "a\nb\nc\n\nd"),
        (
            "nul\0 bell\x07 vt\x0b ff\x0c esc\x1b us\x1f",
            "nul\ufffd bell\ufffd vt\ufffd ff\ufffd esc\ufffd us\ufffd",
        ),
        ("\ud800a\udfff", "\ufffda\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),  # a pair of surrogates is the character they mean
        ("\ufffe\uffff", "\ufffd\ufffd"),
        ("\x7f\x85\u202e", "\x7f\x85\u202e"),
        ("", ""),
    ],
)
def test_clean_text_has_no_control_characters(text: str, stored: str) -> None:
    assert charset.clean(text) == stored


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two\r\n words ", "two words"),
        ("a\tb\x0bc\x0cd\x1ce\x1df\x1eg\x85h\u2028i\u2029j", "a b c d e f g h i j"),
        ("a\0b\x1bc", "a\ufffdb\ufffdc"),
        ("\u202eexe.txt", "\u202eexe.txt"),
        ("全角\u3000空白", "全角\u3000空白"),
        (" \r\n\t", ""),
    ],
)
def test_a_line_is_clean_and_has_no_line_ends(text: str, shown: str) -> None:
    assert charset.line(text) == shown


def test_line_is_cut() -> None:
    assert charset.line("x" * 2000) == "x" * 998
    assert charset.line("ab cd", 3) == "ab"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, Größe, 件名, \U0001f600", "plain, Größe, 件名, \U0001f600"),
        ("\x1b[31m\x07", r"\x1b[31m\x07"),
        ("a\nb\tc\r", r"a\x0ab\x09c\x0d"),
        ("\x7f\x9b", r"\x7f\x9b"),
        ("\u202e\u2066\u200f\u200b\ufeff\u2028", "<U+202E><U+2066><U+200F><U+200B><U+FEFF><U+2028>"),
        ("\U000e0041\udcff", "<U+E0041><U+DCFF>"),
        ("no\xa0break\u3000space", "no\xa0break\u3000space"),
    ],
)
def test_printable_text_escapes_what_could_move_a_cursor(text: str, shown: str) -> None:
    assert charset.printable(text) == shown


@pytest.mark.parametrize(
    ("data", "name", "text"),
    [
        ("Grüße".encode(), None, "Grüße"),
        ("Grüße".encode(), "", "Grüße"),
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode("cp1252"), None, "Grüße"),
        ("Grüße".encode("cp1252"), "ascii", "Grüße"),
        ("Grüße".encode("cp1252"), "x-unknown", "Grüße"),
        (b"\x80 \x81", "iso-8859-1", "€ \ufffd"),
        ("Grüße €".encode("iso8859-15"), "ISO-8859-15", "Grüße €"),
        ("Grüße".encode(), "utf8", "Grüße"),
        ("Grüße".encode(), '"UTF-8"', "Grüße"),
        ("Grüße".encode("cp1252"), "utf-8", "Grüße"),  # mislabelled as a whole
        ("Grüße".encode() + b"\xff", "utf-8", "Grüße\ufffd"),  # one broken byte
        (b"\xef\xbb\xbfbom", "utf-8", "bom"),
        ("Größe und Gewicht".encode()[:-1] + b"\xc3", "utf-8", "Größe und Gewich\ufffd"),
        ("ÜÖÄ Größe".encode() + b"\xc3", None, "ÜÖÄ Größe\ufffd"),  # cut in a character
        (b"\xfc\xdf\xe4 \xc3\xbc \xe9\xe8", None, "üßä Ã¼ éè"),
        ("Grüße".encode(), "iso-8859-1", "Grüße"),  # wrong labels
        ("привет".encode(), "koi8-r", "привет"),
        ("今天的天气很好".encode(), "big5", "今天的天气很好"),
        ("今天的天气很好。".encode(), "gb2312", "今天的天气很好。"),
        ("今日はいい天気".encode(), "shift_jis", "今日はいい天気"),
        ("联通".encode("gb18030"), "gb2312", "联通"),  # short text that is UTF-8 by chance
        ("ﾃｼ".encode("cp932"), "shift_jis", "ﾃｼ"),
        ("Größe".encode("iso8859-15"), "utf-16", "Größe"),
        ("テスト".encode("iso2022-jp"), None, "テスト"),
        ("한국어".encode("iso2022-kr"), "us-ascii", "한국어"),
        (b"\x1b$B-!-j|b\x1b(B", "iso-2022-jp", "①㈱髙"),  # rows 13 and 92, of NEC
        (b"\x1b$B%F\x1b(I1\x1b$B-!\x1b$(D\x30\x21\x1b(BA", "iso-2022-jp-3", "テｱ①丂A"),
        (b"\xad\xa1\xa5\xc6\x8e\xb1a\xfc\xe2", "euc-jp", "①テｱa髙"),
        (b"\x1b$B\x21", "iso-2022-jp", "!"),
        ("“q”".encode("cp1252"), "cp-1252", "“q”"),
        ("“q”".encode("cp1252"), "Windows-1252", "“q”"),
        ("שלום".encode("iso8859-8"), "iso-8859-8-i", "שלום"),
        ("שלום".encode("cp1255"), "windows-1255", "שלום"),
        ("สวัสดี".encode("cp874"), "windows-874", "สวัสดี"),
        ("สวัสดี".encode("cp874"), "tis-620", "สวัสดี"),
        ("привет".encode("koi8-r"), "KOI8-R", "привет"),
        ("привет".encode("cp1251"), "win-1251", "привет"),
        ("テスト①".encode("cp932"), "x-sjis", "テスト①"),
        ("テスト".encode("euc-jp"), "euc-jp", "テスト"),
        ("テスト".encode("iso2022-jp"), "ISO-2022-JP", "テスト"),
        ("한국어".encode("cp949"), "ks_c_5601-1987", "한국어"),
        ("한국어".encode("euc-kr"), "euc-kr", "한국어"),
        ("简体€".encode("gb18030"), "gb2312", "简体€"),
        ("繁體".encode("big5"), "Big5", "繁體"),
        (b"Gr+APwA3w-e", "unicode-1-1-utf-7", "Gr\xfc\xdfe"),
        (b"+2AA-", "utf-7", "\ufffd"),
        (b"+ADw-script+AD4-", None, "+ADw-script+AD4-"),
        ("Größe".encode("utf-16"), "utf-16", "Größe"),
        (b"\xfe\xff\0a", "utf-16le", "a"),
        (b"<\0b\0>\0", "utf-16le", "<b>"),  # no byte order mark, but NULs
        (b"<b>", "utf-16le", "<b>"),
        ("Größe\n件".encode("utf-16-be"), "utf-16", "Größe\n件"),
        ("件名".encode("utf-16-be"), "UTF-16BE", "件名"),
        ("件名".encode("utf-16-le"), "utf-16le", "件名"),
        ("Größe".encode("utf-16"), None, "Größe"),
        ("Größe".encode("utf-16-be"), None, "Größe"),
        ("a\0\ufffd".encode(), None, "a\0\ufffd"),
        (b"\0\0\0\0", None, "\0\0\0\0"),
        (b"a\0b\0c, a NUL here and there", None, "a\0b\0c, a NUL here and there"),
        ("Größe".encode("utf-32"), "utf-32", "Größe"),
        (b"\xff\xfea", "utf-32", "ÿþa"),
        (b"a", "undefined", "a"),
        (b"a", "idna", "a"),
        (b"a", "punycode", "a"),
        (b"61", "hex", "61"),
        (b"a", "zlib", "a"),
        (b"a", "rot13", "a"),
        (b"a", "utf-8\0", "a"),
        (b"a", "\udcff", "a"),
        (b"a", "9" * 5000, "a"),
    ],
)
def test_bytes_are_decoded_as_their_charset_or_their_content_says(data: bytes, name: str | None, text: str) -> None:
    assert charset.decode(data, name) == text


def test_octets_without_a_charset_are_in_that_of_the_mail() -> None:
    assert charset.decode("привет".encode("cp1251"), None, "windows-1251") == "привет"
    assert charset.decode("привет".encode("cp1251"), "utf-8", "windows-1251") == "привет"
    assert charset.decode("привет".encode(), None, "windows-1251") == "привет"
    assert charset.decode("Grüße".encode("cp1252"), None, "utf-8") == "Grüße"
    assert charset.decode("Grüße".encode("cp1252"), None, "nobody-knows") == "Grüße"
    assert charset.decode_words("報価".encode("gb18030") + b" =?utf-8?q?=C3=BC?=", "gb2312") == "報価 ü"


def test_the_charset_of_a_mail_is_the_first_that_is_neither_ascii_nor_unicode() -> None:
    raw = b"a: charset=us-ascii\nb: charset=utf-8\nc: Charset = 'GB2312'\nd: charset=koi8-r\n\n"
    assert charset.declared(raw) == "GB2312"
    assert charset.declared(b"<meta charset=3Dkoi8-r>") == "koi8-r"
    assert charset.declared(b"x" * charset.DECLARED_LIMIT + raw) == ""


@pytest.mark.parametrize("name", sorted(charset._NAMES))
def test_every_name_has_a_codec(name: str) -> None:
    assert "a".encode(charset.codec(name)).decode(charset.codec(name)) == "a"
    assert charset.codec(f"x-{name.upper()}")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"", ""),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        (b"=?utf-8*de?Q?a_b?=", "a b"),
        (b"Re: =?iso-8859-1?q?Gr=FC=DFe?= an alle", "Re: Grüße an alle"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?=\r\n\t=?iso-8859-1?q?=FC?=", "aü"),
        (b"=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        (b"=?utf-8?b?w7w=?= =?UTF-8?q?=C3?= =?utf-8?q?=BC?=", "üü"),  # a character cut in two
        (b"=?iso-2022-jp?b?GyRCJUYbKEI=?= =?iso-2022-jp?b?GyRCJTkbKEI=?=", "テス"),
        (b'"=?utf-8?q?M=C3=BCller=2C_A?=" <a@b>', '"Müller, A" <a@b>'),
        (b"x=?utf-8?q?=C3=BC?=y", "xüy"),
        (b"=?utf-8?q?what??=", "what?"),
        (b"=?utf-8?q?with space?=", "with space"),
        (b"=?utf-8?q?never ends", "=?utf-8?q?never ends"),
        (b"=?utf-8?q?broken =?utf-8?q?good?=", "=?utf-8?q?broken good"),
        (b"=?utf-8?b?R3LDvMOfZQ?=", "Grüße"),  # no padding
        (b"=?utf-8?b?R3LD!vMOfZQ?=", "Grüße"),
        (b"=?utf-8?b?R3LDvMOfZ?=", "Grüß"),  # a base64 digit too many
        (b"=?utf-8?b?YQ==YQ==?=", "aa"),
        (b"=?utf-8?q?=ZZ?=", "=ZZ"),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"=?undefined?q?a?=", "a"),
        (b"=?\0?q?a?=", "a"),
        (b"=??q?a?=", "=??q?a?="),
        (b"=?=?=?q?b?=", "=?=?=?q?b?="),
        ("Grüße roh".encode(), "Grüße roh"),
        ("Grüße roh".encode("cp1252"), "Grüße roh"),
        ("Grüße".encode() + b" =?utf-8?q?=C3=BC?= " + "ß".encode("cp1252"), "Grüße ü ß"),
        (b"folded\r\n value", "folded value"),
        (b"\ra\n", "\ra\n"),
        (b"=?utf-8?q?a=0D=0Ab?=", "a\r\nb"),
    ],
)
def test_encoded_words_are_decoded(value: bytes, text: str) -> None:
    assert charset.decode_words(value) == text


def test_decode_words_reads_32_kib() -> None:
    assert len(charset.decode_words(b"=?utf-8?q?a?= " * 100_000)) < 32 * 1024
    assert charset.decode_words(b"x" * 50_000) == "x" * 32 * 1024
    assert charset.decode_words("ü ".encode() * 50_000).strip("ü ") == ""


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"YWJj", b"abc"),
        (b"YWI=", b"ab"),
        (b"YWI", b"ab"),
        (b"YW\r\n J\xffj", b"abc"),
        (b"YQ==\r\nYg==\r\n", b"ab"),  # every line padded
        (b"YQ==\r\n-- \r\nA list footer.\r\n", b"a"),
        (b"YWJj\n" * 50_000 + b"YQ", b"abc" * 50_000 + b"a"),
        (b"Y", b""),
        (b"=", b""),
        (b"====YQ", b"a"),
        (b"", b""),
    ],
)
def test_broken_base64_is_decoded_as_far_as_possible(data: bytes, found: bytes) -> None:
    assert charset.base64(data) == found


@given(st.binary())
def test_base64_comes_back_whatever_stands_between(data: bytes) -> None:
    text = base64.b64encode(data).rstrip(b"=")
    assert charset.base64(b"\xff\n".join(text[at : at + 5] for at in range(0, len(text), 5))) == data


@given(st.binary(), st.none() | ANY_TEXT | st.sampled_from(sorted(charset._NAMES)))
def test_decode_takes_everything(data: bytes, name: str | None) -> None:
    charset.decode(data, name).encode()


@given(
    st.lists(st.sampled_from([b"=?", b"?=", b"utf-8", b"utf-7", b"?q?", b"?B?", b"=C3", b" ", b"\r", b"\xff", b"YQ="]))
)
def test_decode_words_takes_everything(pieces: list[bytes]) -> None:
    charset.decode_words(b"".join(pieces)).encode()


@given(ANY_TEXT)
def test_clean_text_can_be_stored(text: str) -> None:
    stored = charset.clean(text)
    stored.encode()
    assert not set(stored) & (set(map(chr, range(32))) - {"\t", "\n"} | {"\ufffe", "\uffff"})
    assert charset.clean(stored) == stored


@given(ANY_TEXT)
def test_a_line_is_one_line(text: str) -> None:
    assert len(charset.line(text).splitlines()) <= 1
    assert charset.line(charset.line(text)) == charset.line(text)


@given(ANY_TEXT)
def test_printable_text_has_no_controls(text: str) -> None:
    shown = charset.printable(text)
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.sampled_from(["utf-8", "iso-8859-1"]))
def test_encoded_words_come_back(text: str, name: str) -> None:
    text = text.strip() or "x"
    try:
        value = Header(text, name).encode().encode()
    except UnicodeEncodeError:
        return
    assert charset.decode_words(value) == text.removeprefix("\ufeff")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(1, 20))
def test_words_cut_anywhere_come_back(text: str, size: int) -> None:
    data = text.encode()
    words = [base64.b64encode(data[at : at + size]) for at in range(0, len(data), size)]
    assert charset.decode_words(b"\r\n ".join(b"=?utf-8?b?%s?=" % w for w in words)) == text.removeprefix("\ufeff")


def test_the_pipe_pays_for_re_and_binascii_only() -> None:
    code = """
import sys, re, codecs, binascii, mailgate.values
before = set(sys.modules)
import mailgate.values.charset
print(*set(sys.modules) - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == [f"mailgate.values.{name}" for name in ("charset", "light", "pattern")]
