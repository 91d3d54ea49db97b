"""How the database file is, seen from outside: damage, journal mode, schema, and who holds it."""

import os
import sqlite3
import threading
from typing import NamedTuple

from mailgate.process import owner
from mailgate.store.database import connect, locked, scripts
from mailgate.values.problem import NotReady, StoreError, command

_READ_THROUGH = 1 << 30
"""Octets of a database that a look at it reads as a whole."""


READING = 5.0
"""Seconds for reading a database through: mail that comes meanwhile waits for the end."""


class Condition(NamedTuple):
    """How a database is. `faults`: what is damaged, None where reading it through takes too long; `busy`: who
    holds it, `""`: nobody. Size in octets."""

    schema: int
    newest: int
    journal: str
    faults: tuple[str, ...] | None
    busy: str
    size: int


def condition(path: str, patience: float = 5.0) -> Condition:
    """Look at a database without changing it; its lock is waited for as long as `patience`. Raises StoreError."""
    owner.check(path)
    try:
        size = os.path.getsize(path)
        connection = connect(path, patience)
        try:
            schema: int = connection.execute("PRAGMA user_version").fetchone()[0]
            journal: str = connection.execute("PRAGMA journal_mode").fetchone()[0]
            faults = _faults(connection) if size < _READ_THROUGH else None
        finally:
            connection.close()
    except OSError as error:
        raise NotReady(f"no store {path}: {error.strerror}", command("mailgate init")) from error
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the store {path}: {error}", command("sqlite3 {FILE} .recover", path)) from error
    if schema == 0:
        raise NotReady(f"{path} is no mailgate store", command("mailgate init"))
    try:
        with locked(path, patience):
            busy = ""
    except StoreError as problem:
        busy = str(problem)
    return Condition(schema, len(scripts()), journal, faults, busy, size)


def _faults(connection: sqlite3.Connection) -> tuple[str, ...] | None:
    """What is damaged; None when that is not known in time."""
    alarm = threading.Timer(READING, connection.interrupt)
    alarm.daemon = True
    alarm.start()
    try:
        rows = connection.execute("PRAGMA quick_check(3)").fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return None
        raise
    finally:
        alarm.cancel()
    return tuple(text for row in rows for text in str(row[0]).splitlines() if text != "ok")
