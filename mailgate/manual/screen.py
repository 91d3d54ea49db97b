"""Set a page for a terminal of a given width: lines of styled pieces, folded between words."""

from collections.abc import Iterator, Sequence

from mailgate.manual.markdown import Block, Code, Heading, Listing, Paragraph, Span, Table, spans

Piece = tuple[str, str]
"""A piece of a line and its style, as the printing part of the commands takes them."""

_STYLES = {"": "", "code": "bold", "strong": "bold", "emphasis": "italic"}


def lines(blocks: Sequence[Block], width: int) -> Iterator[list[Piece]]:
    """A page as lines of at most `width` columns; only code may be wider."""
    for number, block in enumerate(blocks):
        if number:
            yield []
        match block:
            case Heading(level, text):
                yield [(text.upper() if level == 1 else text, "bold" if level < 3 else "italic")]
            case Paragraph(text):
                yield from folded(_ticked(text), width)
            case Listing(numbered, items):
                for place, item in enumerate(items, 1):
                    mark = f"{place}. " if numbered else "* "
                    for row, line in enumerate(folded(_ticked(item), width - len(mark))):
                        yield [(mark if not row else " " * len(mark), ""), *line]
            case Code(_, code):
                yield from ([("    " + line, "")] if line else [] for line in code)
            case Table():
                yield from _table(block, width)


def folded(pieces: Sequence[Span], width: int) -> list[list[Piece]]:
    """Running text as lines; a word that is wider than a line has one of its own."""
    rows: list[list[Piece]] = [[]]
    room = width
    for word, space in _words(pieces):
        size = sum(len(text) for text, _ in word)
        gap = len(space) if rows[-1] else 0
        if rows[-1] and gap + size > room:
            rows.append([])
            room, gap = width, 0
        if gap:
            rows[-1].append((" ", ""))
        rows[-1] += word
        room -= gap + size
    return rows


def _ticked(text: str) -> list[Span]:
    """Running text whose code keeps its marks: not every screen has a bold type."""
    return [span._replace(text=f"`{span.text}`") if span.style == "code" else span for span in spans(text)]


def _words(pieces: Sequence[Span]) -> Iterator[tuple[list[Piece], str]]:
    """The words of a text, each of one or more pieces, with the space in front."""
    word: list[Piece] = []
    space = ""
    for piece in pieces:
        text = piece.text + (f" <{piece.target}>" if "://" in piece.target else "")
        for number, part in enumerate(text.split(" ")):
            if number and word:
                yield word, space
                word = []
            if number:
                space = " "
            if part:
                word.append((part, _STYLES[piece.style]))
    if word:
        yield word, space


def _table(table: Table, width: int) -> Iterator[list[Piece]]:
    cells = [[spans(cell) for cell in row] for row in (table.head, *table.rows)]
    widths = [max(_size(row[column]) for row in cells) for column in range(len(table.head))]
    least = [max(_longest_word(row[column]) for row in cells) for column in range(len(table.head))]
    while sum(widths) + 2 * (len(widths) - 1) > width:
        wide = [column for column in range(len(widths)) if widths[column] > least[column]]
        if not wide:
            break
        widths[max(wide, key=lambda column: widths[column])] -= 1
    for number, row in enumerate(cells):
        columns = [folded(cell, size) for cell, size in zip(row, widths, strict=True)]
        for line in range(max(len(column) for column in columns)):
            pieces: list[Piece] = []
            for column, size in zip(columns, widths, strict=True):
                cell = column[line] if line < len(column) else []
                pieces += [(text, "bold" if number == 0 else style) for text, style in cell]
                pieces.append((" " * (size - sum(len(text) for text, _ in cell) + 2), ""))
            yield pieces[:-1]


def _size(cell: Sequence[Span]) -> int:
    return sum(len(span.text) for span in cell)


def _longest_word(cell: Sequence[Span]) -> int:
    return max((sum(len(text) for text, _ in word) for word, _ in _words(cell)), default=0)
