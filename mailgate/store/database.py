"""Open the database, lend out one explicit transaction.

One SQLite file beside its lock file. A writer takes the flock first (it is fair, and dies with its holder), then
BEGIN IMMEDIATE; the rollback journal with synchronous=EXTRA keeps a committed message through a power cut. Nothing
that only SQLite can do is outside of this module, schema and condition.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from mailgate.process import deadline, owner
from mailgate.values.light import TYPE_CHECKING, Any, Protocol
from mailgate.values.problem import Busy, NotReady, StoreError, command

if TYPE_CHECKING:
    import sqlite3
else:  # the module proper also reads and writes dates, which costs half as much again at every start
    try:
        import _sqlite3 as sqlite3
    except ImportError:
        import sqlite3

MIGRATIONS = os.path.join(os.path.dirname(__file__), "migrations")
"""The folder of the scripts that make the schema, one a version."""
BUSY = 60.0
"""Seconds that SQLite itself waits, for programs that open the file without our lock, where nobody says less."""
PIECE = 1 << 20
"""Octets of a large message that are written at once."""
EXPLAINED = command("mailgate doctor --only store")


class Row(Protocol):
    """A row: its values by the names of their columns, or by place. No row leaves this room, values do."""

    def __getitem__(self, column: str | int, /) -> Any: ...


class Rows(Protocol):
    """What a statement gives: the rows it found, or how many it changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Transaction(Protocol):
    """An open transaction, which `Store` lends out. Only the modules of this room run statements in it."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> Rows: ...

    def executemany(self, statement: str, values: Iterable[Sequence[Any]], /) -> Rows: ...


def bound(values: Iterable[object]) -> tuple[object, ...]:
    """Values to bind, with integers for booleans: their columns are integers, and not every database converts."""
    return tuple(int(value) if isinstance(value, bool) else value for value in values)


class Store:
    """An open database. Use `read` or `write`; there is no transaction outside of them.

    A process may keep it for long: the file is opened again after a failure, and when another one is in its place.
    `written` tells whether anything was committed here.
    """

    def __init__(self, path: str, connection: sqlite3.Connection, wait: float | None) -> None:
        self.path = path
        self.written = False
        self._connection: sqlite3.Connection | None = connection
        self._file = _file(path)
        self._wait = wait

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent view of the rows; nothing can be written. Raises StoreError when the database fails."""
        connection = self._current()
        try:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._failed(error)
            raise

    @contextlib.contextmanager
    def write(self, wait: float | None = None) -> Iterator[Transaction]:
        """One durable transaction: COMMIT when the block ends, ROLLBACK when it raises, or when COMMIT fails.

        Raises Busy when the lock is not had within `wait` seconds, or the time this store waits; StoreError when the
        database fails.
        """
        with locked(self.path, self._wait if wait is None else wait):
            connection = self._current()
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:  # a full disk, for one, has ended it already
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                self._failed(error)
                raise
            self.written = True

    def close(self) -> None:
        """Close the connection; whatever was not committed is gone."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _current(self) -> sqlite3.Connection:
        """The connection to the file that is there now. Raises StoreError."""
        file = _file(self.path)
        if self._connection and file == self._file:
            return self._connection
        self.close()
        self._connection, self._file = _connect_existing(self.path, self._wait), file
        return self._connection

    def _failed(self, error: sqlite3.Error) -> None:
        """Raise what the failure is for the caller; the connection may be of no use any more."""
        self.close()
        _raise_failure(error)


def _file(path: str) -> tuple[int, int]:
    """Which file is at a path: its device and its number there. Raises NotReady."""
    try:
        info = os.stat(path)
    except OSError as error:
        raise NotReady(f"no store {path}: {error.strerror}", command("mailgate init")) from error
    return info.st_dev, info.st_ino


@contextlib.contextmanager
def savepoint(tx: Transaction) -> Iterator[Callable[[], None]]:
    """A part of a transaction that is undone alone, when it raises or when it calls what it is given.

    Raises StoreError when the database fails: then the whole transaction is lost.
    """

    def undo() -> None:
        tx.execute("ROLLBACK TO part")

    try:
        tx.execute("SAVEPOINT part")
        yield undo
        tx.execute("RELEASE part")
    except BaseException as error:
        _raise_failure(error)
        undo()
        tx.execute("RELEASE part")
        raise


def _raise_failure(error: BaseException) -> None:
    """Raise StoreError, or Busy, for what the database cannot do; not for what only a mistake of ours can cause."""
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, _MISTAKES):
        busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        raise (Busy if busy else StoreError)(f"the store failed: {error}", EXPLAINED) from error


_MISTAKES = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.NotSupportedError, sqlite3.ProgrammingError)


def touch(tx: Transaction) -> None:
    """Write to the database without changing anything in it: whether that can be done shows when it is committed."""
    tx.execute(f"PRAGMA user_version = {len(scripts())}")


def is_write_failure(error: BaseException) -> bool:
    """Whether the store failed because something could not be read or written, or has no room."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)


def open_existing(path: str | os.PathLike[str], wait: float | None = 30.0) -> Store:
    """Open a store that is there and up to date; never create or migrate one. Raises StoreError.

    `wait`: seconds to wait for another writer, None for ever (the caller has a deadline of its own).
    """
    path = os.fspath(path)
    return Store(path, _connect_existing(path, wait), wait)


