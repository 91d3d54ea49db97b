"""Put another file in the place of the store: a backup, or a smaller copy of itself.

Running processes notice: they look which file is there whenever they begin to read or write.
"""

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from typing import NamedTuple

from mailgate.store import copying, schema
from mailgate.store.copying import Contents
from mailgate.store.database import EXPLAINED, connect, locked
from mailgate.values.problem import Busy, StoreError

WAIT = 60.0
"""Seconds to wait for the lock of the store, and for a worker that is sending."""
_APART = 100_000
"""Numbers that are left out where the old store cannot say which it handed out: they are in signed addresses."""


class Restored(NamedTuple):
    """What was done: where the old store is now (None: there was none), the schema the backup had, the messages of the
    old store that the backup lacks, and the queued messages that left since the backup was made."""

    kept: str | None
    before: int
    lacking: int
    sent_since: int


def prepare(path: str, source: int) -> tuple[str, Contents]:
    """Copy an open backup beside the store, private, and read it through; its path. Raises StoreError, OSError."""
    new = f"{path}.new"
    _remove(new)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as target:
            at = 0
            while piece := os.pread(source, 1 << 20, at):
                target.write(piece)
                at += len(piece)
            target.flush()
            os.fsync(target.fileno())
        contents = copying.contents(new)
        schema.migrate(new)
    except BaseException as error:
        _remove(new)
        if isinstance(error, OSError):
            error.filename = new
        raise
    finally:
        _remove(f"{new}.lock")
    return new, contents


def discard(new: str) -> None:
    """Remove what was prepared."""
    _remove(new)


def restore(path: str, new: str, before: int, now: float) -> Restored:
    """Put a prepared backup in the place of the store, and keep the old one beside it. Raises StoreError, OSError.

    No number that the old store handed out is handed out again: they are in signed addresses.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    with _no_worker(path), locked(path, WAIT):
        beside = f"{path}.before-{stamp}"
        while os.path.lexists(beside):  # by another restore in the same second
            beside += "+"
        exists = os.path.exists(path)
        old = _settled(path) if exists else None
        try:
            lacking, sent_since = _carry_over(new, old)
        finally:
            if old:
                old.close()
        _set_aside(path, beside)
        _swap(path, new)
    return Restored(beside if exists else None, before, lacking, sent_since)


def shrink(path: str) -> tuple[int, int, float]:
    """Write the store anew without its free pages: octets before and after, and how long writers waited.

    Killed at any point, the store is the old one or the new one. Raises StoreError, OSError.
    """
    new = f"{path}.new"
    with locked(path, WAIT):
        begun = time.monotonic()
        _remove(new)
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        before = os.path.getsize(path)
        holding = connect(path, WAIT)
        reading = connect(path, WAIT)
        try:
            if holding.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                raise StoreError(f"{path} is in WAL mode: another program changed that", EXPLAINED)
            holding.execute("BEGIN IMMEDIATE")  # keeps out programs that do not know our lock
            reading.execute("VACUUM INTO ?", (new,))
            with open(new, "rb") as file:
                os.fsync(file.fileno())
            _swap(path, new)
        except (sqlite3.Error, StoreError) as error:
            _remove(new)
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"cannot shrink the store {path}: {error}", EXPLAINED) from error
        finally:
            reading.close()
            holding.close()
        return before, os.path.getsize(path), time.monotonic() - begun


def free(path: str) -> tuple[int, int]:
    """The octets of the store that hold nothing, and the free octets on its disk. Raises StoreError."""
    try:
        with contextlib.closing(connect(path, WAIT)) as connection:
            pages, size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size")
            )
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the store {path}: {error}", EXPLAINED) from error
    disk = os.statvfs(os.path.dirname(os.path.abspath(path)))
    return pages * size, disk.f_bavail * disk.f_frsize


def _settled(path: str) -> sqlite3.Connection | None:
    """A connection to the old store with all that it committed in one file; None where it cannot be read any more."""
    connection = None
    try:
        connection = connect(path, WAIT)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("SELECT count(*) FROM sqlite_master")
        return connection
    except sqlite3.Error:
        if connection:
            connection.close()
        return None


def _carry_over(new: str, old: sqlite3.Connection | None) -> tuple[int, int]:
    """Let the numbers of a backup go on from those of the old store; messages it lacks, and queued ones sent since."""
    with contextlib.closing(connect(new, WAIT)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        mine = copying.counters(connection)
        theirs = _readable_counters(old)
        if theirs is None:
            theirs = {"delivery": mine.get("delivery", 0) + _APART}
        for name, number in theirs.items():
            if number <= mine.get(name, 0):
                continue
            if name.startswith("model "):
                connection.execute(
                    "INSERT INTO model (name, last_id) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET last_id = ?",
                    (name.removeprefix("model "), number, number),
                )
            elif not connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (number, name)).rowcount:
                connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, number))
        sent = _sent_since(connection, old)
        connection.executemany("UPDATE outbox SET state = 'sent', error = '' WHERE number = ?", [(n,) for n in sent])
        connection.execute("COMMIT")
    return max(0, theirs.get("message", 0) - mine.get("message", 0)), len(sent)


def _readable_counters(old: sqlite3.Connection | None) -> dict[str, int] | None:
    try:
        return copying.counters(old) if old else None
    except sqlite3.Error:
        return None


def _sent_since(connection: sqlite3.Connection, old: sqlite3.Connection | None) -> list[int]:
    """The messages that are queued in a backup and left the old store since."""
    queued = connection.execute("SELECT number, created_at, recipient FROM outbox WHERE state != 'sent'").fetchall()
    query = "SELECT 1 FROM outbox WHERE number = ? AND created_at = ? AND recipient = ? AND state = 'sent'"
    try:
        return [row["number"] for row in queued if old and old.execute(query, tuple(row)).fetchone()]
    except sqlite3.Error:
        return []


def _set_aside(path: str, beside: str) -> None:
    """Give the old store a second name. What belongs to it, where it cannot be read, would spoil the new one."""
    for suffix in ("-journal", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.replace(path + suffix, beside + suffix)
    with contextlib.suppress(FileNotFoundError):
        os.link(path, beside)


def _swap(path: str, new: str) -> None:
    """Give a file the name of the store; there is one under that name at any moment."""
    os.replace(new, path)
    descriptor = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _no_worker(path: str) -> Iterator[None]:
    """Keep workers from sending: what one hands over now could not be recorded in the other file."""
    descriptor = os.open(f"{path}.work", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        end = time.monotonic() + WAIT
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise Busy(f"a worker has been sending for more than {WAIT:.0f} s", EXPLAINED) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
