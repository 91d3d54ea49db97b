"""`mailgate domain`: the local domains."""

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
from mailgate.values.directory import LONGEST_CAPTURE, Domain
from mailgate.values.problem import Problem, command


@click.group(
    "domain",
    cls=Group,
    examples="""
        mailgate domain add example.com --contact info@example.com
        mailgate domain set example.com --catchall replies
        mailgate domain list
    """,
)
def domain() -> None:
    """Manage local domains."""


@domain.command("add", examples="mailgate domain add example.com --contact info@example.com --company Example")
@click.argument("name")
@click.option("--same-as", metavar="DOMAIN", default="", help="Make it another name of this domain.")
@fields.options(DOMAIN)
@json_option
@pass_app
def add(app: App, /, name: str, same_as: str, as_json: bool, **options: Any) -> None:
    """Add a local domain; its catchall and bounce addresses are `catchall@` and `bounce@` by default.

    With `--same-as` it is another name of an existing domain: every address of that domain exists under this name,
    too, and mail to this name is answered from this name.
    """
    if same_as and any(value is not None for value in options.values()):
        raise Problem(
            f"another name of {same_as} has that domain's settings; options cannot be combined with --same-as",
            command("mailgate domain add {NAME} --same-as {DOMAIN}", name, same_as),
        )
    with app.store.write() as tx:
        domain = domains.add(tx, fields.changed(DOMAIN, Domain(name, same_as=same_as), options))
    if "." not in domain.name:
        console.warning(f"{domain.name} has no dot: mail from other machines cannot reach it")
    if domain.same_as:
        done = f"added domain {domain.name}, another name of {domain.same_as}"
    else:
        done = f"added domain {domain.name}, with {domain.catchall}@{domain.name} and {domain.bounce}@{domain.name}"
    _show(app, domain, as_json, done)


@domain.command("list", examples="mailgate domain list --json")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """List every domain, oldest first."""
    with app.store.read() as tx:
        listed = domains.listing(tx)
    if as_json:
        console.data([as_data(domain) for domain in listed])
        return
    rows = [
        (
            *(domain.name, domain.catchall, domain.bounce, ", ".join(local for local, _ in domain.retired) or "-"),
            *(domain.contact or "-", domain.language, _default(domain)),
        )
        for domain in listed
    ]
    header = ("DOMAIN", "CATCHALL", "BOUNCE", "RETIRED", "CONTACT", "LANGUAGE", "DEFAULT")
    console.table(header, rows, "no domains; add one with: mailgate domain add example.com")
    app.finish()


@domain.command("show", examples="mailgate domain show example.com")
@click.argument("name", shell_complete=completions.domains)
@json_option
@pass_app
def show(app: App, name: str, as_json: bool) -> None:
    """Show one domain."""
    with app.store.read() as tx:
        domain = domains.get(tx, name)
    _show(app, domain, as_json)


@domain.command("set", examples="mailgate domain set example.com --catchall replies --language de")
@click.argument("name", shell_complete=completions.domains)
@fields.options(DOMAIN)
@json_option
@pass_app
def set_(app: App, /, name: str, as_json: bool, **options: Any) -> None:
    """Change a domain; replaced catchall, sender and bounce names are retired and still accept mail until `forget`."""
    with app.store.write() as tx:
        domain = domains.save(tx, fields.changed(DOMAIN, domains.get(tx, name), options))
    _show(app, domain, as_json)


@domain.command("forget", examples="mailgate domain forget example.com replies")
@click.argument("name", shell_complete=completions.domains)
@click.argument("local")
@json_option
@pass_app
def forget(app: App, name: str, local: str, as_json: bool) -> None:
    """Stop accepting mail to a retired name of the catchall, the bounce address or an alias."""
    with app.store.write() as tx:
        domain = domains.forget(tx, name, local)
    _show(app, domain, as_json, f"{local}@{domain.name} no longer exists")


@domain.command("remove", examples="mailgate domain remove example.com --yes")
@click.argument("name", shell_complete=completions.domains)
@yes_option
@pass_app
def remove(app: App, name: str, yes: bool) -> None:
    """Remove a domain that has no aliases."""
    with app.store.read() as tx:
        domain = domains.get(tx, name)
    confirm(f"domain {domain.name}", yes)
    with app.store.write() as tx:
        domains.remove(tx, name)
    console.say(f"removed domain {domain.name}")


@domain.command("capture", examples="mailgate domain capture example.com --minutes 30")
@click.argument("name", shell_complete=completions.domains)
@click.option("--minutes", type=click.IntRange(0, LONGEST_CAPTURE), required=True, help="Duration; 0 stops capturing.")
@json_option
@pass_app
def capture(app: App, name: str, minutes: int, as_json: bool) -> None:
    """Hold mail to the catchall and bounce addresses for some time, instead of refusing it.

    Use it when a provider sends a link there that confirms a forward: `held show` prints the link.
    """
    with app.store.write() as tx:
        domain = domains.capture(tx, name, time.time() + 60 * minutes if minutes else 0.0)
    if minutes:
        until = console.when(domain.capture_until)
        done = f"mail to {domain.catchall}@{domain.name} and {domain.bounce}@{domain.name} is held until {until}"
    else:
        done = f"stopped capturing for {domain.name}"
    _show(app, domain, as_json, done)


def as_data(domain: Domain) -> dict[str, Any]:
    """A domain as JSON."""
    return {
        "name": domain.name,
        **to_json(DOMAIN, domain),
        "retired": [local for local, _ in domain.retired],
        "same_as": domain.same_as or None,
        "sender": domain.sender or domain.catchall,
        "former_aliases": list(domain.former_aliases),
        "capture_until": domain.capture_until or None,
    }


def _show(app: App, domain: Domain, as_json: bool, done: str = "") -> None:
    if as_json:
        console.data(as_data(domain))
        return
    if done:
        console.say(done)
    else:
        with app.store.read() as tx:
            unknown = domain.contact and directory.is_stranger(tx, domain.contact)
        console.pairs(list(_rows(domain, "(no alias: its mail must be accepted unknown)" if unknown else "")))
    app.finish()


def _default(domain: Domain) -> str:
    if domain.same_as:
        return f"as {domain.same_as}"
    return "yes" if domain.default else "no"


def _rows(domain: Domain, remark: str) -> Iterator[tuple[str, object]]:
    """A domain on a screen; `remark` is about its contact address."""
    first, *more = domain.signature.splitlines() or [""]
    texts = {
        "catchall": f"{domain.catchall}@{domain.name}",
        "bounce": f"{domain.bounce}@{domain.name}",
        "sender": f"{domain.sender or domain.catchall}@{domain.name}",
        "contact": f"{domain.contact or ''} {remark}".strip(),
        "delimiter": domain.delimiter or "none",
        "retired": ", ".join(f"{local} ({kind})" for local, kind in domain.retired),
    }
    yield "domain", domain.name
    for label, text in lines(DOMAIN, domain, signature=first, **texts):
        yield label, text
        if label == "signature":
            yield from (("", line or " ") for line in more)
    if domain.captures(time.time()):
        yield "captures", f"until {console.when(domain.capture_until)}"


domain.add_command(redirects)
domain.add_command(dns)
