"""Collect one folder of a server over one connection: each message once, and none of them in the way of the others.

A message and its row in `collected` are written in one transaction; only then the server is told. So a kill at any
point leaves a message untouched, or taken with the server still to be told.
"""

from collections.abc import Collection, Sequence

from mailgate.inbound import batch
from mailgate.inbound.batch import Intake
from mailgate.inbound.job import Job
from mailgate.inbound.ledger import Ledger
from mailgate.inbound.mailbox import CommandRefused, ConnectionLost, Session
from mailgate.inbound.settle import Settlement
from mailgate.store.collected import TRIES

_NOT_GIVEN = "the server lists it, but does not give it"
_NOTHING = "the server gives nothing of it"


def open_folder(job: Job, session: Session, name: str) -> "Folder":
    """Open a folder and look up what is known of its messages. Raises ConnectionLost, CommandRefused, LeaseLost."""
    changes = (job.server.done, job.server.failed) != ("keep", "keep")
    validity = session.open(name, change=changes)
    listed = list(session.listing())
    return Folder(job, session, name, listed, Ledger(job, name, validity, listed))


class Folder:
    """An open folder. Every method raises ConnectionLost, CommandRefused and LeaseLost."""

    def __init__(self, job: Job, session: Session, name: str, listed: Sequence[str], ledger: Ledger) -> None:
        self._job, self._session, self._name, self._listed, self._ledger = job, session, name, listed, ledger
        self._settlement = Settlement(job, session, name, ledger)
        self._intake = Intake(job, name, ledger, self._settlement)
        self._sizes: dict[str, int] = {}
        self._missing: dict[str, str] = {}
        """Messages that the server listed and did not give, and what it said of them."""

    def collect(self) -> None:
        """Fetch what is not settled, oldest first; what failed before comes last."""
        for id, failed in self._ledger.unconfirmed(self._listed):
            self._settlement.add(id, failed=failed)
        self._settlement.send()
        unsettled = [id for id in self._listed if id not in self._ledger.settled]
        self._job.progress.expect(self._name, len(unsettled))
        self._fetch_all(self._chosen(unsettled))
        self._look_for_missing()
        for id in unsettled:
            if self._ledger.attempts[id] >= TRIES:
                self._give_up(id, self._ledger.error(id))
        self._settlement.send()
        if not self._job.progress.waiting(self._name):
            self._ledger.forget_former()

    def confirm(self) -> None:
        """Note what the server did when the session ended well."""
        self._settlement.confirm()

    def _chosen(self, unsettled: Sequence[str]) -> list[str]:
        """The messages to fetch in this run, in order."""
        key, attempts, suspects = self._ledger.key, self._ledger.attempts, self._job.suspects
        chosen = [id for id in unsettled if attempts[id] < TRIES and not suspects.is_put_off(key(id))]
        chosen.sort(key=lambda id: (*suspects.suspicion(key(id)), attempts[id]))
        return chosen[: max(0, self._job.server.most - self._job.progress.fetched)]

    def _fetch_all(self, chosen: Sequence[str]) -> None:
        """Fetch messages in batches where nothing speaks against it, and of those that are too large the header."""
        self._sizes = self._session.sizes(chosen) if chosen else {}
        self._missing = {id: _NOT_GIVEN for id in chosen if id not in self._sizes}
        listed = [id for id in chosen if id in self._sizes]
        large = [id for id in listed if self._sizes[id] > self._job.config.max_size]
        alone = {id for id in listed if self._ledger.attempts[id] or self._is_suspect(id)}
        if self._job.suspects.careful:
            alone.update(listed[: batch.SIZE])
        for ids in batch.split([id for id in listed if id not in large], self._sizes, alone):
            self._fetch(ids, alone)
            self._settlement.send()
        for id in large:
            self._fetch_header(id, "")
        self._settlement.send()

    def _is_suspect(self, id: str) -> bool:
        return self._job.suspects.is_suspect(self._ledger.key(id))

    def _fetch(self, ids: Sequence[str], alone: Collection[str]) -> None:
        if len(ids) == 1 and ids[0] in alone:
            self._fetch_alone(ids[0])
        else:
            self._fetch_together(ids)

    def _fetch_together(self, ids: Sequence[str]) -> None:
        try:
            bodies = self._session.messages(ids, sum(self._sizes[id] for id in ids))
        except CommandRefused:
            for id in ids:
                self._fetch_alone(id)
            return
        except ConnectionLost:
            self._job.suspects.broke_together(self._ledger.key(id) for id in ids)
            raise
        if messages := [self._intake.fetched(id, bodies[id]) for id in ids if bodies.get(id)]:
            self._intake.take(messages)
        for id in ids:
            if not bodies.get(id):
                self._missing[id] = _NOTHING if id in bodies else _NOT_GIVEN

    def _fetch_alone(self, id: str) -> None:
        careful, octets = self._job.suspects.careful, self._sizes[id]
        if careful or octets > batch.OCTETS:
            self._ledger.begin_attempt(id, octets, careful=careful)
        try:
            body = self._session.messages([id], octets).get(id)
        except CommandRefused as refused:
            self._missing[id] = str(refused)
            return
        except ConnectionLost:
            self._job.suspects.broke_at(self._ledger.key(id))
            raise
        if body:
            self._intake.take([self._intake.fetched(id, body)])
        else:
            self._missing[id] = _NOT_GIVEN if body is None else _NOTHING

    def _fetch_header(self, id: str, failure: str) -> None:
        """Take the header of a message whose body cannot be fetched. failure: why, `""` when it is too large."""
        try:
            header = self._session.header(id)
        except CommandRefused as refused:
            self._intake.give_up(id, failure or str(refused))
            return
        except ConnectionLost:
            if failure and self._job.progress.fetched:  # the others came through
                self._intake.give_up(id, failure)
            else:
                self._job.suspects.broke_at(self._ledger.key(id))
            raise
        if header:
            full_size = max(self._sizes.get(id, 0), len(header) + 1)
            self._intake.take([self._intake.fetched(id, header, full_size, failure)])
        else:
            self._intake.give_up(id, failure or "the server does not give its header")

    def _give_up(self, id: str, error: str) -> None:
        self._fetch_header(id, f"could not be collected in {TRIES} attempts: {error}")

    def _look_for_missing(self) -> None:
        """What was listed and not given was expunged by another client; or the server lists what it does not have."""
        if not self._missing:
            return
        present = set(self._session.listing())
        for id, error in self._missing.items():
            if id not in present:
                self._job.progress.drop(self._name)
                continue
            give_up = self._ledger.fail_attempt(id, error)
            self._job.suspects.put_off(self._ledger.key(id))
            if give_up:
                self._give_up(id, error)
