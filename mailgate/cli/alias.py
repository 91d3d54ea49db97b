"""`mailgate alias`: the addresses that make records."""

from collections.abc import Sequence
from typing import Any

import click

from mailgate.cli.ui import completions, console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, assignment, confirm, json_option, yes_option
from mailgate.store import aliases, records
from mailgate.values.directory import AUTOMATIC, POLICIES, REPLIES, SPAM, Alias


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


def _options(function: Any) -> Any:
    for option in reversed(
        (
            click.option("--model", metavar="M", help="What a message becomes: a record of this model."),
            click.option(
                "--set", "values", metavar="K=V", multiple=True, help="A value of every new record; repeatable."
            ),
            click.option("--record", metavar="M/ID", help="Post on this one record instead."),
            click.option("--owner", metavar="M/ID", help="The record whose followers `--from followers` means."),
            click.option("--from", "policy", type=click.Choice(POLICIES), help="Who may write."),
            click.option(
                "--local-part/--no-local-part", default=None, help="Match the local part in other domains too."
            ),
            click.option("--authenticated/--no-authenticated", default=None, help="Believe only a verified author."),
            click.option("--refusal", metavar="TEXT", help="What those who may not write are told."),
            click.option("--notify", metavar="ADDRESS", multiple=True, help="Follows every new record; repeatable."),
            click.option(
                "--spam", type=click.Choice(SPAM), help="What becomes of mail that the server marked as spam."
            ),
            click.option(
                "--automatic", type=click.Choice(AUTOMATIC), help="What becomes of machines' and lists' mail."
            ),
            click.option("--replies", type=click.Choice(REPLIES), help="Whose answers are posted; others are held."),
        )
    ):
        function = option(function)
    return function


def _changed(old: Alias, options: dict[str, Any]) -> Alias:
    given = {name: value for name, value in options.items() if value not in (None, ())}
    for name in ("record", "owner"):
        if name in given:
            given[name] = records.parse(given[name])
    if "values" in given:
        given["values"] = {**old.values, **dict(assignment(each) for each in given["values"])}
    if given.keys() & aliases.TESTED:
        given["status"] = "not-tested"
    return old._replace(**given)


@alias.command(
    "add",
    examples="""
        mailgate alias add support@example.com --model ticket --set team=1
        mailgate alias add sales@example.com --model lead --notify ann@example.com
    """,
)
@click.argument("address")
@_options
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
@_options
@click.option("--unset", metavar="K", multiple=True, help="Forget a value; repeatable.")
@click.option("--no-record", is_flag=True, help="Make new records again.")
@click.option("--no-owner", is_flag=True, help="Forget the owner record.")
@click.option("--no-notify", is_flag=True, help="Let nobody follow by itself.")
@json_option
@pass_app
def set_(
    app: App,
    /,
    address: str,
    unset: tuple[str, ...],
    no_record: bool,
    no_owner: bool,
    no_notify: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Change an alias; what is not named stays."""
    with app.store.write() as tx:
        found = aliases.get(tx, address)
        found = found._replace(
            values={key: value for key, value in found.values.items() if key not in unset},
            record=None if no_record else found.record,
            owner=None if no_owner else found.owner,
            notify=() if no_notify else found.notify,
            status="not-tested" if no_record or no_owner or unset else found.status,
        )
        found = aliases.save(tx, _changed(found, options))
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
    return {
        "address": found.address,
        "model": found.model,
        "values": dict(found.values),
        "from": found.policy,
        "record": str(found.record) if found.record else None,
        "owner": str(found.owner) if found.owner else None,
        "local_part": found.local_part,
        "authenticated": found.authenticated,
        "refusal": found.refusal,
        "notify": list(found.notify),
        "spam": found.spam,
        "automatic": found.automatic,
        "replies": found.replies,
        "status": found.status,
    }


def _show(app: App, found: Alias, as_json: bool, former: Sequence[str] = ()) -> None:
    if as_json:
        console.data({**as_data(found), "former": list(former)})
        return
    console.pairs(
        [
            ("alias", found.address),
            ("formerly", ", ".join(former)),
            ("creates", (found.record and f"a message on {found.record}") or found.model),
            ("values", console.assignments(dict(found.values))),
            ("from", found.policy + (", authenticated" if found.authenticated else "")),
            ("owner", found.owner or ""),
            ("local part", "matches in other domains too" if found.local_part else "matches with its domain only"),
            ("notify", ", ".join(found.notify)),
            ("spam", found.spam),
            ("machines", found.automatic),
            ("answers", "of everyone" if found.replies == "everyone" else "of participants; others are held"),
            ("refusal", found.refusal),
            ("status", found.status),
        ]
    )
    app.finish()
