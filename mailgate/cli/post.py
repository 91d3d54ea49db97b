"""`mailgate post`: send a message to the followers of a record."""

import mimetypes
import os
import sys
import time

import click

from mailgate.cli.ui import completions, console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.errors import look
from mailgate.cli.ui.options import Command, json_option
from mailgate.gateway import post
from mailgate.gateway.post import File, Posted, Text
from mailgate.store import records
from mailgate.values.problem import Problem, command


@click.command(
    "post",
    cls=Command,
    examples="""
        mailgate post ticket/1 < answer.txt
        mailgate post ticket/1 --to ann@client.org --attach offer.pdf < answer.txt
        echo "Called back, wants blue ones" | mailgate post ticket/1 --note
    """,
)
@click.argument("ref", metavar="M/ID", shell_complete=completions.records)
@click.option(
    "--to",
    metavar="ADDR",
    multiple=True,
    help="Send it to this address, too; repeatable.",
)
@click.option("--subject", default="", metavar="S", help="Subject, instead of that of the conversation.")
@click.option("--name", default="", metavar="NAME", help="Name of the author, instead of the company of the domain.")
@click.option("--attach", "paths", type=click.Path(), multiple=True, metavar="FILE", help="Attach a file; repeatable.")
@click.option("--note", is_flag=True, help="Add an internal note: nothing is sent.")
@json_option
@pass_app
def post_(
    app: App,
    ref: str,
    to: tuple[str, ...],
    subject: str,
    name: str,
    paths: tuple[str, ...],
    note: bool,
    as_json: bool,
) -> None:
    """Send the text on standard input to the followers of a record.

    Each recipient gets a separate message; replies to it come back to the record. People named with --to do not become
    followers.
    """
    if note and to:
        raise click.UsageError("--note and --to exclude each other.")
    record = records.parse(ref)
    files = tuple(_file(path) for path in paths)
    store = app.store  # this becomes the owner of the store, who may not read the files
    text = _text("Text of the message")
    if not text.strip() and not files:
        raise Problem(
            "the message is empty: there is no text on standard input",
            command("echo TEXT | mailgate post {MODEL/ID}", ref),
        )
    content = Text(text, subject, name, files)
    posted = (
        post.note(store, record, content, time.time()) if note else post.write(store, record, content, to, time.time())
    )
    app.warn_of_unread(to)
    sending = app.send(queued=bool(posted.queued))
    _show(app, ref, posted, as_json, note=note, sending=sending)


def _file(path: str) -> File:
    try:
        with open(path, "rb") as file:
            octets = file.read()
    except OSError as error:
        raise Problem(f"cannot attach {path}: {error.strerror}", look(path)) from error
    kind, encoding = mimetypes.guess_type(path, strict=False)
    plain = kind if kind and not encoding and not kind.startswith(("message/", "multipart/")) else None
    return File(os.path.basename(path), plain or "application/octet-stream", octets)


def _text(prompt: str) -> str:
    """Standard input as text; on a terminal, a prompt is printed first."""
    if sys.stdin.isatty():
        sys.stderr.write(f"{prompt}; end it with Ctrl-D:\n")
    octets = sys.stdin.buffer.read()
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(f"standard input is not UTF-8 at octet {error.start}", command("iconv -t UTF-8")) from error


def _show(app: App, ref: str, posted: Posted, as_json: bool, *, note: bool, sending: bool) -> None:
    if as_json:
        data = {"record": ref, **posted._asdict()}
        console.data({**data, "recipients": list(posted.recipients), "outbox": list(data.pop("queued"))})
        return
    if note:
        console.say(f"added a note to {ref} as message {posted.number}")
    else:
        console.say(f"posted on {ref} as message {posted.number}, to {', '.join(posted.recipients)}")
    if posted.queued and not sending:
        console.say(f"{len(posted.queued)} queued; `mailgate work` sends them")
    app.finish()
