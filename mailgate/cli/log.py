"""`mailgate log`: what became of mail, a line each."""

import contextlib
import sys
import time
from typing import Any

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.console import Span
from mailgate.cli.ui.options import Command, Number, json_option
from mailgate.store import stats as tally
from mailgate.store.stats import Line

_PAUSE = 0.5
"""Seconds between two looks at the store."""
_RECENT = 10
_HEADER = ("NUMBER", "VERDICT", "TARGET", "REASON", "FROM")


@click.command(
    "log",
    cls=Command,
    examples="""
        mailgate log
        mailgate log -f
        mailgate log --after 120 --json
    """,
)
@click.option(
    "-f", "--follow", is_flag=True, help="Begin with the last lines, and go on as mail comes; Ctrl-C ends it."
)
@click.option("--after", type=Number(), metavar="N", help="Only numbers above this one.")
@json_option
@pass_app
def log(app: App, follow: bool, after: int | None, as_json: bool) -> None:
    """One line a message, oldest first: time, number, verdict, target, reason, author.

    With -f and --json each line is a JSON object. What the mail server refused, because we told it to by the exit
    status, is not here: the system log has it.
    """
    with app.store.read() as tx:
        start = after if after is not None else tally.last(tx, _RECENT) if follow else 0
        found = tally.lines(tx, start)
        if as_json and not follow:
            console.data([_line_data(each) for each in found])
            return
        if not as_json:
            _print(["TIME (UTC)", *_HEADER] if sys.stdout.isatty() else ["TIME", *_HEADER], "bold")
        for each in found:
            start = each.number
            _tell(each, as_json)
    if follow:
        _follow(app, start, as_json)
    else:
        app.finish()


def _follow(app: App, after: int, as_json: bool) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            sys.stdout.flush()
            time.sleep(_PAUSE)
            with app.store.read() as tx:
                for each in tally.lines(tx, after):
                    after = each.number
                    _tell(each, as_json)
    raise click.exceptions.Exit(130)


def _tell(line: Line, as_json: bool) -> None:
    if as_json:
        console.row(_line_data(line))
        return
    more = f" (+{line.more})" if line.more else ""
    moment = console.when(line.received)
    if sys.stdout.isatty():
        moment = moment[5:19].replace("T", " ")
    cells = (moment, line.number, line.verdict, line.target + more, line.reason, line.author)
    _print([str(each) or "-" for each in cells], "" if line.direction == "in" else "dim", line.verdict)


def _print(cells: tuple[str, ...] | list[str], style: str, verdict: str = "") -> None:
    if not sys.stdout.isatty():
        console.tabbed(cells)
        return
    room = console.width()
    widths = [14, 6, 7, min(40, 20 + (room - 80) // 2) if room > 80 else 20, 12]
    widths.append(max(10, room - sum(widths) - 2 * len(widths)))
    spans: list[Span] = []
    for at, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        shown = console.fitted(cell, width)
        cell_style = console.OUTCOMES.get(verdict, style) if at == 2 else style
        spans.append((shown.rstrip() if at == 5 else shown + "  ", cell_style))
    console.lines([spans])


def _line_data(line: Line) -> dict[str, Any]:
    return {**line._asdict(), "received": console.when(line.received)}
