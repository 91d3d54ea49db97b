"""`mailgate sender`: the allow list and the block list."""

import time

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, confirm, json_option, yes_option
from mailgate.store import senders


@click.group(
    "sender",
    cls=Group,
    examples="""
        mailgate sender allow monitor@client.org
        mailgate sender block nuisance@client.net
        mailgate sender block @spam.example
        mailgate sender list
    """,
)
def sender() -> None:
    """Manage the allow list and the block list."""


@sender.command("allow", examples="mailgate sender allow monitor@client.org")
@click.argument("address")
@json_option
@pass_app
def sender_allow(app: App, address: str, as_json: bool) -> None:
    """Exempt a sender, or all senders of a domain, from the limit of new records."""
    _put(app, address, "allow", as_json)


@sender.command("block", examples="mailgate sender block nuisance@client.net")
@click.argument("address")
@json_option
@pass_app
def sender_block(app: App, address: str, as_json: bool) -> None:
    """Hold all mail from a sender, or from all senders of a domain: `@client.net`."""
    _put(app, address, "block", as_json)


def _put(app: App, address: str, verdict: str, as_json: bool) -> None:
    with app.store.write() as tx:
        sender = senders.put(tx, address, verdict)
    if as_json:
        console.data(sender._asdict())
        return
    console.say(f"{sender.address} is on the {_LISTS[verdict]}")
    app.finish()


_LISTS = {"allow": "allow list: new records are not limited", "block": "block list: mail is held"}


@sender.command("list", examples="mailgate sender list --json")
@json_option
@pass_app
def sender_list(app: App, as_json: bool) -> None:
    """List allowed and blocked senders, and those near the limit of new records."""
    with app.store.read() as tx:
        listed = senders.listing(tx)
        near = senders.near_limit(tx, time.time())
    if as_json:
        limit = [{**sender._asdict(), "verdict": "near-limit"} for sender in near]
        console.data([*(sender._asdict() for sender in listed), *limit])
        return
    rows = [(sender.address, sender.verdict, "-") for sender in listed]
    rows += [
        (sender.address, "near limit", f"{sender.made} of {sender.threshold} new {sender.model}") for sender in near
    ]
    console.table(("ADDRESS", "STATE", "CREATED"), rows, "no senders are allowed, blocked or near the limit")
    app.finish()


@sender.command("reset", examples="mailgate sender reset bob@client.org")
@click.argument("address")
@json_option
@pass_app
def sender_reset(app: App, address: str, as_json: bool) -> None:
    """Restart the count of new records from a sender."""
    with app.store.write() as tx:
        count = senders.reset(tx, address)
    if as_json:
        console.data({"address": senders.counted_as(address), "forgotten": count})
        return
    records = "1 record no longer counts" if count == 1 else f"{count} records no longer count"
    console.say(f"restarted the count of {senders.counted_as(address)}: {records}")
    app.finish()


@sender.command("remove", examples="mailgate sender remove nuisance@client.net --yes")
@click.argument("address")
@yes_option
@pass_app
def sender_remove(app: App, address: str, yes: bool) -> None:
    """Remove a sender from its list."""
    confirm(f"{senders.key(address)} from its list", yes)
    with app.store.write() as tx:
        senders.remove(tx, address)
    console.say(f"removed {senders.key(address)}")
