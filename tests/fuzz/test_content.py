"""Content: what was put into a message is found in it again, and nothing of it is dangerous."""

import base64
from itertools import pairwise

from fuzz.checks import check_content
from fuzz.strategies import BODIES, SOUP, WORDS, Leaf, fuzz, octets, soups, texts
from hypothesis import given
from hypothesis import strategies as st

from mailgate.mail import entity, markup, quoting, words
from mailgate.mail.content import attachment_bytes, content
from mailgate.values import charset

KINDS = st.sampled_from(["mixed", "related", "alternative", "report", "digest", "signed", "x"])


def multipart(kind: str, parts: list[bytes], boundary: str = "=_b") -> bytes:
    """A multipart with its Content-Type field."""
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\npreamble\n'.encode()
    body = b"".join(b"--" + boundary.encode() + b"\n" + part + b"\n" for part in parts)
    return head + body + b"--" + boundary.encode() + b"--\nepilogue\n"


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> bytes:
    """Parts in parts, some of them wrong."""
    if not depth or draw(st.integers(0, 2)) == 0:
        return draw(texts().map(lambda leaf: leaf.written) | soups() | BODIES)
    parts = draw(st.lists(trees(depth - 1), max_size=4))
    made = multipart(draw(KINDS), parts, draw(st.sampled_from(["=_b", "b", f"b{depth}", "a b", "--"])))
    at = draw(st.none() | st.integers(0, len(made)))
    return made if at is None else made[:at] + draw(SOUP.map(octets)) + made[at:]


@fuzz
@given(trees())
def test_any_tree_gives_clean_content(raw: bytes) -> None:
    for each in (raw, raw.replace(b"\n", b"\r\n"), raw.replace(b"\n", b"\r")):
        check_content(b"Subject: x\n" + each)
        check_content(each)


@fuzz
@given(st.lists(texts(), min_size=1, max_size=4))
def test_every_text_part_is_in_the_content(leaves: list[Leaf]) -> None:
    found = content(multipart("mixed", [leaf.written for leaf in leaves]))
    assert found.text.split() == " ".join(leaf.said for leaf in leaves).split()
    assert (found.attachments, found.defects) == ((), ())


@fuzz
@given(texts(), texts("html"))
def test_an_alternative_says_one_thing(plain: Leaf, html: Leaf) -> None:
    for parts in ([plain, html], [html, plain]):
        found = content(multipart("alternative", [leaf.written for leaf in parts]))
        wanted = html if not plain.said.strip() or words.is_stub(plain.said, html.said) else plain
        assert wanted is html or found.text.rstrip("\n") == plain.said.rstrip("\n")
        assert found.html.rstrip("\n") == html.said.rstrip("\n")


@fuzz
@given(st.lists(st.tuples(WORDS, st.binary(max_size=200)), max_size=4), texts())
def test_every_attachment_is_in_the_content(files: list[tuple[str, bytes]], text: Leaf) -> None:
    parts = [
        f"Content-Type: application/x-a\nContent-Disposition: attachment; filename*=utf-8''{_percent(name)}\n"
        "Content-Transfer-Encoding: base64\n\n".encode()
        + base64.encodebytes(data)
        for name, data in files
    ]
    raw = multipart("mixed", [text.written, *parts])
    found = check_content(raw)
    assert [each.size for each in found.attachments] == [len(data) for _, data in files]
    assert [attachment_bytes(raw, at) for at in range(len(files))] == [data for _, data in files]
    for each, (name, _) in zip(found.attachments, files, strict=True):
        assert each.name == entity.file_name(name)


def _percent(text: str) -> str:
    return "".join(f"%{each:02X}" for each in text.encode())


@fuzz
@given(st.lists(SOUP | st.sampled_from(["<p>", "<!--", "-->", "<script>", "</script>", "<a b='", "&#x41;", "&#0;"])))
def test_html_becomes_clean_text(pieces: list[str]) -> None:
    html = charset.clean("".join(pieces))
    text = markup.text(html)
    assert charset.clean(text) == text
    assert markup.text("") == ""


@fuzz
@given(
    st.lists(SOUP | st.sampled_from(["> a", "-- ", "On 1.1.2026 10:00, A <a@b.c> wrote:", "From: a", "Sent: b"])), SOUP
)
def test_folding_loses_nothing(rows: list[str], subject: str) -> None:
    text = charset.clean("\n".join(rows))
    pieces = quoting.fold(text, subject)
    assert "".join(each.text for each in pieces) == text
    assert all(one.kind != two.kind for one, two in pairwise(pieces))
    assert not pieces or any(each.kind == "text" for each in pieces)


@fuzz
@given(SOUP)
def test_a_file_name_only_names(text: str) -> None:
    name = entity.file_name(text)
    assert name == entity.file_name(name)
    assert (name == "") == (not text.strip())
