"""Say what an invitation, an answer to one or a cancellation says: what, when, where, who (RFC 5545, RFC 5546)."""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple

from mailgate.mail import mime
from mailgate.values import charset

LIMIT = 256 * 1024
"""Characters of a calendar that are read."""
_LINES_LIMIT = 5000
_PEOPLE_LIMIT = 20
"""People who are named."""
_TEXT_LIMIT = 500
"""Characters of one property."""
_NAME = re.compile(r"([A-Za-z0-9-]{1,60})((?:;[^:;\"]{0,200}(?:\"[^\"]{0,200}\"[^:;\"]{0,200}){0,5}){0,20}):")
_PARAMETER = re.compile(r";([A-Za-z0-9-]{1,60})=(?:\"([^\"]*)\"|([^;\"]*))")
_ESCAPE = re.compile(r"\\(.)")
_TIME = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})?(Z)?)?")
_SPAN = re.compile(r"[+]?P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?")
_OFFSET = re.compile(r"([+-])([0-9]{2})([0-9]{2})")
_MONTH = re.compile(r"BYMONTH=([0-9]{1,2})")
_DAY = re.compile(r"BYDAY=(-?[1-5])(MO|TU|WE|TH|FR|SA|SU)")
_FREQUENCY = re.compile(r"FREQ=([A-Z]{1,20})")
_EVENTS = ("VEVENT", "VTODO")
_CHANGES = ("STANDARD", "DAYLIGHT")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ANSWERS = {"accepted": "accepted", "declined": "declined", "tentative": "tentative", "delegated": "delegated"}
_KINDS = {"request": "Invitation", "cancel": "Cancelled", "reply": "Answer", "counter": "Other time proposed"}


_METHOD = re.compile(rb"^METHOD[^:\n]{0,60}:[ \t]*([A-Za-z]{1,20})", re.MULTILINE | re.IGNORECASE)


class Calendar(NamedTuple):
    """An event or task of a calendar; each value is one clean line, `""` where nothing is said.

    `start`, `end`: ISO 8601, with the offset from UTC where it is known. `status`: of an answer what it is (accepted,
    declined, tentative), else the status of the event; "cancelled" where it is cancelled.
    """

    method: str
    summary: str
    start: str
    end: str
    location: str
    organizer: str
    status: str
    people: tuple[str, ...] = ()
    repeats: str = ""

    def text(self) -> str:
        """The event for a person, a fact a line."""
        status = "" if self.status in ("confirmed", "") else self.status
        kind = _KINDS.get(self.method, "Event")
        lines = [f"{kind}: {self.summary}"]
        if self.start:
            lines.append(f"When: {_shown(self.start)}{f' to {_shown(self.end)}' if self.end else ''}")
        who = [*([f"{self.organizer} (organizer)"] if self.organizer else []), *self.people]
        for label, value in (("Repeats", self.repeats), ("Where", self.location), ("Who", ", ".join(who))):
            if value:
                lines.append(f"{label}: {value}")
        if status:
            lines.append(f"Status: {status}")
        return "\n".join(lines) + "\n"


class _Property(NamedTuple):
    name: str
    parameters: str
    value: str

    def parameter(self, name: str) -> str:
        """The value of a parameter, `""` without it."""
        for match in _PARAMETER.finditer(self.parameters):
            if match[1].upper() == name:
                return str(match[2] or match[3] or "")
        return ""


class _Zone(NamedTuple):
    """A rule of VTIMEZONE: from the nth weekday of a month on, the offset from UTC."""

    offset: timedelta
    month: int
    week: int
    day: int


def method(raw: bytes) -> str:
    """The METHOD of the first calendar part of a message, in lower case, `""` without one (RFC 5546 section 3.2).

    No container is opened, and no more than LIMIT octets of the part are read.
    """
    for part in mime.leaves(mime.tree(raw).root):
        if part.type == "text/calendar":
            found = _METHOD.search(mime.body(raw, part._replace(end=min(part.end, part.start + LIMIT))))
            return found[1].decode("ascii").lower() if found else ""
    return ""


def read(text: str) -> Calendar | None:
    """The first event or task of a calendar; None where there is none."""
    method = ""
    event: dict[str, _Property] = {}
    people: list[_Property] = []
    zones: dict[str, list[_Zone]] = {}
    zone = ""
    rule: dict[str, str] = {}
    stack: list[str] = []
    for line in _lines(text[:LIMIT]):
        name, inside = line.name, stack[-1] if stack else ""
        if name == "BEGIN":
            stack.append(line.value.strip().upper())
            rule = {}
        elif name == "END":
            del stack[-1:]
            if inside in _EVENTS and event:
                break
            if inside in _CHANGES and (change := _zone(rule)):
                zones.setdefault(zone, []).append(change)
        elif inside in _EVENTS:
            event.setdefault(name, line)
            if name == "ATTENDEE":
                people.append(line)
        elif inside == "VTIMEZONE" and name == "TZID":
            zone = line.value
        elif inside in _CHANGES:
            rule[name] = line.value
        elif name == "METHOD":
            method = line.value.strip().lower()[:40]
    return _calendar(method, event, people, zones) if event else None


