"""A gateway with a store of its own, for tests that need more than one message."""

import functools
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from mailgate.gateway import receive
from mailgate.gateway.receive import Receipt
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.settings.config import Config
from mailgate.store import aliases, contacts, database, domains, held, messages, outbox, parameters, records, schema
from mailgate.store.database import Store
from mailgate.store.records import Record
from mailgate.values.directory import Alias, Contact, Domain
from mailgate.values.record import Ref

NOW = 1_700_000_000.0
BOB = "bob@client.org"


@functools.cache
def _prepared() -> bytes:
    """A store with the directory of a gateway, made once because it costs more than most tests."""
    fixed = mock.patch("os.urandom", Random(0).randbytes)  # a test that fixes it gets the same numbers each time
    with tempfile.TemporaryDirectory() as folder, fixed:
        path = Path(folder) / "mailgate.db"
        store = schema.open_or_create(path)
        with store.write() as tx:
            domains.add(tx, Domain("example.com", contact="office@example.com", default=True))
            domains.add(tx, Domain("other.test", catchall="all", bounce="returns"))
            aliases.add(tx, "info@example.com", Alias(0, "", "", "crm.lead", values={"team": "sales"}))
            aliases.add(tx, "sales@example.com", Alias(0, "", "", "crm.lead"))
            aliases.add(tx, "jobs@example.com", Alias(0, "", "", "hr.job"))
            aliases.add(tx, "help@other.test", Alias(0, "", "", "help.ticket"))
        store.close()
        return path.read_bytes()


class Gateway:
    """example.com with info@ and sales@ (crm.lead) and jobs@ (hr.job), and other.test with help@ (help.ticket).

    Nothing waits for the disk: what survives a power cut is tested elsewhere.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = Config(path=None, store=str(path))
        path.touch(0o600)
        path.write_bytes(_prepared())
        self.store: Store = database.open_existing(path)
        self.now = NOW
        self.store._connection.execute("PRAGMA synchronous = OFF")
        with self.store.write() as tx:
            tx.execute("UPDATE signing_key SET secret = ?", (os.urandom(32),))

    def alias(self, address: str, model: str, **more: Any) -> Alias:
        """Add an alias."""
        with self.store.write() as tx:
            return aliases.add(tx, address, Alias(0, "", "", model, **more))

    def change(self, address: str, **more: Any) -> None:
        """Change an alias."""
        with self.store.write() as tx:
            aliases.save(tx, aliases.get(tx, address)._replace(**more))

    def parameter(self, name: str, value: str) -> None:
        """Set a parameter."""
        with self.store.write() as tx:
            parameters.put(tx, name, value)

    def contact(self, address: str, **more: Any) -> None:
        """Add a contact."""
        with self.store.write() as tx:
            contacts.save(tx, Contact(address, **more))

    def __call__(
        self,
        raw: bytes,
        *recipients: str,
        reverse_path: str | None = BOB,
        environ: Mapping[str, str] = {},
        fallback: str | None = None,
        source: str = "pipe",
    ) -> Receipt:
        """Receive a message, one second after the last."""
        self.now += 1
        made = Fallback(fallback) if fallback else None
        incoming = Incoming(raw, reverse_path, recipients, environ, made, source)
        return receive.receive(self.store, self.config, incoming, self.now)

    def records(self) -> list[str]:
        """Every record, `crm.lead/1` and so on, in order of their names."""
        return sorted(str(each.ref) for each in self.every_record())

    def every_record(self) -> list[Record]:
        """Every record as it is stored."""
        with self.store.read() as tx:
            return records.listing(tx)

    def made(self) -> list[str]:
        """Model and alias of every record, sorted, so that the order of deliveries does not matter."""
        return sorted(f"{each.ref.model} by {each.alias}" for each in self.every_record())

    def on(self, ref: str) -> list[int]:
        """The numbers of the messages on a record, written `crm.lead/1`."""
        model, _, number = ref.partition("/")
        with self.store.read() as tx:
            return [each.number for each in messages.listing(tx, Ref(model, int(number)))]

    def messages(self) -> list[messages.Stored]:
        """Every stored message."""
        with self.store.read() as tx:
            return messages.listing(tx)

    def raw(self, number: int) -> bytes:
        """The octets of a message."""
        with self.store.read() as tx:
            return messages.raw(tx, number)

    def why(self, number: int) -> dict[str, Any]:
        """The stored explanation of a message."""
        with self.store.read() as tx:
            return messages.explanation(tx, number)

    def held(self, *, refused: bool = False) -> list[str]:
        """The reasons of held mail, or of the refused mail that is kept."""
        with self.store.read() as tx:
            return [each.reason for each in held.listing(tx, refused=refused)]

    def outbox(self) -> list[str]:
        """Reason and recipient of every queued message."""
        with self.store.read() as tx:
            return [f"{each.reason} {each.recipient}" for each in outbox.listing(tx)]
