"""Turn HTML into text, in one pass over its tags.

html.parser takes quadratic time on hostile input of a few kilobytes. The text keeps words, lines and paragraphs in the
order of the source, without layout. A tag, a comment or a script that is never closed is shown rather than dropped.
"""

import re
from typing import NamedTuple

from mailgate.mail import tags
from mailgate.mail.tags import entities
from mailgate.values import charset

LIMIT = 512 * 1024
"""Characters of HTML that are read."""

_LINES = frozenset(
    (
        *("address", "article", "aside", "body", "center", "dd", "div", "dt", "fieldset", "figcaption", "figure"),
        *("footer", "form", "header", "legend", "li", "main", "nav", "option", "section", "summary", "tr"),
    )
)
_PARAGRAPHS = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "dl", "hr", "ol", "pre", "table", "ul"))
_ENCLOSING = frozenset(
    ("article", "blockquote", "body", "center", "div", "form", "html", "ol", "section", "table", "ul")
)
"""Elements that have an end tag: that of one which opened earlier closes what is hidden in it."""
_VOID = frozenset(("area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"))
_SKIPPED = {name: re.compile(f"</{name}[^>]*+>", re.IGNORECASE) for name in ("script", "style", "title", "template")}
_TARGET = re.compile(r"(?:https?://[^/?#]++|mailto:|tel:|ftp://)[^\s<>]*+", re.IGNORECASE)
_HOST = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
_TARGET_LIMIT = 200
"""Characters of a link's target that are shown; a longer one is cut down to its host."""
_BARE_TARGET_LIMIT = 2000
"""The same where the link is an image, and nothing else is said of it."""
_PICTURE = re.compile(r"cid:|.*\.(?:png|jpe?g|gif|bmp|svg|webp)$", re.IGNORECASE | re.DOTALL)
"""What programs write for the words of an image that has none."""
_QUOTE, _END, _CELL = "\x01", "\x02", "\x03"
"""Lines around a quotation, until its lines are marked; what separates the cells of a row, until it is complete."""
_DEPTH = 5
"""Levels of quotation that get a mark of their own."""
_CELL_PIECES, _CELL_LENGTH = 50, 1000
"""Pieces and characters of a cell that may be joined to one line of a row."""
_SPACES = re.compile(r"[ \t\n\f]+")
_FILLERS = "\xad\u034f\u115f\u1160\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u3164\ufeff"
"""Characters that show nothing, with which mailers pad the preview of a mail or mark where words may break."""
_PADDING, _PADDED = "\u034f\u200b\u200c\u2007\ufeff", 3
"""Those that pad the preview of a mail, which mail programs show beside the subject; and how many make it one."""


def text(html: str) -> str:
    """The words of HTML with LF line ends: a line per block or `<br>`, an empty line between paragraphs."""
    return charset.clean(_tidied(_Writer(marks=False).read(html)))


def readable(html: str) -> str:
    """What a person sees, with `>` before quotations, marks before list items, and the targets of links.

    Cells of a row are separated by tabs. What the page hides is left out, unless nothing else is in it.
    """
    html = html.translate({1: None, 2: None, 3: None})
    return _marked(html, hiding=True) or _marked(html, hiding=False)


def _marked(html: str, *, hiding: bool) -> str:
    depth = shallowest = 0  # of quotations; the shallowest since the last line with words
    blank = False
    lines: list[str] = []
    for line in _tidied(_unfilled(_Writer(marks=True, hiding=hiding).read(html))).split("\n"):
        if line in (_QUOTE, _END):
            depth = max(depth + (1 if line == _QUOTE else -1), 0)
            shallowest = min(shallowest, depth)
        elif not line:
            blank = True
        else:
            if blank and lines:
                lines.append(_quoted("", shallowest))
            lines.append(_quoted(line, depth))
            shallowest, blank = depth, False
    return charset.clean("\n".join(lines))


