"""Start a process that stays: its sockets as root, everything else as the owner of the store."""

import os
import socket
from collections.abc import Sequence
from typing import NamedTuple

from mailgate.cli.ui.app import App
from mailgate.cli.ui.errors import not_set_up
from mailgate.inbound.listen import Access, sockets
from mailgate.mail.incoming import Fallback
from mailgate.outbound import spawn
from mailgate.process import owner, running, signals
from mailgate.serve import server, systemd
from mailgate.serve.server import Sockets
from mailgate.settings import config
from mailgate.settings.config import Config
from mailgate.store import database
from mailgate.store.database import Store
from mailgate.values.problem import Problem

WAIT = 10.0
"""Seconds that the main thread waits for the store's lock; then all who wait hear that mail is put off."""
NEVER = float("inf")
WORK = ("work", "--quiet")


class Listening(NamedTuple):
    """Where to listen for LMTP, for the pipe's client and for monitors, `""` for nowhere, and who may connect."""

    lmtp: str = ""
    deliver: str = ""
    access: Access = Access()
    web: str = ""


def settled(app: App) -> Config:
    """The configuration. Raises Exit with status 75 where there is none."""
    try:
        return config.load(app.configuration, app.database, os.environ, required=True)
    except Problem as problem:
        raise not_set_up(problem) from problem


def run(
    app: App,
    settings: Config,
    listening: Listening,
    commands: Sequence[tuple[Sequence[str], float]] = ((WORK, NEVER),),
    fallback: Fallback | None = None,
) -> None:
    """Serve until SIGTERM. `commands`: what is run on time, in seconds. Raises Problem, and Exit as `settled`."""
    working = any(every < NEVER for arguments, every in commands if arguments == WORK)
    signals.end_quietly()  # before others can see that it listens
    opened = _listen(listening, settings.store)
    owner.become(settings.store)
    try:
        store = database.open_existing(settings.store, wait=WAIT)
    except Problem as problem:
        raise not_set_up(problem) from problem

    with running.sign(settings.store, working=working):
        _serve(app, store, settings, commands, fallback, opened)


def _serve(
    app: App,
    store: Store,
    settings: Config,
    commands: Sequence[tuple[Sequence[str], float]],
    fallback: Fallback | None,
    opened: Sockets,
) -> None:
    def start(*arguments: str) -> int | None:
        return spawn.start(app.configuration, app.database, *arguments)

    def reload() -> Config:
        return config.load(app.configuration, app.database, os.environ, required=True)

    server.make(store, settings, start, commands, reload, fallback).run(opened)


def _listen(listening: Listening, store: str) -> Sockets:
    """Sockets that a service manager opened, by their names, and those that it did not."""
    passed = systemd.take_sockets(os.environ)
    paths = []
    opened: dict[str, list[socket.socket]] = {}
    kinds = {"lmtp": socket.SOCK_STREAM, "deliver": socket.SOCK_SEQPACKET, "web": socket.SOCK_STREAM}
    for name, address in (
        ("lmtp", listening.lmtp),
        ("deliver", listening.deliver and f"unix:{listening.deliver}"),
        ("web", listening.web),
    ):
        opened[name] = passed.get(name, [])
        if address and not opened[name]:
            opened[name] = sockets(address, listening.access, store, kinds[name])
            paths += [os.path.abspath(address.removeprefix("unix:"))] if address.startswith("unix:") else []
    return Sockets(opened["lmtp"], opened["deliver"], opened["web"], paths)
