"""`mailgate held`: mail that was kept without a place of its own."""

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
    """Mail that was accepted without a place of its own; nothing is lost, a person decides."""


@box.command("list", examples="mailgate held list --refused")
@click.option("--refused", is_flag=True, help="The refused mail that is kept, instead.")
@json_option
@pass_app
def list_(app: App, refused: bool, as_json: bool) -> None:
    """Held mail, oldest first."""
    with app.store.read() as tx:
        found = [(each, messages.stored(tx, each.message)) for each in held.listing(tx, refused=refused)]
    if as_json:
        console.data([as_data(entry, stored) for entry, stored in found])
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
        for entry, stored in found
    ]
    console.table(("NUMBER", "REASON", "FROM", "TO", "RECEIVED", "SUBJECT"), rows, "nothing is held")
    app.finish()


@box.command("show", examples="mailgate held show 12")
@click.argument("number", type=Number(), shell_complete=completions.held)
@json_option
@pass_app
def show(app: App, number: int, as_json: bool) -> None:
    """One held message, why it is held, and what can be done."""
    with app.store.read() as tx:
        entry, stored = held.get(tx, number), messages.stored(tx, number)
        shown = message_data(tx, stored)
        links, codes = _confirms(tx, entry, stored)
    if as_json:
        opened = {"links": [each._asdict() for each in links], "codes": codes}
        console.data({**as_data(entry, stored), "message": shown, **opened})
        return
    show_message(shown)
    console.say()
    for link in links:
        console.verbatim(f"link  {link.url}")
        where = f"{'where' if link.kin else 'NOT where'} {printable(stored.author or '')} belongs"
        console.say(f"      leads to {link.host}, {where if stored.author else 'and nobody knows the author'}")
    for code in codes:
        console.say(f"code  {code}")
    console.pairs(
        [
            ("held", f"{entry.reason}{' (quiet)' if entry.quiet else ''}{', refused' if entry.refused else ''}"),
            ("because", entry.note or command("mailgate why {N}", number)),
            ("since", console.when(entry.held_at)),
            ("to place it", command("mailgate held route {N} --to ADDRESS", number)),
            ("on a record", command("mailgate held route {N} --to MODEL/ID", number)),
            ("to judge it anew", command("mailgate held retry {N}", number)),
            ("to drop it", command("mailgate held drop {N}", number)),
        ]
    )
    app.finish()


@box.command("route", examples="mailgate held route 12 --to ticket/1")
@click.argument("number", type=Number(), shell_complete=completions.held)
@click.option("--to", "target", required=True, metavar="ADDRESS|M/ID", help="An alias, or a record.")
@json_option
@pass_app
def route(app: App, number: int, target: str, as_json: bool) -> None:
    """Put a held message where you say; no rule is asked, nobody is answered."""
    receipt = reconsider.route(app.store, app.config, number, target, time.time())
    app.pay(owed=receipt.queued)
    _tell(app, number, as_json)


@box.command("retry", examples="mailgate held retry 12")
@click.argument("number", type=Number(), shell_complete=completions.held)
@json_option
@pass_app
def retry(app: App, number: int, as_json: bool) -> None:
    """Judge a held message as if it arrived now; it leaves the list when it is accepted."""
    receipt = reconsider.retry(app.store, app.config, number, time.time())
    app.pay(owed=receipt.queued)
    if not receipt.decision.has_effects:
        _tell_verdict(app, receipt, as_json)
        return
    _tell(app, number, as_json)


@box.command("drop", examples="mailgate held drop 12 --yes")
@click.argument("number", type=Number(), shell_complete=completions.held)
@yes_option
@pass_app
def drop(app: App, number: int, yes: bool) -> None:
    """Remove a held message for good."""
    with app.store.read() as tx:
        held.get(tx, number)
        stored = messages.stored(tx, number)
    confirm(f"message {number} from {stored.author or stored.author_text or 'nobody'}", yes)
    with app.store.write() as tx:
        held.release(tx, number)
        messages.erase(tx, number)
    console.say(f"dropped message {number}")


def _confirms(tx: Transaction, entry: Held, stored: Stored) -> tuple[list[Link], list[str]]:
    """What there is to open, or to type, in a message that somebody may have waited for."""
    if entry.reason not in _AWAITED:
        return [], []
    found = content.content(messages.raw(tx, stored.number))
    author = address.lenient(stored.author) if stored.author else None
    return confirmation.links(found.text, found.html, author), confirmation.codes(found.text)


_AWAITED = ("capture", "catchall", "bounce-address", "unrouted")


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


def _tell(app: App, number: int, as_json: bool) -> None:
    with app.store.read() as tx:
        tree = messages.explanation(tx, number)
    if as_json:
        console.data(tree)
        return
    explanation.show(tree, number)
    app.finish()


def _tell_verdict(app: App, receipt: Receipt, as_json: bool) -> None:
    tree = explain.tree(receipt.facts, receipt.decision, dry_run=False)
    if as_json:
        console.data(tree)
        return
    explanation.show(tree, receipt.number)
    app.finish()
