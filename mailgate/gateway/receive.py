"""Receive a message: read it, judge it in one transaction, store what was decided and queue what is sent.

What our own judgement cannot take would fail for ever, so it is accepted and held as `failed`, bytes intact. Whatever
else goes wrong (database, disk, configuration, a fault of the machine) raises, and the edge that called defers.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from mailgate import __version__
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.process import deadline, faults
from mailgate.routing import decide
from mailgate.routing import facts as reading
from mailgate.routing.decision import Decision
from mailgate.routing.facts import Facts
from mailgate.routing.judgement import Judgement
from mailgate.routing.state import State
from mailgate.settings.config import Config
from mailgate.store import apply, contacts, snapshot
from mailgate.store.apply import Stored
from mailgate.store.database import Store, Transaction
from mailgate.values.record import Ref

READING = 10.0
"""Seconds of work for reading the facts of a message; linear in its size, so this is for our own mistakes."""
JUDGING = 5.0
"""Seconds of work for the decision, which is made while other deliveries wait."""

Result = TypeVar("Result")


class Receipt(NamedTuple):
    """What was decided and stored.

    number: None where nothing had to be; queued: whether there is something to send; `records`: those that the message
    made or was posted on.
    """

    facts: Facts
    decision: Decision
    number: int | None = None
    queued: bool = False
    records: tuple[Ref, ...] = ()


def receive(store: Store, config: Config, incoming: Incoming, now: float) -> Receipt:
    """Take responsibility for a message: when this returns, what it decided is committed.

    Raises StoreError or OSError; nothing is kept then.
    """
    (receipt,) = receive_all(store, config, [incoming], now)
    return receipt


def receive_all(
    store: Store,
    config: Config,
    messages: Sequence[Incoming],
    now: float,
    also: Callable[[Transaction, int, Receipt], None] | None = None,
) -> list[Receipt]:
    """Take responsibility for several messages, one after the other, with one commit; or for none of them.

    `also` is called for each, with its index, in the same transaction, so that an edge can remember that it is done
    with it. Raises as `receive`, and what `also` raises.
    """
    every = [(read(incoming), incoming.fallback) for incoming in messages]
    receipts = []
    with store.write() as tx:
        for at, (facts, fallback) in enumerate(every):
            judged = judge(tx, config, facts, fallback, now)
            stored = apply.apply(tx, judged, now)
            queued = enqueue(tx, config, judged, stored, now)
            receipts.append(Receipt(judged.facts, judged.decision, stored.number, queued, stored.records))
            if also:
                also(tx, at, receipts[-1])
    return receipts


def preview(store: Store, config: Config, incoming: Incoming, now: float, *, history: bool = True) -> Receipt:
    """The same judgement, nothing written, no lock taken; without `history` as if no mail had come lately."""
    facts = read(incoming)
    with store.read() as tx:
        judged = judge(tx, config, facts, incoming.fallback, now)
    if not history:
        judged = _decided(judged.facts, judged.state.without_history)
    return Receipt(judged.facts, judged.decision)


def read(incoming: Incoming) -> Facts:
    """The facts of a message, before any lock is taken."""
    return _guarded(READING, lambda: reading.read(incoming), lambda why: reading.unread(incoming, why))


def judge(tx: Transaction, config: Config, facts: Facts, fallback: Fallback | None, now: float) -> Judgement:
    """What becomes of a message by the rows of an open transaction."""
    parameters = contacts.parameters(tx)
    ours = snapshot.ours(tx, facts.addresses, contacts.allowed_domains(parameters))
    facts = facts.qualified(ours.directory.default_name)
    facts = _guarded(JUDGING, functools.partial(reading.placed, facts, ours), facts.failed)
    settings = snapshot.settings(config, parameters, fallback)
    return _decided(facts, snapshot.take(tx, facts, ours, settings, now))


def _decided(facts: Facts, state: State) -> Judgement:
    def failed(why: str) -> Judgement:
        failing = facts.failed(why)
        return Judgement(failing, state, decide.failed(failing, state, __version__))

    if facts.failure:
        return failed(facts.failure)
    return _guarded(JUDGING, lambda: Judgement(facts, state, decide.decide(facts, state)), failed)


def _guarded(seconds: float, work: Callable[[], Result], failed: Callable[[str], Result]) -> Result:
    """What `work` gives within so many seconds of CPU time; where a mistake of ours stops it, what `failed` gives.

    What the machine cannot do passes: it would be possible again.
    """
    try:
        with deadline.limit(seconds, worked=True):
            return work()
    except Exception as error:
        if faults.is_of_machine(error):
            raise
        return failed(f"{type(error).__name__}: {error}"[:200])


def enqueue(tx: Transaction, config: Config, judged: Judgement, stored: Stored, now: float) -> bool:
    """Queue what a judgement sends; whether that is anything."""
    if not judged.decision.outgoing:
        return False
    from mailgate.gateway import send  # most mail is answered by nothing and copied to nobody

    return send.enqueue(tx, config, judged, stored, now)
