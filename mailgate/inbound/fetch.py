"""Collect the mail of one server, whatever breaks, and write down how the server fares."""

import contextlib
import sqlite3
import time
from collections.abc import Callable
from typing import NamedTuple

from mailgate.gateway import log
from mailgate.inbound.folder import LEASE, Folder, Progress, Tally, Usurped, Work
from mailgate.inbound.mailbox import Lost, Refused, Session
from mailgate.oauth import sasl, secret
from mailgate.process import extras
from mailgate.settings.config import Config
from mailgate.store import collected, logins, servers
from mailgate.store.database import Store
from mailgate.store.servers import Health, Server
from mailgate.values.problem import Problem, StoreError

_LOSSES = 3
"""Broken connections in a row, without a message between them, after which a run ends."""


class Result(NamedTuple):
    """How a run ended. state: ok, failed, busy (another process is at it), or why it was not tried: waiting, paused."""

    server: Server
    state: str
    tally: Tally = Tally()
    error: str = ""
    hints: tuple[str, ...] = ()
    warning: str = ""
    queued: bool = False


def connect(server: Server, config: Config, store: Store) -> Session:
    """A session with a server; where it takes the token no more, once again with a fresh one. Raises Problem."""
    extras.require(*server.libraries)
    if server.secret.kind != "login":
        return _session(server, config, secret.read(server.secret))
    from mailgate.oauth import access

    token = access.token(store, server)
    try:
        return _session(server, config, token)
    except sasl.Refused:
        return _session(server, config, access.token(store, server, refused=token))


def _session(server: Server, config: Config, word: str) -> Session:
    if server.type == "pop":
        from mailgate.inbound import pop

        return pop.connect(server, word, config.max_size)
    from mailgate.inbound import imap

    return imap.connect(server, word, config.max_size)


def due(health: Health, now: float) -> str:
    """Why a server is not tried by itself, `""` when it is."""
    if health.paused is not None:
        return "paused"
    return "waiting" if health.due > now else ""


def run(
    store: Store,
    config: Config,
    server: Server,
    progress: Progress = lambda done, of: None,
    connect: Callable[[Server, Config, Store], Session] = connect,
    clock: Callable[[], float] = time.time,
) -> Result:
    """Collect what a server has, within the limits of one run. Raises StoreError, sqlite3.Error, OSError.

    `clock` gives seconds since the epoch.
    """
    holder = servers.myself()
    with store.write() as tx:
        now = clock()
        former = servers.hold(tx, server.number, holder, now + LEASE, now)
    if former is None:
        return Result(server, "busy")
    work = _Run(store, config, server, holder, progress, clock)
    work.connect = lambda: connect(server, config, store)
    work.wary = former != ""
    try:
        return _ended(work, *_failure(work))
    except Usurped:
        return Result(server, "busy", work.summary(), queued=work.queued)
    finally:
        with contextlib.suppress(StoreError, sqlite3.Error, OSError), store.write() as tx:
            servers.release(tx, server.number, holder)


def _failure(work: "_Run") -> tuple[str, tuple[str, ...]]:
    """Do the work; what stopped it, `""` when nothing did, and what helps."""
    try:
        work.collect()
    except (StoreError, sqlite3.Error, OSError, Usurped):
        raise
    except Problem as problem:
        return str(problem), problem.hints
    except Lost as lost:
        return f"{work.server.host}: the connection broke: {lost}", ()
    except Exception as error:  # a mistake of ours about this server: the others shall not wait for it
        return f"a fault of mailgate's own: {type(error).__name__}: {error}"[:300], (log.fault(error),)
    return work.trouble, (f"mailgate server test {work.server.name}",) if work.trouble else ()


def _ended(work: "_Run", error: str, hints: tuple[str, ...]) -> Result:
    """Write down how the server fares, and say so once when that has changed."""
    number, name = work.server.number, work.server.name
    with work.store.write() as tx:
        before = servers.health(tx, number)
        if error:
            after = servers.failed(tx, number, error, work.clock())
        else:
            servers.succeeded(tx, number, work.warning, work.clock())
        login = logins.get(tx, number)
    if error and before.failing is None:
        log.server(name, f"fails: {error}")
    elif error and before.paused is None and after.paused is not None:
        log.server(name, f"paused after days of failure, until `mailgate server enable {name}`: {error}")
    elif not error and before.failing is not None:
        log.server(name, "works again", good=True)
    warnings = [each for each in (work.warning, login and logins.told(name, login, work.clock())) if each]
    state = "failed" if error else "ok"
    return Result(work.server, state, work.summary(), error, hints, "; ".join(warnings), work.queued)


class _Run(Work):
    """A run, over as many connections as it takes; `connect` makes one."""

    connect: Callable[[], Session]

    def collect(self) -> None:
        """Walk through the folders; begin anew when the connection breaks, as long as that leads on."""
        done: set[str] = set()
        losses, fetched = 0, 0
        while True:
            try:
                self._connection(done)
                return
            except Lost as lost:
                losses = 1 if self.counts["fetched"] > fetched else losses + 1
                fetched = self.counts["fetched"]
                blamed = self._blame(str(lost))
                if losses >= _LOSSES and not blamed:
                    raise

    def _connection(self, done: set[str]) -> None:
        """Whatever can be done over one connection; adds the folders that are done."""
        session = self.connect()
        last: list[Folder] = []
        try:
            for folder in (each for each in self.server.folders if each not in done):
                last.append(Folder(self, session, folder))
                try:
                    last[-1].collect()
                except Refused as refused:
                    self.trouble = f"{self.server.host} refuses what is needed for {folder}: {refused}"
                done.add(folder)
        except Lost:
            with contextlib.suppress(Lost, Refused):
                session.close()
            raise
        except BaseException:
            with contextlib.suppress(Exception):
                session.close()
            raise
        session.close()
        for each in last:
            each.closed()

    def _blame(self, why: str) -> bool:
        """Whether a broken connection is the fault of the one message that was being fetched: the others came through,
        or it broke there twice."""
        id, self.single = self.single, ""
        if not id:
            return False
        self.breaks[id] = self.breaks.get(id, 0) + 1
        if not self.counts["fetched"] and self.breaks[id] < 2:
            return False
        self.put_off.add(id)
        box, _, name = id.partition("\n")
        with self.store.write() as tx:
            collected.tried(tx, int(box), name, f"the connection broke: {why}")
        return True
