"""`mailgate backup`, `restore` and `check-store`: a copy while mail arrives, the way back, and what is found wrong."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers.installed import Installed


def change(path: Path, *statements: str) -> None:
    """Change a database behind mailgate's back."""
    with closing(sqlite3.connect(path)) as store, store:
        for statement in statements:
            store.execute(statement)


def count(path: Path, table: str = "message") -> int:
    with closing(sqlite3.connect(path)) as store:
        number: int = store.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return number


def deliver(office: Installed, number: int = 1) -> None:
    for _ in range(number):
        done = office.deliver(office.mail("support@example.com"), "support@example.com")
        assert (done.exit, done.out) == (0, "")


@pytest.fixture
def busy(office: Installed) -> Installed:
    """The office, with three messages on three records."""
    deliver(office, 3)
    return office


def test_a_backup_is_complete_and_private(busy: Installed) -> None:
    said = busy.ok("backup", "copy.db")
    copy = busy.folder / "copy.db"
    assert said.startswith("copied 3 messages, 3 records, ")
    assert (copy.stat().st_mode & 0o777, count(copy), count(copy, "raw")) == (0o600, 3, 3)
    assert [name for name in os.listdir(busy.folder) if name.startswith("copy")] == ["copy.db"]


def test_a_backup_overwrites_nothing_without_force(busy: Installed) -> None:
    copy = busy.folder / "copy.db"
    copy.write_bytes(b"mine")
    screen = busy("backup", "copy.db")
    assert (screen.exit, screen.err) == (1, "error: copy.db exists\nhint: mailgate backup copy.db --force\n")
    assert copy.read_bytes() == b"mine"
    assert busy.json("backup", "copy.db", "--force")["messages"] == 3
    assert count(copy) == 3


def test_the_store_is_not_its_own_backup(busy: Installed) -> None:
    assert "is the store itself" in busy("backup", str(busy.path), "--force").err
    assert "is the store itself" in busy("restore", str(busy.path), "--yes").err
    assert count(busy.path) == 3


def test_a_backup_needs_a_store(office: Installed) -> None:
    screen = office("--db", "none.db", "backup", "copy.db")
    assert screen.exit == 1
    assert not (office.folder / "copy.db").exists()
    assert not (office.folder / "none.db").exists()


def test_nothing_is_left_of_a_backup_that_fails(busy: Installed) -> None:
    """A store whose pages are damaged is no backup, and the older one stays."""
    busy.ok("backup", "copy.db")
    octets = bytearray(busy.path.read_bytes())
    octets[8192:12288] = bytes(4096)
    busy.path.write_bytes(octets)
    screen = busy("backup", "copy.db", "--force")
    assert screen.exit == 1
    assert count(busy.folder / "copy.db") == 3
    assert [name for name in os.listdir(busy.folder) if name.startswith("copy")] == ["copy.db"]


@pytest.mark.parametrize("target", ["folder", "/dev/null", "none/copy.db"])
def test_what_is_no_file_is_refused(busy: Installed, target: str) -> None:
    (busy.folder / "folder").mkdir()
    screen = busy("backup", target, "--force")
    assert screen.exit == 1
    assert screen.err.startswith("error: ")
    assert "hint: " in screen.err


def test_a_link_that_is_planted_is_not_followed(busy: Installed) -> None:
    victim = busy.folder / "victim"
    victim.write_text("kept")
    (busy.folder / "copy.db").symlink_to(victim)
    assert busy("backup", "copy.db").exit == 1
    assert victim.read_text() == "kept"