def _quoted(line: str, depth: int) -> str:
    """A line with its quotation marks (RFC 3676 section 4.5)."""
    return f"{'>' * min(depth, _DEPTH)} {line}".rstrip() if depth else line


def _tidied(text: str) -> str:
    """The text without blanks at line ends, without more than one empty line in a row, without empty lines around."""
    lines = [_row(line) if _CELL in line else line.rstrip() for line in text.replace("\xa0", " ").split("\n")]
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _row(line: str) -> str:
    """A row of a table: its cells between tabs, unless a single one has words."""
    cells = [cell.strip() for cell in line.split(_CELL)]
    filled = [cell for cell in cells if cell]
    return "\t".join(cells).rstrip() if len(filled) > 1 else "".join(filled)


def _unfilled(text: str) -> str:
    """The text without invisible fillers; a joiner between two letters of a script that needs it stays."""
    if text.isascii() or not any(filler in text for filler in _FILLERS):
        return text

    def kept(match: re.Match[str]) -> str:
        run = match[0]
        blanks = [c for c in run if c not in _FILLERS]
        if len(blanks) == len(run):
            return run
        around = text[match.start() - 1 : match.start()] + text[match.end() : match.end() + 1]
        if run in ("\u200c", "\u200d") and len(around) == 2 and min(around) >= "\u0590":
            return run
        return " " if len(blanks) > 1 else "".join(blanks)

    return re.sub(f"[ \xa0\u2007{_FILLERS}]+", kept, text)


class _Hidden(NamedTuple):
    """An element that is hidden and open: where its text starts, and what is open in it."""

    name: str
    kind: str
    at: int
    lists: int
    tables: int
    opened: dict[str, int]


class _Table:
    """The row of a table that is open: its cells, and where in the text the last one starts."""

    def __init__(self) -> None:
        self.cells = 0
        self.at = 0


class _List:
    """A list that is open: the number of its next item, None for one without numbers."""

    def __init__(self, number: int | None, kind: str) -> None:
        self.number = number
        self.kind = kind


