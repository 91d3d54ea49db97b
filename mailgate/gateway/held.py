"""Route held mail by hand, judge it again, and do the periodic chores."""

from typing import Any, NamedTuple

from mailgate import __version__
from mailgate.gateway import receive
from mailgate.gateway.receive import Receipt
from mailgate.mail.classify import Class
from mailgate.mail.incoming import Incoming
from mailgate.routing import context, copies, decide, explain
from mailgate.routing.decision import Decision, Outcome, Outgoing, Step
from mailgate.routing.facts import Facts
from mailgate.routing.judgement import Judgement
from mailgate.settings.config import Config
from mailgate.store import aliases, apply, deliveries, effects, held, messages, parameters, records, snapshot
from mailgate.store.apply import Stored as Kept
from mailgate.store.database import Store, Transaction, savepoint
from mailgate.store.held import Held
from mailgate.store.messages import Stored
from mailgate.values.directory import Alias
from mailgate.values.problem import Problem, command
from mailgate.values.record import Ref


class Chores(NamedTuple):
    """What a round of chores did: the numbers of messages judged again and of quiet messages dropped."""

    retried: int
    dropped: int


def route(store: Store, config: Config, number: int, target: str, now: float) -> Receipt:
    """Post a held message on the record, or through the alias, that the administrator names.

    The rules on blocked senders, spam, policy and rate do not apply, and no answer is sent. Raises NotFound, Problem;
    Problem too where the message is on a record already, and only its copies wait.
    """
    facts = receive.read(_incoming(store, number))
    with store.write() as tx:
        entry = held.get(tx, number)
        if entry.withheld:
            retry_, move = (
                command("mailgate held retry {N}", number),
                command("mailgate message move {N} --help", number),
            )
            raise Problem(f"message {number} is on a record, and only its copies wait", retry_, move)
        outcome, alias = _by_hand(tx, target)
        values = parameters.listing(tx)
        ours = snapshot.ours(tx, facts.addresses, parameters.allowed_domains(values))
        ours = ours._replace(directory=ours.directory.with_aliases([alias] if alias else []))
        facts = facts.qualified(ours.directory.default_name)
        settings = snapshot.settings(config, values, None)
        facts = facts._replace(class_=_stored_class(facts, messages.stored(tx, number).classed))
        state = snapshot.take(tx, facts, ours, settings, now, outcome.record)
        copied = copies.copied(context.of(facts, state), (outcome,), by_hand=True)
        steps = [Step(**step) for step in messages.explanation(tx, number)["steps"]]
        word = str(outcome.record or outcome.model)
        steps.append(Step("held", f"{entry.reason}; routed by hand to {target}", word))
        answers = decide.answered(facts, state, copied.outcomes)
        judged = Judgement(facts, state, Decision(copied.outcomes, copied.copies, tuple(steps), answer=answers))
        queued = receive.enqueue(tx, config, judged, apply.apply(tx, judged, now, number), now)
    return Receipt(facts, judged.decision, number, queued)


def _stored_class(facts: Facts, name: str) -> Class:
    """The class that is stored for a message: the stored envelope may lack what decided it."""
    return facts.class_ if facts.class_.name == name else Class(name, "")


def _by_hand(tx: Transaction, target: str) -> tuple[Outcome, Alias | None]:
    """The outcome for a target: a post on a record, or what an alias does. Raises NotFound."""
    ref = Ref.parse(target)
    if ref:
        records.get(tx, ref)
        return Outcome("post", "held", "held", record=ref, model=ref.model), None
    alias = aliases.reached_by(tx, target)
    outcome = Outcome("create", "alias", "held", address=alias.address, alias=alias.number, model=alias.model)
    if alias.record:
        records.get(tx, alias.record)
        return outcome._replace(action="post", record=alias.record, model=alias.record.model), alias
    return outcome._replace(values=alias.values), alias


