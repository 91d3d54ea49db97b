"""Join the lines of text that its program broke, and read the two kinds of rich text that came before HTML."""

import re

_MARKS = re.compile(r">*")
_COMMAND = re.compile(r"<(/?)([A-Za-z0-9-]{1,60})>")
_BLANK_LINES = re.compile(r"\n+")


def joined(text: str, *, delsp: bool) -> str:
    """Text of `format=flowed` with the paragraphs on one line (RFC 3676); `delsp`: the blank at a break is no blank."""
    lines: list[str] = []
    pieces: list[str] = []  # of the paragraph that is open
    depth = 0
    for line in text.split("\n"):
        marks = _MARKS.match(line)
        assert marks is not None
        level = marks.end()
        words = line[level:].removeprefix(" ")
        flows = words.endswith(" ") and words != "-- "
        if pieces and (level != depth or words == "-- "):
            lines.append(_quoted("".join(pieces).rstrip(" "), depth))
            pieces = []
        depth = level
        pieces.append(words[:-1] if flows and delsp else words)
        if not flows:
            lines.append(_quoted("".join(pieces), depth))
            pieces = []
    if pieces:
        lines.append(_quoted("".join(pieces), depth))
    return "\n".join(lines)


def _quoted(line: str, depth: int) -> str:
    return f"{'>' * depth} {line}" if depth and line else f"{'>' * depth}{line}"


def plain(text: str, *, richtext: bool) -> str:
    """The words of text/enriched (RFC 1896), or of text/richtext (RFC 1341)."""
    out: list[str] = []
    parameters = unfilled = at = 0
    # In text/enriched, "<<" is a "<"; no text has a NUL here.
    text = text if richtext else text.replace("<<", "\0")
    for match in _COMMAND.finditer(text):
        _add(out, text[at : match.start()], parameters, filled=not unfilled)
        at = match.end()
        name, closes = match[2].lower(), bool(match[1])
        if name in ("param", "comment"):
            parameters = max(parameters + (-1 if closes else 1), 0)
        elif name == "nofill":
            unfilled = max(unfilled + (-1 if closes else 1), 0)
        elif name in ("nl", "np") or (closes and name == "paragraph"):
            out.append("\n")
        elif name == "lt":
            out.append("<")
    _add(out, text[at:], parameters, filled=not unfilled)
    return "".join(out).replace("\0", "<")


def _add(out: list[str], text: str, parameters: int, *, filled: bool) -> None:
    """Add words between commands: where lines are filled, a lone line end is a blank, and n are n - 1."""
    if not parameters:
        out.append(_BLANK_LINES.sub(lambda match: match[0][1:] or " ", text) if filled else text)
