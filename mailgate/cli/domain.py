"""`mailgate domain`: the mail domains that are ours."""

from typing import Any

import click

from mailgate import console, domains, own
from mailgate.cli.base import App, Group, completing, confirm, json_option, pass_app, yes_option
from mailgate.state import LANGUAGES, Domain


@click.group(
    "domain",
    cls=Group,
    examples="""
        mailgate domain add example.com --contact info@example.com
        mailgate domain set example.com --catchall answers
        mailgate domain list
    """,
)
def domain() -> None:
    """The mail domains that are ours."""


_known = completing(lambda tx: (each.name for each in domains.listing(tx)))


def _options(function: Any) -> Any:
    for option in (
        click.option("--catchall", metavar="LOCAL", help="Local part that takes answers to our mail."),
        click.option("--bounce", metavar="LOCAL", help="Local part that takes delivery reports."),
        click.option("--company", metavar="NAME", help="Name used in what we send."),
        click.option("--contact", metavar="ADDRESS", help='Where people are told to write instead; "" for none.'),
        click.option("--language", type=click.Choice(LANGUAGES), help="Language of what we send."),
        click.option(
            "--details", type=click.Choice(["on", "off"]), help="Whether `name+detail@` addresses can be used."
        ),
        click.option("--delimiter", metavar="C", help='Character before a detail, default `+`; "" for none.'),
        click.option("--default", "is_default", is_flag=True, default=None, help="Use it where no domain is named."),
    ):
        function = option(function)
    return function


def _changed(old: Domain, options: dict[str, Any]) -> Domain:
    given = {name: value for name, value in options.items() if value is not None}
    if "details" in given:
        given["details"] = given["details"] == "on"
    if "is_default" in given:
        given["default"] = given.pop("is_default")
    return old._replace(**given)


@domain.command("add", examples="mailgate domain add example.com --contact info@example.com --company Example")
@click.argument("name")
@_options
@json_option
@pass_app
def add(app: App, /, name: str, as_json: bool, **options: Any) -> None:
    """Add a domain; catchall and bounce are `catchall` and `bounce` unless named."""
    with app.store.write() as tx:
        found = domains.add(tx, _changed(Domain(name), options))
    _show(app, found, as_json, f"added domain {found.name}: catchall {found.catchall}@, bounce {found.bounce}@")


@domain.command("list", examples="mailgate domain list --json")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """Every domain, in the order they were added."""
    with app.store.read() as tx:
        found = domains.listing(tx)
    if as_json:
        console.data([as_data(each) for each in found])
        return
    rows = [
        (
            *(each.name, each.catchall, each.bounce, ", ".join(local for local, _ in each.retired) or "-"),
            *(each.contact or "-", each.language, "yes" if each.default else "no"),
        )
        for each in found
    ]
    header = ("DOMAIN", "CATCHALL", "BOUNCE", "RETIRED", "CONTACT", "LANGUAGE", "DEFAULT")
    console.table(header, rows, "no domain yet: mailgate domain add example.com")
    app.finish()


@domain.command("show", examples="mailgate domain show example.com")
@click.argument("name", shell_complete=_known)
@json_option
@pass_app
def show(app: App, name: str, as_json: bool) -> None:
    """One domain."""
    with app.store.read() as tx:
        found = domains.get(tx, name)
    _show(app, found, as_json)


@domain.command("set", examples="mailgate domain set example.com --catchall answers --language de")
@click.argument("name", shell_complete=_known)
@_options
@json_option
@pass_app
def set_(app: App, /, name: str, as_json: bool, **options: Any) -> None:
    """Change a domain; a former catchall or bounce name keeps working until `forget`."""
    with app.store.write() as tx:
        found = domains.save(tx, _changed(domains.get(tx, name), options))
    _show(app, found, as_json)


@domain.command("forget", examples="mailgate domain forget example.com answers")
@click.argument("name", shell_complete=_known)
@click.argument("local")
@json_option
@pass_app
def forget(app: App, name: str, local: str, as_json: bool) -> None:
    """End a retired catchall or bounce name."""
    with app.store.write() as tx:
        found = domains.forget(tx, name, local)
    _show(app, found, as_json, f"{local}@{found.name} is no longer ours")


@domain.command("remove", examples="mailgate domain remove example.com --yes")
@click.argument("name", shell_complete=_known)
@yes_option
@pass_app
def remove(app: App, name: str, yes: bool) -> None:
    """Remove a domain that no alias uses."""
    with app.store.read() as tx:
        found = domains.get(tx, name)
    confirm(f"domain {found.name}", yes)
    with app.store.write() as tx:
        domains.remove(tx, name)
    console.say(f"removed domain {found.name}")


def as_data(found: Domain) -> dict[str, Any]:
    """A domain as JSON."""
    return {
        "name": found.name,
        "catchall": found.catchall,
        "bounce": found.bounce,
        "retired": [local for local, _ in found.retired],
        "company": found.company,
        "contact": found.contact,
        "language": found.language,
        "delimiter": found.delimiter,
        "details": found.details,
        "default": found.default,
    }


def _show(app: App, found: Domain, as_json: bool, done: str = "") -> None:
    if as_json:
        console.data(as_data(found))
        return
    if done:
        console.say(done)
    else:
        retired = ", ".join(f"{local} ({kind})" for local, kind in found.retired)
        with app.store.read() as tx:
            elsewhere = found.contact and own.is_stranger(tx, found.contact)
        console.pairs(
            [
                ("domain", found.name),
                ("catchall", f"{found.catchall}@{found.name}"),
                ("bounce", f"{found.bounce}@{found.name}"),
                ("retired", retired),
                ("company", found.company),
                (
                    "contact",
                    f"{found.contact or ''}{' (no alias: somebody else must take its mail)' if elsewhere else ''}",
                ),
                ("language", found.language),
                ("delimiter", found.delimiter or "none"),
                ("details", "on" if found.details else "off"),
                ("default", "yes" if found.default else "no"),
            ]
        )
    app.finish()
