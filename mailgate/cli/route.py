"""`mailgate route`: show what would happen to a message, and why."""

import os
import sys
import time

import click

from mailgate.cli.ui import console, explanation
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.gateway import receive
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.routing import explain
from mailgate.values import names
from mailgate.values.problem import Problem, StoreError, command


@click.command(
    "route",
    cls=Command,
    examples="""
        mailgate route support@example.com < message.eml
        mailgate route -f bob@client.org support@example.com --message message.eml
        mailgate route --json < message.eml
    """,
)
@click.option(
    "-f", "reverse_path", metavar="REVERSE_PATH", help="Envelope sender; '' or '<>' for the null reverse-path."
)
@click.option("--fallback-model", metavar="MODEL", help="Model for mail that no alias accepts.")
@click.option("--message", "path", type=click.Path(), metavar="FILE", help="Read the message from this file.")
@click.option("--exit-code", is_flag=True, help="Exit as `deliver` would.")
@click.argument("recipients", nargs=-1, metavar="[RECIPIENT ...]")
@json_option
@pass_app
def route(
    app: App,
    reverse_path: str | None,
    fallback_model: str | None,
    path: str | None,
    exit_code: bool,
    recipients: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show what `deliver` would do with a message, and why. Nothing is written."""
    if fallback_model is not None:
        names.model(fallback_model)
    raw = _message(path, app.config.max_size + 1)
    fallback = Fallback(fallback_model) if fallback_model is not None else None
    incoming = Incoming(raw, reverse_path, recipients, os.environ, fallback)
    try:
        receipt = receive.preview(app.store, app.config, incoming, time.time())
    except StoreError as problem:
        if not exit_code:
            raise
        console.error(problem)
        raise click.exceptions.Exit(75) from problem
    tree = explain.tree(receipt.facts, receipt.decision, dry_run=True)
    if as_json:
        console.data(tree)
    else:
        explanation.show(tree)
        app.finish()
    if exit_code:
        raise click.exceptions.Exit(receipt.decision.status.exit)


def _message(path: str | None, limit: int) -> bytes:
    if path and path != "-":
        with open(path, "rb") as file:
            return file.read(limit)
    if sys.stdin.isatty():
        raise Problem("no message on standard input", command("mailgate route support@example.com < message.eml"))
    raw = sys.stdin.buffer.read(limit)
    if not raw:
        raise Problem("no message on standard input", command("mailgate route support@example.com < message.eml"))
    return raw
