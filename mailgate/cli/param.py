"""`mailgate param`: the gateway's parameters."""

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, json_option
from mailgate.store import parameters


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
    """Show and set parameters, by the names that Odoo uses."""


@param.command("list", examples="mailgate param list --json")
@json_option
@pass_app
def param_list(app: App, as_json: bool) -> None:
    """List every parameter and its value."""
    with app.store.read() as tx:
        rows = [(key, value, parameters.DEFAULTS[key]) for key, value in parameters.listing(tx).items()]
    if as_json:
        console.data([{"key": key, "value": value, "default": default} for key, value, default in rows])
        return
    empty = '""'
    console.table(
        ("KEY", "VALUE", "DEFAULT"), [(key, value or empty, default or empty) for key, value, default in rows], ""
    )
    app.finish()


@param.command("get", examples="mailgate param get mail.gateway.loop.minutes")
@click.argument("key")
@json_option
@pass_app
def param_get(app: App, key: str, as_json: bool) -> None:
    """Print the value of a parameter."""
    with app.store.read() as tx:
        value = parameters.get(tx, key)
    _print(key, value, as_json)


@param.command("set", examples="mailgate param set mail.gateway.loop.threshold 50")
@click.argument("key")
@click.argument("value")
@json_option
@pass_app
def param_set(app: App, key: str, value: str, as_json: bool) -> None:
    """Set a parameter, and print the value as it is stored."""
    with app.store.write() as tx:
        stored = parameters.put(tx, key, value)
    _print(key, stored, as_json)


def _print(key: str, value: str, as_json: bool) -> None:
    if as_json:
        console.data({"key": key, "value": value})
    else:
        console.say(value)
