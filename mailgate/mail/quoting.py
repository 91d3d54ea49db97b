"""What of a mail's text its author wrote, and what is quoted history or a signature: for display, in doubt unfolded."""

import re
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Literal, NamedTuple

Kind = Literal["said", "quoted", "signature"]

LIMIT = 512 * 1024
"""Characters of a text that is folded."""
_LONG = 400
"""Characters of a line, and of an attribution, that are looked at."""
_HEADER = 20
"""Lines that a header takes at most, its folded fields included."""
_SIGNATURE = 30
"""Lines with words in a signature: what is longer is no signature."""

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
# White space, and what has no width: mailers leave both in empty lines and around names.
_BLANK = "".join(
    chr(code)
    for codes in (range(33), range(0x2000, 0x2010), range(0x2028, 0x2030), range(0x205F, 0x2070))
    for code in (*codes, 0x85, 0xA0, 0xAD, 0x1680, 0x3000, 0xFEFF)
)
# In the first column only (RFC 3676, section 4.5). `>=` and `>:(` are no marks, and `>From ` is an escape of mbox.
_MARKED = re.compile(r">(?![=:_<]|From )")
_RULE = re.compile(r"[ \t]*+[-_=*]{5,}+[ \t]*+$")

# The line over a quotation, as Gmail, Apple Mail and Thunderbird write it: a date, a mailbox or a verb, a colon.
_OPENING = re.compile(
    r"(?:(?:On|Am|Le|El|Op|Il(?: giorno)?|W dniu|Dnia|Den|Em|No dia|Às|Dne|在)\b.{0,30}?)?\d", re.IGNORECASE
)
_WEEKDAY = re.compile(r"(?:\w{1,12}[.,]{0,2}\s)?\d")
_DATE = re.compile(r"(?<!\d)(?:(?:19|20)\d\d(?!\d)|\d{1,2}[:.h]\d\d(?!\d)|\d{1,2}([./-]) ?\d{1,2}\1 ?\d\d)")
_MAILBOX = re.compile(r"[<(\[](?:mailto:)?[^<>()\[\]\s@]++@[^<>()\[\]\s@]++[>)\]]")
_WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|schreibt|écrit|escribió|escribe|escreveu|schreef|schrijft|scritto|scrive|pisze|napisała?"
    r"|napisał\(a\)|nadesłał|skrev|skriver|napsala?|napsal\(a\)|kirjoitti|scris|írta|yazdı|написала?|пишет|пише|έγραψε)"
    r"(?!\w)|写道|寫道|のメール|작성|쓴 글",
    re.IGNORECASE,
)

