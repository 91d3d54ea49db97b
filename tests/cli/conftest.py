"""The commands as real processes, on a store of their own."""

import os
import re
from pathlib import Path

import pytest
from program import Program, Screen


class Gate(Program):
    """A folder with a configuration; the store is made by the first command."""

    def ok(self, *arguments: str, stdin: bytes = b"") -> str:
        """What a command prints that has to succeed, and has nothing to say beside it but what waits."""
        screen = self(*arguments, stdin=stdin)
        waiting = r"((\d+ held)?(, )?(\d+ failures?)?: mailgate (held|bounce) list\n)?"
        assert (screen.exit, bool(re.fullmatch(waiting, screen.err))) == (0, True), screen
        return screen.out

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
