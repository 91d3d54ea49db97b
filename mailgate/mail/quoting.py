"""Tell what an author wrote from quoted history and signatures, to fold these on a screen; doubtful lines stay.

A text is cut into passages, from top to bottom:

* Lines with `>` are quoted, with the attribution above them. They stay part of the text when the author introduces them
  ("The log says:"), and when they hold a forwarded message. Of a quotation that the author answers below, the question
  stays: its last paragraph.
* A header of the original message, its title, an attribution over lines without marks, and the line "please type your
  reply above this line" start history that goes on to the end of the text. None of them does below a mere greeting, or
  where the author points to answers further down: these may be among the lines of the history.
* A forwarded message ends the search: everything from there on is part of the text.
* What is left is the text of the author, and its end may be a signature.
"""

import re
from itertools import groupby, islice
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
    has_time,
    header,
    is_forwarded,
    is_header,
    is_original,
    is_original_alone,
    is_pointed,
    is_reply_line,
    may_end_attribution,
)

PassageKind = Literal["text", "question", "quoted", "signature"]

LIMIT = 512 * 1024
"""Characters of a text that is folded."""
_SHORT = 6
"""Lines with words of a quotation that stays whole when it is answered."""
_FULL = 68
"""Characters of a line that a mail program breaks."""
_QUESTION = 12
"""Lines of a question that stay."""

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_RULE = re.compile(r"[ \t]*+[-_=*\u2010-\u2015]{4,}+[ \t]*+$")
_FOOTER = re.compile(r"[ \t]*+[-_=*#\u2010-\u2015]{2,}")
_FORWARD = re.compile(
    r"\s*+(?:\[[^\]]{1,40}\]\s*+)?(?:fwd?|wg|tr|rv|enc|i|doorst|pd|vb|vs|vl|přep|转发|轉寄|転送|전달)\s?[:：]",
    re.IGNORECASE,
)
_REPLY = re.compile(
    r"\s*+(?:\[[^\]]{1,40}\]\s*+)?(?:re|aw|antw?|antwort|sv|odp|ynt|yan|res|rif|r|vá|vs|ats|atb|bls|на|отв?|ha|na"
    r"|απ|σχετ|回复|回覆|答复|답장|返信|תשובה|השב|رد)\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：]",
    re.IGNORECASE,
)
# A name, or "Best regards".
_SIGNED = re.compile(r".{0,38}[^.?!:]")
_GREETING = re.compile(
    r"\W{0,3}(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|greetings|hallo|guten (?:tag|morgen|abend)"
    r"|moin|liebe[rs]?|sehr geehrte\w?|servus|grüezi|bonjour|bonsoir|salut|chere?|chère|hola|buen[oa]s|estimad\w+"
    r"|querid\w+|ciao|buon\w+|gentile|salve|caro|cara|beste|geachte|dag|goedemorgen|hej|hei|kära?|kjære"
    r"|cześć|dzień dobry|witam|szanown\w+|olá|oi|prezad\w+|car[oa]|bom dia|boa tarde|ahoj|dobrý den|szia|kedves"
    r"|tisztelt|здравствуйте|добрый|привет|уважаем\w+|merhaba|sayın)(?!\w)[^.?!]{0,50}[.,:!]?$",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"\bin-?line\b|\b(?:answer|comment|repl|antwort|kommentar)\w{0,4} in[ -]line\b"
    r"|\bin (?:red|blue|green|bold|rot|blau|grün|rouge|bleu|rojo|azul|rosso|blu)\b|\b(?:zwischen|im) text\b"
    r"|\b(?:see|answer|comment|repl|respon|remark|antwort|kommentar|réponse|commentaire|respuesta|comentario|rispost"
    r"|antwoord|svar|odpowied|resposta)\w{0,9}\b.{0,40}\b(?:below|beneath|underneath|unten|weiter unten|ci-dessous"
    r"|plus bas|abajo|sotto|in basso|hieronder|onder|nedan|nedenfor|poniżej|abaixo)\b"
    r"|\b(?:below|unten|ci-dessous|abajo|sotto|hieronder|nedan|nedenfor|poniżej|abaixo)\b.{0,30}"
    r"\b(?:answer|comment|repl|antwort|réponse|respuesta|rispost|antwoord|svar|odpowied|resposta)",
    re.IGNORECASE,
)


