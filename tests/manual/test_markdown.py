"""The subset of Markdown, and how a terminal shows it."""

import pytest

from mailgate.manual import markdown, screen
from mailgate.manual.markdown import Block, Code, Heading, Listing, Paragraph, Span, Table


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("# Title", [Heading(1, "Title")]),
        ("## Two\n### Three", [Heading(2, "Two"), Heading(3, "Three")]),
        ("One\ntwo.\n\nThree.", [Paragraph("One two."), Paragraph("Three.")]),
        ("* one\n  two\n* three", [Listing(False, ("one two", "three"))]),
        ("1. one\n2. two\n   more", [Listing(True, ("one", "two more"))]),
        ("Either:\n* one", [Paragraph("Either:"), Listing(False, ("one",))]),
        ("```sh\na\n\n# b\n```", [Code("sh", ("a", "", "# b"))]),
        ("Text\n```\ncode\n```\nText", [Paragraph("Text"), Code("", ("code",)), Paragraph("Text")]),
        ("| a | b |\n|---|---|\n| 1 | `2` |", [Table(("a", "b"), (("1", "`2`"),))]),
        ("#hash\n#### deep", [Paragraph("#hash #### deep")]),
    ],
    ids=[
        "title",
        "headings",
        "paragraphs",
        "list",
        "numbered",
        "list-below-text",
        "code",
        "fence",
        "table",
        "no-heading",
    ],
)
def test_every_block_is_read(text: str, blocks: list[Block]) -> None:
    assert markdown.blocks(text) == blocks


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("plain", [Span("plain")]),
        ("a `b *c*` d", [Span("a "), Span("b *c*", "code"), Span(" d")]),
        ("**a** *b*", [Span("a", "strong"), Span(" "), Span("b", "emphasis")]),
        ("see [this](a.md).", [Span("see "), Span("this", "", "a.md"), Span(".")]),
        ("2 * 3 * 4 and Resent-*, X-*", [Span("2 * 3 * 4 and Resent-*, X-*")]),
    ],
    ids=["plain", "code", "strong-and-emphasis", "link", "a-star-with-spaces"],
)
def test_every_span_is_read(text: str, spans: list[Span]) -> None:
    assert markdown.spans(text) == spans


def shown(text: str, width: int) -> list[str]:
    return ["".join(piece for piece, _ in line).rstrip() for line in screen.lines(markdown.blocks(text), width)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("# The end", ["THE END"]),
        ("one two three four", ["one two", "three four"]),
        ("a-very-long-word b", ["a-very-long-word", "b"]),
        ("`a b`, **c**", ["`a b`, c"]),
        ("a\n\nb", ["a", "", "b"]),
        ("* one two three\n* four", ["* one two", "  three", "* four"]),
        ("1. one\n2. two", ["1. one", "2. two"]),
        ("```sh\nwider than the screen\n```", ["    wider than the screen"]),
        ("[oama](https://x.org)", ["oama", "<https://x.org>"]),
        ("[rules](rules.md)", ["rules"]),
        ("| k | v |\n|---|---|\n| ab | one two |", ["k   v", "ab  one", "    two"]),
    ],
    ids=["title", "fold", "long", "marks", "blank", "list", "numbers", "code", "web", "page", "table"],
)
def test_a_page_is_shown_on_a_screen(text: str, lines: list[str]) -> None:
    assert shown(text, 10) == lines
