"""Recognise the lines that mail programs put above a quotation: attributions, titles, and headers of the original.

An attribution is one sentence ("On ..., Ann wrote:"), a title a ruled line ("--- Original Message ---"), a header some
fields of the original message ("From: ..."). All of them are matched in the languages in which they have been seen.
"""

import re
from collections.abc import Iterable

LINE_LIMIT = 400
"""Characters of a line, and of an attribution, that are read."""
HEADER_LIMIT = 20
"""Lines of a header, with its folded fields."""
_ATTRIBUTION_LINES = 3
_GAP = 2
"""Empty lines between a quotation and what introduces it."""

# White space and characters without width: mailers leave both in empty lines and around names.
BLANK = "".join(
    chr(code)
    for codes in (range(33), range(0x2000, 0x2010), range(0x2028, 0x2030), range(0x205F, 0x2070))
    for code in (*codes, 0x85, 0xA0, 0xAD, 0x1680, 0x3000, 0xFEFF)
)
# In the first column only (RFC 3676 section 4.5). `>=` and `>:(` are not marks, and `>From ` is an escape of mbox.
MARKED = re.compile(r">(?![=:_<]|From )")
"""A quoted line."""

# The attributions of Gmail, Apple Mail and Thunderbird have a date, a mailbox or a verb, and a colon.
_OPENING = re.compile(
    r"(?:(?:On|Am|Le|El|Op|Il(?: giorno)?|W dniu|Dnia|Den|Em|No dia|Às|Dne|在)\b.{0,30}?)?\d", re.IGNORECASE
)
_WEEKDAY = re.compile(r"(?:\w{1,12}[.,]{0,2}\s)?\d")
_DATE = re.compile(r"(?<!\d)(?:(?:19|20)\d\d(?!\d)|\d{1,2}[:.h]\d\d(?!\d)|\d{1,2}([./-]) ?\d{1,2}\1 ?\d\d)")
MAILBOX = re.compile(r"[<(\[](?:mailto:)?[^<>()\[\]\s@]++@[^<>()\[\]\s@]++[>)\]]")
WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|schreibt|écrit|escribió|escribe|escreveu|schreef|schrijft|scritto|scrive|pisze|napisała?"
    r"|napisał\(a\)|nadesłał|skrev|skriver|napsala?|napsal\(a\)|kirjoitti|scris|írta|yazdı|написала?|пишет|пише|έγραψε)"
    r"(?!\w)|写道|寫道|のメール|작성|쓴 글",
    re.IGNORECASE,
)

TITLE = re.compile(r"[ \t]*+-{3,}+[ \t]?([^-\s].{1,120}?)[ \t]?-{3,}[ \t]*+$")
_ORIGINAL = re.compile(
    r"orig|oryg|ursprüng|ursprung|oorspronk|oprindel|opprinnel|původní|alkuper|исходн|eredeti|özgün|元の|原始|原件|원본",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"forward|weitergeleit|transf|réexpéd|reenvia|inoltrat|encaminha|doorgestuur|przekaz|przesłan|vidarebef|videres|přepos"
    r"|転送|转发|轉寄|전달",
    re.IGNORECASE,
)
_FIELD = re.compile(r"[ \t*]{0,4}([^\W\d_][^:：*]{0,23}?)[ \t\xa0\u202f]?\*{0,2}[:：]\*{0,2}[ \t\xa0\u202f]*+(.*)")
_FIELDS = {
    name: field
    for field, names in {
        "from": "from|von|de|da|van|od|från|fra|lähettäjä|kimden|от|від|feladó|发件人|寄件者|差出人|보낸 사람",
        "date": "date|sent|datum|gesendet|envoyé|fecha|enviado|enviado el|enviado em|enviada em|data|inviato|verzonden"
        "|wysłano|wysłane|skickat|sendt|dato|odesláno|lähetetty|tarih|дата|отправлено|elküldve|发送时间|日期|傳送時間"
        "|送信日時|日時|보낸 날짜",
        "to": "to|an|à|a|para|aan|do|till|til|komu|vastaanottaja|kime|кому|címzett|收件人|收件者|宛先|받는 사람",
        "subject": "subject|betreff|objet|asunto|assunto|oggetto|onderwerp|temat|ämne|emne|předmět|aihe|konu|тема|tárgy"
        "|主题|主旨|件名|제목",
    }.items()
    for name in names.split("|")
}
# The orders of Outlook and of GMX. In another order, and without "Original Message", the author forwards or pastes it.
ORDERS = (["from", "date", "to", "subject"], ["date", "from", "to", "subject"])


def attribution(lines: list[str], last: int) -> int | None:
    """The first line of the attribution that ends on line `last`, up to three lines long; None if there is none."""
    joined = ""
    start = None
    dated = False
    for top in range(last, max(last - _ATTRIBUTION_LINES, -1), -1):
        line = lines[top].strip(BLANK + "*")
        if top < last:
            wrapped = MAILBOX.search(line) or (len(line) >= 40 and line[-1] not in ".!?:")
            if not wrapped or MARKED.match(lines[top]):
                break
        joined = f"{line} {joined}"
        if len(joined) > LINE_LIMIT:
            break
        date, mailbox, wrote = _DATE.search(joined), MAILBOX.search(joined), WROTE.search(joined)
        if date and (mailbox or wrote) and _OPENING.match(joined):
            return top
        if date and mailbox and not dated and _WEEKDAY.match(joined):
            return top
        # A name comes first. Wrapped lines need all three, or the author's own last line would count as the first.
        complete = date and wrote and "<" in line if top < last else date or wrote
        if start is None and mailbox and complete and not line.startswith("<"):
            start = top
        dated = date is not None
    return start


def header(lines: Iterable[str]) -> list[str]:
    """The names of the fields at the start of some lines, in order."""
    fields: list[str] = []
    folded = 0
    for line in lines:
        if not line.strip(BLANK) and fields:
            break
        name = field(line)
        if name in fields or folded > 4:
            break
        if name:
            fields.append(name)
        folded = 0 if name else folded + 1
    return fields


def field(line: str) -> str | None:
    """The field that a line starts: from, date, to or subject."""
    match = _FIELD.match(line)
    name = match and _FIELDS.get(match[1].lower())
    if match and name == "date" and not any(c.isdigit() for c in match[2]):
        return None
    return name


def is_header(fields: list[str]) -> bool:
    """Whether fields make a header."""
    return len(fields) > 2 and "from" in fields


def above(lines: list[str], at: int) -> int | None:
    """The line above `at`, with at most two empty ones between them."""
    return next((index for index in range(at - 1, max(at - 2 - _GAP, -1), -1) if lines[index].strip(BLANK)), None)


def is_original(line: str) -> bool:
    """Whether a line is the title of an original message."""
    title = TITLE.match(line)
    return bool(title and _ORIGINAL.search(title[1]))


def is_forwarded(line: str) -> bool:
    """Whether a line is the title of a forwarded message."""
    title = TITLE.match(line)
    return bool(title and _FORWARDED.search(title[1]))


def ends_in_colon(line: str) -> bool:
    """Whether a line introduces the next one."""
    return line.rstrip(BLANK + "*").endswith((":", "："))
