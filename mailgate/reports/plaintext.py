"""Read a notice in words: who did not get the message, and why.

Mail servers without RFC 3464 agree on little but the layout: an address in brackets or alone on its line, an SMTP
dialogue, a list below "the following recipients", a copy of the message below a ruled line. These are the rules here,
the surest first. The phrases of single products are left to `flufl`.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mailgate.reports import dsn, explanation, phrases, recipients
from mailgate.reports.dsn import Block
from mailgate.reports.explanation import Explanation
from mailgate.reports.recipients import Candidate

LINE_LIMIT = 2000
"""Characters of one line that are read."""
ROWS_LIMIT = 5000
"""Lines of a notice that are read."""
_NEAR = 40
"""Lines below a recipient that may explain the failure."""


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


# What precedes the copy of the message: a ruled line or a sentence that names it.
_RULE = _any(
    r"[ \t>]*[-=*_#+~]{2,}[^\n]{0,40}?\b(?:copy|original|unsent|undelivered|returned|rejected|bounced)\b[^\n]{0,80}$",
    r"[ \t>]*[-=*_#+~]{2,}[^\n]{0,40}?\b(?:message|mail)[ \t]+(?:headers?|text|body|contents?|follows"
    r"|below)\b[^\n]{0,60}$",
    r"[ \t>]*[-=*_#+~]{2,}[^\n]{0,20}?\b(?:headers?|your (?:message|mail))\b[^\n]{0,60}$",
    r"[ \t>]*(?:the |your |this is |first \d+ lines of |here is )*(?:a copy of |part of )?(?:the |your )?"
    r"(?:original|returned|unsent|undelivered|rejected)?[ \t]*(?:message|mail|e-mail|text)?(?:'s)?[ \t]*"
    r"(?:text|headers?|body)?(?: as)?(?: is| are)?(?: attached)? (?:follows?|below|following)\b[^\n]{0,40}$",
    r"[^\n]{0,60}\b(?:copy of (?:the|your|this) (?:original |returned )?(?:message|mail|e-mail)"
    r"|below this line)\b[^\n]{0,60}$",
)
_NOT_RULE = _any(
    r"transcript|session|address|recipient|could not|not (?:be )?deliver|undeliverable|reason|server|smtp|error",
    r"was not|cannot|failed|unable|log\b",
)
_TRACE = re.compile(r"[ \t>|]*(?:Received|Return-Path|DKIM-Signature|X-[A-Z][\w-]+|Message-ID)[ \t]*:", re.IGNORECASE)
_FIELD = re.compile(r"[ \t>|]*(?:[A-Z][A-Za-z0-9-]{1,40}:(?!//)|[ \t]+\S)")


class Notice(NamedTuple):
    """A notice: the words of the mail system, and the copy of the original message below them."""

    words: str
    copy: str


class Layout(NamedTuple):
    """A notice in which to look for recipients.

    `senders`: the addresses of the report's own header, in lower case. `host`: the domain of a mail system whose notice
    may name recipients by bare logins, "" for other notices.
    """

    words: str
    senders: frozenset[str]
    subject: str
    host: str


def split(text: str) -> Notice:
    """The words of the mail system, and the copy of the message below a ruled line or from its first trace field on."""
    rows = text[: dsn.TEXT_LIMIT].split("\n", ROWS_LIMIT)[:ROWS_LIMIT]
    for at, row in enumerate(rows):
        if at and len(row) < 200 and "@" not in row and _RULE.match(row) and not _NOT_RULE.search(row):
            return Notice("\n".join(rows[:at]), "\n".join(rows[at + 1 :]))
        if _TRACE.match(row[:200]) and all(_FIELD.match(below[:200]) for below in rows[at : at + 4]):
            while at and ":" in rows[at - 1] and _FIELD.match(rows[at - 1][:200]):
                at -= 1
            end = _copy_end(rows, at)
            return Notice("\n".join(rows[:at] + rows[end:]), "\n".join(rows[at:end]))
    return Notice("\n".join(rows), "")


def _copy_end(rows: list[str], at: int) -> int:
    """Where a copy ends that starts in row `at`: at the end of its indentation, when it has one."""
    if rows[at][:1] not in (" ", "\t"):
        return len(rows)
    return next((end for end in range(at, len(rows)) if rows[end].strip() and rows[end][0] not in " \t"), len(rows))


def unquoted(text: str) -> str:
    """The text without the lines of other people that it quotes."""
    return "\n".join(row for row in text.split("\n") if not row.startswith("> "))


def blocks(layout: Layout, worst: int) -> list[Block]:
    """The recipients in the surest place that names any; `worst` is the last rank that counts."""
    rows = [row[:LINE_LIMIT] for row in layout.words.split("\n")]
    mentions = list(recipients.candidates(rows))
    failed = [candidate for candidate in mentions if not candidate.other] or mentions
    candidates = [candidate for candidate in failed if candidate.address.lower() not in layout.senders]
    if not candidates:  # a message to oneself fails too
        candidates = [candidate for candidate in failed if candidate.rank <= 1]
    if not mentions and layout.host:
        candidates = list(recipients.logins(rows, layout.host))
    best = min((candidate.rank for candidate in candidates), default=worst + 1)
    if best > worst:
        return []
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.rank == best:
            first.setdefault(candidate.address.lower(), candidate)
    places = [(candidate.address, candidate.row) for candidate in first.values()][: dsn.BLOCKS_LIMIT]
    return _blocks(places, rows, action(layout.words, layout.subject))


def of_these(addresses: list[str], words: str, subject: str) -> list[Block]:
    """These recipients, each with what the notice says below the line that names it."""
    rows = [row[:LINE_LIMIT] for row in words.split("\n")]
    lines: dict[str, int] = {}
    for candidate in recipients.candidates(rows) if len(addresses) > 1 else ():
        if candidate.rank <= 1:
            lines.setdefault(candidate.address.lower(), candidate.row)
    outcome = "delayed" if action(words, subject) == "delayed" else "failed"
    return _blocks([(address, lines.get(address.lower())) for address in addresses], rows, outcome)


def without_recipient(words: str, subject: str, basis: str) -> list[Block]:
    """What a notice says that names no recipient."""
    unnamed = _blocks([(None, None)], words.split("\n"), action(words, subject))
    return [block._replace(basis=basis) for block in unnamed]


def action(words: str, subject: str) -> str:
    """What happened to the message: delivered, delayed or failed."""
    text = f"{subject}\n\n{words}"
    if phrases.delivered(text) and not dsn.has_code(words):
        return "delivered"
    return "delayed" if phrases.delayed(text) else "failed"


def _blocks(places: Sequence[tuple[str | None, int | None]], rows: list[str], outcome: str) -> list[Block]:
    """A block for each (recipient, row): with what is written from there to the next one, else in the notice.

    Where codes follow some of the recipients, these codes belong to them alone.
    """
    if outcome == "delivered":
        return [Block(recipient, outcome, basis=dsn.WORDS) for recipient, _ in places]
    notice = explanation.of_notice(rows)
    starts = sorted(row for _, row in places if row is not None)
    ends = dict(zip(starts, [*starts[1:], len(rows)], strict=False))
    near = [[] if row is None else rows[row : max(ends[row], row + 1)][:_NEAR] for _, row in places]
    separate = len(places) > 1 and any(dsn.has_code("\n".join(below)) for below in near)
    result = []
    for (recipient, row), below in zip(places, near, strict=True):
        has_own = separate and (row is None or bool(explanation.diagnostic(below) or explanation.following(below)))
        result.append(explanation.block(recipient, outcome, below, Explanation("", "") if has_own else notice))
    return result
