"""Pay what the outbox owes.

One worker at a time, held apart by an flock on `STORE.work`; each debt is claimed and settled in a short transaction of
its own, and no transaction is open while a mail server thinks. Nothing raises: what cannot be paid waits, and says why.
"""

import fcntl
import os
import syslog
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from secrets import token_hex
from typing import NamedTuple

from mailgate.outbound import submit
from mailgate.outbound.submit import Result, Way
from mailgate.settings.config import Config
from mailgate.store import outbox
from mailgate.store.database import Store
from mailgate.store.outbox import Debt
from mailgate.values import charset


class Paid(NamedTuple):
    """What one run did, in debts; `left` of them wait, due or not."""

    sent: int = 0
    put_off: int = 0
    refused: int = 0
    left: int = 0


def work(store: Store, config: Config, clock: Callable[[], float] = time.time) -> Paid:
    """Submit everything that is due, unless another worker is at it or `submit.method` is none.

    `clock` gives seconds since the epoch. Never raises.
    """
    worker = _Worker(store, clock)
    try:
        if config.submit.method != "none":
            with closing(submit.way(config.submit)) as way:
                while worker.round(way) and worker.due():
                    pass
        with store.read() as tx:
            return worker.paid._replace(left=outbox.left(tx))
    except Exception as error:  # the store, most likely: whatever was claimed is due again when the lease has run out
        _log(syslog.LOG_ERR, f"work stopped: {type(error).__name__}: {error}")
        return worker.paid


class _Worker:
    """One run: its name on the claims, and what it has done so far."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.store, self.clock = store, clock
        self.name = token_hex(8)
        self.paid = Paid()

    def round(self, way: Way) -> bool:
        """Pay debts until none is due; False when another worker is at it, or when the mail server is down.

        A delivery commits its debt, then starts a worker, which goes away when it finds this one. So whoever ends a
        round has to look again after the lock is free: the debt may have come just before.
        """
        with _alone(f"{self.store.path}.work") as alone:
            if not alone:
                return False
            while debt := self._claim():
                result = _submit(way, debt)
                self._settle(debt, result)
                if result.down:  # the others stay due: waiting for each of them to fail would help nobody
                    return False
        return True

    def due(self) -> bool:
        """Whether anything can be paid now."""
        with self.store.read() as tx:
            return outbox.due(tx, self.clock())

    def _claim(self) -> Debt | None:
        if not self.due():  # most runs end here, without a lock or a write
            return None
        with self.store.write() as tx:
            debt = outbox.claim(tx, self.name, self.clock())
        if debt is None or debt.body_at is None:
            return debt
        with self.store.read() as tx:  # a large body is read without holding up deliveries
            return debt._replace(octets=outbox.whole(tx, debt))

    def _settle(self, debt: Debt, result: Result) -> None:
        with self.store.write() as tx:
            match result.verdict:
                case "sent":
                    mine = outbox.sent(tx, debt.number, self.name)
                case "never":
                    mine = outbox.refuse(tx, debt.number, self.name, result.error)
                case _:
                    mine = outbox.put_off(tx, debt, self.name, result.error, self.clock())
        _note(debt, result, mine)
        if mine:
            name = {"sent": "sent", "never": "refused"}.get(result.verdict, "put_off")
            self.paid = self.paid._replace(**{name: getattr(self.paid, name) + 1})


def _submit(way: Way, debt: Debt) -> Result:
    try:
        return way.submit(debt.reverse_path, debt.recipient, debt.octets)
    except Exception as error:  # a mistake of ours about this one: the others shall not wait for it
        return Result("later", charset.printable(f"{type(error).__name__}: {error}")[:500])


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


def _note(debt: Debt, result: Result, mine: bool) -> None:
    words = {"sent": "sent", "never": "refused"}.get(result.verdict, "put off")
    late = "" if mine else " (too late: the claim had run out)"
    line = f"outbox {debt.number} {debt.kind} {debt.reason} to=<{debt.recipient}> try={debt.tries}: {words}{late}"
    _log(syslog.LOG_INFO if result.verdict == "sent" else syslog.LOG_WARNING, f"{line} {result.error}".rstrip())


def _log(priority: int, line: str) -> None:
    syslog.openlog("mailgate", syslog.LOG_PID, syslog.LOG_MAIL)
    syslog.syslog(priority, charset.printable(line)[:900])
