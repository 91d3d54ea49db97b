"""`mailgate sender`: the allow list and the block list."""

import time

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, confirm, json_option, yes_option
from mailgate.store import contacts


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


@sender.command("allow", examples="mailgate sender allow monitor@client.org")
@click.argument("address")
@json_option
@pass_app
def sender_allow(app: App, address: str, as_json: bool) -> None:
    """Spare a sender the limit of new records."""
    _put(app, address, "allow", as_json)


@sender.command("block", examples="mailgate sender block nuisance@client.net")
@click.argument("address")
@json_option
@pass_app
def sender_block(app: App, address: str, as_json: bool) -> None:
    """Hold the mail of a sender."""
    _put(app, address, "block", as_json)


def _put(app: App, address: str, verdict: str, as_json: bool) -> None:
    with app.store.write() as tx:
        found = contacts.set_sender(tx, address, verdict)
    if as_json:
        console.data(found._asdict())
        return
    console.say(f"{found.address} is on the {_LISTS[verdict]}")
    app.finish()


_LISTS = {"allow": "allow-list: no limit of new records", "block": "block list: its mail is held"}


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
