"""What was collected from each mailbox, message by message, so that no message is lost or taken twice.

A message is known by the id that its server never changes: a UID within one UIDVALIDITY, a UIDL. Its row is written in
the transaction that takes the message.
"""

from collections.abc import Iterable
from typing import NamedTuple

from mailgate.store.database import Transaction

TRIES = 3
"""Failed attempts at one message after which it is given up and skipped."""


class Row(NamedTuple):
    """What is known of a message.

    state: pending (attempts failed), taken, or failed (given up, or only its header was taken). `acknowledged`: whether
    the server was told, where that is needed.
    """

    id: str
    state: str
    attempts: int
    error: str
    acknowledged: bool

    @property
    def settled(self) -> bool:
        """Whether it is not tried again."""
        return self.state != "pending"


class Failed(NamedTuple):
    """A message that could not be collected as a whole."""

    folder: str
    id: str
    error: str


def mailbox(tx: Transaction, server: int | None, folder: str, validity: str) -> int:
    """The number of a folder of a server (None: of this machine) in one UIDVALIDITY, made when it is new."""
    query = "SELECT number FROM mailbox WHERE coalesce(server, 0) = ? AND folder = ? AND validity = ?"
    row = tx.execute(query, (server or 0, folder, validity)).fetchone()
    if row is None:
        tx.execute("INSERT INTO mailbox (server, folder, validity) VALUES (?, ?, ?)", (server, folder, validity))
        row = tx.execute(query, (server or 0, folder, validity)).fetchone()
    return int(row["number"])


def known(tx: Transaction, mailbox: int) -> dict[str, Row]:
    """Every message of a mailbox that was tried, by its id."""
    rows = tx.execute("SELECT id, state, attempts, error, acknowledged FROM collected WHERE mailbox = ?", (mailbox,))
    return {
        row["id"]: Row(row["id"], row["state"], row["attempts"], row["error"], bool(row["acknowledged"]))
        for row in rows
    }


def settle(tx: Transaction, mailbox: int, id: str, state: str, error: str = "", *, acknowledged: bool) -> None:
    """Record that a message was taken, or failed."""
    tx.execute(
        "INSERT INTO collected (mailbox, id, state, attempts, error, acknowledged) VALUES (?, ?, ?, 0, ?, ?)"
        " ON CONFLICT (mailbox, id) DO UPDATE"
        " SET state = excluded.state, error = excluded.error, acknowledged = excluded.acknowledged",
        (mailbox, id, state, error, int(acknowledged)),
    )


def tried(tx: Transaction, mailbox: int, id: str, error: str) -> int:
    """Record a failed attempt at a message; how many there were."""
    tx.execute(
        "INSERT INTO collected (mailbox, id, state, attempts, error, acknowledged) VALUES (?, ?, 'pending', 1, ?, 0)"
        " ON CONFLICT (mailbox, id) DO UPDATE SET attempts = collected.attempts + 1, error = excluded.error",
        (mailbox, id, error),
    )
    row = tx.execute("SELECT attempts FROM collected WHERE mailbox = ? AND id = ?", (mailbox, id)).fetchone()
    return int(row["attempts"])


def acknowledge(tx: Transaction, mailbox: int, ids: Iterable[str]) -> None:
    """Record that the server was told about these messages."""
    tx.executemany("UPDATE collected SET acknowledged = 1 WHERE mailbox = ? AND id = ?", [(mailbox, id) for id in ids])


def forget(tx: Transaction, mailbox: int, ids: Iterable[str]) -> None:
    """Forget messages that the server no longer has; it never uses an id again."""
    tx.executemany("DELETE FROM collected WHERE mailbox = ? AND id = ?", [(mailbox, id) for id in ids])


def has_former(tx: Transaction, server: int, folder: str, mailbox: int) -> bool:
    """Whether rows of a folder under an earlier UIDVALIDITY are kept."""
    query = "SELECT 1 FROM mailbox WHERE server = ? AND folder = ? AND number != ?"
    return tx.execute(query, (server, folder, mailbox)).fetchone() is not None


def forget_former(tx: Transaction, server: int, folder: str, mailbox: int) -> None:
    """Forget what a folder held under an earlier UIDVALIDITY."""
    folders = "SELECT number FROM mailbox WHERE server = ? AND folder = ? AND number != ?"
    tx.execute(f"DELETE FROM collected WHERE mailbox IN ({folders})", (server, folder, mailbox))
    tx.execute("DELETE FROM mailbox WHERE server = ? AND folder = ? AND number != ?", (server, folder, mailbox))


def again(tx: Transaction, server: int) -> int:
    """Try the failed messages of a server again from the start; how many there are."""
    folders = "SELECT number FROM mailbox WHERE server = ?"
    return tx.execute(
        f"DELETE FROM collected WHERE state != 'taken' AND mailbox IN ({folders})",
        (server,),
    ).rowcount


def failed(tx: Transaction, server: int) -> list[Failed]:
    """The messages of a server that could not be collected as a whole, oldest mailbox first."""
    rows = tx.execute(
        "SELECT folder, id, error FROM collected JOIN mailbox ON mailbox.number = collected.mailbox"
        " WHERE server = ? AND state = 'failed' ORDER BY mailbox.number, id",
        (server,),
    )
    return [Failed(row["folder"], row["id"], row["error"]) for row in rows]
