"""Which stored message a message answers (RFC 5322 section 3.6.4), and what that makes of it."""

from collections.abc import Iterable
from typing import NamedTuple

from mailgate.addressed import Addressed, aliases
from mailgate.message import Message
from mailgate.state import Known, Placement, State


class Replies(NamedTuple):
    """Where an answer is posted. `forward` holds the numbers of the aliases that act instead when it is a forward."""

    posts: tuple[Placement, ...] = ()
    parent: str | None = None
    forward: frozenset[int] = frozenset()
    saw: str = ""


class Answered(NamedTuple):
    """The stored message that a message answers, None when there is none, and how that is seen."""

    known: Known | None
    saw: str


def answered(message: Message, state: State) -> Answered:
    """What a message answers, whoever it is for.

    Every id in References and In-Reply-To counts, the newest stored message wins; an id that a stored message merely
    mentions counts last, and only for somebody who takes part in that record.
    """
    if not message.references:
        return Answered(None, "no References, no In-Reply-To")
    how = "answers"
    found = _newest(_parent(state.known.get(each, ()), state) for each in message.references)
    if not found:
        how = "names an id mentioned in"
        people = frozenset(each.key for each in (message.author.address, *message.to, *message.cc) if each)
        copies = {seen.message for seen in state.seen}  # a copy of this very message is nothing it could answer
        mentions = (known for each in message.references for known in state.mentioned.get(each, ()))
        found = _newest(
            _standing(known, state, people) for known in mentions if not known.reused and known.number not in copies
        )
    if not found:
        ids = "1 id" if len(message.references) == 1 else f"{len(message.references)} ids"
        return Answered(None, f"{ids} named, none stored on a record")
    return Answered(found, f"{how} message {found.number}, {found.message_id}")


def parents(answer: Answered, addressed: Addressed) -> Replies:
    """The records an answer belongs to, for one recipient.

    When an alias is directly addressed on whose model the answered id is not stored, it is a forward: only such aliases
    act.
    """
    found, saw = answer
    if not found:
        return Replies(saw=saw)
    models = {each.record.model for each in found.placements}
    other = frozenset(
        alias.number
        for alias, _ in aliases(addressed.direct)
        if (alias.record.model if alias.record else alias.model) not in models
    )
    if other:
        return Replies(forward=other, saw=f"{saw}, forwarded to an alias of another model")
    meant = {alias.number for alias, _ in aliases(addressed.all)}
    posts = [each for each in found.placements if each.alias and each.alias.number in meant]
    return Replies(tuple(posts) or found.placements[-1:], found.message_id, saw=saw)


def _newest(candidates: Iterable[Known | None]) -> Known | None:
    return max((each for each in candidates if each), key=lambda known: known.number, default=None)


def _parent(stored: tuple[Known, ...], state: State) -> Known | None:
    """For one id: our own message, else the first received, on all records that its copies stand on.

    Never one that reused its id, nor one whose records are gone.
    """
    usable = [standing for each in stored if not each.reused and (standing := _standing(each, state))]
    copies = sorted([each for each in usable if each.outgoing] or usable, key=lambda known: known.number)
    if not copies:
        return None
    return copies[0]._replace(placements=tuple(place for each in copies for place in each.placements))


def _standing(known: Known, state: State, people: frozenset[str] | None = None) -> Known | None:
    """The message with the records that still exist (and on which one of `people` takes part), None without any."""
    placements = tuple(
        each
        for each in known.placements
        if each.record in state.records and (people is None or each.participants & people)
    )
    return known._replace(placements=placements) if placements else None
