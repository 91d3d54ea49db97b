"""`mailgate domain`: the mail domains that are ours."""

import time
from collections.abc import Iterator
from typing import Any

import click

from mailgate.cli.domain_dns import dns
from mailgate.cli.domain_redirects import redirects
from mailgate.cli.ui import completions, console, fields
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, confirm, json_option, yes_option
from mailgate.export.fields import lines, to_json
from mailgate.export.schema import DOMAIN
from mailgate.store import directory, domains
from mailgate.values.directory import Domain
from mailgate.values.problem import Problem, command


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


@domain.command("add", examples="mailgate domain add example.com --contact info@example.com --company Example")
@click.argument("name")
@click.option("--same-as", metavar="DOMAIN", default="", help="Another name of this domain.")
@fields.options(DOMAIN)
@json_option
@pass_app
def add(app: App, /, name: str, same_as: str, as_json: bool, **options: Any) -> None:
    """Add a domain; catchall and bounce are `catchall` and `bounce` unless named.

    With `--same-as` it is another name of a domain: every address of that one exists here too, and whoever writes to
    it here is answered from here.
    """
    if same_as and any(value is not None for value in options.values()):
        raise Problem(
            f"another name of {same_as} has no settings of its own",
            command("mailgate domain add {NAME} --same-as {DOMAIN}", name, same_as),
        )
    with app.store.write() as tx:
        found = domains.add(tx, fields.changed(DOMAIN, Domain(name, same_as=same_as), options))
    if found.same_as:
        _show(app, found, as_json, f"added domain {found.name}, another name of {found.same_as}")
    else:
        _show(
            app,
            found,
            as_json,
            f"added domain {found.name}, with {found.catchall}@{found.name} and {found.bounce}@{found.name}",
        )


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
            *(
                each.contact or "-",
                each.language,
                f"as {each.same_as}" if each.same_as else "yes" if each.default else "no",
            ),
        )
        for each in found
    ]
    header = ("DOMAIN", "CATCHALL", "BOUNCE", "RETIRED", "CONTACT", "LANGUAGE", "DEFAULT")
    console.table(header, rows, "no domain yet: mailgate domain add example.com")
    app.finish()


@domain.command("show", examples="mailgate domain show example.com")
@click.argument("name", shell_complete=completions.domains)
@json_option
@pass_app
def show(app: App, name: str, as_json: bool) -> None:
    """One domain."""
    with app.store.read() as tx:
        found = domains.get(tx, name)
    _show(app, found, as_json)


@domain.command("set", examples="mailgate domain set example.com --catchall answers --language de")
@click.argument("name", shell_complete=completions.domains)
@fields.options(DOMAIN)
@json_option
@pass_app
def set_(app: App, /, name: str, as_json: bool, **options: Any) -> None:
    """Change a domain; a former catchall, sender or bounce name keeps working until `forget`."""
    with app.store.write() as tx:
        found = domains.save(tx, fields.changed(DOMAIN, domains.get(tx, name), options))
    _show(app, found, as_json)


@domain.command("forget", examples="mailgate domain forget example.com answers")
@click.argument("name", shell_complete=completions.domains)
@click.argument("local")
@json_option
@pass_app
def forget(app: App, name: str, local: str, as_json: bool) -> None:
    """End a retired name: of the catchall, the bounce address, or an alias."""
    with app.store.write() as tx:
        found = domains.forget(tx, name, local)
    _show(app, found, as_json, f"{local}@{found.name} is no longer ours")


@domain.command("remove", examples="mailgate domain remove example.com --yes")
@click.argument("name", shell_complete=completions.domains)
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


@domain.command("capture", examples="mailgate domain capture example.com --minutes 30")
@click.argument("name", shell_complete=completions.domains)
@click.option("--minutes", type=click.IntRange(0, 1440), required=True, help="For how long; 0 ends it.")
@json_option
@pass_app
def capture(app: App, name: str, minutes: int, as_json: bool) -> None:
    """Hold what comes to the catchall and bounce addresses for a while, instead of refusing it.

    A provider sends a link there that confirms a forwarding: `held show` prints it.
    """
    with app.store.write() as tx:
        found = domains.capture(tx, name, time.time() + 60 * minutes if minutes else 0.0)
    if not minutes:
        _show(app, found, as_json, f"{found.name} captures no longer")
        return
    until = console.when(found.capture_until)
    _show(
        app,
        found,
        as_json,
        f"{found.catchall}@{found.name} and {found.bounce}@{found.name} hold their mail until {until}",
    )


def as_data(found: Domain) -> dict[str, Any]:
    """A domain as JSON."""
    return {
        "name": found.name,
        **to_json(DOMAIN, found),
        "retired": [local for local, _ in found.retired],
        "same_as": found.same_as or None,
        "sender": found.sender or found.catchall,
        "former_aliases": list(found.former_aliases),
        "capture_until": found.capture_until or None,
    }


def _show(app: App, found: Domain, as_json: bool, done: str = "") -> None:
    if as_json:
        console.data(as_data(found))
        return
    if done:
        console.say(done)
    else:
        with app.store.read() as tx:
            elsewhere = found.contact and directory.is_stranger(tx, found.contact)
        console.pairs(list(_rows(found, "(no alias: its mail must be accepted elsewhere)" if elsewhere else "")))
    app.finish()


def _default(found: Domain) -> str:
    if found.same_as:
        return f"as {found.same_as}"
    return "yes" if found.default else "no"


def _rows(found: Domain, remark: str) -> Iterator[tuple[str, object]]:
    """A domain on a screen; `remark` is about its contact address."""
    first, *more = found.signature.splitlines() or [""]
    texts = {
        "catchall": f"{found.catchall}@{found.name}",
        "bounce": f"{found.bounce}@{found.name}",
        "sender": f"{found.sender or found.catchall}@{found.name}",
        "contact": f"{found.contact or ''} {remark}".strip(),
        "delimiter": found.delimiter or "none",
        "retired": ", ".join(f"{local} ({kind})" for local, kind in found.retired),
    }
    yield "domain", found.name
    for label, text in lines(DOMAIN, found, signature=first, **texts):
        yield label, text
        if label == "signature":
            yield from (("", line or " ") for line in more)
    if found.capture_until > time.time():
        yield "captures", f"until {console.when(found.capture_until)}"


domain.add_command(redirects)
domain.add_command(dns)
