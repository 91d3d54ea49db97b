"""`mailgate work`: send queued mail, and do the other regular tasks."""

import time

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.errors import existing
from mailgate.cli.ui.options import Command, json_option
from mailgate.doctor import watch
from mailgate.gateway import held, retention
from mailgate.outbound import worker


@click.command(
    "work",
    cls=Command,
    changes_addresses=False,
    examples="""
        mailgate work
        mailgate work --quiet
    """,
)
@click.option("--quiet", is_flag=True, help="Print nothing, for a timer.")
@json_option
@pass_app
def work(app: App, quiet: bool, as_json: bool) -> None:
    """Send queued mail, retry mail that an older version could not process, delete old quiet mail, send notices.

    Run it from a timer, or by hand. It never creates or migrates a store; it exits with 75 if there is none.
    """
    settings, opened = existing(app)
    done = worker.work(opened, settings)
    chores = held.chores(opened, settings, time.time())
    notices = watch.look(opened, settings, time.time())
    if chores.retried or notices:
        more = worker.work(opened, settings)
        done = more._replace(
            sent=done.sent + more.sent, put_off=done.put_off + more.put_off, refused=done.refused + more.refused
        )
    purged = retention.work(opened, settings, time.time())
    counts = {**done._asdict(), **chores._asdict(), "told": notices, "purged": purged}
    if as_json:
        console.data(counts)
    elif not quiet:
        console.say(", ".join(f"{count} {_WORDS.get(name, name)}" for name, count in counts.items()))


_WORDS = {"put_off": "deferred", "told": "notices"}
"""Key of JSON -> the word on a screen, where they differ."""
