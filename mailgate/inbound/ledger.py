"""What the store knows of the messages in one folder, so that none is lost and none is taken twice."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from mailgate.inbound.job import Job
from mailgate.inbound.suspects import MessageKey
from mailgate.store import collected
from mailgate.store.collected import TRIES
from mailgate.store.database import Transaction


class Ledger:
    """The rows of a folder under one UIDVALIDITY. What changes goes to the store at once.

    As of the opening of the folder, by id: `settled` are the messages of which there is nothing more to collect,
    `attempts` counts the failed attempts at the others.
    """

    def __init__(self, job: Job, folder: str, validity: str, listed: Sequence[str]) -> None:
        """Read the rows, and forget the messages that the server no longer lists. Raises LeaseLost."""
        self._store, self._lease, self._server, self._folder = job.store, job.lease, job.server, folder
        with self._store.write() as tx:
            self._lease.keep(tx)
            self._mailbox = collected.mailbox(tx, self._server.number, folder, validity)
            self._rows = collected.known(tx, self._mailbox)
            collected.forget(tx, self._mailbox, self._rows.keys() - set(listed))
        self.settled = frozenset(id for id, row in self._rows.items() if row.settled)
        self.attempts = Counter({id: row.attempts for id, row in self._rows.items()})

    def key(self, id: str) -> MessageKey:
        """The name of a message in the whole run."""
        return MessageKey(self._mailbox, id)

    def error(self, id: str) -> str:
        """Why the last attempt at a message failed."""
        return self._rows[id].error

    def unconfirmed(self, listed: Iterable[str]) -> Iterator[tuple[str, bool]]:
        """The settled messages that the server was not told of, and whether each of them failed."""
        for id in listed:
            if id in self.settled and not self._rows[id].acknowledged:
                yield id, self._rows[id].state == "failed"

    def begin_attempt(self, id: str, octets: int, *, careful: bool) -> None:
        """Renew the lease for a message of so many octets; careful: count the attempt before it is made, in case the
        process dies of it. Raises LeaseLost."""
        with self._store.write() as tx:
            self._lease.keep(tx, octets)
            if careful:
                collected.tried(tx, self._mailbox, id, "the program died while it was fetched")

    def fail_attempt(self, id: str, error: str) -> bool:
        """Note a failed attempt; whether the message should be given up now."""
        with self._store.write() as tx:
            return collected.tried(tx, self._mailbox, id, error) >= TRIES

    def settle(self, tx: Transaction, id: str, *, failed: bool = False, error: str = "") -> None:
        """Note, in the transaction that takes a message, that nothing more is to be collected of it; failed: that not
        all of it could be. Raises LeaseLost."""
        action = self._server.failed if failed else self._server.done
        collected.settle(tx, self._mailbox, id, "failed" if failed else "taken", error, acknowledged=action == "keep")
        self._lease.keep(tx)

    def settle_lost(self, id: str, error: str) -> None:
        """Note that nothing of a message could be collected. Raises LeaseLost."""
        with self._store.write() as tx:
            self.settle(tx, id, failed=True, error=error)

    def confirm(self, ids: Iterable[str]) -> None:
        """Note that the server did what it was told to do with these messages."""
        with self._store.write() as tx:
            collected.acknowledge(tx, self._mailbox, ids)

    def forget_former(self) -> None:
        """Forget what the folder held under former UIDVALIDITYs."""
        place = self._server.number, self._folder, self._mailbox
        with self._store.read() as tx:
            former = collected.has_former(tx, *place)
        if former:
            with self._store.write() as tx:
                collected.forget_former(tx, *place)
