"""One run of a command: its configuration, its store, and the user it runs as."""

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from importlib import import_module

import click

from mailgate.cli.ui import console
from mailgate.outbound import spawn
from mailgate.process import owner
from mailgate.settings import config
from mailgate.settings.config import Config
from mailgate.store import schema
from mailgate.store.database import Store, open_existing
from mailgate.values.charset import printable
from mailgate.values.light import Any, NoReturn
from mailgate.values.problem import NotReady, Problem, command, quoted

_LONGEST = 2000
"""Characters of a command line in the log of changes."""


class App:
    """One run of a command: the configuration that applies, and the store that it names."""

    def __init__(self, configuration: str | None, database: str | None) -> None:
        self.configuration = configuration
        self.database = database
        self.noted = False
        """Whether the log of changes has this run already."""
        self._user = os.getuid()  # of root, before it becomes the owner of the store

    @cached_property
    def config(self) -> Config:
        """The configuration; its warnings are printed once. Raises ConfigError."""
        settings = config.load(self.configuration, self.database, os.environ)
        for warning in settings.warnings:
            console.warning(warning)
        return settings

    @cached_property
    def store(self) -> Store:
        """The store, opened as its owner. A person's own is created if it does not exist. Raises StoreError."""
        path = self.config.store
        named = self.database or os.environ.get("MAILGATE_DB")
        creates = not named and self.config.path != config.SYSTEM
        folder = os.path.dirname(os.path.abspath(path))
        if path == config.default_store(None, os.environ) and not os.path.exists(folder):
            os.makedirs(folder, mode=0o700)
        if self.config.maps:
            import_module("mailgate.mta.write")  # the owner of the store may read less of the program than root
        owner.become(path)
        if not creates and not os.path.exists(path):
            _missing(path, named)
        return schema.open_or_create(path, wait=20.0) if creates else open_existing(path, wait=20.0)

    def send(self, *, queued: bool) -> bool:
        """Start a worker if something is queued and mail is sent at all; whether it was started."""
        if not queued or not self.config.path or not self.config.submit.sends:
            return False
        spawn.start(self.configuration, self.database)
        return True

    def keep_maps(self, opened: Store | None = None) -> None:
        """Update the mail server's tables, if the configuration names a folder for them.

        A failure is a warning: what the command did stays done. Without a store, this happens only if the run has
        written to its own store.
        """
        if opened is None:
            opened = self.__dict__.get("store")
            if opened is None or not opened.written:
                return
        if not self.config.maps:
            return
        from mailgate.mta import write

        try:
            write.follow(opened, self.config)
            for address in write.unlisted(opened):
                console.warning(f"{address} is not in the tables: a mail server reads a line with # as a comment")
        except Problem as problem:
            console.warning(f"the mail server does not know about the change yet: {problem}")
            console.hints(problem if problem.hints else Problem("", write.AGAIN))

    @property
    def person(self) -> str:
        """The login name of who runs this command."""
        sudo = os.environ.get("SUDO_USER") if self._user == 0 else None
        return printable(sudo or owner.name(self._user))[:100]

    def note_change(self, words: Sequence[str]) -> None:
        """Add the command line of this run to the log of changes, if it has written to the store."""
        opened = self.__dict__.get("store")
        if opened is None or not opened.written or self.noted:
            return
        from mailgate.store import changes

        line = " ".join(quoted(printable(word)) for word in words)
        try:
            with opened.write() as tx:
                changes.note(tx, self.person, line[:_LONGEST], time.time())
        except Problem as problem:  # what was changed stays changed
            console.warning(f"the log of changes does not have it: {problem}")

    def warn_of_unread(self, addresses: Iterable[str]) -> None:
        """Warn of addresses that get mail from us and that nobody reads."""
        from mailgate.store import directory

        with self.store.read() as tx:
            unread = directory.unread(tx, dict.fromkeys(addresses), self.config.maps_shared)
        for address in unread:
            console.warning(f"{address} does not exist, so what is sent to it comes back")
            made = command("mailgate alias add {ADDRESS} --model MODEL", address)
            console.hints(Problem("", made, advice=directory.SHARED))

    def finish(self) -> None:
        """Print the last line of a screen: what waits for a person."""
        from mailgate.store import waiting

        with self.store.read() as tx:
            counts = waiting.count(tx, time.time(), sending=self.config.submit.sends)
        console.waiting(counts)


def _missing(path: str, named: str | None) -> NoReturn:
    """Say that a store is not there: an empty one in its place would look as if nothing had ever arrived."""
    made = command("mailgate --db {FILE} init", path) if named else command("mailgate init")
    advice = "if there was one, mount its file system or restore it: an empty store knows none of its addresses"
    raise NotReady(f"no store {path}", made, advice=advice)


pass_app = click.make_pass_decorator(App)


def as_owner(app: App, work: Callable[[], Any]) -> Any:
    """Call `work` as the owner of the store; the result, as JSON returns it.

    `work` opens the store and so becomes its owner. If this process is root, it stays root: `work` runs in a child.
    Raises the Problem that `work` raises.
    """
    if os.geteuid() != 0:
        return json.loads(json.dumps(work()))
    assert app.config  # prints its warnings once, before the fork
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            answer: Any = {"result": work()}
        except Problem as problem:
            answer = {"problem": str(problem), "commands": problem.commands, "advice": problem.advice}
        except BaseException as error:
            answer = {"problem": f"{type(error).__name__}: {error}", "commands": (), "advice": ""}
        with open(writer, "w", encoding="utf-8") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as pipe:
        answer = json.load(pipe)
    os.waitpid(child, 0)
    if "problem" in answer:
        raise Problem(answer["problem"], *answer["commands"], advice=answer["advice"])
    return answer["result"]
