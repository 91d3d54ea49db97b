"""The log of what administrators changed: one entry a command."""

from typing import NamedTuple

from mailgate.store.database import Transaction
from mailgate.values.problem import NotFound
from mailgate.values.problem import command as shell


class Change(NamedTuple):
    """A command that changed the store: who ran it, and the words after `mailgate`. changed_at: epoch seconds."""

    number: int
    changed_at: float
    person: str
    command: str


def note(tx: Transaction, person: str, command: str, now: float) -> None:
    """Add a command to the log."""
    tx.execute("INSERT INTO change (changed_at, person, command) VALUES (?, ?, ?)", (now, person, command))


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


def get(tx: Transaction, number: int) -> Change:
    """One command. Raises NotFound."""
    row = tx.execute("SELECT * FROM change WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"no change {number}", shell("mailgate log --changes"))
    return Change(**{name: row[name] for name in Change._fields})
