"""Tell administrators when something begins to wait for a person, and when nothing does any more.

One mail a change of state, never one a message: what was told stands in the table `notice`, by topic, and is written
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
"""The topic of checks that fail."""
KIND = "notice"
"""The kind of these mails in the outbox; that one of them does not leave is told to nobody."""


def look(store: Store, config: Config, now: float, faults: int | None = None) -> int:
    """Queue what has to be told; how many mails. Without `[notify] to` nobody is told, and nothing is noted.

    `faults`: checks of the doctor that fail, None when he was not asked: then what was told of him stands.
    """
    if not config.notify:
        return 0
    with store.read() as tx:  # most runs end here, without a lock
        if {each.topic for each in _waiting(tx, config, now, faults)} == notices.topics(tx):
            return 0
    with store.write() as tx:
        waits, told = _waiting(tx, config, now, faults), notices.topics(tx)
        well = not waits and bool(told)
        begun = [each for each in waits if each.topic not in told]
        notices.update(tx, told - {each.topic for each in waits}, [each.topic for each in begun], now)
        if not begun and not well:
            return 0
        return _queue(tx, [each._replace(new=each in begun) for each in waits], config.notify, now)


def _waiting(tx: Transaction, config: Config, now: float, faults: int | None) -> list[Wait]:
    ill = DOCTOR in notices.topics(tx) if faults is None else faults > 0
    return count(tx, config, now) + ([Wait(DOCTOR, faults or 1, False)] if ill else [])


def count(tx: Transaction, config: Config, now: float) -> list[Wait]:
    """What waits for a person: open held mail, open failures, mail that does not leave, servers that fail."""
    health = [servers.health(tx, each.number) for each in servers.listing(tx) if each.enabled]
    failing = sum(
        each.paused_at is not None or (each.failing_since is not None and each.failing_since < now - FAILING)
        for each in health
    )
    what = waiting.count(tx, now, sending=config.submit.sends, but=KIND)
    counts = {"held": what.held, "failures": what.failures, "outbox": what.stuck, "servers": failing}
    return [Wait(topic, count, False) for topic, count in counts.items() if count]


def _queue(tx: Transaction, waits: Sequence[Wait], to: Sequence[str], now: float) -> int:
    domain, queued = domains.default(tx), 0
    for each in dict.fromkeys(to):
        if domain is None or address.parse(each) is None or directory.is_local(tx, each):  # it would come back to us
            continue
        letter = notice.notice(waits, each, Origin(domain, keys.secrets(tx)[0], os.urandom(16), now))
        topics = ",".join(wait.topic for wait in waits) or "well"
        draft = Draft(KIND, "waiting" if waits else "well", topics, each, letter.subject, letter.octets)
        outbox.queue(tx, draft, now)
        queued += 1
    return queued
