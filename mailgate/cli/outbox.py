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
    """Show the outgoing queue: messages queued, sent and failed."""


@box.command("list", examples="mailgate outbox list --json")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """List outgoing messages, oldest first."""
    with app.store.read() as tx:
        listed = outbox.listing(tx)
    if as_json:
        console.data([as_data(entry) for entry in listed])
        return
    rows = [
        (entry.number, entry.kind, entry.reason, entry.recipient, entry.state, entry.tries, entry.error)
        for entry in listed
    ]
    console.table(("NUMBER", "KIND", "REASON", "TO", "STATE", "TRIES", "ERROR"), rows, "no outgoing messages")
    app.finish()


@box.command("show", examples="mailgate outbox show 3")
@click.argument("number", type=Number())
@json_option
@pass_app
def show(app: App, number: int, as_json: bool) -> None:
    """Show one outgoing message."""
    with app.store.read() as tx:
        entry = outbox.get(tx, number)
    _show(app, entry, as_json)


@box.command("raw", examples="mailgate outbox raw 3 > refusal.eml")
@click.argument("number", type=Number())
@pass_app
def raw(app: App, number: int) -> None:
    """Print the exact bytes of an outgoing message."""
    with app.store.read() as tx:
        octets = outbox.octets(tx, number)
    console.raw(octets)


@box.command("retry", examples="mailgate outbox retry 3 && mailgate work")
@click.argument("number", type=Number())
@json_option
@pass_app
def retry(app: App, number: int, as_json: bool) -> None:
    """Retry an outgoing message at the next run of `mailgate work`."""
    with app.store.write() as tx:
        entry = outbox.retry(tx, number, time.time())
    _show(app, entry, as_json)


@box.command("drop", examples="mailgate outbox drop 3 --yes")
@click.argument("number", type=Number())
@yes_option
@pass_app
def drop(app: App, number: int, yes: bool) -> None:
    """Delete an outgoing message; it is not sent."""
    with app.store.read() as tx:
        entry = outbox.get(tx, number)
    confirm(f"{entry.kind} to {entry.recipient} ({entry.state})", yes)
    with app.store.write() as tx:
        outbox.drop(tx, number)
    console.say(f"dropped outbox {number}")


def as_data(entry: QueueEntry) -> dict[str, Any]:
    """An outgoing message as JSON."""
    return {
        "number": entry.number,
        "kind": entry.kind,
        "reason": entry.reason,
        "about": entry.about.split(","),
        "to": entry.recipient,
        "reverse_path": entry.reverse_path,
        "subject": entry.subject,
        "state": entry.state,
        "tries": entry.tries,
        "error": entry.error,
        "message": entry.message,
        "due": console.when(entry.due_at),
        "made": console.when(entry.created_at),
    }


def _show(app: App, entry: QueueEntry, as_json: bool) -> None:
    data = as_data(entry)
    if as_json:
        console.data(data)
        return
    console.pairs(
        [
            ("outbox", entry.number),
            ("kind", entry.kind if entry.kind == entry.reason else f"{entry.kind} ({entry.reason})"),
            ("about", entry.about),
            ("to", entry.recipient),
            ("reverse-path", entry.reverse_path or "<>"),
            ("subject", entry.subject),
            ("state", f"{entry.state}, {entry.tries} {'try' if entry.tries == 1 else 'tries'}"),
            ("error", entry.error),
            ("next try", data["due"] if entry.state == "queued" else ""),
            ("caused by", f"message {entry.message}" if entry.message else ""),
        ]
    )
    app.finish()
