"""`mailgate alias`: the addresses that create records."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from mailgate.cli.ui import completions, console, fields, listing
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, confirm, json_option, yes_option
from mailgate.export.fields import lines, to_json
from mailgate.export.schema import ALIAS
from mailgate.store import aliases, lists, records
from mailgate.values.directory import Alias
from mailgate.values.problem import Problem


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
    """Manage aliases, the addresses that create records."""


def _changed(old: Alias, options: dict[str, Any]) -> Alias:
    attributes = fields.attributes(ALIAS, old, options)
    if attributes.keys() & aliases.TESTED:
        attributes["status"] = "not-tested"
    return old._replace(**attributes)


@alias.command(
    "add",
    examples="""
        mailgate alias add support@example.com --model ticket --set team=1
        mailgate alias add sales@example.com --model lead --notify ann@example.net
    """,
)
@click.argument("address")
@fields.options(ALIAS)
@json_option
@pass_app
def add(app: App, /, address: str, as_json: bool, **options: Any) -> None:
    """Add an alias; an address without a domain is in the default domain."""
    if not options["model"]:
        raise click.UsageError("Missing option '--model'.")
    with app.store.write() as tx:
        alias = aliases.add(tx, address, _changed(Alias(0, "", "", ""), options))
        problems = aliases.problems(tx, alias)
    _warn(alias, problems)
    _warn_of_spelling(address, alias.local)
    app.warn_of_unread(alias.notify)
    if as_json:
        console.data(as_data(alias))
        return
    console.say(f"added alias {alias.address} -> {alias.record or alias.model}")
    app.finish()


def _warn(alias: Alias, problems: list[Problem]) -> None:
    for problem in problems:
        console.warning(f"{alias.address}: {problem.line}", has_command=bool(problem.commands))


def _warn_of_spelling(typed: str, local: str) -> None:
    if typed.strip().partition("@")[0] != local:
        console.warning(f"`{typed.strip().partition('@')[0]}` is stored as `{local}`")


@alias.command("list", examples="mailgate alias list --json")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the last N; 50 on a terminal.")
@click.option("--jsonl", "as_lines", is_flag=True, help="Print JSON, one object a line.")
@json_option
@pass_app
def list_(app: App, limit: int | None, as_lines: bool, as_json: bool) -> None:
    """List every alias, oldest first."""
    form = "jsonl" if as_lines else "json" if as_json else "screen"
    if limit is None and form == "screen" and sys.stdout.isatty():
        limit = listing.SCREEN
    listing.show(app, lists.aliases(), listing.Asked(lists.Wanted(limit=limit), form), _VIEW)


def _row(alias: Alias) -> Sequence[object]:
    values = console.assignments(dict(alias.values)) or "-"
    return (alias.address, alias.record or alias.model, values, alias.policy, alias.status)


@alias.command("show", examples="mailgate alias show support@example.com")
@click.argument("address", shell_complete=completions.aliases)
@json_option
@pass_app
def show(app: App, address: str, as_json: bool) -> None:
    """Show one alias."""
    with app.store.read() as tx:
        alias = aliases.get(tx, address)
        retired = aliases.former_names(tx, alias)
    _show(app, alias, as_json, retired)


@alias.command("set", examples="mailgate alias set support@example.com --from contacts --unset team")
@click.argument("address", shell_complete=completions.aliases)
@fields.options(ALIAS)
@fields.removals(ALIAS)
@json_option
@pass_app
def set_(app: App, /, address: str, as_json: bool, **options: Any) -> None:
    """Change an alias; options that are not given keep their value."""
    with app.store.write() as tx:
        alias = aliases.save(tx, _changed(aliases.get(tx, address), options))
        problems = aliases.problems(tx, alias)
    _warn(alias, problems)
    app.warn_of_unread(alias.notify)
    _show(app, alias, as_json)


@alias.command("rename", examples="mailgate alias rename sales@example.com offers@example.com")
@click.argument("address", shell_complete=completions.aliases)
@click.argument("new")
@json_option
@pass_app
def rename(app: App, address: str, new: str, as_json: bool) -> None:
    """Give an alias another address; mail to the old one still arrives until `mailgate domain forget`."""
    with app.store.write() as tx:
        old = aliases.get(tx, address)
        alias = aliases.rename(tx, address, new)
    _warn_of_spelling(new, alias.local)
    if as_json:
        console.data(as_data(alias))
        return
    console.say(f"renamed alias {old.address} to {alias.address}; mail to {old.address} still arrives")
    app.finish()


@alias.command("remove", examples="mailgate alias remove support@example.com --yes")
@click.argument("address", shell_complete=completions.aliases)
@yes_option
@pass_app
def remove(app: App, address: str, yes: bool) -> None:
    """Remove an alias; the records that it created stay."""
    with app.store.read() as tx:
        alias = aliases.get(tx, address)
        created = records.created_by(tx, alias.address)
    confirm(f"alias {alias.address} (its {created} records stay)" if created else f"alias {alias.address}", yes)
    with app.store.write() as tx:
        aliases.remove(tx, address)
    console.say(f"removed alias {alias.address}")


def as_data(alias: Alias) -> dict[str, Any]:
    """An alias as JSON."""
    return {"address": alias.address, **to_json(ALIAS, alias), "status": alias.status}


_VIEW = listing.View(
    read=lambda tx, key: aliases.numbered(tx, int(key[0])),
    data=lambda _, alias: as_data(alias),
    row=lambda _, alias: _row(alias),
    header=("ADDRESS", "CREATES", "VALUES", "FROM", "STATUS"),
    empty="no aliases; add one with: mailgate alias add support@example.com --model ticket",
)


def _show(app: App, alias: Alias, as_json: bool, retired: Sequence[str] = ()) -> None:
    if as_json:
        console.data({**as_data(alias), "former": list(retired)})
        return
    head = [("alias", alias.address), ("retired", ", ".join(retired))]
    console.pairs([*head, *lines(ALIAS, alias), ("status", alias.status)])
    app.finish()
