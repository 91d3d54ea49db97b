"""Read the Date field of a message as people's programs write it, always with a zone.

RFC 5322 section 3.3 and 4.3, and what is seen beside it: ISO 8601, names of months in other languages, zones by name,
dates of asctime and of forms. A date without a zone, and one that says `-0000`, is in UTC.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

LIMIT = 200
"""Characters that are read."""

_ISO = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_BASIC = re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)?(?!\d)")
_EAST_ASIAN = re.compile(r"(?<!\d)(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]?")
_DAY_FIRST = re.compile(
    r"(?<!\d)0{0,2}(\d{1,2})(?:st|nd|rd|th|er|º|°)?[\s.,-]*(?:de\s+)?([^\W\d_]{3,20})[\s.,-]*(?:de\s+)?(\d{2,4})(?![\d:])"
)
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})\s+([^\W\d_]{3,20})\.?\s+(?=\d{1,2}:)")
_MONTH_FIRST = re.compile(r"([^\W\d_]{3,20})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?!\d|:)")
_YEAR = re.compile(r"(?<![\d:+.-])(\d{4})(?![\d:])")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d)(?!\d)")
_TIME = re.compile(r"(?<![\d+-])T?(\d{1,2})\s?[:.h時时]\s?(\d\d)(?:\s?[:.m分]\s?(\d\d)(?:[.,]\d{1,9})?)?(?!\d)")
_AFTERNOON = re.compile(r"(?<![^\W\d_])p\.?\s?m\b|下午|午後|오후|μ\.?μ", re.IGNORECASE)
_MORNING = re.compile(r"(?<![^\W\d_])a\.?\s?m\b|上午|午前|오전|π\.?μ", re.IGNORECASE)
_OFFSET = re.compile(r"([+\u2212-])\s?(\d{1,2})(?::?([0-5]\d))?(?!\d)")
_LETTERS = re.compile(r"[^\W\d_]+")

# The start of each month's name without accents, in the languages of mail programs; the longest one that fits counts.
_MONTHS = {
    stem: month
    for month, stems in enumerate(
        (
            "jan gen ene sty led oca tam янв січ ιαν ian",
            "feb fev fevr lut uno sub hel фев лют φεβ",
            "mar maa bre marz mrz maerz мар бер μαρ maal",
            "apr avr abr kwi dub nis huh апр кві απρ",
            "may mai maj mei mag kve tou мая май тра μαι",
            "jun juin jui giu cze cer haz kes июн чер ιουν iun",
            "jul juil lug lip cervenec cervenc tem hei июл лип ιουλ iul",
            "aug aou ago sie srp agu elo авг сер αυγ",
            "sep set wrz zar eyl syy сен вер σεπ",
            "okt oct ott out paz rij eki lok окт жов οκτ",
            "nov lis listopad kas marr ноя лис νοε noi",
            "dec dez dic gru pro ara jou дек гру δεκ",
        ),
        1,
    )
    for stem in stems.split()
}
# Minutes east of Greenwich. Of names that several zones share: the one of RFC 5322, else the one with most people.
_ZONES = {
    name: minutes
    for minutes, names in {
        0: "ut utc gmt z wet greenwich",
        60: "bst cet met mez mewt west wat ist1",
        120: "cest mest mesz eet sast cat ist2 heure",
        180: "eest msk eat trt idt",
        240: "msd gst amt4",
        300: "pkt uzt",
        330: "ist",
        345: "npt",
        420: "ict wib",
        480: "hkt sgt pht awst myt wita",
        540: "jst kst wit",
        570: "acst",
        600: "aest",
        630: "acdt",
        660: "aedt",
        720: "nzst",
        780: "nzdt",
        -120: "brst",
        -150: "ndt",
        -180: "adt brt art clst",
        -210: "nst",
        -240: "edt ast clt vet",
        -300: "est cdt cot pet",
        -360: "cst mdt",
        -420: "mst pdt",
        -480: "pst akdt",
        -540: "akst",
        -600: "hst",
    }.items()
    for name in names.split()
}
# The long names of Windows and of Java, by their first words.
_LONG_ZONES = (
    (re.compile(r"\b(eastern|central|mountain|pacific) (standard|daylight|summer)", re.IGNORECASE), 0),
    (re.compile(r"\b(?:w\. europe|romance|central europe\w*) daylight|sommerzeit", re.IGNORECASE), 120),
    (re.compile(r"\b(?:w\. europe|romance|central europe\w*) standard|mitteleurop", re.IGNORECASE), 60),
    (re.compile(r"\b(?:tokyo|japan|korea) standard", re.IGNORECASE), 540),
    (re.compile(r"\b(?:china|singapore|taipei) standard", re.IGNORECASE), 480),
    (re.compile(r"\bindia standard", re.IGNORECASE), 330),
)
_AMERICAN = {"eastern": -300, "central": -360, "mountain": -420, "pacific": -480}


def read(text: str) -> datetime | None:
    """The moment that a Date field names, with its zone; None where it names none."""
    text = " ".join(text[:LIMIT].split())
    for at, end, year, month, day in _dates(text):
        rest = f"{text[:at]} \x00 {text[end:]}"
        hour, minute, second, rest = _time(rest)
        try:
            moment = datetime(_full(year), month, day, hour, minute, min(second, 59), tzinfo=_zone(rest))
            moment.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        return moment
    return None


def _dates(text: str) -> Iterator[tuple[int, int, int, int, int]]:
    """(start, end, year, month, day) of what may be the date, the likeliest first."""
    for match in _DAY_FIRST.finditer(text):
        if month := _month(match[2]):
            yield match.start(), match.end(), int(match[3]), month, int(match[1])
    for pattern in (_ISO, _EAST_ASIAN):
        for match in pattern.finditer(text):
            yield match.start(), match.end(), int(match[1]), int(match[2]), int(match[3])
    for match in _BASIC.finditer(text):
        yield match.start(), match.start() + 8, int(match[1]), int(match[2]), int(match[3])
    for pattern, name, number in ((_MONTH_FIRST, 1, 2), (_YEAR_LAST, 2, 1)):
        for match in pattern.finditer(text):
            year = _YEAR.search(text, match.end())
            if (month := _month(match[name])) and year:
                yield match.start(), match.end(), int(year[1]), month, int(match[number])
    for match in _NUMERIC.finditer(text):
        first, second, year_text = int(match[1]), int(match[3]), match[4]
        day, month = (second, first) if match[2] == "/" and first <= 12 else (first, second)
        yield match.start(), match.end(), int(year_text), month, day


def _full(year: int) -> int:
    """The year that two or three digits mean (RFC 5322 section 4.3)."""
    if year < 50:
        return 2000 + year
    return 1900 + year if year < 1000 else year


def _month(name: str) -> int | None:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(c))
    plain = plain.replace("ł", "l").replace("ı", "i")
    return next((_MONTHS[plain[:size]] for size in range(len(plain), 2, -1) if plain[:size] in _MONTHS), None)


def _time(text: str) -> tuple[int, int, int, str]:
    """Hour, minute and second of the time in a text, midnight where there is none; and the text without it."""
    match = _TIME.search(text)
    basic = None if match else re.search(r"(?<!\d)T(\d\d)(\d\d)(\d\d)?", text)
    match = match or basic
    if not match:
        return 0, 0, 0, text
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if hour <= 12:
        if _AFTERNOON.search(text):
            hour = hour % 12 + 12
        elif _MORNING.search(text):
            hour %= 12
    return hour, minute, second, f"{text[: match.start()]} {text[match.end() :]}"


def _zone(text: str) -> timezone:
    """The zone in what is left of a date: by its offset, else by its name, else UTC."""
    behind = text.rpartition("\x00")[2]
    for match in _OFFSET.finditer(behind):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes < 24 * 60:
            return _at(-minutes if match[1] != "+" else minutes)
    for match in _LETTERS.finditer(behind):
        if match[0].lower() in _ZONES and (match[0].isupper() or len(match[0]) > 2):
            return _at(_ZONES[match[0].lower()])
    for pattern, minutes in _LONG_ZONES:
        if found := pattern.search(behind):
            if not minutes:
                minutes = _AMERICAN[found[1].lower()] + (0 if found[2].lower() == "standard" else 60)
            return _at(minutes)
    return UTC


def _at(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes)) if minutes else UTC
