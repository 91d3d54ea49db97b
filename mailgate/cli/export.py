"""`mailgate export`: write the directory to a file."""

import re
import sys

import click
import tomli_w

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.export.describe import Tables, describe, document
from mailgate.process import writer

_HEADER = """\
# The directory of mailgate: domains, aliases, contacts, senders, servers and parameters.
#
#   mailgate import FILE --dry-run   shows what would change
#   mailgate import FILE             changes it, as a whole or not at all
#   mailgate import FILE --prune     also removes what is not in this file
#
# A key that is left out has its default. Import never removes retired names: use `mailgate domain forget`. To rename an
# alias, change the name of its table and add the old name to `former`.
"""
_ESCAPED = re.compile(r"[^\n -~]")


def text(tables: Tables) -> str:
    """The text of the file. Values of several lines stay so, unless that would lose a carriage return.

    Characters that a terminal would act on are escaped.
    """
    tree = document(tables)
    return f"{_HEADER}\n{_ESCAPED.sub(_escape, tomli_w.dumps(tree, multiline_strings=not _has_returns(tree)))}"


def _escape(match: re.Match[str]) -> str:
    return match[0] if match[0].isprintable() else f"\\U{ord(match[0]):08x}"


def _has_returns(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_returns, value.values()))
    return isinstance(value, str) and "\r" in value


@click.command(
    "export",
    cls=Command,
    examples="""
        mailgate export > mailgate-directory.toml
        mailgate export mailgate-directory.toml && git diff
    """,
)
@click.argument("file", required=False, type=click.Path())
@json_option
@pass_app
def export(app: App, file: str | None, as_json: bool) -> None:
    """Write domains, aliases, contacts, parameters, sender lists and servers as TOML.

    The same directory always gives the same text. Mail, records, keys and secrets are not included.
    """
    if as_json and file:
        raise click.UsageError("--json and FILE exclude each other.")
    with writer.writer() as write:  # before root is given up
        with app.store.read() as tx:
            tables = describe(tx)
        if file:
            write(file, text(tables).encode("utf-8"), True)
    if as_json:
        console.data(document(tables))
    elif not file:
        sys.stdout.write(text(tables))
    else:
        console.say(f"wrote {file}: {console.counted({kind: len(entries) for kind, entries in tables.items()})}")
        app.finish()
