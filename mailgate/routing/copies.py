"""Who gets a copy of what a person wrote on a record, and who does not."""

from collections.abc import Collection, Iterable

from mailgate.routing import resolve
from mailgate.routing.context import Context
from mailgate.routing.decision import Outcome, Outgoing
from mailgate.routing.state import Follower, People
from mailgate.values import token
from mailgate.values.light import NamedTuple
from mailgate.values.problem import Problem

_CROWD = 5
"""Times the threshold that all authors together may have: a program can write under a new name every time."""

_GATEWAYS = 3
"""Fields X-Mailgate-Loop of mail that is sent on: each gateway adds one to its copies, and keeps those that came."""


class Copied(NamedTuple):
    """The outcomes, with a note where copies were withheld, and the copies."""

    outcomes: tuple[Outcome, ...]
    copies: tuple[Outgoing, ...]


def copied(context: Context, outcomes: tuple[Outcome, ...], *, by_hand: bool = False) -> Copied:
    """Copies of a message to the followers of the records it makes or is posted on.

    Only a person's mail goes on: to all other followers when its author follows the record or wrote from the address
    that the signed address was made for, else to those who are members or whom the alias notifies. Nobody gets a copy
    who wrote it or who has it already. What a limit keeps from all of them, or what a stranger wrote whom nobody gets
    to see, waits for a person. `by_hand`: a person decided, so that neither a spam mark nor a limit counts.
    """
    message = context.facts.message
    authors = (message.author.address, message.envelope.reverse_path)
    wrote = frozenset(address.key for address in authors if address)
    have = wrote | {address.key for address in (*message.to, *message.cc)}  # an outsider could name them all there
    noted: list[Outcome] = []
    copies: list[Outgoing] = []
    for outcome in outcomes:
        new = outcome.action in ("create", "post") and not outcome.repeated
        outsider = new and is_outsider(outcome, context)
        followers = _uninvolved(outcome, context.state.people, wrote if outsider else have) if new else ()
        taken = _taken(outcome, context, followers, outsider=outsider, by_hand=by_hand)
        note = outcome.note or (f"no copies: {taken.why}" if taken.why else "")
        quiet = outcome.quiet or (bool(taken.withheld) and context.is_crowded)
        noted.append(outcome._replace(outsider=outsider, note=note, withheld=taken.withheld, quiet=quiet))
        copies += _letters(outcome, taken.takers)
    return Copied(tuple(noted), tuple(copies))


def released(context: Context, post: Outcome, had: Collection[str]) -> tuple[Outgoing, ...]:
    """The copies of a post that wait for a person, who lets them go: to every follower who has not `had` one.

    `had` are `Address.key`. Raises Problem where copies of such mail go to nobody.
    """
    if why := _silence(post, context, by_hand=True):
        raise Problem(f"no copies of it are sent: {why}")
    message = context.facts.message
    authors = (message.author.address, message.envelope.reverse_path)
    have = frozenset(address.key for address in authors if address) | frozenset(had)
    return tuple(_letters(post, _uninvolved(post, context.state.people, have)))


def _letters(outcome: Outcome, takers: Iterable[Follower]) -> list[Outgoing]:
    return [
        Outgoing("copy", outcome.reason, taker.spelled or taker.address, effect=outcome.effect)
        for taker in takers
        if not taker.stopped
    ]


def is_outsider(outcome: Outcome, context: Context) -> bool:
    """Whether a message is posted by somebody who neither follows the record nor was written to.

    A signed address may have leaked: it gives rights to the one it was made for alone, and only until it is revoked.
    """
    if outcome.action != "post" or outcome.completes:
        return False
    if context.own_author:
        return True
    return outcome.record not in context.state.author.followed and not _was_written_to(outcome, context)


def _was_written_to(outcome: Outcome, context: Context) -> bool:
    """Whether a message came to the signed address that was made for its author, as far as nobody denies the author."""
    author = context.facts.message.author.address
    if outcome.reason != "token" or author is None or context.authentic.is_against:
        return False
    signed = resolve.with_tokens(context.facts.message, context.state.ours)
    deliveries = (address.delivery(token.REPLY) for address in signed)
    return any(
        delivery.placement.record == outcome.record and delivery.recipient == author.key and not delivery.revoked
        for delivery in deliveries
        if delivery
    )


def _uninvolved(outcome: Outcome, people: People, have: frozenset[str]) -> tuple[Follower, ...]:
    """The followers but for those who `have` the message, by the `Address.key` where they write or are answered."""
    if outcome.record:
        followers = people.followers.get(outcome.record, ())
    else:
        followers = people.notified.get(outcome.alias, ()) if outcome.alias else ()
    return tuple(follower for follower in followers if follower.address not in have and follower.author not in have)


class _Taken(NamedTuple):
    """The followers who get a copy, why not all of them do, and `Outcome.withheld`."""

    takers: tuple[Follower, ...] = ()
    why: str = ""
    withheld: str = ""


def _taken(
    outcome: Outcome, context: Context, followers: tuple[Follower, ...], *, outsider: bool, by_hand: bool
) -> _Taken:
    """Which of these followers get a copy."""
    if not followers:
        return _Taken()
    if why := _silence(outcome, context, by_hand=by_hand):
        return _Taken((), why)
    reachable = any(not follower.stopped for follower in followers)
    if not by_hand and (why := _limit(outcome, context)):
        return _Taken((), why, "rate-limit" if reachable else "")
    if not outsider:
        return _Taken(followers)
    notified = {each.address for each in context.state.people.notified.get(outcome.alias or 0, ())}
    takers = tuple(follower for follower in followers if follower.member or follower.address in notified)
    if len(takers) == len(followers):
        return _Taken(takers)
    why = "its author does not follow: only members and those whom the alias notifies get copies"
    nobody = reachable and all(taker.stopped for taker in takers)
    return _Taken(takers, why, "outsider" if nobody and not by_hand else "")


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
    if len(context.facts.message.fields.get("x-mailgate-loop", ())) > _GATEWAYS:
        return f"more than {_GATEWAYS} gateways sent it on already"
    return ""


def _limit(outcome: Outcome, context: Context) -> str:
    """The limit that one more message sent on would break, `""` when it breaks none."""
    settings, counts = context.state.settings, context.state.counts
    if outcome.record and counts.relayed.get(outcome.record, 0) >= settings.loop_threshold:
        return f"{settings.loop_threshold} of this author went on within {settings.loop_minutes} minutes"
    crowd = _CROWD * settings.loop_threshold
    if outcome.record and counts.relayed_in_all.get(outcome.record, 0) >= crowd:
        return f"{crowd} on this record went on within {settings.loop_minutes} minutes"
    return ""
