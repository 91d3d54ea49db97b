"""`mailgate stats`: count messages by hour and outcome."""

import sys
import time
from collections.abc import Mapping
from typing import Any

import click

from mailgate import __version__
from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.console import Span
from mailgate.cli.ui.options import Command, json_option
from mailgate.process import writer
from mailgate.store import messages, servers, waiting
from mailgate.store import stats as tally
from mailgate.store.database import Transaction
from mailgate.store.stats import Figures
from mailgate.values import exposition
from mailgate.values.charset import printable
from mailgate.values.exposition import Metric
from mailgate.values.outcome import ACTIONS

_LETTERS = {"create": "C", "post": "P", "bounce": "B", "hold": "H", "refuse": "R", "ignore": "i"}
_WORDS = {
    "create": "created",
    "post": "posted",
    "bounce": "bounced",
    "hold": "held",
    "refuse": "refused",
    "ignore": "ignored",
}


@click.command(
    "stats",
    cls=Command,
    examples="""
        mailgate stats
        mailgate stats --hours 168 --json
        mailgate stats --prometheus /var/lib/prometheus/node-exporter/mailgate.prom
    """,
)
@click.option("--hours", type=click.IntRange(1, 8_760), default=24, show_default=True, help="Hours to show.")
@click.option(
    "--prometheus",
    "file",
    type=click.Path(),
    metavar="FILE",
    help="Write metrics to a textfile; `-` prints them.",
)
@json_option
@pass_app
def stats(app: App, hours: int, file: str | None, as_json: bool) -> None:
    """Count received messages by hour and outcome; each counts once, under its most significant outcome."""
    now = time.time()
    with writer.writer() as write:  # before root is given up
        with app.store.read() as tx:
            figures = tally.figures(tx, hours, now)
            if file:
                metrics = _metrics(tx, now, sending=app.config.submit.sends)
        if file == "-":
            click.echo(exposition.text(metrics), nl=False)
        elif file:
            write(file, exposition.text(metrics).encode("utf-8"), True)
    if as_json:
        console.data(_data(figures))
    elif not file:
        _show(figures)
        app.finish()


def _data(figures: Figures) -> dict[str, Any]:
    return {
        "schema": 1,
        "since": console.when(figures.since),
        "until": console.when(figures.until),
        "received": figures.received,
        "outcomes": dict(figures.outcomes),
        "hours": [
            {"hour": console.when(hour.start), "received": hour.received, **hour.counts} for hour in figures.hours
        ],
        "refusals": dict(figures.refusals),
        "held": dict(figures.holds),
        "aliases": [{"alias": name, "messages": count} for name, count in figures.aliases.items()],
        "outbox": figures.outbox._asdict(),
    }


def _show(figures: Figures) -> None:
    if not sys.stdout.isatty():
        rows = [
            (console.when(hour.start), hour.received, *(hour.counts[name] for name in ACTIONS))
            for hour in figures.hours
        ]
        console.table(("HOUR", "RECEIVED", *(name.upper() for name in ACTIONS)), rows, "")
        return
    _chart(figures)
    console.say()
    _table("outcome", {_WORDS[name]: count for name, count in figures.outcomes.items() if count}, figures.received)
    _table("refused because", figures.refusals, 0)
    _table("held because", figures.holds, 0)
    _table("most mail for", figures.aliases, 0)
    box = figures.outbox
    age = f", the oldest for {_age(box.oldest)}" if box.oldest is not None else ""
    console.say(f"outbox: {box.queued} queued{age}; {box.failed} failed")
    console.lines([[("Mail refused by exit status is not counted; see: journalctl -t mailgate", "dim")]])


def _chart(figures: Figures) -> None:
    """Print an hour a line and a letter a message, or a letter for several messages if they do not fit."""
    most = max(hour.received for hour in figures.hours)
    room = max(10, console.width() - 22)
    scale = max(1, -(-most // room))
    days = len({console.when(hour.start)[:10] for hour in figures.hours}) > 1
    rows: list[list[Span]] = []
    for hour in figures.hours:
        start = console.when(hour.start)[5 if days else 11 : 16].replace("T", " ")
        row: list[Span] = [(f"{start:11}  ", "dim"), (f"{hour.received or '-':>6}  ", "")]
        row += [
            (_LETTERS[name] * -(-hour.counts[name] // scale), console.OUTCOMES.get(name, ""))
            for name in ACTIONS
            if hour.counts[name]
        ]
        rows.append(row)
    legend = "  ".join(f"{_LETTERS[name]} {_WORDS[name]}" for name in ACTIONS)
    console.lines(
        [[("HOUR (UTC)     MAIL  ", "bold"), (f"one letter is {scale} messages" if scale > 1 else "", "dim")], *rows]
    )
    console.lines([[(legend, "dim")]])


def _table(title: str, counts: Mapping[str, int], total: int) -> None:
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
    """The metrics for a monitoring system."""
    hour = tally.figures(tx, 1, now)
    waits, box = waiting.count(tx, now, sending=sending), hour.outbox
    newest = messages.newest(tx)
    fetched = [(server, servers.health(tx, server.number, now)) for server in servers.listing(tx) if server.enabled]

    def metric(name: str, help: str, value: float, type: str = "gauge") -> Metric:
        return Metric(f"mailgate_{name}", help, type, (({}, value),))

    return [
        Metric("mailgate_info", "The program that wrote this.", "gauge", (({"version": __version__}, 1),)),
        metric("written_timestamp_seconds", "When this was written.", now),
        metric(
            "message_number",
            "Number of the newest message; grows by one with each message received or sent.",
            newest,
            "counter",
        ),
        Metric(
            "mailgate_messages",
            "Received messages in the store, by their most significant outcome.",
            "gauge",
            tuple(({"outcome": key[0], "reason": key[1]}, count) for key, count in tally.totals(tx).items()),
        ),
        Metric(
            "mailgate_hour_messages",
            "Messages received since the full hour, by their most significant outcome.",
            "gauge",
            tuple(({"outcome": name}, count) for name, count in hour.outcomes.items()),
        ),
        metric("held", "Held messages that wait for a person.", waits.held),
        metric("failures_open", "Open delivery failures.", waits.failures),
        Metric(
            "mailgate_outbox",
            "Outgoing messages, queued or failed.",
            "gauge",
            (({"state": "queued"}, box.queued), ({"state": "failed"}, box.failed)),
        ),
        metric("outbox_stuck", "Outgoing messages that are not sent without help.", waits.stuck),
        metric("outbox_oldest_seconds", "Age of the oldest queued message.", box.oldest or 0),
        Metric(
            "mailgate_server_up",
            "Whether the last run of fetch succeeded for a server.",
            "gauge",
            tuple(({"server": server.name}, float(health.state in ("ok", "new"))) for server, health in fetched),
        ),
    ]
