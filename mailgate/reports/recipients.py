"""Which addresses in a notice are those of recipients: by their place in the text, the surest first.

In brackets or alone on a line, below "the following recipients", behind RCPT TO, behind a word such as "to": what is
left is a guess. Whom to ask, and who sent the message, stand in notices as well.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from mailgate.reports import dsn, phrases
from mailgate.values import address

PLAIN, GUESS = 3, 8
"""Ranks up to which an address is plainly a recipient, and beyond which it is none."""


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


_LIST = _any(
    r"(?:following|these|below|one or more|all|some|specified|intended|next|failed)[^\n]{0,50}"
    r"(?:recipient|address|user|destination|mailbox|empf[aä]nger|adress|person|account)",
    r"not (?:be )?(?:reach|deliver|sen[dt])[^\n]{0,60}(?:to|:)[ \t]*:?$|(?:siguiente|suivant|folgende|seguente"
    r"|destinat[aá]rio)",
    r"(?:fatal|delivery|permanent|transient)[^\n]{0,20}errors|(?:to|for)[ \t]+the following[ \t]*:[ \t]*$",
)
_STOP = r"\s<>()\[\]{}:;,\"|\\：；，、。「」『』（）〈〉《》【】＜＞"
"""What ends an address outside of angle brackets, in Asian texts as well; other marks may be part of it."""
_MAILBOX = re.compile(
    rf"<((?:\"[^\"\n]{{1,100}}\"|[^{_STOP}@]{{1,100}})@[^\s<>@,;]{{1,253}})>"
    rf"|(\"[^\"@\n]{{1,100}}\"@[A-Za-z0-9_.-]{{1,253}}+)"
    rf"|(?<![^{_STOP}])([^{_STOP}@]{{1,100}}+@[A-Za-z0-9_.-]{{1,253}}+)"
)
_QUOTES = " \t*'`"
_BEFORE = re.compile(r"[*'`=]*(?:(?:orig_)?(?:to|rcpt|recipient|address|e?mail|user|from|sender)=)?", re.IGNORECASE)
"""What may stand before an address without a blank: marks of emphasis, and the key in `rcpt=ann@client.org`."""
_KEY = re.compile(r".*=")
_IN_BRACKETS = re.compile(
    r"[ \t>*]*(?:<<<|>>>)?[ \t]*(?:[45]\d\d[ -]?)?(?:[45]\.\d\.\d )?<((?:\"[^\"\n]{1,100}\"@)?[^<>\s]{3,320})>"
)
_IN_DIALOGUE = re.compile(
    r"[ \t]*(?:<<<)?[ \t]*[45]\d\d[ -](?:[45]\.\d+\.\d+ )?<?([^\s<>@]{1,100}@[^\s<>@.]{1,63}[^\s<>@]*?)>?\.\.\."
)
_ALONE = re.compile(
    r"[ \t>*\"'-]*(?:rfc822;|smtp:|to:?|mailto:|recipients?:?)?[ \t]*[<\"'\[(]?"
    r"([^\s<>()\[\]\",;:@]{1,100}@[^\s<>()\[\]\"',;:@]{1,253}?)"
    r"[>\"'\])]?[ \t]*(?:[:;,.(<\[-]|on \d|\.\.\.|$)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:rcpt to|recipients?(?: address)?(?:\(s\))?|(?:original|final|failed)[ -]recipient|user|mailbox|account"
    r"|address(?:es)?|message to|e-?mail to|deliver(?:y|ed|ing)?(?: [^\n]{0,40})? to|reach|sent to|send to"
    r"|addressed to"
    r"|for|to|not find|destinatario|empf[aä]nger|destinataire|an|in|à)"
    r"[ \t]*(?:is|was|:|;|=|-|\.\.\.)*[ \t\n]*(?:address[ \t:]+)?(?:rfc822;|smtp:)?[ \t]*[<\"'(\[]*[ \t]*$",
    re.IGNORECASE,
)
_NO_RECIPIENT = re.compile(
    r"(?<![a-z])(?:message-?id|references|in-reply-to|contact|help|question|assistance|ask|write|support|reply|from"
    r"|sender|sorry"
    r"|return-path|originator|by|administrator|postmaster|webmaster|abuse|cc|reporting-mta|with the id|http\S*"
    r"|dear|hi"
    r"|hello|forward\w*|visit|please)[^\n@]{0,30}$",
    re.IGNORECASE,
)
_ASK = re.compile(
    r"(?:(?:please|kindly|urgent\w*|you (?:can|may))[^\n.@]{0,30}\b(?:write|contact|e?-?mail|turn|use|forward|ask|call)"
    r"\b|\b(?:write to|contact|new (?:e-?mail )?address|address is now)\b|schreib(?:en sie|t|e)\b"
    r"|wende(?:n sie|t? [ds]ich)"
    r"|kontaktier|neue (?:e-?mail-?)?adresse|[ée]crivez|[ée]crire|contacte|adresse[rz]|nouvelle adresse|escrib[aei]"
    r"|contact[ae]r|nueva direcci|scriv[ae]|contatt|rivolg|nuovo indirizzo|escreva|novo endere|neem contact|schrijf"
    r"|nieuw (?:e-?mail)?adres)[^\n.@]{0,60}$",
)
"""What leads to an address to which something may be written instead, in lower case."""
_ACCEPTED = re.compile(r"[^\w\n]*(?:(?:in|out|received|response|server|s)\b)?[^\w\n]*2\d\d(?:[ -]|$)", re.IGNORECASE)
_COMMAND = re.compile(r"rcpt to:", re.IGNORECASE)
_ORIGINAL = re.compile(r"[ \t>]*original address[ \t]*:", re.IGNORECASE)
_STAFF = re.compile(r"(?:postmaster|mailer-daemon|abuse|webmaster|helpdesk|support|hostmaster|root)@", re.IGNORECASE)
_DELIVERY = re.compile(r"deliver|recipient|rcpt", re.IGNORECASE)
_LOGIN = re.compile(r"[ \t]+([A-Za-z0-9][A-Za-z0-9._-]{1,40})[ \t]*(?:\([^()\n]{1,80}\)[ \t]*)?$")


class Named(NamedTuple):
    """An address in a notice, its line, and how sure it is the failed one: 0 surest.

    `other`: the line below says that it got the message, or names the address that it was sent to.
    """

    row: int
    address: str
    rank: int
    other: bool = False


def named(rows: list[str]) -> Iterator[Named]:
    """Every address that may be a recipient, in the order of the text."""
    listed = _listed(rows)
    for at, row in enumerate(rows):
        if "@" not in row:
            continue
        start = _IN_BRACKETS.match(row) or _IN_DIALOGUE.match(row) or _ALONE.match(row)
        for column, written in _written(row):
            found = address.lenient(written)
            if not found or "." not in found.domain:
                continue
            before = row[max(0, column - 80) : column]
            ahead = before if before.strip(" \t<\"'([") else _line_before(rows, at)
            if (
                _ASK.search(ahead.lower())
                and not _DELIVERY.search(before)
                and not phrases.failed(_sentence(row, column))
            ):
                continue
            if start and start.start(1) == column:
                rank = 1 if start.re is _ALONE else 0
            elif _NAMED.search(before if before.strip(" \t<\"'([") or not at else rows[at - 1][-80:]):
                rank = 2
            elif _NO_RECIPIENT.search(before):
                continue
            else:
                rank = 3 if dsn.coded(row) or phrases.failed(row) else 4
            if rank > 1 and _STAFF.match(str(found)) and not _DELIVERY.search(before):
                if rank > PLAIN:
                    continue
                rank += 2  # rather whom to ask than who failed
            if 0 <= listed < at and rank == 1:  # below "the following recipients"
                rank = 0
            elif at < listed:  # above it the message is described: its From and To
                rank += 4
            yield Named(at, str(found), rank, _is_other(row, rows[at + 1] if at + 1 < len(rows) else ""))


def _line_before(rows: list[str], at: int) -> str:
    """The end of the last line before one that is not empty."""
    return next((rows[each][-80:] for each in range(at - 1, max(at - 4, -1), -1) if rows[each].strip()), "")


def _sentence(row: str, column: int) -> str:
    """The part of a line around a column that is one sentence."""
    end = row.find(". ", column)
    return row[row.rfind(". ", 0, column) + 1 : end if end >= 0 else len(row)]


def _is_other(row: str, below: str) -> bool:
    """Whether the line below an address says that it accepted the message, or that it only stands for another."""
    return bool((_COMMAND.search(row) and _ACCEPTED.match(below)) or ("@" in below and _ORIGINAL.match(below)))


def _written(row: str) -> Iterator[tuple[int, str]]:
    """Where in a line an address begins, and the address."""
    for match in _MAILBOX.finditer(row):
        group = match.lastindex or 0
        start, end = match.span(group)
        if group == 3:
            local = row[start : row.rindex("@", start, end)]
            marks = _BEFORE.match(local)
            if row.strip(_QUOTES) != row[start:end].strip(_QUOTES):  # `smtp.mailfrom=ann@client.org` is in a sentence
                marks = _KEY.match(local) or marks
            start += marks.end() if marks else 0
        yield start, row[start:end].strip(".")


def _listed(rows: list[str]) -> int:
    """The line that announces the recipients, -1 when none does."""
    return next((at for at, row in enumerate(rows) if _LIST.search(row) and not dsn.coded(row)), -1)


def logins(rows: list[str], host: str) -> Iterator[Named]:
    """Words alone on an indented line, or before a reason in parentheses, below "the following recipients"."""
    listed = _listed(rows)
    if listed < 0:
        return
    for at, row in enumerate(rows[listed + 1 : listed + 20], listed + 1):
        match = _LOGIN.match(row)
        if match:
            yield Named(at, f"{match[1]}@{host}", 1)
