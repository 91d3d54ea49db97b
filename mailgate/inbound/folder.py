"""Collect one folder of a server over one connection: each message once, and none of them in the way of the others.

A message is taken by `gateway.receive_all`, and its row in `collected` is written in the same transaction; only then
the server is told. So a kill at any point leaves a message untouched, or taken and the server still to be told.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from mailgate.gateway import log, receive
from mailgate.gateway.receive import Receipt
from mailgate.inbound.mailbox import COMMAND_TIME, OCTETS, Lost, Refused, Session
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.settings.config import Config
from mailgate.store import collected, servers
from mailgate.store.collected import TRIES, Row
from mailgate.store.database import Store, Transaction
from mailgate.store.servers import Server
from mailgate.values.outcome import foremost
from mailgate.values.problem import StoreError

BATCH = 32
"""Messages that are fetched with one command and taken with one commit: what comes through the pipe waits for it."""
BATCH_OCTETS = 4 << 20
"""Octets of them together."""
_AT_ONCE = 200
"""Messages that a server is told of with one command."""
LEASE = 900.0
"""Seconds without a sign of life after which another process may take a server over."""

Progress = Callable[[int, int], None]
"""Is told how many messages are done, and of how many."""


class Tally(NamedTuple):
    """What a run did, in messages: each one fetched counts once, by the most that came of it. `left` wait there."""

    fetched: int = 0
    created: int = 0
    posted: int = 0
    reported: int = 0
    held: int = 0
    refused: int = 0
    ignored: int = 0
    failed: int = 0
    left: int = 0


class Usurped(Exception):
    """Our lease ran out, and another process has the server now."""


class Work:
    """One run over the folders of a server: what it is for, and what it has done so far."""

    def __init__(
        self,
        store: Store,
        config: Config,
        server: Server,
        holder: str,
        progress: Progress,
        clock: Callable[[], float],
    ) -> None:
        self.store, self.config, self.server, self.holder = store, config, server, holder
        self.progress, self.clock = progress, clock
        self.fallback = Fallback(server.model, server.values) if server.model else None
        self.counts = dict.fromkeys(Tally._fields, 0)
        self.waiting: dict[str, int] = {}
        self.until = clock() + LEASE
        self.warning = ""
        self.trouble = ""  # with one folder, the others go on
        self.queued = False
        self.wary = False  # the process before us died at this server: perhaps of a message
        self.alone: set[str] = set()  # fetched one by one: the connection broke while they were fetched together
        self.single = ""  # the message that is being fetched alone
        self.breaks: dict[str, int] = {}
        self.put_off: set[str] = set()  # until the next run

    def summary(self) -> Tally:
        """What was done so far."""
        return Tally(**{**self.counts, "left": sum(self.waiting.values())})

    def counted(self, kind: str, folder: str) -> None:
        """One more message is done with."""
        self.counts["fetched"] += 1
        self.counts[kind] += 1
        self.waiting[folder] -= 1
        done = self.counts["fetched"]
        self.progress(done, done + sum(self.waiting.values()))

    def alive(self, tx: Transaction, octets: int = 0) -> None:
        """Keep the lease while we work. Raises Usurped."""
        now = self.clock()
        until = now + LEASE + COMMAND_TIME + octets / OCTETS
        if self.until - now > LEASE / 2 and not octets:
            if not servers.holds(tx, self.server.number, self.holder):
                raise Usurped
            return
        if not servers.renew(tx, self.server.number, self.holder, until):
            raise Usurped
        self.until = until


class Folder:
    """One folder in one connection."""

    def __init__(self, run: Work, session: Session, folder: str) -> None:
        self.run, self.session, self.folder = run, session, folder
        self.store, self.server = run.store, run.server
        self.box = 0
        self.sizes: dict[str, int] = {}
        self.rows: dict[str, Row] = {}
        self.missing: dict[str, str] = {}  # what was said of them
        self.untold: dict[str, list[str]] = {"done": [], "failed": []}
        self.told: list[str] = []
        self.mute = False  # the server did not do what we told it: enough for this run

    def collect(self) -> None:
        """Fetch what is not settled, oldest first; what failed before comes last."""
        server = self.server
        change = (server.done, server.failed) != ("keep", "keep")
        validity = self.session.open(self.folder, change=change)
        listed = list(self.session.listing())
        self._look_up(validity, listed)
        self._tell()
        todo = [each for each in listed if each not in self.rows or not self.rows[each].settled]
        self.run.waiting[self.folder] = len(todo)
        tried = {each: self.rows[each].attempts if each in self.rows else 0 for each in todo}
        open_ = [each for each in todo if self._key(each) not in self.run.put_off and tried[each] < TRIES]
        open_.sort(key=lambda each: (*self._doubts(each), tried[each]))
        open_ = open_[: max(0, server.most - self.run.counts["fetched"])]
        self.sizes = self.session.sizes(open_) if open_ else {}
        self.missing = dict.fromkeys((each for each in open_ if each not in self.sizes), _NOT_GIVEN)
        there = [each for each in open_ if each in self.sizes]
        large = [each for each in there if self.sizes[each] > self.run.config.max_size]
        alone = {each for each in there if tried[each] or any(self._doubts(each))}
        if self.run.wary:
            alone.update(there[:BATCH])
        self._fetch([each for each in there if each not in large], alone)
        for each in large:
            self._only_header(each, "", self.sizes[each])
        self._tell()
        self._missing()
        for each in (each for each in todo if tried[each] >= TRIES):
            self._give_up(each, self.rows[each].error)
        self._tell()
        if not self.run.waiting[self.folder]:
            self._forget_former()

    def _key(self, id: str) -> str:
        return f"{self.box}\n{id}"

    def _doubts(self, id: str) -> tuple[int, bool]:
        """How often the connection broke at a message, and whether it did so while several were fetched."""
        return self.run.breaks.get(self._key(id), 0), self._key(id) in self.run.alone

    def _look_up(self, validity: str, listed: Sequence[str]) -> None:
        with self.store.write() as tx:
            self.run.alive(tx)
            self.box = collected.mailbox(tx, self.server.number, self.folder, validity)
            self.rows = collected.known(tx, self.box)
            gone = self.rows.keys() - set(listed)
            collected.forget(tx, self.box, gone)
        for each in (self.rows[each] for each in listed if each in self.rows):
            if each.settled and not each.told:
                self.untold["done" if each.state == "taken" else "failed"].append(each.id)

    def _fetch(self, ids: Sequence[str], alone: set[str]) -> None:
        """Several with one command where nothing speaks against it, in the order of their age."""
        for batch in self._batches(ids, alone):
            if len(batch) == 1 and batch[0] in alone:
                self._alone(batch[0])
            else:
                self._together(batch)
            self._tell()

    def _batches(self, ids: Sequence[str], alone: set[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        octets = 0
        for each in ids:
            size = self.sizes[each]
            if batch and (each in alone or batch[0] in alone or len(batch) == BATCH or octets + size > BATCH_OCTETS):
                yield batch
                batch, octets = [], 0
            batch.append(each)
            octets += size
        if batch:
            yield batch

    def _together(self, ids: list[str]) -> None:
        octets = sum(self.sizes[each] for each in ids)
        try:
            bodies = self.session.messages(ids, octets)
        except Refused:
            for each in ids:
                self._alone(each)
            return
        except Lost:
            self.run.alone.update(self._key(each) for each in ids)
            raise
        if there := [(each, self._incoming(bodies[each])) for each in ids if bodies.get(each)]:
            self._take(there)
        for each in ids:
            if not bodies.get(each):
                self.missing[each] = _NOTHING if each in bodies else _NOT_GIVEN

    def _alone(self, id: str) -> None:
        if self.run.wary or self.sizes[id] > BATCH_OCTETS:
            with self.store.write() as tx:
                self.run.alive(tx, self.sizes[id])
                if self.run.wary:  # so that it counts when we die of it, too
                    collected.tried(tx, self.box, id, "the program died while it was fetched")
        self.run.single = self._key(id)
        try:
            body = self.session.messages([id], self.sizes[id]).get(id)
        except Refused as refused:
            self.missing[id] = str(refused)
        else:
            if body:
                self._take([(id, self._incoming(body))])
            else:
                self.missing[id] = _NOT_GIVEN if body is None else _NOTHING
        self.run.single = ""

    def _incoming(self, raw: bytes) -> Incoming:
        """A message of this server, or a part of one."""
        return Incoming(raw, fallback=self.run.fallback, source="fetch", mailbox=self.server.mailbox)

    def _take(self, letters: list[tuple[str, Incoming]]) -> None:
        """Receive messages with one commit; one that we cannot take for a mistake of ours stops no other."""
        try:
            self._receive(letters)
        except (Usurped, StoreError, sqlite3.OperationalError, OSError):
            raise
        except Exception as error:
            if len(letters) > 1:
                for each in letters:
                    self._take([each])
                return
            ((id, incoming),) = letters
            why = f"{type(error).__name__}: {error}"[:200]
            with self.store.write() as tx:
                attempts = collected.tried(tx, self.box, id, why)
            self.run.put_off.add(self._key(id))
            if attempts >= TRIES and not incoming.failure:
                self._take([(id, incoming._replace(failure=why))])

    def _receive(self, letters: list[tuple[str, Incoming]]) -> None:
        """Receive messages, and note in the same transaction that they are settled."""
        kinds: list[str] = []

        def settle(tx: Transaction, at: int, receipt: Receipt) -> None:
            kinds.append(kind := kind_of(receipt))
            if kind == "left":
                return
            state, error = ("taken", "") if kind != "failed" else ("failed", receipt.decision.outcomes[0].note)
            how = self.server.done if kind != "failed" else self.server.failed
            collected.settle(tx, self.box, letters[at][0], state, error, told=how == "keep")
            self.run.alive(tx)

        batch = [incoming for _, incoming in letters]
        receipts = receive.receive_all(self.store, self.run.config, batch, self.run.clock(), settle)
        for (id, _), kind, receipt in zip(letters, kinds, receipts, strict=True):
            log.delivered(receipt)
            self.run.queued |= receipt.queued
            if kind != "left":
                self.untold["failed" if kind == "failed" else "done"].append(id)
                self.run.counted(kind, self.folder)

    def _only_header(self, id: str, why: str, size: int) -> None:
        """Hold what can be had of a message that cannot be had as a whole, with the reason."""
        self.run.single = self._key(id)
        try:
            header = self.session.header(id)
        except Refused as refused:
            header, why = b"", why or str(refused)
        except Lost:
            if why and self.run.counts["fetched"]:  # the others came through
                self.run.single = ""
                self._nothing(id, why)
            raise
        self.run.single = ""
        if header:
            part = self._incoming(header)._replace(failure=why, whole=max(size, len(header) + 1))
            self._take([(id, part)])
        else:
            self._nothing(id, why or "the server does not give its header")

    def _nothing(self, id: str, why: str) -> None:
        with self.store.write() as tx:
            self.run.alive(tx)
            collected.settle(tx, self.box, id, "failed", why, told=self.server.failed == "keep")
        self.untold["failed"].append(id)
        self.run.counted("failed", self.folder)

    def _in_vain(self, id: str, why: str) -> None:
        with self.store.write() as tx:
            attempts = collected.tried(tx, self.box, id, why)
        self.run.put_off.add(self._key(id))
        if attempts >= TRIES:
            self._give_up(id, why)

    def _give_up(self, id: str, why: str) -> None:
        self._only_header(id, f"could not be collected in {TRIES} attempts: {why}", self.sizes.get(id, 0))

    def _missing(self) -> None:
        """What was listed but not given was expunged by somebody else; or the server says what is not so."""
        if not self.missing:
            return
        there = set(self.session.listing())
        for each, why in self.missing.items():
            if each in there:
                self._in_vain(each, why)
            else:
                self.run.waiting[self.folder] -= 1

    def _tell(self) -> None:
        """Tell the server what is settled; it is no failure when it does not listen, we remember."""
        for which, how in (("done", self.server.done), ("failed", self.server.failed)):
            ids, self.untold[which] = self.untold[which], []
            if how == "keep" or not ids or self.mute:
                continue
            try:
                for at in range(0, len(ids), _AT_ONCE):
                    self.session.act(ids[at : at + _AT_ONCE], how)
            except Refused as refused:
                self.mute = True
                self.run.warning = f"{self.folder}: collected, but not {_PAST[how.partition(':')[0]]}: {refused}"
                continue
            self.told += ids
            if self.server.type != "pop":  # there it is done when the session has ended well
                self.closed()

    def closed(self) -> None:
        """Note what the server has been told."""
        if self.told:
            with self.store.write() as tx:
                collected.told(tx, self.box, self.told)
            self.told = []

    def _forget_former(self) -> None:
        with self.store.read() as tx:
            former = collected.formers(tx, self.server.number, self.folder, self.box)
        if former:
            with self.store.write() as tx:
                collected.forget_former(tx, self.server.number, self.folder, self.box)


_NOT_GIVEN = "the server lists it, but does not give it"
_NOTHING = "the server gives nothing of it"
_PAST = {"seen": "marked as seen", "move": "moved", "delete": "deleted"}
_KINDS = {"create": "created", "post": "posted", "bounce": "reported", "refuse": "refused", "hold": "held"}


def kind_of(receipt: Receipt) -> str:
    """The one word of the tally for what came of a message."""
    outcomes = receipt.decision.outcomes
    if receipt.decision.status.exit == 75:
        return "left"
    if any(each.action == "hold" and each.reason in ("failed", "too-large") for each in outcomes):
        return "failed"
    action, _ = foremost((outcome.action, outcome.reason) for outcome in outcomes if not outcome.repeated)
    return _KINDS.get(action, "ignored")
