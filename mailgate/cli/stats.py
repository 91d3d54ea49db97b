"""`mailgate stats`: how much mail came, and what became of it."""

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
from mailgate.doctor import exposition
from mailgate.doctor.exposition import Metric
from mailgate.process import writer
from mailgate.store import messages, servers, waiting
from mailgate.store import stats as tally
from mailgate.store.database import Transaction
from mailgate.store.stats import Figures
from mailgate.values.charset import printable
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
            (_LETTERS[name] * -(-each.counts[name] // scale), console.OUTCOMES.get(name, ""))
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
