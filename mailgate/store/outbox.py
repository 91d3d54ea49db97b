"""The outbox: queue a message for one recipient, claim it for a worker under a lease, record what became of it.

A claimed entry is due again when its lease has run out, and names the worker that has it: a worker that died costs a
delay and no message, and one that comes back late changes nothing that another worker has by now. What was handed over
but never recorded is sent again, with the same Message-ID: at least once.
"""

from mailgate.store import leases
from mailgate.store.database import Row, Transaction
from mailgate.store.window import around
from mailgate.values import address, srs
from mailgate.values.light import NamedTuple
from mailgate.values.problem import NotFound, Problem, command

LEASE = 600.0
"""Seconds after which the claim of a worker that died is void."""
STUCK = 3_600.0
"""Seconds in the queue after which a message does not leave by itself, so that a person should look."""
_DELAYS = (60, 300, 900, 3_600, 10_800, 21_600, 43_200)
"""Seconds until the next try: growing, then the last one for ever; nothing is given up by itself."""


class Draft(NamedTuple):
    """A message to queue for one recipient.

    kind: refusal, post, copy or notice; `about`: the addresses, record or topics that it is about; `message` is the
    stored message that it comes from. With `body_at`, `octets` is a header only: the body is that of `message`, from
    this octet on.
    """

    kind: str
    reason: str
    about: str
    recipient: str
    subject: str
    octets: bytes
    message: int | None = None
    reverse_path: str | None = None
    body_at: int | None = None


class QueueEntry(NamedTuple):
    """A row of the outbox, without its octets. state: queued, sent or failed; times are epoch seconds."""

    number: int
    kind: str
    reason: str
    about: str
    recipient: str
    reverse_path: str | None
    subject: str
    message: int | None
    state: str
    tries: int
    due_at: float
    error: str
    created_at: float


class Stuck(NamedTuple):
    """What does not leave by itself: how many messages failed for good, how many have been queued for too long."""

    failed: int
    overdue: int

    @property
    def total(self) -> int:
        """Both."""
        return self.failed + self.overdue


_COLUMNS = ", ".join(QueueEntry._fields)


def queue(tx: Transaction, draft: Draft, now: float) -> int:
    """Queue a message; its number. Answers to one mailbox are counted whatever the spelling of its address."""
    person = address.lenient(draft.recipient)
    key = address.mailbox(srs.original(person)).key if person else draft.recipient
    host = key.rpartition("@")[2]
    row = tx.execute(
        "INSERT INTO outbox (kind, reason, about, recipient, subject, octets, message, reverse_path, body_at, person,"
        " host, created_at, due_at, state, tries, error)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', 0, '')"
        " RETURNING number",
        (*draft, key, host, now, now),
    ).fetchone()
    return int(row["number"])


def fail(tx: Transaction, draft: Draft, error: str, now: float) -> None:
    """Keep what could not even be written, for a person to see."""
    number = queue(tx, draft, now)
    tx.execute("UPDATE outbox SET state = 'failed', error = ? WHERE number = ?", (error, number))


def claim(tx: Transaction, worker: str, now: float) -> QueueEntry | None:
    """Take the next entry that is due, for LEASE seconds; None when nothing is. A claim by a dead worker runs out.

    `tries` of the entry counts this one; `due_at` is when it was due.
    """
    row = _first_due(tx, _COLUMNS, now)
    if row is None:
        return None
    entry = _from_row(row)
    until, tries = now + LEASE, entry.tries + 1
    leases.take(tx, leases.OUTBOX, entry.number, worker, until, now, due_at=until, tries=tries)
    return entry._replace(tries=tries)


def give_back(tx: Transaction, entry: QueueEntry, worker: str) -> bool:
    """Undo a claim: nothing was handed over; False when another worker has it now."""
    before = {"due_at": entry.due_at, "tries": entry.tries - 1}
    return leases.settle(tx, leases.OUTBOX, entry.number, worker, **before)


def sent(tx: Transaction, number: int, worker: str) -> bool:
    """Record that a message left; False when the claim had run out and another worker has it now."""
    return leases.settle(tx, leases.OUTBOX, number, worker, state="sent", error="")


def put_off(tx: Transaction, entry: QueueEntry, worker: str, error: str, now: float) -> bool:
    """Try again later, each time after a longer while; False as `sent`."""
    due = now + _DELAYS[min(entry.tries, len(_DELAYS)) - 1]
    return leases.settle(tx, leases.OUTBOX, entry.number, worker, error=error, due_at=due)


def refuse(tx: Transaction, number: int, worker: str, error: str) -> bool:
    """The other side will never take it: keep it, with the reason, for a person to see; False as `sent`."""
    return leases.settle(tx, leases.OUTBOX, number, worker, state="failed", error=error)


def due(tx: Transaction, now: float) -> bool:
    """Whether anything can be tried now."""
    return _first_due(tx, "1", now) is not None


