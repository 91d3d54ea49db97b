"""The lease of a run on its server: while it lasts, no other process collects from there."""

from collections.abc import Callable

from mailgate.inbound.mailbox import COMMAND_TIME, OCTETS
from mailgate.store import leases
from mailgate.store.database import Store, Transaction

TIME = 900.0
"""Seconds without a renewal after which another process may take the server over."""


class LeaseLost(Exception):
    """The lease ran out, and another process has the server now."""


class Lease:
    """A lease on one server. `clock` gives seconds since the epoch."""

    def __init__(self, store: Store, number: int, clock: Callable[[], float]) -> None:
        self._store, self._number, self._clock = store, number, clock
        self._holder = leases.myself()
        self._until = 0.0

    def take(self) -> str | None:
        """Take the lease. None: a living process has it; else the name of the process that died with it, or `""`."""
        with self._store.write() as tx:
            now = self._clock()
            self._until = now + TIME
            return leases.take(tx, leases.SERVER, self._number, self._holder, self._until, now)

    def keep(self, tx: Transaction, octets: int = 0) -> None:
        """Check that the lease is still ours, and renew it before it runs out while a message of so many octets is
        fetched. Raises LeaseLost."""
        now = self._clock()
        until = now + TIME + COMMAND_TIME + octets / OCTETS
        if self._until - now > TIME / 2 and not octets:
            if not leases.holds(tx, leases.SERVER, self._number, self._holder):
                raise LeaseLost
            return
        if not leases.renew(tx, leases.SERVER, self._number, self._holder, until):
            raise LeaseLost
        self._until = until

    def give_back(self) -> None:
        """Let others have the server."""
        with self._store.write() as tx:
            leases.settle(tx, leases.SERVER, self._number, self._holder)
