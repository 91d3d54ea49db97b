"""Write down what was decided: outcomes and debts become rows, in the transaction that answers the mail server."""

import sqlite3
from typing import NamedTuple

from mailgate.judgement import addressed, explain
from mailgate.judgement.decision import Decision, Outcome, Outgoing, Ref
from mailgate.judgement.policy import own_author, rate_key
from mailgate.judgement.state import Alias, State
from mailgate.mail.message import Message
from mailgate.settings.config import Config
from mailgate.tables import aliases, domains, failures, held, messages, outbox, own, people, records
from mailgate.values.problem import StoreError


class Remembered(NamedTuple):
    """The number of the message, None when there was nothing to remember, and whether something is owed now."""

    number: int | None
    owed: bool


def apply(
    tx: sqlite3.Connection,
    message: Message,
    state: State,
    decision: Decision,
    config: Config,
    version: str,
    now: float,
    number: int | None = None,
) -> Remembered:
    """Make the rows of a decision; `number`: of a message that is stored already and judged again."""
    fresh = [each for each in decision.outcomes if not each.repeated and each.taken]
    if not decision.novel:
        return Remembered(None, False)
    parent = next((each.parent for each in fresh if each.parent), None)
    flags = _flags(message, state, decision.authentic, fresh)
    if number is None:
        number = messages.add(tx, message, decision.kind, parent, flags, now)
    else:
        messages.judged(tx, number, decision.kind, parent, flags)
    made: dict[str, Ref] = {}
    for outcome in fresh:
        match outcome.action:
            case "create":
                made[outcome.effect] = _create(tx, number, message, state, decision.kind, outcome, now)
            case "post" if outcome.record:
                messages.place(tx, number, outcome.record)
            case "bounce":
                for each in outcome.reports:
                    if each.counts:
                        failures.note(tx, number, each, now)
            case "hold" if outcome.reason == "misconfigured" and outcome.alias:
                aliases.set_status(tx, outcome.alias, "invalid")
        messages.note_effect(tx, number, message, outcome.effect, outcome.accepted)
    if any(each.action in ("create", "post") for each in fresh):
        messages.mention(tx, number, message.references)
        if decision.kind == "person" and message.author.address:
            people.heard_from(tx, message.author.address.key)
    for copy in _settled(state, fresh, number):
        held.release(tx, copy)
    _keep(tx, number, fresh, version, now)
    for outcome in fresh:
        copies = [each.to for each in decision.outgoing if each.kind == "copy" and each.effect == outcome.effect]
        record = made.get(outcome.effect) or outcome.record
        if copies and record:
            _copy(tx, number, message, record, outcome, copies, now)
    for outgoing in decision.outgoing:
        if outgoing.kind == "copy":
            continue
        failure = _owe(tx, number, message, state, outgoing, config, now)
        if failure:
            held.keep(tx, number, outgoing.reason, failure, quiet=False, refused=False, version=version, now=now)
    messages.explain(tx, number, explain.tree(message, decision, dry_run=False, made=made))
    return Remembered(number, bool(decision.outgoing))


def _settled(state: State, outcomes: list[Outcome], number: int) -> set[int]:
    """Kept copies of this message that wait, or were refused, for an address whose mail has its place by now."""
    places = {each.address or each.recipient for each in outcomes if each.action in ("create", "post")}
    return {
        seen.message
        for seen in state.seen
        if seen.message != number
        and seen.same_content
        and seen.effect.startswith(("hold:", "refuse:"))
        and seen.effect.rpartition(":")[2] in places
    }


def _flags(message: Message, state: State, authentic: str, outcomes: list[Outcome]) -> list[str]:
    flags = []
    if state.reused_id:
        flags.append("reused-id")
    flags += {"pass": ["authenticated"], "fail": ["forged"]}.get(authentic, [])
    if any(each.outsider for each in outcomes):
        flags.append("outsider")
    if addressed.doubtful(message, state):
        flags.append("bad-detail")
    return flags


