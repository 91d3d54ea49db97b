"""The store: one file, made once by whoever comes first, one durable transaction at a time."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgate.store import database, schema
from mailgate.values.problem import Busy, NotReady, StoreError


def rows(path: Path) -> list[tuple[str]]:
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT key FROM parameter ORDER BY key").fetchall()


def put(opened: database.Store, key: str) -> None:
    with opened.write() as tx:
        tx.execute("INSERT INTO parameter (key, value) VALUES (?, '')", (key,))


def test_commit_is_seen_by_others(tmp_path: Path) -> None:
    put(schema.open_or_create(tmp_path / "m.db"), "a")
    assert rows(tmp_path / "m.db") == [("a",)]


def test_an_exception_rolls_back(tmp_path: Path) -> None:
    opened = schema.open_or_create(tmp_path / "m.db")

    def fail() -> None:
        with opened.write() as tx:
            tx.execute("INSERT INTO parameter (key, value) VALUES ('a', '')")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert rows(tmp_path / "m.db") == []
    put(opened, "b")
    assert rows(tmp_path / "m.db") == [("b",)]


def test_reading_cannot_write_for_good(tmp_path: Path) -> None:
    opened = schema.open_or_create(tmp_path / "m.db")
    with opened.read() as tx:
        tx.execute("INSERT INTO parameter (key, value) VALUES ('a', '')")
    assert rows(tmp_path / "m.db") == []


def test_files_are_private_and_durable(tmp_path: Path) -> None:
    opened = schema.open_or_create(tmp_path / "m.db")
    put(opened, "a")
    assert {oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {"0o600"}
    with opened.read() as tx:
        assert tx.execute("PRAGMA synchronous").fetchone()[0] == 3
        assert tx.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
        assert tx.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_each_store_has_its_own_key(tmp_path: Path) -> None:
    keys = []
    for name in ("a.db", "b.db"):
        with schema.open_or_create(tmp_path / name).read() as tx:
            keys += [row["secret"] for row in tx.execute("SELECT secret FROM signing_key")]
    assert len(set(keys)) == 2
    assert {len(key) for key in keys} == {32}


def test_first_use_by_many_processes_at_once(tmp_path: Path) -> None:
    """Sixteen processes meet on a path that does not exist; all of them write, one of them made the schema."""
    program = (
        "import sys; from mailgate.store import schema\n"
        "s = schema.open_or_create(sys.argv[1])\n"
        "with s.write() as tx: tx.execute('INSERT INTO parameter (key, value) VALUES (?, 1)', (sys.argv[2],))\n"
    )
    for turn in range(3):
        path = tmp_path / f"{turn}.db"
        crowd = [subprocess.Popen([sys.executable, "-c", program, str(path), f"{n:02}"]) for n in range(16)]
        assert [each.wait(60) for each in crowd] == [0] * 16
        assert rows(path) == [(f"{n:02}",) for n in range(16)]


def test_a_busy_store_is_an_error_in_time(tmp_path: Path) -> None:
    opened = schema.open_or_create(tmp_path / "m.db", wait=0.2)
    with database.locked(str(tmp_path / "m.db"), 1.0), pytest.raises(StoreError, match="busy"):
        put(opened, "a")
    put(opened, "b")
    assert rows(tmp_path / "m.db") == [("b",)]


def test_a_commit_that_meets_a_reader_is_rolled_back(tmp_path: Path) -> None:
    """SQLite leaves the transaction open then; the next one of this process must not find it."""
    opened = schema.open_or_create(tmp_path / "m.db", wait=0.1)
    reader = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM parameter").fetchall()
    with pytest.raises(Busy, match="the store failed: database is locked"):
        put(opened, "a")
    reader.close()
    put(opened, "b")
    assert rows(tmp_path / "m.db") == [("b",)]


def test_what_the_database_cannot_do_is_a_store_error(tmp_path: Path) -> None:
    opened = schema.open_or_create(tmp_path / "m.db")
    with pytest.raises(StoreError, match="no such table: nowhere") as caught, opened.read() as tx:
        tx.execute("SELECT * FROM nowhere")
    assert not isinstance(caught.value, Busy | NotReady)
    with pytest.raises(sqlite3.IntegrityError), opened.write() as tx:  # a mistake of ours is none
        tx.execute("INSERT INTO parameter (key, value) VALUES (NULL, NULL)")
    put(opened, "a")


class TestSavepoint:
    """A part of a transaction."""

    def test_an_exception_undoes_the_part_alone(self, tmp_path: Path) -> None:
        opened = schema.open_or_create(tmp_path / "m.db")
        with opened.write() as tx:
            tx.execute("INSERT INTO parameter (key, value) VALUES ('a', '')")
            with contextlib.suppress(RuntimeError), database.savepoint(tx):
                tx.execute("INSERT INTO parameter (key, value) VALUES ('b', '')")
                raise RuntimeError
            with contextlib.suppress(sqlite3.IntegrityError), database.savepoint(tx):
                tx.execute("INSERT INTO parameter (key, value) VALUES ('c', '')")
                tx.execute("INSERT INTO parameter (key, value) VALUES ('a', '')")
            with database.savepoint(tx):
                tx.execute("INSERT INTO parameter (key, value) VALUES ('d', '')")
        assert rows(tmp_path / "m.db") == [("a",), ("d",)]

    def test_it_can_be_undone_on_purpose(self, tmp_path: Path) -> None:
        opened = schema.open_or_create(tmp_path / "m.db")
        with opened.write() as tx, database.savepoint(tx) as undo:
            tx.execute("INSERT INTO parameter (key, value) VALUES ('a', '')")
            undo()
            tx.execute("INSERT INTO parameter (key, value) VALUES ('b', '')")
        assert rows(tmp_path / "m.db") == [("b",)]

    def test_a_failure_of_the_database_is_one_of_the_whole_transaction(self, tmp_path: Path) -> None:
        opened = schema.open_or_create(tmp_path / "m.db")

        def fail() -> None:
            with opened.write() as tx:
                tx.execute("INSERT INTO parameter (key, value) VALUES ('a', '')")
                with contextlib.suppress(sqlite3.Error), database.savepoint(tx):
                    tx.execute("SELECT * FROM nowhere")

        with pytest.raises(StoreError, match="no such table"):
            fail()
        assert rows(tmp_path / "m.db") == []


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    """Forty threads, one row each, none lost and none failed."""
    schema.migrate(tmp_path / "m.db")
    failures: list[Exception] = []

    def write(key: str) -> None:
        try:
            put(database.open_existing(tmp_path / "m.db", wait=None), key)
        except Exception as error:
            failures.append(error)

    crowd = [threading.Thread(target=write, args=(f"{n:02}",)) for n in range(40)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    assert failures == []
    assert len(rows(tmp_path / "m.db")) == 40


@pytest.mark.parametrize(
    ("make", "problem", "hint"),
    [
        pytest.param(lambda path: None, "cannot open the store", "mailgate init", id="missing"),
        pytest.param(lambda path: path.touch(), "is no mailgate store", "mailgate init", id="empty file"),
        pytest.param(
            lambda path: path.write_bytes(b"x" * 4096), "file is not a database", "mailgate init", id="no database"
        ),
        pytest.param(lambda path: version(path, 0), "is no mailgate store", "mailgate init", id="another database"),
        pytest.param(lambda path: version(path, 999), "knows only", "upgrade mailgate", id="newer schema"),
    ],
)
def test_what_cannot_be_opened_says_why(tmp_path: Path, make, problem: str, hint: str) -> None:
    path = tmp_path / "m.db"
    make(path)
    with pytest.raises(StoreError, match=problem) as caught:
        database.open_existing(path)
    assert caught.value.hints == (hint,)


def version(path: Path, number: int) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (x)")
        connection.execute(f"PRAGMA user_version = {number}")


def test_an_older_schema_asks_for_migrate_and_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.db"
    put(schema.open_or_create(path), "kept")
    more = tmp_path / "migrations"
    more.mkdir()
    for script in Path(database.MIGRATIONS).glob("*.sql"):
        (more / script.name).write_text(script.read_text())
    newest = len(list(more.iterdir())) + 1
    (more / "9999_more.sql").write_text("CREATE TABLE more (x TEXT);\nINSERT INTO more VALUES ('1;2');\n")
    monkeypatch.setattr(database, "MIGRATIONS", str(more))
    with pytest.raises(StoreError, match=f"has schema {newest - 1}, this program needs {newest}") as caught:
        database.open_existing(path)
    assert caught.value.hints == ("mailgate migrate",)
    assert schema.migrate(path) == (newest - 1, newest)
    with database.open_existing(path).read() as tx:
        assert tx.execute("SELECT x FROM more").fetchone()["x"] == "1;2"
    assert rows(path) == [("kept",)]


def test_a_failing_migration_leaves_the_old_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.db"
    put(schema.open_or_create(path), "kept")
    more = tmp_path / "migrations"
    more.mkdir()
    for script in Path(database.MIGRATIONS).glob("*.sql"):
        (more / script.name).write_text(script.read_text())
    (more / "9999_more.sql").write_text("CREATE TABLE more (x TEXT);\nDROP TABLE nothing;\n")
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", str(more))
        with pytest.raises(StoreError, match="cannot migrate"):
            schema.migrate(path)
    with database.open_existing(path).read() as tx:
        assert not tx.execute("SELECT 1 FROM sqlite_master WHERE name = 'more'").fetchone()
    assert rows(path) == [("kept",)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a folder to somebody else")
class TestOwner:
    """One user owns the folder and opens the store."""

    def run(self, path: Path, uid: int) -> subprocess.CompletedProcess[str]:
        program = (
            "import os, sys; from mailgate.store import schema; from mailgate.process import owner\n"
            "from mailgate.values.problem import Problem\n"
            "uid = int(sys.argv[2])\n"
            "if uid: os.setgroups([]); os.setgid(uid); os.setuid(uid)\n"
            "owner.become(sys.argv[1])\n"
            "try: schema.open_or_create(sys.argv[1]); print('opened as', os.geteuid())\n"
            "except Problem as problem: print(problem, '|', *problem.hints)\n"
        )
        command = [sys.executable, "-c", program, str(path), str(uid)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    @pytest.fixture
    def folder(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to everybody else
            os.chown(name, 65534, 65534)
            yield Path(name)

    def test_root_becomes_the_owner_first(self, folder: Path) -> None:
        assert self.run(folder / "m.db", 0).stdout == "opened as 65534\n"
        assert {path.stat().st_uid for path in folder.iterdir()} == {65534}

    def test_a_foreign_file_in_the_folder_is_told(self, folder: Path) -> None:
        (folder / "m.db").touch()
        said = self.run(folder / "m.db", 0).stdout
        assert "belongs to root, its folder to nobody | chown nobody" in said


def test_a_store_that_stays_open_follows_the_file_that_takes_its_place(tmp_path: Path) -> None:
    """A copy is restored by `mv` while LMTP runs: it answered 451 to every mail until it was restarted."""
    opened = schema.open_or_create(tmp_path / "m.db")
    put(opened, "a")
    (tmp_path / "copy.db").write_bytes((tmp_path / "m.db").read_bytes())
    put(opened, "lost")
    (tmp_path / "copy.db").replace(tmp_path / "m.db")
    with opened.read() as tx:
        assert [row["key"] for row in tx.execute("SELECT key FROM parameter")] == ["a"]
    put(opened, "b")
    assert rows(tmp_path / "m.db") == [("a",), ("b",)]


def test_a_store_that_is_away_for_a_moment_is_opened_again(tmp_path: Path) -> None:
    opened = schema.open_or_create(tmp_path / "m.db")
    put(opened, "a")
    (tmp_path / "m.db").rename(tmp_path / "away.db")
    with pytest.raises(NotReady, match="no store"):
        put(opened, "b")
    assert not (tmp_path / "m.db").exists()
    (tmp_path / "away.db").rename(tmp_path / "m.db")
    put(opened, "b")
    assert rows(tmp_path / "m.db") == [("a",), ("b",)]


def test_a_store_of_another_schema_in_its_place_is_not_used(tmp_path: Path) -> None:
    opened = schema.open_or_create(tmp_path / "m.db")
    schema.open_or_create(tmp_path / "newer.db").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "newer.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    (tmp_path / "newer.db").replace(tmp_path / "m.db")
    with pytest.raises(NotReady, match="schema 99"):
        put(opened, "a")


def test_a_failure_ends_its_connection(tmp_path: Path) -> None:
    """A transaction that SQLite left open, for one, must not stop the next one."""
    opened = schema.open_or_create(tmp_path / "m.db", wait=0.1)
    before = opened._connection
    with contextlib.closing(sqlite3.connect(tmp_path / "m.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM parameter").fetchall()
        with pytest.raises(Busy):
            put(opened, "a")
    put(opened, "b")
    assert opened._connection is not before
    assert rows(tmp_path / "m.db") == [("b",)]
