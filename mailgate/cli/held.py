"""`mailgate held`: mail that waits for a person to decide."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import click

from mailgate.cli.ui import completions, console, explanation
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.listing import Asked, View, list_options
from mailgate.cli.ui.listing import show as show_list
from mailgate.cli.ui.messages import message_data, show_message
from mailgate.cli.ui.options import Group, Message, Number, confirm, json_option, single, yes_option
from mailgate.gateway import held as reconsider
from mailgate.gateway.receive import Receipt
from mailgate.mail import content
from mailgate.routing import confirmation, explain
from mailgate.routing.confirmation import Link
from mailgate.store import held, lists, messages
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


@box.command(
    "list",
    examples="""
        mailgate held list --refused
        mailgate held list --from spam.example --ids | xargs mailgate held drop --yes
    """,
)
@click.option("--refused", is_flag=True, help="List refused mail instead.")
@click.option("--quiet", is_flag=True, help="List only mail that nobody is told of.")
@click.option("--ids", is_flag=True, help="Print only the numbers.")
@click.option("--state", metavar="REASON", help="Only held for this reason.")
@list_options()
@pass_app
def list_(app: App, refused: bool, quiet: bool, ids: bool, asked: Asked) -> None:
    """List held mail, oldest first; on a terminal the last 50."""
    source = lists.held(refused=refused, quiet=quiet)
    if ids:
        for keys in lists.pages(app.store, source, asked.wanted):
            for (number,) in keys:
                console.tabbed([number])
        return
    header = ("NUMBER", "REASON", "FROM", "TO", "RECEIVED", "SUBJECT")
    empty = "no such held mail" if asked.narrowed or quiet else "no held mail"
    show_list(
        app, source, asked, View(_read, lambda tx, each: as_data(*each), lambda tx, each: _row(*each), header, empty)
    )


def _read(tx: Transaction, key: lists.Key) -> tuple[Held, Stored]:
    return held.get(tx, int(key[0])), messages.stored(tx, int(key[0]))


def _row(entry: Held, stored: Stored) -> tuple[object, ...]:
    return (
        *(entry.message, entry.reason + _kind(entry)),
        *(stored.author or stored.author_text or "-", ", ".join(stored.recipients) or "-"),
        *(console.ago(stored.received_at), stored.subject or "-"),
    )


def _kind(entry: Held) -> str:
    """What else is to be known beside the reason."""
    return (" (copies)" if entry.withheld else "") + (" (quiet)" if entry.quiet else "")


@box.command("show", examples="mailgate held show 12")
@click.argument("named", metavar="NUMBER", type=Message(), shell_complete=completions.held)
@json_option
@pass_app
def show(app: App, named: int | str, as_json: bool) -> None:
    """Show one held message, by its number or Message-ID: why it is held, and what can be done."""
    with app.store.read() as tx:
        number = messages.numbered(tx, named)
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
            ("held", f"{entry.reason}{_kind(entry)}{', refused' if entry.refused else ''}"),
            ("reason", entry.note or command("mailgate why {N}", number)),
            ("since", console.when(entry.held_at)),
            *_ways_out(entry),
        ]
    )
    app.finish()


def _ways_out(entry: Held) -> list[tuple[str, str]]:
    """What can be done with held mail, and by which command."""
    number = entry.message
    if entry.withheld:
        return [
            ("send the copies", command("mailgate held retry {N}", number)),
            ("send none", command("mailgate held drop {N}", number)),
        ]
    return [
        ("route to an alias", command("mailgate held route {N} --to ADDRESS", number)),
        ("route to a record", command("mailgate held route {N} --to MODEL/ID", number)),
        ("process it again", command("mailgate held retry {N}", number)),
        ("remove it", command("mailgate held drop {N}", number)),
    ]


@box.command("route", examples="mailgate held route 12 --to ticket/1")
@click.argument("numbers", metavar="N...", type=Number(), nargs=-1, required=True, shell_complete=completions.held)
@click.option("--to", "target", required=True, metavar="ADDRESS|M/ID", help="Alias or record to put the message on.")
@json_option
@pass_app
def route(app: App, numbers: tuple[int, ...], target: str, as_json: bool) -> None:
    """Put held messages on a record, or create one for each with an alias; no rule is asked and no reply is sent."""

    def work(number: int) -> Receipt:
        return reconsider.route(app.store, app.config, number, target, time.time())

    _reconsider(app, numbers, work, as_json)


@box.command("retry", examples="mailgate held retry 12")
@click.argument("numbers", metavar="N...", type=Number(), nargs=-1, required=True, shell_complete=completions.held)
@json_option
@pass_app
def retry(app: App, numbers: tuple[int, ...], as_json: bool) -> None:
    """Process held messages as if they arrived now; those that are accepted are no longer held.

    Of a message that is on a record already, the copies that were withheld are sent.
    """

    def work(number: int) -> Receipt:
        return reconsider.retry(app.store, app.config, number, time.time())

    _reconsider(app, numbers, work, as_json)


def _reconsider(app: App, numbers: Sequence[int], work: Callable[[int], Receipt], as_json: bool) -> None:
    """Do it to every message, and explain what became of each; nothing is done if one of them is not held."""
    numbers = list(dict.fromkeys(numbers))
    with app.store.read() as tx:
        for number in numbers:
            held.get(tx, number)
    trees: list[tuple[int | None, dict[str, Any]]] = []
    for number in numbers:
        receipt = work(number)
        app.send(queued=receipt.queued)
        if receipt.number is not None and receipt.decision.has_effects:
            with app.store.read() as tx:
                trees.append((number, messages.explanation(tx, number)))
        else:
            trees.append((receipt.number, explain.tree(receipt.facts, receipt.decision, dry_run=False)))
    if as_json:
        console.data(single([tree for _, tree in trees]))
        return
    for shown, tree in trees:
        explanation.show(tree, shown)
    app.finish()


@box.command("drop", examples="mailgate held drop 12 13 --yes")
@click.argument("numbers", metavar="N...", type=Number(), nargs=-1, required=True, shell_complete=completions.held)
@yes_option
@pass_app
def drop(app: App, numbers: tuple[int, ...], yes: bool) -> None:
    """Delete held messages; none, if one of the numbers is wrong.

    A message that is on a record stays there; only its copies are not sent any more.
    """
    numbers = tuple(dict.fromkeys(numbers))
    with app.store.read() as tx:
        named = []
        for number in numbers:
            what = "the copies of message" if held.get(tx, number).withheld else "message"
            stored = messages.stored(tx, number)
            named.append(f"{what} {number} from {stored.author or stored.author_text or '(no author)'}")
    confirm(named[0] if len(named) == 1 else f"{len(named)} held messages", yes)
    with app.store.write() as tx:
        dropped = [reconsider.drop(tx, number) for number in numbers]
    for entry in dropped:
        what = f"the copies of message {entry.message}" if entry.withheld else f"message {entry.message}"
        console.say(f"dropped {what}")


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
        "withheld": entry.withheld,
        "record": str(stored.records[0]) if stored.records else None,
        "from": stored.author,
        "from_text": stored.author_text,
        "recipients": list(stored.recipients),
        "subject": stored.subject,
        "received": console.when(stored.received_at),
    }
