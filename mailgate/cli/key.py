"""`mailgate key`: the keys that sign addresses and Message-IDs."""

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
    """Manage the keys that sign addresses and Message-IDs: the newest signs, the previous one stays valid."""


@key.command("list", examples="mailgate key list --json")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """List the keys, oldest first, without their secrets."""
    with app.store.read() as tx:
        listed = keys.listing(tx)
    _show(app, listed, as_json)


@key.command("rotate", examples="mailgate key rotate --yes")
@yes_option
@json_option
@pass_app
def rotate(app: App, yes: bool, as_json: bool) -> None:
    """Create a new key that signs from now on. The previous key stays valid; an older one is removed.

    Replies to addresses signed with a removed key are matched by Message-ID alone.
    """
    with app.store.read() as tx:
        listed = keys.listing(tx)
    if len(listed) > 1:
        confirm(f"key {listed[0].name} (addresses signed with it become invalid)", yes)
    with app.store.write() as tx:
        listed = keys.rotate(tx, time.time())
    _show(app, listed, as_json)


def _show(app: App, listed: list[Key], as_json: bool) -> None:
    if as_json:
        console.data([_data(key, listed) for key in listed])
        return
    rows = [
        (key.number, key.name, console.ago(key.created_at) if key.created_at else "with the store", _use(key, listed))
        for key in listed
    ]
    console.table(("NUMBER", "KEY", "CREATED", "USE"), rows, "no keys")
    app.finish()


def _use(key: Key, listed: list[Key]) -> str:
    return "signs" if key == listed[-1] else "valid"


def _data(key: Key, listed: list[Key]) -> dict[str, Any]:
    return {
        "number": key.number,
        "key": key.name,
        "made": console.when(key.created_at) if key.created_at else None,
        "signs": key == listed[-1],
    }
