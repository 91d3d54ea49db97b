"""What a mail system says in plain words: who did not get the message, and why.

Servers without RFC 3464 agree on little but the layout: an address in brackets or alone on its line, an SMTP dialogue,
a list below "the following recipients", a copy of the message below a ruled line. Those are the rules here, the surest
first; the phrases of single products are left to others.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from mailgate.mail.message import Message
from mailgate.reports import dsn
from mailgate.reports.dsn import Block
from mailgate.values import address, charset

LINE_LIMIT = 2000
"""Characters of one line that are looked at."""
PLAIN, GUESS = 3, 8
"""Ranks up to which an address is plainly a recipient, and beyond which it is none."""
ROWS_LIMIT = 5000
_LONGEST = 998
"""Characters of a line (RFC 5322 section 2.1.1): the time that flufl.bounce takes grows with their square."""
"""Lines of a notice that are looked at."""


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


def _lower(*alternatives: str) -> re.Pattern[str]:
    """For texts in lower case, which is five times as fast as ignoring case."""
    return re.compile("|".join(alternatives))


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

_SURELY_TRYING = _lower(
    r"\(delay|not yet been|still being retried|will be re-?tried|will (?:keep|continue) (?:on )?(?:to )?(?:re)?try",
    r"warning (?:message )?only|(?:not|n't) (?:need|have) to resend",
)
_STILL_TRYING = _lower(
    r"still (?:trying|attempting)|keep (?:on )?trying|will keep re-?trying",
    r"will (?:retry|try again|continue for|attempt to deliver|keep)"
    r"|attempts? (?:to deliver [^.]{0,40})?will (?:continue|be)",
    r"continue to (?:try|attempt|be made)|this is (?:just |only )?an? (?:delay )?(?:warning|advisory)",
    r"do not resend|no action is required|(?:been|is) (?:temporarily )?(?:delayed|postponed)",
    r"delayed (?:mail|by|for|\d)|: delayed|delivery (?:is |was |has been )?delayed",
    r"verzögert|(?:weitere|neue) zustellversuche|zustellversuche werden fortgesetzt|(?:noch|bisher) nicht [^\n]{0,60}"
    r"zugestellt|retardée|va réessayer|se ha retrasado|vertraagd|in ritardo|задержан|遅延|延迟",
)
_GIVEN_UP = _lower(
    r"(?:giving|gave|given) up|permanent|not be retried|unrecoverable|(?<!non-)fatal error|(?:has|have) expired"
    r"|message expired",
    r"(?:is|been|was|being) returned|returned mail|too long|could not be delivered for",
)
_FAILED = _lower(
    r"undeliver|non-?deliver|deliver(?:y|ing)[^\n]{0,40}(?:fail|problem|error|impossible|not possible|trouble"
    r"|denied)",
    r"(?:fail|error|trouble|problem|unable|impossible)[^\n]{0,40}(?:deliver|sen[dt]|relay|reach|process)",
    r"(?:could|can|was|were|has|have|did|is|are)(?: ?n[o']t| not)\s{1,3}(?:yet )?(?:been |be )?"
    r"(?:deliver|reach|process|sen[dt]|accept|found|recogni|valid|allowed|listed)",
    r"failed (?:mail|message)|returned (?:mail|to sender)|(?:failure|warning|error) (?:notice|notif|report)"
    r"|(?:mail|message"
    r"|email) (?:failure|error|status)",
    r"(?:unknown|invalid|no such|bad|non-?existent|inactive|illegal) (?:e-?mail )?(?:user|recipient|mailbox"
    r"|addressee?|local|domain|host)",
    r"(?:user|host|recipient|mailbox|account|addressee?|domain|quota)[^\n]{0,40}(?:unknown|not found|not known"
    r"|unavailable|disabled|full"
    r"|rejected|not exist|n't exist|inactive|invalid|over ?quota|exceed|suspended)",
    r"not a (?:valid|known) (?:user|address|recipient|mailbox)|(?:permanent|fatal|transient) (?:error|failure"
    r"|problem)",
    r"(?:message|mail|e-?mail) (?:was |has been |is )?(?:rejected|returned|bounced|blocked|refused|delayed)"
    r"|[45]\d\d[ -][45]\.\d\.\d",
    r"rejected|delayed|postponed|deferred|warning message|not yet been|bounced",
    r"non (?:remis|distribu|d[ée]livr)|pas p[ua]\w* (?:[eê]tre|d[ée]livrer|remettre)|n'a pas|n'a pu|n'est pas parvenu"
    r"|[ée]chec (?:de|d'envoi)|impossible de (?:remettre|d[ée]livrer|distribuer)|retardée",
    r"no (?:se )?(?:pudo|pudieron|ha podido|han podido)|no (?:ha sido|fue|se ha|se han)? ?(?:entregad|enviad)"
    r"|(?:fall[oó]|error) (?:en|de) (?:la )?entrega|devuelto al remitente",
    r"n[aã]o (?:foi|p[oô]de|entreg)|falha (?:na|de) entrega",
    r"mancat[ao] (?:consegna|recapito)|impossibile (?:consegnare|recapitare)|errore di (?:consegna|recapito)"
    r"|non (?:è|e'|e|sono) stat[oaie] (?:consegnat|recapitat|possibile)",
    r"unzustellbar|nicht [^\n]{0,60}(?:zugestellt|zustellbar)|nicht (?:erreich|bekannt|gefunden)|zustellung"
    r"|fehlgeschlagen|onbestelbaar|niet (?:worden )?(?:af|be)gelever",
    r"nie (?:mo[żz]na|uda[łl]o|zosta[łl])|nie(?:dostarcz|dor[eę]cz)|doru[čc]en|nedoru[čc]|nelze|nepodařilo",
    r"ku(?:nne|nde) (?:ikke|inte)|(?:ikke|inte) levere|ei voitu|epäonnistu|teslim edilem|iletilem|nem sikerült"
    r"|kézbesíthet|δεν (?:παραδόθ|ήταν δυνατ)|αποτυχία",
    r"недостав|не (?:был[оаи]? )?доставлен|не может быть (?:доставлен|отправлен)|не удалось|не вдалося",
    r"配信|送信でき|届け|不達|エラー|退信|退回|投递失败|发送失败|无法|無法|未能|(?:전송|배달|발송)[^\n]{0,10}(?:실패|못)|반송",
)
"""Words of failure or delay, in the languages that mail systems were seen to speak."""

_CODE = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)|(?<![\w.:/-])[45][0-7]\d(?=[ \-#)\]])")
_LIST = _any(
    r"(?:following|these|below|one or more|all|some|specified|intended|next|failed)[^\n]{0,50}"
    r"(?:recipient|address|user|destination|mailbox|empf[aä]nger|adress|person|account)",
    r"not (?:be )?(?:reach|deliver|sen[dt])[^\n]{0,60}(?:to|:)[ \t]*:?$|(?:siguiente|suivant|folgende|seguente"
    r"|destinat[aá]rio)",
    r"(?:fatal|delivery|permanent|transient)[^\n]{0,20}errors",
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
    r"(?:message-?id|references|in-reply-to|contact|help|question|assistance|ask|write|support|reply|from"
    r"|sender|sorry"
    r"|return-path|originator|by|administrator|postmaster|webmaster|abuse|cc|reporting-mta|with the id|http\S*"
    r"|dear|hi"
    r"|hello|forward\w*|visit|please)[^\n@]{0,30}$",
    re.IGNORECASE,
)
_STAFF = re.compile(r"(?:postmaster|mailer-daemon|abuse|webmaster|helpdesk|support|hostmaster|root)@", re.IGNORECASE)
_DELIVERY = re.compile(r"deliver|recipient|rcpt", re.IGNORECASE)
_LOGIN = re.compile(r"[ \t]+([A-Za-z0-9][A-Za-z0-9._-]{1,40})[ \t]*$")


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


def delayed(text: str) -> bool:
    """Whether the system goes on trying."""
    text = text.lower()
    if _SURELY_TRYING.search(text):
        return True
    return bool(_STILL_TRYING.search(text)) and not _GIVEN_UP.search(text)


def failed(text: str) -> bool:
    """Whether it speaks of a failure or a delay."""
    return bool(_FAILED.search(text.lower()))


class _Named(NamedTuple):
    """An address in a notice, its line, and how sure it is the failed one: 0 surest."""

    row: int
    address: str
    rank: int


def blocks(said: str, own: frozenset[str], subject: str, host: str, worst: int) -> list[Block]:
    """The recipients that a notice names, by the surest layout that names any.

    `own` are the report's own addresses in lower case, `host` the domain of a system that prints bare logins, `worst`
    the rank up to which a layout is believed.
    """
    rows = [row[:LINE_LIMIT] for row in said.split("\n")]
    named = list(_named(rows))
    others = [each for each in named if each.address.lower() not in own]
    if not others:  # a message to oneself fails too
        others = [each for each in named if each.rank <= 1]
    if not named and host:
        others = list(_logins(rows, host))
    best = min((each.rank for each in others), default=worst + 1)
    if best > worst:
        return []
    first: dict[str, _Named] = {}
    for each in others:
        if each.rank == best:
            first.setdefault(each.address.lower(), each)
    action = "delayed" if delayed(f"{subject}\n{said}") else "failed"
    chosen = list(first.values())[: dsn.BLOCKS_LIMIT]
    ends = [*(each.row for each in chosen[1:]), len(rows)]
    whole = said_in(rows)
    return [
        block(each.address, action, rows[each.row : max(end, each.row + 1)][:40], whole)
        for each, end in zip(chosen, ends, strict=True)
    ]


def known(message: Message, words: str, own: frozenset[str]) -> list[Block]:
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
        rows = words[: dsn.TEXT_LIMIT // 4].encode("ascii", "replace").decode("ascii").split("\n")
        letter.set_payload("\n".join(row[:_LONGEST] for row in rows))
        temporary, permanent = all_failures(letter)
        action = dict.fromkeys(temporary, "delayed") | dict.fromkeys(permanent, "failed")
    except Exception:  # any of them: it is asked for a guess
        return []
    whole = said_in(words.split("\n"))
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
    return Said(found, dsn.enhanced(found) or dsn.enhanced(text) or dsn.code("", found) or dsn.code("", text))


def block(recipient: str | None, action: str, near: list[str], whole: Said) -> Block:
    """What the lines near an address, else the whole notice, say of it."""
    found = diagnostic(near) or _beside(near)
    text = "\n".join(near)
    status = dsn.enhanced(found) or dsn.enhanced(text)
    if not status and whole.status[1:] == ".0.0":
        status = dsn.code("", found) or dsn.code("", text)
    return Block(
        recipient, action, status or whole.status, charset.line(found or whole.diagnostic, dsn.DIAGNOSTIC_LIMIT)
    )


def diagnostic(rows: list[str]) -> str:
    """The first line with a code, and what follows it up to a blank line; else the first that names a failure."""
    for tells in (_CODE.search, failed):
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
    """What stands behind an address and in the lines below it: a reason in words nobody foresaw."""
    said = []
    for row in rows[:1]:
        _, at, rest = row.rpartition("@")
        said += [rest[rest.find(" ") :].strip(" \t>:;,.-")] if at and " " in rest else []
    for row in rows[1:8]:
        if not row.strip() and any(said):
            break
        said.append(row.strip())
    return " ".join(each for each in said if each)


def _named(rows: list[str]) -> Iterator[_Named]:
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
            if start and start.start(1) == column:
                rank = 1 if start.re is _ALONE else 0
            elif _NAMED.search(before if before.strip(" \t<\"'([") or not at else rows[at - 1][-80:]):
                rank = 2
            elif _NO_RECIPIENT.search(before):
                continue
            else:
                rank = 3 if _CODE.search(row) or failed(row) else 4
            if rank > 1 and _STAFF.match(str(found)) and not _DELIVERY.search(before):
                if rank > PLAIN:
                    continue
                rank += 2  # rather whom to ask than who failed
            if 0 <= listed < at and rank == 1:  # below "the following recipients"
                rank = 0
            elif at < listed:  # above it the message is described: its From and To
                rank += 4
            yield _Named(at, str(found), rank)


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
    return next((at for at, row in enumerate(rows) if _LIST.search(row) and not _CODE.search(row)), -1)


def _logins(rows: list[str], host: str) -> Iterator[_Named]:
    """Words alone on an indented line below "the following recipients"."""
    listed = _listed(rows)
    if listed < 0:
        return
    for at, row in enumerate(rows[listed + 1 : listed + 20], listed + 1):
        match = _LOGIN.match(row)
        if match:
            yield _Named(at, f"{match[1]}@{host}", 1)
