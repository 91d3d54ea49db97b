"""Turn HTML into text, in one pass over its tags.

html.parser takes quadratic time on hostile input of a few kilobytes. The text keeps words, lines and paragraphs in the
order of the source, without layout. A tag, a comment or a script that is never closed is shown rather than dropped.
"""

import re
from html import unescape

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
_HIDDEN = {name: re.compile(f"</{name}[^>]*+>", re.IGNORECASE) for name in ("script", "style", "title", "template")}
_TAG = re.compile(r"""<(/?)([a-zA-Z][^\s/>]*+)(?:[^>"']++|"[^"]*+"|'[^']*+')*>""")
_BARE_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)[^>]*+>")
_HREF = re.compile(r"""\shref\s*=\s*(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""", re.IGNORECASE)
_TARGET = re.compile(r"(?:https?://[^/?#]++|mailto:)[^\s<>]*+", re.IGNORECASE)
_HOST = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
_TARGET_LIMIT = 200
"""Characters of a link's target that are shown; a longer one is cut down to its host."""
_QUOTE, _END = "\x01", "\x02"
"""Lines around a quotation, until its lines are marked."""
_DEPTH = 5
"""Levels of quotation that get a mark of their own."""
_ITEM = "- "
_SPACES = re.compile(r"[ \t\n\f]+")
# Digits are capped: int() refuses long numbers, and html.unescape() calls it.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}(?![0-9])|#[xX][0-9a-fA-F]{1,6}(?![0-9a-fA-F])|[a-zA-Z][a-zA-Z0-9]{1,31});?")


def text(html: str) -> str:
    """The words of HTML with LF line ends: a line per block or `<br>`, an empty line between paragraphs."""
    return charset.clean(_tidied(_Writer(marks=False).read(html)))


def readable(html: str) -> str:
    """The same for a person: quotations with `>`, list items with `-`, and the targets of links that hide them."""
    depth = shallowest = 0  # of quotations; the shallowest since the last line with words
    blank = False
    lines: list[str] = []
    for line in _tidied(_Writer(marks=True).read(html.translate({1: None, 2: None}))).split("\n"):
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
    lines = [line.rstrip() for line in text.replace("\xa0", " ").split("\n")]
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


class _Writer:
    """Writes the text of one document, tag by tag. `marks`: with lines of `_QUOTE` and `_END`, items and targets."""

    def __init__(self, *, marks: bool) -> None:
        self.marks = marks
        self.out: list[str] = ["\n"]
        self.preformatted = False
        self.link = ""
        """The opening tag of the link that is open."""
        self.label_at = 0
        """Where in `out` the text of this link starts."""

    def read(self, html: str) -> str:
        """The text of a document, of its first LIMIT characters."""
        html = html[:LIMIT]
        last = html.rfind(">")  # nothing behind it is a tag
        pattern = _TAG
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
                pattern = _BARE_TAG
                match = pattern.match(html, at)
            if match:
                at = _hidden_end(html, match, unclosed)
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
            return
        if name == "a":
            target = _target(self.link, "".join(self.out[self.label_at :])) if self.link and closes else ""
            if target:
                self.out.append(f" <{target}>")
            self.link, self.label_at = "" if closes else match[0], len(self.out)
        if self.out[-1] != _ITEM:
            self.break_at(name)
        if name == "blockquote":
            self.out.append((_END if closes else _QUOTE) + "\n")
        if name == "li" and not closes:
            self.out.append(_ITEM)

    def break_at(self, name: str) -> None:
        """Start a new line, add an empty line or add a space between cells, as the tag asks for it."""
        end = self.out[-1][-1]
        if name == "br":
            self.out.append("\n")
        elif name in _PARAGRAPHS:
            self.out.append("\n" if end == "\n" else "\n\n")
        elif name in _LINES and end != "\n":
            self.out.append("\n")
        elif name in ("td", "th") and end not in " \n":
            self.out.append(" ")


def _comment_end(html: str, at: int, unclosed: set[str]) -> int:
    """Where reading goes on after the comment that opens at `at`: one without an end is shown."""
    end = -1 if "!--" in unclosed else html.find("-->", at + 2)
    if end < 0:
        unclosed.add("!--")
        return at + len("<!--")
    return end + len("-->")


def _hidden_end(html: str, match: re.Match[str], unclosed: set[str]) -> int:
    """Where reading goes on after a tag: after the whole element, where its content is not shown."""
    name = match[2].lower()
    if match[1] or name not in _HIDDEN or name in unclosed:
        return match.end()
    close = _HIDDEN[name].search(html, match.end())
    if close:
        return close.end()
    unclosed.add(name)
    return match.end()


def entities(text: str) -> str:
    """The text with its character references replaced."""
    # A reference to nothing stays as it is, so that every chunk that is written has a last character.
    return _ENTITY.sub(lambda match: unescape(match[0]) or match[0], text) if "&" in text else text


def _target(tag: str, label: str) -> str:
    """The target of a link, to be shown after its label; `""` when the label shows it, or when there is none."""
    match = _HREF.search(tag)
    href = entities(match[1] or match[2] or match[3] or "").strip() if match else ""
    label = label.strip().lower()
    if not _TARGET.fullmatch(href) or not label or _bare(href) == _bare(label):
        return ""
    if href.lower().startswith("mailto:") and _bare(href).partition("?")[0] in label:
        return ""
    if len(href) > _TARGET_LIMIT:
        host = _HOST.match(href)
        href = f"{host[0]}/…" if host else f"{href[:_TARGET_LIMIT]}…"
    return href


def _bare(url: str) -> str:
    return re.sub(r"^(?:https?://|mailto:)?(?:www\.)?|/$", "", url.lower())
