"""A throw-away gateway, the ways into it, and what may be found in it afterwards.

The program is started as a mail server starts it. A control is the same program with a fault planted, by which a check
shows that it would find one.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from mailgate.inbound import client
from mailgate.store import aliases, database, domains, schema
from mailgate.values.directory import Alias, Domain

CLIENT = str(client.__file__)
OWN = (0, 65, 67, 75, 77)
START = "from mailgate.__main__ import main; main()"
CONTROLS = {
    "": "",
    "acknowledges what failed": (
        "from mailgate.inbound import pipe; pipe._deferred = lambda error: (0, '');"
        "from mailgate.serve import committer as c; from mailgate.gateway import group as g;"
        "g._alone = g._one = lambda *_: Taken;"
        "Taken = None;"
    ),
    "does not know copies": (
        "import os; from mailgate.mail import message; message.digest = lambda *_: os.urandom(32).hex();"
        "from mailgate.routing import thread;"
    ),
    "no sync": (
        "from mailgate.store import database; connect = database.connect\n"
        "def unsafe(*values, **named):\n"
        "    made = connect(*values, **named); made.execute('PRAGMA synchronous = OFF'); return made\n"
        "database.connect = unsafe\n"
    ),
}


class Answer(NamedTuple):
    """How a delivery ended; None: it was killed."""

    exit: int | None
    line: str = ""


class Gate:
    """A configuration, a store with two aliases, and commands for it."""

    def __init__(self, folder: Path, control: str = "") -> None:
        self.folder, self.control = folder, control
        self.config, self.path = folder / "mailgate.toml", folder / "mailgate.db"
        self.config.write_text(
            f'[store]\nurl = "sqlite:///{self.path}"\n[submit]\nmethod = "none"\n'
            f'[serve]\nlmtp = "unix:{folder}/lmtp.sock"\ndeliver = "{folder}/deliver.sock"\n'
        )
        store = schema.open_or_create(self.path)
        with store.write() as tx:
            domains.add(tx, Domain("example.com", contact="info@example.com"))
            aliases.add(tx, "support@example.com", Alias(0, "", "", "ticket"))
            aliases.add(tx, "closed@example.com", Alias(0, "", "", "ticket", policy="contacts"))
        store.close()

    def reset(self, kept: Path) -> None:
        """Put the store back as it was kept."""
        for path in self.folder.glob("mailgate.db*"):
            path.unlink()
        shutil.copy(kept, self.path)

    def program(self, *arguments: str) -> list[str]:
        """The command line of the program, with the control's fault planted."""
        if self.control:
            return [sys.executable, "-I", "-c", f"{CONTROLS[self.control]}\n{START}", *arguments]
        return [sys.executable, "-I", "-m", "mailgate", *arguments]

    def deliver(self, way: str = "pipe", recipient: str = "support@example.com") -> list[str]:
        """The command of a mail server's pipe: `pipe` does the work itself, `client` hands over."""
        words = ["-C", str(self.config), "-f", "bob@client.org", "--", recipient]
        if way == "client":
            return [sys.executable, "-I", "-S", CLIENT, str(self.folder / "deliver.sock"), *words]
        return self.program("deliver", *words)

    @contextmanager
    def served(self, *before: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A server while the block runs; `before`: words before its command."""
        for path in self.folder.glob("*.sock"):
            path.unlink()
        command = [*before, *self.program("-C", str(self.config), "serve", "--only", "lmtp,deliver")]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            try:
                until(lambda: (self.folder / "deliver.sock").exists() or process.poll() is not None)
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)

    def messages(self) -> list[tuple[str, int, bytes]]:
        """What is kept: Message-ID, how many records it stands on, its bytes; in the order of numbers."""
        store = database.open_existing(self.path)
        try:
            with store.read() as tx:
                rows = tx.execute(
                    "SELECT message.message_id AS id, raw.octets AS octets,"
                    " (SELECT count(*) FROM placement WHERE placement.message = message.number) AS records"
                    " FROM message LEFT JOIN raw ON raw.message = message.number WHERE direction = 'in'"
                    " ORDER BY number"
                ).fetchall()
                assert tx.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
                assert not tx.execute("PRAGMA foreign_key_check").fetchall()
        finally:
            store.close()
        return [(row["id"], row["records"], bytes(row["octets"] or b"")) for row in rows]


@contextmanager
def gate(control: str = "") -> Iterator[Gate]:
    """A gateway in memory, where there is such a place."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        yield Gate(Path(folder), control)


def mail(number: int, size: int = 200) -> bytes:
    """A message that no other number has."""
    return (
        f"From: Bob <bob{number}@client.org>\nTo: support@example.com\nSubject: Chair {number}\n"
        f"Message-ID: <{number}@client.org>\nDate: Wed, 25 Nov 2026 10:00:00 +0000\n\n{'x' * size}\n"
    ).encode()


def run(command: list[str], message: bytes) -> Answer:
    """Run a delivery to its end."""
    done = subprocess.run(command, input=message, capture_output=True, timeout=120)
    return Answer(done.returncode if done.returncode >= 0 else None, done.stdout.decode("utf-8", "replace"))


def until(happened, seconds: float = 30.0) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError("it never happened")
        time.sleep(0.01)


_CALL = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?([a-z_0-9]+)\(")


def calls(gate: Gate, command: list[str], message: bytes, begin: str) -> list[tuple[str, int]]:
    """Every system call of an undisturbed run, as (name, how often by then), from the one that names `begin` on."""
    log = gate.folder / "strace"
    run(["strace", "-o", str(log), *command], message)
    seen: dict[str, int] = {}
    found, begun = [], False
    for line in log.read_text("utf-8", "replace").splitlines():
        if match := _CALL.match(line):
            seen[match[1]] = seen.get(match[1], 0) + 1
            begun = begun or begin in line
            if begun and match[1] not in ("exit_group", "exit", "execve", "rt_sigreturn"):
                found.append((match[1], seen[match[1]]))
    return found


def spread(points: list[tuple[str, int]], most: int) -> list[tuple[str, int]]:
    """At most so many of the points, evenly over all of them."""
    step = max(1.0, len(points) / most)
    return [points[int(at * step)] for at in range(min(most, len(points)))]
