"""Delete what is older than `[retention]` says, and go on with what was begun, beside deliveries."""

import time
from collections.abc import Callable

from mailgate.settings.config import Config
from mailgate.store import changes, purging
from mailgate.store.database import Store
from mailgate.store.purging import Purge
from mailgate.values import age

LEAST = "7d"
"""No mail is deleted by its age before: its copies and answers of ours are still on their way."""
DAY = 86_400.0
SECONDS = 20.0
"""Seconds that one run of `work` spends on it."""


def work(store: Store, config: Config, now: float) -> int:
    """Ask once a day for what the rules say, and go on with what is not done; how many messages were deleted."""
    _ask(store, config, now)
    end, deleted = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        with store.read() as tx:
            job = purging.unfinished(tx)
        if job is None:
            break
        done = finish(store, job.number, now, end)
        deleted += done.messages - job.messages
    return deleted


def finish(
    store: Store, number: int, now: float, end: float | None = None, report: Callable[[Purge], None] | None = None
) -> Purge:
    """Take the steps of a deletion until it is done, or until a moment of the monotonic clock.

    Between two steps it rests for as long as the first one took, so that deliveries come in between.
    """
    while True:
        begun = time.monotonic()
        with store.write() as tx:
            job = purging.step(tx, number, now)
            if job.done_at is not None and job.by_rule and job.messages:
                days = max(1, round((job.asked_at - job.before_at) / DAY))
                changes.note(tx, "[retention]", f"{job.messages} messages purged: {job.kind} older than {days}d", now)
        if report:
            report(job)
        if job.done_at is not None or (end is not None and time.monotonic() >= end):
            return job
        time.sleep(max(0.005, time.monotonic() - begun))


def _ask(store: Store, config: Config, now: float) -> None:
    rules = {"raw": config.retention_raw, "log": config.retention_log, "messages": config.retention_messages}
    ages = {kind: seconds for kind, text in rules.items() if text and (seconds := age.seconds(text))}
    if not ages:
        return
    with store.read() as tx:
        due = [
            kind
            for kind, seconds in ages.items()
            if not now - DAY < purging.asked_by_rule(tx, kind) <= now and purging.is_plausible(tx, seconds, now)
        ]
    if due:
        with store.write() as tx:
            for kind in due:
                asked = purging.wanted(kind, now - ages[kind], now)
                purging.ask(tx, asked._replace(by_rule=True))
