"""A store, and `mailgate deliver` as the process that a mail server starts."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from mailgate.store import aliases, domains, schema
from mailgate.values.directory import Alias, Domain

MESSAGE = b"""\
From: Bob Ray <bob@client.org>
To: support@example.com
Subject: The printer is on fire
Message-ID: <fire@client.org>
Date: Wed, 25 Nov 2026 10:00:00 +0000

Please come.
"""


class Answer(NamedTuple):
    """The exit status and the output of `deliver`."""

    exit: int
    out: str
    err: str


class Pipe:
    """A configuration, a store and `mailgate deliver`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "mailgate.toml"
        self.path = folder / "mailgate.db"
        self.config.write_text(f'[store]\nurl = "sqlite:///{self.path}"\n[submit]\nmethod = "none"\n')
        self.store = schema.open_or_create(self.path)
        with self.store.write() as tx:
            domains.add(tx, Domain("example.com", contact="info@example.com"))
            aliases.add(tx, "support@example.com", Alias(0, "", "", "ticket"))
            aliases.add(tx, "closed@example.com", Alias(0, "", "", "ticket", policy="contacts"))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "mailgate", "deliver", "-C", str(self.config), *arguments]

    def __call__(
        self,
        *arguments: str,
        message: bytes = MESSAGE,
        environ: Mapping[str, str] = {},
        command: Sequence[str] = (),
    ) -> Answer:
        clean = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "PYTHONPATH", "LANG")}
        done = subprocess.run(
            command or self.command(*arguments),
            input=message,
            capture_output=True,
            timeout=90,
            cwd=self.folder,
            env={**clean, **environ},
        )
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    def count(self, table: str) -> int:
        with self.store.read() as tx:
            return int(tx.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def one(self, query: str) -> object:
        with self.store.read() as tx:
            return tx.execute(query).fetchone()[0]


@pytest.fixture
def pipe(tmp_path: Path) -> Pipe:
    return Pipe(tmp_path)
