"""Read the subset of Markdown that the pages use: headings, paragraphs, lists, code, tables.

A list item and a table cell hold one paragraph each. Anything else that Markdown has, nested lists, quotations, HTML,
is text here; the tests of the manual keep it out of the pages.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Heading(NamedTuple):
    """A heading; level 1 is the title of the page."""

    level: int
    text: str


class Paragraph(NamedTuple):
    """Running text, on one line, with its inline marks."""

    text: str


class Listing(NamedTuple):
    """A list, numbered or not; each item is one paragraph."""

    numbered: bool
    items: tuple[str, ...]


class Code(NamedTuple):
    """A fenced block: its language (`sh` is run by the tests, `shell` is not) and its lines."""

    language: str
    lines: tuple[str, ...]


class Table(NamedTuple):
    """A table; every row has as many cells as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Listing | Code | Table


class Span(NamedTuple):
    """A piece of a paragraph. style: "", code, strong or emphasis; a link keeps its target."""

    text: str
    style: str = ""
    target: str = ""


_HEADING = re.compile(r"(#{1,3}) (.+)")
_ITEM = re.compile(r"(\*|\d+\.) +(.+)")
_INLINE = re.compile(
    r"`([^`]+)`"  # code
    r"|(?<![^\s(])\*\*(?=\S)([^*]+)(?<=\S)\*\*"
    r"|(?<![^\s(])\*(?=\S)([^*]+)(?<=\S)\*"  # a star inside a word is a star
    r"|\[([^\]]+)\]\(([^)\s]+)\)"
)


def blocks(text: str) -> list[Block]:
    """The blocks of a page, in order."""
    lines = text.splitlines()
    parsed: list[Block] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        heading = _HEADING.fullmatch(line)
        if not line.strip():
            at += 1
        elif heading:
            parsed.append(Heading(len(heading[1]), heading[2]))
            at += 1
        elif line.startswith("```"):
            end = lines.index("```", at + 1)
            parsed.append(Code(line[3:].strip(), tuple(lines[at + 1 : end])))
            at = end + 1
        else:
            end = next((n for n in range(at, len(lines)) if _ends(lines[n])), len(lines))
            parsed.extend(_running(lines[at:end]))
            at = end
    return parsed


def _ends(line: str) -> bool:
    return not line.strip() or line.startswith("```") or bool(_HEADING.fullmatch(line))


def _running(lines: list[str]) -> Iterator[Block]:
    """What stands between two blank lines: a table, or a paragraph, a list, or a list below its paragraph."""
    if lines[0].startswith("|"):
        head, _, *rows = [tuple(cell.strip() for cell in line.strip().strip("|").split("|")) for line in lines]
        yield Table(head, tuple(rows))
        return
    start = next((n for n, line in enumerate(lines) if _ITEM.fullmatch(line)), len(lines))
    if start:
        yield Paragraph(" ".join(line.strip() for line in lines[:start]))
    items: list[str] = []
    numbered = False
    for line in lines[start:]:
        item = _ITEM.fullmatch(line)
        if item:
            numbered = item[1] != "*"
            items.append(item[2].strip())
        else:
            items[-1] += " " + line.strip()
    if items:
        yield Listing(numbered, tuple(items))


def spans(text: str) -> list[Span]:
    """The pieces of a paragraph, a list item or a table cell."""
    pieces: list[Span] = []
    at = 0
    for mark in _INLINE.finditer(text):
        if mark.start() > at:
            pieces.append(Span(text[at : mark.start()]))
        code, strong, emphasis, label, target = mark.groups()
        if code:
            pieces.append(Span(code, "code"))
        elif strong:
            pieces.append(Span(strong, "strong"))
        elif emphasis:
            pieces.append(Span(emphasis, "emphasis"))
        else:
            pieces.append(Span(label, "", target))
        at = mark.end()
    if at < len(text):
        pieces.append(Span(text[at:]))
    return pieces


def plain(text: str) -> str:
    """A paragraph without its marks."""
    return "".join(span.text for span in spans(text))
