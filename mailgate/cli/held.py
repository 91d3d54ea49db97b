"""`mailgate held`: mail that waits for a person to decide."""

import time
from typing import Any

import click

from mailgate.cli.ui import completions, console, explanation
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.messages import message_data, show_message
from mailgate.cli.ui.options import Group, Number, confirm, json_option, yes_option
from mailgate.gateway import held as reconsider
from mailgate.gateway.receive import Receipt
from mailgate.mail import content
from mailgate.routing import confirmation, explain
from mailgate.routing.confirmation import Link
from mailgate.store import held, messages
from mailgate.store.database import Transaction
from mailgate.store.held import Held
from mailgate.store.messages import Stored
from mailgate.values import address
from mailgate.values.charset import printable
from mailgate.values.problem import command


@click.group(
    "held",
    cls=Group,
    examples="""
        mailgate held list
        mailgate held show 12
        mailgate held route 12 --to support@example.com
        mailgate held retry 12
    """,
)
def box() -> None:
    """Show held mail, and route, retry or drop it."""


@box.command("list", examples="mailgate held list --refused")
@click.option("--refused", is_flag=True, help="List refused mail instead.")
@json_option
@pass_app
def list_(app: App, refused: bool, as_json: bool) -> None:
    """List held mail, oldest first."""
    with app.store.read() as tx:
        listed = [(entry, messages.stored(tx, entry.message)) for entry in held.listing(tx, refused=refused)]
    if as_json:
        console.data([as_data(entry, stored) for entry, stored in listed])
        return
    rows = [
        (
            *(
                entry.message,
                entry.reason + (" (quiet)" if entry.quiet else ""),
                stored.author or stored.author_text or "-",
            ),
            *(", ".join(stored.recipients) or "-", console.ago(stored.received_at), stored.subject or "-"),
        )
        for entry, stored in listed
    ]
    console.table(("NUMBER", "REASON", "FROM", "TO", "RECEIVED", "SUBJECT"), rows, "no held mail")
    app.finish()


@box.command("show", examples="mailgate held show 12")
@click.argument("number", type=Number(), shell_complete=completions.held)
@json_option
@pass_app
def show(app: App, number: int, as_json: bool) -> None:
    """Show one held message, why it is held, and what can be done."""
    with app.store.read() as tx:
        entry, stored = held.get(tx, number), messages.stored(tx, number)
        message = message_data(tx, stored)
        links, codes = _confirmations(tx, entry, stored)
    if as_json:
        confirmations = {"links": [link._asdict() for link in links], "codes": codes}
        console.data({**as_data(entry, stored), "message": message, **confirmations})
        return
    show_message(message)
    console.say()
    for link in links:
        console.verbatim(f"link  {link.url}")
        console.say(f"      leads to {link.host}, {_relation(link, stored)}")
    for code in codes:
        console.say(f"code  {code}")
    console.pairs(
        [
            ("held", f"{entry.reason}{' (quiet)' if entry.quiet else ''}{', refused' if entry.refused else ''}"),
            ("reason", entry.note or command("mailgate why {N}", number)),
            ("since", console.when(entry.held_at)),
            ("route to an alias", command("mailgate held route {N} --to ADDRESS", number)),
            ("route to a record", command("mailgate held route {N} --to MODEL/ID", number)),
            ("process it again", command("mailgate held retry {N}", number)),
            ("remove it", command("mailgate held drop {N}", number)),
        ]
    )
    app.finish()


@box.command("route", examples="mailgate held route 12 --to ticket/1")
@click.argument("number", type=Number(), shell_complete=completions.held)
@click.option("--to", "target", required=True, metavar="ADDRESS|M/ID", help="Alias or record to put the message on.")
@json_option
@pass_app
def route(app: App, number: int, target: str, as_json: bool) -> None:
    """Put a held message on a record, or create one with an alias; no rule is asked and no reply is sent."""
    receipt = reconsider.route(app.store, app.config, number, target, time.time())
    app.send(queued=receipt.queued)
    _show_stored(app, number, as_json)


@box.command("retry", examples="mailgate held retry 12")
@click.argument("number", type=Number(), shell_complete=completions.held)
@json_option
@pass_app
def retry(app: App, number: int, as_json: bool) -> None:
    """Process a held message as if it arrived now; if it is accepted, it is no longer held."""
    receipt = reconsider.retry(app.store, app.config, number, time.time())
    app.send(queued=receipt.queued)
    if not receipt.decision.has_effects:
        _show_decision(app, receipt, as_json)
        return
    _show_stored(app, number, as_json)


@box.command("drop", examples="mailgate held drop 12 --yes")
@click.argument("number", type=Number(), shell_complete=completions.held)
@yes_option
@pass_app
def drop(app: App, number: int, yes: bool) -> None:
    """Delete a held message."""
    with app.store.read() as tx:
        held.get(tx, number)
        stored = messages.stored(tx, number)
    confirm(f"message {number} from {stored.author or stored.author_text or '(no author)'}", yes)
    with app.store.write() as tx:
        held.release(tx, number)
        messages.erase(tx, number)
    console.say(f"dropped message {number}")


def _confirmations(tx: Transaction, entry: Held, stored: Stored) -> tuple[list[Link], list[str]]:
    """The links and codes of a message that may confirm a forward."""
    if entry.reason not in _CONFIRMING:
        return [], []
    inside = content.content(messages.raw(tx, stored.number))
    author = address.lenient(stored.author) if stored.author else None
    return confirmation.links(inside.text, inside.html, author), confirmation.codes(inside.text)


_CONFIRMING = ("capture", "catchall", "bounce-address", "unrouted")
"""Reasons for which mail is held that may confirm a forward."""


def _relation(link: Link, stored: Stored) -> str:
    """Whether a link leads to a host of the author."""
    if not stored.author:
        return "and the author is unknown"
    return f"which {'belongs' if link.kin else 'does NOT belong'} to the domain of {printable(stored.author)}"


def as_data(entry: Held, stored: Stored) -> dict[str, Any]:
    """A held message as JSON."""
    return {
        "number": entry.message,
        "reason": entry.reason,
        "note": entry.note,
        "quiet": entry.quiet,
        "refused": entry.refused,
        "from": stored.author,
        "from_text": stored.author_text,
        "recipients": list(stored.recipients),
        "subject": stored.subject,
        "received": console.when(stored.received_at),
    }


def _show_stored(app: App, number: int, as_json: bool) -> None:
    with app.store.read() as tx:
        tree = messages.explanation(tx, number)
    if as_json:
        console.data(tree)
        return
    explanation.show(tree, number)
    app.finish()


def _show_decision(app: App, receipt: Receipt, as_json: bool) -> None:
    tree = explain.tree(receipt.facts, receipt.decision, dry_run=False)
    if as_json:
        console.data(tree)
        return
    explanation.show(tree, receipt.number)
    app.finish()
