"""`mailgate message`: every message received or sent, under one number."""

import os
import time

import click

from mailgate.cli.ui import completions, console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.listing import Asked, View, list_options
from mailgate.cli.ui.listing import show as show_list
from mailgate.cli.ui.messages import message_data, show_message
from mailgate.cli.ui.options import Group, Message, Number, confirm, full_option, json_option, yes_option
from mailgate.mail.content import content
from mailgate.process import unpack
from mailgate.store import failures, held, lists, messages, moving, purging, records
from mailgate.store.database import Transaction
from mailgate.store.messages import Stored
from mailgate.values.charset import printable
from mailgate.values.outcome import ACTIONS
from mailgate.values.problem import Problem, command


@click.group(
    "message",
    cls=Group,
    examples="""
        mailgate message list
        mailgate message show 12
        mailgate message raw 12 > message.eml
    """,
)
def message() -> None:
    """Show messages received and sent, also held and refused ones."""


@message.command(
    "list",
    examples="""
        mailgate message list --from bob@client.org --since 7d
        mailgate message list --record ticket/1 --json
    """,
)
@click.option("--record", "ref", metavar="M/ID", help="Only messages on this record.")
@click.option("--after", type=Number(), default=0, metavar="N", help="Only messages with a higher number.")
@list_options(states=(*ACTIONS, "sent"))
@pass_app
def list_(app: App, ref: str | None, after: int, asked: Asked) -> None:
    """List messages, oldest first; on a terminal the last 50.

    The state is what became of a message: `create`, `post` and so on, or `sent`.
    """
    record = None
    if ref:
        with app.store.read() as tx:
            record = records.get(tx, records.parse(ref)).ref
    header = ("NUMBER", "RECEIVED", "IN/OUT", "FROM", "PLACE", "SUBJECT")
    empty = "no such messages" if ref or after or asked.narrowed else "no messages"
    view = View(lambda tx, key: messages.stored(tx, int(key[0])), message_data, _row, header, empty)
    show_list(app, lists.messages(record, after), asked, view)


def _row(tx: Transaction, stored: Stored) -> tuple[object, ...]:
    author = stored.author or stored.author_text or "-"
    return (
        *(stored.number, console.ago(stored.received_at), stored.direction),
        *(author, _place(tx, stored), stored.subject or "-"),
    )


@message.command(
    "show",
    examples="""
        mailgate message show 12
        mailgate message show '<a1@client.org>'
    """,
)
@click.argument("named", metavar="NUMBER", type=Message())
@full_option
@click.option("--html", "as_html", is_flag=True, help="Print its HTML, cleaned: no scripts, no remote images.")
@json_option
@pass_app
def show(app: App, named: int | str, full: bool, as_html: bool, as_json: bool) -> None:
    """Show one message, by its number or Message-ID: its text, its attachments, and its delivery failures."""
    with app.store.read() as tx:
        number = messages.numbered(tx, named)
    if as_html:
        _show_html(app, number)
        return
    with app.store.read() as tx:
        data = message_data(tx, messages.stored(tx, number))
    if as_json:
        console.data(data)
        return
    show_message(data, full=full)
    app.finish()


def _show_html(app: App, number: int) -> None:
    from mailgate.cli.ui import page

    with app.store.read() as tx:
        html = content(messages.raw(tx, number)).html
    if not html:
        raise Problem(f"message {number} has no HTML", command("mailgate message show {N}", number))
    console.verbatim(page.cleaned(html).rstrip("\n"))


@message.command("raw", examples="mailgate message raw 12 > message.eml")
@click.argument("number", type=Number())
@pass_app
def raw(app: App, number: int) -> None:
    """Print the exact bytes of a message."""
    with app.store.read() as tx:
        octets = messages.raw(tx, number)
    console.raw(octets)


@message.command("move", examples="mailgate message move 12 --to ticket/1")
@click.argument("numbers", metavar="N...", type=Number(), nargs=-1, required=True)
@click.option("--to", "target", required=True, metavar="M/ID", shell_complete=completions.records, help="The record.")
@json_option
@pass_app
def move(app: App, numbers: tuple[int, ...], target: str, as_json: bool) -> None:
    """Move messages to another record. Answers to them are posted there from then on.

    Followers stay where they are: `mailgate record merge` takes them along.
    """
    with app.store.write() as tx:
        ref = records.parse(target)
        before = {number: moving.move(tx, number, ref) for number in dict.fromkeys(numbers)}
        emptied = [each for each in dict.fromkeys(sum(before.values(), ())) if not messages.listing(tx, each)]
        data = [message_data(tx, messages.stored(tx, number)) for number in before] if as_json else []
    if as_json:
        console.data(data)
        return
    for number, places in before.items():
        console.say(f"moved message {number} from {', '.join(map(str, places))} to {ref}")
    for each in emptied:
        console.say(f"{each} has no messages left; `mailgate record merge` takes its followers along")
    app.finish()


@message.command("remove", examples="mailgate message remove 12 13 --yes")
@click.argument("numbers", metavar="N...", type=Number(), nargs=-1, required=True)
@yes_option
@pass_app
def remove(app: App, numbers: tuple[int, ...], yes: bool) -> None:
    """Delete messages: their bytes, text and people. Of what is on a record, the ids stay, so that answers find it."""
    wanted = list(dict.fromkeys(numbers))
    with app.store.read() as tx:
        for number in wanted:
            messages.stored(tx, number)
    confirm(f"message{'s' if len(wanted) > 1 else ''} {', '.join(map(str, wanted))}", yes)
    with app.store.write() as tx:
        for number in wanted:
            if not purging.remove(tx, number, time.time()):
                raise Problem(
                    f"message {number} is held, queued, or has an open failure",
                    command("mailgate held drop {N}", number),
                    command("mailgate bounce list"),
                    command("mailgate outbox list"),
                )
    for number in wanted:
        console.say(f"deleted message {number}")
    app.finish()


@message.command("save", examples="mailgate message save 12 --to ./attachments")
@click.argument("number", type=Number())
@click.option("--attachment", "wanted", metavar="NAME", help="Save only this attachment.")
@click.option(
    "--to", "folder", required=True, type=click.Path(), metavar="DIR", help="Folder, created if it does not exist."
)
@json_option
@pass_app
def save(app: App, number: int, wanted: str | None, folder: str, as_json: bool) -> None:
    """Save the attachments of a message to a folder, with safe file names; no file is overwritten."""
    target = os.path.abspath(folder)
    with app.store.read() as tx:
        octets = messages.raw(tx, number)
    saved = unpack.save(octets, content(octets).attachments, wanted, target)
    if as_json:
        console.data([file._asdict() for file in saved])
        return
    for file in saved:
        console.say(f"{printable(file.path)}  {console.size(file.size)}")


def _place(tx: Transaction, stored: Stored) -> str:
    """Where a message is: its records, its failure, and whether it is held or refused."""
    places = [str(ref) for ref in stored.records]
    if failure := failures.reported_in(tx, stored.number) if stored.classed == "report" else None:
        places.append(f"failure {failure}")
    if entry := held.find(tx, stored.number):
        places.append(f"{'refused' if entry.refused else 'held'}: {entry.reason}")
    if places:
        return ", ".join(places)
    if stored.direction == "out" or messages.action(tx, stored.number) in ("create", "post"):
        return "record removed"
    return "noted" if stored.classed == "report" else "ignored"