class Passage(NamedTuple):
    """Whole lines of a text, of one kind."""

    kind: PassageKind
    text: str


class _Quotation(NamedTuple):
    """Lines `first` to `end` of a text with marks, and the attribution from line `top` on."""

    top: int
    first: int
    end: int


def fold(text: str, subject: str = "") -> tuple[Passage, ...]:
    """The passages of a text in order, neighbours of different kinds; joined they are exactly the text.

    The whole text is one passage when nothing of it would be the author's, when it is longer than LIMIT, and when it is
    a forward. A forward by Outlook differs from an answer only in its `subject` (`FW: `, `WG: `).
    """
    unfolded = (Passage("text", text),) if text else ()
    if len(text) > LIMIT or _FORWARD.match(subject):
        return unfolded
    lines: list[str] = _LINE.findall(text)
    kinds = _kinds([_shortened(line) for line in lines], _REPLY.match(subject) is not None)
    if "text" not in kinds:
        return unfolded
    groups = groupby(zip(_filled(kinds), lines, strict=True), key=itemgetter(0))
    return tuple(Passage(kind, "".join(line for _, line in group)) for kind, group in groups)


def reply(text: str, subject: str = "") -> str:
    """What the author wrote: the text without its quoted history, or the whole text where nothing is quoted.

    A signature at the end goes with the history above it, when the author wrote above that.
    """
    passages = fold(text, subject)
    kinds = [passage.kind for passage in passages]
    if "quoted" not in kinds:
        return text
    if kinds[0] == "text" and kinds[-2:] == ["quoted", "signature"]:
        passages = passages[:-1]
    return "".join(passage.text for passage in passages if passage.kind != "quoted").strip("\r\n")


def _shortened(line: str) -> str:
    """A line without its line end, or the start of a long one."""
    line = line.rstrip("\r\n")
    if len(line) <= LINE_LIMIT:
        return line
    return line[:LINE_LIMIT] + "…" if line.strip(BLANK) else ""


def _kinds(lines: list[str], answers: bool) -> list[PassageKind | None]:
    """The kind of each line; None for empty ones, which join a neighbour. `answers`: the subject says "Re:"."""
    kinds: list[PassageKind | None] = ["text" if line.strip(BLANK) else None for line in lines]
    quotations: list[_Quotation] = []
    at = start = 0  # `start`: where the author's text starts that is read now
    while at < len(lines):
        if kinds[at] is None:
            at += 1
            continue
        if MARKED.match(lines[at]) and not is_pointed(lines[at]):
            end = _quotation_end(lines, at)
            top = _top(lines, at)
            if top in (None, at) and _is_forward(lines[at : min(end, at + HEADER_LIMIT)], answers and top == at):
                break
            if top is not None and (quotations or _is_quotation(lines[at:end], top < at)):
                _sign(lines, kinds, start, top)
                kinds[top:end] = ["quoted"] * (end - top)
                quotations.append(_Quotation(top, at, end))
                start = end
            at = end
            continue
        if is_forwarded(lines[at]):
            break
        fields = header(lines[at : at + HEADER_LIMIT]) if field(lines[at]) else []
        top = _history(lines, at, fields, answers)
        if top is not None and _may_hold_answers(lines, kinds, top):
            break
        if top is not None:
            _sign(lines, kinds, start, top)
            kinds[top:] = ["quoted"] * (len(lines) - top)
            _ask(lines, kinds, quotations)
            return kinds
        if is_header(fields):
            break
        at += 1
    # What is left is a forward, or nothing. It is shown, with the line that introduces it and the quotations in it.
    introduction = above(lines, at) if at < len(lines) else None
    _sign(lines, kinds, start, at if introduction is None or not ends_in_colon(lines[introduction]) else introduction)
    _ask(lines, kinds, quotations)
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
    if not may_end_attribution(lines[index]):
        # "2024/3/4 Ann <ann@example.com>" has neither a verb nor a colon.
        bare = attribution(lines, index) if lines[index].rstrip(BLANK).endswith(">") else None
        return bare.top if bare and bare.top == index else at
    introduction = attribution(lines, index, marked=True)
    if introduction is None:
        # "The log says:" introduces; "you wrote:" does not, and is the author's own.
        return at if WROTE.search(lines[index]) or MAILBOX.search(lines[index]) else None
    title = above(lines, introduction.top)
    return title if title is not None and is_original(lines[title]) else introduction.top


