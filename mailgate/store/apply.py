"""Write down what was decided: outcomes become rows, in the transaction that answers the mail server."""

import functools
from collections.abc import Callable, Mapping

from mailgate import __version__
from mailgate.mail import classify
from mailgate.routing import answer as answers
from mailgate.routing import explain, resolve
from mailgate.routing.decision import Outcome
from mailgate.routing.facts import Facts
from mailgate.routing.judgement import Judgement
from mailgate.routing.permission import rate_key, rate_share
from mailgate.routing.state import State
from mailgate.store import aliases, contacts, effects, failures, held, messages, records
from mailgate.store.database import Transaction
from mailgate.store.held import Held
from mailgate.store.messages import Judged
from mailgate.store.records import NewRecord
from mailgate.values import token
from mailgate.values.address import Address
from mailgate.values.directory import Alias
from mailgate.values.light import NamedTuple
from mailgate.values.mailboxes import Author
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref

Spellings = Mapping[str, str]
"""How the sender spelled addresses of ours (`resolve.written`)."""


class Stored(NamedTuple):
    """The number of the message, None when there was nothing to store, and the records it stands on by it.

    `made`: those that it made, by effect.
    """

    number: int | None
    made: Mapping[Effect, Ref] = {}
    records: tuple[Ref, ...] = ()


def apply(tx: Transaction, judgement: Judgement, now: float, number: int | None = None) -> Stored:
    """Make the rows of a judgement; `number`: of a message that is stored already and judged again."""
    facts, state, decision = judgement
    fresh = [outcome for outcome in decision.outcomes if not outcome.repeated and outcome.taken]
    if not decision.has_effects:
        return Stored(None)
    parent = next((outcome.parent for outcome in fresh if outcome.parent), None)
    judged = Judged(facts.class_.name, parent, _flags(judgement, fresh), decision.answer.addresses)
    if number is None:
        number = messages.add(tx, facts.message, judged, now)
    else:
        messages.judge(tx, number, facts.message.author.address, judged)
        held.release(tx, number)
    made: dict[Effect, Ref] = {}
    written = functools.cache(lambda: resolve.written(facts.message, state.ours))
    for outcome in fresh:
        match outcome.action:
            case "create":
                made[outcome.effect] = _create(tx, number, judgement, outcome, written, now)
            case "post" if outcome.record:
                messages.place(tx, number, outcome.record)
                if facts.class_.name == "person":
                    records.reopen(tx, outcome.record)
                if outcome.completes:
                    _follow(tx, facts, state, outcome.record, state.alias(outcome.alias))
                else:
                    _answer_elsewhere(tx, judgement, outcome, outcome.record)
            case "bounce":
                for reported in outcome.reports:
                    if reported.counts:
                        failures.note(tx, number, reported, now)
            case "hold" if outcome.reason == "misconfigured" and outcome.alias:
                aliases.set_status(tx, outcome.alias, "invalid")
        effects.note(tx, number, facts.message, outcome.effect, accepted=outcome.accepted)
    if any(outcome.action in ("create", "post") for outcome in fresh):
        _heard_from(tx, number, facts)
    for copy in _settled(state, fresh, number):
        held.release(tx, copy)
    _keep(tx, number, fresh, now)
    messages.explain(tx, number, explain.tree(facts, decision, dry_run=False, made=made))
    placed = (made.get(outcome.effect) or outcome.record for outcome in fresh if outcome.action in ("create", "post"))
    return Stored(number, made, tuple(record for record in placed if record))


def _flags(judgement: Judgement, outcomes: list[Outcome]) -> list[str]:
    facts, state, decision = judgement
    flags = {"pass": ["authenticated"], "fail": ["forged"]}.get(decision.authentic, [])
    if state.copies.reused_id:
        flags = ["reused-id", *flags]
    if any(outcome.outsider for outcome in outcomes):
        flags = [*flags, "outsider"]
    if resolve.has_invalid_token(facts.message, state.ours):
        flags = [*flags, "bad-detail"]
    return flags


def _create(
    tx: Transaction, number: int, judgement: Judgement, outcome: Outcome, written: Callable[[], Spellings], now: float
) -> Ref:
    """The record that an alias or the fallback makes, with the message on it and its first followers."""
    assert outcome.model is not None
    facts, state, decision = judgement
    alias = state.alias(outcome.alias)
    author, path = facts.message.author.address, facts.message.envelope.reverse_path
    answered = answers.answer(facts.message, state.ours, trust=answers.trusts(alias)).first
    customer = _customer(judgement, alias)
    asks = customer or answered or facts.message.author.address
    values = {**outcome.values}
    name = values.pop("name", facts.message.subject)
    if asks or "email_from" not in values:
        values["email_from"] = str(asks) if asks else ""
    new = NewRecord(
        outcome.model,
        name,
        values,
        alias=alias.address if alias else None,
        domain=_domain_written(facts, state, alias, written),
        rate_key=rate_key(facts.message, outcome.address),
        rate_share=rate_share(author, path, verified=decision.authentic == "pass"),
    )
    ref = records.make(tx, new, now)
    messages.place(tx, number, ref)
    _follow(tx, facts, state, ref, alias)
    others = [customer] if customer else []
    if alias and alias.cc == "follow" and facts.class_.name == "person" and judgement.decision.authentic != "fail":
        others += answers.copied(facts.message, state.ours)
    for address in others:
        records.add_author(tx, ref, Author(address, "", ""), [address])
    for follower in state.people.notified.get(alias.number, ()) if alias else ():
        records.add_follower(tx, ref, follower.spelled)
    if alias and alias.status != "valid":
        aliases.set_status(tx, alias.number, "valid")
    return ref


