"""`mailgate record`: records, with their messages and followers."""

import time
from typing import Any

import click

from mailgate.cli.ui import completions, console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.listing import Asked, View, list_options
from mailgate.cli.ui.listing import show as show_list
from mailgate.cli.ui.messages import message_data, show_message
from mailgate.cli.ui.options import Group, Number, assignment, confirm, full_option, json_option, yes_option
from mailgate.store import domains, lists, messages, moving, people, records
from mailgate.store.records import Followed, NewRecord, Record
from mailgate.values.problem import NotFound, Problem, command
from mailgate.values.record import Ref


@click.group(
    "record",
    cls=Group,
    examples="""
        mailgate record list --model ticket
        mailgate record show ticket/1
        mailgate record follow ticket/1 ann@example.net
    """,
)
def record() -> None:
    """Show and change records, which have values, messages and followers."""


@record.command("list", examples="mailgate record list --model ticket --after 100 --json")
@click.option("--model", metavar="M", help="Only records of this model.")
@click.option("--after", type=Number(), default=0, metavar="ID", help="Only records with a higher id; needs --model.")
@list_options(states=("open", "closed"), sender=False)
@pass_app
def list_(app: App, model: str | None, after: int, asked: Asked) -> None:
    """List records, oldest first; on a terminal the last 50. `--to` looks at the alias, `--subject` at the name."""
    if after and not model:
        raise click.UsageError("--after needs --model, as each model has its own ids.")
    if model:
        with app.store.read() as tx:
            if others := records.unknown_model(tx, model):
                names = ", ".join(others[:10])
                raise NotFound(f"no record has the model `{model}`: there are {names}", command("mailgate record list"))
    empty = "no such records" if model or asked.narrowed else "no records; mail to an alias creates one"
    header = ("RECORD", "NAME", "VALUES", "ALIAS", "CREATED")
    view = View(
        lambda tx, key: records.get(tx, Ref(str(key[-2]), int(key[-1]))),
        lambda tx, record: as_data(record),
        lambda tx, record: _row(record),
        *(header, empty),
    )
    show_list(app, lists.records(model, after), asked, view)


def _row(record: Record) -> tuple[object, ...]:
    values = console.assignments(dict(record.values)) or "-"
    return record.ref, record.name or "-", values, record.alias or "-", console.ago(record.created_at)


@record.command("show", examples="mailgate record show ticket/1")
@click.argument("ref", metavar="M/ID", shell_complete=completions.records)
@full_option
@json_option
@pass_app
def show(app: App, ref: str, full: bool, as_json: bool) -> None:
    """Show one record with its messages, oldest first, and their delivery failures."""
    with app.store.read() as tx:
        record = records.get(tx, records.parse(ref))
        conversation = [message_data(tx, message) for message in messages.listing(tx, record.ref)]
        stopped = people.stops(tx, record.ref, record.followers)
    if as_json:
        console.data(
            {
                **as_data(record),
                "follower_details": _details(record, stopped),
                "stopped": stopped,
                "messages": conversation,
            }
        )
        return
    console.pairs(
        [
            ("record", record.ref),
            ("name", record.name),
            ("values", console.assignments(dict(record.values))),
            ("alias", record.alias or ""),
            ("followers", ", ".join(_follower(follower, stopped) for follower in record.details)),
            ("created", console.when(record.created_at)),
            ("closed", console.when(record.closed_at) if record.closed_at else ""),
        ]
    )
    for message in conversation:
        console.say()
        show_message(message, full=full)
    app.finish()


@record.command("create", examples='mailgate record create ticket --name "Printer on fire" --set team=1')
@click.argument("model")
@click.option("--name", default="", help="Name of the record.")
@click.option("--set", "values", metavar="K=V", multiple=True, help="Value of the record; repeatable.")
@json_option
@pass_app
def create(app: App, model: str, name: str, values: tuple[str, ...], as_json: bool) -> None:
    """Create a record without mail; it belongs to the default domain and accepts replies from everyone."""
    with app.store.write() as tx:
        default = domains.default(tx)
        assigned = dict(map(assignment, values))
        new = NewRecord(model, name, assigned, domain=default.name if default else None)
        ref = records.make(tx, new, time.time())
        record = records.get(tx, ref)
    if as_json:
        console.data(as_data(record))
        return
    console.say(f"created {record.ref}")
    app.finish()


@record.command("follow", examples="mailgate record follow ticket/1 ann@example.net")
@click.argument("ref", metavar="M/ID", shell_complete=completions.records)
@click.argument("address")
@json_option
@pass_app
def follow(app: App, ref: str, address: str, as_json: bool) -> None:
    """Add a follower to a record."""
    with app.store.write() as tx:
        records.follow(tx, records.parse(ref), address)
        record = records.get(tx, records.parse(ref))
    app.warn_of_unread([address])
    _followers(app, record, as_json)


@record.command("unfollow", examples="mailgate record unfollow ticket/1 ann@example.net")
@click.argument("ref", metavar="M/ID", shell_complete=completions.records)
@click.argument("address")
@json_option
@pass_app
def unfollow(app: App, ref: str, address: str, as_json: bool) -> None:
    """Remove a follower from a record."""
    with app.store.write() as tx:
        records.unfollow(tx, records.parse(ref), address)
        record = records.get(tx, records.parse(ref))
    _followers(app, record, as_json)


