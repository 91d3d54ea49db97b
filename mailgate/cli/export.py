"""`mailgate export`: the configuration in the store as a file, to be kept and reviewed."""

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
# What is ours and who may write: the configuration in mailgate's store, without mail, records, state and keys.
#
#   mailgate import FILE --dry-run   shows what would change
#   mailgate import FILE             changes it, in one step or not at all
#   mailgate import FILE --prune     also removes what the store has and this file has not
#
# A key that a table leaves out has its default. Former names stay whatever this file says: `mailgate domain forget`
# ends them. An alias is renamed by its new name in the table's head and its old one in `former`.
"""
_UNSEEN = re.compile(r"[^\n -~]")


def text(tables: Tables) -> str:
    """The file. Texts of several lines are written as such, unless that would lose a carriage return.

    What could move a cursor is escaped: outside of quotes there is nothing but ASCII.
    """
    whole = document(tables)
    return f"{_HEADER}\n{_UNSEEN.sub(_escaped, tomli_w.dumps(whole, multiline_strings=not _returns(whole)))}"


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else f"\\U{ord(found[0]):08x}"


def _returns(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_returns, value.values()))
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

    The same configuration is the same text, whatever its history. Mail, records, state, keys and secrets stay out.
    """
    if as_json and file:
        raise click.UsageError("--json prints, and writes no file.")
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
        console.say(f"wrote {file}: {console.counted({kind: len(things) for kind, things in tables.items()})}")
        app.finish()
