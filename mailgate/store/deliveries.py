"""What was sent to whom, a row per message and recipient: signed addresses and the ids in reports lead back to it."""

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