def _is_forward(lines: list[str], answers: bool) -> bool:
    """Whether marked lines start with the header of a message that the author passes on, so that all of it is shown."""
    bare = [line.lstrip("> ") for line in lines]
    if is_original(bare[0]):
        return False
    return is_header(header(bare)) and not answers


def _history(lines: list[str], at: int, fields: list[str], answers: bool) -> int | None:
    """The first line of the history that line `at` starts, to the end of the text; None when it may not be history.

    `fields`: the header at `at`.
    """
    line = lines[at]
    if is_reply_line(line):
        top = _attributed(lines, at)
        return at if top is None else top
    if is_header(fields):
        return _headed(lines, at, fields, answers)
    if is_original(line):
        return at if is_original_alone(line) and not _is_over_marks(lines, at) else None
    if not may_end_attribution(line) or _is_over_marks(lines, at):
        return None
    introduction = attribution(lines, at)
    if introduction is None or not (introduction.certain or (answers and _is_last_paragraph(lines, at + 1))):
        return None
    title = above(lines, introduction.top)
    return title if title is not None and is_original(lines[title]) else introduction.top


def _attributed(lines: list[str], at: int) -> int | None:
    """The first line of the attribution above line `at`, if there is one."""
    index = above(lines, at)
    introduction = attribution(lines, index) if index is not None and may_end_attribution(lines[index]) else None
    return introduction and introduction.top


def _is_last_paragraph(lines: list[str], at: int) -> bool:
    """Whether lines from `at` on are one paragraph: who cites a mail to comment on it writes a second one."""
    first = next((index for index in range(at, min(at + 3, len(lines))) if lines[index].strip(BLANK)), None)
    if first is None:
        return False
    end = next((index for index in range(first, min(first + 20, len(lines))) if not lines[index].strip(BLANK)), None)
    return (end is None and len(lines) <= first + 20) or all(not line.strip(BLANK) for line in islice(lines, end, None))


def _is_over_marks(lines: list[str], at: int) -> bool:
    """Whether marked lines are below line `at`: they tell themselves where the quotation ends."""
    below = (line for line in lines[at + 1 : at + 6] if line.strip(BLANK))
    return any(MARKED.match(line) for line in islice(below, 3))


def _headed(lines: list[str], at: int, fields: list[str], answers: bool) -> int | None:
    """The first line of the history whose header is at `at`; None when it may not be history."""
    index = above(lines, at)
    if index is not None and is_original(lines[index]):
        return index
    if index is not None and (TITLE.match(lines[index]) or ends_in_colon(lines[index])):
        return None
    if index is not None and _RULE.match(lines[index]):
        return index if answers or fields in ORDERS else None
    if fields in ORDERS and not answers:  # a form has these fields, too, but seldom a time of day
        return at if (index is None or index < at - 1) and has_time(lines[at : at + HEADER_LIMIT]) else None
    if fields in ORDERS:
        return at
    # In another order the author may pass it on, or a form has these fields.
    return at if answers and len(fields) == 4 else None


