"""`mailgate message`: every message received or sent, under one number."""

import os
from typing import Any

import click

from mailgate.cli import bounce
from mailgate.cli.app import App, pass_app
from mailgate.cli.parts import Group, Number, full_option, json_option
from mailgate.cli.ui import console
from mailgate.cli.ui.console import Span
from mailgate.mail.content import content
from mailgate.process import unpack
from mailgate.store import failures, held, messages, records
from mailgate.store.database import Transaction
from mailgate.store.held import Held
from mailgate.store.messages import Stored
from mailgate.values.charset import printable
from mailgate.values.problem import command

_MARGIN = " " * 6
"""In front of each line of a message, below its number."""


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
        shown = [read(tx, each) for each in found] if as_json else []
        kept = {each.message: each for each in (*held.listing(tx), *held.listing(tx, refused=True))}
        reported = {each.report: each.number for each in failures.listing(tx, acked=True)}
    if as_json:
        console.data(shown)
        return
    rows = [
        (
            *(each.number, console.ago(each.received), each.direction, each.author or each.author_text or "-"),
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
        found = read(tx, messages.stored(tx, number))
    if as_json:
        console.data(found)
        return
    show_text(found, full=full)
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


def read(tx: Transaction, found: Stored) -> dict[str, Any]:
    """A message as JSON, its content derived from the bytes now."""
    inside = content(messages.raw(tx, found.number))
    tongue = bounce.language(tx)
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
        "defects": list(inside.defects),
        "records": refs,
        "failures": [bounce.as_data(each, tongue) for each in failures.of_message(tx, found.number)],
    }


def show_text(found: dict[str, Any], *, full: bool = False) -> None:
    """A message for people: who, when, what; nothing of it reaches the terminal unescaped.

    What it quotes of earlier mail is folded, unless `full`.
    """
    from mailgate.mail import quoting  # twenty milliseconds of patterns, for those who read

    author = found["author_text"] or found["author"] or "nobody"
    to = ", ".join(found["recipients"]) if found["direction"] == "out" else ""
    way = "  a note, kept inside" if found["kind"] == "note" else f"  to {printable(to)}" if to else ""
    rows: list[list[Span]] = [
        [(f"{found['number']:>4}  ", "dim"), (printable(found["subject"]) or "(no subject)", "bold")],
        [(_MARGIN, ""), (f"{printable(author)}, {found['date']}{way}", "dim")],
        [(_MARGIN, ""), (printable(found["message_id"] or "no Message-ID"), "dim")],
        [],
    ]
    whole = (quoting.Passage("text", found["text"]),)
    for passage in whole if full else quoting.fold(found["text"], found["subject"]):
        lines = passage.text.splitlines()
        if passage.kind == "quoted" and len(lines) > 1:
            show = command("mailgate message show {N} --full", found["number"])
            summary = f"[{len(lines)} quoted lines: {show}]"
            rows.append([(_MARGIN, ""), (summary, "dim")])
        else:
            style = "" if passage.kind == "text" else "dim"
            rows += [[(_MARGIN, ""), (printable(line.replace("\t", "    ")), style)] if line else [] for line in lines]
    rows += [[]] if any(found[each] for each in ("attachments", "failures", "flags", "defects")) else []
    for inline in (False, True):
        for each in (each for each in found["attachments"] if each["inline"] == inline):
            text = f"{printable(each['name'])}  {printable(each['type'])}  {console.size(each['size'])}"
            rows.append([("      inline    " if inline else "      attached  ", "dim"), (text, "")])
    for each in found["failures"]:
        rows.append([(f"{_MARGIN}failed    ", "bold red"), (bounce.line(each), "")])
        shown = command("mailgate bounce show {N}", each["number"])
        rows.append([(f"{_MARGIN}          {shown}", "dim")])
    rows += [[("      flags     ", "dim"), (", ".join(found["flags"]), "magenta")]] if found["flags"] else []
    rows += [[("      defect    ", "dim"), (each, "magenta")] for each in found["defects"]]
    console.lines(rows, hang=True)


def _place(found: Stored, kept: Held | None, failure: int | None) -> str:
    """Where a message is: on its records, held or refused, a failure, or nowhere because it was only noted."""
    places = [str(ref) for ref in found.records]
    if failure:
        places.append(f"failure {failure}")
    if kept:
        places.append(f"{'refused' if kept.refused else 'held'}: {kept.reason}")
    return ", ".join(places) or ("noted" if found.classed == "report" else "ignored")


def _date(found: Stored) -> str:
    """The Date field as ISO 8601, the time of receipt when it says nothing sensible."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(found.date[:100]).isoformat()
    except (ValueError, OverflowError, TypeError, IndexError):
        return console.when(found.received)
