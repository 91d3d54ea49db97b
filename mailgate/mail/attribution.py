"""Recognise the lines that mail programs put above a quotation: attributions, titles, and headers of the original.

An attribution is one sentence ("On ..., Ann wrote:"), a title a ruled line ("--- Original Message ---"), a header some
fields of the original message ("From: ..."). All of them are matched in the languages of `languages.LANGUAGES`.
"""

import re
from typing import NamedTuple

from mailgate.mail.languages import LANGUAGES

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
_NO_DIRECTION = dict.fromkeys((0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
# In the first column only (RFC 3676 section 4.5). `>=` and `>:(` are not marks, and `>From ` is an escape of mbox.
MARKED = re.compile(r">(?![=:_<]|From )")
"""A quoted line."""


def _words(*alternatives: str) -> str:
    """Alternatives of all languages as one pattern, longer ones first."""
    return "|".join(
        sorted({word for alternative in alternatives for word in alternative.split("|") if word}, key=len, reverse=True)
    )


_ROWS = tuple(LANGUAGES.values())
_TITLES = tuple(zip(*(row.title.split(" / ") for row in _ROWS), strict=True))

# The attributions of Gmail, Apple Mail and Thunderbird have a date, a mailbox or a verb, and a colon.
_STARTS = _words(*(row.opening for row in _ROWS))
_OPENING = re.compile(rf"(?:(?:{_STARTS})\b.{{0,30}}?)?\d", re.IGNORECASE)
_WEEKDAY = re.compile(r"(?:\w{1,12}[.,]{0,2}\s){1,2}\d|\w{2,12}[.,]{0,2}\s\w{1,2}[.,]{1,2}\s\d")
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20|25)\d\d(?!\d)|\d{1,2}[:.h]\d\d(?!\d)|\d{1,2}([./-]) ?\d{1,2}\1 ?\d\d)|[٠-٩]{4}|[۰-۹]{4}"
)
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.h]\d\d(?![\d.]\d)")
_CLOCK = re.compile(r"(?<![\d.])\d{1,2}[:.h]\d\d(?![\d.]\d)|\d[時时點点시]")
# "On Wed, Dec 9, ": a date without a year.
_DAY = re.compile(rf"(?:{_STARTS}) \w{{2,10}}[.,]{{1,2}} (?:\w{{3,10}}\.? \d{{1,2}}|\d{{1,2}}\.? \w{{3,10}})\b", re.I)
MAILBOX = re.compile(r"[<(\[]\s?(?:mailto:)?[^<>()\[\]\s@]++@[^<>()\[\]\s@]++\s?[<>)\]]")
WROTE = re.compile(
    rf"(?<!\w)(?:{_words(*(row.wrote for row in _ROWS))})(?!\w)|写道|寫道|のメール|書きました|작성|쓴 글", re.I
)
_SAID = re.compile(r"\b(?:said|says|sagte|a dit|dijo|ha detto|disse|zei)\b", re.IGNORECASE)
"""Verbs of an attribution that people use too, to tell of others: only above marked lines do they attribute."""
# "4 Mar 2024, 10:00 by bob@example.com:"
_BY = re.compile(
    r"(?:\d|\w{3,10}\.? \d).{4,30}?\d{1,2}[:.]\d\d(?: ?[ap]m)? (?:by|von|par|de|da|por|door|przez|od|от|av|af|fra|från)"
    r" [^\s@<>()\[\]]++@[^\s@<>()\[\]]+:$",
    re.IGNORECASE,
)
_WRITTEN_AT = re.compile(r"(?<!\d)\d{1,2}:\d\d:\d\d(?: [+-]\d{4}| [A-Z]{3,4})?$")
"""The end of a date on a line of its own."""
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_QUOTING = re.compile(r"(?:quoting|zitat von|citando|cytowanie|citeren) ([^:]{2,60}):$", re.IGNORECASE)
_ADVERB = re.compile(
    r"(?:and|as|but|earlier|he|here|i|last|like|she|so|then|there|they|this|today|what|when|where|yesterday|you|als|aber"
    r"|da|damals|dann|er|gestern|heute|hier|ich|sie|und|was|wie|wo|ce|comme|et|hier|il|elle|ici|mais|que|como|cuando|el"
    r"|ella|hoy|lo|pero|y|che|come|e|ieri|ma|però|toen|zoals|en|maar)$",
    re.IGNORECASE,
)
"""First words of what an author says of somebody who wrote."""
_DASH = r"[-\u2010-\u2015]"
TITLE = re.compile(rf"[ \t*]*+{_DASH}{{3,}}+[ \t]?((?!{_DASH})\S.{{1,160}}?)[ \t]?{_DASH}{{3,}}[ \t*]*+$")
_ORIGINAL = re.compile(_words(*_TITLES[0]), re.IGNORECASE)
_FORWARDED = re.compile(_words(*_TITLES[1]), re.IGNORECASE)
_MESSAGE = re.compile(_words(*_TITLES[2]), re.IGNORECASE)
_PROCESSED = re.compile(r"[ \t*]*+Original Message processed by \w", re.IGNORECASE)
_POINTED = re.compile(r">>> [^>\s].{4,160} >>>[ \t]*+$")
_DATED_NUMBER = re.compile(r"\d[./-]\w{1,4}[./-]\d\d")
_FIELD = re.compile(
    r"[ \t*_]{0,12}([^\W\d_][^:：*]{0,23}?)[ \t\xa0\u202f]?[*_]{0,2}[:：][*_]{0,2}[ \t\xa0\u202f]*+(.*)"
)
_DATED = re.compile(r"[ \t*]{0,12}Message du[ \t\xa0]{0,3}[:：]?[ \t\xa0]{0,3}\d", re.IGNORECASE)
_FIELDS = {
    name: field
    for row in _ROWS
    for field, names in zip(("from", "date", "to", "subject"), row.fields.split(" / "), strict=True)
    for name in names.split("|")
}
# The orders of Outlook and of GMX.
ORDERS = (["from", "date", "to", "subject"], ["date", "from", "to", "subject"])
_REPLY_LINES = tuple(
    (re.compile(_words(above), re.IGNORECASE), re.compile(_words(line), re.IGNORECASE))
    for above, line in (row.line.split(" / ") for row in _ROWS if row.line)
)
_REPLY_LINE = re.compile(r"(?:please )?(?:type|write|enter|reply|respond)[ \w]{0,40} above this line\W{0,9}$", re.I)
_RULERS = "#-=_*~+<[(—–"
_REPLY_LINE_LIMIT = 120
"""Characters of the line "please type your reply above this line"."""


