"""`mailgate why`: explain what happened to a received message."""

import click

from mailgate.cli.ui import console, explanation
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command, Message, json_option
from mailgate.store import messages


@click.command(
    "why",
    cls=Command,
    examples="""
        mailgate why 12
        mailgate why 12 --json
    """,
)
@click.argument("named", metavar="NUMBER", type=Message())
@json_option
@pass_app
def why(app: App, named: int | str, as_json: bool) -> None:
    """Explain what happened to a received message, by its number or Message-ID."""
    with app.store.read() as tx:
        number = messages.numbered(tx, named)
        tree = messages.explanation(tx, number)
    if as_json:
        console.data(tree)
    else:
        explanation.show(tree, number)
        app.finish()
