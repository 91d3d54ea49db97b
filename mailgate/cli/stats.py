"""`mailgate log` and `mailgate stats`: what became of mail, a line each or counted."""

import contextlib
import sys
import time
from collections.abc import Mapping
from typing import Any

import click

from mailgate import __version__
from mailgate.cli.app import App, pass_app
from mailgate.cli.parts import Command, Number, json_option
from mailgate.cli.ui import console
from mailgate.cli.ui.console import Span
from mailgate.doctor import exposition
from mailgate.doctor.exposition import Metric
from mailgate.process import writer
from mailgate.store import messages, servers, waiting
from mailgate.store import stats as tally
from mailgate.store.database import Transaction
from mailgate.store.stats import Figures, Line
from mailgate.values.charset import printable
from mailgate.values.outcome import ACTIONS

_PAUSE = 0.5
"""Seconds between two looks at the store."""
_RECENT = 10
_HEADER = ("NUMBER", "VERDICT", "TARGET", "REASON", "FROM")
_LETTERS = {"create": "C", "post": "P", "bounce": "B", "hold": "H", "refuse": "R", "ignore": "i"}
_STYLES = {"bounce": "magenta", "hold": "magenta", "refuse": "red", "ignore": "dim"}
_WORDS = {
    "create": "created",
    "post": "posted",
    "bounce": "bounced",
    "hold": "held",
    "refuse": "refused",
    "ignore": "ignored",
}


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
        spans.append((shown.rstrip() if at == 5 else shown + "  ", _STYLES.get(verdict, style) if at == 2 else style))
    console.lines([spans])


def _line_data(line: Line) -> dict[str, Any]:
    return {**line._asdict(), "received": console.when(line.received)}


@click.command(
    "stats",
    cls=Command,
    examples="""
        mailgate stats
        mailgate stats --hours 168 --json
        mailgate stats --prometheus /var/lib/prometheus/node-exporter/mailgate.prom
    """,
)
@click.option("--hours", type=click.IntRange(1, 8_760), default=24, show_default=True, help="So many, up to now.")
@click.option("--prometheus", "file", type=click.Path(), metavar="FILE", help="Write a textfile for its collector.")
@json_option
@pass_app
def stats(app: App, hours: int, file: str | None, as_json: bool) -> None:
    """How much mail came in each hour and what became of it; every message counts once, under the most it led to."""
    now = time.time()
    with writer.writer() as write:  # before root is given up
        with app.store.read() as tx:
            found = tally.figures(tx, hours, now)
            if file:
                metrics = _metrics(tx, now, sending=app.config.submit.sends)
        if file:
            write(file, exposition.text(metrics).encode("utf-8"), True)
    if as_json:
        console.data(_data(found))
    elif not file:
        _show(found)
        app.finish()


def _data(found: Figures) -> dict[str, Any]:
    return {
        "schema": 1,
        "since": console.when(found.since),
        "until": console.when(found.until),
        "received": found.received,
        "outcomes": dict(found.outcomes),
        "hours": [{"hour": console.when(each.start), "received": each.received, **each.counts} for each in found.hours],
        "refusals": dict(found.refusals),
        "held": dict(found.holds),
        "aliases": [{"alias": name, "messages": count} for name, count in found.aliases.items()],
        "outbox": found.outbox._asdict(),
    }


def _show(found: Figures) -> None:
    if not sys.stdout.isatty():
        rows = [
            (console.when(each.start), each.received, *(each.counts[name] for name in ACTIONS)) for each in found.hours
        ]
        console.table(("HOUR", "RECEIVED", *(name.upper() for name in ACTIONS)), rows, "")
        return
    _picture(found)
    console.say()
    _counted("outcome", {_WORDS[name]: count for name, count in found.outcomes.items() if count}, found.received)
    _counted("refused because", found.refusals, 0)
    _counted("held because", found.holds, 0)
    _counted("most mail for", found.aliases, 0)
    box = found.outbox
    age = f", the oldest for {_age(box.oldest)}" if box.oldest is not None else ""
    console.say(f"outbox: {box.queued} waiting{age}; {box.failed} not deliverable")
    console.lines([[("What was refused by exit status is not counted: see journalctl -t mailgate.", "dim")]])