class Attribution(NamedTuple):
    """An attribution. `top`: its first line. `certain`: it is a mail program's, whatever follows."""

    top: int
    certain: bool


def attribution(lines: list[str], last: int, *, marked: bool = False) -> Attribution | None:
    """The attribution that ends on line `last`, up to three lines long; None if there is none.

    marked: quoted lines with marks are below it.
    """
    joined = below = ""
    best: Attribution | None = None
    dated = False
    for top in range(last, max(last - _ATTRIBUTION_LINES, -1), -1):
        line = lines[top].translate(_NO_DIRECTION).strip(BLANK + "*")
        if top < last and (MARKED.match(lines[top]) or not _goes_on(line, below)):
            break
        joined, below = f"{line} {joined}", line
        if len(joined) > LINE_LIMIT:
            break
        sentence = joined.lstrip("-– ").rstrip()
        date, mailbox, wrote = _DATE.search(sentence), MAILBOX.search(sentence), WROTE.search(sentence)
        if marked and not wrote and date and _TIME.search(sentence):
            wrote = _SAID.search(sentence)
        if _OPENING.match(sentence) and ((date and (mailbox or wrote)) or (mailbox and wrote and _DAY.match(sentence))):
            certain = bool(mailbox or _TIME.search(sentence))
            return Attribution(top - 1 if top and _starts(lines[top - 1]) else top, certain)
        if date and mailbox and not dated and _WEEKDAY.match(sentence):
            return Attribution(top, True)
        if _BY.match(sentence) and _YEAR.search(sentence):
            return Attribution(top, True)
        if marked and wrote and _is_plain(sentence, wrote, top == last):
            return Attribution(top, False)
        # A name comes first. Wrapped lines need all three, or the author's own last line would count as the first.
        complete = date and wrote and "<" in line if top < last else date or wrote
        if best is None and mailbox and complete and not line.startswith("<"):
            best = Attribution(top, bool(date and wrote))
        dated = date is not None
    return best


