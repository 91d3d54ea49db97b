"""`mailgate restore`: put a backup in the place of the store."""

import os
import stat
import time
from importlib import import_module

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command, confirm, json_option, yes_option
from mailgate.process import owner
from mailgate.store import exchange
from mailgate.store.copying import Contents
from mailgate.store.database import open_existing
from mailgate.store.exchange import Restored
from mailgate.values.charset import printable
from mailgate.values.problem import Problem, command


@click.command("restore", cls=Command, changes_addresses=False, examples="mailgate restore mailgate-copy.db --yes")
@click.argument("file", type=click.Path())
@yes_option
@json_option
@pass_app
def restore(app: App, file: str, yes: bool, as_json: bool) -> None:
    """Put the backup FILE in the place of the store; the old store is kept beside it, under another name.

    FILE is checked first, and migrated if it is of an older version. Mail may arrive meanwhile: it waits, then goes
    into the restored store. Programs that run go on with it. The mail server's tables are updated.
    """
    source = _opened(file)
    path = os.path.abspath(app.config.store)
    if app.config.maps:
        import_module("mailgate.mta.write")  # the owner of the store may read less of the program than root
    if os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(source)):
        raise Problem(f"{file} is the store itself", advice="name a copy of it, which `mailgate backup` makes")
    owner.become(path)
    owner.check(path)
    new, contents = exchange.prepare(path, source)
    try:
        if os.path.exists(path):
            confirm(f"the store {path}, in favour of {_described(file, contents)},", yes)
        done = exchange.restore(path, new, contents.schema, time.time())
    except BaseException:
        exchange.discard(new)
        raise
    app.keep_maps(open_existing(path))
    if as_json:
        counts = {"messages": contents.messages, "records": contents.records}
        console.data({"store": path, "schema": contents.schema, **counts, **done._asdict()})
        return
    _show(file, path, contents, done)


def _opened(file: str) -> int:
    """The file, opened with the rights of whoever started this. Raises OSError, Problem."""
    source = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(source).st_mode):
        raise Problem(f"{file} is not a file", advice="name a file that `mailgate backup` wrote")
    return source


def _described(file: str, contents: Contents) -> str:
    counts = console.counted({"message": contents.messages, "record": contents.records})
    return f"{printable(file)} ({counts})"


def _show(file: str, path: str, contents: Contents, done: Restored) -> None:
    console.say(f"restored {path} from {_described(file, contents)}")
    if done.kept:
        console.say(f"the old store is {done.kept}")
    if done.lacking:
        console.say(f"{console.counted({'message': done.lacking})} of the old store came after the backup was made")
    if done.sent_since:
        console.say(
            f"{console.counted({'message': done.sent_since})} left the outbox since then, and will not be sent again"
        )
    if not done.kept:
        console.say("what the backup has in its outbox may have been sent since; the next `mailgate work` sends it")
        console.verbatim(f"next: {command('mailgate outbox list')}")
    console.verbatim(f"next: {command('mailgate doctor')}")
