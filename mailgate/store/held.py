"""Held mail, and refused mail that was answered by a reply: what is kept on no record, and why."""

from mailgate.store.database import Row, Transaction, bound
from mailgate.values.light import NamedTuple
from mailgate.values.problem import NotFound, command

DAY = 86_400.0
MOST_COUNTED = 1_000
"""Up to how many the mail is counted that is quiet because so much was held already."""
PILED_UP = "'catchall', 'policy', 'rate-limit', 'no-route', 'loop', 'outsider'"
"""Reasons, in SQL, for which strangers can have as much mail held as they like."""


class Held(NamedTuple):
    """A message that waits for a person (or, `refused`, that was refused and is kept). held_at: epoch seconds.

    withheld: the message is on a record, and only its copies to the followers wait.
    """

    message: int
    reason: str
    note: str
    quiet: bool
    refused: bool
    version: str
    held_at: float
    withheld: bool = False


def keep(tx: Transaction, entry: Held) -> None:
    """Put a message on the list, in place of an entry it had."""
    release(tx, entry.message)
    tx.execute(
        "INSERT INTO held (message, reason, note, quiet, refused, version, held_at, withheld)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        bound(entry),
    )


def release(tx: Transaction, number: int) -> None:
    """Take a message off the list."""
    tx.execute("DELETE FROM held WHERE message = ?", (number,))


def get(tx: Transaction, number: int) -> Held:
    """One entry. Raises NotFound."""
    row = tx.execute("SELECT * FROM held WHERE message = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"message {number} is not held", command("mailgate held list"))
    return _from_row(row)


def find(tx: Transaction, number: int) -> Held | None:
    """The entry of a message, None where it is not on the list."""
    row = tx.execute("SELECT * FROM held WHERE message = ?", (number,)).fetchone()
    return _from_row(row) if row else None


def listing(tx: Transaction, *, refused: bool = False) -> list[Held]:
    """Held mail, or the refused mail that is kept, oldest first."""
    rows = tx.execute("SELECT * FROM held WHERE refused = ? ORDER BY message", (int(refused),))
    return [_from_row(row) for row in rows]


class Open(NamedTuple):
    """Held mail that is not quiet: how many messages failed, how many there are in all, when the oldest was held."""

    failed: int
    total: int
    oldest: float | None


def still_open(tx: Transaction) -> Open:
    """Count what a person should look at."""
    row = tx.execute(
        "SELECT coalesce(sum(CASE reason WHEN 'failed' THEN 1 ELSE 0 END), 0) AS failed, count(*) AS n,"
        " min(held_at) AS oldest FROM held WHERE refused = 0 AND quiet = 0"
    ).fetchone()
    return Open(row["failed"], row["n"], row["oldest"])


def crowded_out(tx: Transaction) -> int:
    """Count the mail of persons that is quiet only because so much was held already, up to MOST_COUNTED."""
    query = (
        "SELECT count(*) FROM (SELECT 1 FROM held JOIN message ON message.number = held.message WHERE refused = 0"
        f" AND quiet = 1 AND held.reason IN ({PILED_UP}) AND class = 'person' LIMIT ?) AS some"
    )
    count: int = tx.execute(query, (MOST_COUNTED,)).fetchone()[0]
    return count


def failed_elsewhere(tx: Transaction, version: str) -> list[int]:
    """Complete messages on which another version of the program failed."""
    rows = tx.execute(
        "SELECT held.message FROM held JOIN message ON message.number = held.message"
        " JOIN raw ON raw.message = held.message"
        " WHERE held.reason = 'failed' AND version != ? AND size <= length(octets) ORDER BY held.message",
        (version,),
    )
    return [row["message"] for row in rows]


def stale(tx: Transaction, days: int, now: float) -> list[int]:
    """Quiet entries that were left alone for so many days; none for 0 days, which means for ever.

    That the days have passed is believed when a message came in the last of them or later: a clock that jumps ahead
    must not drop what came today.
    """
    if days <= 0:
        return []
    rows = tx.execute(
        "SELECT message FROM held WHERE quiet = 1 AND held_at < ? AND EXISTS (SELECT 1 FROM message"
        " WHERE received_at > held_at + ? AND received_at <= ?) ORDER BY message",
        (now - days * DAY, max((days - 1) * DAY, 0.5 * DAY), now),
    )
    return [row["message"] for row in rows]


def _from_row(row: Row) -> Held:
    return Held(
        message=row["message"],
        reason=row["reason"],
        note=row["note"],
        quiet=bool(row["quiet"]),
        refused=bool(row["refused"]),
        version=row["version"],
        held_at=row["held_at"],
        withheld=bool(row["withheld"]),
    )
