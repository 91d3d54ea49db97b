"""What was sent to whom: one delivery per message and recipient, which signed addresses and report ids lead back to."""

from collections.abc import Iterable

from mailgate.store.database import Transaction
from mailgate.values.record import Ref


def add(tx: Transaction, message: int, ref: Ref, recipient: str, message_id: str) -> int:
    """Note that a message of a record goes to a recipient (an `Address.key`, or empty) under an id; its number."""
    row = tx.execute(
        "INSERT INTO delivery (message, model, id, recipient, message_id) VALUES (?, ?, ?, ?, ?) RETURNING number",
        (message, *ref, recipient, message_id),
    ).fetchone()
    return int(row["number"])


def find(tx: Transaction, message: int, ref: Ref, recipient: str) -> int | None:
    """The number under which a message of a record went to a recipient already."""
    query = "SELECT number FROM delivery WHERE message = ? AND model = ? AND id = ? AND recipient = ?"
    row = tx.execute(query, (message, *ref, recipient)).fetchone()
    return row["number"] if row else None


def complained(tx: Transaction, address: str) -> bool:
    """Whether somebody called our mail spam, as a signature of ours proves, and nobody has seen to it yet."""
    query = "SELECT 1 FROM failure WHERE follower = ? AND kind = 'complaint' AND state = 'open'"
    return tx.execute(query, (address,)).fetchone() is not None


def failing(tx: Transaction, ref: Ref) -> frozenset[str]:
    """The followers of a record whom its mail cannot reach, as a signature of ours proves."""
    query = (
        "SELECT follower FROM failure WHERE model = ? AND id = ? AND permanent = 1 AND state = 'open'"
        " AND follower IS NOT NULL AND kind != 'complaint'"
    )
    return frozenset(row["follower"] for row in tx.execute(query, ref))


def stops(tx: Transaction, ref: Ref | None, addresses: Iterable[str]) -> dict[str, str]:
    """Why some of these addresses get no copies of a record's mail."""
    unreachable = failing(tx, ref) if ref else frozenset()
    found = {}
    for each in addresses:
        if each in unreachable:
            found[each] = "mail to it fails"
        elif complained(tx, each):
            found[each] = "it complained"
    return found
