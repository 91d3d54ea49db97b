"""What a delivery costs, as a ratio to bare programs measured in the same run.

    python tests/bench/deliver.py [RUNS]

Prints the whole-process CPU time (median, milliseconds) of `mailgate deliver` and of a bare `python -I` that imports
sqlite3, tomllib and email.parser, parses the same 5 KB message and commits one row with the same durability; then the
same delivery into a store with 100,000 aliases and 1,000,000 messages, against an empty store.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mailgate.store import aliases, database, domains, schema
from mailgate.values.directory import Alias, Domain

BARE = """
import email.parser, sqlite3, sys, tomllib
with open(sys.argv[1], "rb") as file:
    tomllib.load(file)
message = email.parser.BytesParser().parse(sys.stdin.buffer)
connection = sqlite3.connect(sys.argv[2], isolation_level=None)
connection.execute("PRAGMA synchronous = EXTRA")
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE IF NOT EXISTS message (id, subject)")
connection.execute("INSERT INTO message VALUES (?, ?)", (message["message-id"], message["subject"]))
connection.execute("COMMIT")
"""
ALIASES, MESSAGES = 100_000, 1_000_000


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = shutil.which("mailgate", path=str(Path(sys.executable).parent))
        assert program, "install mailgate into this environment first"
        empty, full = gateway(folder, "empty"), gateway(folder, "full")
        fill(folder / "full.db")
        bare_file = folder / "bare.py"
        bare_file.write_text(BARE)
        bare = [sys.executable, "-I", str(bare_file), str(empty), str(folder / "bare.db")]
        deliver = [sys.executable, "-I", program, "deliver", "-f", "bob@client.org", "support@example.com", "-C"]
        figures: dict[str, list[float]] = {"bare program": [], "deliver, empty store": [], "deliver, full store": []}
        for turn in range(runs + 1):
            commands = (
                bare,
                [*deliver[:3], "-C", str(empty), *deliver[3:-1]],
                [*deliver[:3], "-C", str(full), *deliver[3:-1]],
            )
            for kind, command in zip(figures, commands, strict=True):
                spent = cpu(command, message(turn, kind))
                if turn:  # the first round warms the caches
                    figures[kind].append(spent)
        for kind, spent in figures.items():
            print(f"{kind:22}  {statistics.median(spent):7.1f} ms CPU (median of {runs})")
        empty_kind, full_kind = "deliver, empty store", "deliver, full store"
        print(f"deliver / bare program   {ratio(figures, empty_kind, 'bare program'):5.2f}  (bound 1.30)")
        print(f"full / empty store       {ratio(figures, full_kind, empty_kind):5.2f}  (bound 1.30)")


def ratio(figures: dict[str, list[float]], above: str, below: str) -> float:
    """The median of the ratios run by run, which a machine that changes speed disturbs least."""
    return statistics.median(a / b for a, b in zip(figures[above], figures[below], strict=True))


def gateway(folder: Path, name: str) -> Path:
    """A configuration and a store with one alias."""
    config = folder / f"{name}.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{folder}/{name}.db"\n[submit]\nmethod = "none"\n')
    with schema.open_or_create(folder / f"{name}.db").write() as tx:
        domains.add(tx, Domain("example.com"))
        aliases.add(tx, "support", Alias(0, "", "", "ticket"))
    return config


def fill(path: Path) -> None:
    """Aliases and messages by the hundred thousand, each message on a record and with its effect."""
    started = time.monotonic()
    with database.open_existing(path).write() as tx:
        tx.execute(
            "INSERT INTO domain (name, position, catchall, bounce, company, language, delimiter, details, is_default)"
            " VALUES ('other.example', 2, 'catchall', 'bounce', '', 'en', '+', 1, 0)"
        )
        tx.executemany(
            "INSERT INTO alias (number, local, domain, model, values_json, policy, local_part, authenticated, refusal,"
            " spam, status, notify)"
            " VALUES (?, ?, 'other.example', 'ticket', '{}', 'everyone', 0, 0, '', 'hold', 'valid', '[]')",
            ((n + 2, f"alias{n}") for n in range(ALIASES)),
        )
        numbers = range(1, MESSAGES + 1)
        tx.executemany(
            "INSERT INTO message (number, direction, kind, class, message_id, reverse_path, author, author_name,"
            " author_text, subject, date, recipients, flags, size, received_at, explanation)"
            " VALUES (?, 'in', 'email', 'person', ?, ?, ?, '', '', 's', '', '[]', '[]', 9, 1.0, '{}')",
            ((n, f"<{n}@other.example>", f"{n % 5000}@other.example", f"{n % 5000}@other.example") for n in numbers),
        )
        tx.executemany(
            "INSERT INTO record (model, id, name, values_json, rate_key, created_at)"
            " VALUES ('old', ?, 's', '{}', ?, 1.0)",
            ((n, f"{n % 5000}@o") for n in numbers),
        )
        tx.executemany(
            "INSERT INTO placement (number, message, model, id) VALUES (?, ?, 'old', ?)", ((n, n, n) for n in numbers)
        )
        tx.executemany("INSERT INTO raw (message, octets) VALUES (?, ?)", ((n, b"x" * 200) for n in numbers))
        tx.executemany(
            "INSERT INTO effect (digest, action, reason, place, message_id, listed, accepted, message)"
            " VALUES (?, 'create', '', 'x', ?, 0, 1, ?)",
            ((f"{n:064x}", f"<{n}@other.example>", n) for n in numbers),
        )
    print(f"(store filled in {time.monotonic() - started:.0f} s: {path.stat().st_size >> 20} MB)")


def message(turn: int, kind: str) -> bytes:
    """Five kilobytes, never the same twice."""
    body = "A line of text as long as people write them in their mail clients.\n" * 70
    return (
        f"From: Bob Ray <bob{turn}@client.org>\nTo: support@example.com\nSubject: Chairs {turn}\n"
        f"Message-ID: <{turn}.{os.getpid()}@client.org>\nDate: Wed, 25 Nov 2026 10:00:00 +0000\n"
        f"Received: from client.org by mx.example.com; Wed, 25 Nov 2026 10:00:01 +0000\n\n{kind}\n{body}"
    ).encode()


def cpu(command: list[str], data: bytes) -> float:
    """Milliseconds of user and system time of one whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, input=data, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
