"""What is still owed: queue, claim with a lease, settle.

A claimed debt is due again when its lease has run out, and names the worker that has it: a worker that died costs a
delay and no message, and one that comes back late settles nothing that is somebody else's by now. What was handed over
but never settled is sent again, with the same Message-ID: at least once.
"""

from typing import NamedTuple

from mailgate.store.database import Row, Transaction
from mailgate.values import address, srs
from mailgate.values.problem import NotFound, Problem, command

LEASE = 600.0
"""Seconds after which a claim of a worker that died is void."""
_DELAYS = (60, 300, 900, 3_600, 10_800, 21_600, 43_200)
"""Seconds until the next try: growing, then the last one for ever; nothing is given up by itself."""


class Debt(NamedTuple):
    """A row of the outbox. state: queued, sent or failed; due and made: epoch seconds.

    With `body_at`, `octets` is a header only: the body is that of the stored `message`, from this octet on.
    """

    number: int
    kind: str
    reason: str
    about: str
    recipient: str
    reverse_path: str | None
    subject: str
    octets: bytes
    message: int | None
    body_at: int | None
    state: str
    tries: int
    due: float
    error: str
    made: float


def queue(
    tx: Transaction,
    kind: str,
    reason: str,
    about: str,
    recipient: str,
    reverse_path: str | None,
    subject: str,
    octets: bytes,
    message: int | None,
    now: float,
    body_at: int | None = None,
) -> int:
    """Owe one message to one recipient; its number. Answers to one person are counted whatever the spelling."""
    person = address.lenient(recipient)
    row = tx.execute(
        "INSERT INTO outbox (kind, reason, about, recipient, person, reverse_path, subject, octets, message, body_at,"
        " made, due, state, tries, lease, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', 0, NULL, '')"
        " RETURNING number",
        (
            *(kind, reason, about, recipient, srs.original(person).key if person else recipient, reverse_path),
            *(subject, octets, message, body_at, now, now),
        ),
    ).fetchone()
    return int(row["number"])


def give_up(
    tx: Transaction,
    kind: str,
    reason: str,
    about: str,
    recipient: str,
    subject: str,
    error: str,
    message: int,
    now: float,
) -> None:
    """Note what could not even be written, for a person to see."""
    number = queue(tx, kind, reason, about, recipient, None, subject, b"", message, now)
    tx.execute("UPDATE outbox SET state = 'failed', error = ? WHERE number = ?", (error, number))


def claim(tx: Transaction, worker: str, now: float) -> Debt | None:
    """Take the next debt that is due, for LEASE seconds; None when nothing is. A claim by a dead worker runs out."""
    row = tx.execute(
        "SELECT * FROM outbox WHERE state = 'queued' AND due <= ? ORDER BY due, number LIMIT 1", (now,)
    ).fetchone()
    if row is None:
        return None
    tx.execute(
        "UPDATE outbox SET lease = ?, due = ?, tries = tries + 1 WHERE number = ?", (worker, now + LEASE, row["number"])
    )
    return _from_row(row)._replace(tries=row["tries"] + 1)


def sent(tx: Transaction, number: int, worker: str) -> bool:
    """Settle a debt; False when the claim had run out and somebody else has it now."""
    return _settle(tx, number, worker, "UPDATE outbox SET state = 'sent', error = '', lease = NULL")


def put_off(tx: Transaction, debt: Debt, worker: str, error: str, now: float) -> bool:
    """Try again later, each time after a longer while."""
    due = now + _DELAYS[min(debt.tries, len(_DELAYS)) - 1]
    return _settle(tx, debt.number, worker, "UPDATE outbox SET error = ?, due = ?, lease = NULL", error, due)


def refuse(tx: Transaction, number: int, worker: str, error: str) -> bool:
    """The other side will never take it: keep it, with the reason, for a person to see."""
    return _settle(tx, number, worker, "UPDATE outbox SET state = 'failed', error = ?, lease = NULL", error)


def _settle(tx: Transaction, number: int, worker: str, update: str, *values: object) -> bool:
    return tx.execute(f"{update} WHERE number = ? AND lease = ?", (*values, number, worker)).rowcount == 1


def due(tx: Transaction, now: float) -> bool:
    """Whether anything can be tried now."""
    row = tx.execute("SELECT 1 FROM outbox WHERE state = 'queued' AND due <= ? LIMIT 1", (now,)).fetchone()
    return row is not None


def get(tx: Transaction, number: int) -> Debt:
    """One debt. Raises NotFound."""
    row = tx.execute("SELECT * FROM outbox WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"nothing in the outbox has number {number}", command("mailgate outbox list"))
    return _from_row(row)


def whole(tx: Transaction, debt: Debt) -> bytes:
    """The message of a debt: one body serves all who get a copy, so that it is stored once."""
    if debt.body_at is None:
        return debt.octets
    row = tx.execute("SELECT octets FROM raw WHERE message = ?", (debt.message,)).fetchone()
    return debt.octets + bytes(memoryview(row["octets"])[debt.body_at :])


def listing(tx: Transaction) -> list[Debt]:
    """Everything owed or paid, oldest first."""
    return [_from_row(row) for row in tx.execute("SELECT * FROM outbox ORDER BY number")]


def left(tx: Transaction) -> int:
    """How many debts wait, due or not."""
    found: int = tx.execute("SELECT count(*) FROM outbox WHERE state = 'queued'").fetchone()[0]
    return found


def stuck(tx: Transaction, since: float, but: str) -> int:
    """How many messages of another kind than `but` failed, or wait since then."""
    query = "SELECT count(*) FROM outbox WHERE kind != ? AND (state = 'failed' OR (state = 'queued' AND made < ?))"
    found: int = tx.execute(query, (but, since)).fetchone()[0]
    return found


def retry(tx: Transaction, number: int, now: float) -> Debt:
    """Make a debt due at once. Raises NotFound; Problem when it is paid, or claimed: it would be sent twice."""
    debt = get(tx, number)
    if debt.state == "sent":
        raise Problem(f"outbox {number} was sent already", command("mailgate outbox show {N}", number))
    claimed = "SELECT 1 FROM outbox WHERE number = ? AND state = 'queued' AND lease IS NOT NULL AND due > ?"
    if tx.execute(claimed, (number, now)).fetchone():
        minutes = int((debt.due - now) / 60) + 1
        raise Problem(
            f"outbox {number} is being sent; if its worker died, it is free again in {minutes} min",
            command("mailgate outbox show {N}", number),
        )
    tx.execute("UPDATE outbox SET state = 'queued', due = ?, lease = NULL WHERE number = ?", (now, number))
    return get(tx, number)


def drop(tx: Transaction, number: int) -> None:
    """Forget a debt. Raises NotFound."""
    get(tx, number)
    tx.execute("DELETE FROM outbox WHERE number = ?", (number,))


def _from_row(row: Row) -> Debt:
    return Debt(**{name: row[name] for name in Debt._fields})
