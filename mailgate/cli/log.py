"""`mailgate log`: list what happened to each message."""

import contextlib
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.console import Span
from mailgate.cli.ui.listing import Asked, View, list_options, read, show
from mailgate.cli.ui.options import Command, Number
from mailgate.store import changes as log_of_changes
from mailgate.store import lists
from mailgate.store import stats as tally
from mailgate.store.stats import Line
from mailgate.values.outcome import ACTIONS

_PAUSE = 0.5
"""Seconds between two reads of the store."""
_RECENT = 10
"""Messages that `--follow` starts with."""
_HEADER = ("NUMBER", "ACTION", "TARGET", "REASON", "FROM", "SUBJECT")


@click.command(
    "log",
    cls=Command,
    examples="""
        mailgate log
        mailgate log -f
        mailgate log --after 120 --json
        mailgate log --since 2h --state refuse
        mailgate log --changes
    """,
)
@click.option(
    "-f", "--follow", is_flag=True, help="Print the last lines, then new ones as mail arrives; stop with Ctrl-C."
)
@click.option("--after", type=Number(), metavar="N", help="Only messages with a higher number.")
@click.option("--changes", is_flag=True, help="List the commands that changed the store, and who ran them.")
@list_options(states=(*ACTIONS, "sent"))
@pass_app
def log(app: App, follow: bool, after: int | None, changes: bool, asked: Asked) -> None:
    """List messages, oldest first: time, number, action, target, reason, author; on a terminal the last 50.

    With -f and --json, each line is a JSON object. Mail that was refused by exit status is not listed, as it was never
    stored; it is in the system log.
    """
    if (changes or follow) and asked.narrowed and (follow or asked.wanted.to or asked.wanted.state):
        raise click.UsageError("--follow takes no other option than --after, --limit and --json.")
    if changes:
        _changes(app, after or 0, asked)
    elif follow:
        _follow(app, after, asked)
    else:
        _list(app, after or 0, asked)


def _list(app: App, after: int, asked: Asked) -> None:
    entries = read(app, lists.messages(after=after), asked, lambda tx, key: tally.line(tx, int(key[0])))
    if asked.form == "json":
        console.array(_data(line) for line in entries)
        return
    with console.pager(asked.wanted.limit or 0):
        _heading(asked)
        for line in entries:
            _show(line, asked)
    if asked.form == "screen":
        app.finish()


def _changes(app: App, after: int, asked: Asked) -> None:
    view = View(
        lambda tx, key: log_of_changes.get(tx, int(key[0])),
        lambda tx, each: {**each._asdict(), "changed_at": console.when(each.changed_at)},
        lambda tx, each: (each.number, console.when(each.changed_at), each.person, f"mailgate {each.command}"),
        *(("NUMBER", "TIME", "PERSON", "COMMAND"), "no changes yet"),
    )
    show(app, lists.changes(after), asked, view)


def _follow(app: App, after: int | None, asked: Asked) -> None:
    if after is None:
        with app.store.read() as tx:
            after = tally.last(tx, asked.wanted.limit or _RECENT)
    _heading(asked)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            with app.store.read() as tx:
                for line in tally.lines(tx, after):
                    after = line.number
                    _show(line, asked)
            sys.stdout.flush()
            time.sleep(_PAUSE)
    raise click.exceptions.Exit(130)


def _heading(asked: Asked) -> None:
    if asked.form == "screen":
        _print(["TIME (UTC)", *_HEADER] if sys.stdout.isatty() else ["TIME", *_HEADER], "bold")


def _show(line: Line, asked: Asked) -> None:
    if asked.form != "screen":
        console.row(_data(line))
        return
    more = f" (+{line.more})" if line.more else ""
    moment = console.when(line.received)
    if sys.stdout.isatty():
        moment = moment[5:19].replace("T", " ")
    cells = (moment, line.number, line.verdict, line.target + more, line.reason, line.author, line.subject)
    _print([str(cell) or "-" for cell in cells], "" if line.direction == "in" else "dim", line.verdict)


def _print(cells: Sequence[str], style: str, action: str = "") -> None:
    """Print the columns that have room: the reason from 100 columns of the terminal on, the subject from 120 on."""
    if not sys.stdout.isatty():
        console.tabbed(cells)
        return
    room = console.width()
    widths = [14, 6, 7, min(40, 20 + max(0, room - 80) // 2)]
    shown = [0, 1, 2, 3]
    if room >= _REASON:
        shown, widths = [*shown, 4], [*widths, 12]
    left = room - sum(widths) - 2 * len(widths)
    if room >= _SUBJECT:
        shown, widths, left = [*shown, 5], [*widths, left // 2], left - left // 2 - 2
    shown, widths = [*shown, 6 if room >= _SUBJECT else 5], [*widths, max(10, left)]
    spans: list[Span] = []
    for at, width in zip(shown, widths, strict=True):
        text = console.fitted(cells[at], width)
        cell_style = console.OUTCOMES.get(action, style) if at == 2 else style
        spans.append((text.rstrip() if at == shown[-1] else text + "  ", cell_style))
    console.lines([spans])


_REASON, _SUBJECT = 100, 120
"""Columns of a terminal from which on the reason, and the subject, are shown."""


def _data(line: Line) -> dict[str, Any]:
    return {**line._asdict(), "received": console.when(line.received)}
