"""`mailgate key`: the keys that sign addresses and ids."""

import time
from typing import Any

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, confirm, json_option, yes_option
from mailgate.store import keys
from mailgate.store.keys import Key


@click.group(
    "key",
    cls=Group,
    examples="""
        mailgate key list
        mailgate key rotate --yes
    """,
)
def key() -> None:
    """The keys that sign our addresses and Message-IDs: one signs, the one before it still counts."""


@key.command("list", examples="mailgate key list --json")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """The keys, oldest first; never what is secret about them."""
    with app.store.read() as tx:
        found = keys.listing(tx)
    _show(app, found, as_json)


@key.command("rotate", examples="mailgate key rotate --yes")
@yes_option
@json_option
@pass_app
def rotate(app: App, yes: bool, as_json: bool) -> None:
    """Make a new key that signs from now on. The last one still counts; an older one is gone.

    Answers to addresses that a gone key signed are found by Message-ID alone.
    """
    with app.store.read() as tx:
        found = keys.listing(tx)
    if len(found) > 1:
        confirm(f"key {found[0].name}, whose signed addresses would no longer count", yes)
    with app.store.write() as tx:
        found = keys.rotate(tx, time.time())
    _show(app, found, as_json)


def _show(app: App, found: list[Key], as_json: bool) -> None:
    if as_json:
        console.data([_data(each, found) for each in found])
        return
    rows = [
        (
            each.number,
            each.name,
            console.ago(each.created_at) if each.created_at else "with the store",
            _use(each, found),
        )
        for each in found
    ]
    console.table(("NUMBER", "KEY", "MADE", "USE"), rows, "no key")
    app.finish()


def _use(each: Key, found: list[Key]) -> str:
    return "signs" if each == found[-1] else "still counts"


def _data(each: Key, found: list[Key]) -> dict[str, Any]:
    return {
        "number": each.number,
        "key": each.name,
        "made": console.when(each.created_at) if each.created_at else None,
        "signs": each == found[-1],
    }