def limited(office: Installed, *arguments: str) -> tuple[int, bytes]:
    """A command that can write no file of more than 20,000 octets: a write beyond fails as one to a full disk does."""
    done = subprocess.run(
        office.command(*arguments),
        capture_output=True,
        cwd=office.folder,
        env=office.environ,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    return done.returncode, done.stderr


def test_a_full_disk_leaves_nothing(busy: Installed) -> None:
    exit, said = limited(busy, "backup", "copy.db")
    assert exit == 1
    assert said.startswith(b"error: ")
    assert not [name for name in os.listdir(busy.folder) if name.startswith("copy")]


def test_a_full_disk_keeps_the_old_store(busy: Installed) -> None:
    busy.ok("backup", "copy.db")
    deliver(busy)
    before = busy.path.read_bytes()
    for arguments in (("restore", "copy.db", "--yes"), ("check-store",), ("check-store", "--compact")):
        exit, said = limited(busy, *arguments)
        assert exit == 1, arguments
        assert said.startswith(b"error: "), arguments
        assert b"output" not in said
        assert busy.path.read_bytes() == before
    assert not [name for name in os.listdir(busy.folder) if ".new" in name or ".check" in name or ".before" in name]


def test_a_backup_while_mail_arrives_is_one_state(busy: Installed) -> None:
    """Each message has its bytes and its record, whatever was delivered while the copy was made."""
    running = threading.Event()
    running.set()

    def crowd() -> None:
        while running.is_set():
            deliver(busy)

    threads = [threading.Thread(target=crowd) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(4):
            copy = busy.folder / f"copy{number}.db"
            busy.ok("backup", str(copy))
            assert count(copy) == count(copy, "raw") == count(copy, "record") >= 3
    finally:
        running.clear()
        for thread in threads:
            thread.join()
    assert busy.json("check-store")["findings"] == []


def test_restore_puts_a_backup_in_place_and_keeps_the_old_store(busy: Installed) -> None:
    busy.ok("backup", "copy.db")
    deliver(busy, 2)
    screen = busy("restore", "copy.db")
    assert (screen.exit, "add --yes" in screen.err) == (1, True)
    assert count(busy.path) == 5
    done = busy.json("restore", "copy.db", "--yes")
    assert (done["messages"], done["lacking"], count(busy.path)) == (3, 2, 3)
    assert busy.path.stat().st_mode & 0o777 == 0o600
    assert count(Path(done["kept"])) == 5
    deliver(busy)
    numbers = [message["number"] for message in busy.json("message", "list")]
    assert numbers == [1, 2, 3, 6], "no number is used twice"
    assert busy.json("record", "list")[-1]["record"] == "ticket/6"


def test_restore_makes_a_store_where_there_is_none(busy: Installed) -> None:
    busy.ok("backup", "copy.db")
    busy.path.unlink()
    assert busy.json("restore", "copy.db")["kept"] is None
    assert count(busy.path) == 3
    deliver(busy)


def test_what_left_since_the_backup_is_not_sent_again(busy: Installed) -> None:
    change(
        busy.path,
        "INSERT INTO outbox (kind, reason, about, recipient, person, host, subject, octets, state, tries, due_at,"
        " error, created_at) VALUES ('post', '', '', 'bob@client.org', 'bob@client.org', 'client.org', '', x'',"
        " 'queued', 0, 1, '', 1)",
    )
    busy.ok("backup", "copy.db")
    change(busy.path, "UPDATE outbox SET state = 'sent'")
    assert busy.json("restore", "copy.db", "--yes")["sent_since"] == 1
    assert [entry["state"] for entry in busy.json("outbox", "list")] == ["sent"]


def test_restore_over_a_damaged_store(busy: Installed) -> None:
    busy.ok("backup", "copy.db")
    busy.path.write_bytes(b"SQLite format 3\0" + os.urandom(9_000))
    Path(f"{busy.path}-journal").write_bytes(os.urandom(600))
    done = busy.json("restore", "copy.db", "--yes")
    assert count(busy.path) == 3
    assert Path(f"{done['kept']}-journal").exists() or not Path(f"{busy.path}-journal").exists()
    deliver(busy)


def _truncated(copy: Path) -> None:
    os.truncate(copy, copy.stat().st_size // 2)


def _foreign(copy: Path) -> None:
    copy.unlink()
    change(copy, "CREATE TABLE t (a)", "PRAGMA user_version = 3")


def _newer(copy: Path) -> None:
    change(copy, "PRAGMA user_version = 900")


def _text(copy: Path) -> None:
    copy.write_text("-- a dump\n")


@pytest.mark.parametrize("spoil", [_truncated, _foreign, _newer, _text], ids=lambda each: each.__name__)
def test_a_file_that_is_no_good_changes_nothing(busy: Installed, spoil: Any) -> None:
    busy.ok("backup", "copy.db")
    spoil(busy.folder / "copy.db")
    before = busy.path.read_bytes()
    screen = busy("restore", "copy.db", "--yes")
    assert (screen.exit, "Traceback" in screen.err, "hint: " in screen.err) == (1, False, True)
    assert busy.path.read_bytes() == before
    assert not [name for name in os.listdir(busy.folder) if ".new" in name or ".before" in name]


def test_an_old_backup_is_migrated(busy: Installed, tmp_path: Path) -> None:
    old = tmp_path / "seven.db"
    script = (Path(__file__).parents[1] / "store" / "schema_7.sql").read_text("utf-8")
    with closing(sqlite3.connect(old)) as store:
        store.executescript(script)
    done = busy.json("restore", str(old), "--yes")
    assert done["before"] == 7
    assert busy.json("domain", "list")


def test_a_process_that_runs_goes_on_with_the_restored_store(busy: Installed) -> None:
    from mailgate.gateway import receive
    from mailgate.mail.incoming import Incoming
    from mailgate.settings.config import Config
    from mailgate.store import database

    opened = database.open_existing(busy.path)
    busy.ok("backup", "copy.db")
    busy.ok("restore", "copy.db", "--yes")
    incoming = Incoming(busy.mail("support@example.com"), "bob@client.org", ("support@example.com",))
    receive.receive(opened, Config(None, str(busy.path)), incoming, 1_700_000_000.0)
    assert count(busy.path) == 4


SPOILED: dict[str, tuple[str, str]] = {
    "UPDATE raw SET octets = CAST(replace(octets, 'Text', 'Tent') AS BLOB) WHERE message = 2": ("digest", ""),
    "DELETE FROM raw WHERE message = 2": ("bytes", ""),
    "DELETE FROM placement WHERE message = 2": ("place", "put message 2 back on ticket/2"),
    "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'message'": ("counter", "goes on after 3"),
    "UPDATE model SET last_id = 1 WHERE name = 'ticket'": ("model", "goes on after 3"),
    "DELETE FROM signing_key": ("key", ""),
    "DELETE FROM record WHERE id = 2": ("reference", "removed the row from `placement`"),
    "INSERT INTO raw (message, octets) VALUES (40, 'lost')": ("lost message", "holds it as message 40"),
    "INSERT INTO outbox (kind, reason, about, recipient, person, host, subject, octets, state, tries, due_at,"
    " error, created_at, message, body_at)"
    " VALUES ('copy', '', '', 'a@b.c', 'a@b.c', 'b.c', '', x'', 'queued', 0, 1, '', 1, 90, 5)": (
        "queue",
        "marked outbox 1 as failed",
    ),
}


@pytest.mark.parametrize("statement", SPOILED)
def test_what_is_wrong_is_found_and_mended_where_that_can_be(busy: Installed, statement: str) -> None:
    kind, mended = SPOILED[statement]
    assert busy.json("check-store")["findings"] == []
    change(busy.path, statement)
    screen = busy("check-store")
    assert screen.exit == 4
    assert ("next: mailgate check-store --repair" in screen.out) == bool(mended)
    screen = busy("check-store", "--repair")
    assert mended in screen.out
    left = busy("check-store", "--json")
    assert (f'"{kind}"' in left.out) == (not mended) or kind in ("queue", "reference")


def test_an_index_that_lost_an_entry_is_made_anew(busy: Installed) -> None:
    change(
        busy.path,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = sql || ' WHERE number > 2' WHERE name = 'message_by_received'",
    )
    change(busy.path, "REINDEX message_by_received")
    change(
        busy.path,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, ' WHERE number > 2', '') WHERE name = 'message_by_received'",
    )
    assert busy("check-store").exit == 4
    assert "made all indexes anew" in busy("check-store", "--repair").out
    assert busy.json("check-store")["findings"] == []


def test_compact_gives_free_space_back(busy: Installed) -> None:
    change(busy.path, "CREATE TABLE big AS SELECT zeroblob(4000000) AS b", "DROP TABLE big")
    before = busy.path.stat().st_size
    assert before > 4_000_000
    done = busy.json("check-store", "--compact")["compact"]
    assert done["before"] == before
    assert busy.path.stat().st_size == done["after"] < 1_000_000
    assert busy.path.stat().st_mode & 0o777 == 0o600
    deliver(busy)
    assert busy.json("check-store")["findings"] == []
    assert not [name for name in os.listdir(busy.folder) if name.endswith((".new", ".check"))]


def test_a_backup_is_in_the_log_of_changes(busy: Installed) -> None:
    busy.ok("backup", "copy.db")
    assert f"backup {busy.folder}/copy.db" in busy.ok("log", "--changes")


KILLED = """
import os, signal, sys
from mailgate.store import exchange
kill = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
setattr(os if sys.argv[3] in ("link", "replace") else exchange, sys.argv[3], kill)
if sys.argv[2] == "shrink":
    exchange.shrink(sys.argv[1])
else:
    new, contents = exchange.prepare(sys.argv[1], os.open(sys.argv[2], os.O_RDONLY))
    exchange.restore(sys.argv[1], new, contents.schema, 1.0)
"""


@pytest.mark.parametrize(
    ("work", "point"),
    [("shrink", "_swap"), ("shrink", "replace"), *(("copy.db", point) for point in ("_carry_over", "link", "replace"))],
)
def test_killed_at_any_point_the_store_is_the_old_one(busy: Installed, work: str, point: str) -> None:
    busy.ok("backup", "copy.db")
    deliver(busy)
    before = busy.path.read_bytes()
    command = [sys.executable, "-c", KILLED, str(busy.path), work, point]
    assert subprocess.run(command, cwd=busy.folder, timeout=60).returncode == -signal.SIGKILL
    assert busy.path.read_bytes() == before
    deliver(busy)
    busy.ok("check-store", "--compact")
    assert busy.json("restore", "copy.db", "--yes")["messages"] == 3
    assert busy.json("check-store")["findings"] == []
    assert not [name for name in os.listdir(busy.folder) if name.endswith((".new", ".new.lock", ".check"))]
