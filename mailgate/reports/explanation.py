"""Find what the lines of a notice say about a failure: a status code and a diagnostic."""

import re
from typing import NamedTuple

from mailgate.reports import dsn, phrases
from mailgate.reports.dsn import Block
from mailgate.values import charset

_LINES = 4
"""Lines of a diagnostic."""
_FOLLOWING = 8
"""Lines that are read for a reason in words, with that of the address."""
_NO_REASON = re.compile(
    r"[^\n]{0,80}:[ \t]*$|[ \t]*[-=*_#+~]{4,}|[ \t]*additional information"
    r"|[ \t>]*(?:original |e?-?mail )?(?:from|to|cc|sender|subject|date|sent)[ \t]*:",
    re.IGNORECASE,
)
"""Lines that only introduce a reason, and fields of the message that failed."""


class Explanation(NamedTuple):
    """What some lines say about a failure, in words and as a status code, each "" without one."""

    diagnostic: str
    status: str


def of_notice(rows: list[str]) -> Explanation:
    """What a notice says."""
    text = "\n".join(rows)[: dsn.TEXT_LIMIT]
    line = diagnostic(rows)
    status = dsn.enhanced(line) or dsn.enhanced(text) or dsn.status_class(line) or dsn.status_class(text)
    return Explanation(line, status)


def block(recipient: str | None, action: str, near: list[str], notice: Explanation) -> Block:
    """The block for a recipient: from the rows near the address, else from the notice."""
    words = diagnostic(near) or ("" if dsn.has_code(notice.diagnostic) else following(near))
    text = "\n".join(near)
    status = dsn.enhanced(words) or dsn.enhanced(text)
    if not status and notice.status[1:] in ("", ".0.0"):
        status = dsn.status_class(words) or dsn.status_class(text)
    line = charset.line(words or notice.diagnostic, dsn.DIAGNOSTIC_LIMIT)
    return Block(recipient, action, status or notice.status, line, basis=dsn.WORDS)


def diagnostic(rows: list[str]) -> str:
    """The first line with a code, and the lines below it up to an empty one; else the first that names a failure."""
    for explains in (dsn.has_code, phrases.failed):
        for at, row in enumerate(rows):
            if explains(row):
                lines = [row.strip()]
                for below in rows[at + 1 : at + _LINES]:
                    if not below.strip():
                        break
                    lines.append(below.strip())
                return " ".join(lines)
    return ""


def following(rows: list[str]) -> str:
    """What follows an address in its line and in the lines below it: a reason in unforeseen words."""
    texts = []
    for row in rows[:1]:
        _, at, rest = row.rpartition("@")
        texts += [rest[rest.find(" ") :].strip(" \t>:;,.-")] if at and " " in rest else []
    for row in rows[1:_FOLLOWING]:
        if not row.strip() and any(texts):
            break
        if not _NO_REASON.match(row):
            texts.append(row.strip())
    return " ".join(text for text in texts if text)
