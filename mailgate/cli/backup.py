"""`mailgate backup`: copy the store while mail arrives."""

import os

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, as_owner, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.process import owner, writer
from mailgate.store import copying
from mailgate.values.charset import printable
from mailgate.values.problem import Problem, command


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
    if as_json:
        counts = {"messages": contents.messages, "records": contents.records, "size": contents.octets}
        console.data({"file": target, "schema": contents.schema, **counts, "waited": round(copied.waited, 3)})
        return
    console.say(
        f"copied {console.counted({'message': contents.messages, 'record': contents.records})},"
        f" {console.size(contents.octets)}, to {printable(file)}; mail waited {copied.waited:.2f} s"
    )


def _copy(store: str, descriptor: int) -> copying.Copied:
    owner.become(store)
    return copying.copy_into(store, descriptor)
