"""One run of a command: where it finds its store, and as whom it works."""

import json
import os
import time
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from typing import Any

import click

from mailgate.cli.ui import console
from mailgate.outbound import spawn
from mailgate.process import owner
from mailgate.settings import config
from mailgate.settings.config import Config
from mailgate.store import schema, waiting
from mailgate.store.database import Store
from mailgate.values.problem import Problem


class App:
    """One run of a command: the configuration that applies, and the store it names."""

    def __init__(self, configuration: str | None, database: str | None) -> None:
        self.configuration = configuration
        self.database = database

    @cached_property
    def config(self) -> Config:
        """The configuration; what it does not understand is told once."""
        found = config.load(self.configuration, self.database, os.environ)
        for each in found.warnings:
            console.warning(each)
        return found

    @cached_property
    def store(self) -> Store:
        """The store, as its owner, made when there is none."""
        path = self.config.store
        folder = os.path.dirname(os.path.abspath(path))
        if path == config.default_store(None, os.environ) and not os.path.exists(folder):
            os.makedirs(folder, mode=0o700)
        if self.config.maps:
            import_module("mailgate.mta.write")  # the owner of the store may read less of the program than root
        owner.become(path)
        return schema.open_or_create(path, wait=20.0)

    def pay(self, *, owed: bool) -> bool:
        """Start a worker when something is owed and anything is sent at all; whether it was."""
        if not owed or not self.config.path or not self.config.submit.sends:
            return False
        spawn.start(self.configuration, self.database)
        return True

    def keep_maps(self, opened: Store | None = None) -> None:
        """Bring the mail server's tables up to date, if any are kept; a failure is told and undoes nothing.

        Without a store: only when this run has written to its own.
        """
        if opened is None:
            opened = self.__dict__.get("store")
            if opened is None or not opened.written:
                return
        if not self.config.maps:
            return
        from mailgate.mta import maps, write

        try:
            write.refresh(opened, self.config)
            for each in maps.unlisted(write.wanted(opened, self.config)):
                console.warning(f"{each} is in no table: to a mail server what begins with # is a comment")
        except Problem as problem:
            console.warning(f"the mail server does not know of the change yet: {problem}")
            console.hints(problem if problem.hints else Problem("", write.AGAIN))

    def finish(self) -> None:
        """End a screen: say what waits for a person."""
        with self.store.read() as tx:
            what = waiting.count(tx, time.time(), sending=self.config.submit.sends)
        console.waiting(what)


pass_app = click.make_pass_decorator(App)


def as_owner(app: App, work: Callable[[], Any]) -> Any:
    """What `work` gives, as JSON would give it back; as root it is done in a process of its own.

    `work` opens the store, and so becomes its owner; root still writes, and looks, where root may. Raises the Problem
    that it raises.
    """
    if os.geteuid() != 0:
        return json.loads(json.dumps(work()))
    assert app.config  # what it warns of is told once
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            answer: Any = {"said": work()}
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
    return answer["said"]
