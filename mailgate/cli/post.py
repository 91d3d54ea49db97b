"""`mailgate post`: write to the people of a record."""

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
@click.option("--to", metavar="ADDR", multiple=True, help="Somebody else who gets it, once; repeatable.")
@click.option("--subject", default="", metavar="S", help="Instead of that of the conversation.")
@click.option("--name", default="", metavar="NAME", help="Who writes; instead of the domain's company.")
@click.option("--attach", "paths", type=click.Path(), multiple=True, metavar="FILE", help="A file; repeatable.")
@click.option("--note", is_flag=True, help="Keep it inside: nobody is sent anything.")
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
    """Write to the people of a record: the text on standard input goes to its followers and to those named.

    Each gets a message of his own, whose answer comes back to the record. People named with --to do not follow.
    """
    if note and to:
        raise click.UsageError("--note stays inside, --to sends: choose one.")
    record = records.parse(ref)
    files = tuple(_file(path) for path in paths)
    app.store  # noqa: B018 - become the owner of the store only after the files were read
    text = _text("the text of the message")
    if not text.strip() and not files:
        raise Problem("nothing to say: standard input is empty", command("echo TEXT | mailgate post {MODEL/ID}", ref))
    said = Text(text, subject, name, files)
    posted = (
        post.note(app.store, record, said, time.time())
        if note
        else post.write(app.store, record, said, to, time.time())
    )
    paying = app.pay(owed=bool(posted.queued))
    _show(app, ref, posted, as_json, note=note, paying=paying)


def _file(path: str) -> File:
    try:
        with open(path, "rb") as file:
            octets = file.read()
    except OSError as error:
        raise Problem(f"cannot attach {path}: {error.strerror}", look(path)) from error
    kind, encoding = mimetypes.guess_type(path, strict=False)
    plain = kind if kind and not encoding and not kind.startswith(("message/", "multipart/")) else None
    return File(os.path.basename(path), plain or "application/octet-stream", octets)


def _text(what: str) -> str:
    """Standard input as text; on a terminal it is said what is waited for."""
    if sys.stdin.isatty():
        sys.stderr.write(f"{what}, then Ctrl-D:\n")
    octets = sys.stdin.buffer.read()
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(f"standard input is not UTF-8 at octet {error.start}", command("iconv -t UTF-8")) from error


def _show(app: App, ref: str, posted: Posted, as_json: bool, *, note: bool, paying: bool) -> None:
    if as_json:
        found = {"record": ref, **posted._asdict()}
        console.data({**found, "recipients": list(posted.recipients), "outbox": list(found.pop("queued"))})
        return
    if note:
        console.say(f"noted on {ref} as message {posted.number}; nobody was sent anything")
    else:
        console.say(f"posted on {ref} as message {posted.number}, to {', '.join(posted.recipients)}")
    if posted.queued and not paying:
        console.say(f"{len(posted.queued)} queued; `mailgate work` sends them")
    app.finish()
