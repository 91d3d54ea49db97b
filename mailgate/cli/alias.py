"""`mailgate alias`: the addresses that make records."""

from collections.abc import Sequence
from typing import Any

import click

from mailgate.cli.ui import completions, console, fields
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, confirm, json_option, yes_option
from mailgate.export.fields import lines, to_json
from mailgate.export.schema import ALIAS
from mailgate.store import aliases, records
from mailgate.values.directory import Alias


@click.group(
    "alias",
    cls=Group,
    examples="""
        mailgate alias add support@example.com --model ticket
        mailgate alias add sales@example.com --model lead --from contacts
        mailgate alias list
    """,
)
def alias() -> None:
    """The addresses that make records."""


def _changed(old: Alias, options: dict[str, Any]) -> Alias:
    stated = fields.attributes(ALIAS, old, options)
    if stated.keys() & aliases.TESTED:
        stated["status"] = "not-tested"
    return old._replace(**stated)


@alias.command(
    "add",
    examples="""
        mailgate alias add support@example.com --model ticket --set team=1
        mailgate alias add sales@example.com --model lead --notify ann@example.com
    """,
)
@click.argument("address")
@fields.options(ALIAS)
@json_option
@pass_app
def add(app: App, /, address: str, as_json: bool, **options: Any) -> None:
    """Add an alias; without a domain it belongs to the default domain."""
    if not options["model"]:
        raise click.UsageError("Missing option '--model'.")
    with app.store.write() as tx:
        found = aliases.add(tx, address, _changed(Alias(0, "", "", ""), options))
        doubts = aliases.doubts(tx, found)
    _warn(found, doubts)
    _tell_name(address, found.local)
    if as_json:
        console.data(as_data(found))
        return
    console.say(f"added alias {found.address} -> {found.record or found.model}")
    app.finish()


def _warn(found: Alias, doubts: list[aliases.Doubt]) -> None:
    for each in doubts:
        console.warning(f"{found.address}: {each}")


def _tell_name(typed: str, local: str) -> None:
    if typed.strip().partition("@")[0] != local:
        console.warning(f"`{typed.strip().partition('@')[0]}` became `{local}`")


@alias.command("list", examples="mailgate alias list --json")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """Every alias, oldest first."""
    with app.store.read() as tx:
        found = aliases.listing(tx)
    if as_json:
        console.data([as_data(each) for each in found])
        return
    rows = [
        (
            each.address,
            each.record or each.model,
            console.assignments(dict(each.values)) or "-",
            each.policy,
            each.status,
        )
        for each in found
    ]
    header = ("ADDRESS", "CREATES", "VALUES", "FROM", "STATUS")
    console.table(header, rows, "no alias yet: mailgate alias add support@example.com --model ticket")
    app.finish()


@alias.command("show", examples="mailgate alias show support@example.com")
@click.argument("address", shell_complete=completions.aliases)
@json_option
@pass_app
def show(app: App, address: str, as_json: bool) -> None:
    """One alias."""
    with app.store.read() as tx:
        found = aliases.get(tx, address)
        former = aliases.former_names(tx, found)
    _show(app, found, as_json, former)


@alias.command("set", examples="mailgate alias set support@example.com --from contacts --unset team")
@click.argument("address", shell_complete=completions.aliases)
@fields.options(ALIAS)
@fields.removals(ALIAS)
@json_option
@pass_app
def set_(app: App, /, address: str, as_json: bool, **options: Any) -> None:
    """Change an alias; options that are not given keep their value."""
    with app.store.write() as tx:
        found = aliases.save(tx, _changed(aliases.get(tx, address), options))
        doubts = aliases.doubts(tx, found)
    _warn(found, doubts)
    _show(app, found, as_json)


@alias.command("rename", examples="mailgate alias rename sales@example.com offers@example.com")
@click.argument("address", shell_complete=completions.aliases)
@click.argument("new")
@json_option
@pass_app
def rename(app: App, address: str, new: str, as_json: bool) -> None:
    """Give an alias another address; the old one keeps working until `mailgate domain forget`."""
    with app.store.write() as tx:
        before = aliases.get(tx, address)
        found = aliases.rename(tx, address, new)
    _tell_name(new, found.local)
    if as_json:
        console.data(as_data(found))
        return
    console.say(f"renamed alias {before.address} to {found.address}; mail to {before.address} still arrives")
    app.finish()


@alias.command("remove", examples="mailgate alias remove support@example.com --yes")
@click.argument("address", shell_complete=completions.aliases)
@yes_option
@pass_app
def remove(app: App, address: str, yes: bool) -> None:
    """Remove an alias; the records it made stay."""
    with app.store.read() as tx:
        found = aliases.get(tx, address)
        made = sum(each.alias == found.address for each in records.listing(tx))
    confirm(f"alias {found.address}, whose {made} records stay," if made else f"alias {found.address}", yes)
    with app.store.write() as tx:
        aliases.remove(tx, address)
    console.say(f"removed alias {found.address}")


def as_data(found: Alias) -> dict[str, Any]:
    """An alias as JSON."""
    return {"address": found.address, **to_json(ALIAS, found), "status": found.status}


def _show(app: App, found: Alias, as_json: bool, retired: Sequence[str] = ()) -> None:
    if as_json:
        console.data({**as_data(found), "former": list(retired)})
        return
    head = [("alias", found.address), ("retired", ", ".join(retired))]
    console.pairs([*head, *lines(ALIAS, found), ("status", found.status)])
    app.finish()
