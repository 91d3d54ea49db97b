"""Leases: a process claims a row for a time, so that no other does the same work.

The columns `holder` and `lease_until` of outbox, server and login are written here alone. A lease ends when its holder
settles it, when its time has run out, or when its holder is known to be dead.
"""

import os

from mailgate.store.database import Transaction
from mailgate.values.light import NamedTuple

LONGEST = 86_400.0
"""Seconds that no lease lasts: one that ends later was taken while the clock was ahead, and has run out."""


class Leased(NamedTuple):
    """A table whose rows can be leased, and the column that names a row."""

    table: str
    key: str


OUTBOX = Leased("outbox", "number")
SERVER = Leased("server", "number")
LOGIN = Leased("login", "server")


def holder(tx: Transaction, leased: Leased, number: int, now: float | None = None) -> str:
    """Who has the lease of a row, `""` for nobody. Without `now` also a holder whose time has run out."""
    row = tx.execute(f"SELECT holder, lease_until FROM {leased.table} WHERE {leased.key} = ?", (number,)).fetchone()
    if row is None or row["holder"] is None or (now is not None and not _runs(row["lease_until"], now)):
        return ""
    return "" if is_dead(row["holder"]) else str(row["holder"])


def take(
    tx: Transaction, leased: Leased, number: int, me: str, until: float, now: float, **changes: object
) -> str | None:
    """Take the lease of a row until a time; None when a living holder has it, or the row is gone.

    Returns the holder that never gave it back, `""` when there was none: that one died at work. `changes`: what else is
    written, by column.
    """
    row = tx.execute(f"SELECT holder, lease_until FROM {leased.table} WHERE {leased.key} = ?", (number,)).fetchone()
    if row is None or (row["holder"] and _runs(row["lease_until"], now) and not is_dead(row["holder"])):
        return None
    columns = "".join(f", {name} = ?" for name in changes)
    update = f"UPDATE {leased.table} SET holder = ?, lease_until = ?{columns} WHERE {leased.key} = ?"
    tx.execute(update, (me, until, *changes.values(), number))
    return row["holder"] or ""


def holds(tx: Transaction, leased: Leased, number: int, me: str) -> bool:
    """Whether the lease of a row is still mine, also when its time has run out."""
    query = f"SELECT 1 FROM {leased.table} WHERE {leased.key} = ? AND holder = ?"
    return tx.execute(query, (number, me)).fetchone() is not None


def renew(tx: Transaction, leased: Leased, number: int, me: str, until: float) -> bool:
    """Keep a lease until a later time; False when another process has it by now."""
    update = f"UPDATE {leased.table} SET lease_until = CASE WHEN lease_until < ? THEN ? ELSE lease_until END"
    return tx.execute(f"{update} WHERE {leased.key} = ? AND holder = ?", (until, until, number, me)).rowcount == 1


def settle(tx: Transaction, leased: Leased, number: int, me: str, **changes: object) -> bool:
    """Write what became of a row, its columns by name, and give back the lease; False when it is no longer mine."""
    columns = "".join(f", {name} = ?" for name in changes)
    update = f"UPDATE {leased.table} SET holder = NULL, lease_until = 0{columns} WHERE {leased.key} = ? AND holder = ?"
    return tx.execute(update, (*changes.values(), number, me)).rowcount == 1


def void(tx: Transaction, leased: Leased, number: int) -> None:
    """End the lease of a row, whichever process has it."""
    tx.execute(f"UPDATE {leased.table} SET holder = NULL, lease_until = 0 WHERE {leased.key} = ?", (number,))


def _runs(until: float, now: float) -> bool:
    return now < until < now + LONGEST


def myself() -> str:
    """The name of this process on a lease: host, number and birth, so that it can be known to be dead."""
    return f"{_host()} {os.getpid()} {_birth(os.getpid())}"


def is_dead(name: str) -> bool:
    """Whether a process that called itself so (`myself`) is known to be no more; of any other name nothing is known."""
    host, *more = name.split(" ")
    return len(more) == 2 and host == _host() and _birth(int(more[0])) != more[1]


def described(name: str) -> str:
    """The number of a process that called itself so (`myself`), with its host where that is another one."""
    host, process, _ = name.split(" ")
    return process if host == _host() else f"{process} on {host}"


def _host() -> str:
    return os.uname().nodename


def _birth(process: int) -> str:
    """When a process was started, in ticks since the machine was; `-` when there is none."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            after_name = file.read().rpartition(b")")[2].split()
    except OSError:
        return "-"
    return "-" if after_name[0] in (b"Z", b"X") else after_name[19].decode()
