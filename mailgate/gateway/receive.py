"""Receive a message: read it, judge it in one transaction, store what was decided and queue what is sent.

What our own judgement cannot take would fail for ever, so it is accepted and held as `failed`, bytes intact. Whatever
else goes wrong (database, disk, configuration, a fault of the machine) raises, and the edge that called defers.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mailgate import __version__
from mailgate.mail import envelope
from mailgate.mail.envelope import Hints
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.process import deadline, faults
from mailgate.routing import decide, resolve
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
    every = [read(incoming) for incoming in messages]
    receipts = []
    with store.write() as tx:
        for at, facts in enumerate(every):
            judged = judge(tx, config, facts, messages[at].fallback, now)
            stored = apply.apply(tx, judged, now)
            queued = enqueue(tx, config, judged, stored, now)
            placed = (each for each in judged.decision.outcomes if each.action in ("create", "post"))
            records = tuple(ref for each in placed if (ref := each.record or stored.made.get(each.effect)))
            receipts.append(Receipt(judged.facts, judged.decision, stored.number, queued, records))
            if also:
                also(tx, at, receipts[-1])
    return receipts


def preview(store: Store, config: Config, incoming: Incoming, now: float, *, undisturbed: bool = False) -> Receipt:
    """The same judgement, nothing written, no lock taken; `undisturbed`: as if no mail had come lately."""
    facts = read(incoming)
    with store.read() as tx:
        judged = judge(tx, config, facts, incoming.fallback, now)
    if undisturbed:
        judged = _decided(judged.facts, judged.state.without_history)
    return Receipt(judged.facts, judged.decision)


def knows(store: Store, recipient: str, fallback: Fallback | None) -> bool:
    """Whether mail for a recipient can be taken at all: not for a stranger in a local domain. Raises as `receive`."""
    told = envelope.read(Incoming(b"", "", (recipient,)), Hints(), None)
    with store.read() as tx:
        ours = snapshot.ours(tx, told.recipients, contacts.allowed_domains(contacts.parameters(tx)))
    recipients = resolve.recipients(told.qualified(ours.directory.default_name), ours)
    return fallback is not None or all(found is None or found.kind != "unknown" for found in recipients)


def read(incoming: Incoming) -> Facts:
    """The facts of a message, before any lock is taken; whatever goes wrong, the mail is kept."""
    try:
        with deadline.limit(READING, worked=True):
            return reading.read(incoming)
    except Exception as error:
        if faults.is_of_machine(error):
            raise
        return reading.unread(incoming, _name(error))


def judge(tx: Transaction, config: Config, facts: Facts, fallback: Fallback | None, now: float) -> Judgement:
    """What becomes of a message by the rows of an open transaction."""
    parameters = contacts.parameters(tx)
    ours = snapshot.ours(tx, facts.addresses, contacts.allowed_domains(parameters))
    facts = facts.qualified(ours.directory.default_name)
    try:
        with deadline.limit(JUDGING, worked=True):
            facts = reading.placed(facts, ours)
    except Exception as error:
        if faults.is_of_machine(error):
            raise
        facts = facts.failed(_name(error))
    settings = snapshot.settings(config, parameters, fallback)
    return _decided(facts, snapshot.take(tx, facts, ours, settings, now))


def _decided(facts: Facts, state: State) -> Judgement:
    if not facts.failure:
        try:
            with deadline.limit(JUDGING, worked=True):
                return Judgement(facts, state, decide.decide(facts, state))
        except Exception as error:
            if faults.is_of_machine(error):
                raise
            facts = facts.failed(_name(error))
    return Judgement(facts, state, decide.failed(facts, state, __version__))


def enqueue(tx: Transaction, config: Config, judged: Judgement, stored: Stored, now: float) -> bool:
    """Queue what a judgement sends; whether that is anything."""
    if not judged.decision.outgoing:
        return False
    from mailgate.gateway import send  # most mail is answered by nothing and copied to nobody

    return send.enqueue(tx, config, judged, stored, now)


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
