"""Rank the addresses in a notice by how sure it is that they are failed recipients.

The place in the text decides: in brackets or alone on a line, below "the following recipients", behind RCPT TO, behind
a word such as "to". In any other place an address is a guess, because notices also name the sender and whom to ask.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from mailgate.reports import dsn, phrases
from mailgate.values import address

PLAIN, GUESS = 3, 8
"""The last rank of an address that is plainly a recipient, and the last one of a guess."""


_OPENING = " \t<\"'(["
"""Characters that open an address."""


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
"""Characters that end an address outside of angle brackets, also in Asian texts; others may be part of it."""
_MAILBOX = re.compile(
    rf"<((?:\"[^\"\n]{{1,100}}\"|[^{_STOP}@]{{1,100}})@[^\s<>@,;]{{1,253}})>"
    rf"|(\"[^\"@\n]{{1,100}}\"@[A-Za-z0-9_.-]{{1,253}}+)"
    rf"|(?<![^{_STOP}])([^{_STOP}@]{{1,100}}+@[A-Za-z0-9_.-]{{1,253}}+)"
)
_QUOTES = " \t*'`"
_BEFORE = re.compile(r"[*'`=]*(?:(?:orig_)?(?:to|rcpt|recipient|address|e?mail|user|from|sender)=)?", re.IGNORECASE)
"""What may precede an address without a blank: marks of emphasis, and the key in `rcpt=ann@client.org`."""
_KEY = re.compile(r".*=")
_IN_BRACKETS = re.compile(
    r"[ \t>*]*(?:<<<|>>>)?[ \t]*(?:[45]\d\d[ -]?)?(?:[45]\.\d\.\d )?"
    r"(?:[^\s<>@]{1,100}@[^\s<>@]{1,253}[ \t])?<((?:\"[^\"\n]{1,100}\"@)?[^<>\s]{3,320})>"
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
_INTRODUCED = re.compile(
    r"(?:rcpt to|recipients?(?: address)?(?:\(s\))?|(?:original|final|failed)[ -]recipient|user|mailbox|account"
    r"|address(?:es)?|message to|e-?mail to|deliver(?:y|ed|ing)?(?: [^\n]{0,40})? to|reach|sent to|send to"
    r"|addressed to"
    r"|for|to|not find|destinatario|empf[aä]nger|destinataire|an|in|à)"
    r"[ \t]*(?:is|was|:|;|=|-|\.\.\.)*[ \t\n]*(?:address[ \t:]+)?(?:rfc822;|smtp:)?[ \t]*[<\"'(\[]*[ \t]*$",
    re.IGNORECASE,
)
_NOT_RECIPIENT = re.compile(
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
"""What introduces an address to write to instead, in lower case."""
_ACCEPTED = re.compile(r"[^\w\n]*(?:(?:in|out|received|response|server|s)\b)?[^\w\n]*2\d\d(?:[ -]|$)", re.IGNORECASE)
_COMMAND = re.compile(r"rcpt to:", re.IGNORECASE)
_ORIGINAL = re.compile(r"[ \t>]*original address[ \t]*:", re.IGNORECASE)
_STAFF = re.compile(r"(?:postmaster|mailer-daemon|abuse|webmaster|helpdesk|support|hostmaster|root)@", re.IGNORECASE)
_DELIVERY = re.compile(r"deliver|recipient|rcpt", re.IGNORECASE)
_LOGIN = re.compile(r"[ \t]+([A-Za-z0-9][A-Za-z0-9._-]{1,40})[ \t]*(?:\([^()\n]{1,80}\)[ \t]*)?$")


class Candidate(NamedTuple):
    """An address in a notice, its row, and its rank: 0 is surest to be a failed recipient.

    `other`: the row below says that this address got the message, or names the address that it was sent to.
    """

    row: int
    address: str
    rank: int
    other: bool = False


def candidates(rows: list[str]) -> Iterator[Candidate]:
    """Every address that may be a recipient, in the order of the text."""
    listed = _listed(rows)
    for at, row in enumerate(rows):
        if "@" not in row:
            continue
        start = _IN_BRACKETS.match(row) or _IN_DIALOGUE.match(row) or _ALONE.match(row)
        for column, text in _addresses(row):
            parsed = address.lenient(text)
            if not parsed or "." not in parsed.domain or _is_instead(rows, at, column):
                continue
            rank: int | None
            if start and start.start(1) == column:
                rank = 1 if start.re is _ALONE else 0
            else:
                rank = _rank_in_sentence(rows, at, column)
            if rank is None:
                continue
            if rank > 1 and _STAFF.match(str(parsed)) and not _DELIVERY.search(_before(row, column)):
                if rank > PLAIN:
                    continue
                rank += 2  # more likely whom to ask than who failed
            if 0 <= listed < at and rank == 1:  # below "the following recipients"
                rank = 0
            elif at < listed:  # the lines above describe the message: its From and To
                rank += 4
            yield Candidate(at, str(parsed), rank, _is_other(row, rows[at + 1] if at + 1 < len(rows) else ""))


def _before(row: str, column: int) -> str:
    """What precedes a column in its row."""
    return row[max(0, column - 80) : column]


def _is_instead(rows: list[str], at: int, column: int) -> bool:
    """Whether an address is one to write to instead of the recipient's."""
    before = _before(rows[at], column)
    introduction = before if before.strip(_OPENING) else _line_before(rows, at)
    return bool(
        _ASK.search(introduction.lower())
        and not _DELIVERY.search(before)
        and not phrases.failed(_sentence(rows[at], column))
    )


def _rank_in_sentence(rows: list[str], at: int, column: int) -> int | None:
    """The rank of an address among words, by what precedes it and by what its row reports; None for other people's."""
    row, before = rows[at], _before(rows[at], column)
    if _INTRODUCED.search(before if before.strip(_OPENING) or not at else rows[at - 1][-80:]):
        return 2
    if _NOT_RECIPIENT.search(before):
        return None
    return PLAIN if dsn.has_code(row) or phrases.failed(row) else PLAIN + 1


def _line_before(rows: list[str], at: int) -> str:
    """The end of the nearest line above that is not empty."""
    return next((rows[index][-80:] for index in range(at - 1, max(at - 4, -1), -1) if rows[index].strip()), "")


def _sentence(row: str, column: int) -> str:
    """The part of a line around a column that is one sentence."""
    end = row.find(". ", column)
    return row[row.rfind(". ", 0, column) + 1 : end if end >= 0 else len(row)]


def _is_other(row: str, below: str) -> bool:
    """Whether the line below an address says that it accepted the message, or that it replaces another address."""
    return bool((_COMMAND.search(row) and _ACCEPTED.match(below)) or ("@" in below and _ORIGINAL.match(below)))


def _addresses(row: str) -> Iterator[tuple[int, str]]:
    """(column, text) of every address in a row."""
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
    """The row that introduces the recipients, -1 without one."""
    return next((at for at, row in enumerate(rows) if _LIST.search(row) and not dsn.has_code(row)), -1)


def logins(rows: list[str], host: str) -> Iterator[Candidate]:
    """Words alone on an indented line, or in front of a reason in parentheses, below "the following recipients"."""
    listed = _listed(rows)
    if listed < 0:
        return
    for at, row in enumerate(rows[listed + 1 : listed + 20], listed + 1):
        match = _LOGIN.match(row)
        if match:
            yield Candidate(at, f"{match[1]}@{host}", 1)