def _picture(found: Figures) -> None:
    """An hour a line, a letter a message, or for so many when they do not fit."""
    most = max(each.received for each in found.hours)
    room = max(10, console.width() - 22)
    scale = max(1, -(-most // room))
    days = len({console.when(each.start)[:10] for each in found.hours}) > 1
    rows: list[list[Span]] = []
    for each in found.hours:
        hour = console.when(each.start)[5 if days else 11 : 16].replace("T", " ")
        row: list[Span] = [(f"{hour:11}  ", "dim"), (f"{each.received or '-':>6}  ", "")]
        row += [
            (_LETTERS[name] * -(-each.counts[name] // scale), _STYLES.get(name, ""))
            for name in ACTIONS
            if each.counts[name]
        ]
        rows.append(row)
    legend = "  ".join(f"{_LETTERS[name]} {_WORDS[name]}" for name in ACTIONS)
    console.lines(
        [[("HOUR (UTC)     MAIL  ", "bold"), (f"a letter for {scale} messages" if scale > 1 else "", "dim")], *rows]
    )
    console.lines([[(legend, "dim")]])


def _counted(title: str, counts: Mapping[str, int], total: int) -> None:
    if not counts:
        return
    size = max(len(title), *(len(printable(name)) for name in counts))
    rows: list[list[Span]] = [[(f"{title:{size}}  {'MAIL':>6}", "bold")]]
    rows += [[(f"{printable(name):{size}}  {count:>6}", "")] for name, count in counts.items()]
    if total:
        rows.append([(f"{'received':{size}}  {total:>6}", "bold")])
    console.lines([*rows, []])


def _age(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _metrics(tx: Transaction, now: float, *, sending: bool) -> list[Metric]:
    """What a monitor wants to know."""
    hour = tally.figures(tx, 1, now)
    waits, box = waiting.count(tx, now, sending=sending), hour.outbox
    newest = messages.newest(tx)
    fetched = [(each, servers.health(tx, each.number)) for each in servers.listing(tx) if each.enabled]

    def one(name: str, help: str, value: float, type: str = "gauge") -> Metric:
        return Metric(f"mailgate_{name}", help, type, (({}, value),))

    return [
        Metric("mailgate_info", "The program that wrote this.", "gauge", (({"version": __version__}, 1),)),
        one("written_timestamp_seconds", "When this was written.", now),
        one(
            "message_number",
            "Number of the newest message: grows by one with each received or sent.",
            newest,
            "counter",
        ),
        Metric(
            "mailgate_messages",
            "Messages received that are in the store, by what became of them; each counts once.",
            "gauge",
            tuple(({"outcome": key[0], "reason": key[1]}, count) for key, count in tally.totals(tx).items()),
        ),
        Metric(
            "mailgate_hour_messages",
            "Messages received since the full hour, by what became of them.",
            "gauge",
            tuple(({"outcome": name}, count) for name, count in hour.outcomes.items()),
        ),
        one("held", "Held messages that wait for a person.", waits.held),
        one("failures_open", "Open failures of mail of ours.", waits.failures),
        Metric(
            "mailgate_outbox",
            "Outgoing messages, waiting or not deliverable.",
            "gauge",
            (({"state": "queued"}, box.queued), ({"state": "failed"}, box.failed)),
        ),
        one("outbox_stuck", "Outgoing messages that do not leave by themselves.", waits.stuck),
        one("outbox_oldest_seconds", "For how long the oldest outgoing message has been waiting.", box.oldest or 0),
        Metric(
            "mailgate_server_up",
            "Whether the last try to fetch from an incoming server succeeded.",
            "gauge",
            tuple(({"server": each.name}, float(health.state in ("ok", "new"))) for each, health in fetched),
        ),
    ]
