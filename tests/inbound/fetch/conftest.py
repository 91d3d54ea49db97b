"""A Dovecot for all tests, and a gateway that collects mail from it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.installed import Installed

from mailgate.store import aliases, domains, held, messages, records, schema
from mailgate.values.directory import Alias, Domain

from . import dovecot
from .dovecot import PASSWORD, Account, Dovecot


class Collector(Installed):
    """A configuration, a store with support@example.com (ticket), and the program."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.secret = folder / "secret"
        self.secret.write_text(f"{PASSWORD}\n")
        self.secret.chmod(0o600)
        self.store = schema.open_or_create(self.path)
        with self.store.write() as tx:
            domains.add(tx, Domain("example.com", contact="office@example.com"))
            aliases.add(tx, "support@example.com", Alias(0, "", "", "ticket"))
            aliases.add(tx, "closed@example.com", Alias(0, "", "", "ticket", policy="contacts"))

    def configure(self, more: str = "[limits]\nmax_size = 200_000\n") -> None:
        """Write the configuration: nothing is sent, and less is too large."""
        super().configure(more)

    def ok(self, *arguments: str, stdin: bytes = b"") -> str:
        """What a command prints that has to succeed; it may warn, as of a server without TLS."""
        return self._succeeded(*arguments, stdin=stdin).out

    def add(self, name: str, type_: str, account: Account, *more: str) -> None:
        """Add a server: an account of Dovecot over TLS."""
        server = account.server
        port = server.imaps if type_ == "imap" else server.pops
        where = ["--type", type_, "--host", "localhost", "--port", str(port), "--ca", str(server.ca)]
        self.ok("server", "add", name, *where, "--user", account.name, "--password-file", str(self.secret), *more)

    def fetch(self, *arguments: str) -> dict[str, Any]:
        """What `fetch` says of the one server it tried; it must not fail."""
        (result,) = self.json("fetch", *arguments)
        assert isinstance(result, dict)
        return result

    def subjects(self) -> list[str]:
        """The names of all records, in the order they were made."""
        with self.store.read() as tx:
            return [each.name for each in sorted(records.listing(tx), key=lambda each: each.ref.id)]

    def raws(self) -> list[bytes]:
        """The bytes of every message that is stored."""
        with self.store.read() as tx:
            return [messages.raw(tx, each.number) for each in messages.listing(tx)]

    def held(self) -> list[str]:
        """The reasons of held mail."""
        with self.store.read() as tx:
            return [each.reason for each in held.listing(tx)]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the store."""
        with self.store.read() as tx:
            return [tuple(row) for row in tx.execute(query)]


def mail(number: int | str, *, to: str = "support@example.com", body: str = "Text.\n", extra: str = "") -> bytes:
    """A small message from a person."""
    return (
        f"Return-Path: <bob{number}@client.org>\nReceived: from client.org by mx.box.example\n"
        f"From: Bob Ray <bob{number}@client.org>\nTo: {to}\nSubject: Hello {number}\n"
        f"Message-ID: <{number}@client.org>\n{extra}\n{body}"
    ).encode()


@pytest.fixture(scope="session")
def server() -> Iterator[Dovecot]:
    """The Dovecot of all tests; without one they are skipped, or fail where it is required."""
    if reason := dovecot.missing():
        required = os.environ.get("CI") == "true" or os.environ.get("MAILGATE_REQUIRE_MTA") == "1"
        (pytest.fail if required else pytest.skip)(reason)
    with dovecot.running() as found:
        yield found


@pytest.fixture
def account(server: Dovecot) -> Account:
    """A new user of Dovecot with an empty mailbox."""
    return server.user()


@pytest.fixture
def collector(tmp_path: Path) -> Collector:
    """A gateway without incoming servers."""
    return Collector(tmp_path)
