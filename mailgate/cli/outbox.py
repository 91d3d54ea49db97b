"""`mailgate outbox`: outgoing messages: queued, sent and failed."""

import time
from typing import Any

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, Number, confirm, json_option, yes_option
from mailgate.store import outbox
from mailgate.store.outbox import QueueEntry


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
