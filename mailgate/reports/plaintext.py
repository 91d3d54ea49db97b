"""What a mail system says in plain words: who did not get the message, and why.

Servers without RFC 3464 agree on little but the layout: an address in brackets or alone on its line, an SMTP dialogue,
a list below "the following recipients", a copy of the message below a ruled line. Those are the rules here, the surest
first; the phrases of single products are left to others.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mailgate.mail.message import Message
from mailgate.reports import dsn, phrases
from mailgate.reports import recipients as layout
from mailgate.reports.dsn import Block
from mailgate.reports.recipients import Named
from mailgate.values import address, charset

LINE_LIMIT = 2000
"""Characters of one line that are looked at."""
ROWS_LIMIT = 5000
_LONGEST = 998
"""Characters of a line (RFC 5322 section 2.1.1): the time that flufl.bounce takes grows with their square."""
"""Lines of a notice that are looked at."""


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


# Where the copy of the message begins: a ruled line that names it, or a sentence that does.
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
_NO_RULE = _any(
    r"transcript|session|address|recipient|could not|not (?:be )?deliver|undeliverable|reason|server|smtp|error",
    r"was not|cannot|failed|unable|log\b",
)
_TRACE = re.compile(r"[ \t>|]*(?:Received|Return-Path|DKIM-Signature|X-[A-Z][\w-]+|Message-ID)[ \t]*:", re.IGNORECASE)
_FIELD = re.compile(r"[ \t>|]*(?:[A-Z][A-Za-z0-9-]{1,40}:(?!//)|[ \t]+\S)")

_NO_REASON = _any(
    r"[^\n]{0,80}:[ \t]*$|[ \t]*[-=*_#+~]{4,}|[ \t]*additional information",
    r"[ \t>]*(?:original |e?-?mail )?(?:from|to|cc|sender|subject|date|sent)[ \t]*:",
)


class Notice(NamedTuple):
    """A text taken apart: what the system says, and what it gives back of the message below."""

    said: str
    copy: str


def split(text: str) -> Notice:
    """The words of the system, and the copy of the message behind a ruled line or from its first trace field on."""
    rows = text[: dsn.TEXT_LIMIT].split("\n", ROWS_LIMIT)[:ROWS_LIMIT]
    for at, row in enumerate(rows):
        if at and len(row) < 200 and "@" not in row and _RULE.match(row) and not _NO_RULE.search(row):
            return Notice("\n".join(rows[:at]), "\n".join(rows[at + 1 :]))
        if _TRACE.match(row[:200]) and all(_FIELD.match(each[:200]) for each in rows[at : at + 4]):
            while at and ":" in rows[at - 1] and _FIELD.match(rows[at - 1][:200]):
                at -= 1
            end = _indented(rows, at)
            return Notice("\n".join(rows[:at] + rows[end:]), "\n".join(rows[at:end]))
    return Notice("\n".join(rows), "")


def _indented(rows: list[str], at: int) -> int:
    """Where a copy that begins in a line ends: one that is indented as a whole ends with the indentation."""
    if rows[at][:1] not in (" ", "\t"):
        return len(rows)
    return next((end for end in range(at, len(rows)) if rows[end].strip() and rows[end][0] not in " \t"), len(rows))


def unquoted(said: str) -> str:
    """The words without the lines of somebody else that are quoted in them."""
    return "\n".join(row for row in said.split("\n") if not row.startswith("> "))


def blocks(said: str, own: frozenset[str], subject: str, host: str, worst: int) -> list[Block]:
    """The recipients that a notice names, by the surest layout that names any.

    `own` are the report's own addresses in lower case, `host` the domain of a system that prints bare logins, `worst`
    the rank up to which a layout is believed.
    """
    rows = [row[:LINE_LIMIT] for row in said.split("\n")]
    every = list(layout.named(rows))
    named = [each for each in every if not each.other] or every
    others = [each for each in named if each.address.lower() not in own]
    if not others:  # a message to oneself fails too
        others = [each for each in named if each.rank <= 1]
    if not every and host:
        others = list(layout.logins(rows, host))
    best = min((each.rank for each in others), default=worst + 1)
    if best > worst:
        return []
    first: dict[str, Named] = {}
    for each in others:
        if each.rank == best:
            first.setdefault(each.address.lower(), each)
    chosen = [(each.address, each.row) for each in first.values()][: dsn.BLOCKS_LIMIT]
    return _apart(chosen, rows, action(said, subject))


def of_these(recipients: list[str], said: str, subject: str) -> list[Block]:
    """The recipients that a field of the header names, with what the notice says below the line of each."""
    rows = [row[:LINE_LIMIT] for row in said.split("\n")]
    lines: dict[str, int] = {}
    for each in layout.named(rows) if len(recipients) > 1 else ():
        if each.rank <= 1:
            lines.setdefault(each.address.lower(), each.row)
    what = "delayed" if action(said, subject) == "delayed" else "failed"
    found = _apart([(each, lines.get(each.lower())) for each in recipients], rows, what)
    return [block._replace(basis=dsn.FIELDS) for block in found]


def of_nobody(said: str, subject: str, basis: str) -> list[Block]:
    """What a notice says that names no recipient."""
    return [each._replace(basis=basis) for each in _apart([(None, None)], said.split("\n"), action(said, subject))]


def action(said: str, subject: str) -> str:
    """What became of the message, in one of the words of RFC 3464: delivered, delayed or failed."""
    text = f"{subject}\n\n{said}"
    if phrases.delivered(text) and not dsn.coded(said):
        return "delivered"
    return "delayed" if phrases.delayed(text) else "failed"


def _apart(chosen: Sequence[tuple[str | None, int | None]], rows: list[str], what: str) -> list[Block]:
    """A block for each recipient and its line: with what stands there up to the next one, else in the whole notice.

    Where codes stand below some of them, they are theirs alone.
    """
    if what == "delivered":
        return [Block(recipient, what, basis=dsn.WORDS) for recipient, _ in chosen]
    whole = said_in(rows)
    starts = sorted(row for _, row in chosen if row is not None)
    ends = dict(zip(starts, [*starts[1:], len(rows)], strict=False))
    near = [[] if row is None else rows[row : max(ends[row], row + 1)][:40] for _, row in chosen]
    theirs = len(chosen) > 1 and any(dsn.coded("\n".join(each)) for each in near)
    found = []
    for (recipient, row), each in zip(chosen, near, strict=True):
        apart = theirs and (row is None or bool(diagnostic(each) or _beside(each)))
        found.append(block(recipient, what, each, Said("", "") if apart else whole))
    return found


def known(message: Message, text: str, own: frozenset[str]) -> list[Block]:
    """What flufl.bounce knows of a notice in a dialect that it was written for.

    It raises on odd header fields, is slow on long texts, logs to stderr, and takes Message-IDs and senders for
    recipients: it gets four clean fields and a short text, and its answers are filtered. Without it: nothing.
    """
    try:
        import logging
        from email.message import Message as Letter

        from flufl.bounce import all_failures

        logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())
        logging.getLogger("flufl.bounce").propagate = False
        letter = Letter()
        letter["From"] = str(message.author.address or "mailer-daemon@invalid")
        letter["To"] = ", ".join(str(each) for each in message.to[:5])
        letter["Subject"] = message.subject
        rows = text[: dsn.TEXT_LIMIT // 4].encode("ascii", "replace").decode("ascii").split("\n")
        letter.set_payload("\n".join(row[:_LONGEST] for row in rows))
        temporary, permanent = all_failures(letter)
        action = dict.fromkeys(temporary, "delayed") | dict.fromkeys(permanent, "failed")
    except Exception:  # any of them: it is asked for a guess
        return []
    whole = said_in(text.split("\n"))
    found = []
    for each, what in sorted(action.items()):
        recipient = address.lenient(each.decode("utf-8", "replace"))
        if recipient and str(recipient).lower() not in own and f"<{recipient}>" not in message.references:
            found.append(block(str(recipient), what, [], whole))
    return found


class Said(NamedTuple):
    """What some lines say of a failure: in words, and as a code."""

    diagnostic: str
    status: str


def said_in(rows: list[str]) -> Said:
    """What a whole notice says."""
    text = "\n".join(rows)[: dsn.TEXT_LIMIT]
    found = diagnostic(rows)
    return Said(found, dsn.enhanced(found) or dsn.enhanced(text) or dsn.vague(found) or dsn.vague(text))


def block(recipient: str | None, what: str, near: list[str], whole: Said) -> Block:
    """What the lines near an address, else the whole notice, say of it."""
    found = diagnostic(near) or ("" if dsn.coded(whole.diagnostic) else _beside(near))
    text = "\n".join(near)
    status = dsn.enhanced(found) or dsn.enhanced(text)
    if not status and whole.status[1:] in ("", ".0.0"):
        status = dsn.vague(found) or dsn.vague(text)
    said = charset.line(found or whole.diagnostic, dsn.DIAGNOSTIC_LIMIT)
    return Block(recipient, what, status or whole.status, said, basis=dsn.WORDS)


def diagnostic(rows: list[str]) -> str:
    """The first line with a code, and what follows it up to a blank line; else the first that names a failure."""
    for tells in (dsn.coded, phrases.failed):
        for at, row in enumerate(rows):
            if tells(row):
                said = [row.strip()]
                for more in rows[at + 1 : at + 4]:
                    if not more.strip():
                        break
                    said.append(more.strip())
                return " ".join(said)
    return ""


def _beside(rows: list[str]) -> str:
    """What stands behind an address and in the lines below it: a reason in words nobody foresaw.

    Lines that only lead to it, and fields of the message that failed, are none.
    """
    said = []
    for row in rows[:1]:
        _, at, rest = row.rpartition("@")
        said += [rest[rest.find(" ") :].strip(" \t>:;,.-")] if at and " " in rest else []
    for row in rows[1:8]:
        if not row.strip() and any(said):
            break
        if not _NO_REASON.match(row):
            said.append(row.strip())
    return " ".join(each for each in said if each)