@record.command("revoke", examples="mailgate record revoke ticket/1 ann@example.net")
@click.argument("ref", metavar="M/ID", shell_complete=completions.records)
@click.argument("address")
@json_option
@pass_app
def revoke(app: App, ref: str, address: str, as_json: bool) -> None:
    """Take a record from an address: it no longer follows, and its signed addresses give no rights.

    Mail to such an address still finds the record, as an outsider's. Mail that is sent to the address later has a
    signed address that is valid again.
    """
    with app.store.write() as tx:
        records.revoke(tx, records.parse(ref), address)
        record = records.get(tx, records.parse(ref))
    _followers(app, record, as_json)


@record.command(
    "set",
    examples="""
        mailgate record set ticket/1 --name "Printer on fire" --set team=second
        mailgate record set ticket/1 --close
    """,
)
@click.argument("ref", metavar="M/ID", shell_complete=completions.records)
@click.option("--name", help="New name of the record.")
@click.option("--set", "values", metavar="K=V", multiple=True, help="Value to add or replace; repeatable.")
@click.option("--unset", metavar="K", multiple=True, help="Value to remove; repeatable.")
@click.option("--close/--reopen", "closes", default=None, help="Close the record, or open it again.")
@json_option
@pass_app
def set_(
    app: App,
    ref: str,
    name: str | None,
    values: tuple[str, ...],
    unset: tuple[str, ...],
    closes: bool | None,
    as_json: bool,
) -> None:
    """Change the name and the values of a record, close it, or open it again.

    A person's answer opens a closed record again.
    """
    if name is None and not values and not unset and closes is None:
        raise click.UsageError("Nothing to change: name an option.")
    assigned = dict(map(assignment, values))
    with app.store.write() as tx:
        record = records.get(tx, records.parse(ref))
        if missing := [key for key in unset if key not in record.values]:
            raise Problem(
                f"{record.ref} has no value `{missing[0]}`", command("mailgate record show {M/ID}", record.ref)
            )
        if name is not None:
            records.set_name(tx, record.ref, name)
        if assigned or unset:
            kept = {key: value for key, value in record.values.items() if key not in unset}
            records.set_values(tx, record.ref, {**kept, **assigned})
        if closes:
            records.close(tx, record.ref, time.time())
        elif closes is False:
            records.reopen(tx, record.ref)
        record = records.get(tx, record.ref)
    if as_json:
        console.data(as_data(record))
        return
    console.say(f"changed {record.ref}" + (", which is closed" if record.closed_at else ""))
    app.finish()


@record.command("merge", examples="mailgate record merge ticket/2 ticket/1 --yes")
@click.argument("source", metavar="FROM", shell_complete=completions.records)
@click.argument("target", metavar="INTO", shell_complete=completions.records)
@yes_option
@json_option
@pass_app
def merge(app: App, source: str, target: str, yes: bool, as_json: bool) -> None:
    """Put the messages and followers of a record on another one, and remove it.

    Answers to its messages, and mail to its signed addresses, are posted on the other record from then on.
    """
    with app.store.read() as tx:
        gone, kept = records.get(tx, records.parse(source)), records.get(tx, records.parse(target))
    confirm(f"record {gone.ref} ({gone.name or 'no name'}), after its messages are on {kept.ref}", yes)
    with app.store.write() as tx:
        count = moving.merge(tx, gone.ref, kept.ref)
        record = records.get(tx, kept.ref)
    if as_json:
        console.data({**as_data(record), "merged": str(gone.ref), "moved": count})
        return
    console.say(f"merged {gone.ref} into {kept.ref}: {console.counted({'message': count}) or 'no messages'}")
    app.finish()


@record.command("remove", examples="mailgate record remove ticket/1 --yes")
@click.argument("ref", metavar="M/ID", shell_complete=completions.records)
@yes_option
@pass_app
def remove(app: App, ref: str, yes: bool) -> None:
    """Remove a record; its messages are kept, see `mailgate message list`."""
    with app.store.read() as tx:
        record = records.get(tx, records.parse(ref))
    confirm(f"record {record.ref} ({record.name or 'no name'})", yes)
    with app.store.write() as tx:
        records.remove(tx, record.ref)
    console.say(f"removed record {record.ref}")


def as_data(record: Record) -> dict[str, Any]:
    """A record as JSON, without its messages."""
    return {
        "record": str(record.ref),
        "model": record.ref.model,
        "id": record.ref.id,
        "name": record.name,
        "values": dict(record.values),
        "alias": record.alias,
        "followers": list(record.followers),
        "made": console.when(record.created_at),
        "closed": console.when(record.closed_at) if record.closed_at else None,
    }


def _follower(follower: Followed, stopped: dict[str, str]) -> str:
    address, author = follower.address, follower.author
    notes = [f"for {author}"] if author and author != address else []
    notes += [f"no copies: {stopped[address]}"] if address in stopped else []
    return f"{address} ({'; '.join(notes)})" if notes else address


def _details(record: Record, stopped: dict[str, str]) -> list[dict[str, Any]]:
    """The followers as JSON; stopped: null, `failed` or `complaint`."""
    words = {people.COMPLAINED: "complaint", None: None}
    return [
        {
            "address": follower.address,
            "author": follower.author,
            "name": follower.name,
            "stopped": words.get(stopped.get(follower.address), "failed"),
        }
        for follower in record.details
    ]


def _followers(app: App, record: Record, as_json: bool) -> None:
    if as_json:
        console.data(as_data(record))
        return
    console.say(f"followers of {record.ref}: {', '.join(record.followers) or 'none'}")
    app.finish()
