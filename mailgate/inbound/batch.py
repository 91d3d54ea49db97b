"""Take fetched messages into the gateway, many with one commit, and find the one at fault when that fails."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from mailgate.gateway import log, receive
from mailgate.gateway.receive import Receipt
from mailgate.inbound.job import Job
from mailgate.inbound.lease import LeaseLost
from mailgate.inbound.ledger import Ledger
from mailgate.inbound.progress import counts_as
from mailgate.inbound.settle import Settlement
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.process import faults
from mailgate.store.database import Transaction
from mailgate.values.problem import StoreError

SIZE = 32
"""Messages that are fetched with one command and taken with one commit: what comes through the pipe waits for it."""
OCTETS = 4 << 20
"""Octets of them together."""
T = TypeVar("T")


def split(ids: Sequence[str], sizes: Mapping[str, int], alone: Collection[str]) -> Iterator[list[str]]:
    """Messages in batches, in their order; each of those in `alone` makes a batch of its own."""
    batch: list[str] = []
    octets = 0
    for id in ids:
        full = len(batch) == SIZE or octets + sizes[id] > OCTETS
        if batch and (full or id in alone or batch[0] in alone):
            yield batch
            batch, octets = [], 0
        batch.append(id)
        octets += sizes[id]
    if batch:
        yield batch


def isolate(items: Sequence[T], take: Callable[[Sequence[T]], None], fail: Callable[[T, str], None]) -> None:
    """Take all items at once; when a mistake of ours prevents that, one by one, and `fail` those that cannot be taken.

    Faults of the machine and a lost lease are not the fault of an item: they are raised.
    """
    try:
        take(items)
    except (LeaseLost, StoreError, OSError):
        raise
    except Exception as error:  # whatever it is, it is about these messages
        if faults.is_of_machine(error):
            raise
        if len(items) > 1:
            for item in items:
                isolate([item], take, fail)
        else:
            fail(items[0], f"{type(error).__name__}: {error}"[:200])


class Fetched(NamedTuple):
    """A message that was fetched, with its id in its mailbox."""

    id: str
    incoming: Incoming

    def failed(self, error: str) -> "Fetched":
        """The same message, to be held because of an error."""
        return self._replace(incoming=self.incoming._replace(failure=error))


class Intake:
    """Takes the messages of one folder."""

    def __init__(self, job: Job, folder: str, ledger: Ledger, settlement: Settlement) -> None:
        self._job, self._folder, self._ledger, self._settlement = job, folder, ledger, settlement

    def fetched(self, id: str, raw: bytes, full_size: int = 0, failure: str = "") -> Fetched:
        """A message of this server, or the header of one of `full_size` octets. failure: why it is held."""
        server = self._job.server
        fallback = Fallback(server.model, server.values) if server.model else None
        incoming = Incoming(raw, fallback=fallback, source="fetch", mailbox=server.mailbox)
        return Fetched(id, incoming._replace(full_size=full_size, failure=failure))

    def take(self, messages: Sequence[Fetched]) -> None:
        """Take messages with one commit. One that we cannot take is tried again in later runs, then held as failed."""
        isolate(messages, self._receive, self._fail)

    def give_up(self, id: str, error: str) -> None:
        """Note that nothing of a message could be collected."""
        self._ledger.settle_lost(id, error)
        self._done(id, "failed")

    def _receive(self, messages: Sequence[Fetched]) -> None:
        """Receive messages, and note in the same transaction that they are settled."""
        fields: list[str] = []

        def settle(tx: Transaction, at: int, receipt: Receipt) -> None:
            fields.append(field := counts_as(receipt))
            if field == "failed":
                self._ledger.settle(tx, messages[at].id, failed=True, error=receipt.decision.outcomes[0].note)
            elif field != "left":
                self._ledger.settle(tx, messages[at].id)

        incoming = [message.incoming for message in messages]
        receipts = receive.receive_all(self._job.store, self._job.config, incoming, self._job.clock(), settle)
        for message, field, receipt in zip(messages, fields, receipts, strict=True):
            log.delivered(receipt)
            if receipt.queued:
                self._job.progress.note_queued()
            if field != "left":
                self._done(message.id, field)

    def _fail(self, message: Fetched, error: str) -> None:
        """Put a message off; after its last attempt, take it as failed."""
        give_up = self._ledger.fail_attempt(message.id, error)
        self._job.suspects.put_off(self._ledger.key(message.id))
        if give_up and not message.incoming.failure:
            self.take([message.failed(error)])

    def _done(self, id: str, field: str) -> None:
        self._settlement.add(id, failed=field == "failed")
        self._job.progress.count(field, self._folder)
