"""What became of mail, line by line and in figures. Every message counts once, under its most significant outcome."""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mailgate.store.database import Row, Transaction
from mailgate.values.outcome import ACTIONS, rank
from mailgate.values.problem import NotFound, command

HOUR = 3_600.0
_CHUNK = 500
_TOP = 10


class Line(NamedTuple):
    """One message: what became of it, where it went, and why. `more`: how many other outcomes it has."""

    number: int
    received: float
    direction: str
    verdict: str
    target: str
    reason: str
    author: str
    more: int = 0
    subject: str = ""


class Hour(NamedTuple):
    """The mail of one hour that begins at `start` (epoch seconds), by outcome."""

    start: float
    counts: Mapping[str, int]

    @property
    def received(self) -> int:
        """All of it."""
        return sum(self.counts.values())


class Outbox(NamedTuple):
    """Outgoing mail: how much is queued, how much failed, and for how long the oldest message has been queued (seconds,
    None: nothing is)."""

    queued: int
    failed: int
    oldest: float | None


class Figures(NamedTuple):
    """The mail of some hours up to now, and the outgoing mail of this moment.

    `outcomes` and `reasons` (of refusals, of held mail) count messages; the hours add up to `received`.
    """

    since: float
    until: float
    hours: tuple[Hour, ...]
    outcomes: Mapping[str, int]
    refusals: Mapping[str, int]
    holds: Mapping[str, int]
    aliases: Mapping[str, int]
    outbox: Outbox

    @property
    def received(self) -> int:
        """All mail received in that time, except what was refused by exit status, which leaves no row."""
        return sum(self.outcomes.values())


def lines(tx: Transaction, after: int) -> Iterator[Line]:
    """Messages with a number above `after`, oldest first."""
    while True:
        rows = tx.execute("SELECT * FROM message WHERE number > ? ORDER BY number LIMIT ?", (after, _CHUNK)).fetchall()
        for row in rows:
            yield _line(tx, row)
        if len(rows) < _CHUNK:
            return
        after = rows[-1]["number"]


def line(tx: Transaction, number: int) -> Line:
    """What became of one message. Raises NotFound."""
    row = tx.execute("SELECT * FROM message WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"no message {number}", command("mailgate message list"))
    return _line(tx, row)


def last(tx: Transaction, count: int) -> int:
    """The number after which the last so many messages come."""
    row = tx.execute("SELECT number FROM message ORDER BY number DESC LIMIT 1 OFFSET ?", (count,)).fetchone()
    return row["number"] if row else 0


def _line(tx: Transaction, row: Row) -> Line:
    author = row["author"] or row["author_text"] or ""
    same = (row["number"], row["received_at"], row["direction"])
    if row["direction"] == "out":
        place = tx.execute(
            "SELECT model, id FROM placement WHERE message = ? ORDER BY number LIMIT 1", (row["number"],)
        ).fetchone()
        return Line(
            *same, "sent", f"{place['model']}/{place['id']}" if place else "", row["kind"], author, 0, row["subject"]
        )
    outcomes = json.loads(row["explanation"])["outcomes"] if row["explanation"] else []
    outcomes.sort(key=lambda outcome: rank(outcome["action"]))
    if not outcomes:
        return Line(*same, row["action"], "", row["reason"], author, 0, row["subject"])
    first = outcomes[0]
    target = first["record"] or first["model"] or first["alias"] or first["recipient"] or ""
    return Line(*same, first["action"], target, first["reason"], author, len(outcomes) - 1, row["subject"])


def figures(tx: Transaction, hours: int, now: float) -> Figures:
    """The mail of so many whole hours, the one that `now` is in among them."""
    first = now - now % HOUR - (hours - 1) * HOUR
    counts = [dict.fromkeys(ACTIONS, 0) for _ in range(hours)]
    reasons: dict[str, dict[str, int]] = {"refuse": {}, "hold": {}}
    rows = tx.execute(
        "SELECT received_at, action, reason FROM message WHERE direction = 'in'"
        " AND received_at >= ? AND received_at <= ?",
        (first, now),
    )
    for row in rows:
        verdict = row["action"] if row["action"] in ACTIONS else "ignore"
        counts[min(hours - 1, int((row["received_at"] - first) // HOUR))][verdict] += 1
        if verdict in reasons:
            reasons[verdict][row["reason"]] = reasons[verdict].get(row["reason"], 0) + 1
    return Figures(
        since=first,
        until=now,
        hours=tuple(Hour(first + at * HOUR, hour) for at, hour in enumerate(counts)),
        outcomes={name: sum(hour[name] for hour in counts) for name in ACTIONS},
        refusals=_sorted(reasons["refuse"]),
        holds=_sorted(reasons["hold"]),
        aliases=_top_aliases(tx, first, now),
        outbox=outbox(tx, now),
    )


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _top_aliases(tx: Transaction, since: float, until: float) -> dict[str, int]:
    """The aliases whose records got the most mail."""
    rows = tx.execute(
        "SELECT record.alias AS alias, count(DISTINCT message.number) AS messages FROM message"
        " JOIN placement ON placement.message = message.number"
        " JOIN record ON record.model = placement.model AND record.id = placement.id"
        " WHERE message.direction = 'in' AND received_at >= ? AND received_at <= ? AND record.alias IS NOT NULL"
        " GROUP BY record.alias ORDER BY count(DISTINCT message.number) DESC, record.alias LIMIT ?",
        (since, until, _TOP),
    )
    return {row["alias"]: row["messages"] for row in rows}


def outbox(tx: Transaction, now: float) -> Outbox:
    """The outgoing mail of this moment."""
    counts = {row["state"]: row["n"] for row in tx.execute("SELECT state, count(*) AS n FROM outbox GROUP BY state")}
    oldest = tx.execute("SELECT min(created_at) FROM outbox WHERE state = 'queued'").fetchone()[0]
    age = max(0.0, now - oldest) if oldest is not None else None
    return Outbox(counts.get("queued", 0), counts.get("failed", 0), age)


def totals(tx: Transaction) -> dict[tuple[str, str], int]:
    """Every message received that the store has, by outcome and reason."""
    rows = tx.execute(
        "SELECT action, reason, count(*) AS n FROM message WHERE direction = 'in' GROUP BY action, reason"
        " ORDER BY action, reason"
    )
    return {(row["action"], row["reason"]): row["n"] for row in rows}
