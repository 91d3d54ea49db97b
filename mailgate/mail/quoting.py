"""Tell what an author wrote from quoted history and signatures, to fold these on a screen; doubtful lines stay.

A text is cut into passages, from top to bottom:

* Lines with `>` are quoted, with the attribution above them. They stay part of the text when the author introduces them
  ("The log says:"), and when they hold a forwarded message.
* A header of the original message, below a title or in an order that a mail program uses, starts history that goes on
  to the end of the text.
* A forwarded message ends the search: everything from there on is part of the text.
* What is left is the text of the author, and its end may be a signature.
"""

import re
from itertools import groupby
from operator import itemgetter
from typing import Literal, NamedTuple

from mailgate.mail import signature
from mailgate.mail.attribution import (
    BLANK,
    HEADER_LIMIT,
    LINE_LIMIT,
    MAILBOX,
    MARKED,
    ORDERS,
    TITLE,
    WROTE,
    above,
    attribution,
    ends_in_colon,
    field,
    header,
    is_forwarded,
    is_header,
    is_original,
)

PassageKind = Literal["text", "quoted", "signature"]

LIMIT = 512 * 1024
"""Characters of a text that is folded."""

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_RULE = re.compile(r"[ \t]*+[-_=*]{5,}+[ \t]*+$")
_FORWARD = re.compile(
    r"\s*+(?:\[[^\]]{1,40}\]\s*+)?(?:fwd?|wg|tr|rv|enc|i|doorst|pd|vb|vs|vl|přep|转发|轉寄|転送|전달)\s?[:：]",
    re.IGNORECASE,
)


class Passage(NamedTuple):
    """Whole lines of a text, of one kind."""

    kind: PassageKind
    text: str


def fold(text: str, subject: str = "") -> tuple[Passage, ...]:
    """The passages of a text in order, neighbours of different kinds; joined they are exactly the text.

    The whole text is one passage when nothing of it would be the author's, when it is longer than LIMIT, and when it is
    a forward. A forward by Outlook differs from an answer only in its `subject` (`FW: `, `WG: `).
    """
    unfolded = (Passage("text", text),) if text else ()
    if len(text) > LIMIT or _FORWARD.match(subject):
        return unfolded
    lines: list[str] = _LINE.findall(text)
    kinds = _kinds([_shortened(line) for line in lines])
    if "text" not in kinds:
        return unfolded
    groups = groupby(zip(_filled(kinds), lines, strict=True), key=itemgetter(0))
    return tuple(Passage(kind, "".join(line for _, line in group)) for kind, group in groups)


def _shortened(line: str) -> str:
    """A line without its line end, or the start of a long one."""
    line = line.rstrip("\r\n")
    if len(line) <= LINE_LIMIT:
        return line
    return line[:LINE_LIMIT] + "…" if line.strip(BLANK) else ""


def _kinds(lines: list[str]) -> list[PassageKind | None]:
    """The kind of each line; None for empty ones, which join a neighbour."""
    kinds: list[PassageKind | None] = ["text" if line.strip(BLANK) else None for line in lines]
    at = start = 0  # `start`: where the author's text starts that is read now
    while at < len(lines):
        if kinds[at] is None:
            at += 1
            continue
        if MARKED.match(lines[at]):
            end = _quotation_end(lines, at)
            top = _top(lines, at)
            fields = header(line.lstrip("> ") for line in lines[at : min(end, at + HEADER_LIMIT)])
            if is_header(fields) and top in (None, at):
                break
            if top is not None and _is_quotation(lines[at:end], top < at):
                _sign(lines, kinds, start, top)
                kinds[top:end] = ["quoted"] * (end - top)
                start = end
            at = end
            continue
        if is_forwarded(lines[at]):
            break
        fields = header(lines[at : at + HEADER_LIMIT]) if field(lines[at]) else []
        if is_header(fields):
            top = _history(lines, at, fields)
            if top is not None:
                _sign(lines, kinds, start, top)
                kinds[top:] = ["quoted"] * (len(lines) - top)
                return kinds
            break
        at += 1
    # What is left is a forward, or nothing. It is shown, with the line that introduces it and the quotations in it.
    introduction = above(lines, at) if at < len(lines) else None
    _sign(lines, kinds, start, at if introduction is None or not ends_in_colon(lines[introduction]) else introduction)
    return kinds


def _filled(kinds: list[PassageKind | None]) -> list[PassageKind]:
    """The kinds with empty lines joined to text next to them, else to the passage above."""
    groups = [(kind, len(list(group))) for kind, group in groupby(kinds)]
    filled: list[PassageKind] = []
    for index, (kind, count) in enumerate(groups):
        if kind is None:
            neighbours = [neighbour for neighbour, _ in groups[max(index - 1, 0) : index + 2] if neighbour]
            kind = "text" if "text" in neighbours else neighbours[0]
        filled += [kind] * count
    return filled


def _quotation_end(lines: list[str], at: int) -> int:
    """The line behind the quoted lines that start at `at`; they may have empty lines between them."""
    end = at + 1
    for index in range(at + 1, len(lines)):
        if MARKED.match(lines[index]):
            end = index + 1
        elif lines[index].strip(BLANK):
            break
    return end


def _is_quotation(lines: list[str], attributed: bool) -> bool:
    """Whether marked lines quote a message: marks without text do not, nor does a session of Python."""
    with_words = [line for line in lines if line.strip(BLANK + ">")]
    return bool(with_words) and (attributed or not all(line.startswith(">>>") for line in with_words))


def _top(lines: list[str], at: int) -> int | None:
    """The first line of the quotation at `at`, with its attribution; None when the author introduces it."""
    index = above(lines, at)
    if index is None or is_original(lines[index]):
        return at if index is None else index
    if TITLE.match(lines[index]) or lines[index] == "---":  # also the middle of a diff
        return None
    if not ends_in_colon(lines[index]):
        return at
    top = attribution(lines, index)
    if top is None:
        # "The log says:" introduces; "you wrote:" does not, and is the author's own.
        return at if WROTE.search(lines[index]) or MAILBOX.search(lines[index]) else None
    title = above(lines, top)
    return title if title is not None and is_original(lines[title]) else top


def _history(lines: list[str], at: int, fields: list[str]) -> int | None:
    """The first line of the history whose header is at `at`; None when it may not be history."""
    index = above(lines, at)
    if index is not None and is_original(lines[index]):
        return index
    if fields not in ORDERS:
        return None
    if index is None:
        return at
    if _RULE.match(lines[index]):
        return index
    introduced = TITLE.match(lines[index]) or ends_in_colon(lines[index])
    return at if index < at - 1 and not introduced else None


def _sign(lines: list[str], kinds: list[PassageKind | None], start: int, end: int) -> None:
    """Mark the signature in lines `start` to `end` of the author's text, if it has one."""
    bounds = signature.find(lines, start, end)
    if bounds:
        first, last = bounds
        kinds[first:last] = [kind and "signature" for kind in kinds[first:last]]
