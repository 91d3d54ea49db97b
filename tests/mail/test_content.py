"""Text, HTML and attachments of messages, ordinary and hostile."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.mail import entity, markup, mime
from mailgate.mail.content import Attachment, attachment_bytes, content


def multipart(kind: str, *parts: str, boundary: str = "b") -> str:
    """A multipart with its Content-Type field: as a message of its own, or as a part of another."""
    body = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{body}--{boundary}--\n'


def part(text: str, mime_type: str = "text/plain", *fields: str) -> str:
    return "\n".join([f"Content-Type: {mime_type}", *fields, "", text])


PLAIN = part("plain ü")
HTML = part("<p>html &uuml;</p>", "text/html")
PDF = part("%PDF", "application/pdf; name=a.pdf", "Content-Disposition: attachment")
IMAGE = part("R0lG", "image/gif", "Content-Transfer-Encoding: base64", "Content-ID: <i@x>")
EML = part("Subject: inner\nContent-Type: text/plain\n\ninner text", "message/rfc822")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("first", ["", "From bob@x.org Sat Jan  1 00:00:00 2022\n", ">From bob@x.org  Sat Jan  1\n"])
def test_line_ends_and_mbox_line(newline: str, first: str) -> None:
    raw = first + "Subject: x\n" + multipart("mixed", part("one\n\ntwo\n"), PDF)
    found = content(raw.replace("\n", newline).encode())
    assert (found.text, found.defects) == ("one\n\ntwo\n", ())
    assert found.attachments == (Attachment("a.pdf", "application/pdf", 4, False),)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (PLAIN, "plain ü"),
        ("Subject: x\n\n  kept\n\n-- \nsignature\n> quote\n\n", "  kept\n\n-- \nsignature\n> quote\n\n"),
        (" \n\n", ""),
        ("", ""),
        ("\n", ""),
        ("\n\n \n", "\n \n"),
        (HTML, "html ü"),
        (part("a =\nb=C3=BC=", "text/plain", "Content-Transfer-Encoding: Quoted-Printable"), "a bü"),
        (part("a = \nb", "text/plain", "Content-Transfer-Encoding: quoted-printable"), "a b"),
        (part("R3LDvMOfZQ", "text/plain; charset=utf-8", "Content-Transfer-Encoding: BASE64"), "Grüße"),
        (part("begin 644 x\n#86)C\n`\nend\n", "text/plain", "Content-Transfer-Encoding: x-uuencode"), "abc"),
        (part("no begin", "text/plain", "Content-Transfer-Encoding: uuencode"), "no begin"),
        (part("as is", "text/plain", "Content-Transfer-Encoding: x-foo"), "as is"),
        (part("a\0b\x1bc"), "a\ufffdb\ufffdc"),
        (part("one \ntwo\n", "text/plain; format=flowed; delsp=yes"), "onetwo\n"),
        (part("**x**", "text/markdown"), "**x**"),
        (part("no type", "foo"), "no type"),
        (multipart("alternative", PLAIN, HTML), "plain ü"),
        (multipart("alternative", HTML, PLAIN), "plain ü"),
        (multipart("alternative", part(" \n"), HTML), "html ü"),
        (multipart("alternative", part("rich", "text/enriched"), HTML), "html ü"),
        (multipart("alternative", HTML), "html ü"),
        (multipart("alternative", part("")), ""),
        (multipart("alternative", PLAIN, multipart("related", HTML, IMAGE, boundary="c")), "plain ü"),
        (multipart("mixed", part("one"), PDF, part("two")), "one\ntwo"),
        (multipart("mixed", part("one\n"), part("two")), "one\ntwo"),
        (multipart("mixed", multipart("alternative", PLAIN, HTML, boundary="c"), part("footer")), "plain ü\nfooter"),
        (multipart("mixed", HTML, part("footer")), "html ü\nfooter"),  # a list's footer under HTML mail
        (multipart("mixed", PLAIN, HTML), "plain ü\nhtml ü"),
        (multipart("mixed", HTML, PLAIN, part("<p>html plain &uuml;", "text/html")), "html ü\nplain ü"),
        (multipart("mixed", HTML, PDF, part("<p>more</p>", "text/html")), "html ü\nmore"),
        (multipart("mixed", part("csv", "text/x-log")), "csv"),
        (multipart("digest", "\nSubject: inner\n\ninner text"), ""),
        (multipart("mixed", PLAIN, EML), "plain ü"),
        (multipart("mixed", part("one"), "no header at all"), "one\nno header at all"),
        ("Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\nnever ends", "never ends"),
        ("Content-Type: multipart/mixed; boundary=b\n\nno line", "no line"),
        ("Content-Type: multipart/mixed\n\nno boundary", "no boundary"),
        ("Content-Type: multipart/mixed; boundary=b\n\n--c\nContent-Type: text/plain\n\nwrong\n--c--\n", "wrong"),
        ("Content-Type: multipart/alternative; boundary=b\n\n--b--", ""),
        ('Content-Type: multipart/mixed; boundary=""\n\n--\n\nx\n----\n', "x"),
        ("Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n--b\n\nx\n--b--\n", "x"),
        ('Content-Type: multipart/mixed; boundary="b c" \n\n--b c  \n\nx\n--b c--\n', "x"),
        ("Content-Type: multipart/mixed; boundary*=us-ascii'en'b%20c\n\n--b c\n\nx\n--b c--\n", "x"),
        ("Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\n\n--ab\n\nx\n--ab--\n", "x"),
        ("Content-Type: multipart/mixed;\n boundary=b\n \n--b\nContent-Type: text/plain\n\nx\n--b--\n", "x"),
        ("Content-Type: multipart/mixed boundary=b\n\n--b\n\nx\n--bb\n--b--\n", "x\n--bb"),
        (multipart("*", part("x")), "x"),
        ("not a field\nSubject: x\n", "not a field\nSubject: x\n"),
        (" starts with space\nSubject: x\n\ntext", "text"),
    ],
)
def test_the_text_of_a_message_is_what_a_person_reads(message: str, text: str) -> None:
    assert content(message.encode()).text == text


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("", "Grüße".encode(), "Grüße"),
        ("", "Grüße".encode("cp1252"), "Grüße"),
        ("; charset=us-ascii", "Grüße".encode(), "Grüße"),
        ("; charset=nobody-knows", "Grüße".encode("cp1252"), "Grüße"),
        ("; charset=iso-8859-8-i", "שלום".encode("iso8859-8"), "שלום"),
        ("; charset=windows-874", "สวัสดี".encode("cp874"), "สวัสดี"),
        ('; format=flowed; CHARSET="ISO-8859-2"', "žluť".encode("iso8859-2"), "žluť"),
        ("; charset*=nosuch''x%FF", b"abc", "abc"),
        ("; charset=undefined", b"abc", "abc"),
        ("; charset=\0", b"abc", "abc"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_charset_is_found_by_label_content_or_guess(charset: str, data: bytes, text: str, inside: bool) -> None:
    message = f"Content-Type: text/plain{charset}\n\n".encode() + data
    if inside:
        message = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + message + b"\n--b--\n"
    assert content(message).text == text


@pytest.mark.parametrize(
    ("message", "attachments"),
    [
        (PDF, [("a.pdf", "application/pdf", 4)]),
        (part("%PDF", "application/pdf"), [("attachment.pdf", "application/pdf", 4)]),
        (part("x", "pdf; name=a.pdf"), [("a.pdf", "application/pdf", 1)]),
        (part("x", "binary/octet-stream"), [("attachment.bin", "application/octet-stream", 1)]),
        (EML, [("inner.eml", "message/rfc822", 51)]),
        (multipart("mixed", PLAIN, EML), [("inner.eml", "message/rfc822", 51)]),
        (multipart("digest", "\nSubject: inner\n\ninner"), [("inner.eml", "message/rfc822", 21)]),
        (
            part("U3ViamVjdDogeA0KDQp5", "message/rfc822", "Content-Transfer-Encoding: base64"),
            [("x.eml", "message/rfc822", 15)],
        ),
        (multipart("mixed", PLAIN, part("a", "text/plain; name=a.txt")), [("a.txt", "text/plain", 1)]),
        (
            multipart("mixed", part("a", "text/html", "Content-Disposition: attachment")),
            [("attachment.html", "text/html", 1)],
        ),
        (multipart("alternative", PLAIN, part("BEGIN", "text/calendar")), [("attachment.ics", "text/calendar", 5)]),
        (
            multipart("report", PLAIN, part("x", "message/delivery-status")),
            [("attachment.txt", "message/delivery-status", 1)],
        ),
        (multipart("mixed", IMAGE, PDF), [("attachment.gif", "image/gif", 3), ("a.pdf", "application/pdf", 4)]),
        (multipart("alternative", PLAIN, HTML), []),
        ("Content-Type: multipart/mixed; boundary=b\n\n--b--", []),
    ],
)
def test_attachments_have_names_types_and_sizes(message: str, attachments: list[tuple[str, str, int]]) -> None:
    raw = message.encode()
    found = content(raw).attachments
    assert [(a.name, a.type, a.size) for a in found] == attachments
    assert [len(attachment_bytes(raw, index)) for index in range(len(found))] == [a.size for a in found]


def test_the_octets_of_an_attachment_are_exact() -> None:
    raw = multipart("mixed", PLAIN, EML, IMAGE).replace("\n", "\r\n").encode()
    assert attachment_bytes(raw, 0) == b"Subject: inner\r\nContent-Type: text/plain\r\n\r\ninner text"
    assert attachment_bytes(raw, 1) == b"GIF"
    for index in (2, -1):
        with pytest.raises(IndexError):
            attachment_bytes(raw, index)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_line_end_of_a_file_in_quoted_printable_is_crlf(newline: str) -> None:
    pdf = part("%PDF\n=FF=00a=\nb", "application/pdf", "Content-Transfer-Encoding: quoted-printable")
    raw = multipart("mixed", PLAIN, pdf).replace("\n", newline).encode()
    assert attachment_bytes(raw, 0) == b"%PDF\r\n\xff\0ab"


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        *((name, "R3LDvMOfZQ==") for name in ("base64", "base-64", "BASE_64", "x-base64", '"base64"', "base64; x")),
        *((name, "Gr=C3=BC=C3=9Fe") for name in ("quoted printable", "quoted_printable", "Quoted-Printeable")),
        *((name, "Grüße") for name in ("8 bit", "8-BIT", "7 bit", "none", "base64", "binary")),
    ],
)
def test_a_misspelt_encoding_and_words_that_have_none_are_read(encoding: str, data: str) -> None:
    end = " und mehr, ein ganzer Satz.\n" if data == "Grüße" else ""
    found = content(part(data + end, "text/plain", f"Content-Transfer-Encoding: {encoding}").encode())
    assert found.text == "Grüße" + end


@pytest.mark.parametrize(
    ("declared", "name"), [("gb2312", "报价单.pdf"), ("shift_jis", "見積書.pdf"), ("utf-8", "報価.pdf")]
)
def test_a_raw_file_name_is_in_the_charset_of_the_mail(declared: str, name: str) -> None:
    file = part("x", f'application/pdf; name="{name}"')
    raw = multipart("mixed", part("x", f"text/plain; charset={declared}"), file).encode(declared)
    assert [file.name for file in content(raw).attachments] == [name]


@pytest.mark.parametrize(
    ("source", "inline"),
    [
        ('<img src="cid:i@x">', True),
        ("<img src=CID:i%40x>", True),
        ("<img src='cid:i&#64;x'>", True),
        ('<img src="cid:j@x">', False),
        ("", False),
    ],
)
def test_inline_is_what_the_html_refers_to(source: str, inline: bool) -> None:
    found = content(multipart("related", part(source, "text/html"), IMAGE, PDF).encode())
    assert [a.inline for a in found.attachments] == [inline, False]
    assert found.html == source


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("filename=a.txt", "a.txt"),
        ("filename=two words.txt; size=3", "two words.txt"),
        ('filename="semi;colon \\"q\\".txt"', 'semi;colon "q".txt'),
        ('filename="never closed.txt', "never closed.txt"),
        ("filename==?utf-8?q?=C3=BC.txt?=", "ü.txt"),
        ('filename="=?iso-8859-1?b?/C50eHQ=?="', "ü.txt"),
        ("filename*=utf-8'de'%C3%BC%20x.txt", "ü x.txt"),
        ("filename*=iso-8859-1''%FC.txt; filename=u.txt", "ü.txt"),
        ("filename*=no-quotes%2Etxt", "no-quotes.txt"),
        ("filename*0*=utf-8''%C3; filename*1*=%BC; filename*2=%.txt", "ü%.txt"),
        ('filename*1="b.txt"; filename*0="a"', "ab.txt"),
        ("filename*=nosuch''%FF%FE", "ÿþ"),
        ("filename*==?utf-8?q?=C3=BC.txt?=", "ü.txt"),
        ("filename*=\"utf-8''%C3%BC.txt\"", "ü.txt"),
        ("filename*=utf-8''Ann's %C3%BC.txt", "Ann's ü.txt"),
        ("filename*\N{SUPERSCRIPT TWO}=a", "attachment.bin"),
        (f"filename*{'9' * 5000}=a", "attachment.bin"),
        ('filename="../../../etc/cron.d/x"', "x"),
        ('filename="C:\\\\dir\\\\a.txt"', "a.txt"),
        ('filename="C:\\dir\\a.txt"', "a.txt"),
        ('filename="dir/"', "attachment"),
        ('filename=".."', "attachment"),
        ('filename=""', "attachment.bin"),
        ('filename="a\0b\x1b.txt"', "a\ufffdb\ufffd.txt"),
        ('filename="a\r\n b.txt"', "a b.txt"),
        ('filename="' + "ü" * 200 + '.jpeg"', "ü" * 72 + ".jpeg"),
        ("filename=" + "x" * 200, "x" * 150),
        ("filename=roh-ü.txt", "roh-ü.txt"),
        (" ; ;; filename = a.txt", "a.txt"),
        ("; ".join(f"a{n}=b" for n in range(50)) + "; filename=late.txt", "attachment.bin"),
    ],
)
def test_a_file_name_is_decoded_and_harmless(field: str, name: str) -> None:
    message = part("x", "application/x", f"Content-Disposition: attachment; {field}")
    assert [a.name for a in content(message.encode()).attachments] == [name]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("  a\n <b>b</b>\n\tc ", "a b c"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc"),
        ("<ul><li>a</li><li>b</li></ul>c", "- a\n- b\n\nc"),
        ("<pre>  a\n   b</pre>", "  a\n   b"),
        ('<a href="https://x">link</a>', "link <https://x>"),
        ("<a href=https://www.x.example/>x.example</a>", "x.example"),
        ("<a href='https://evil.example/'>https://bank.example</a>", "https://bank.example <https://evil.example/>"),
        (f"<a href='https://x.example/{'y' * 300}'>here</a>", "here <https://x.example/…>"),
        ("<a href='mailto:a@x.example?subject=b'>Ann, a@x.example</a>", "Ann, a@x.example"),
        ("<a href='mailto:a@x.example'>Ann</a>", "Ann <mailto:a@x.example>"),
        ("<a href='javascript:x()'>a</a> <a href='#top'>b</a> <a name=c>c</a> <a href='https://x'> </a>d", "a b c d"),
        ("<a href='https://x'>one<a href='https://y'>two</a></a>", "onetwo <https://y>"),
        (
            "new<blockquote>old<br>old<blockquote><p>older<p>older</blockquote></blockquote>new",
            "new\n\n> old\n> old\n>\n>> older\n>>\n>> older\n\nnew",
        ),
        ("<blockquote></blockquote></blockquote>a&#1;<blockquote>b", "a&#1;\n\n> b"),
        ("<blockquote>" * 9 + "a", ">>>>> a"),
        ("<ul><li><p>a</p></li><li>b<ul><li>c</ul></ul>", "- a\n\n- b\n\n- c"),
        ("&lt;b&gt; &amp; &#8364; &copy &nosuch; &nbsp;x", "<b> & € © &nosuch;  x"),
        ("&#0;&#xD800;&#13;&#99999999999999;", "\ufffd\ufffd\n&#99999999999999;"),
        ("<head><title>t</title><style>p > q {}</style></head>x<SCRIPT>if (a < b) {}</script >y", "xy"),
        ("a<!-- b > c -->d<!doctype html><?xml x?>e<!-->f", "adef"),
        ("<img alt='a > b'>c", "a > b c"),
        ("a < b, 1 <2", "a < b, 1 <2"),
        ("<a href='never closed>text</a> more", "text more"),
        ("<style>never closed", "never closed"),
        ("<!-- never closed <b>x</b>", "never closed x"),
        ("a <b never closed", "a <b never closed"),
        ("", ""),
        ("<", "<"),
    ],
)
def test_html_becomes_text(html: str, text: str) -> None:
    found = content(part(html, "text/html").encode())
    assert found.text == text
    assert found.html == html


SECRET = "<div style='color:red; Display : NONE !important'>"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        # quotes: as in browsers, one counts only behind `=`
        ('<img src="a.gif""><p>order 4711</p><img src="b.gif"">', "order 4711"),
        ('<p title="a>b" \'c">one</p><p \'>two</p>', "one\n\ntwo"),
        ('<a href=https://x.org/?a="b>c</a>', 'c <https://x.org/?a="b>'),
        ('<td width=3"><b class = "x" >words</b></td>', "words"),
        # images and links
        ('<a href="https://x.org/yes"><img src=y.png></a>', "<https://x.org/yes>"),
        (
            '<a href="https://x.org/yes"><img src=y.png alt="Yes &amp;amp; now"></a>',
            "Yes &amp; now <https://x.org/yes>",
        ),
        ("<p>a<img alt=b><img title=c></p>", "a b c"),
        ("<img alt='image001.png'><img alt='cid:1'><img alt=x width=1 height=1>a", "a"),
        ("<area alt=North href=https://n.org/>", "North <https://n.org/>"),
        ("<input type=submit value=Send><input type=hidden value=x><input type=image alt=Go>", "Send Go"),
        (f"<a href='https://x.org/{'y' * 300}'><img></a>", f"<https://x.org/{'y' * 300}>"),
        ("<a href='tel:+49 30 1'>Call</a> <a href='tel:+4930'>+4930</a>", "Call <tel:+49301> +4930"),
        # lists and tables
        ("<ol><li>a<li><p>b</p></ol>", "1. a\n2. b"),
        ("<ol start=9><li>a<li value=20>b<li>c<ul><li>d</ul><li>e</ol>", "9. a\n20. b\n21. c\n\n- d\n\n22. e"),
        ("<ol type=a><li>x<li>y</ol><ol type=I start=4><li>z</ol>", "a. x\nb. y\n\nIV. z"),
        ("<ol start=99999999999><li>a</ol><li>b", "999999. a\n\n- b"),
        ("<table><tr><th>Item<th>Qty<tr><td><td>3<td>4</table>", "Item\tQty\n\t3\t4"),
        ("<table><tr><td>Box</td><td></td><td>4</td></tr></table>", "Box\t\t4"),
        ("<table><tr><td><p>Box</p></td><td><p>3</p></td></tr><tr><td><p>x</p></td></tr></table>", "Box\t3\nx"),
        ("<table><tr><td>&nbsp;</td><td>only</td><td></td></tr></table>", "only"),
        ("<table><tr><td>a<br>b</td><td>c</td></tr></table>", "a\nb\nc"),
        # what the page hides
        (f"{SECRET}x<div>y</div><p>z</div>a", "a"),
        ("<span hidden>x</span>a<b aria-hidden=true>b</b>", "ab"),
        ("<p style=visibility:hidden>x<p>a", "a"),
        ("<div style='max-height:0;overflow:hidden'>x</div>a<div style='max-height:0'>b</div>", "a\nb"),
        ("<td style='font-size:0px'><p>x</p></td>a", "a"),
        ("<div style='font-size:0'><p style='font-size:9px'>a</p></div>", "a"),
        ("<img alt=x style='display:none'>a", "a"),
        (
            "<style>.pre, #top{color:red;display:none}@media x{.big{display:none}}</style>"
            "<i class='b pre'>x</i><i id=top>y</i><i class=big>a</i>",
            "a",
        ),
        ("<div><span hidden>x</div><div>a</div>", "a"),  # closed with what it is in
        (f"{SECRET}never closed", "never closed"),
        (f"{SECRET}all there is</div>", "all there is"),
        (f"<ol><li>a{SECRET}<ol><li>x</div><li>b</ol>", "1. a\n2. b"),
        # fillers
        ("ready&zwnj;&nbsp;&zwnj;&nbsp;&#847; &shy;&#8199;<p>a</p>", "ready\n\na"),
        (f"{SECRET}Ready to read{'&zwnj;&nbsp;' * 20}</div><p>a</p>", "Ready to read\n\na"),
        ("Kun&shy;den&shy;dienst a\u200bb&#xFEFF;", "Kundendienst ab"),
        ("می\u200cخواهم 👨\u200d👩 a\u200cb", "می\u200cخواهم 👨\u200d👩 ab"),
        ("a&nbsp;&nbsp;b", "a  b"),
    ],
)
def test_html_says_what_a_person_sees(html: str, text: str) -> None:
    assert content(part(html, "text/html; charset=utf-8").encode()).text == text


def nested(depth: int) -> str:
    return "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth)) + "\ndeep"


@pytest.mark.parametrize(
    ("within", "beyond", "defect"),
    [
        (nested(50), nested(51), "truncated: multiparts more than 50 deep"),
        (
            multipart("mixed", *["\nx"] * 1000),
            multipart("mixed", *["\nx"] * 1001),
            "truncated: more than 1000 parts",
        ),
        (
            "A: " + "x" * (mime.HEADER_LIMIT - 4) + "\n\ntext",
            "A: " + "x" * (mime.HEADER_LIMIT - 3) + "\n\ntext",
            "truncated: a header of more than 262144 bytes",
        ),
        (
            part("x", "text/plain; " + "; ".join(f"a{n}=b" for n in range(50))),
            part("x", "text/plain; " + "; ".join(f"a{n}=b" for n in range(51))),
            "truncated: more than 50 parameters",
        ),
        (
            part("<p>" + "x" * (markup.LIMIT - 3), "text/html"),
            part("<p>" + "x" * (markup.LIMIT - 2), "text/html"),
            "truncated: more than 524288 characters of HTML",
        ),
    ],
    ids=["depth", "parts", "header", "parameters", "html"],
)
def test_every_limit_leaves_a_defect(within: str, beyond: str, defect: str) -> None:
    assert defect not in content(within.encode()).defects
    found = content(beyond.encode())
    assert defect in found.defects
    assert found.text or found.attachments


@pytest.mark.parametrize(
    ("message", "defect"),
    [
        (part("x", "text/plain; charset=nobody\x1b"), "unknown charset: nobody\ufffd"),
        (part("x", "text/plain; charset=utf-7"), "unusual charset: utf-7"),
        (part("x", "text/plain", "Content-Transfer-Encoding: x-foo"), "unknown encoding: x-foo"),
        ("no header", "no empty line after the header"),
        ("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx", "multipart without an end"),
        ("Content-Type: multipart/mixed; boundary=b\n\nx", "multipart without parts"),
    ],
)
def test_a_broken_message_has_its_defect(message: str, defect: str) -> None:
    assert content(message.encode()).defects == (defect,)


BODY = "Content-Type: text/plain\nContent-Transfer-Encoding: {}\n\n"
MIXED = "Content-Type: multipart/mixed; boundary=b\n\n"
HTML_BODY = "Content-Type: text/html\n\n"


@pytest.mark.parametrize(
    "bomb",
    [
        lambda size: nested(size // 50),
        lambda size: MIXED + "--b\nContent-Type: multipart/mixed; boundary=b\n\n" * (size // 50),
        lambda size: MIXED + "--b\n\nx\n" * (size // 7),
        lambda size: MIXED + "--bx\n" * (size // 5),
        lambda size: "Content-Type: multipart/mixed\n\n" + "--x\n" * (size // 4),
        lambda size: "A: b\n" * (size // 5),
        lambda size: "Content-Type:" + "\n a" * (size // 3),
        lambda size: "Content-Type:" + " " * size,
        lambda size: "Content-Type: text/plain" + ";" * size,
        lambda size: 'Content-Type: text/plain; a="' + "\\" * size,
        lambda size: "Content-Type: text/plain" + "; a " * (size // 4),
        lambda size: BODY.format("quoted-printable") + "= " * (size // 2),
        lambda size: BODY.format("base64") + "A=" * (size // 2),
        lambda size: BODY.format("x-uuencode") + "begin 644 x\n" + "M\n" * (size // 2),
        lambda size: BODY.format("x-uuencode") + "begin 644 x\n" + "M\x7f\x7f\n" * (size // 4),
        lambda size: HTML_BODY + "<" * size + ">",
        lambda size: HTML_BODY + "<!--" * (size // 4),
        lambda size: HTML_BODY + '<a">"' * (size // 5),
        lambda size: HTML_BODY + "<a " * (size // 3),
        lambda size: HTML_BODY + "<style>" * (size // 7),
        lambda size: HTML_BODY + "&#9" * (size // 3),
        lambda size: HTML_BODY + "<p>" * (size // 3),
        lambda size: HTML_BODY + "<div hidden>" * (size // 12),
        lambda size: HTML_BODY + "<p hidden></div>" * (size // 16),
        lambda size: HTML_BODY + "<table><tr><td>" * (size // 30) + "x" * (size // 4) + "<td></table>" * (size // 50),
        lambda size: HTML_BODY + "<table><tr><td>x" + "<td>x" * (size // 5),
        lambda size: HTML_BODY + "<ol><li>" * (size // 8),
        lambda size: HTML_BODY + "<p " + "a" * size + ">",
        lambda size: HTML_BODY + "<p style " + "= " * (size // 2) + ">",
        lambda size: HTML_BODY + '<p style="' + "display:" * (size // 8) + '">',
        lambda size: HTML_BODY + '<p style=">"' * (size // 12),
        lambda size: HTML_BODY + "<style>" + "/*" * (size // 2) + "</style>",
        lambda size: HTML_BODY + "<style>" + "a{" * (size // 2) + "</style>",
        lambda size: HTML_BODY + "&nbsp;" * (size // 12) + "\N{ZERO WIDTH SPACE}a" * (size // 8),
        lambda size: HTML_BODY + "<a href=x><img>" * (size // 15),
    ],
)
def test_bombs_take_linear_time(bomb: Callable[[int], str]) -> None:
    """0.5 MB in at most 5 s, where it takes 0.01 to 1 s: whatever is quadratic takes minutes."""
    raw = bomb(500_000).encode()
    start = time.process_time()
    content(raw)
    assert time.process_time() - start < 5


def test_a_large_attachment_is_not_copied_about() -> None:
    import tracemalloc

    raw = multipart("mixed", PLAIN, part("QUJD" * 2_000_000, "image/x", "Content-Transfer-Encoding: base64")).encode()
    tracemalloc.start()
    try:
        found = content(raw)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [a.size for a in found.attachments] == [6_000_000]
    assert peak < len(raw)  # the decoded bytes, and no copy of the others


@given(st.binary())
def test_any_bytes_are_a_message(raw: bytes) -> None:
    take(raw)


FRAGMENTS = [
    *("Content-Type: ", "multipart/mixed", "multipart/alternative", "multipart/digest", "message/rfc822", "text/html"),
    *("text/plain", "; ", "boundary=", "b", '"', "charset=", "utf-16", "undefined", "name*0*=", "filename*=", "''%FF"),
    *("Content-Transfer-Encoding: ", "base64", "quoted-printable", "x-uuencode", "begin 644 x\n", "end\n", "=", "%"),
    *("Content-Disposition: attachment", "Content-ID: <i>", "cid:i", "--b", "--b--", "\n", "\n\n", "\r", "\r\n", " "),
    *("\0", "\xff", "<", ">", "<!--", "-->", "&#", "<style>", "From ", "(", "\\", "/", ".."),
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60))
def test_any_shuffled_message_is_a_message(pieces: list[str]) -> None:
    take("".join(pieces).encode("latin-1"))


def take(raw: bytes) -> None:
    """Everything about a message, and that it can be stored."""
    found = content(raw)
    for index, attachment in enumerate(found.attachments):
        assert len(attachment_bytes(raw, index)) == attachment.size
        assert attachment.name == attachment.name.strip()
        assert 0 < len(attachment.name.encode()) <= entity.NAME_LIMIT
        assert not set(attachment.name) & set("/\\\n\0")
    for text in (found.text, found.html, *found.defects):
        text.encode()
        assert not set(text) & {"\0", "\r", "\x1b"}