def _connect_existing(path: str, wait: float | None) -> sqlite3.Connection:
    owner.check(path)
    connection = None
    try:
        connection = connect(path, wait)
        _check_version(path, connection.execute("PRAGMA user_version").fetchone()[0])
    except BaseException as error:
        if connection:
            connection.close()
        if isinstance(error, sqlite3.Error):
            raise NotReady(f"cannot open the store {path}: {error}", command("mailgate init")) from error
        raise
    return connection


def select_in(tx: Transaction, statement: str, names: Iterable[object], *more: object) -> Iterator[Any]:
    """Rows of a statement with `IN ({})` in it, however many names there are; none, and no statement, without names.

    The names come first among its values, once for each `{}`; `more` are the others.
    """
    every = list(dict.fromkeys(names))
    places = statement.count("{}")
    size = _VALUES // places
    for at in range(0, len(every), size):
        batch = every[at : at + size]
        marks = ", ".join("?" * len(batch))
        yield from tx.execute(statement.replace("{}", marks), (*(batch * places), *more))


def select_for(tx: Transaction, statement: str, rows: Iterable[tuple[object, ...]], *more: object) -> Iterator[Any]:
    """The same for pairs, or other tuples: rows of a statement with `FROM ({}) AS ALIAS` in it.

    They are the rows of this table, with the columns `column1`, `column2` and so on. A CROSS JOIN goes through them,
    and looks up each by an index, where `IN` may go through the other table.
    """
    return _select_values(tx, statement, list(dict.fromkeys(rows)), *more)


def select_each(tx: Transaction, statement: str, names: Iterable[object], *more: object) -> Iterator[Any]:
    """The same for a statement with `FROM ({}) AS ALIAS` in it: the names are the rows of this table, in `column1`."""
    return _select_values(tx, statement, [(name,) for name in dict.fromkeys(names)], *more)


def _select_values(tx: Transaction, statement: str, rows: Sequence[tuple[object, ...]], *more: object) -> Iterator[Any]:
    if not rows:
        return
    places, width = statement.count("{}"), len(rows[0])
    row = f"({', '.join('?' * width)})"
    size = _VALUES // (places * width)
    for at in range(0, len(rows), size):
        batch = rows[at : at + size]
        marks = "VALUES " + ", ".join([row] * len(batch))
        values = [value for values in batch for value in values]
        yield from tx.execute(statement.replace("{}", marks), (*(values * places), *more))


_VALUES = 500
"""Values in the `IN (...)` of one statement: every database takes that many."""


def insert_octets(tx: Transaction, number: int, octets: bytes) -> None:
    """Keep the bytes of a message; a large one is written piece by piece, so that it is never copied as a whole."""
    if len(octets) <= PIECE:
        tx.execute("INSERT INTO raw (message, octets) VALUES (?, ?)", (number, octets))
        return
    tx.execute("INSERT INTO raw (message, octets) VALUES (?, zeroblob(?))", (number, len(octets)))
    view = memoryview(octets)
    assert isinstance(tx, sqlite3.Connection)
    with tx.blobopen("raw", "octets", number) as blob:
        for at in range(0, len(view), PIECE):
            blob.write(view[at : at + PIECE])


@contextlib.contextmanager
def locked(path: str, wait: float | None) -> Iterator[None]:
    """Hold the writer's lock of a store, an flock on `PATH.lock`. Raises StoreError after `wait` seconds without it."""
    try:
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot open {path}.lock: {error.strerror}", EXPLAINED) from error
    try:
        if not _flock(descriptor, wait):
            raise Busy(
                f"the store {path} is busy: another process holds its lock for more than {wait:.0f} s", EXPLAINED
            )
        yield
    finally:
        os.close(descriptor)


def _flock(descriptor: int, wait: float | None) -> bool:
    if wait is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return True
    with contextlib.suppress(ValueError):  # not the main thread, which alone can be stopped
        with contextlib.suppress(deadline.Overrun), deadline.limit(wait):  # in the queue: fair to everybody
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return True
        return False
    end = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)


def connect(path: str, wait: float | None, *, unchanging: bool = False) -> sqlite3.Connection:
    """A connection to a file that exists. Raises sqlite3.Error.

    `unchanging`: a copy that nobody writes to, which is read without a lock; what is in its schema is not trusted.
    """
    absolute = "/" + os.path.abspath(path).lstrip("/")  # two slashes would begin with a host
    quoted = absolute.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    mode = "ro&immutable=1" if unchanging else "rw"
    connection = sqlite3.connect(f"file:{quoted}?mode={mode}", uri=True, isolation_level=None, cached_statements=256)
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA busy_timeout = {int(1000 * (BUSY if wait is None else wait))}")
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("PRAGMA foreign_keys = ON")
    if unchanging:
        connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def scripts() -> list[str]:
    """The files that make the schema, one a version, in order."""
    return sorted(os.path.join(MIGRATIONS, name) for name in os.listdir(MIGRATIONS) if name.endswith(".sql"))


def _check_version(path: str, version: int) -> None:
    newest = len(scripts())
    if version == 0:
        raise NotReady(f"{path} is no mailgate store", command("mailgate init"))
    if version < newest:
        raise NotReady(
            f"the store {path} has schema {version}, this program needs {newest}", command("mailgate migrate")
        )
    if version > newest:
        raise NotReady(
            f"the store {path} has schema {version}, this program knows only {newest}", advice="upgrade mailgate"
        )
