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
_SPACES = re.compile(r"[ \t\n\f]+")
# Digits are capped: int() refuses long numbers, and html.unescape() calls it.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}(?![0-9])|#[xX][0-9a-fA-F]{1,6}(?![0-9a-fA-F])|[a-zA-Z][a-zA-Z0-9]{1,31});?")


def text(html: str) -> str:
    """The words of HTML with LF line ends: a line per block or `<br>`, an empty line between paragraphs."""
    html = html[:LIMIT]
    out: list[str] = ["\n"]
    last = html.rfind(">")  # behind it nothing is a tag any more
    tag = _TAG
    endless: set[str] = set()  # elements and comments that never close: looked for once, or it would be quadratic
    pre = False
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
            _break(out, name)
        elif html.startswith(("<!", "<?", "</"), at):
            at = html.find(">", at) + 1
        else:
            _write(out, "<", pre)
            at += 1
    lines = [line.rstrip() for line in "".join(out).replace("\xa0", " ").split("\n")]
    return charset.clean(re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n"))


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
