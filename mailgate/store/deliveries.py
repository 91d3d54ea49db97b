"""What was sent to whom, a row per message and recipient: signed addresses and the ids in reports lead back to it."""

from collections.abc import Iterable

from mailgate.store.database import Transaction
from mailgate.values.record import Ref


def add(tx: Transaction, message: int, ref: Ref, recipient: str, message_id: str) -> int:
    """Record that a message of a record goes to a recipient (an `Address.key`, or empty) under an id; its number."""
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
    """Whether a recipient called our mail spam, proved by a signature of ours, and the complaint is still open."""
    query = "SELECT 1 FROM failure WHERE follower = ? AND kind = 'complaint' AND state = 'open'"
    return tx.execute(query, (address,)).fetchone() is not None


def failing(tx: Transaction, ref: Ref) -> frozenset[str]:
    """The followers whom mail of a record cannot reach, proved by a signature of ours."""
    query = (
        "SELECT follower FROM failure WHERE model = ? AND id = ? AND permanent = 1 AND state = 'open'"
        " AND follower IS NOT NULL AND kind != 'complaint'"
    )
    return frozenset(row["follower"] for row in tx.execute(query, ref))


def stops(tx: Transaction, ref: Ref | None, addresses: Iterable[str]) -> dict[str, str]:
    """Why some of these addresses get no copies of a record's mail."""
    unreachable = failing(tx, ref) if ref else frozenset()
    reasons = {}
    for address in addresses:
        if address in unreachable:
            reasons[address] = "mail to it fails"
        elif complained(tx, address):
            reasons[address] = "it complained"
    return reasons
