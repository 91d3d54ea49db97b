"""The text of an HTML body, by one pass over its tags.

html.parser is quadratic on bombs of a few kilobytes, and no layout is wanted: words, lines and paragraphs in
the order of the source are. What never closes (a tag, a comment, a script) is shown rather than swallowed.
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
"""Characters of a link's target that are shown; of a longer one only the host is."""
_QUOTE, _END = "\x01", "\x02"
"""Lines between which a quotation stands until its lines are marked."""
_DEPTH = 5
"""Quotations in quotations that are marked as such."""
_ITEM = "- "
_SPACES = re.compile(r"[ \t\n\f]+")
# Digits are capped: int() refuses long numbers, and html.unescape() calls it.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}(?![0-9])|#[xX][0-9a-fA-F]{1,6}(?![0-9a-fA-F])|[a-zA-Z][a-zA-Z0-9]{1,31});?")


def text(html: str) -> str:
    """The words of HTML with LF line ends: a line per block or `<br>`, an empty line between paragraphs."""
    return charset.clean(_told(_pieces(html, marks=False)))


def readable(html: str) -> str:
    """The same for a person: quotations with `>`, items with `-`, and where a link leads if its text does not say."""
    depth = shallow = 0  # shallow: between the line before and this one
    blank = False
    lines: list[str] = []
    for line in _told(_pieces(html.translate({1: None, 2: None}), marks=True)).split("\n"):
        if line in (_QUOTE, _END):
            depth = max(depth + (1 if line == _QUOTE else -1), 0)
            shallow = min(shallow, depth)
        elif not line:
            blank = True
        else:
            if blank and lines:
                lines.append(_quoted("", shallow))
            lines.append(_quoted(line, depth))
            shallow, blank = depth, False
    return charset.clean("\n".join(lines))


def _quoted(line: str, depth: int) -> str:
    """A line in quotation marks (RFC 3676 section 4.5)."""
    return f"{'>' * min(depth, _DEPTH)} {line}".rstrip() if depth else line


def _told(pieces: list[str]) -> str:
    lines = [line.rstrip() for line in "".join(pieces).replace("\xa0", " ").split("\n")]
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _pieces(html: str, *, marks: bool) -> list[str]:
    """The text between the tags, and what each tag means for it; with lines of `_QUOTE` and `_END` among them."""
    html = html[:LIMIT]
    out: list[str] = ["\n"]
    last = html.rfind(">")  # behind it nothing is a tag any more
    tag = _TAG
    endless: set[str] = set()  # elements and comments that never close: looked for once, or it would be quadratic
    pre = False
    link, label = "", 0
    at = 0
    while True:
        opening = html.find("<", at)
        if opening < 0 or opening > last:
            _write(out, html[at:], pre)
            break
        _write(out, html[at:opening], pre)
        at = opening
        if html.startswith("<!--", at):
            end = -1 if "!--" in endless else html.find("-->", at + 2)
            if end < 0:
                endless.add("!--")
            at = end + 3 if end >= 0 else at + 4
            continue
        match = tag.match(html, at)
        if not match and html[at + 1 : at + 3].lstrip("/")[:1].isalpha():
            # A quote opens in a tag and closes nowhere: quotes say nothing in the rest of this document.
            tag = _BARE_TAG
            match = tag.match(html, at)
        if match:
            at = match.end()
            name = match[2].lower()
            if name == "pre":
                pre = not match[1]
            if not match[1] and name in _HIDDEN and name not in endless:
                close = _HIDDEN[name].search(html, at)
                if close:
                    at = close.end()
                else:
                    endless.add(name)
            if marks and name == "a":
                if link and match[1] and (target := _target(link, "".join(out[label:]))):
                    out.append(f" <{target}>")
                link, label = "" if match[1] else match[0], len(out)
            if not marks or out[-1] != _ITEM:
                _break(out, name)
            if marks and name == "blockquote":
                out.append((_END if match[1] else _QUOTE) + "\n")
            if marks and name == "li" and not match[1]:
                out.append(_ITEM)
        elif html.startswith(("<!", "<?", "</"), at):
            at = html.find(">", at) + 1
        else:
            _write(out, "<", pre)
            at += 1
    return out


def entities(text: str) -> str:
    """The text with its character references replaced."""
    # An empty string stays what it was, so that what has been written always has a last character.
    return _ENTITY.sub(lambda match: unescape(match[0]) or match[0], text) if "&" in text else text


def _write(out: list[str], chunk: str, pre: bool) -> None:
    if chunk and not pre:
        chunk = _SPACES.sub(" ", chunk)
        if out[-1][-1] in " \n":
            chunk = chunk.removeprefix(" ")
    if chunk:
        out.append(entities(chunk))


def _break(out: list[str], name: str) -> None:
    """What a tag means for the lines: a new one, an empty one, a space between cells."""
    end = out[-1][-1]
    if name == "br":
        out.append("\n")
    elif name in _PARAGRAPHS:
        out.append("\n" if end == "\n" else "\n\n")
    elif name in _LINES and end != "\n":
        out.append("\n")
    elif name in ("td", "th") and end not in " \n":
        out.append(" ")


def _target(tag: str, label: str) -> str:
    """Where a link leads, behind its text; `""` when the text says so itself, or there is none."""
    found = _HREF.search(tag)
    href = entities(found[1] or found[2] or found[3] or "").strip() if found else ""
    whole = _TARGET.fullmatch(href)
    said = label.strip().lower()
    if not whole or not said or _bare(href) == _bare(said):
        return ""
    if href.lower().startswith("mailto:") and _bare(href).partition("?")[0] in said:
        return ""
    if len(href) > _TARGET_LIMIT:
        host = _HOST.match(href)
        href = f"{host[0]}/…" if host else f"{href[:_TARGET_LIMIT]}…"
    return href


def _bare(url: str) -> str:
    return re.sub(r"^(?:https?://|mailto:)?(?:www\.)?|/$", "", url.lower())
