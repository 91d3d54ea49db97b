"""`mailgate top`: what happens now, as it happens."""

import sys
import time
from collections.abc import Mapping, Sequence

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.console import Span
from mailgate.cli.ui.options import Command, json_option
from mailgate.serve import asking
from mailgate.store import messages, waiting
from mailgate.store import stats as tally
from mailgate.store.database import Transaction
from mailgate.values.charset import printable
from mailgate.values.light import Any, NamedTuple

_LAST = 8
"""Messages that are shown."""


class _Look(NamedTuple):
    """One look: `at` by the monotonic clock, the number of the newest message, and everything that is shown."""

    at: float
    newest: int
    data: dict[str, Any]


@click.command(
    "top",
    cls=Command,
    changes_addresses=False,
    examples="""
        mailgate top
        mailgate top --every 5
        mailgate top --once
        mailgate top --json
    """,
)
@click.option(
    "--every",
    type=click.FloatRange(0.2, 3600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Seconds between two looks.",
)
@click.option("--once", is_flag=True, help="Print the picture once; so it is without a terminal, too.")
@json_option
@pass_app
def top(app: App, every: float, once: bool, as_json: bool) -> None:
    """Show mail as it comes: messages a second, outcomes, the queue, what waits, and the slowest; stop with Ctrl-C.

    Latency and what waits for a commit are known where `mailgate serve` runs with [serve] web; everything else comes
    from the store.
    """
    before = _look(app, None)
    if as_json or once or not sys.stdout.isatty():
        time.sleep(min(every, 1.0))
        now = _look(app, before)
        console.data(now.data) if as_json else console.lines(_picture(now.data))
        return
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    def drawn(look: _Look) -> Group:
        rows = _picture(look.data)
        return Group(*(Text.assemble(*row, no_wrap=True, overflow="ellipsis") for row in rows))

    with Live(drawn(before), screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(every)
            before = _look(app, before)
            live.update(drawn(before), refresh=True)


def _look(app: App, before: _Look | None) -> _Look:
    now, at = time.time(), time.monotonic()
    served = asking.status(app.config.serve_web) if app.config.serve_web else None
    with app.store.read() as tx:
        newest = messages.newest(tx)
        data = _from_store(tx, now, sending=app.config.submit.sends)
    rate = (newest - before.newest) / max(0.001, at - before.at) if before else 0.0
    return _Look(at, newest, {"schema": 1, "rate": round(rate, 2), **data, "serve": served})


def _from_store(tx: Transaction, now: float, *, sending: bool) -> dict[str, Any]:
    hour, waits = tally.figures(tx, 1, now), waiting.count(tx, now, sending=sending)
    return {
        "outcomes": dict(hour.outcomes),
        "outbox": hour.outbox._asdict(),
        "waiting": {"held": waits.held, "failures": waits.failures, "stuck": waits.stuck},
        "last": [
            {
                "number": line.number,
                "received": console.when(line.received),
                "action": line.verdict,
                "target": line.target,
                "reason": line.reason,
                "from": line.author,
            }
            for line in tally.lines(tx, tally.last(tx, _LAST))
        ],
    }


def _picture(data: Mapping[str, Any]) -> list[Sequence[Span]]:
    """What a person sees."""
    served, box, waits = data["serve"], data["outbox"], data["waiting"]
    rows: list[Sequence[Span]] = [[("mailgate", "bold"), *_state(served)], []]
    rows.append(_row("received", f"{data['rate']:.1f} a second, {_counted(data['outcomes']) or 'none'} this hour"))
    if served:
        quick, slow = (served["milliseconds"][name] for name in ("half", "most"))
        rows.append(_row("latency", f"half within {_ms(quick)}, 95 of 100 within {_ms(slow)}"))
        rows.append(_row("commits", f"{served['commits']}, {served['waiting']} requests wait for the next"))
    oldest = f", the oldest for {box['oldest']:.0f} s" if box["oldest"] is not None else ""
    rows.append(_row("queue", f"{box['queued']} queued{oldest}, {box['failed']} failed"))
    rows.append(_row("waiting", f"{waits['held']} held, {waits['failures']} failures, {waits['stuck']} stuck"))
    if served and served["slowest"]:
        rows += [[], [(f"{'SLOWEST':>8}  {'NUMBER':>8}  {'AGO':>6}  MESSAGE-ID", "bold")]]
        rows += [
            [
                (f"{each['milliseconds']:>5} ms  {each['number'] or '-':>8}  {each['seconds_ago']:>4} s  ", ""),
                (printable(each["message_id"] or "-"), "dim"),
            ]
            for each in served["slowest"]
        ]
    if data["last"]:
        rows += [[], [(f"{'NUMBER':>8}  {'ACTION':8}  {'TARGET':28}  FROM", "bold")]]
        rows += [
            [
                (f"{each['number']:>8}  {each['action']:8}  ", ""),
                (f"{printable(each['target'])[:28]:28}  {printable(each['from'])}", ""),
            ]
            for each in reversed(data["last"])
        ]
    return rows


def _state(served: Mapping[str, Any] | None) -> list[Span]:
    if served is None:
        return [("  no answer from `mailgate serve`: figures of the store alone", "dim")]
    if served["troubles"]:
        return [(f"  not ready: {printable('; '.join(served['troubles']))}", "red")]
    return [("  ready", "green")]


def _row(title: str, text: str) -> Sequence[Span]:
    return [(f"{title:10}", "dim"), (text, "")]


def _counted(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in outcomes.items() if count)


def _ms(milliseconds: int | None) -> str:
    return "more than 30 s" if milliseconds is None else f"{milliseconds} ms"
