"""Set a page for `man`: roff with the macros of man(7), tables for tbl(1)."""

from collections.abc import Iterator
from typing import NamedTuple

from mailgate.manual.markdown import Block, Code, Heading, Listing, Paragraph, Span, Table, plain, spans


class Definitions(NamedTuple):
    """Terms with their explanation, as options have them; Markdown has nothing like it."""

    rows: tuple[tuple[str, str], ...]


class Sheet(NamedTuple):
    """What stands on a page of man: its name and section, the sentence behind its name, its parts in order."""

    name: str
    section: int
    summary: str
    blocks: tuple[Block | Definitions, ...]

    @property
    def file(self) -> str:
        """Where it belongs, below share/man."""
        return f"man{self.section}/{self.name}.{self.section}"


NARROW = 25
"""Characters of a table's cell up to which its column is not folded."""
ROOM = 50
"""Characters that columns which are not folded may take together; a wider table becomes definitions."""
_TEXT = {"\\": "\\e", "'": "\\(aq", "`": "\\(ga"}
_CODE = {**_TEXT, "-": "\\-", "^": "\\(ha", "~": "\\(ti"}
_FONTS = {"code": "B", "strong": "B", "emphasis": "I"}


def page(sheet: Sheet, version: str) -> str:
    """The source of a page."""
    lines = [
        "'\\\" t",
        f'.TH "{_escaped(sheet.name.upper(), _CODE)}" {sheet.section} "" "mailgate {version}" "mailgate manual"',
        ".nh",
        ".ad l",
        ".SH NAME",
        f"{_escaped(sheet.name, _CODE)} \\- {_inline(sheet.summary.rstrip('.'))}",
    ]
    for block in sheet.blocks:
        lines += _block(block)
    return "\n".join(lines) + "\n"


def _block(block: Block | Definitions) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield (".SH " + _inline(text.upper(), _TEXT)) if level < 3 else ".SS " + _inline(text)
        case Paragraph(text):
            yield ".PP"
            yield _line(text)
        case Listing(numbered, items):
            for place, item in enumerate(items, 1):
                yield f".IP {place}. 4" if numbered else ".IP \\(bu 2"
                yield _line(item)
        case Code(_, code):
            yield from (".PP", ".RS 4", ".nf", *(_guarded(_escaped(line, _CODE)) for line in code), ".fi", ".RE")
        case Definitions(rows):
            for term, text in rows:
                yield ".TP"
                yield _line(f"`{term}`")
                yield _line(text) or "\\&"
        case Table():
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    columns = [[plain(cell) for cell in column] for column in zip(table.head, *table.rows, strict=True)]
    sizes = [max(map(len, column)) for column in columns]
    words = [max(len(word) for cell in column for word in cell.split()) for column in columns]
    if sizes[0] + sum(words[1:]) > ROOM and (sizes[0] > NARROW or len(words) > 2):
        yield from _block(Definitions(tuple(_defined(table, row) for row in table.rows)))
        return
    wide = [False, *(size > NARROW for size in sizes[1:])]  # the first has names and numbers
    yield from (".PP", ".TS", "nokeep nowarn tab(\t);", " ".join("lx" if folded else "l" for folded in wide) + ".")
    for number, row in enumerate((table.head, *table.rows)):
        texts = [_inline(f"**{cell}**" if number == 0 and cell and "`" not in cell else cell) for cell in row]
        yield "\t".join(f"T{{\n{text}\nT}}" if folded else text for text, folded in zip(texts, wide, strict=True))
    yield ".TE"


def _defined(table: Table, row: tuple[str, ...]) -> tuple[str, str]:
    """A row as a definition: its first cell by its last, the others in brackets with what stands above them."""
    middle = ", ".join(f"{head}: {cell}" for head, cell in zip(table.head[1:-1], row[1:-1], strict=True))
    return plain(row[0]), row[-1] + (f" ({middle})" if middle else "")


def _line(text: str) -> str:
    return _guarded(_inline(text))


def _inline(text: str, plain: dict[str, str] = _TEXT) -> str:
    return "".join(_span(span, plain) for span in spans(text))


def _span(span: Span, plain: dict[str, str]) -> str:
    if span.target.endswith(".md"):
        return f"\\fB{_escaped(reference(span.target.removesuffix('.md')), _CODE)}\\fR"
    if span.style:
        return f"\\f{_FONTS[span.style]}{_escaped(span.text, _CODE if span.style == 'code' else plain)}\\fR"
    target = f" <{_escaped(span.target, _CODE)}>" if "://" in span.target else ""
    return _escaped(span.text, plain) + target


def reference(topic: str) -> str:
    """How a page of the manual is called by man: `mailgate-rules(7)`."""
    name, section = named(topic)
    return f"{name}({section})"


def named(topic: str) -> tuple[str, int]:
    """The name and section of a topic of the manual."""
    return {"configuration": ("mailgate.toml", 5), "deliver": ("mailgate-deliver", 1)}.get(
        topic, (f"mailgate-{topic}", 7)
    )


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(character, character) for character in text)


def _guarded(line: str) -> str:
    """A line that roff does not take for a request."""
    return "\\&" + line if line.startswith((".", "'")) else line