def _copy(
    tx: sqlite3.Connection,
    number: int,
    message: Message,
    record: Ref,
    outcome: Outcome,
    addresses: list[str],
    now: float,
) -> None:
    """Owe the copies of a message that its record's followers get."""
    from mailgate.memory import dispatch  # most mail is copied to nobody
    from mailgate.writing import posting

    whom = dispatch.identity(tx, records.get(tx, record))
    tx.execute("SAVEPOINT copies")
    try:
        heading = posting.heading(message, whom, dispatch.mark(whom), outcome.parent, now)
        dispatch.send(tx, record, number, whom, heading, addresses, message.body_at, kind="copy", reason=outcome.reason)
    except (sqlite3.Error, StoreError):
        raise
    except Exception as error:  # a mistake of ours, which would come again with every delivery of this message
        tx.execute("ROLLBACK TO copies")
        failure = f"the copy could not be written: {type(error).__name__}: {error}"[:200]
        for each in addresses:
            outbox.give_up(tx, "copy", outcome.reason, str(record), each, message.subject, failure, number, now)
    tx.execute("RELEASE copies")


def _create(
    tx: sqlite3.Connection, number: int, message: Message, state: State, kind: str, outcome: Outcome, now: float
) -> Ref:
    assert outcome.model is not None
    author = message.author.address
    values = {**outcome.values}
    name = values.pop("name", message.subject)
    if author or "email_from" not in values:
        values["email_from"] = str(author) if author else ""
    alias = _alias(state, outcome)
    ref = records.make(
        tx,
        outcome.model,
        name,
        values,
        alias=alias.address if alias else None,
        domain=_domain_written(message, state, alias),
        sender=rate_key(message, outcome.address),
        now=now,
    )
    messages.place(tx, number, ref)
    ours = own_author(message, state) or own.is_own(tx, str(author))  # a detail that nobody signed is ours too
    if author and kind == "person" and not ours:
        records.add_follower(tx, ref, str(author))
    for address in alias.notify if alias else ():
        if not own.is_own(tx, address):  # it may have become one since
            records.add_follower(tx, ref, address)
    if alias:
        aliases.set_status(tx, alias.number, "valid")
    return ref


def _alias(state: State, outcome: Outcome) -> Alias | None:
    return next((each for each in state.aliases.values() if each.number == outcome.alias), None)


def _domain_written(message: Message, state: State, alias: Alias | None) -> str | None:
    """The own domain that was written to: as its people know us, whatever is sent about the record names it."""
    if alias:
        spelled = addressed.written(message, state).get(alias.address, alias.address)
        return spelled.rpartition("@")[2]
    meant = (*message.to, *message.cc, *message.envelope.recipients, *message.header_addresses)
    return next((each.domain for each in meant if each.domain in state.domains), None)


def _keep(tx: sqlite3.Connection, number: int, outcomes: list[Outcome], version: str, now: float) -> None:
    """Held mail, and what was refused by a reply, keeps one entry a message: held wins, open wins over quiet."""
    kept = [each for each in outcomes if each.action == "hold"] or [
        each for each in outcomes if each.action == "refuse"
    ]
    held.release(tx, number)
    if not kept:
        return
    first = min(kept, key=lambda each: each.quiet)
    refused = first.action == "refuse"
    held.keep(tx, number, first.reason, first.note, quiet=first.quiet, refused=refused, version=version, now=now)


def _owe(
    tx: sqlite3.Connection,
    number: int,
    message: Message,
    state: State,
    outgoing: Outgoing,
    config: Config,
    now: float,
) -> str:
    """Queue an answer; why it could not be written (`""`): the mail is held then, like all that we cannot take."""
    import os

    from mailgate.writing import compose

    domain = state.domains.get(outgoing.domain) or domains.default(tx)
    assert domain is not None
    try:
        template = compose.template(outgoing.words, domain, config.templates)
        meant = state.aliases.get(outgoing.about[0]) if outgoing.about else None
        policy = meant.policy if meant else ""
        letter = compose.refusal(message, outgoing, domain, state.secrets[0], os.urandom(16), now, template, policy)
    except Exception as error:  # a mistake of ours, which would come again with every delivery of this message
        return f"the answer could not be written: {type(error).__name__}: {error}"[:200]
    about = ",".join(outgoing.about)
    outbox.queue(
        tx, outgoing.kind, outgoing.reason, about, outgoing.to, None, letter.subject, letter.octets, number, now
    )
    return ""
