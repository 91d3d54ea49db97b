"""`mailgate outbox`: outgoing messages: queued, sent and failed."""

import time
from typing import Any

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.listing import Asked, View, list_options
from mailgate.cli.ui.listing import show as show_list
from mailgate.cli.ui.options import Group, Number, confirm, json_option, single, yes_option
from mailgate.store import lists, outbox
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


@box.command("list", examples="mailgate outbox list --state failed --json")
@click.option("--all", "sent", is_flag=True, help="Include sent messages; JSON always has them.")
@list_options(states=("queued", "failed", "sent"))
@pass_app
def list_(app: App, sent: bool, asked: Asked) -> None:
    """List outgoing messages that are queued or failed, oldest first; on a terminal the last 50."""
    every = sent or asked.wanted.state == "sent" or asked.form != "screen"
    header = ("NUMBER", "KIND", "REASON", "TO", "STATE", "TRIES", "ERROR")
    empty = (
        "no such outgoing messages" if asked.narrowed else "nothing waits; sent messages: mailgate outbox list --all"
    )
    view = View(
        lambda tx, key: outbox.get(tx, int(key[0])),
        lambda tx, entry: as_data(entry),
        lambda tx, entry: _row(entry),
        *(header, "no outgoing messages" if every and not asked.narrowed else empty),
    )
    show_list(app, lists.outbox(sent=every), asked, view)


def _row(entry: QueueEntry) -> tuple[object, ...]:
    return entry.number, entry.kind, entry.reason, entry.recipient, entry.state, entry.tries, entry.error


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
@click.argument("numbers", metavar="N...", type=Number(), nargs=-1, required=True)
@json_option
@pass_app
def retry(app: App, numbers: tuple[int, ...], as_json: bool) -> None:
    """Retry outgoing messages at the next run of `mailgate work`; none, if one cannot be retried."""
    with app.store.write() as tx:
        entries = [outbox.retry(tx, number, time.time()) for number in dict.fromkeys(numbers)]
    if as_json:
        console.data(single([as_data(entry) for entry in entries]))
        return
    for entry in entries:
        _pairs(entry)
    app.finish()


@box.command("drop", examples="mailgate outbox drop 3 --yes")
@click.argument("numbers", metavar="N...", type=Number(), nargs=-1, required=True)
@yes_option
@pass_app
def drop(app: App, numbers: tuple[int, ...], yes: bool) -> None:
    """Delete outgoing messages; they are not sent."""
    numbers = tuple(dict.fromkeys(numbers))
    with app.store.read() as tx:
        entries = [outbox.get(tx, number) for number in numbers]
    first = entries[0]
    confirm(
        f"{first.kind} to {first.recipient} ({first.state})" if len(entries) == 1 else f"{len(entries)} messages", yes
    )
    with app.store.write() as tx:
        for number in numbers:
            outbox.drop(tx, number)
    for number in numbers:
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
    if as_json:
        console.data(as_data(entry))
        return
    _pairs(entry)
    app.finish()


def _pairs(entry: QueueEntry) -> None:
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
            ("next try", console.when(entry.due_at) if entry.state == "queued" else ""),
            ("caused by", f"message {entry.message}" if entry.message else ""),
        ]
    )
