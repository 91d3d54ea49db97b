"""`mailgate record`: what mail became."""

import time
from typing import Any

import click

from mailgate.cli.ui import completions, console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.messages import message_data, show_message
from mailgate.cli.ui.options import Group, Number, assignment, confirm, full_option, json_option, yes_option
from mailgate.store import domains, messages, people, records
from mailgate.store.records import NewRecord, Record


@click.group(
    "record",
    cls=Group,
    examples="""
        mailgate record list --model ticket
        mailgate record show ticket/1
        mailgate record follow ticket/1 ann@example.com
    """,
)
def record() -> None:
    """What mail became: records with their values, messages and followers."""


@record.command("list", examples="mailgate record list --model ticket --after 100 --json")
@click.option("--model", metavar="M", help="Only this model.")
@click.option("--after", type=Number(), default=0, metavar="ID", help="Only ids above this one; needs --model.")
@json_option
@pass_app
def list_(app: App, model: str | None, after: int, as_json: bool) -> None:
    """Records, oldest first."""
    if after and not model:
        raise click.UsageError("--after needs --model: ids count per model.")
    with app.store.read() as tx:
        found = records.listing(tx, model, after)
    if as_json:
        console.data([as_data(each) for each in found])
        return
    rows = [
        (
            each.ref,
            each.name or "-",
            console.assignments(dict(each.values)) or "-",
            each.alias or "-",
            console.ago(each.created_at),
        )
        for each in found
    ]
    console.table(
        ("RECORD", "NAME", "VALUES", "ALIAS", "MADE"),
        rows,
        "no such record" if model else "no record yet: mail to an alias makes one",
    )
    app.finish()


@record.command("show", examples="mailgate record show ticket/1")
@click.argument("ref", metavar="M/ID", shell_complete=completions.records)
@full_option
@json_option
@pass_app
def show(app: App, ref: str, full: bool, as_json: bool) -> None:
    """One record with its conversation, oldest message first, and what of it did not arrive."""
    with app.store.read() as tx:
        found = records.get(tx, records.parse(ref))
        conversation = [message_data(tx, each) for each in messages.listing(tx, found.ref)]
        stopped = people.stops(tx, found.ref, found.followers)
    if as_json:
        console.data({**as_data(found), "stopped": stopped, "messages": conversation})
        return
    console.pairs(
        [
            ("record", found.ref),
            ("name", found.name),
            ("values", console.assignments(dict(found.values))),
            ("alias", found.alias or ""),
            ("followers", ", ".join(_follower(each, stopped) for each in found.followers)),
            ("made", console.when(found.created_at)),
        ]
    )
    for each in conversation:
        console.say()
        show_message(each, full=full)
    app.finish()


@record.command("create", examples='mailgate record create ticket --name "Printer on fire" --set team=1')
@click.argument("model")
@click.option("--name", default="", help="Name of the record.")
@click.option("--set", "values", metavar="K=V", multiple=True, help="A value; repeatable.")
@json_option
@pass_app
def create(app: App, model: str, name: str, values: tuple[str, ...], as_json: bool) -> None:
    """Make a record without mail; it belongs to the default domain and takes every answer."""
    with app.store.write() as tx:
        default = domains.default(tx)
        assigned = dict(assignment(each) for each in values)
        new = NewRecord(model, name, assigned, domain=default.name if default else None)
        ref = records.make(tx, new, time.time())
        found = records.get(tx, ref)
    if as_json:
        console.data(as_data(found))
        return
    console.say(f"created {found.ref}")
    app.finish()


@record.command("follow", examples="mailgate record follow ticket/1 ann@example.com")
@click.argument("ref", metavar="M/ID", shell_complete=completions.records)
@click.argument("address")
@json_option
@pass_app
def follow(app: App, ref: str, address: str, as_json: bool) -> None:
    """Make an address follow a record."""
    with app.store.write() as tx:
        records.follow(tx, records.parse(ref), address)
        found = records.get(tx, records.parse(ref))
    _followers(app, found, as_json)


@record.command("unfollow", examples="mailgate record unfollow ticket/1 ann@example.com")
@click.argument("ref", metavar="M/ID", shell_complete=completions.records)
@click.argument("address")
@json_option
@pass_app
def unfollow(app: App, ref: str, address: str, as_json: bool) -> None:
    """Let an address follow a record no longer."""
    with app.store.write() as tx:
        records.unfollow(tx, records.parse(ref), address)
        found = records.get(tx, records.parse(ref))
    _followers(app, found, as_json)


@record.command("remove", examples="mailgate record remove ticket/1 --yes")
@click.argument("ref", metavar="M/ID", shell_complete=completions.records)
@yes_option
@pass_app
def remove(app: App, ref: str, yes: bool) -> None:
    """Remove a record; its messages stay in `mailgate message list`."""
    with app.store.read() as tx:
        found = records.get(tx, records.parse(ref))
    confirm(f"record {found.ref} ({found.name or 'no name'})", yes)
    with app.store.write() as tx:
        records.remove(tx, found.ref)
    console.say(f"removed record {found.ref}")


def as_data(found: Record) -> dict[str, Any]:
    """A record as JSON, without its messages."""
    return {
        "record": str(found.ref),
        "model": found.ref.model,
        "id": found.ref.id,
        "name": found.name,
        "values": dict(found.values),
        "alias": found.alias,
        "followers": list(found.followers),
        "made": console.when(found.created_at),
    }


def _follower(address: str, stopped: dict[str, str]) -> str:
    return f"{address} (no copies: {stopped[address]})" if address in stopped else address


def _followers(app: App, found: Record, as_json: bool) -> None:
    if as_json:
        console.data(as_data(found))
        return
    console.say(f"{found.ref} is followed by {', '.join(found.followers) or 'nobody'}")
    app.finish()
