"""`mailgate param`: the gateway's parameters."""

from typing import Any

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, json_option
from mailgate.store import contacts


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
