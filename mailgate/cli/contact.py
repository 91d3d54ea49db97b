"""`mailgate contact`, `sender`, `param`: who is known, who is let through or kept out, and the gateway's parameters."""

import time
from typing import Any

import click

from mailgate.cli.app import App, pass_app
from mailgate.cli.parts import Group, confirm, json_option, yes_option
from mailgate.cli.ui import console
from mailgate.store import contacts
from mailgate.values.directory import Contact


@click.group(
    "contact",
    cls=Group,
    examples="""
        mailgate contact add bob@client.org --name "Bob Ray"
        mailgate contact add ann@example.com --member
        mailgate contact list
    """,
)
def contact() -> None:
    """Known senders, for aliases with `--from contacts` or `--from members`."""


@contact.command("add", examples='mailgate contact add bob@client.org --name "Bob Ray"')
@click.argument("address")
@click.option("--name", default="", help="Name shown for the address.")
@click.option("--member", is_flag=True, help="One of us.")
@json_option
@pass_app
def contact_add(app: App, address: str, name: str, member: bool, as_json: bool) -> None:
    """Add a contact, or take an archived one back."""
    with app.store.write() as tx:
        found = contacts.add_contact(tx, address, name, member)
    _show_contact(app, found, as_json, f"added contact {found.address}")


@contact.command("list", examples="mailgate contact list --json")
@json_option
@pass_app
def contact_list(app: App, as_json: bool) -> None:
    """Every contact, oldest first."""
    with app.store.read() as tx:
        found = contacts.contacts(tx)
    if as_json:
        console.data([each._asdict() for each in found])
        return
    rows = [(each.address, each.name or "-", _standing(each)) for each in found]
    console.table(("ADDRESS", "NAME", "STANDING"), rows, "no contact yet: mailgate contact add bob@client.org")
    app.finish()


@contact.command("set", examples="mailgate contact set bob@client.org --member")
@click.argument("address")
@click.option("--name", help="Name shown for the address.")
@click.option("--member/--no-member", default=None, help="One of us, or no longer.")
@json_option
@pass_app
def contact_set(app: App, address: str, name: str | None, member: bool | None, as_json: bool) -> None:
    """Change a contact; what is not named stays."""
    with app.store.write() as tx:
        found = contacts.contact(tx, address)
        changed = found._replace(
            name=found.name if name is None else name, member=found.member if member is None else member
        )
        found = contacts.save_contact(tx, changed)
    _show_contact(app, found, as_json)


@contact.command("archive", examples="mailgate contact archive bob@client.org")
@click.argument("address")
@json_option
@pass_app
def contact_archive(app: App, address: str, as_json: bool) -> None:
    """Keep a contact, but let it satisfy no policy any more."""
    with app.store.write() as tx:
        found = contacts.save_contact(tx, contacts.contact(tx, address)._replace(archived=True))
    _show_contact(app, found, as_json, f"archived {found.address}")


def _standing(found: Contact) -> str:
    standing = "archived" if found.archived else "member" if found.member else "contact"
    return f"{standing}, {found.bounces} of our mails failed" if found.bounces else standing


def _show_contact(app: App, found: Contact, as_json: bool, done: str = "") -> None:
    if as_json:
        console.data(found._asdict())
        return
    if done:
        console.say(done)
    else:
        console.pairs([("contact", found.address), ("name", found.name), ("standing", _standing(found))])
    app.finish()


@click.group(
    "sender",
    cls=Group,
    examples="""
        mailgate sender allow monitor@client.org
        mailgate sender block nuisance@client.net
        mailgate sender list
    """,
)
def sender() -> None:
    """Senders that the rate limit spares, and senders whose mail is held."""


def _verdict_command(verdict: str, example: str, done: str, text: str) -> None:
    @sender.command(verdict, help=text, examples=example)
    @click.argument("address")
    @json_option
    @pass_app
    def put(app: App, address: str, as_json: bool) -> None:
        with app.store.write() as tx:
            found = contacts.set_sender(tx, address, verdict)
        if as_json:
            console.data(found._asdict())
            return
        console.say(f"{found.address} is {done}")
        app.finish()


