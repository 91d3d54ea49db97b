"""`mailgate work`: send what is queued, and whatever else a timer does."""

import os
import time

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.errors import not_set_up
from mailgate.cli.ui.options import Command, json_option
from mailgate.doctor import watch
from mailgate.gateway import held
from mailgate.outbound import worker
from mailgate.process import owner
from mailgate.settings import config
from mailgate.store import database
from mailgate.values.problem import Problem


@click.command(
    "work",
    cls=Command,
    changes_addresses=False,
    examples="""
        mailgate work
        mailgate work --quiet
    """,
)
@click.option("--quiet", is_flag=True, help="Say nothing, for a timer.")
@json_option
@pass_app
def work(app: App, quiet: bool, as_json: bool) -> None:
    """Send what is queued, judge again what an older version failed on, drop old quiet mail, tell who is to be told.

    For a timer, and by hand.

    Never makes or migrates a store; exits with 75 when something is not set up.
    """
    try:
        settings = config.load(app.configuration, app.database, os.environ, required=True)
        owner.become(settings.store)
        opened = database.open_existing(settings.store)
    except Problem as problem:
        raise not_set_up(problem) from problem
    done = worker.work(opened, settings)
    chores = held.chores(opened, settings, time.time())
    told = watch.look(opened, settings, time.time())
    if chores.retried or told:
        more = worker.work(opened, settings)
        done = more._replace(
            sent=done.sent + more.sent, put_off=done.put_off + more.put_off, refused=done.refused + more.refused
        )
    if as_json:
        console.data({**done._asdict(), **chores._asdict(), "told": told})
    elif not quiet:
        words = {**done._asdict(), **chores._asdict(), "told": told}
        console.say(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in words.items()))
