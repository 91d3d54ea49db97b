"""Who gets a copy of what a person wrote on a record, and who does not."""

from typing import NamedTuple

from mailgate.mail import classify
from mailgate.mail.classify import Kind
from mailgate.mail.message import Message
from mailgate.routing import permission, resolve
from mailgate.routing.decision import Outcome, Outgoing
from mailgate.routing.state import Follower, State
from mailgate.values import token

_CROWD = 5
"""Times the threshold that all authors together may have: a program can write under a new name every time."""


class Relayed(NamedTuple):
    """The outcomes, with a note where copies were withheld, and the copies."""

    outcomes: tuple[Outcome, ...]
    copies: tuple[Outgoing, ...]


def relay(
    message: Message, state: State, kind: Kind, outcomes: tuple[Outcome, ...], *, by_hand: bool = False
) -> Relayed:
    """Copies of a message to the followers of the records it makes or is posted on.

    Only a person's mail goes on: to all other followers when its author follows the record or used a signed address,
    to those who are members when he is an outsider. Nobody gets a copy who wrote it or who has it already. `by_hand`:
    a person decided, who is asked for neither spam nor limits.
    """
    marked, copies = [], []
    for outcome in outcomes:
        new = outcome.action in ("create", "post") and not outcome.repeated
        outsider = new and is_outsider(outcome, message, state)
        people = _people(outcome, message, state) if new else ()
        himself = _himself(outcome, message, state) if people else frozenset()
        why = _silence(message, state, kind, outcome, by_hand=by_hand) if people else ""
        takers = () if why else tuple(each for each in people if not outsider or each.member)
        if not why and len(takers) < len(people):
            why = "its author does not follow: only members get copies"
        if any(each.address in himself for each in takers):
            takers = tuple(each for each in takers if each.address not in himself)
            why = f"none to {', '.join(sorted(himself))}, whose signed address it came to"
        marked.append(outcome._replace(outsider=outsider, note=outcome.note or (f"no copies: {why}" if why else "")))
        copies += [
            Outgoing("copy", outcome.reason, each.spelled or each.address, effect=outcome.effect)
            for each in takers
            if not each.stopped
        ]
    return Relayed(tuple(marked), tuple(copies))


def is_outsider(outcome: Outcome, message: Message, state: State) -> bool:
    """Whether a message is posted by somebody who neither follows the record nor was written to."""
    if outcome.action != "post" or outcome.reason == "token":
        return False
    return outcome.record not in state.followed or permission.own_author(message, state)


def _people(outcome: Outcome, message: Message, state: State) -> tuple[Follower, ...]:
    """The followers who do not have the message."""
    if outcome.record:
        followers = state.followers.get(outcome.record, ())
    else:
        followers = state.notified.get(outcome.alias, ()) if outcome.alias else ()
    involved = (message.author.address, message.envelope.reverse_path, *message.to, *message.cc)
    have = {each.key for each in involved if each}
    return tuple(each for each in followers if each.address not in have)


def _himself(outcome: Outcome, message: Message, state: State) -> frozenset[str]:
    """For whom the signed addresses are that a message of somebody who does not follow came to.

    As far as anybody knows it is he who writes, from another address of his: nobody gets a copy of what he wrote.
    """
    if outcome.reason != "token" or outcome.record in state.followed:
        return frozenset()
    found = (address.delivery(token.REPLY) for address in resolve.with_tokens(message, state))
    return frozenset(each.recipient for each in found if each and each.placement.record == outcome.record)


def _silence(message: Message, state: State, kind: Kind, outcome: Outcome, *, by_hand: bool) -> str:
    """Why nobody gets a copy, `""` when they may."""
    alias = state.alias(outcome.alias)
    if kind.name != "person" and not (outcome.action == "create" and alias and alias.automatic == "normal"):
        return f"{kind.name} mail ({kind.because})"
    if own := permission.own_sender(message, state):
        return f"{own} is a local address"
    if by_hand:
        return ""
    if mark := classify.spam_mark(message):
        return mark
    settings = state.settings
    if outcome.record and state.relayed.get(outcome.record, 0) >= settings.loop_threshold:
        return f"{settings.loop_threshold} of this author went on within {settings.loop_minutes} minutes"
    crowd = _CROWD * settings.loop_threshold
    if outcome.record and state.relayed_in_all.get(outcome.record, 0) >= crowd:
        return f"{crowd} on this record went on within {settings.loop_minutes} minutes"
    return ""
