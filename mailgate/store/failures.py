"""Failures of messages we sent: one entry for a message and a recipient, open until it is acknowledged."""

from mailgate.routing.decision import Reported
from mailgate.store.database import Row, Transaction
from mailgate.values.light import NamedTuple
from mailgate.values.problem import NotFound, command
from mailgate.values.record import Ref


class Failure(NamedTuple):
    """A row of `failure`. `message` is the stored message that failed, `report` the one that said so.

    `follower` is the address whose mail stopped, None where nothing proves the report; state: open or acked. `name` is
    whom the report named in place of the recipient; quiet: nothing ties it to a message of ours.
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
    name: str | None = None
    quiet: bool = False


def note(tx: Transaction, number: int, report: Reported, now: float) -> int:
    """Record a failure, once for a message and its recipient; its number. A report that says more improves the entry.

    Only a proved report changes what a proved one said, because that changes behaviour. An entry that gets worse is
    open again. A report that names no message makes an entry of its own.
    """
    old = _entry_for(tx, report)
    if old:
        if old.quiet and not report.quiet:
            tx.execute("UPDATE failure SET quiet = 0 WHERE number = ?", (old.number,))
        proves = report.follower is not None and old.follower is None
        if proves or (_improves(report, old) and (report.follower or not old.follower)):
            worse = report.permanent and not old.permanent
            tx.execute(
                "UPDATE failure SET action = ?, status = ?, kind = ?, permanent = ?, diagnostic = ?, remote = ?,"
                " follower = coalesce(?, follower), name = coalesce(?, name), state = ? WHERE number = ?",
                (*_values(report), report.follower, report.name, "open" if worse else old.state, old.number),
            )
        return old.number
    ref = report.record or (None, None)
    row = tx.execute(
        "INSERT INTO failure (recipient, message, message_id, model, id, follower, action, status, kind, permanent,"
        " diagnostic, remote, report, state, created_at, name, quiet)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?) RETURNING number",
        (
            *(report.recipient, report.stored, report.message, *ref, report.follower, *_values(report), number, now),
            *(report.name, int(report.quiet)),
        ),
    ).fetchone()
    if report.recipient and not report.quiet:
        tx.execute("UPDATE contact SET bounces = bounces + 1 WHERE address = ?", (report.recipient,))
    return int(row["number"])


def _improves(report: Reported, old: Failure) -> bool:
    """Whether a report says more than the entry: that the failure is permanent, or why. Permanent stays permanent."""
    if report.permanent != old.permanent:
        return report.permanent
    return old.kind == "unknown" and report.kind != "unknown"


def _values(report: Reported) -> tuple[str, str, str, int, str, str]:
    return report.action, report.status, report.kind, int(report.permanent), report.diagnostic, report.remote


def _entry_for(tx: Transaction, report: Reported) -> Failure | None:
    """The entry for the same message and recipient. A complaint has an entry of its own, and so has each follower that
    forwards to one address."""
    if report.stored is None and report.message is None:
        return None
    column, value = ("message", report.stored) if report.stored is not None else ("message_id", report.message)
    row = tx.execute(
        f"SELECT * FROM failure WHERE {column} = ? AND coalesce(recipient, '') = ?"
        " AND CASE WHEN kind = 'complaint' THEN 1 ELSE 0 END = ?"
        " AND coalesce(follower, ?, '') = coalesce(?, follower, '') ORDER BY number",
        (value, report.recipient or "", int(report.kind == "complaint"), report.follower, report.follower),
    ).fetchone()
    return _from_row(row) if row else None


def get(tx: Transaction, number: int) -> Failure:
    """One failure. Raises NotFound."""
    row = tx.execute("SELECT * FROM failure WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"no failure {number}", command("mailgate bounce list --all"))
    return _from_row(row)


def listing(tx: Transaction, *, acked: bool = False) -> list[Failure]:
    """Open failures that are not quiet, with `acked` all of them, oldest first."""
    where = "" if acked else " WHERE state = 'open' AND quiet = 0"
    return [_from_row(row) for row in tx.execute(f"SELECT * FROM failure{where} ORDER BY number")]


def count_open(tx: Transaction) -> int:
    """How many failures are open and not quiet."""
    count: int = tx.execute("SELECT count(*) FROM failure WHERE state = 'open' AND quiet = 0").fetchone()[0]
    return count


def of_message(tx: Transaction, number: int) -> list[Failure]:
    """The failures of one message, oldest first."""
    return [_from_row(row) for row in tx.execute("SELECT * FROM failure WHERE message = ? ORDER BY number", (number,))]


def reported_in(tx: Transaction, number: int) -> int | None:
    """The last failure that a message reported."""
    row = tx.execute("SELECT max(number) FROM failure WHERE report = ?", (number,)).fetchone()
    return row[0]  # type: ignore[no-any-return]


def ack(tx: Transaction, number: int) -> Failure:
    """Acknowledge a failure: its recipient gets mail again. Raises NotFound."""
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
        name=row["name"],
        quiet=bool(row["quiet"]),
    )