def _may_hold_answers(lines: list[str], kinds: list[PassageKind | None], top: int) -> bool:
    """Whether the author may have written between the lines of the history that starts at `top`."""
    written = _written(lines, kinds, 0, top)
    if not written or (len(written) == 1 and _GREETING.match(written[0])):
        return True
    return any(_POINTER.search(line) for line in written[:_QUESTION])


def _ask(lines: list[str], kinds: list[PassageKind | None], quotations: list[_Quotation]) -> None:
    """Show the questions that the author answers below them: between quotations, or below the only one."""
    answered = []
    ends = (*(quotation.top for quotation in quotations[1:]), len(lines))
    for quotation, end in zip(quotations, ends, strict=False):
        below = _written(lines, kinds, quotation.end, end)
        if below and not _FOOTER.match(below[0]):  # as the footers of lists and virus scanners start
            answered.append(quotation)
    if not answered:
        return
    starts_above = any(not _GREETING.match(line) for line in _written(lines, kinds, 0, quotations[0].top))
    if starts_above and answered == quotations[-1:]:
        return
    if starts_above and quotations[-1] is not answered[-1] and _are_ends(lines, answered):
        for quotation in answered:
            kinds[quotation.end] = "quoted"
        return
    for quotation in answered:
        for index in _question(lines, quotation):
            kinds[index] = "question"


def _are_ends(lines: list[str], quotations: list[_Quotation]) -> bool:
    """Whether the lines below some quotations are the ends of quoted lines, which a mail program broke without a mark.

    Such an end is one line between marked ones, starts with a small letter where the line above was full, and nobody
    answers like that: not below a question, and not always after the end of a sentence.
    """
    broken = False
    for quotation in quotations:
        last, end = lines[quotation.end - 1].rstrip(BLANK), lines[quotation.end].strip(BLANK)
        words = end.split()
        if not words or not end[0].islower() or len(words) < 2 or len(last) + len(words[0]) < _FULL:
            return False
        if last.endswith("?") or not MARKED.match("".join(lines[quotation.end + 1 : quotation.end + 2])):
            return False
        broken = broken or last[-1] not in ".!:;"
    return broken


def _written(lines: list[str], kinds: list[PassageKind | None], start: int, end: int) -> list[str]:
    """The author's lines from `start` to `end`."""
    part = zip(lines[start:end], kinds[start:end], strict=True)
    return [line.strip(BLANK) for line, kind in part if kind == "text"]


def _question(lines: list[str], quotation: _Quotation) -> range:
    """The lines of a quotation that are shown: all of a short one, else its last paragraph above a signature."""
    bare = [line.lstrip("> \t").strip(BLANK) for line in lines[quotation.first : quotation.end]]
    filled = [index for index, line in enumerate(bare) if line]
    if not filled:
        return range(0)
    if len(filled) > _SHORT:
        delimiter = next((index for index, line in enumerate(bare) if line == "--" and index > filled[0]), len(bare))
        paragraphs = [
            [index for index, _ in group] for words, group in groupby(enumerate(bare[:delimiter]), _words) if words
        ]
        while len(paragraphs) > 1 and all(_SIGNED.fullmatch(bare[index]) for index in paragraphs[-1]):
            paragraphs.pop()
        filled = paragraphs[-1][-_QUESTION:]
    return range(quotation.first + filled[0], quotation.first + filled[-1] + 1)


def _words(numbered: tuple[int, str]) -> bool:
    """Whether a numbered line has words."""
    return bool(numbered[1])


def _sign(lines: list[str], kinds: list[PassageKind | None], start: int, end: int) -> None:
    """Mark the signature in lines `start` to `end` of the author's text, if it has one."""
    bounds = signature.find(lines, start, end)
    if bounds:
        first, last = bounds
        kinds[first:last] = [kind and "signature" for kind in kinds[first:last]]
