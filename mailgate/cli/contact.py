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
        mailgate contact add ann@example.com --member
        mailgate contact list
    """,
)
def contact() -> None:
    """Known senders, for aliases with `--from contacts` or `--from members`."""


@contact.command("add", examples='mailgate contact add bob@client.org --name "Bob Ray"')
@click.argument("address")
@fields.options(CONTACT)
@json_option
@pass_app
def contact_add(app: App, /, address: str, as_json: bool, **options: Any) -> None:
    """Add a contact, or take an archived one back."""
    with app.store.write() as tx:
        found = contacts.add_contact(tx, address, options["name"] or "", bool(options["member"]))
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
@fields.options(CONTACT)
@json_option
@pass_app
def contact_set(app: App, /, address: str, as_json: bool, **options: Any) -> None:
    """Change a contact; what is not named stays."""
    with app.store.write() as tx:
        found = contacts.save_contact(tx, fields.changed(CONTACT, contacts.contact(tx, address), options))
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
