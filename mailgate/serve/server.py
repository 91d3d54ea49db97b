"""The process: its sockets, its two threads, and how it ends.

The main thread decides, commits, and starts other commands on time. A second thread has the event loop with all
protocols. A stop goes from the second to the first: no new clients, those who are there get their answers, and then
there is nothing left to commit.
"""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import NamedTuple

from mailgate.gateway import log
from mailgate.inbound import lmtp, service
from mailgate.inbound.handover import Handover
from mailgate.inbound.lmtp import LmtpHandler
from mailgate.mail.incoming import Fallback
from mailgate.serve import monitor
from mailgate.serve.chores import Chores
from mailgate.serve.committer import Committer
from mailgate.serve.figures import State
from mailgate.serve.intake import Intake
from mailgate.serve.systemd import Manager
from mailgate.settings.config import Config
from mailgate.store.database import Store
from mailgate.values.problem import Problem

_SIGN = 10.0
"""Seconds between two status lines."""
_PATIENCE = 25.0
"""Seconds without a turn of the main thread from which on mail is taken to wait."""


class Sockets(NamedTuple):
    """What listens already: `paths` are removed at the end."""

    lmtp: Sequence[socket.socket] = ()
    deliver: Sequence[socket.socket] = ()
    web: Sequence[socket.socket] = ()
    paths: Sequence[str] = ()


class Server(NamedTuple):
    """Everything that serves. `reload` reads the configuration again, and raises Problem."""

    store: Store
    committer: Committer
    chores: Chores
    manager: Manager
    reload: Callable[[], Config]
    fallback: Fallback | None = None
    users: frozenset[int] = frozenset()

    def run(self, sockets: Sockets) -> None:
        """Serve until SIGTERM or SIGINT; return when everything that was taken is answered."""
        protocols = _Protocols(self, sockets)
        with _signals(protocols) as asked:
            protocols.start()
            self.manager.tell(READY="1", STATUS="serving")
            try:
                self._loop(protocols, asked)
            finally:
                self.manager.tell(STOPPING="1", STATUS="finishing what was begun")
                self._finish(protocols)
        for path in sockets.paths:
            with contextlib.suppress(OSError):
                os.unlink(path)
        self.chores.stop()

    def _loop(self, protocols: "_Protocols", asked: set[int]) -> None:
        signed = 0.0
        while not asked & {signal.SIGTERM, signal.SIGINT} and protocols.is_alive():
            if signal.SIGHUP in asked:
                asked.discard(signal.SIGHUP)
                self._reload()
            now = protocols.beat = time.monotonic()
            pause = min(self.chores.run(now), self.manager.interval or _SIGN, _SIGN)
            if now - signed >= min(self.manager.interval or _SIGN, _SIGN):
                signed = now
                self._sign(protocols)
            self.committer.turn(protocols.intake.take(max(pause, 0.01)), protocols.loop)

    def _finish(self, protocols: "_Protocols") -> None:
        protocols.stop()
        while protocols.is_alive():
            self.committer.turn(protocols.intake.take(0.05), protocols.loop)

    def _sign(self, protocols: "_Protocols") -> None:
        """A sign of life, if both threads are alive."""
        if not protocols.answers():
            return
        self.committer.look()
        figures, troubles = self.committer.figures, self.troubles()
        text = f"{figures.messages} received, {figures.deferred} deferred, {figures.commits} commits"
        self.manager.tell(WATCHDOG="1", STATUS="; ".join((text, *troubles)))

    def troubles(self) -> tuple[str, ...]:
        """What keeps mail from being taken or sent."""
        failing = [f"{name} failed with {code}" for name, code in self.chores.failing().items() if name != "fetch"]
        return tuple(text for text in (self.committer.trouble, *failing) if text)

    def _reload(self) -> None:
        self.manager.reloading()
        try:
            self.committer.config = self.reload()
        except Problem as problem:  # what was read before goes on
            log.stopped(problem)
        self.manager.tell(READY="1")


class _Protocols(threading.Thread):
    """The second thread: an event loop that talks to all clients."""

    def __init__(self, server: Server, sockets: Sockets) -> None:
        super().__init__(name="protocols", daemon=True)
        self.intake = Intake()
        self.loop = asyncio.new_event_loop()
        self._server, self._sockets = server, sockets
        self._stopped = asyncio.Event()
        self._answered = self.beat = time.monotonic()

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        service.keep_quiet(self.loop)
        try:
            self.loop.run_until_complete(self._serve())
        except Exception as error:
            log.fault(error)
        finally:
            self.loop.close()
            self.intake.wake()

    async def _serve(self) -> None:
        server, limits = self._server, service.Limits()
        config = server.committer.config
        memory = service.memory(config.max_size)
        handler = LmtpHandler(self.intake, server.fallback)
        services = []
        if self._sockets.lmtp:
            talk = lmtp.talk(handler, config.max_size, limits, memory)
            services.append(service.serve(self._sockets.lmtp, talk, lmtp.WORDS, limits, self._stopped))
        handover = Handover(self.intake, lambda: server.committer.config, server.users, memory)
        services += [handover.serve(each, self._stopped) for each in self._sockets.deliver]
        if self._sockets.web:
            services.append(monitor.serve(self._sockets.web, self.state, self._stopped))
        await asyncio.gather(self._stopped.wait(), *services)

    def state(self) -> State:
        """How the process is now."""
        troubles, silent = self._server.troubles(), time.monotonic() - self.beat
        if silent > _PATIENCE and not troubles:
            troubles = (f"the store makes mail wait, for {silent:.0f} s now",)
        return State(self._server.committer.figures, self.intake.waiting, troubles, silent)

    def stop(self) -> None:
        """Take no more clients, and end when those that are there have their answers."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._stopped.set)

    def answers(self) -> bool:
        """Whether the loop has answered the last call; calls again."""
        alive = self.is_alive() and time.monotonic() - self._answered < 6 * _SIGN
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._note)
        return alive

    def _note(self) -> None:
        self._answered = time.monotonic()


@contextlib.contextmanager
def _signals(protocols: _Protocols) -> Iterator[set[int]]:
    """The signals that came, as they come."""
    asked: set[int] = set()

    def came(number: int, _frame: FrameType | None) -> None:
        asked.add(number)
        protocols.intake.wake()

    before = {number: signal.signal(number, came) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def make(
    store: Store,
    config: Config,
    start: Callable[..., int | None],
    commands: Sequence[tuple[Sequence[str], float]],
    reload: Callable[[], Config],
    fallback: Fallback | None = None,
) -> Server:
    """A server for an open store. `start` runs a command of ours; `commands`: what is run on time, in seconds."""
    chores = Chores(commands, start)
    committer = Committer(store, config, lambda: chores.hurry("work"))
    users = frozenset({0, os.geteuid()})
    return Server(store, committer, chores, Manager(os.environ), reload, fallback, users)