_verdict_command(
    "allow",
    "mailgate sender allow monitor@client.org",
    "on the allow-list: no limit of new records",
    "Spare a sender the limit of new records.",
)
_verdict_command(
    "block",
    "mailgate sender block nuisance@client.net",
    "on the block list: its mail is held",
    "Hold the mail of a sender.",
)


@sender.command("list", examples="mailgate sender list --json")
@json_option
@pass_app
def sender_list(app: App, as_json: bool) -> None:
    """Allow-list and block list, and who is near the limit of new records."""
    with app.store.read() as tx:
        found = contacts.senders(tx)
        near = contacts.near_limit(tx, time.time())
    if as_json:
        limit = [{**each._asdict(), "verdict": "near-limit"} for each in near]
        console.data([*(each._asdict() for each in found), *limit])
        return
    rows = [(each.address, each.verdict, "-") for each in found]
    rows += [(each.address, "near limit", f"{each.made} of {each.threshold} new {each.model}") for each in near]
    console.table(("ADDRESS", "VERDICT", "MADE"), rows, "no sender is allowed, blocked or near the limit")
    app.finish()


@sender.command("reset", examples="mailgate sender reset bob@client.org")
@click.argument("address")
@json_option
@pass_app
def sender_reset(app: App, address: str, as_json: bool) -> None:
    """Begin to count the new records of a sender anew."""
    with app.store.write() as tx:
        forgotten = contacts.reset_sender(tx, address)
    if as_json:
        console.data({"address": contacts.counted_as(address), "forgotten": forgotten})
        return
    counted = "1 record no longer counts" if forgotten == 1 else f"{forgotten} records no longer count"
    console.say(f"{contacts.counted_as(address)} starts anew: {counted}")
    app.finish()


@sender.command("remove", examples="mailgate sender remove nuisance@client.net --yes")
@click.argument("address")
@yes_option
@pass_app
def sender_remove(app: App, address: str, yes: bool) -> None:
    """Take a sender off its list."""
    confirm(f"{contacts.key(address)} from its list", yes)
    with app.store.write() as tx:
        contacts.remove_sender(tx, address)
    console.say(f"removed {contacts.key(address)}")


@click.group(
    "param",
    cls=Group,
    examples="""
        mailgate param list
        mailgate param set mail.gateway.loop.threshold 50
        mailgate param get mail.catchall.domain.allowed
    """,
)
def param() -> None:
    """The gateway's parameters, by Odoo's names."""


@param.command("list", examples="mailgate param list --json")
@json_option
@pass_app
def param_list(app: App, as_json: bool) -> None:
    """Every parameter with the value that applies."""
    with app.store.read() as tx:
        found = contacts.parameters(tx)
    if as_json:
        console.data([{"key": key, "value": value, "default": contacts.DEFAULTS[key]} for key, value in found.items()])
        return
    console.table(
        ("KEY", "VALUE", "DEFAULT"), [(k, v or '""', contacts.DEFAULTS[k] or '""') for k, v in found.items()], ""
    )
    app.finish()


@param.command("get", examples="mailgate param get mail.gateway.loop.minutes")
@click.argument("key")
@json_option
@pass_app
def param_get(app: App, key: str, as_json: bool) -> None:
    """The bare value of one parameter."""
    with app.store.read() as tx:
        value = contacts.parameter(tx, key)
    _say_parameter(key, value, as_json)


@param.command("set", examples="mailgate param set mail.gateway.loop.threshold 50")
@click.argument("key")
@click.argument("value")
@json_option
@pass_app
def param_set(app: App, key: str, value: str, as_json: bool) -> None:
    """Set a parameter; prints the value as it was understood."""
    with app.store.write() as tx:
        understood = contacts.set_parameter(tx, key, value)
    _say_parameter(key, understood, as_json)


def _say_parameter(key: str, value: str, as_json: bool) -> None:
    if as_json:
        shown: Any = {"key": key, "value": value}
        console.data(shown)
    else:
        console.say(value)