_TITLE = re.compile(r"[ \t]*+-{3,}+[ \t]?([^-\s].{1,120}?)[ \t]?-{3,}[ \t]*+$")
_ORIGINAL = re.compile(
    r"orig|oryg|ursprüng|ursprung|oorspronk|oprindel|opprinnel|původní|alkuper|исходн|eredeti|özgün|元の|原始|原件|원본",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"forward|weitergeleit|transf|réexpéd|reenvia|inoltrat|encaminha|doorgestuur|przekaz|przesłan|vidarebef|videres|přepos"
    r"|転送|转发|轉寄|전달",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"\s*+(?:\[[^\]]{1,40}\]\s*+)?(?:fwd?|wg|tr|rv|enc|i|doorst|pd|vb|vs|vl|přep|转发|轉寄|転送|전달)\s?[:：]",
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
# Outlook's order, and GMX's. In any other, and without "Original Message", it is a forward or pasted by the author.
_ORDERS = (["from", "date", "to", "subject"], ["date", "from", "to", "subject"])

# Nothing but the device may follow: "Sent from my iPhone because the printer is on fire" says something.
_SENT = re.compile(
    r"""(?:
        (?:sent[ ](?:from|via)|gesendet[ ](?:von|mit)|envoyé[ ](?:de|depuis)|enviado[ ](?:desde|d[eo]|a[ ]partir)
        |inviato[ ]d\w+|(?:verzonden|verstuurd)[ ]v\w+|wysłan[eo][ ]z|skickat[ ]från|sendt[ ]fra|odesláno[ ]z
        |(?:get|obtenir|télécharger|obtener|obter|scarica|hämta|hent)(?=[ ](?:o[ ])?outlook))
        (?:[ ][\w.'’-]{1,20}){0,4}?
        [ ](?:d['’])?(?:iphon|ipad|ios|android|galaxy|samsung|huawei|xiaomi|pixel|blackberry|nokia|windows|outlook|mail
            |yahoo|smartphone|phone|handy|mobile?|mobiltelefon|tablet|device|móvil|celular|telefon)[\w'’]{0,4}
        (?:[ ]\d\d?)?
        |sent[ ]with[ ]proton[ ]?mail[ ]secure[ ]email
        |(?:diese[ ]nachricht[ ]wurde[ ])?von[ ]meine[mr](?:[ ][\w.-]{1,20}){1,6}?[ ]gesendet
        |发自我的.{1,20}|[從从]我的.{1,20}(?:傳送|发送)|.{0,6}iphoneから送信|.{0,6}iphone에서[ ]보냄
    )\.?(?:\s?[<(]https?://[^\s<>()]+[>)])?""",
    re.IGNORECASE | re.VERBOSE,
)
_POSTSCRIPT = re.compile(r"\s*+(?:P\.? ?)?P\.? ?S\b", re.IGNORECASE)


class Piece(NamedTuple):
    """Whole lines of a text, of one kind."""

    kind: Kind
    text: str


def fold(text: str, subject: str = "") -> tuple[Piece, ...]:
    """The pieces of a text in order, neighbours of different kinds; joined they are exactly the text.

    What would leave nothing said is said as a whole, and so are texts beyond LIMIT, and forwards, whose content is what
    their senders show: Outlook's can be told from answers only by their `subject` (`FW: `, `WG: `).
    """
    if len(text) > LIMIT or _FORWARD.match(subject):
        return (Piece("said", text),) if text else ()
    raw: list[str] = _LINE.findall(text)
    kinds = _kinds([_head(line) for line in raw])
    if "said" not in kinds:
        return (Piece("said", text),) if text else ()
    groups = groupby(zip(_filled(kinds), raw, strict=True), key=itemgetter(0))
    return tuple(Piece(kind, "".join(line for _, line in group)) for kind, group in groups)


def _kinds(lines: list[str]) -> list[Kind | None]:
    """The kind of each line; None for empty ones, which go with what is beside them."""
    kinds: list[Kind | None] = ["said" if line.strip(_BLANK) else None for line in lines]
    at = said = 0  # `said`: where the author took the word
    while at < len(lines):
        if kinds[at] is None:
            at += 1
            continue
        if _MARKED.match(lines[at]):
            end = _end(lines, at)
            top = _top(lines, at)
            header = _header(line.lstrip("> ") for line in lines[at : min(end, at + _HEADER)])
            if _is_header(header) and top in (None, at):
                break
            if top is not None and _is_quotation(lines[at:end], top < at):
                _sign(lines, kinds, said, top)
                kinds[top:end] = ["quoted"] * (end - top)
                said = end
            at = end
            continue
        title = _TITLE.match(lines[at])
        if title and _FORWARDED.search(title[1]):
            break
        header = _header(lines[at : at + _HEADER]) if _field(lines[at]) else []
        if _is_header(header):
            top = _history(lines, at, header)
            if top is not None:
                _sign(lines, kinds, said, top)
                kinds[top:] = ["quoted"] * (len(lines) - top)
                return kinds
            break
        at += 1
    # A forward, if anything, and the line that presents it: shown, with the quotations in it.
    above = _above(lines, at)
    _sign(lines, kinds, said, above if at < len(lines) and above is not None and _is_colon(lines[above]) else at)
    return kinds


def _head(line: str) -> str:
    """A line without its end, or the start of a long one."""
    line = line.rstrip("\r\n")
    if len(line) <= _LONG:
        return line
    return line[:_LONG] + "…" if line.strip(_BLANK) else ""


def _filled(kinds: list[Kind | None]) -> list[Kind]:
    """Empty lines go with what is said beside them, else with what they follow."""
    groups = [(kind, len(list(group))) for kind, group in groupby(kinds)]
    filled: list[Kind] = []
    for index, (kind, count) in enumerate(groups):
        if kind is None:
            beside = [each for each, _ in groups[max(index - 1, 0) : index + 2] if each]
            kind = "said" if "said" in beside else beside[0]
        filled += [kind] * count
    return filled


def _end(lines: list[str], at: int) -> int:
    """Behind the quoted lines from `at` on; empty lines may part them."""
    end = at + 1
    for index in range(at + 1, len(lines)):
        if _MARKED.match(lines[index]):
            end = index + 1
        elif lines[index].strip(_BLANK):
            break
    return end


def _is_quotation(lines: list[str], attributed: bool) -> bool:
    """Whether marked lines quote somebody: lone marks do not, nor does a session of Python."""
    words = [line for line in lines if line.strip(_BLANK + ">")]
    return bool(words) and (attributed or not all(line.startswith(">>>") for line in words))


def _top(lines: list[str], at: int) -> int | None:
    """Where the quotation at `at` starts with its attribution, if it has one; None when the author presents it."""
    above = _above(lines, at)
    if above is None or _is_original(lines[above]):
        return at if above is None else above
    if _TITLE.match(lines[above]) or lines[above] == "---":  # also the middle of a diff
        return None
    if not _is_colon(lines[above]):
        return at
    top = _attribution(lines, above)
    if top is None:
        # "The log says:" presents; "you wrote:" does not, and is the author's own.
        return at if _WROTE.search(lines[above]) or _MAILBOX.search(lines[above]) else None
    title = _above(lines, top)
    return title if title is not None and _is_original(lines[title]) else top


def _attribution(lines: list[str], last: int) -> int | None:
    """The first line of the attribution that ends on line `last` and takes up to three; None if there is none."""
    joined = ""
    named = None
    dated = False
    for top in range(last, max(last - 3, -1), -1):
        line = lines[top].strip(_BLANK + "*")
        if top < last:
            mailbox = _MAILBOX.search(line)
            wrapped = mailbox or (len(line) >= 40 and line[-1] not in ".!?:")
            if not wrapped or _MARKED.match(lines[top]):
                break
        joined = f"{line} {joined}"
        if len(joined) > _LONG:
            break
        date, mailbox, wrote = (each.search(joined) for each in (_DATE, _MAILBOX, _WROTE))
        if date and (mailbox or wrote) and _OPENING.match(joined):
            return top
        if date and mailbox and not dated and _WEEKDAY.match(joined):
            return top
        # A name is in front. Wrapped lines need all three, or a line of the author's could be taken for the first.
        enough = date and wrote and "<" in line if top < last else date or wrote
        if named is None and mailbox and enough and not line.startswith("<"):
            named = top
        dated = date is not None
    return named


def _history(lines: list[str], at: int, header: list[str]) -> int | None:
    """Where the history starts that has its header at `at` and goes on to the end; None if it may be no history."""
    above = _above(lines, at)
    if above is not None and _is_original(lines[above]):
        return above
    if header not in _ORDERS:
        return None
    if above is None:
        return at
    if _RULE.match(lines[above]):
        return above
    presented = _TITLE.match(lines[above]) or _is_colon(lines[above])
    return at if above < at - 1 and not presented else None


def _header(lines: Iterable[str]) -> list[str]:
    """The fields of a header, in order."""
    found: list[str] = []
    folded = 0
    for line in lines:
        if not line.strip(_BLANK) and found:
            break
        field = _field(line)
        if field in found or folded > 4:
            break
        if field:
            found.append(field)
        folded = 0 if field else folded + 1
    return found


def _field(line: str) -> str | None:
    match = _FIELD.match(line)
    field = match and _FIELDS.get(match[1].lower())
    if match and field == "date" and not any(character.isdigit() for character in match[2]):
        return None
    return field


def _is_header(fields: list[str]) -> bool:
    return len(fields) > 2 and "from" in fields


def _above(lines: list[str], at: int) -> int | None:
    """The line above `at` over at most two empty ones."""
    return next((index for index in range(at - 1, max(at - 4, -1), -1) if lines[index].strip(_BLANK)), None)


def _is_original(line: str) -> bool:
    title = _TITLE.match(line)
    return bool(title and _ORIGINAL.search(title[1]))


def _is_colon(line: str) -> bool:
    return line.rstrip(_BLANK + "*").endswith((":", "："))


def _sign(lines: list[str], kinds: list[Kind | None], start: int, end: int) -> None:
    """Note the signature of what is said in lines `start` to `end`, if it has one."""
    first = _delimiter(lines, start, end)
    if first is None:
        last = next((at for at in range(end - 1, start - 1, -1) if kinds[at]), None)
        if last is not None and len(lines[last]) < _LONG and _SENT.fullmatch(lines[last].strip(_BLANK)):
            kinds[last] = "signature"
        return
    words = 0
    for at in range(first + 1, end):
        top = _attribution(lines, at) if _is_colon(lines[at]) else None
        if top is not None or _POSTSCRIPT.match(lines[at]):
            end = at if top is None else top
            break
        words += kinds[at] is not None
        if words > _SIGNATURE or _MARKED.match(lines[at]):
            return
    kinds[first:end] = [kind and "signature" for kind in kinds[first:end]]


def _delimiter(lines: list[str], start: int, end: int) -> int | None:
    """The line `-- ` over a signature, or `--` where it is nothing else: SQL has many, a rule stands alone."""
    dashes = []
    for at in range(start, end):
        if lines[at] == "-- ":
            return at
        if lines[at].startswith("--"):
            dashes.append(at)
    if len(dashes) == 1 and lines[dashes[0]] == "--":
        name = "".join(lines[dashes[0] + 1 : dashes[0] + 2])
        return dashes[0] if name.strip(_BLANK) else None
    return None
