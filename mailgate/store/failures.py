"""Failures of what we sent: recorded once on message and recipient, shown until somebody has seen to them."""

from typing import NamedTuple

from mailgate.routing.decision import Reported
from mailgate.store.database import Row, Transaction
from mailgate.values.problem import NotFound, command
from mailgate.values.record import Ref


class Failure(NamedTuple):
    """A row of `failure`. `message` is the stored message that failed, `report` the one that said so.

    `follower` is the address whose mail stopped, None where nothing proves the report; state: open or acked.
    """

    number: int
    recipient: str | None
    message: int | None
    message_id: str | None
    record: Ref | None
    follower: str | None
    action: str
    status: str
    kind: str
    permanent: bool
    diagnostic: str
    remote: str
    report: int
    state: str
    created_at: float


def note(tx: Transaction, report: int, found: Reported, now: float) -> int:
    """Record a failure, once for a message and its recipient; the number. A better report betters the entry.

    What a proved report said only a proved one changes, for it changes behaviour. What has become worse is open again.
    Without a message that could be named, every report is an entry of its own.
    """
    old = _same(tx, found)
    if old:
        proves = found.follower is not None and old.follower is None
        if proves or (_betters(found, old) and (found.follower or not old.follower)):
            worse = found.permanent and not old.permanent
            tx.execute(
                "UPDATE failure SET action = ?, status = ?, kind = ?, permanent = ?, diagnostic = ?, remote = ?,"
                " follower = coalesce(?, follower), state = ? WHERE number = ?",
                (*_said(found), found.follower, "open" if worse else old.state, old.number),
            )
        return old.number
    ref = found.record or (None, None)
    row = tx.execute(
        "INSERT INTO failure (recipient, message, message_id, model, id, follower, action, status, kind, permanent,"
        " diagnostic, remote, report, state, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?) RETURNING number",
        (found.recipient, found.stored, found.message, *ref, found.follower, *_said(found), report, now),
    ).fetchone()
    if found.recipient:
        tx.execute("UPDATE contact SET bounces = bounces + 1 WHERE address = ?", (found.recipient,))
    return int(row["number"])


def _betters(found: Reported, old: Failure) -> bool:
    """Whether a report says more than the entry: that it is for good, or why. What was for good stays so."""
    if found.permanent != old.permanent:
        return found.permanent
    return old.kind == "unknown" and found.kind != "unknown"


def _said(found: Reported) -> tuple[str, str, str, int, str, str]:
    return found.action, found.status, found.kind, int(found.permanent), found.diagnostic, found.remote


def _same(tx: Transaction, found: Reported) -> Failure | None:
    """The entry for the same message and recipient. A complaint is a matter of its own, and so is each follower that
    forwards to one address."""
    if found.stored is None and found.message is None:
        return None
    column, value = ("message", found.stored) if found.stored is not None else ("message_id", found.message)
    row = tx.execute(
        f"SELECT * FROM failure WHERE {column} = ? AND coalesce(recipient, '') = ?"
        " AND CASE WHEN kind = 'complaint' THEN 1 ELSE 0 END = ?"
        " AND coalesce(follower, ?, '') = coalesce(?, follower, '') ORDER BY number",
        (value, found.recipient or "", int(found.kind == "complaint"), found.follower, found.follower),
    ).fetchone()
    return _from_row(row) if row else None


def get(tx: Transaction, number: int) -> Failure:
    """One failure. Raises NotFound."""
    row = tx.execute("SELECT * FROM failure WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"no failure {number}", command("mailgate bounce list --all"))
    return _from_row(row)


def listing(tx: Transaction, *, acked: bool = False) -> list[Failure]:
    """Open failures, with `acked` all of them, oldest first."""
    where = "" if acked else " WHERE state = 'open'"
    return [_from_row(row) for row in tx.execute(f"SELECT * FROM failure{where} ORDER BY number")]


def count_open(tx: Transaction) -> int:
    """How many failures are open."""
    count: int = tx.execute("SELECT count(*) FROM failure WHERE state = 'open'").fetchone()[0]
    return count


def of_message(tx: Transaction, number: int) -> list[Failure]:
    """The failures of one message, oldest first."""
    return [_from_row(row) for row in tx.execute("SELECT * FROM failure WHERE message = ? ORDER BY number", (number,))]


def ack(tx: Transaction, number: int) -> Failure:
    """Call a failure seen to: its recipient gets mail again. Raises NotFound."""
    get(tx, number)
    tx.execute("UPDATE failure SET state = 'acked' WHERE number = ?", (number,))
    return get(tx, number)


def _from_row(row: Row) -> Failure:
    return Failure(
        number=row["number"],
        recipient=row["recipient"],
        message=row["message"],
        message_id=row["message_id"],
        record=Ref(row["model"], row["id"]) if row["model"] else None,
        follower=row["follower"],
        action=row["action"],
        status=row["status"],
        kind=row["kind"],
        permanent=bool(row["permanent"]),
        diagnostic=row["diagnostic"],
        remote=row["remote"],
        report=row["report"],
        state=row["state"],
        created_at=row["created_at"],
    )
