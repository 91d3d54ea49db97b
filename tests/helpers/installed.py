"""The installed program, run as a process in a folder of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

INIT = ("init", "--user", "root") if os.geteuid() == 0 else ("init",)
"""Make a store that belongs to who runs the tests."""


class Screen(NamedTuple):
    """The exit status and the output of a command."""

    exit: int
    out: str
    err: str


def unconfigured(*arguments: str) -> list[str]:
    """The command line of the program on a machine without a configuration of the system, whatever this one has."""
    hidden = "from mailgate.settings import config; config.SYSTEM = '/nonexistent'"
    return [sys.executable, "-c", f"{hidden}; from mailgate.__main__ import main; main()", *arguments]


class Installed:
    """A folder with a configuration and a store, and the commands that use it.

    Commands do not inherit the environment of the tests.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "mailgate.toml"
        self.path = folder / "mailgate.db"
        self.configure()

    def configure(self, more: str = "") -> None:
        """Write the configuration; nothing is ever sent."""
        self.config.write_text(f'[store]\nurl = "sqlite:///{self.path}"\n[submit]\nmethod = "none"\n{more}')

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a command. Whether Postfix is set up here makes no difference to it."""
        kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        return {**kept, "HOME": str(self.folder), "MAILGATE_CONFIG": str(self.config), "MAIL_CONFIG": str(self.folder)}

    def command(self, *arguments: str) -> list[str]:
        """The command line of a command."""
        return [sys.executable, "-m", "mailgate", *arguments]

    def __call__(self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] = {}) -> Screen:
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            timeout=900,
            cwd=self.folder,
            env={**self.environ, **environ},
        )
        return Screen(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: str, text: bool = False) -> "subprocess.Popen[Any]":
        """A command that runs on, and can be interrupted: what is started in a shell's background ignores that."""
        heard = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(
                self.command(*arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=text,
                cwd=self.folder,
                env=self.environ,
            )
        finally:
            signal.signal(signal.SIGINT, heard)

    def ok(self, *arguments: str, stdin: bytes = b"") -> str:
        """What a command prints that has to succeed, with nothing on stderr but the line about what waits."""
        screen = self._succeeded(*arguments, stdin=stdin)
        waiting = r"(\d+ held: mailgate held list\n)?(\d+ failures?: mailgate bounce list\n)?"
        assert re.fullmatch(waiting, screen.err), screen
        return screen.out

    def json(self, *arguments: str, stdin: bytes = b"") -> Any:
        """The JSON of a command that has to succeed."""
        return json.loads(self._succeeded(*arguments, "--json", stdin=stdin).out)

    def _succeeded(self, *arguments: str, stdin: bytes) -> Screen:
        screen = self(*arguments, stdin=stdin)
        assert screen.exit == 0, screen
        return screen

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
