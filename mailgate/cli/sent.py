"""`mailgate sent`: register a message that another program sends."""

import sys
import time

import click

from mailgate.cli.ui import completions, console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.gateway import post
from mailgate.store import records
from mailgate.values.problem import Problem, command


@click.command(
    "sent",
    cls=Command,
    examples="""
        mailgate sent ticket/1 < message.eml
        mailgate sent ticket/1 --print < message.eml | sendmail -t
        mailgate sent ticket/1 --return-path < message.eml
    """,
)
@click.argument("ref", metavar="M/ID", shell_complete=completions.records)
@click.option("--to", metavar="ADDR", multiple=True, help="Recipient, if To and Cc do not name all; repeatable.")
@click.option("--print", "printed", is_flag=True, help="Print the message with the fields that lead replies back here.")
@click.option("--return-path", "returned", is_flag=True, help="Print the address for delivery reports.")
@json_option
@pass_app
def sent(app: App, ref: str, to: tuple[str, ...], printed: bool, returned: bool, as_json: bool) -> None:
    """Register a message that another program sends, so that replies to it are posted on the record.

    With --print it is printed with the fields that it lacks: Message-ID, a signed Reply-To, its own id in References,
    and a loop mark. Use it as a filter in front of sendmail. Registering the same message again changes nothing.
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
        data = done._asdict()
        del data["octets"]
        console.data({"record": ref, **data})
        return
    console.say(f"registered message {done.number} on {ref}; replies to {done.message_id} are posted there")
    app.finish()
