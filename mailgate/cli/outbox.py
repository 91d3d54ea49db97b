"""`mailgate outbox` and `mailgate work`: what is queued, and sending it."""

import os
import time
from typing import Any

import click

from mailgate.cli.app import App, pass_app
from mailgate.cli.parts import Command, Group, Number, confirm, json_option, yes_option
from mailgate.cli.run import not_set_up
from mailgate.cli.ui import console
from mailgate.doctor import watch
from mailgate.gateway import held
from mailgate.outbound import worker
from mailgate.process import owner
from mailgate.settings import config
from mailgate.store import database, outbox
from mailgate.store.outbox import QueueEntry
from mailgate.values.problem import Problem


@click.group(
    "outbox",
    cls=Group,
    examples="""
        mailgate outbox list
        mailgate outbox show 3
        mailgate outbox retry 3
    """,
)
def box() -> None:
    """Outgoing messages: queued, sent and failed."""


@box.command("list", examples="mailgate outbox list --json")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """Every outgoing message, oldest first."""
    with app.store.read() as tx:
        found = outbox.listing(tx)
    if as_json:
        console.data([as_data(each) for each in found])
        return
    rows = [(each.number, each.kind, each.reason, each.recipient, each.state, each.tries, each.error) for each in found]
    console.table(("NUMBER", "KIND", "REASON", "TO", "STATE", "TRIES", "ERROR"), rows, "nothing was sent yet")
    app.finish()


@box.command("show", examples="mailgate outbox show 3")
@click.argument("number", type=Number())
@json_option
@pass_app
def show(app: App, number: int, as_json: bool) -> None:
    """One outgoing message."""
    with app.store.read() as tx:
        found = outbox.get(tx, number)
    _show(app, found, as_json)


@box.command("raw", examples="mailgate outbox raw 3 > refusal.eml")
@click.argument("number", type=Number())
@pass_app
def raw(app: App, number: int) -> None:
    """The exact bytes of an outgoing message."""
    with app.store.read() as tx:
        octets = outbox.octets(tx, number)
    console.raw(octets)


@box.command("retry", examples="mailgate outbox retry 3 && mailgate work")
@click.argument("number", type=Number())
@json_option
@pass_app
def retry(app: App, number: int, as_json: bool) -> None:
    """Make an outgoing message due at once; `mailgate work` sends it."""
    with app.store.write() as tx:
        found = outbox.retry(tx, number, time.time())
    _show(app, found, as_json)


@box.command("drop", examples="mailgate outbox drop 3 --yes")
@click.argument("number", type=Number())
@yes_option
@pass_app
def drop(app: App, number: int, yes: bool) -> None:
    """Forget an outgoing message."""
    with app.store.read() as tx:
        found = outbox.get(tx, number)
    confirm(f"the {found.kind} to {found.recipient} ({found.state})", yes)
    with app.store.write() as tx:
        outbox.drop(tx, number)
    console.say(f"dropped outbox {number}")


def as_data(found: QueueEntry) -> dict[str, Any]:
    """An outgoing message as JSON."""
    return {
        "number": found.number,
        "kind": found.kind,
        "reason": found.reason,
        "about": found.about.split(","),
        "to": found.recipient,
        "reverse_path": found.reverse_path,
        "subject": found.subject,
        "state": found.state,
        "tries": found.tries,
        "error": found.error,
        "message": found.message,
        "due": console.when(found.due_at),
        "made": console.when(found.created_at),
    }


def _show(app: App, found: QueueEntry, as_json: bool) -> None:
    shown = as_data(found)
    if as_json:
        console.data(shown)
        return
    console.pairs(
        [
            ("outbox", found.number),
            ("kind", found.kind if found.kind == found.reason else f"{found.kind} ({found.reason})"),
            ("about", found.about),
            ("to", found.recipient),
            ("reverse-path", found.reverse_path or "<>"),
            ("subject", found.subject),
            ("state", f"{found.state}, {found.tries} {'try' if found.tries == 1 else 'tries'}"),
            ("error", found.error),
            ("next try", shown["due"] if found.state == "queued" else ""),
            ("because of", f"message {found.message}" if found.message else ""),
        ]
    )
    app.finish()


@click.command(
    "work",
    cls=Command,
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
