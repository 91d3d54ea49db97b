"""The signing keys: two at most, so that signatures from before a rotation stay valid after it."""

import os

from mailgate.store.database import Transaction
from mailgate.values import token
from mailgate.values.light import NamedTuple

KEPT = 2
"""Keys that are kept."""


class Key(NamedTuple):
    """A key without its secret. `name`: the two letters that signed addresses contain; created_at: epoch seconds, 0
    for a key that was made with a store of schema 7 or older."""

    number: int
    name: str
    created_at: float


def secrets(tx: Transaction) -> tuple[bytes, ...]:
    """The secrets, the one that signs first."""
    return tuple(row["secret"] for row in tx.execute("SELECT secret FROM signing_key ORDER BY number DESC"))


def listing(tx: Transaction) -> list[Key]:
    """The keys, oldest first; the last one signs."""
    rows = tx.execute("SELECT * FROM signing_key ORDER BY number")
    return [Key(row["number"], token.fingerprint(row["secret"]), row["created_at"]) for row in rows]


def oldest(tx: Transaction) -> float:
    """When the oldest key was made, epoch seconds; the store itself is as old or older."""
    created: float = tx.execute("SELECT min(created_at) FROM signing_key").fetchone()[0]
    return created


def rotate(tx: Transaction, now: float) -> list[Key]:
    """Make a new key that signs from now on, and delete all but the one before it."""
    taken = {key.name for key in listing(tx)}
    secret = os.urandom(32)
    while token.fingerprint(secret) in taken:  # one in a thousand: two keys with one name would both be tried
        secret = os.urandom(32)
    tx.execute("INSERT INTO signing_key (secret, created_at) VALUES (?, ?)", (secret, now))
    for key in listing(tx)[:-KEPT]:
        tx.execute("DELETE FROM signing_key WHERE number = ?", (key.number,))
    return listing(tx)
