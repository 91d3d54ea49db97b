"""The options of a long list, and the list itself: streamed as JSON, as lines of JSON, or as a table."""

import contextlib
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App
from mailgate.store import lists
from mailgate.store.database import Transaction
from mailgate.store.lists import Key, Source, Wanted
from mailgate.values.problem import NotFound

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

SCREEN = 50
"""Entries of a list on a terminal, where no limit is named."""
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_557_600}


class Asked(NamedTuple):
    """What the options of a list ask for. form: `screen`, `json`, `jsonl` or `ids`."""

    wanted: Wanted
    form: str

    @property
    def narrowed(self) -> bool:
        """Whether anything but the number of entries is asked for."""
        return self.wanted._replace(limit=None) != Wanted()


class Moment(click.ParamType[float]):
    """A point in time: an ISO 8601 date or time, in UTC where it names no zone, or an age, as in `2h`.

    With `end`, a date means the last moment of that day.
    """

    name = "time"

    def __init__(self, *, end: bool = False) -> None:
        self.end = end

    def convert(self, value: object, parameter: click.Parameter | None, context: click.Context | None) -> float:
        text = str(value).strip()
        if age := re.fullmatch(r"(\d{1,9})\s*(s|min|m|h|d|w|y)", text, re.ASCII):
            return time.time() - int(age[1]) * _UNITS[age[2]]
        try:
            moment = datetime.fromisoformat(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            if self.end and re.fullmatch(r"\d{4}-?\d\d-?\d\d", text):
                moment += timedelta(days=1, microseconds=-1)
            return moment.timestamp()
        except (ValueError, OverflowError):
            self.fail(
                f"{text!r} is no time: write 2026-11-30, 2026-11-30T10:00, or an age as 2h or 7d", parameter, context
            )


def list_options(*, states: Sequence[str] = (), sender: bool = True, subject: bool = True) -> Callable[[F], F]:
    """The options that narrow a list; the command gets them as `asked`. states: the values of `--state`."""
    options = [
        click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the last N; 50 on a terminal."),
        click.option("--since", type=Moment(), metavar="TIME", help="Only from a time on: a date, or an age as 7d."),
        click.option("--until", type=Moment(end=True), metavar="TIME", help="Only up to a time."),
    ]
    if sender:
        options.append(click.option("--from", "sender", metavar="TEXT", help="Only with this text in the sender."))
    options.append(click.option("--to", "to", metavar="TEXT", help="Only with this text in the recipients."))
    if subject:
        options.append(click.option("--subject", metavar="TEXT", help="Only with this text in the subject."))
    if states:
        options.append(click.option("--state", type=click.Choice(list(states)), help="Only in this state."))
    options.append(click.option("--jsonl", "as_lines", is_flag=True, help="Print JSON, one object a line."))
    options.append(click.option("--json", "as_json", is_flag=True, help="Print JSON."))

    def decorate(function: F) -> F:
        @wraps(function)
        def command(*arguments: Any, limit: int | None, as_json: bool, as_lines: bool, **more: Any) -> Any:
            form = "jsonl" if as_lines else "json" if as_json else "screen"
            if limit is None and form == "screen" and sys.stdout.isatty():
                limit = SCREEN
            texts = {name: more.pop(name, None) or "" for name in ("sender", "to", "subject", "state")}
            wanted = Wanted(since=more.pop("since"), until=more.pop("until"), limit=limit, **texts)
            return function(*arguments, asked=Asked(wanted, form), **more)

        decorated: Any = command
        for option in reversed(options):
            decorated = option(decorated)
        return cast(F, decorated)

    return decorate


class View(NamedTuple):
    """How the entries of a list are read and shown: `read` from the store, `data` as JSON, `row` in the table."""

    read: Callable[[Transaction, Key], Any]
    data: Callable[[Transaction, Any], Any]
    row: Callable[[Transaction, Any], Sequence[object]]
    header: Sequence[str]
    empty: str


def show(app: App, source: Source, asked: Asked, view: View) -> None:
    """Print a list; nothing of it is kept in memory but a page. Raises StoreError before anything is printed."""
    assert app.store
    if asked.form == "screen":
        rows = read(app, source, asked, lambda tx, key: view.row(tx, view.read(tx, key)))
        console.table(view.header, rows, view.empty)
        app.finish()
        return
    entries = read(app, source, asked, lambda tx, key: view.data(tx, view.read(tx, key)))
    if asked.form == "jsonl":
        for entry in entries:
            console.row(entry)
    else:
        console.array(entries)


def read(app: App, source: Source, asked: Asked, each: Callable[[Transaction, Key], T]) -> Iterator[T]:
    """What `each` reads for the entries that are asked for. One that is gone since its page was read is left out."""
    for keys in lists.pages(app.store, source, asked.wanted):
        for at in range(0, len(keys), _BATCH):
            entries = []
            with app.store.read() as tx:
                for key in keys[at : at + _BATCH]:
                    with contextlib.suppress(NotFound):
                        entries.append(each(tx, key))
            yield from entries


_BATCH = 20
"""Entries that one transaction reads whole: messages may be large."""
