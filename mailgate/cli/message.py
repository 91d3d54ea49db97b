"""`mailgate message`: every message received or sent, under one number."""

import os

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.messages import message_data, show_message
from mailgate.cli.ui.options import Group, Number, full_option, json_option
from mailgate.mail.content import content
from mailgate.process import unpack
from mailgate.store import failures, held, messages, records
from mailgate.store.held import Held
from mailgate.store.messages import Stored
from mailgate.values.charset import printable


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
    """Every message received or sent, also held and refused ones."""


@message.command("list", examples="mailgate message list --record ticket/1 --json")
@click.option("--record", "ref", metavar="M/ID", help="Only those on this record.")
@click.option("--after", type=Number(), default=0, metavar="N", help="Only numbers above this one.")
@json_option
@pass_app
def list_(app: App, ref: str | None, after: int, as_json: bool) -> None:
    """Messages, oldest first."""
    with app.store.read() as tx:
        wanted = records.get(tx, records.parse(ref)).ref if ref else None
        found = messages.listing(tx, wanted, after)
        shown = [message_data(tx, each) for each in found] if as_json else []
        kept = {each.message: each for each in (*held.listing(tx), *held.listing(tx, refused=True))}
        reported = {each.report: each.number for each in failures.listing(tx, acked=True)}
    if as_json:
        console.data(shown)
        return
    rows = [
        (
            *(each.number, console.ago(each.received_at), each.direction, each.author or each.author_text or "-"),
            *(_place(each, kept.get(each.number), reported.get(each.number)), each.subject or "-"),
        )
        for each in found
    ]
    console.table(
        ("NUMBER", "RECEIVED", "WAY", "FROM", "WENT TO", "SUBJECT"),
        rows,
        "no such message" if ref or after else "no message yet",
    )
    app.finish()


@message.command("show", examples="mailgate message show 12")
@click.argument("number", type=Number())
@full_option
@json_option
@pass_app
def show(app: App, number: int, full: bool, as_json: bool) -> None:
    """One message: its text, its attachments by name and size, and to whom it failed to go."""
    with app.store.read() as tx:
        found = message_data(tx, messages.stored(tx, number))
    if as_json:
        console.data(found)
        return
    show_message(found, full=full)
    app.finish()


@message.command("raw", examples="mailgate message raw 12 > message.eml")
@click.argument("number", type=Number())
@pass_app
def raw(app: App, number: int) -> None:
    """The exact bytes received, or sent."""
    with app.store.read() as tx:
        octets = messages.raw(tx, number)
    console.raw(octets)


@message.command("save", examples="mailgate message save 12 --to ./attachments")
@click.argument("number", type=Number())
@click.option("--attachment", "wanted", metavar="NAME", help="Only this one.")
@click.option(
    "--to", "folder", required=True, type=click.Path(), metavar="DIR", help="Folder, made when there is none."
)
@json_option
@pass_app
def save(app: App, number: int, wanted: str | None, folder: str, as_json: bool) -> None:
    """Write the attachments of a message into a folder, under harmless names; nothing is overwritten."""
    target = os.path.abspath(folder)
    with app.store.read() as tx:
        octets = messages.raw(tx, number)
    saved = unpack.save(octets, content(octets).attachments, wanted, target)
    if as_json:
        console.data([each._asdict() for each in saved])
        return
    for each in saved:
        console.say(f"{printable(each.path)}  {console.size(each.size)}")


def _place(found: Stored, kept: Held | None, failure: int | None) -> str:
    """Where a message is: on its records, held or refused, a failure, or nowhere because it was only noted."""
    places = [str(ref) for ref in found.records]
    if failure:
        places.append(f"failure {failure}")
    if kept:
        places.append(f"{'refused' if kept.refused else 'held'}: {kept.reason}")
    return ", ".join(places) or ("noted" if found.classed == "report" else "ignored")
