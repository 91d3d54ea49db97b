"""Who gets a copy of what a person wrote on a record, and who does not."""

from typing import NamedTuple

from mailgate.routing import resolve
from mailgate.routing.context import Context
from mailgate.routing.decision import Outcome, Outgoing
from mailgate.routing.state import Follower, People
from mailgate.values import token

_CROWD = 5
"""Times the threshold that all authors together may have: a program can write under a new name every time."""


class Copied(NamedTuple):
    """The outcomes, with a note where copies were withheld, and the copies."""

    outcomes: tuple[Outcome, ...]
    copies: tuple[Outgoing, ...]


def copied(context: Context, outcomes: tuple[Outcome, ...], *, by_hand: bool = False) -> Copied:
    """Copies of a message to the followers of the records it makes or is posted on.

    Only a person's mail goes on: to all other followers when its author follows the record or used a signed address,
    to those who are members when the author is an outsider. Nobody gets a copy who wrote it or who has it already.
    `by_hand`: a person decided, so that neither a spam mark nor a limit counts.
    """
    message = context.facts.message
    involved = (message.author.address, message.envelope.reverse_path, *message.to, *message.cc)
    have = frozenset(address.key for address in involved if address)
    noted: list[Outcome] = []
    copies: list[Outgoing] = []
    for outcome in outcomes:
        new = outcome.action in ("create", "post") and not outcome.repeated
        outsider = new and is_outsider(outcome, context)
        followers = _uninvolved(outcome, context.state.people, have) if new else ()
        why, takers = _takers(outcome, context, followers, outsider=outsider, by_hand=by_hand)
        noted.append(outcome._replace(outsider=outsider, note=outcome.note or (f"no copies: {why}" if why else "")))
        copies += [
            Outgoing("copy", outcome.reason, taker.spelled or taker.address, effect=outcome.effect)
            for taker in takers
            if not taker.stopped
        ]
    return Copied(tuple(noted), tuple(copies))


def is_outsider(outcome: Outcome, context: Context) -> bool:
    """Whether a message is posted by somebody who neither follows the record nor was written to."""
    if outcome.action != "post" or outcome.reason == "token" or outcome.completes:
        return False
    followed = context.state.author.followed
    return outcome.record not in followed or context.own_author


def _uninvolved(outcome: Outcome, people: People, have: frozenset[str]) -> tuple[Follower, ...]:
    """The followers but for those who `have` the message, by `Address.key`."""
    if outcome.record:
        followers = people.followers.get(outcome.record, ())
    else:
        followers = people.notified.get(outcome.alias, ()) if outcome.alias else ()
    return tuple(follower for follower in followers if follower.address not in have)


def _takers(
    outcome: Outcome, context: Context, followers: tuple[Follower, ...], *, outsider: bool, by_hand: bool
) -> tuple[str, tuple[Follower, ...]]:
    """Why not all of these followers get a copy, `""` when they do, and those who get one."""
    if not followers:
        return "", ()
    if why := _silence(outcome, context, by_hand=by_hand):
        return why, ()
    takers = tuple(follower for follower in followers if not outsider or follower.member)
    if len(takers) < len(followers):
        why = "its author does not follow: only members get copies"
    signed_for = _signed_for(outcome, context)
    if any(taker.address in signed_for for taker in takers):
        takers = tuple(taker for taker in takers if taker.address not in signed_for)
        why = f"none to {', '.join(sorted(signed_for))}, whose signed address it came to"
    return why, takers


def _signed_for(outcome: Outcome, context: Context) -> frozenset[str]:
    """For whom the signed addresses are that a message of somebody who does not follow came to.

    As far as anybody knows it is they who write, from another address: nobody gets a copy of what they wrote.
    """
    if outcome.reason != "token" or outcome.record in context.state.author.followed:
        return frozenset()
    signed = resolve.with_tokens(context.facts.message, context.state.ours)
    deliveries = (address.delivery(token.REPLY) for address in signed)
    return frozenset(
        delivery.recipient for delivery in deliveries if delivery and delivery.placement.record == outcome.record
    )


def _silence(outcome: Outcome, context: Context, *, by_hand: bool) -> str:
    """Why nobody gets a copy, `""` when they may."""
    state = context.state
    alias = state.alias(outcome.alias)
    if context.facts.class_.name != "person" and not (
        outcome.action == "create" and alias and alias.automatic == "normal"
    ):
        return f"{context.facts.class_.name} mail ({context.facts.class_.because})"
    if own := context.own_sender:
        return f"{own} is a local address"
    if by_hand:
        return ""
    if context.spam:
        return context.spam
    settings, counts = state.settings, state.counts
    if outcome.record and counts.relayed.get(outcome.record, 0) >= settings.loop_threshold:
        return f"{settings.loop_threshold} of this author went on within {settings.loop_minutes} minutes"
    crowd = _CROWD * settings.loop_threshold
    if outcome.record and counts.relayed_in_all.get(outcome.record, 0) >= crowd:
        return f"{crowd} on this record went on within {settings.loop_minutes} minutes"
    return ""
