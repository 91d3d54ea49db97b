"""The log of what administrators changed: one entry a command."""

from typing import NamedTuple

from mailgate.store.database import Transaction

_PAGE = 500


class Change(NamedTuple):
    """A command that changed the store: who ran it, and the words after `mailgate`. changed_at: epoch seconds."""

    number: int
    changed_at: float
    person: str
    command: str


def note(tx: Transaction, person: str, command: str, now: float) -> None:
    """Add a command to the log."""
    tx.execute("INSERT INTO change (changed_at, person, command) VALUES (?, ?, ?)", (now, person, command))


def page(tx: Transaction, after: int) -> list[Change]:
    """The next entries with a number above `after`, oldest first; none at the end."""
    rows = tx.execute("SELECT * FROM change WHERE number > ? ORDER BY number LIMIT ?", (after, _PAGE))
    return [Change(row["number"], row["changed_at"], row["person"], row["command"]) for row in rows]


def newest(tx: Transaction, count: int) -> list[Change]:
    """The newest entries, oldest first."""
    rows = tx.execute("SELECT * FROM change ORDER BY number DESC LIMIT ?", (count,)).fetchall()
    return [Change(row["number"], row["changed_at"], row["person"], row["command"]) for row in reversed(rows)]


def times_of(tx: Transaction, name: str, count: int) -> list[float]:
    """When a command was last run (epoch seconds), so many times at most, the newest first."""
    rows = tx.execute(
        "SELECT changed_at FROM change WHERE command >= ? AND command < ? ORDER BY number DESC LIMIT ?",
        (f"{name} ", f"{name}!", count),
    )
    return [row["changed_at"] for row in rows]