class _Writer:
    """Writes the text of one document, tag by tag. `marks`: for a person, with the marks of `readable`."""

    def __init__(self, *, marks: bool, hiding: bool = False) -> None:
        self.marks = marks
        self.hiding = hiding
        self.out: list[str] = ["\n"]
        self.preformatted = False
        self.link = ""
        """The opening tag of the link that is open."""
        self.label_at = 0
        """Where in `out` the text of this link starts."""
        self.pictured = False
        """Whether there is an image in this link."""
        self.begun = 0
        """The length of `out` behind the mark of an item or cell, with which a block starts on the same line."""
        self.lists: list[_List] = []
        self.tables: list[_Table] = []
        self.hidden: _Hidden | None = None
        self.hidden_names: frozenset[str] = frozenset()

    def read(self, html: str) -> str:
        """The text of a document, of its first LIMIT characters."""
        html = html[:LIMIT]
        last = html.rfind(">")  # nothing behind it is a tag
        pattern = tags.TAG
        unclosed: set[str] = set()  # elements and comments without an end: a second search would be quadratic
        at = 0
        while 0 <= (opening := html.find("<", at)) <= last:
            self.write(html[at:opening])
            at = opening
            if html.startswith("<!--", at):
                at = _comment_end(html, at, unclosed)
                continue
            match = pattern.match(html, at)
            if not match and html[at + 1 : at + 3].lstrip("/")[:1].isalpha():
                # A quote opens in a tag and is never closed: quotes mean nothing in the rest of this document.
                pattern = tags.BARE_TAG
                match = pattern.match(html, at)
            if match:
                at = _skipped_end(html, match, unclosed)
                if self.hiding and match[2].lower() == "style":
                    self.hidden_names |= tags.hidden_names(html[match.end() : at])
                self.tag(match)
            elif html.startswith(("<!", "<?", "</"), at):
                at = html.find(">", at) + 1
            else:
                self.write("<")
                at += 1
        self.write(html[at:])
        return "".join(self.out)

    def write(self, chunk: str) -> None:
        """Add what is between two tags."""
        if chunk and not self.preformatted:
            chunk = _SPACES.sub(" ", chunk)
            if self.out[-1][-1] in " \n":
                chunk = chunk.removeprefix(" ")
        if chunk:
            self.out.append(entities(chunk))

    def tag(self, match: re.Match[str]) -> None:
        """Add what a tag means for the text."""
        name, closes = match[2].lower(), bool(match[1])
        if name == "pre":
            self.preformatted = not closes
        if not self.marks:
            self.break_at(name)
            if name in ("td", "th") and self.out[-1][-1] not in " \n":
                self.out.append(" ")
            return
        if self.hiding and self.is_hidden(name, match):
            return
        if name in ("img", "input", "area"):
            self.picture(name, tags.attributes(match[0]))
            return
        if name == "a":
            self.linked("" if closes else match[0])
        if name in ("td", "th") and self.tables:
            if not closes:
                self.cell()
            return
        if name == "tr" and self.tables:
            self.row()
        if len(self.out) != self.begun:
            self.break_at(name)
        if name == "blockquote":
            self.out.append((_END if closes else _QUOTE) + "\n")
        if name == "table":
            self.table(closes=closes)
        if name in ("ol", "ul", "menu", "dir", "li"):
            self.listed(name, "" if closes else match[0])

    def break_at(self, name: str) -> None:
        """Start a new line, or add an empty line, as the tag asks for it."""
        end = self.out[-1][-1]
        if name == "br":
            self.out.append("\n")
        elif name in _PARAGRAPHS:
            self.out.append("\n" if end == "\n" else "\n\n")
        elif name in _LINES and end != "\n":
            self.out.append("\n")

    def is_hidden(self, name: str, match: re.Match[str]) -> bool:
        """Note a tag in what is hidden, or one that hides; whether it is an image that is hidden."""
        closes = bool(match[1])
        if self.hidden is None:
            kind = "" if closes else tags.hides(match[0], self.hidden_names)
            if kind and name not in _VOID:
                self.hidden = _Hidden(name, kind, len(self.out), len(self.lists), len(self.tables), {name: 1})
            return kind == "all" and name in _VOID
        opened = self.hidden.opened
        if self.hidden.kind == "text" and not closes and "font-size" in match[0].lower():
            self.hidden = None
        elif not closes:
            if self.hidden.name == "p" and (name in _LINES or name in _PARAGRAPHS):
                self.unhide()
            elif name == self.hidden.name or name in _ENCLOSING:
                opened[name] = opened.get(name, 0) + 1
        elif name == self.hidden.name or name in _ENCLOSING:
            opened[name] = opened.get(name, 0) - 1
            if opened[name] < (name == self.hidden.name):
                self.unhide()
        return False

    def unhide(self) -> None:
        """Take back what was written since the hidden element opened; but a padded preview is made to be read."""
        if self.hidden and sum(map("".join(self.out[self.hidden.at :]).count, _PADDING)) < _PADDED:
            del self.out[self.hidden.at :], self.lists[self.hidden.lists :], self.tables[self.hidden.tables :]
        self.hidden = None

    def picture(self, name: str, attributes: dict[str, str]) -> None:
        """Add the words of an image or a button."""
        if name == "input" and attributes.get("type", "").lower() not in ("image", "submit", "button", "reset"):
            return
        words = attributes.get("alt") or attributes.get("value" if name == "input" else "title") or ""
        words = " ".join(words.split())
        dots = ("0", "1", "0px", "1px")
        if attributes.get("width") in dots and attributes.get("height") in dots:
            return  # it counts who reads the mail
        self.pictured = True
        if not _PICTURE.match(words):
            self.say(words)
        if name == "area":
            self.say(_target(attributes.get("href", ""), words, pictured=True))

    def say(self, words: str) -> None:
        """Add words apart from those around them."""
        if words:
            self.out.append(f"{words} " if self.out[-1][-1] in " \n" else f" {words} ")

    def linked(self, tag: str) -> None:
        """End the link that is open with its target, and start one with this tag, if there is one."""
        if self.link and not tag:
            label = "".join(self.out[self.label_at :])
            target = _target(tags.attributes(self.link).get("href", ""), label, pictured=self.pictured)
            if target:
                self.out.append(target if self.out[-1][-1] in " \n" else f" {target}")
        self.link, self.label_at, self.pictured = tag, len(self.out), False

    def cell(self) -> None:
        """Start a cell of a row."""
        table = self.tables[-1]
        if table.cells:
            self.out.append(_CELL if self.joined(table) else "\n")
        table.cells += 1
        table.at = self.begun = len(self.out)

    def row(self) -> None:
        """End a row, whose last cell is put on one line with those before it."""
        table = self.tables[-1]
        if table.cells > 1:
            self.joined(table)
        table.cells = 0

    def joined(self, table: _Table) -> bool:
        """Put the cell that ends now on one line; whether it is one."""
        pieces = self.out[table.at :]
        if len(pieces) > _CELL_PIECES or sum(map(len, pieces)) > _CELL_LENGTH:
            return False
        words = "".join(pieces).strip(" \n")
        if "\n" in words:
            return False
        self.out[table.at :] = [words] if words else []
        return True

    def table(self, *, closes: bool) -> None:
        """Start or end a table."""
        if not closes:
            self.tables.append(_Table())
        elif self.tables:
            self.tables.pop()

    def listed(self, name: str, tag: str) -> None:
        """Start or end a list, or add the mark of an item; `tag` is empty at the end."""
        if name != "li":
            if tag:
                attributes = tags.attributes(tag) if name == "ol" else {}
                number = tags.number(attributes.get("start", ""), 1) if name == "ol" else None
                self.lists.append(_List(number, attributes.get("type", "")))
            elif self.lists:
                self.lists.pop()
        elif tag:
            mark = "- "
            if self.lists and (number := self.lists[-1].number) is not None:
                number = tags.number(tags.attributes(tag).get("value", ""), number)
                self.lists[-1].number = number + 1
                mark = f"{tags.numeral(number, self.lists[-1].kind)}. "
            self.out.append(mark)
            self.begun = len(self.out)


