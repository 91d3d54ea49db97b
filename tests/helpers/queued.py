"""The queued messages with all their octets."""

from collections.abc import Sequence
from typing import NamedTuple

from mailgate.store import outbox
from mailgate.store.database import Transaction
from mailgate.store.outbox import QueueEntry


class Queued(NamedTuple):
    """A message in the outbox; `octets` is all of it, `own` what is stored with it alone."""

    number: int
    kind: str
    about: str
    recipient: str
    reverse_path: str | None
    state: str
    error: str
    octets: bytes
    own: bytes


def queued(tx: Transaction, numbers: Sequence[int] | None = None) -> list[Queued]:
    """The messages with these numbers, or all of them, oldest first."""
    entries = outbox.listing(tx) if numbers is None else [outbox.get(tx, number) for number in numbers]
    return [_whole(tx, entry) for entry in entries]


def _whole(tx: Transaction, entry: QueueEntry) -> Queued:
    own: bytes = tx.execute("SELECT octets FROM outbox WHERE number = ?", (entry.number,)).fetchone()["octets"]
    fields = {name: getattr(entry, name) for name in Queued._fields[:-2]}
    return Queued(**fields, octets=outbox.octets(tx, entry.number), own=own)
