"""The signing keys: two at most, so that what was signed before a rotation still counts after it."""

import os
from typing import NamedTuple

from mailgate.store.database import Transaction
from mailgate.values import token

KEPT = 2


class Key(NamedTuple):
    """A key without its secret. `name`: the two letters that stand in signed addresses; created_at: epoch seconds, 0
    for the key that was made with the store."""

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


def rotate(tx: Transaction, now: float) -> list[Key]:
    """Make a new key that signs from now on, and forget all but the one before it."""
    taken = {each.name for each in listing(tx)}
    secret = os.urandom(32)
    while token.fingerprint(secret) in taken:  # one in a thousand: two keys of one name would be tried in turn
        secret = os.urandom(32)
    tx.execute("INSERT INTO signing_key (secret, created_at) VALUES (?, ?)", (secret, now))
    for each in listing(tx)[:-KEPT]:
        tx.execute("DELETE FROM signing_key WHERE number = ?", (each.number,))
    return listing(tx)