def _comment_end(html: str, at: int, unclosed: set[str]) -> int:
    """Where reading goes on after the comment that opens at `at`: one without an end is shown."""
    end = -1 if "!--" in unclosed else html.find("-->", at + 2)
    if end < 0:
        unclosed.add("!--")
        return at + len("<!--")
    return end + len("-->")


def _skipped_end(html: str, match: re.Match[str], unclosed: set[str]) -> int:
    """Where reading goes on after a tag: after the whole element, where its content is not text."""
    name = match[2].lower()
    if match[1] or name not in _SKIPPED or name in unclosed:
        return match.end()
    close = _SKIPPED[name].search(html, match.end())
    if close:
        return close.end()
    unclosed.add(name)
    return match.end()


def _target(href: str, label: str, *, pictured: bool) -> str:
    """The target of a link in brackets, to be shown after its label; `""` when the label shows it, or without one."""
    href = "".join(href.split())
    label = label.strip().lower()
    if not _TARGET.fullmatch(href) or not (label or pictured) or _bare(href) == _bare(label):
        return ""
    if href.lower().startswith(("mailto:", "tel:")) and label and _bare(href).partition("?")[0] in label:
        return ""
    if len(href) > (_TARGET_LIMIT if label else _BARE_TARGET_LIMIT):
        host = _HOST.match(href)
        href = f"{host[0]}/…" if host else f"{href[:_TARGET_LIMIT]}…"
    return f"<{href}>"


def _bare(url: str) -> str:
    return re.sub(r"^(?:https?://|mailto:|tel:)?(?:www\.)?|/$", "", url.lower())
