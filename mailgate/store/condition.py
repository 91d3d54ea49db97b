"""How the database file is, seen from outside: damage, journal mode, schema, and who holds it."""

import os
import sqlite3
from typing import NamedTuple

from mailgate.process import owner
from mailgate.store.database import connect, locked, scripts
from mailgate.values.problem import NotReady, StoreError, command

_READ_THROUGH = 1 << 30
"""Octets of a database that a look at it reads as a whole."""


class Condition(NamedTuple):
    """How a database is. `faults`: what is damaged, None where the file is too large to be read through; `busy`: who
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
            small = size < _READ_THROUGH
            rows = connection.execute("PRAGMA quick_check(3)").fetchall() if small else []
        finally:
            connection.close()
    except OSError as error:
        raise NotReady(f"no store {path}: {error.strerror}", command("mailgate init")) from error
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the store {path}: {error}", command("sqlite3 {FILE} .recover", path)) from error
    if schema == 0:
        raise NotReady(f"{path} is no mailgate store", command("mailgate init"))
    faults = tuple(text for row in rows for text in str(row[0]).splitlines() if text != "ok")
    try:
        with locked(path, patience):
            busy = ""
    except StoreError as problem:
        busy = str(problem)
    return Condition(schema, len(scripts()), journal, faults if small else None, busy, size)
