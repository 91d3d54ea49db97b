"""`mailgate backup`: copy the store while mail arrives."""

import os
import time

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, as_owner, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.process import owner, writer
from mailgate.store import changes, copying
from mailgate.store.database import open_existing
from mailgate.values.charset import printable
from mailgate.values.problem import Problem, StoreError, command, quoted


@click.command(
    "backup",
    cls=Command,
    changes_addresses=False,
    examples="""
        mailgate backup mailgate-copy.db
        mailgate backup /var/backups/mailgate.db --force
    """,
)
@click.argument("file", type=click.Path())
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
@json_option
@pass_app
def backup(app: App, file: str, force: bool, as_json: bool) -> None:
    """Copy the store to FILE while mail arrives, and check the copy.

    FILE belongs to the user who runs this, and only they can read it: it contains every message and the tokens of
    logins. It gets its name when it is complete and checked; until then, an older FILE stays as it is.
    """
    store, target = os.path.abspath(app.config.store), os.path.abspath(file)
    if os.path.exists(target):
        if os.path.exists(store) and os.path.samefile(target, store):
            raise Problem(f"{file} is the store itself", advice="name another file")
        if not force and os.path.isfile(target):
            raise Problem(f"{file} exists", command("mailgate backup {FILE} --force", file))
    with writer.created(target, replace=force) as (descriptor, unfinished):
        copied = copying.Copied(*as_owner(app, lambda: _copy(store, descriptor)))
        contents = copying.contents(unfinished)
        if contents.counters != copied.counters or contents.octets != copied.octets:
            raise Problem(f"{file} is not what was copied", command("df -h {FOLDER}", os.path.dirname(target)))
    line = f"backup {quoted(printable(target))}"
    as_owner(app, lambda: _note(store, app.person, line[:_LONGEST]))
    if as_json:
        counts = {"messages": contents.messages, "records": contents.records, "size": contents.octets}
        console.data({"file": target, "schema": contents.schema, **counts, "waited": round(copied.waited, 3)})
        return
    said = console.counted({"message": contents.messages, "record": contents.records})
    said = "a store without messages" if said == "nothing" else said
    console.say(
        f"copied {said}, {console.size(contents.octets)}, to {printable(file)}; mail waited {copied.waited:.2f} s"
    )


_LONGEST = 1_000
"""Characters of a command in the log of changes."""


def _note(path: str, person: str, line: str) -> None:
    """Add the backup to the log of changes: `doctor` sees there when none is made any more."""
    owner.become(path)
    try:
        opened = open_existing(path, wait=20.0)
        with opened.write() as tx:
            changes.note(tx, person, line, time.time())
        opened.close()
    except StoreError as problem:  # an older schema, for one, which is worth a backup too
        console.warning(f"the log of changes does not have it: {problem}")


def _copy(store: str, descriptor: int) -> copying.Copied:
    owner.become(store)
    return copying.copy_into(store, descriptor)
