"""Notify administrators when something starts to wait for a person, and when nothing does any more.

One mail a change of state, never one a message. The table `notice` has the topics that were reported. It is written
in the transaction that queues the mail.
"""

import os
from collections.abc import Sequence

from mailgate.compose import notice
from mailgate.compose.notice import Wait
from mailgate.compose.origin import Origin
from mailgate.settings.config import Config
from mailgate.store import directory, domains, keys, notices, outbox, servers, waiting
from mailgate.store.database import Store, Transaction
from mailgate.store.outbox import Draft
from mailgate.values import address

FAILING = 3_600.0
"""Seconds after which a server that still fails is worth a mail."""
DOCTOR = "doctor"
"""The topic of checks of `mailgate doctor` that fail."""
KIND = "notice"
"""The kind of these mails in the outbox. One that cannot be sent is not reported."""


def look(store: Store, config: Config, now: float, faults: int | None = None) -> int:
    """Queue the notices that are due, and return how many. Does nothing without `[notify] to`.

    `faults`: the number of failed checks of the doctor; None when it did not run, which keeps its topic as it is.
    """
    if not config.notify:
        return 0
    with store.read() as tx:  # most runs end here, without a lock
        if {wait.topic for wait in _waiting(tx, config, now, faults)} == notices.topics(tx):
            return 0
    with store.write() as tx:
        waits, reported = _waiting(tx, config, now, faults), notices.topics(tx)
        over = not waits and bool(reported)
        started = [wait for wait in waits if wait.topic not in reported]
        notices.update(tx, reported - {wait.topic for wait in waits}, [wait.topic for wait in started], now)
        if not started and not over:
            return 0
        return _queue(tx, [wait._replace(new=wait in started) for wait in waits], config.notify, now)


def _waiting(tx: Transaction, config: Config, now: float, faults: int | None) -> list[Wait]:
    failing = DOCTOR in notices.topics(tx) if faults is None else faults > 0
    return count(tx, config, now) + ([Wait(DOCTOR, faults or 1, False)] if failing else [])


def count(tx: Transaction, config: Config, now: float) -> list[Wait]:
    """What waits for a person: open held mail, open failures, mail that does not leave, servers that fail."""
    health = [servers.health(tx, server.number, now) for server in servers.listing(tx) if server.enabled]
    failing = sum(
        state.paused_at is not None or (state.failing_since is not None and state.failing_since < now - FAILING)
        for state in health
    )
    open_ = waiting.count(tx, now, sending=config.submit.sends, but=KIND)
    counts = {"held": open_.held, "failures": open_.failures, "outbox": open_.stuck, "servers": failing}
    return [Wait(topic, count, False) for topic, count in counts.items() if count]


def _queue(tx: Transaction, waits: Sequence[Wait], to: Sequence[str], now: float) -> int:
    domain, queued = domains.default(tx), 0
    for recipient in dict.fromkeys(to):
        # what goes to a local address would come back
        if domain is None or address.parse(recipient) is None or directory.is_local(tx, recipient):
            continue
        letter = notice.notice(waits, recipient, Origin(domain, keys.secrets(tx)[0], os.urandom(16), now))
        topics = ",".join(wait.topic for wait in waits) or "well"
        draft = Draft(KIND, "waiting" if waits else "well", topics, recipient, letter.subject, letter.octets)
        outbox.queue(tx, draft, now)
        queued += 1
    return queued
