"""Decide again about mail that is kept: by hand, or as if it arrived now; and the chores that time brings."""

from typing import NamedTuple

from mailgate import __version__
from mailgate.gateway import receive, send
from mailgate.gateway.receive import Read, Receipt
from mailgate.mail.classify import Kind
from mailgate.mail.incoming import Incoming
from mailgate.routing import copies
from mailgate.routing.decision import Decision, Outcome, Step
from mailgate.settings.config import Config
from mailgate.store import aliases, apply, effects, held, messages, records, snapshot
from mailgate.store.database import Store, Transaction, savepoint
from mailgate.values import status
from mailgate.values.problem import Problem, command
from mailgate.values.record import Ref


class Chores(NamedTuple):
    """What a round of chores did: mail judged again under this version, quiet mail dropped."""

    retried: int
    dropped: int


def route(store: Store, config: Config, number: int, target: str, now: float) -> Receipt:
    """Put a kept message where the administrator says: on a record, or through an alias.

    Block list, spam, policy and rate are not asked, nobody is answered. Raises NotFound, Problem.
    """
    facts = _facts(store, number).facts
    with store.write() as tx:
        entry = held.get(tx, number)
        outcome, why = _by_hand(tx, target)
        acts = next((each for each in aliases.listing(tx) if each.number == outcome.alias), None)
        state = snapshot.take(tx, facts, config, None, now, target=outcome.record, by=acts)
        steps = [Step(**step) for step in messages.explanation(tx, number)["steps"]]
        steps.append(Step("held", f"{entry.reason}; routed by hand to {target}", why))
        kind = Kind(messages.stored(tx, number).classed, "")
        sent_on = copies.relay(facts, state, kind, (outcome,), by_hand=True)
        decision = Decision(kind.name, sent_on.outcomes, sent_on.copies, tuple(steps), status.OK)
        done = apply.apply(tx, facts, state, decision, config, __version__, now, number)
        queued = send.enqueue(tx, done, facts, state, decision, config, now)
    return Receipt(facts, decision, number, queued)


def _by_hand(tx: Transaction, target: str) -> tuple[Outcome, str]:
    ref = Ref.parse(target)
    if ref:
        records.get(tx, ref)
        return Outcome("post", "held", "held", record=ref, model=ref.model), str(ref)
    alias = aliases.reached_by(tx, target)
    if alias.record:
        records.get(tx, alias.record)
        posted = Outcome("post", "alias", "held", address=alias.address, alias=alias.number)
        return posted._replace(record=alias.record, model=alias.record.model), str(alias.record)
    made = Outcome("create", "alias", "held", address=alias.address, alias=alias.number)
    return made._replace(model=alias.model, values=alias.values), alias.model


def retry(store: Store, config: Config, number: int, now: float) -> Receipt:
    """Judge a kept message as if it arrived now, with the envelope it came with. Raises NotFound, Problem.

    It leaves the list when it is accepted, also when a copy of it was; what would only be refused by status stays.
    """
    facts, told, failure = _facts(store, number)
    if facts.whole:
        by_hand = command("mailgate held route {N} --to ADDRESS", number)
        raise Problem(f"only a part of message {number} was collected", command("mailgate fetch --again"), by_hand)
    with store.write() as tx:
        held.get(tx, number)
        with savepoint(tx) as undo:
            effects.forget_waiting(tx, number)
            facts, state, decision = receive.judge(tx, config, facts, told, failure, None, now)
            if decision.novel:
                done = apply.apply(tx, facts, state, decision, config, __version__, now, number)
                queued = send.enqueue(tx, done, facts, state, decision, config, now)
                return Receipt(facts, decision, number, queued)
            undo()
        if all(outcome.reason == "duplicate" for outcome in decision.outcomes):
            held.release(tx, number)
    return Receipt(facts, decision, number)


def _facts(store: Store, number: int) -> Read:
    with store.read() as tx:
        held.get(tx, number)
        raw, stored = messages.raw(tx, number), messages.stored(tx, number)
    facts, told, failure = receive.read(store, Incoming(raw, stored.reverse_path or "", stored.recipients))
    return Read(facts._replace(whole=stored.size if stored.size > len(raw) else 0), told, failure)


def chores(store: Store, config: Config, now: float) -> Chores:
    """Judge again what another version of the program failed on; drop quiet mail that nobody wanted for long."""
    with store.read() as tx:
        failed = held.failed_elsewhere(tx, __version__)
        stale = held.stale(tx, config.keep_quiet, now)
    for number in failed:
        retry(store, config, number, now)
    if stale:
        with store.write() as tx:
            for number in stale:
                held.release(tx, number)
                messages.erase(tx, number)
    return Chores(len(failed), len(stale))