def _calendar(
    method: str, event: dict[str, _Property], people: list[_Property], zones: dict[str, list[_Zone]]
) -> Calendar:
    def said(name: str) -> str:
        return _clean(event[name].value) if name in event else ""

    start = _time(event.get("DTSTART"), zones)
    end = _time(event.get("DTEND") or event.get("DUE"), zones)
    if not end and start and "DURATION" in event:
        end = _later(start, event["DURATION"].value)
    status = said("STATUS").lower()
    answers = [_answer(person) for person in people]
    if method == "reply" and answers:
        status = answers[0] or status
    if method == "cancel":
        status = "cancelled"
    named = [
        f"{_person(person)} ({answer})" if answer else _person(person)
        for person, answer in zip(people[:_PEOPLE_LIMIT], answers, strict=False)
    ]
    frequency = _FREQUENCY.search(said("RRULE"))
    organizer = event.get("ORGANIZER")
    return Calendar(
        method=charset.line(method),
        summary=said("SUMMARY"),
        start=start,
        end=end,
        location=said("LOCATION"),
        organizer=_person(organizer) if organizer else "",
        status=status,
        people=tuple(name for name in named if name and name != (organizer and _person(organizer))),
        repeats=frequency[1].lower() if frequency else "",
    )


def _lines(text: str) -> Iterator[_Property]:
    """The content lines, unfolded (RFC 5545 section 3.1)."""
    unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "")
    for line in unfolded.split("\n", _LINES_LIMIT)[:_LINES_LIMIT]:
        match = _NAME.match(line)
        if match:
            yield _Property(match[1].upper(), match[2], line[match.end() : match.end() + 4 * _TEXT_LIMIT])


def _clean(value: str) -> str:
    """The text of a property as one line."""
    text = _ESCAPE.sub(lambda match: " " if match[1] in "nN" else match[1], value)
    return charset.line(text, _TEXT_LIMIT)


def _person(found: _Property) -> str:
    address = charset.line(found.value.strip(), 320)
    address = address[7:] if address[:7].lower() == "mailto:" else address
    name = charset.line(found.parameter("CN"), 100)
    return f"{name} <{address}>" if name and name.lower() != address.lower() else address


def _answer(person: _Property) -> str:
    return _ANSWERS.get(person.parameter("PARTSTAT").lower(), "")


def _zone(rule: dict[str, str]) -> _Zone | None:
    offset = _OFFSET.match(rule.get("TZOFFSETTO", ""))
    if not offset:
        return None
    minutes = int(offset[2]) * 60 + int(offset[3])
    if minutes >= 24 * 60:
        return None
    month, day = _MONTH.search(rule.get("RRULE", "")), _DAY.search(rule.get("RRULE", ""))
    return _Zone(
        timedelta(minutes=-minutes if offset[1] == "-" else minutes),
        int(month[1]) if month and 1 <= int(month[1]) <= 12 else 0,
        int(day[1]) if day else 1,
        _DAYS.index(day[2]) if day else 0,
    )


def _time(found: _Property | None, zones: dict[str, list[_Zone]]) -> str:
    """A date or time as ISO 8601."""
    match = _TIME.match(found.value.strip()) if found else None
    if not match or not found:
        return ""
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        if match[4] is None:
            return date(year, month, day).isoformat()
        moment = datetime(year, month, day, hour, minute, min(second, 59))
        offset = timedelta() if match[7] else _offset(moment, zones.get(found.parameter("TZID"), []))
    except (ValueError, OverflowError):  # no such day, or a change of the year 1 that lies before it
        return ""
    return moment.isoformat() if offset is None else moment.replace(tzinfo=timezone(offset)).isoformat()


def _offset(moment: datetime, rules: list[_Zone]) -> timedelta | None:
    """The offset from UTC by the rules of a zone: that of the last change before, else of the last of the year."""
    changes = sorted((_change(moment.year, rule), rule.offset) for rule in rules[:100] if rule.month)
    if not changes:
        return rules[-1].offset if rules else None
    before = [offset for day, offset in changes if day <= moment.date()]
    return before[-1] if before else changes[-1][1]


def _change(year: int, rule: _Zone) -> date:
    """The day of a year on which a rule begins."""
    if rule.week > 0:
        first = date(year, rule.month, 1)
        return first + timedelta(days=(rule.day - first.weekday()) % 7 + 7 * (min(rule.week, 4) - 1))
    last = date(year, rule.month, monthrange(year, rule.month)[1])
    return last - timedelta(days=(last.weekday() - rule.day) % 7 + 7 * (-rule.week - 1))


def _later(start: str, span: str) -> str:
    match = _SPAN.match(span.strip())
    if not match:
        return ""
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    try:
        moment = datetime.fromisoformat(start)
        ended = moment + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except (ValueError, OverflowError):
        return ""
    return ended.date().isoformat() if len(start) == len("2024-03-05") else ended.isoformat()


def _shown(moment: str) -> str:
    """A time for a person: `2024-03-05 09:00 +00:00`."""
    if "T" not in moment:
        return moment
    day, _, clock = moment.partition("T")
    return f"{day} {clock[:5]}{f' {clock[8:]}' if clock[8:] else ''}"
