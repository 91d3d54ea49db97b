"""Receive a message: read it, judge it in one transaction, store the decision and queue what it sends.

A message that crashes our own judgement would fail for ever, so it is accepted and held as `failed`, bytes intact.
Every other fault (database, disk, configuration, machine) raises, and the calling edge defers.
"""

import functools
from collections.abc import Callable, Sequence

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
from mailgate.store import apply, parameters, snapshot
from mailgate.store.apply import Stored
from mailgate.store.database import Store, Transaction
from mailgate.values.light import NamedTuple, TypeVar
from mailgate.values.record import Ref

READING = 10.0
"""Seconds of work for reading the facts of a message; linear in its size, so this is for our own mistakes."""
JUDGING = 5.0
"""Seconds of work for the decision, which is made while other deliveries wait."""

Result = TypeVar("Result")


class Receipt(NamedTuple):
    """What was decided and stored.

    `number`: None where nothing was stored. `queued`: whether there is something to send. `records`: those that the
    message created or was posted on.
    """

    facts: Facts
    decision: Decision
    number: int | None = None
    queued: bool = False
    records: tuple[Ref, ...] = ()


def receive(store: Store, config: Config, incoming: Incoming, now: float, facts: Facts | None = None) -> Receipt:
    """Take responsibility for a message: when this returns, what it decided is committed.

    `facts`: its facts where it was read already. Raises StoreError or OSError; nothing is kept then.
    """
    facts = facts or read(incoming)
    with store.write() as tx:
        return take(tx, config, facts, incoming.fallback, now)


def receive_all(
    store: Store,
    config: Config,
    messages: Sequence[Incoming],
    now: float,
    also: Callable[[Transaction, int, Receipt], None] | None = None,
) -> list[Receipt]:
    """Take responsibility for several messages, in order, with one commit; or for none of them.

    Calls `also` for each message, with its index, in the same transaction, so that the caller can record that it is
    done. Raises as `receive`, and what `also` raises.
    """
    read_messages = [(read(incoming), incoming.fallback) for incoming in messages]
    receipts = []
    with store.write() as tx:
        for at, (facts, fallback) in enumerate(read_messages):
            receipts.append(take(tx, config, facts, fallback, now))
            if also:
                also(tx, at, receipts[-1])
    return receipts


def take(tx: Transaction, config: Config, facts: Facts, fallback: Fallback | None, now: float) -> Receipt:
    """Judge a message, store what becomes of it and queue what it sends, in an open transaction."""
    judged = judge(tx, config, facts, fallback, now)
    stored = apply.apply(tx, judged, now)
    queued = enqueue(tx, config, judged, stored, now)
    return Receipt(judged.facts, judged.decision, stored.number, queued, stored.records)


def preview(store: Store, config: Config, incoming: Incoming, now: float, *, history: bool = True) -> Receipt:
    """Judge as `receive` does, without a write or a lock. Without `history`: as if no mail had come lately."""
    facts = read(incoming)
    with store.read() as tx:
        judged = judge(tx, config, facts, incoming.fallback, now)
    if not history:
        judged = _decided(judged.facts, judged.state.without_history)
    return Receipt(judged.facts, judged.decision)


def read(incoming: Incoming) -> Facts:
    """The facts of a message, before any lock is taken."""
    return _guarded(READING, lambda: reading.read(incoming), lambda why: reading.unread(incoming, why))


def read_again(facts: Facts, incoming: Incoming) -> Facts:
    """The facts of a message that was read already, for another envelope, which names reverse-path and recipients."""
    return reading.for_envelope(facts, incoming)


def judge(tx: Transaction, config: Config, facts: Facts, fallback: Fallback | None, now: float) -> Judgement:
    """What becomes of a message by the rows of an open transaction."""
    values = parameters.listing(tx)
    ours = snapshot.ours(tx, facts.addresses, parameters.allowed_domains(values))
    facts = facts.qualified(ours.directory.default_name)
    facts = _guarded(JUDGING, functools.partial(reading.placed, facts, ours), facts.failed)
    settings = snapshot.settings(config, values, fallback)
    return _decided(facts, snapshot.take(tx, facts, ours, settings, now))


def _decided(facts: Facts, state: State) -> Judgement:
    def failed(why: str) -> Judgement:
        failing = facts.failed(why)
        return Judgement(failing, state, decide.failed(failing, state, __version__))

    if facts.failure:
        return failed(facts.failure)
    return _guarded(JUDGING, lambda: Judgement(facts, state, decide.decide(facts, state)), failed)


def _guarded(seconds: float, work: Callable[[], Result], failed: Callable[[str], Result]) -> Result:
    """The result of `work` within `seconds` of CPU time; after a mistake of ours, the result of `failed`.

    Faults of the machine are raised: the same work may succeed later.
    """
    try:
        with deadline.limit(seconds, worked=True):
            return work()
    except Exception as error:
        if faults.is_of_machine(error):
            raise
        return failed(f"{type(error).__name__}: {error}"[:200])


def enqueue(tx: Transaction, config: Config, judged: Judgement, stored: Stored, now: float) -> bool:
    """Queue what a judgement sends, and return whether that is anything."""
    if not judged.decision.outgoing:
        return False
    from mailgate.gateway import send  # most mail is answered by nothing and copied to nobody

    return send.enqueue(tx, config, judged, stored, now)
