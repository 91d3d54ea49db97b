"""`mailgate log`: list what happened to each message."""

import contextlib
import sys
import time
from typing import Any

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.console import Span
from mailgate.cli.ui.options import Command, Number, json_option
from mailgate.store import changes as log_of_changes
from mailgate.store import stats as tally
from mailgate.store.changes import Change
from mailgate.store.stats import Line

_PAUSE = 0.5
"""Seconds between two reads of the store."""
_RECENT = 10
"""Messages that `--follow` starts with."""
_HEADER = ("NUMBER", "ACTION", "TARGET", "REASON", "FROM")


@click.command(
    "log",
    cls=Command,
    examples="""
        mailgate log
        mailgate log -f
        mailgate log --after 120 --json
        mailgate log --changes
    """,
)
@click.option(
    "-f", "--follow", is_flag=True, help="Print the last lines, then new ones as mail arrives; stop with Ctrl-C."
)
@click.option("--after", type=Number(), metavar="N", help="Only messages with a higher number.")
@click.option("--changes", is_flag=True, help="List the commands that changed the store, and who ran them.")
@json_option
@pass_app
def log(app: App, follow: bool, after: int | None, changes: bool, as_json: bool) -> None:
    """List messages, oldest first: time, number, action, target, reason, author.

    With -f and --json, each line is a JSON object. Mail that was refused by exit status is not listed, as it was never
    stored; it is in the system log.
    """
    if changes:
        _changes(app, after or 0, as_json)
        return
    with app.store.read() as tx:
        start = after if after is not None else tally.last(tx, _RECENT) if follow else 0
        listed = tally.lines(tx, start)
        if as_json and not follow:
            console.data([_data(line) for line in listed])
            return
        if not as_json:
            _print(["TIME (UTC)", *_HEADER] if sys.stdout.isatty() else ["TIME", *_HEADER], "bold")
        for line in listed:
            start = line.number
            _show(line, as_json)
    if follow:
        _follow(app, start, as_json)
    else:
        app.finish()


def _changes(app: App, after: int, as_json: bool) -> None:
    listed: list[Change] = []
    while True:
        with app.store.read() as tx:
            more = log_of_changes.page(tx, after)
        if not more:
            break
        listed += more
        after = more[-1].number
    if as_json:
        console.data([{**each._asdict(), "changed_at": console.when(each.changed_at)} for each in listed])
        return
    rows = [(each.number, console.when(each.changed_at), each.person, f"mailgate {each.command}") for each in listed]
    console.table(("NUMBER", "TIME", "PERSON", "COMMAND"), rows, "no changes yet")
    app.finish()


def _follow(app: App, after: int, as_json: bool) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            sys.stdout.flush()
            time.sleep(_PAUSE)
            with app.store.read() as tx:
                for line in tally.lines(tx, after):
                    after = line.number
                    _show(line, as_json)
    raise click.exceptions.Exit(130)


def _show(line: Line, as_json: bool) -> None:
    if as_json:
        console.row(_data(line))
        return
    more = f" (+{line.more})" if line.more else ""
    moment = console.when(line.received)
    if sys.stdout.isatty():
        moment = moment[5:19].replace("T", " ")
    cells = (moment, line.number, line.verdict, line.target + more, line.reason, line.author)
    _print([str(cell) or "-" for cell in cells], "" if line.direction == "in" else "dim", line.verdict)


def _print(cells: tuple[str, ...] | list[str], style: str, action: str = "") -> None:
    if not sys.stdout.isatty():
        console.tabbed(cells)
        return
    room = console.width()
    widths = [14, 6, 7, min(40, 20 + (room - 80) // 2) if room > 80 else 20, 12]
    widths.append(max(10, room - sum(widths) - 2 * len(widths)))
    spans: list[Span] = []
    for at, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        text = console.fitted(cell, width)
        cell_style = console.OUTCOMES.get(action, style) if at == 2 else style
        spans.append((text.rstrip() if at == 5 else text + "  ", cell_style))
    console.lines([spans])


def _data(line: Line) -> dict[str, Any]:
    return {**line._asdict(), "received": console.when(line.received)}
