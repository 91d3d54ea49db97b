"""Copy the database into a file while mail arrives, and look whether a copy is sound.

The file is copied in pieces without a lock, twice; then, with the writer's lock, the pieces that changed meanwhile are
written again. Writers wait only for that comparison: about half a second for each GB that is in the memory of the
system. SQLite's own backup begins again whenever another process writes, and so never ends on a busy store.
"""

import os
import sqlite3
import time
from typing import NamedTuple

from mailgate.process import owner
from mailgate.store.database import PIECE, connect, locked, scripts
from mailgate.values.problem import Busy, NotReady, StoreError, command

_MAGIC = b"SQLite format 3\0"
_NO_WAL = (18, b"\1\1")
"""Where the header says that a database uses a rollback journal (https://sqlite.org/fileformat.html 1.3.3)."""


class Copied(NamedTuple):
    """A copy that was made: its size in octets, how long writers waited (seconds), the last numbers handed out."""

    octets: int
    waited: float
    counters: dict[str, int]


class Contents(NamedTuple):
    """What is in a copy: its schema, how many messages and records, the last numbers handed out, its size."""

    schema: int
    messages: int
    records: int
    counters: dict[str, int]
    octets: int


def copy_into(path: str, descriptor: int, wait: float = 60.0) -> Copied:
    """Copy the database at `path` into an open, empty file. Raises StoreError; OSError where the file has no room."""
    owner.check(path)
    try:
        source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NotReady(f"no store {path}: {error.strerror}", command("mailgate init")) from error
    try:
        for _ in range(2):
            _catch_up(source, descriptor)
            os.fsync(descriptor)
        return _finish(path, source, descriptor, wait)
    finally:
        os.close(source)  # the last: with any descriptor of the file, a process loses all its locks on it


def _finish(path: str, source: int, descriptor: int, wait: float) -> Copied:
    connection = None
    try:
        with locked(path, wait):
            begun = time.monotonic()
            connection = connect(path, wait)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("BEGIN IMMEDIATE")  # undoes what a killed process left; other programs wait as well
            if not os.path.samestat(os.stat(path), os.fstat(source)) or _size(f"{path}-wal"):
                raise Busy(f"another program put a file in the place of {path}, or writes to it", _AGAIN)
            octets = _catch_up(source, descriptor)
            numbers = counters(connection)
            connection.execute("ROLLBACK")
            waited = time.monotonic() - begun
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the store {path}: {error}", command("mailgate doctor --only store")) from error
    finally:
        if connection:
            connection.close()
    os.ftruncate(descriptor, octets)
    os.pwrite(descriptor, _NO_WAL[1], _NO_WAL[0])
    os.fsync(descriptor)
    return Copied(octets, waited, numbers)


_AGAIN = command("mailgate doctor --only store")


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def _catch_up(source: int, target: int) -> int:
    """Write into a copy the pieces that differ from the source; the octets that the source has."""
    at = 0
    while piece := os.pread(source, PIECE, at):
        if os.pread(target, len(piece), at) != piece:
            view = memoryview(piece)
            written = 0
            while written < len(view):
                written += os.pwrite(target, view[written:], at + written)
        at += len(piece)
    return at


def counters(connection: sqlite3.Connection) -> dict[str, int]:
    """The last number that each table has handed out, and the last id of each model."""
    counters = {row["name"]: row["seq"] for row in connection.execute("SELECT name, seq FROM sqlite_sequence")}
    models = connection.execute("SELECT name, last_id FROM model")
    return counters | {f"model {row['name']}": row["last_id"] for row in models}


def contents(path: str) -> Contents:
    """Read a copy through: its pages and its indexes. Nothing is written, and no lock is taken.

    Raises NotReady where it is no store, or one of a newer version; StoreError where it is damaged.
    """
    try:
        with open(path, "rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise NotReady(f"{path} is no mailgate store", advice="name a file that `mailgate backup` wrote")
        connection = connect(path, 0, unchanging=True)
    except OSError as error:
        raise NotReady(f"cannot read {path}: {error.strerror}", command("ls -l {FILE}", path)) from error
    try:
        return _contents(path, connection)
    except sqlite3.Error as error:
        raise StoreError(f"{path} is damaged: {error}", advice="take another copy") from error
    finally:
        connection.close()


def _contents(path: str, connection: sqlite3.Connection) -> Contents:
    schema: int = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not schema or not {"message", "raw", "signing_key", "record"} <= tables:
        raise NotReady(f"{path} is no mailgate store", advice="name a file that `mailgate backup` wrote")
    if schema > len(scripts()):
        raise NotReady(
            f"{path} has schema {schema}, this program knows only {len(scripts())}", advice="upgrade mailgate"
        )
    faults = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
    if faults:
        raise StoreError(f"{path} is damaged: {faults[0].splitlines()[0]}", advice="take another copy")
    messages, records = (
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("message", "record")
    )
    return Contents(schema, messages, records, counters(connection), os.path.getsize(path))
