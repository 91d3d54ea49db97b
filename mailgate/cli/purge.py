"""`mailgate purge`: delete old mail."""

import time

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command, confirm, json_option, yes_option
from mailgate.gateway import retention
from mailgate.store import purging
from mailgate.store.database import Store
from mailgate.store.purging import Purge
from mailgate.values import age
from mailgate.values.problem import Problem, command


@click.command(
    "purge",
    cls=Command,
    changes_addresses=False,
    examples="""
        mailgate purge --older-than 2y --dry-run
        mailgate purge --older-than 1y --model ticket --yes
    """,
)
@click.option("--older-than", "older", default="2y", show_default=True, metavar="AGE", help="As in 90d, 26w, 2y.")
@click.option("--model", metavar="M", help="Only messages on records of this model.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@yes_option
@json_option
@pass_app
def purge(app: App, older: str, model: str | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Delete old mail, in steps beside deliveries; after an interruption, `work` goes on.

    The ids of messages on records stay: answers, reports and copies still find their record. Held mail, open failures
    and what is queued are not deleted.
    """
    seconds, least = age.seconds(older), age.seconds(retention.LEAST)
    if seconds is None:
        raise Problem(f"`{older}` is not an age", advice="write 90d, 26w or 2y")
    if least and seconds < least:
        raise Problem(
            f"{older} is less than {retention.LEAST}: copies of such mail may still arrive",
            command("mailgate message remove N"),
        )
    now = time.time()
    wanted = purging.wanted("messages", now - seconds, now, model=model)
    count, octets = _count(app.store, wanted)
    if dry_run or not count:
        if as_json:
            console.data({"dry_run": dry_run, "messages": count, "octets": octets})
        else:
            console.say(f"{_said(count, octets)} {'would be' if count else 'are'} deleted")
        return
    confirm(_said(count, octets), yes)
    with app.store.write() as tx:
        number = purging.ask(tx, wanted)
    done = retention.finish(app.store, number, now)
    if as_json:
        console.data({"dry_run": False, "messages": done.messages, "octets": done.octets})
        return
    console.say(f"deleted {_said(done.messages, done.octets)}; the file keeps its size, the space is used again")
    console.verbatim(f"next: {command('mailgate check-store --compact')}")


def _count(store: Store, wanted: Purge) -> tuple[int, int]:
    """How many messages would be deleted, and their octets, read in short transactions."""
    messages = octets = position = 0
    while True:
        with store.read() as tx:
            found, size, end = purging.count(tx, wanted, position)
        messages, octets = messages + found, octets + size
        if end == position:
            return messages, octets
        position = end


def _said(messages: int, octets: int) -> str:
    return f"{messages} message{'' if messages == 1 else 's'} ({console.size(octets)})"
