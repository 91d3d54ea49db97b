"""Say what one tag of HTML means to a person: its attributes, whether it hides what is in it, the number of an item.

A quote in a tag counts only behind `=`, as in browsers: a stray one does not swallow the text up to the next.
"""

import re
from html import unescape

# A group that repeats is never possessive: see the architecture test.
TAG = re.compile(
    r"""<(/?)([a-zA-Z][^\s/>]*+)"""
    r"""(?:[^>=]++|=\s*+"[^"]*+"|=\s*+'[^']*+'|=\s*+[^\s>"'][^\s>]*+|=\s*+(?=>))*>"""
)
BARE_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)[^>]*+>")
"""A tag in a document in which a quote is never closed."""
_ATTRIBUTE = re.compile(r"""([^\s/>=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+)))?""")
# Digits are capped: int() refuses long numbers, and html.unescape() calls it.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}(?![0-9])|#[xX][0-9a-fA-F]{1,6}(?![0-9a-fA-F])|[a-zA-Z][a-zA-Z0-9]{1,31});?")
_MAY_HIDE = re.compile(r"hidden|style|class|id=", re.IGNORECASE)
_HIDES = re.compile(
    r"(?<![a-z-])(?:display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden"
    r"|opacity\s{0,9}:\s{0,9}0(?:\.0{1,9})?\s{0,9}(?:[;!]|$))",
    re.IGNORECASE,
)
_FLAT = re.compile(r"(?<![a-z-])max-height\s{0,9}:\s{0,9}0", re.IGNORECASE)
_CLIPPED = re.compile(r"(?<![a-z-])overflow\s{0,9}:\s{0,9}hidden", re.IGNORECASE)
_TINY = re.compile(r"(?<![a-z-])font-size\s{0,9}:\s{0,9}0(?:\.0{1,9})?(?:px|pt|em|%)?\s{0,9}(?:[;!]|$)", re.IGNORECASE)
_CSS_LIMIT = 64 * 1024
"""Characters of a style sheet that are read."""
_SELECTOR = re.compile(r"\s*(?:[a-z0-9]{1,20})?([.#][\w-]{1,100})\s*", re.IGNORECASE)
_NUMBER = re.compile(r"\s*(-?[0-9]{1,6})")
_ROMAN = {1000: "m", 900: "cm", 500: "d", 400: "cd", 100: "c", 90: "xc", 50: "l", 40: "xl", 10: "x", 9: "ix"}
_ROMAN |= {5: "v", 4: "iv", 1: "i"}


def entities(text: str) -> str:
    """The text with its character references replaced."""
    # A reference to nothing stays as it is, so that every chunk that is written has a last character.
    return _ENTITY.sub(lambda match: unescape(match[0]) or match[0], text) if "&" in text else text


def attributes(tag: str) -> dict[str, str]:
    """The attributes of a start tag by lower-case name, the first of each name."""
    values: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(tag, 1):
        values.setdefault(match[1].lower(), entities(match[2] or match[3] or match[4] or ""))
    return values


def hides(tag: str, names: frozenset[str]) -> str:
    """Whether a start tag hides what is in it: "all" of it, "text" that gets no other size, `""` nothing.

    `names`: the classes and ids that a style sheet hides, with `.` and `#`.
    """
    if not _MAY_HIDE.search(tag):
        return ""
    values = attributes(tag)
    style = values.get("style", "")
    if "hidden" in values or _HIDES.search(style) or (_FLAT.search(style) and _CLIPPED.search(style)):
        return "all"
    if names and (
        f"#{values.get('id')}" in names or any(f".{name}" in names for name in values.get("class", "").split())
    ):
        return "all"
    return "text" if _TINY.search(style) else ""


def hidden_names(css: str) -> frozenset[str]:
    """The classes and ids that a style sheet hides on every screen: rules within `@media` do not count."""
    names: set[str] = set()
    open_blocks: list[str] = []
    plain = "".join(piece.partition("*/")[2] if at else piece for at, piece in enumerate(css[:_CSS_LIMIT].split("/*")))
    before = ""
    for piece in re.split(r"([{}])", plain):
        if piece == "{":
            open_blocks.append(before)
        elif piece == "}" and open_blocks:
            selectors = open_blocks.pop()
            if not open_blocks and _HIDES.search(before):
                names.update(match[1] for selector in selectors.split(",") if (match := _SELECTOR.fullmatch(selector)))
        before = piece
    return frozenset(names)


def number(text: str, default: int) -> int:
    """The whole number that an attribute starts with."""
    match = _NUMBER.match(text)
    return int(match[1]) if match else default


def numeral(value: int, kind: str) -> str:
    """The mark of an item of an ordered list, as `type` of the list asks for it."""
    if kind in ("a", "A") and 1 <= value <= 26:
        text = chr(ord("a") + value - 1)
    elif kind in ("i", "I") and 1 <= value <= 3999:
        text = ""
        for size, letters in _ROMAN.items():
            text += letters * (value // size)
            value %= size
    else:
        return str(value)
    return text.upper() if kind.isupper() else text
