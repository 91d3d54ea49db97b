"""The gateway that every page of the manual assumes, and what runs a page's commands in a copy of it."""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from helpers.installed import Installed
from inbound.fetch.fake import FakeImap
from inbound.fetch.issuer import Issuer

from mailgate.manual import markdown
from mailgate.manual.markdown import Code

ROOT = Path(__file__).parents[2]
MESSAGE = b"""\
From: Bob Ray <bob@client.org>
To: support@example.com
Subject: The printer is on fire
Message-ID: <fire@client.org>
Content-Type: multipart/mixed; boundary=b

--b

Please come.
--b
Content-Disposition: attachment; filename=smoke.txt

Smoke.
--b--
"""
REPORT = b"From: MAILER-DAEMON@client.org\nTo: bounce@example.com\nX-Failed-Recipients: bob@client.org\n\nNo user.\n"


def prepare(folder: Path) -> None:
    """Two aliases, the files that commands read, and some days of mail.

    Message 1 is on ticket/1, 2 and 3 are held, 4 was refused (outbox 1), 5 is a delivery report (bounce 1).
    """
    (folder / "mailgate.toml").write_text(
        '[store]\nurl = "mailgate.db"\n[submit]\nmethod = "none"\n[maps]\nfolder = "maps"\n'
        '[notify]\nto = ["admin@client.org"]\n'
    )
    for name in ("maps", "Maildir/new", "Maildir/cur", "saved"):
        (folder / name).mkdir(parents=True)
    (folder / "message.eml").write_bytes(MESSAGE)
    (folder / "answer.txt").write_text("We are on our way.\n")
    (folder / "offer.pdf").write_bytes(b"%PDF-1.4\n")
    (folder / "ours.eml").write_bytes(
        b"From: Ann <ann@example.com>\nTo: bob@client.org\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\nDone.\n"
    )
    (folder / "inbox.secret").write_text("secret\n")
    (folder / "inbox.secret").chmod(0o600)
    (folder / "old.mbox").write_bytes(b"From bob@client.org Mon Jan  1 10:00:00 2024\n" + MESSAGE)
    run = Example(folder)
    run.ok("domain", "add", "example.com", "--company", "Example Ltd")
    run.ok("alias", "add", "support@example.com", "--model", "ticket", "--set", "team=first")
    run.ok("alias", "add", "sales@example.com", "--model", "crm.lead")
    deliver = "deliver", "-f", "bob@client.org", "--"
    for number, local in enumerate(("support", "postmaster", "abuse", "catchall")):
        text = MESSAGE.replace(b"support@", local.encode() + b"@").replace(b"<fire@", b"<fire%d@" % number)
        run.ok(*deliver, f"{local}@example.com", stdin=text)
    run.ok("deliver", "-f", "", "--", "bounce@example.com", stdin=REPORT)
    with contextlib.closing(sqlite3.connect(run.path)) as store, store:
        store.execute("UPDATE failure SET quiet = 0")  # the pages read it as one of a message of ours


class Example(Installed):
    """A folder with such a gateway, or none yet."""

    def configure(self, more: str = "") -> None:
        """The configuration is what `prepare` wrote, or what the page's commands write."""

    def script(self, text: str, servers: "Servers") -> str:
        """Run a block of a page as a shell does, up to the first command that fails; what it prints.

        `sendmail -f SENDER RECIPIENT` is a mail server that pipes into mailgate.
        """
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        mailgate = f"exec {sys.executable} {ROOT}/tests/manual/stand_in.py"
        for name, line in {"mailgate": f'{mailgate} "$@"', "sendmail": f'{mailgate} deliver "$1" "$2" -- "$3"'}.items():
            (programs / name).write_text(f"#!/bin/sh\n{line}\n")
            (programs / name).chmod(0o755)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env={
                **self.environ,
                "PATH": f"{programs}:{os.environ['PATH']}",
                "EXAMPLE": json.dumps({**servers.addresses(), "secret": str(self.folder / "inbox.secret")}),
            },
            timeout=100,
        )
        assert done.returncode == 0, f"{text}\n\n{done.stdout.decode()}"
        return done.stdout.decode()

    def copy(self, folder: Path) -> "Example":
        """The same gateway in another folder."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Example(folder)


class Servers:
    """A mailbox and a provider of logins, on loopback."""

    def __init__(self) -> None:
        self.provider = Issuer("info@example.com", {})
        self.provider.client_secret = "secret"
        self.mailbox = FakeImap(MESSAGE.replace(b"<fire@", b"<smoke@"))

    def addresses(self) -> dict[str, object]:
        """Where they are, for the stand-in."""
        return {"imap": self.mailbox.port, "login": self.provider.options()}

    def close(self) -> None:
        """Stop both."""
        self.mailbox.close()
        self.provider.close()


def scripts(text: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return [
        "\n".join(block.lines)
        for block in markdown.blocks(text)
        if isinstance(block, Code) and block.language == language
    ]


def commands(text: str) -> list[str]:
    """Every command of mailgate in a page: in blocks, and in running text between backticks; lines joined."""
    blocks = "\n".join([*scripts(text, "sh"), *scripts(text, "shell")]).replace("\\\n", " ")
    found = re.findall(r"(?:^|[|;&(] *|sudo -u \S+ )(mailgate [a-z].*?)(?= *[|;&)<>]|$)", blocks, re.MULTILINE)
    return found + re.findall(r"`(mailgate [a-z][^`]*)`", text.replace("\n", " "))
