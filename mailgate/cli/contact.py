"""`mailgate contact`: known senders."""

import time
from collections.abc import Iterator
from typing import Any

import click

from mailgate.cli.ui import console, fields
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, confirm, json_option, yes_option
from mailgate.export.schema import CONTACT
from mailgate.gateway import retention
from mailgate.store import changes, contacts, purging
from mailgate.store.purging import Kept
from mailgate.values.directory import Contact
from mailgate.values.problem import CommandLine, command


@click.group(
    "contact",
    cls=Group,
    examples="""
        mailgate contact add bob@client.org --name "Bob Ray"
        mailgate contact add ann@example.net --member
        mailgate contact list
    """,
)
def contact() -> None:
    """Manage known senders, for aliases with `--from contacts` or `--from members`."""


@contact.command("add", examples='mailgate contact add bob@client.org --name "Bob Ray"')
@click.argument("address")
@fields.options(CONTACT)
@json_option
@pass_app
def contact_add(app: App, /, address: str, as_json: bool, **options: Any) -> None:
    """Add a contact, or restore an archived one."""
    with app.store.write() as tx:
        contact = contacts.add(tx, address, options["name"] or "", bool(options["member"]))
    app.warn_of_unread([contact.address])
    _show_contact(app, contact, as_json, f"added contact {contact.address}")


@contact.command("list", examples="mailgate contact list --json")
@json_option
@pass_app
def contact_list(app: App, as_json: bool) -> None:
    """List every contact, oldest first."""
    with app.store.read() as tx:
        listed = contacts.listing(tx)
    if as_json:
        console.data([contact._asdict() for contact in listed])
        return
    rows = [(contact.address, contact.name or "-", _state(contact)) for contact in listed]
    console.table(("ADDRESS", "NAME", "STATE"), rows, "no contacts; add one with: mailgate contact add bob@client.org")
    app.finish()


@contact.command("set", examples="mailgate contact set bob@client.org --member")
@click.argument("address")
@fields.options(CONTACT)
@json_option
@pass_app
def contact_set(app: App, /, address: str, as_json: bool, **options: Any) -> None:
    """Change a contact; options that are not given keep their value."""
    with app.store.write() as tx:
        contact = contacts.save(tx, fields.changed(CONTACT, contacts.get(tx, address), options))
    _show_contact(app, contact, as_json)


@contact.command("archive", examples="mailgate contact archive bob@client.org")
@click.argument("address")
@json_option
@pass_app
def contact_archive(app: App, address: str, as_json: bool) -> None:
    """Archive a contact: it stays listed, but no longer counts as a known sender."""
    with app.store.write() as tx:
        contact = contacts.save(tx, contacts.get(tx, address)._replace(archived=True))
    _show_contact(app, contact, as_json, f"archived {contact.address}")


@contact.command("forget", examples="mailgate contact forget bob@client.org --yes")
@click.argument("address")
@yes_option
@json_option
@pass_app
def contact_forget(app: App, address: str, yes: bool, as_json: bool) -> None:
    """Delete all that is known of a person, and say what was kept and why; after an interruption, `work` goes on.

    Messages they wrote lose their bytes, text and author; answers to them still find their record. They follow nothing
    any more, and signed addresses made for them give no rights.
    """
    key, now = contacts.key(address), time.time()
    confirm(f"all that is known of {key}", yes)
    with app.store.write() as tx:
        number = purging.ask(tx, purging.wanted("person", now + _AHEAD, now, address=key))
    done = retention.finish(app.store, number, now)
    with app.store.write() as tx:
        kept = purging.kept(tx, key)
        changes.note(tx, app.person, "contact forget ADDRESS", now)
    app.noted = True  # the command line has the address
    if as_json:
        console.data({"messages": done.messages, "octets": done.octets, "kept": kept._asdict()})
        return
    console.say(f"forgot {key}: deleted {done.messages} messages")
    for line, hint in _kept(key, kept):
        console.say(line)
        console.verbatim(f"  {hint}")
    if key in {text.lower() for text in app.config.notify}:
        console.say("kept: the configuration names this address under [notify]")
    console.say("kept: what others wrote about this person, and the names of records")


_AHEAD = 315_576_000.0
"""Seconds: mail that came while the clock was ahead is theirs too."""


def _kept(key: str, kept: Kept) -> Iterator[tuple[str, CommandLine]]:
    """What was kept of a person, why, and the command that deletes it."""
    for number in kept.held:
        yield f"kept: message {number} is held", command("mailgate held drop {N}", number)
    for number in kept.outbox:
        yield f"kept: outbox {number} is not sent", command("mailgate outbox drop {N}", number)
    for number in kept.failures:
        yield f"kept: failure {number} is open", command("mailgate bounce ack {N}", number)
    if kept.listed:
        what = {"block": "block list: their mail stays away", "allow": "allow-list of the loop guard"}[kept.listed]
        yield f"kept: the entry on the {what}", command("mailgate sender remove {ADDRESS}", key)
    for alias in kept.aliases:
        yield f"kept: {alias} notifies this address", command("mailgate alias show {ADDRESS}", alias)


def _state(contact: Contact) -> str:
    state = "archived" if contact.archived else "member" if contact.member else "contact"
    return f"{state}, {contact.bounces} failed" if contact.bounces else state


def _show_contact(app: App, contact: Contact, as_json: bool, done: str = "") -> None:
    if as_json:
        console.data(contact._asdict())
        return
    if done:
        console.say(done)
    else:
        console.pairs([("contact", contact.address), ("name", contact.name), ("state", _state(contact))])
    app.finish()
