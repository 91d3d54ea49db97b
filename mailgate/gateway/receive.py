"""Receive one message: facts, snapshot, decision, memory, commit.

What our own judgement cannot take would fail for ever, so it is accepted and held as `failed`, bytes intact. Whatever
else goes wrong (database, disk, configuration) raises, and the edge that called defers.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mailgate import __version__
from mailgate.mail import envelope, message
from mailgate.mail.envelope import Envelope, Hints
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.mail.message import Message
from mailgate.process import deadline
from mailgate.reports import report
from mailgate.reports.report import Report
from mailgate.routing import decide, resolve
from mailgate.routing.decision import Decision, Outcome, Step
from mailgate.routing.state import State
from mailgate.settings.config import Config
from mailgate.store import apply, directory, domains, snapshot
from mailgate.store.apply import Remembered
from mailgate.store.database import Store, Transaction
from mailgate.values import status
from mailgate.values.address import Address
from mailgate.values.problem import NotReady, StoreError, command

READING = 10.0
"""Seconds of work for reading the facts of a message; linear in its size, so this is for our own mistakes."""
JUDGING = 5.0
"""Seconds of work for the decision, which is made while other deliveries wait."""


class Read(NamedTuple):
    """What a message says by itself: its facts, what it reports, and why they could not be read (`""`)."""

    facts: Message
    told: Report | None = None
    failure: str = ""


class Judged(NamedTuple):
    """A judgement with what it was made of; the facts have the recipient that the store knows."""

    facts: Message
    state: State
    decision: Decision


class Receipt(NamedTuple):
    """What was decided and stored. number: None where nothing had to be; queued: whether there is something to send."""

    message: Message
    decision: Decision
    number: int | None = None
    queued: bool = False


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
    every = [(*read(store, incoming), incoming.fallback) for incoming in messages]
    receipts = []
    with store.write() as tx:
        for at, (facts, told, failure, fallback) in enumerate(every):
            facts, state, decision = judge(tx, config, facts, told, failure, fallback, now)
            remembered = apply.apply(tx, facts, state, decision, config, __version__, now)
            queued = _enqueued(tx, remembered, facts, state, decision, config, now)
            receipts.append(Receipt(facts, decision, remembered.number, queued))
            if also:
                also(tx, at, receipts[-1])
    return receipts


def _enqueued(
    tx: Transaction,
    remembered: Remembered,
    facts: Message,
    state: State,
    decision: Decision,
    config: Config,
    now: float,
) -> bool:
    if not decision.outgoing:
        return False
    from mailgate.gateway import send  # most mail is answered by nothing and copied to nobody

    return send.enqueue(tx, remembered, facts, state, decision, config, now)


def preview(store: Store, config: Config, incoming: Incoming, now: float, *, undisturbed: bool = False) -> Receipt:
    """The same judgement, nothing written, no lock taken; `undisturbed`: as if no mail had come lately."""
    facts, told, failure = read(store, incoming)
    with store.read() as tx:
        judged = judge(tx, config, facts, told, failure, incoming.fallback, now, undisturbed=undisturbed)
    return Receipt(judged.facts, judged.decision)


def knows(store: Store, config: Config, recipient: str, fallback: Fallback | None) -> bool:
    """Whether mail for a recipient can be taken at all: not for a stranger in an own domain. Raises as `receive`."""
    nothing = read(store, Incoming(b"", "", (recipient,))).facts
    with store.read() as tx:
        state = snapshot.take(tx, nothing, config, fallback, 0.0)
    owns = resolve.recipients(nothing, state)
    return fallback is not None or all(own is None or own.kind != "unknown" for own in owns)


def read(store: Store, incoming: Incoming) -> Read:
    """The facts of a message and of the report it may be; before any lock is taken."""
    with store.read() as tx:
        found = domains.default(tx)
    default = found.name if found else ""
    if not default:
        raise NotReady("the store has no local domain", command("mailgate domain add example.com"))

    def sender_and_recipients(hints: Hints, author: Address | None) -> Envelope:
        return envelope.read(incoming, hints, author).qualified(default)

    try:
        with deadline.limit(READING, worked=True):
            facts = message.read(incoming.raw, sender_and_recipients)._replace(whole=incoming.whole)
            if incoming.failure:
                return Read(facts, None, incoming.failure)
            told = report.read(facts)
            if told is None:
                with store.read() as tx:
                    expected = directory.takes_reports(tx, _recipients(facts))
                told = report.read(facts, expected=True) if expected else None
            return Read(facts, told)
    except StoreError:
        raise
    except Exception as error:  # a mistake of ours: the mail is kept, whatever it is
        failure = _name(error)
    return Read(message.unread(incoming.raw, sender_and_recipients(Hints(), None), failure), None, failure)


def _recipients(facts: Message) -> tuple[Address, ...]:
    return (*facts.envelope.recipients, *facts.envelope.alternatives, *facts.header_addresses)


def judge(
    tx: Transaction,
    config: Config,
    facts: Message,
    told: Report | None,
    failure: str,
    fallback: Fallback | None,
    now: float,
    *,
    undisturbed: bool = False,
) -> Judged:
    """Snapshot and decision in an open transaction."""
    state = snapshot.take(tx, facts, config, fallback, now, told)
    state = state.undisturbed if undisturbed else state
    if failure:
        return Judged(facts, state, _failed(facts, state, failure))
    try:
        with deadline.limit(JUDGING, worked=True):
            facts = resolve.spelled(facts, state)
            return Judged(facts, state, decide.decide(facts, state, told))
    except Exception as error:  # as in `read`
        return Judged(facts, state, _failed(facts, state, _name(error)))


def _failed(facts: Message, state: State, failure: str) -> Decision:
    recipient = str(facts.envelope.recipients[0]) if facts.envelope.recipients else ""
    held = Outcome("hold", "failed", "failed", recipient, note=f"{failure}; mailgate {__version__}")
    step = Step("failed", failure, "hold")
    return Decision("person", (state.repeated(held),), (), (step,), status.OK)


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
