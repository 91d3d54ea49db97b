"""Take the messages of an archive on this machine: an mbox, a Maildir, a folder of `.eml` files.

The same way as from a server, so a run that was interrupted continues where it was; a message is known by its content.
It is kept mail: it is not answered, nobody gets a copy, and no sender is limited.
"""

import os
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mailgate.gateway import log, receive
from mailgate.gateway.receive import Receipt
from mailgate.inbound import archive, batch
from mailgate.inbound.archive import ArchivedMessage
from mailgate.inbound.batch import Fetched
from mailgate.inbound.progress import FetchTally, OnProgress, counts_as
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.settings.config import Config
from mailgate.store import collected
from mailgate.store.database import Store, Transaction
from mailgate.values.digest import sha256


class Archive(NamedTuple):
    """A file or folder of messages: mbox, maildir or eml. `fallback` is for mail that no alias takes."""

    kind: str
    path: str
    fallback: Fallback | None = None


def take(
    store: Store,
    config: Config,
    source: Archive,
    on_progress: OnProgress = lambda done, of: None,
    clock: Callable[[], float] = time.time,
) -> FetchTally:
    """Take every message of an archive that was not taken before.

    Raises Problem when it cannot be read, StoreError or OSError.
    """
    place = os.path.realpath(source.path)
    count, messages = archive.read(source.kind, place, config.max_size)
    intake = _Intake(store, config, source._replace(path=place), clock)
    for done, message in enumerate(messages, 1):
        intake.add(message)
        on_progress(done, count)
    intake.flush()
    return intake.tally


class _Intake:
    """Takes messages batch by batch, each under the digest of its content."""

    def __init__(self, store: Store, config: Config, source: Archive, clock: Callable[[], float]) -> None:
        self._store, self._config, self._source, self._clock = store, config, source, clock
        with store.write() as tx:
            self._mailbox = collected.mailbox(tx, None, f"{source.kind}:{source.path}", "")
            self._known = set(collected.known(tx, self._mailbox))
        self._waiting: dict[str, Fetched] = {}
        self._counts = dict.fromkeys(FetchTally._fields, 0)

    @property
    def tally(self) -> FetchTally:
        """The figures so far."""
        return FetchTally(**self._counts)

    def add(self, message: ArchivedMessage) -> None:
        """Take a message, together with others, unless it was taken before."""
        id = sha256(message.raw).hexdigest()
        if id not in self._known:
            self._known.add(id)
            self._waiting[id] = Fetched(id, self._incoming(message))
        if len(self._waiting) == batch.SIZE:
            self.flush()

    def flush(self) -> None:
        """Take what is waiting. A message that a mistake of ours stops is held as failed, and stops no other."""
        if self._waiting:
            batch.isolate(list(self._waiting.values()), self._receive, self._hold)
            self._waiting.clear()

    def _hold(self, message: Fetched, error: str) -> None:
        self._receive([message.failed(error)])

    def _receive(self, messages: Sequence[Fetched]) -> None:
        def settle(tx: Transaction, at: int, receipt: Receipt) -> None:
            if counts_as(receipt) != "left":
                collected.settle(tx, self._mailbox, messages[at].id, "taken", acknowledged=True)

        incoming = [message.incoming for message in messages]
        for receipt in receive.receive_all(self._store, self._config, incoming, self._clock(), settle):
            log.delivered(receipt)
            self._counts["fetched"] += 1
            self._counts[counts_as(receipt)] += 1

    def _incoming(self, message: ArchivedMessage) -> Incoming:
        return Incoming(message.raw, fallback=self._source.fallback, source="file", full_size=message.full_size)
