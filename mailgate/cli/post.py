"""`mailgate post` and `mailgate sent`: the outgoing half of a conversation."""

import mimetypes
import os
import sys
import time

import click

from mailgate.cli.app import App, pass_app
from mailgate.cli.parts import Command, completing, json_option
from mailgate.cli.run import look
from mailgate.cli.ui import console
from mailgate.gateway import post
from mailgate.gateway.post import File, Posted, Text
from mailgate.store import records
from mailgate.values.problem import Problem, command

_known = completing(lambda tx: (each.ref for each in records.listing(tx)))


@click.command(
    "post",
    cls=Command,
    examples="""
        mailgate post ticket/1 < answer.txt
        mailgate post ticket/1 --to ann@client.org --attach offer.pdf < answer.txt
        echo "Called back, wants blue ones" | mailgate post ticket/1 --note
    """,
)
@click.argument("ref", metavar="M/ID", shell_complete=_known)
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


@click.command(
    "sent",
    cls=Command,
    examples="""
        mailgate sent ticket/1 < message.eml
        mailgate sent ticket/1 --print < message.eml | sendmail -t
        mailgate sent ticket/1 --return-path < message.eml
    """,
)
@click.argument("ref", metavar="M/ID", shell_complete=_known)
@click.option("--to", metavar="ADDR", multiple=True, help="Who gets it, where To and Cc do not tell; repeatable.")
@click.option("--print", "printed", is_flag=True, help="Print the message with what leads its answer back here.")
@click.option("--return-path", "returned", is_flag=True, help="Print the address that delivery reports should go to.")
@json_option
@pass_app
def sent(app: App, ref: str, to: tuple[str, ...], printed: bool, returned: bool, as_json: bool) -> None:
    """Register a message that another program sends, so that its answer finds the record.

    With --print it comes out again with the missing identity fields: Message-ID, a signed Reply-To, its own id in
    References, our loop mark. Use it as a filter in front of sendmail. A message may be registered again: it stays the
    same one.
    """
    record = records.parse(ref)
    raw = sys.stdin.buffer.read()
    if not raw.strip():
        raise Problem("standard input is empty", command("mailgate sent {MODEL/ID} < message.eml", ref))
    done = post.register(app.store, record, raw, to, time.time())
    if printed:
        console.raw(done.octets)
        return
    if returned:
        console.say(done.reverse_path)
        return
    if as_json:
        found = done._asdict()
        del found["octets"]
        console.data({"record": ref, **found})
        return
    console.say(f"message {done.number} is registered on {ref}: answers to {done.message_id} come back there")
    app.finish()
