"""Make a store, or bring an old one up to date: a script a version, all in one transaction."""

import os
import sqlite3
import time
from collections.abc import Iterator

from mailgate.process import owner
from mailgate.store.database import BUSY, EXPLAINED, Store, Transaction, connect, open_existing, scripts
from mailgate.values.problem import Busy, NotReady, StoreError


def open_or_create(path: str | os.PathLike[str], wait: float | None = 30.0) -> Store:
    """Open the store, made when there is none; an older one is not migrated. Raises StoreError."""
    if not os.path.exists(path) or not os.path.getsize(path):  # empty: somebody else is making it right now
        migrate(path)
    return open_existing(path, wait)


def migrate(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Make the store, or bring it up to date, in one transaction; (old, new) schema version. Raises StoreError.

    Safe for any number of processes at once: the first one through the lock does the work.
    """
    path = os.fspath(path)
    owner.check(path)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = connect(path, BUSY)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"cannot make the store {path}: {error}", EXPLAINED) from error
    store = Store(path, connection, BUSY)
    try:
        connection.execute("PRAGMA foreign_keys = OFF")  # tables are built anew; what refers to nothing is looked for
        with store.write() as transaction:
            old: int = transaction.execute("PRAGMA user_version").fetchone()[0]
            if old == 0 and transaction.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise NotReady(f"{path} is some other program's database", advice="choose another file for store.url")
            return old, _migrate(transaction, old)
    except (sqlite3.Error, StoreError) as error:
        if isinstance(error, Busy | NotReady):
            raise
        raise StoreError(f"cannot migrate the store {path}: {error.__cause__ or error}", EXPLAINED) from error
    finally:
        store.close()


def _migrate(tx: Transaction, old: int) -> int:
    newest = len(scripts())
    for script in scripts()[old:]:
        with open(script, encoding="utf-8") as file:
            for statement in _statements(file.read()):
                tx.execute(statement)
    if old == 0:
        tx.execute("INSERT INTO signing_key (secret, created_at) VALUES (?, ?)", (os.urandom(32), time.time()))
    for row in tx.execute("PRAGMA foreign_key_check") if old < newest else ():
        raise StoreError(f"a row of `{row['table']}` refers to a row of `{row['parent']}` that is missing", EXPLAINED)
    if old <= newest:
        tx.execute(f"PRAGMA user_version = {newest}")
    return max(old, newest)


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
