"""`mailgate serve` as the process that a service manager starts, and the pipe's client beside it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

import mailgate
from mailgate.store import aliases, domains, schema
from mailgate.values.directory import Alias, Domain

CLIENT = Path(mailgate.__file__).parent / "inbound" / "client.py"
MESSAGE = b"""\
From: Bob Ray <bob@client.org>
To: support@example.com
Subject: The printer is on fire
Message-ID: <fire@client.org>
Date: Wed, 25 Nov 2026 10:00:00 +0000

Please come.
"""
CONFIGURATION = """\
[store]
url = "sqlite:///{folder}/mailgate.db"
[submit]
method = "none"
[serve]
lmtp = "unix:{folder}/lmtp.sock"
deliver = "{folder}/deliver.sock"
"""


class Answer(NamedTuple):
    """The exit status and the output of a command."""

    exit: int
    out: str
    err: str


class Served:
    """A configuration, a store, and a process that serves it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "mailgate.toml"
        self.config.write_text(CONFIGURATION.format(folder=folder))
        self.process: subprocess.Popen[bytes] | None = None
        self.store = schema.open_or_create(folder / "mailgate.db")
        with self.store.write() as tx:
            domains.add(tx, Domain("example.com", contact="info@example.com"))
            aliases.add(tx, "support@example.com", Alias(0, "", "", "ticket"))
            aliases.add(tx, "closed@example.com", Alias(0, "", "", "ticket", policy="contacts"))

    def start(self, *arguments: str, environ: Mapping[str, str] = {}) -> None:
        """Start the server and wait until it listens."""
        command = [sys.executable, "-I", "-m", "mailgate", "-C", str(self.config), "serve", *arguments]
        self.process = subprocess.Popen(command, env={**clean(), **environ}, stderr=subprocess.PIPE)
        for path in (self.folder / "lmtp.sock", self.folder / "deliver.sock"):
            wait_for(lambda path=path: path.exists() or self.ended)
        assert not self.ended, self.process.communicate()

    @property
    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, bytes]:
        """Stop the server; its exit status and what it printed."""
        assert self.process
        self.process.send_signal(number)
        printed = self.process.communicate(timeout=60)[1]
        return self.process.returncode, printed

    def client(self, *arguments: str) -> list[str]:
        return [sys.executable, "-I", "-S", str(CLIENT), str(self.folder / "deliver.sock"), *arguments]

    def deliver(self, *arguments: str, message: bytes = MESSAGE, environ: Mapping[str, str] = {}) -> Answer:
        """Run the pipe's client."""
        return run(self.client("-C", str(self.config), *arguments), message, environ)

    def alone(self, *arguments: str, message: bytes = MESSAGE, environ: Mapping[str, str] = {}) -> Answer:
        """Run `mailgate deliver`, which does the work itself."""
        command = [sys.executable, "-I", "-m", "mailgate", "deliver", "-C", str(self.config), *arguments]
        return run(command, message, environ)

    def count(self, table: str) -> int:
        with self.store.read() as tx:
            return int(tx.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def lmtp(self) -> socket.socket:
        """A connection that was greeted."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(60)
        connection.connect(str(self.folder / "lmtp.sock"))
        assert connection.recv(100).startswith(b"220 ")
        return connection


def run(command: Sequence[str], message: bytes, environ: Mapping[str, str]) -> Answer:
    done = subprocess.run(command, input=message, capture_output=True, timeout=90, env={**clean(), **environ})
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


def clean() -> dict[str, str]:
    """The environment without what belongs to the one who runs the tests."""
    return {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")}


def wait_for(happened, seconds: float = 30.0) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Served]:
    """Set up, and not started."""
    made = Served(tmp_path)
    yield made
    if made.process and made.process.stderr:
        made.process.kill()
        made.process.wait()
        made.process.stderr.close()
    made.store.close()


@pytest.fixture
def served(idle: Served) -> Served:
    idle.start()
    return idle
