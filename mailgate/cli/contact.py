"""`mailgate contact`: known senders."""

from typing import Any

import click

from mailgate.cli.ui import console, fields
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, json_option
from mailgate.export.schema import CONTACT
from mailgate.store import contacts
from mailgate.values.directory import Contact


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