def _customer(judgement: Judgement, alias: Alias | None) -> Address | None:
    """The person for whom a member of ours writes, where the alias takes the one in To for that."""
    facts, state, decision = judgement
    contact = state.author.contact
    if not alias or alias.requester != "to" or facts.class_.name != "person" or decision.authentic == "fail":
        return None
    if not contact or contact.archived or not contact.member:
        return None
    return answers.requester(facts.message, state.ours)


def _follow(tx: Transaction, facts: Facts, state: State, ref: Ref, alias: Alias | None) -> None:
    """Let the author follow a record, if it is a person's mail and they can be answered."""
    if facts.class_.name != "person":
        return
    author, ours = facts.message.author, state.ours
    if author.address and resolve.is_local(author.address, ours.directory):
        author = author._replace(address=None)
    addresses = answers.answer(facts.message, ours, trust=answers.trusts(alias)).addresses
    records.add_author(tx, ref, author, addresses)


def _answer_elsewhere(tx: Transaction, judgement: Judgement, outcome: Outcome, ref: Ref) -> None:
    """Answer a follower at another Reply-To, if it is proved that they want it: by an aligned pass, or because they
    wrote to the signed address that was made for them. Else they are answered where they began."""
    facts, state, decision = judgement
    author, answer = facts.message.author, decision.answer
    if author.address is None or answer.source != "Reply-To" or facts.class_.name != "person" or outcome.outsider:
        return
    if decision.authentic == "fail" or classify.is_robot(author.address):
        return
    before = records.answered_at(tx, ref, author.address)
    wanted = [address.key for address in answer.addresses]
    if not before or sorted(before) == sorted(wanted):
        return
    own = {*before, author.address.key}
    written_to = any(
        delivery.recipient in own and delivery.placement.record == ref and not delivery.revoked
        for resolved in resolve.with_tokens(facts.message, state.ours)
        if (delivery := resolved.delivery(token.REPLY))
    )
    if written_to or decision.authentic == "pass":
        records.answer_at(tx, ref, author, answer.addresses)


def _domain_written(facts: Facts, state: State, alias: Alias | None, written: Callable[[], Spellings]) -> str | None:
    """The local domain that was written to: as its people know us, whatever is sent about the record names it."""
    message, ours = facts.message, state.ours
    if alias:
        return written().get(alias.address, alias.address).rpartition("@")[2]
    addresses = (*message.to, *message.cc, *message.envelope.recipients, *message.header_addresses)
    return next((address.domain for address in addresses if address.domain in ours.directory.domains), None)


def _heard_from(tx: Transaction, number: int, facts: Facts) -> None:
    """Remember what a message that was taken answers, and that its author still writes."""
    message = facts.message
    messages.mention(tx, number, message.references)
    if facts.class_.name == "person" and message.author.address:
        contacts.heard_from(tx, message.author.address.key)


def _settled(state: State, outcomes: list[Outcome], number: int) -> set[int]:
    """Kept copies of this message that wait, or were refused, for an address whose mail has its place by now.

    What waits as a person's mail is not settled by a copy that came as automatic, list or report.
    """
    places = {outcome.address or outcome.recipient for outcome in outcomes if outcome.action in ("create", "post")}
    return {
        seen.message
        for seen in state.copies.seen
        if seen.message != number
        and seen.same_content
        and seen.effect.action in ("hold", "refuse")
        and seen.effect.place in places
        and (state.copies.person or not seen.person)
    }


def _keep(tx: Transaction, number: int, outcomes: list[Outcome], now: float) -> None:
    """Held mail, posts whose copies wait, and what was refused by a reply, keep one entry a message.

    Held wins, then what waits; open wins over quiet.
    """
    if kept := [outcome for outcome in outcomes if outcome.action == "hold"]:
        first = min(kept, key=lambda outcome: outcome.quiet)
        held.keep(tx, Held(number, first.reason, first.note, first.quiet, False, __version__, now))
    elif waiting := [outcome for outcome in outcomes if outcome.withheld]:
        post = waiting[0]
        held.keep(tx, Held(number, post.withheld, post.note, post.quiet, False, __version__, now, withheld=True))
    elif refused := [outcome for outcome in outcomes if outcome.action == "refuse"]:
        first = min(refused, key=lambda outcome: outcome.quiet)
        held.keep(tx, Held(number, first.reason, first.note, first.quiet, True, __version__, now))