def retry(store: Store, config: Config, number: int, now: float) -> Receipt:
    """Judge a held message as if it arrived now, with its original envelope. Raises NotFound, Problem.

    It leaves the list when it, or a copy of it, is accepted. It stays when it would only be refused by status. Of a
    message that is on a record already, the copies that were withheld are sent.
    """
    incoming = _incoming(store, number)
    if incoming.full_size:
        by_hand = command("mailgate held route {N} --to ADDRESS", number)
        raise Problem(f"only a part of message {number} was collected", command("mailgate fetch --again"), by_hand)
    facts = receive.read(incoming)
    with store.write() as tx:
        entry = held.get(tx, number)
        if entry.withheld:
            return _send_copies(tx, config, facts, entry, now)
        with savepoint(tx) as undo:
            effects.forget_waiting(tx, number)
            judged = receive.judge(tx, config, facts, None, now)
            facts, _, decision = judged
            if decision.has_effects:
                queued = receive.enqueue(tx, config, judged, apply.apply(tx, judged, now, number), now)
                return Receipt(facts, decision, number, queued)
            undo()
        if all(outcome.reason == "duplicate" for outcome in decision.outcomes):
            held.release(tx, number)
    return Receipt(facts, decision, number)


def _send_copies(tx: Transaction, config: Config, facts: Facts, entry: Held, now: float) -> Receipt:
    """Send the copies that wait, to those who follow today and have none; the message leaves the list.

    Raises Problem where none may be sent.
    """
    number = entry.message
    values = parameters.listing(tx)
    ours = snapshot.ours(tx, facts.addresses, parameters.allowed_domains(values))
    facts = facts.qualified(ours.directory.default_name)
    stored, tree = messages.stored(tx, number), messages.explanation(tx, number)
    facts = facts._replace(class_=_stored_class(facts, stored.classed))
    settings = snapshot.settings(config, values, None)
    posts: list[Outcome] = []
    sent: list[Outgoing] = []
    for record in _where_copies_wait(stored, tree):
        state = snapshot.take(tx, facts, ours, settings, now, record)
        post = Outcome("post", entry.reason, "held", record=record, model=record.model, parent=stored.parent)
        post = post._replace(outsider="outsider" in stored.flags)
        letters = copies.released(context.of(facts, state), post, deliveries.recipients(tx, number, record))
        receive.enqueue(tx, config, Judgement(facts, state, Decision((post,), letters, ())), Kept(number), now)
        posts.append(post)
        sent += letters
    step = Step("held", f"{entry.reason}; copies sent by hand", "1 copy" if len(sent) == 1 else f"{len(sent)} copies")
    decision = Decision(tuple(posts), tuple(sent), (step,))
    tree["steps"].append(step._asdict())
    tree["outgoing"] += explain.outgoing(decision)
    for outcome in tree["outcomes"]:
        outcome.pop("withheld", None)
    messages.explain(tx, number, tree)
    held.release(tx, number)
    return Receipt(facts, decision, number, bool(sent))


def _where_copies_wait(stored: Stored, tree: dict[str, Any]) -> list[Ref]:
    """The records of a message on which its copies wait; all of its records, where those were moved or merged."""
    waiting = {outcome["record"] for outcome in tree["outcomes"] if outcome.get("withheld")}
    return [record for record in stored.records if str(record) in waiting] or list(stored.records)


def drop(tx: Transaction, number: int) -> Held:
    """Take a message off the list: its bytes are deleted, but for one that is on a record. Raises NotFound."""
    entry = held.get(tx, number)
    held.release(tx, number)
    if not entry.withheld:
        messages.erase(tx, number)
    return entry


def _incoming(store: Store, number: int) -> Incoming:
    """A held message with its original envelope. Raises NotFound."""
    with store.read() as tx:
        held.get(tx, number)
        raw, stored = messages.raw(tx, number), messages.stored(tx, number)
    full_size = stored.size if stored.size > len(raw) else 0
    return Incoming(raw, stored.reverse_path or "", stored.recipients, full_size=full_size)


def chores(store: Store, config: Config, now: float) -> Chores:
    """Judge again what another version of the program failed on; drop quiet mail after `keep_quiet` days."""
    with store.read() as tx:
        failed = held.failed_elsewhere(tx, __version__)
        stale = held.stale(tx, config.keep_quiet, now)
    for number in failed:
        retry(store, config, number, now)
    if stale:
        with store.write() as tx:
            for number in stale:
                drop(tx, number)
    return Chores(len(failed), len(stale))