def _is_plain(sentence: str, wrote: re.Match[str], alone: bool) -> bool:
    """Whether a sentence above marked lines has no mailbox and is a mail program's: it has names, or a whole date.

    wrote: its verb. alone: it is one line.
    """
    if _WEEKDAY.match(sentence) and _YEAR.search(sentence) and _TIME.search(sentence):
        return True
    quoting = _QUOTING.match(sentence)
    names = (quoting[1] if quoting else sentence[: wrote.start()]).replace('"', "").split()
    if not alone or not names or not all(name[0].isupper() for name in names) or _ADVERB.match(names[0]):
        return False
    rest = sentence[wrote.end() :].strip()
    if quoting or rest == ":":
        return 1 < len(names) < 5
    return len(names) < 5 and len(rest) < 40 and _DATE.search(rest) is not None and _TIME.search(rest) is not None


def _goes_on(line: str, below: str) -> bool:
    """Whether a line of an attribution may go on in the line below it."""
    if not line:
        return False
    if MAILBOX.search(line) or below[:1] in ("<", "(", ">") or line[-1] in "<(":
        return True
    if _WRITTEN_AT.search(line) and _OPENING.match(line):
        return True
    return (line[-1] == "," and _OPENING.match(line) is not None) or (len(line) >= 40 and line[-1] not in ".!?:")


def _starts(line: str) -> bool:
    """Whether a line is the first, short one of an attribution: "On Nov 21, 2014,"."""
    line = line.strip(BLANK)
    return line.endswith(",") and len(line) < 40 and _OPENING.match(line) is not None and _DATE.search(line) is not None


def may_end_attribution(line: str) -> bool:
    """Whether an attribution may end with a line: most end in a colon, some in their verb."""
    line = line.rstrip(BLANK + "*-")
    return ends_in_colon(line) or (line[-1:] not in (".", "!", "?", ",") and WROTE.search(line[-20:]) is not None)


def header(lines: list[str]) -> list[str]:
    """The names of the fields at the start of some lines, in order; each may be a paragraph, as in HTML."""
    fields: list[str] = []
    folded = 0
    for index, line in enumerate(lines):
        if not line.strip(BLANK) and fields:
            if folded or not field("".join(lines[index + 1 : index + 2])):
                break
            continue
        name = field(line)
        if name in fields or folded > 4:
            break
        if name:
            fields.append(name)
        folded = 0 if name else folded + 1
    return fields


def field(line: str) -> str | None:
    """The field that a line starts: from, date, to or subject."""
    if _DATED.match(line):
        return "date"
    match = _FIELD.match(line.translate(_NO_DIRECTION))
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
    """Whether a line is the title of an original message, or an attribution that is ruled like one."""
    title = TITLE.match(line)
    if not title:
        return bool(_PROCESSED.match(line) or is_pointed(line))
    return bool(_ORIGINAL.search(title[1]) or WROTE.search(title[1]))


def is_original_alone(line: str) -> bool:
    """Whether a line is such a title even where neither a header nor marked lines are below it."""
    title = TITLE.match(line)
    if not title:
        return is_original(line)
    if WROTE.search(title[1]):
        return bool(_DATE.search(title[1]) or MAILBOX.search(title[1]))
    return bool(_ORIGINAL.search(title[1]) and _MESSAGE.search(title[1]))


def is_pointed(line: str) -> bool:
    """Whether a line is GroupWise's attribution: ">>> Bob Ray <bob@example.com> 04.03.2024 10:00 >>>"."""
    return bool(_POINTED.match(line) and _DATED_NUMBER.search(line) and _TIME.search(line))


def has_time(lines: list[str]) -> bool:
    """Whether a date in a header has a time of day."""
    return any(field(line) == "date" and _CLOCK.search(line) for line in lines)


def is_forwarded(line: str) -> bool:
    """Whether a line is the title of a forwarded message."""
    title = TITLE.match(line)
    return bool(title and _FORWARDED.search(title[1]))


def is_reply_line(line: str) -> bool:
    """Whether a line is the "please type your reply above this line" of a help desk."""
    line = line.strip(BLANK + ">")
    if not 8 < len(line) <= _REPLY_LINE_LIMIT:
        return False
    if _REPLY_LINE.match(line):
        return True
    return line[0] in _RULERS and any(up.search(line) and rule.search(line) for up, rule in _REPLY_LINES)


def ends_in_colon(line: str) -> bool:
    """Whether a line introduces the next one."""
    return line.rstrip(BLANK + "*").endswith((":", "："))
