"""`mailgate outbox` and `mailgate work`: what is still owed, and paying it."""

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
from mailgate.store.outbox import Debt
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
    """Outgoing messages that are still owed, and those that left."""


@box.command("list", examples="mailgate outbox list --json")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """Everything owed or paid, oldest first."""
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
        octets = outbox.whole(tx, outbox.get(tx, number))
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


def as_data(found: Debt) -> dict[str, Any]:
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
        "due": console.when(found.due),
        "made": console.when(found.made),
    }


def _show(app: App, found: Debt, as_json: bool) -> None:
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
    """Send what is owed, judge again what an older version failed on, drop old quiet mail, tell who is to be told.

    For a timer, and by hand.

    Never makes or migrates a store; exits with 75 when something is not set up.
    """
    try:
        settings = config.load(app.configuration, app.database, os.environ, required=True)
        owner.become(settings.store)
        opened = database.open_existing(settings.store)
    except Problem as problem:
        raise not_set_up(problem) from problem
    paid = worker.work(opened, settings)
    chores = held.chores(opened, settings, time.time())
    told = watch.look(opened, settings, time.time())
    if chores.retried or told:
        more = worker.work(opened, settings)
        paid = more._replace(
            sent=paid.sent + more.sent, put_off=paid.put_off + more.put_off, refused=paid.refused + more.refused
        )
    if as_json:
        console.data({**paid._asdict(), **chores._asdict(), "told": told})
    elif not quiet:
        words = {**paid._asdict(), **chores._asdict(), "told": told}
        console.say(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in words.items()))
