"""The commands as real processes, on a store of their own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest


class Screen(NamedTuple):
    """What a command left behind."""

    exit: int
    out: str
    err: str


class Gate:
    """A folder with a configuration; the store is made by the first command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "mailgate.toml"
        self.config.write_text(f'[store]\nurl = "sqlite:///{folder}/mailgate.db"\n[submit]\nmethod = "none"\n')

    def __call__(self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] = {}) -> Screen:
        clean = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        done = subprocess.run(
            [sys.executable, "-m", "mailgate", *arguments],
            input=stdin,
            capture_output=True,
            timeout=90,
            cwd=self.folder,
            env={**clean, "HOME": str(self.folder), "MAILGATE_CONFIG": str(self.config), **environ},
        )
        return Screen(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *arguments: str, stdin: bytes = b"") -> str:
        """What a command prints that has to succeed."""
        screen = self(*arguments, stdin=stdin)
        waiting = r"((\d+ held)?(, )?(\d+ failures?)?: mailgate (held|bounce) list\n)?"
        assert (screen.exit, bool(re.fullmatch(waiting, screen.err))) == (0, True), screen
        return screen.out

    def json(self, *arguments: str, stdin: bytes = b"") -> Any:
        """The JSON of a command that has to succeed."""
        screen = self(*arguments, "--json", stdin=stdin)
        assert screen.exit == 0, screen
        return json.loads(screen.out)

    def mail(
        self, to: str, *recipients: str, subject: str = "Hello", sender: str = "bob@client.org", extra: str = ""
    ) -> bytes:
        """A small message from a person."""
        number = os.urandom(4).hex()
        return (
            f"From: Bob Ray <{sender}>\nTo: {to}\nSubject: {subject}\nMessage-ID: <{number}@client.org>\n"
            f"{extra}\nText.\n"
        ).encode()

    def deliver(self, message: bytes, *recipients: str, sender: str = "bob@client.org") -> Screen:
        """Put a message through the pipe."""
        return self("deliver", "-f", sender, "--", *recipients, stdin=message)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """A gate without a domain."""
    return Gate(tmp_path)


@pytest.fixture
def office(gate: Gate) -> Gate:
    """A gate with a domain, an open alias and one for contacts."""
    gate.ok("domain", "add", "example.com", "--contact", "info@example.com")
    gate.ok("alias", "add", "support@example.com", "--model", "ticket", "--set", "team=1")
    gate.ok("alias", "add", "closed@example.com", "--model", "crm.lead", "--from", "contacts")
    return gate