def _first_due(tx: Transaction, columns: str, now: float) -> Row | None:
    query = f"SELECT {columns} FROM outbox WHERE state = 'queued' AND {{}} ORDER BY due_at, number LIMIT 1"
    row: Row | None = tx.execute(query.format("due_at <= ?"), (now,)).fetchone()
    if row is None:  # queued or put off while the clock was ahead: no delay is longer than the last one
        row = tx.execute(query.format("due_at > ?"), (now + _DELAYS[-1],)).fetchone()
    return row


def get(tx: Transaction, number: int) -> QueueEntry:
    """One entry. Raises NotFound."""
    row = tx.execute(f"SELECT {_COLUMNS} FROM outbox WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"nothing in the outbox has number {number}", command("mailgate outbox list"))
    return _from_row(row)


def octets(tx: Transaction, number: int) -> bytes:
    """The message of an entry, whole: one stored body serves all who get a copy of it. Raises NotFound."""
    row = tx.execute("SELECT octets, message, body_at FROM outbox WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"nothing in the outbox has number {number}", command("mailgate outbox list"))
    own: bytes = row["octets"]
    if row["body_at"] is None:
        return own
    raw = tx.execute("SELECT octets FROM raw WHERE message = ?", (row["message"],)).fetchone()
    return own + bytes(memoryview(raw["octets"])[row["body_at"] :])


def listing(tx: Transaction) -> list[QueueEntry]:
    """Every entry, also what was sent, oldest first."""
    return [_from_row(row) for row in tx.execute(f"SELECT {_COLUMNS} FROM outbox ORDER BY number")]


def left(tx: Transaction) -> int:
    """How many messages are queued, due or not."""
    count: int = tx.execute("SELECT count(*) FROM outbox WHERE state = 'queued'").fetchone()[0]
    return count


def stuck(tx: Transaction, now: float, *, sending: bool = True, but: str = "") -> Stuck:
    """What does not leave. Without `sending` (`submit.method` is none) it is no fault that something is queued.

    `but`: a kind that does not count.
    """
    failed: int = tx.execute(f"SELECT count(*) FROM outbox WHERE {_FAILED} AND kind != ?", (but,)).fetchone()[0]
    if not sending:
        return Stuck(failed, 0)
    query = f"SELECT count(*) FROM outbox WHERE {_OVERDUE} AND kind != ?"
    return Stuck(failed, tx.execute(query, (*around(now, STUCK), but)).fetchone()[0])


_FAILED = "state = 'failed'"
_OVERDUE = "state = 'queued' AND (created_at < ? OR (created_at > ? AND tries > 0))"
"""Also what was queued while the clock was ahead, and does not leave now."""


def first_failed(tx: Transaction) -> QueueEntry | None:
    """The oldest message that failed for good."""
    return _first(tx, _FAILED)


def first_overdue(tx: Transaction, now: float) -> QueueEntry | None:
    """The oldest message that has been queued for too long, one that was tried before one that was not."""
    return _first(tx, _OVERDUE, *around(now, STUCK), order="tries = 0, number")


def _first(tx: Transaction, where: str, *values: object, order: str = "number") -> QueueEntry | None:
    row = tx.execute(f"SELECT {_COLUMNS} FROM outbox WHERE {where} ORDER BY {order} LIMIT 1", values).fetchone()
    return _from_row(row) if row else None


def due_before(tx: Transaction, moment: float) -> tuple[int, float]:
    """How many queued messages were due before a moment, and since when the first one is (that moment for none)."""
    query = "SELECT count(*) AS n, coalesce(min(due_at), ?) AS due FROM outbox WHERE state = 'queued' AND due_at < ?"
    row = tx.execute(query, (moment, moment)).fetchone()
    return row["n"], row["due"]


def retry(tx: Transaction, number: int, now: float) -> QueueEntry:
    """Make an entry due at once. Raises NotFound; Problem when it was sent, or is claimed: it would be sent twice."""
    entry = get(tx, number)
    if entry.state == "sent":
        raise Problem(f"outbox {number} was sent already", command("mailgate outbox show {N}", number))
    if leases.holder(tx, leases.OUTBOX, number, now):
        minutes = int((entry.due_at - now) / 60) + 1
        raise Problem(
            f"outbox {number} is being sent; if its worker died, it is free again in {minutes} min",
            command("mailgate outbox show {N}", number),
        )
    leases.void(tx, leases.OUTBOX, number)
    tx.execute("UPDATE outbox SET state = 'queued', due_at = ? WHERE number = ?", (now, number))
    return get(tx, number)


def drop(tx: Transaction, number: int) -> None:
    """Remove an entry. Raises NotFound."""
    get(tx, number)
    tx.execute("DELETE FROM outbox WHERE number = ?", (number,))


def _from_row(row: Row) -> QueueEntry:
    return QueueEntry(**{name: row[name] for name in QueueEntry._fields})
