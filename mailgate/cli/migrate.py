"""`mailgate migrate`: upgrade the schema of the store."""

import os

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.process import owner
from mailgate.store import schema
from mailgate.values.problem import Problem, command


@click.command("migrate", cls=Command, examples="mailgate migrate")
@json_option
@pass_app
def migrate(app: App, as_json: bool) -> None:
    """Upgrade the schema of the store, in one transaction."""
    path = app.config.store
    owner.become(path)
    if not os.path.exists(path):
        raise Problem(f"no store {path}", command("mailgate init"))
    before, after = schema.migrate(path)
    if as_json:
        console.data({"store": str(path), "before": before, "after": after})
    elif before == after:
        console.say(f"{path} is up to date, schema {after}")
    else:
        console.say(f"migrated {path} from schema {before} to {after}")
