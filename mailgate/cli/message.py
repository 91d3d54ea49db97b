"""`mailgate message`: every message received or sent, under one number."""

import os
import sys
from typing import Any

import click

from mailgate import console, export, held, messages, records
from mailgate.charset import printable
from mailgate.cli.base import App, Group, Number, json_option, pass_app
from mailgate.content import content
from mailgate.held import Held
from mailgate.messages import Stored


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
        shown = [as_data(each, messages.raw(tx, each.number)) for each in found] if as_json else []
        kept = {each.message: each for each in (*held.listing(tx), *held.listing(tx, refused=True))}
    if as_json:
        console.data(shown)
        return
    rows = [
        (
            *(each.number, console.ago(each.received), each.direction, each.author or each.author_text or "-"),
            *(_place(each, kept.get(each.number)), each.subject or "-"),
        )
        for each in found
    ]
    console.table(("NUMBER", "RECEIVED", "WAY", "FROM", "WENT TO", "SUBJECT"), rows, "no message yet")
    app.finish()


@message.command("show", examples="mailgate message show 12")
@click.argument("number", type=Number())
@json_option
@pass_app
def show(app: App, number: int, as_json: bool) -> None:
    """One message: its text, and its attachments by name and size."""
    with app.store.read() as tx:
        found = as_data(messages.stored(tx, number), messages.raw(tx, number))
    if as_json:
        console.data(found)
        return
    show_text(found)
    app.finish()


@message.command("raw", examples="mailgate message raw 12 > message.eml")
@click.argument("number", type=Number())
@pass_app
def raw(app: App, number: int) -> None:
    """The exact bytes received."""
    with app.store.read() as tx:
        octets = messages.raw(tx, number)
    if sys.stdout.isatty():
        console.say("\n".join(printable(line) for line in octets.decode("utf-8", "replace").splitlines()))
        return
    sys.stdout.buffer.write(octets)
    sys.stdout.buffer.flush()


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
    saved = export.save(octets, content(octets).attachments, wanted, target)
    if as_json:
        console.data([each._asdict() for each in saved])
        return
    for each in saved:
        console.say(f"{printable(each.path)}  {console.size(each.size)}")


def as_data(found: Stored, octets: bytes) -> dict[str, Any]:
    """A message as JSON, its content derived from the bytes now."""
    inside = content(octets)
    refs = [str(ref) for ref in found.records]
    return {
        "number": found.number,
        "message_id": found.message_id,
        "parent": found.parent,
        "record": refs[0] if refs else None,
        "kind": found.kind,
        "direction": found.direction,
        "class": found.classed,
        "author": found.author,
        "author_name": found.author_name,
        "author_text": found.author_text,
        "reverse_path": found.reverse_path,
        "subject": found.subject,
        "date": _date(found),
        "received": console.when(found.received),
        "size": found.size,
        "text": inside.text,
        "attachments": [
            {"name": each.name, "type": each.type, "size": each.size, "inline": each.inline}
            for each in inside.attachments
        ],
        "recipients": list(found.recipients),
        "flags": list(found.flags),
        "records": refs,
        "failures": [],
    }


def show_text(found: dict[str, Any]) -> None:
    """A message for people: who, when, what; nothing of it reaches the terminal unescaped."""
    author = found["author_text"] or found["author"] or "nobody"
    console.lines(
        [
            [(f"{found['number']:>4}  ", "dim"), (printable(found["subject"]) or "(no subject)", "bold")],
            [("      ", ""), (f"{printable(author)}, {found['date']}", "dim")],
            [("      ", ""), (printable(found["message_id"] or "no Message-ID"), "dim")],
            [],
            *([("      " + printable(line.replace("\t", "    ")), "")] for line in found["text"].splitlines()),
        ]
    )
    if found["attachments"]:
        console.lines([[]])
    for each in found["attachments"]:
        kind = "inline" if each["inline"] else "attached"
        text = f"{printable(each['name'])}  {printable(each['type'])}  {console.size(each['size'])}"
        console.lines([[(f"      {kind}  ", "dim"), (text, "")]])
    if found["flags"]:
        console.lines([[("      flags  ", "dim"), (", ".join(found["flags"]), "yellow")]])


def _place(found: Stored, kept: Held | None) -> str:
    """Where a message is: on its records, held or refused, or nowhere because it was ignored."""
    places = [str(ref) for ref in found.records]
    if kept:
        places.append(f"{'refused' if kept.refused else 'held'}: {kept.reason}")
    return ", ".join(places) or "ignored"


def _date(found: Stored) -> str:
    """The Date field as ISO 8601, the time of receipt when it says nothing sensible."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(found.date[:100]).isoformat()
    except (ValueError, OverflowError, TypeError, IndexError):
        return console.when(found.received)
