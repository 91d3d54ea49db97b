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
    query = (
        "SELECT number FROM delivery WHERE message = ? AND model = ? AND id = ? AND recipient = ?"
        " AND signed_for IS NULL"
    )
    row = tx.execute(query, (message, *ref, recipient)).fetchone()
    return row["number"] if row else None


def recipients(tx: Transaction, message: int, ref: Ref) -> frozenset[str]:
    """Those to whom a message of a record went, by `Address.key`."""
    query = "SELECT recipient FROM delivery WHERE message = ? AND model = ? AND id = ?"
    return frozenset(row["recipient"] for row in tx.execute(query, (message, *ref)))


def move(tx: Transaction, source: Ref, target: Ref, message: int | None = None) -> None:
    """Let the signed addresses that were made for a record lead to another one; of one message, or of all."""
    tx.execute(
        "UPDATE delivery SET model = ?, id = ?, signed_for = coalesce(signed_for, ?)"
        " WHERE model = ? AND id = ? AND message = coalesce(?, message)",
        (*target, str(source), *source, message),
    )


def revoke(tx: Transaction, recipient: str, ref: Ref | None = None) -> int:
    """Let the signed addresses that were made for a recipient give no more rights, on one record or on all.

    How many were made for them. Mail that is sent to them later has a signed address that is valid.
    """
    if ref:
        query = "UPDATE delivery SET revoked = 1 WHERE recipient = ? AND model = ? AND id = ?"
        return tx.execute(query, (recipient, *ref)).rowcount
    return tx.execute("UPDATE delivery SET revoked = 1 WHERE recipient = ?", (recipient,)).rowcount


def revoke_all_of(tx: Transaction, domain: str) -> int:
    """Do so for every recipient in a domain, written `@client.org`; how many deliveries there were."""
    query = "UPDATE delivery SET revoked = 1 WHERE substr(recipient, -length(?)) = ?"
    return tx.execute(query, (domain, domain)).rowcount
