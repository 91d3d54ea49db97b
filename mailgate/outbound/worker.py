"""Send what is queued.

One worker at a time, held apart by an flock on `STORE.work`; each entry is claimed and settled in a short transaction
of its own, and no transaction is open while a mail server thinks. Nothing raises: what cannot be sent waits, and says
why. A message that was handed over is recorded before this process stops: SIGTERM and SIGINT wait for that, and a
record that fails is tried again until it is made, because the message would be sent twice otherwise.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from secrets import token_hex
from typing import NamedTuple

from mailgate.gateway import log
from mailgate.outbound import submit
from mailgate.outbound.submit import Result, Way
from mailgate.process import signals
from mailgate.settings.config import Config
from mailgate.store import outbox
from mailgate.store.database import Store
from mailgate.store.outbox import QueueEntry
from mailgate.values import charset
from mailgate.values.problem import NotFound, StoreError

_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between two tries to record what was handed over, the last one for ever."""


class Tally(NamedTuple):
    """What one run did, in messages; `left` of them are still queued, due or not."""

    sent: int = 0
    put_off: int = 0
    refused: int = 0
    left: int = 0


def work(store: Store, config: Config, clock: Callable[[], float] = time.time) -> Tally:
    """Submit everything that is due, unless another worker is at it or `submit.method` is none.

    `clock` gives seconds since the epoch. Never raises.
    """
    worker = _Worker(store, clock)
    try:
        if config.submit.sends:
            with closing(submit.way(config.submit)) as way:
                while worker.round(way) and worker.due():
                    pass
        with store.read() as tx:
            return worker.tally._replace(left=outbox.left(tx))
    except Exception as error:  # the store, most likely: whatever was claimed is due again when the lease has run out
        log.stopped(error)
        return worker.tally


class _Worker:
    """One run: its name on the claims, and what it has done so far."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.store, self.clock = store, clock
        self.name = token_hex(8)
        self.tally = Tally()

    def round(self, way: Way) -> bool:
        """Send until nothing is due; False when another worker is at it, or when the mail server is down.

        A delivery commits what it queues, then starts a worker, which goes away when it finds this one. So a worker
        that ends a round has to look again after the lock is free: a message may have come just before.
        """
        with _alone(f"{self.store.path}.work") as alone:
            if not alone:
                return False
            while True:
                with signals.postponed() as stopping:
                    entry = self._claim()
                    if entry is None:
                        return True
                    result = self._submit(way, entry, stopping)
                    if result:
                        self._settle(entry, result)
                if result is None or result.down:  # down: waiting for each of the others to fail would help nobody
                    return False

    def due(self) -> bool:
        """Whether anything can be sent now."""
        with self.store.read() as tx:
            return outbox.due(tx, self.clock())

    def _claim(self) -> QueueEntry | None:
        if not self.due():  # most runs end here, without a lock or a write
            return None
        with self.store.write() as tx:
            return outbox.claim(tx, self.name, self.clock())

    def _submit(self, way: Way, entry: QueueEntry, stopping: Callable[[], bool]) -> Result | None:
        """Hand an entry over; None when it was given back instead, because this process was asked to stop."""
        try:
            with self.store.read() as tx:  # a large body is read without holding up deliveries
                octets = outbox.octets(tx, entry.number)
        except NotFound as dropped:
            return Result("later", str(dropped))
        except Exception:
            self._give_back(entry)
            raise
        if stopping():
            self._give_back(entry)
            return None
        try:
            return way.submit(entry.reverse_path, entry.recipient, octets)
        except Exception as error:  # a mistake of ours about this one: the others shall not wait for it
            return Result("later", charset.printable(f"{type(error).__name__}: {error}")[:500])

    def _give_back(self, entry: QueueEntry) -> None:
        """End the claim of what was not handed over. Where that fails, the claim runs out."""
        with suppress(StoreError), self.store.write() as tx:
            outbox.give_back(tx, entry, self.name)

    def _settle(self, entry: QueueEntry, result: Result) -> None:
        """Record what became of an entry, however long that takes: no other worker can, this one holds the lock."""
        pauses = iter(_PAUSES)
        while True:
            try:
                recorded = self._record(entry, result)
                break
            except StoreError as error:
                log.unrecorded(entry, error)
                time.sleep(next(pauses, _PAUSES[-1]))
        name = {"sent": "sent", "never": "refused"}.get(result.verdict, "put_off")
        log.submitted(entry, name.replace("_", " "), result.error, in_time=recorded)
        if recorded:
            self.tally = self.tally._replace(**{name: getattr(self.tally, name) + 1})

    def _record(self, entry: QueueEntry, result: Result) -> bool:
        with self.store.write() as tx:
            match result.verdict:
                case "sent":
                    return outbox.sent(tx, entry.number, self.name)
                case "never":
                    return outbox.refuse(tx, entry.number, self.name, result.error)
                case _:
                    return outbox.put_off(tx, entry, self.name, result.error, self.clock())


@contextmanager
def _alone(path: str) -> Iterator[bool]:
    """Whether this process is the only worker, for as long as the block runs. The lock dies with its holder."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
