"""Write down what was decided: outcomes become rows, in the transaction that answers the mail server."""

from collections.abc import Mapping
from typing import NamedTuple

from mailgate.mail.message import Message
from mailgate.routing import explain, resolve
from mailgate.routing.decision import Decision, Outcome
from mailgate.routing.permission import rate_key
from mailgate.routing.state import State
from mailgate.settings.config import Config
from mailgate.store import aliases, contacts, effects, failures, held, messages, records
from mailgate.store.database import Transaction
from mailgate.store.held import Held
from mailgate.store.records import NewRecord
from mailgate.values.directory import Alias
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref


class Remembered(NamedTuple):
    """The number of the message, None when there was nothing to remember, and the records made, by effect."""

    number: int | None
    made: Mapping[Effect, Ref]


def apply(
    tx: Transaction,
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
        return Remembered(None, {})
    parent = next((each.parent for each in fresh if each.parent), None)
    flags = _flags(message, state, decision.authentic, fresh)
    if number is None:
        number = messages.add(tx, message, decision.kind, parent, flags, now)
    else:
        messages.judged(tx, number, decision.kind, parent, flags)
    made: dict[Effect, Ref] = {}
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
        effects.note(tx, number, message, outcome.effect, accepted=outcome.accepted)
    if any(each.action in ("create", "post") for each in fresh):
        messages.mention(tx, number, message.references)
        if decision.kind == "person" and message.author.address:
            contacts.heard_from(tx, message.author.address.key)
    for copy in _settled(state, fresh, number):
        held.release(tx, copy)
    _keep(tx, number, fresh, version, now)
    messages.explain(tx, number, explain.tree(message, decision, dry_run=False, made=made))
    return Remembered(number, made)


def _settled(state: State, outcomes: list[Outcome], number: int) -> set[int]:
    """Kept copies of this message that wait, or were refused, for an address whose mail has its place by now."""
    places = {each.address or each.recipient for each in outcomes if each.action in ("create", "post")}
    return {
        seen.message
        for seen in state.seen
        if seen.message != number
        and seen.same_content
        and seen.effect.action in ("hold", "refuse")
        and seen.effect.place in places
    }


def _flags(message: Message, state: State, authentic: str, outcomes: list[Outcome]) -> list[str]:
    flags = []
    if state.reused_id:
        flags.append("reused-id")
    flags += {"pass": ["authenticated"], "fail": ["forged"]}.get(authentic, [])
    if any(each.outsider for each in outcomes):
        flags.append("outsider")
    if resolve.has_invalid_token(message, state):
        flags.append("bad-detail")
    return flags


def _create(
    tx: Transaction, number: int, message: Message, state: State, kind: str, outcome: Outcome, now: float
) -> Ref:
    assert outcome.model is not None
    author = message.author.address
    values = {**outcome.values}
    name = values.pop("name", message.subject)
    if author or "email_from" not in values:
        values["email_from"] = str(author) if author else ""
    alias = _alias(state, outcome)
    new = NewRecord(
        outcome.model,
        name,
        values,
        alias=alias.address if alias else None,
        domain=_domain_written(message, state, alias),
        rate_key=rate_key(message, outcome.address),
    )
    ref = records.make(tx, new, now)
    messages.place(tx, number, ref)
    if author and kind == "person" and not resolve.is_local(author, state.directory):
        records.add_follower(tx, ref, str(author))
    for follower in state.notified.get(alias.number, ()) if alias else ():
        records.add_follower(tx, ref, follower.spelled)
    if alias:
        aliases.set_status(tx, alias.number, "valid")
    return ref


def _alias(state: State, outcome: Outcome) -> Alias | None:
    return next((each for each in state.directory.aliases.values() if each.number == outcome.alias), None)


def _domain_written(message: Message, state: State, alias: Alias | None) -> str | None:
    """The own domain that was written to: as its people know us, whatever is sent about the record names it."""
    if alias:
        spelled = resolve.written(message, state).get(alias.address, alias.address)
        return spelled.rpartition("@")[2]
    meant = (*message.to, *message.cc, *message.envelope.recipients, *message.header_addresses)
    return next((each.domain for each in meant if each.domain in state.directory.domains), None)


def _keep(tx: Transaction, number: int, outcomes: list[Outcome], version: str, now: float) -> None:
    """Held mail, and what was refused by a reply, keeps one entry a message: held wins, open wins over quiet."""
    kept = [each for each in outcomes if each.action == "hold"] or [
        each for each in outcomes if each.action == "refuse"
    ]
    held.release(tx, number)
    if not kept:
        return
    first = min(kept, key=lambda each: each.quiet)
    refused = first.action == "refuse"
    held.keep(tx, Held(number, first.reason, first.note, first.quiet, refused, version, now))
