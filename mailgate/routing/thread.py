"""Which stored message a message answers (RFC 5322 section 3.6.4), and what that makes of it.

A signed detail in an own address says so best; then the ids in In-Reply-To and References.
"""

from collections.abc import Iterable
from typing import NamedTuple

from mailgate.mail.message import Message
from mailgate.routing.resolve import Addressed, Resolved, aliases, resolve
from mailgate.routing.state import Known, Placement, State
from mailgate.values import token


class Replies(NamedTuple):
    """Where an answer is posted.

    `forward` holds the numbers of the aliases that act instead when it is a forward. With a signed detail (`signed`)
    it is no forward, and the aliases in `beside` act too.
    """

    posts: tuple[Placement, ...] = ()
    parent: str | None = None
    forward: frozenset[int] = frozenset()
    beside: frozenset[int] = frozenset()
    signed: bool = False
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
    found = _newest(_parent(state.thread.known.get(each, ()), state) for each in message.references)
    if not found:
        how = "names an id mentioned in"
        named = [each for each in (message.author.address, *message.to, *message.cc) if each]
        people = frozenset(each.key for each in named if not resolve(each, state.ours).ours)
        copies = {seen.message for seen in state.copies.seen}  # a copy of this very message is nothing it could answer
        mentions = (known for each in message.references for known in state.thread.mentioned.get(each, ()))
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
    signed = _signed(answer, addressed)
    if signed.posts:
        return signed
    saw = "; ".join(filter(None, (signed.saw, saw)))
    if not found:
        return Replies(saw=saw)
    other = _of_other_models(addressed.direct, found.placements)
    if other:
        return Replies(forward=other, saw=f"{saw}, forwarded to an alias of another model")
    meant = {alias.number for alias, _ in aliases(addressed.all)}
    posts = [each for each in found.placements if each.alias and each.alias.number in meant]
    return Replies(tuple(posts) or found.placements[-1:], found.message_id, saw=saw)


def _signed(answer: Answered, addressed: Addressed) -> Replies:
    """Where the signed details say, each on its record; those that link nothing are noticed.

    An address with a detail has done its part: its alias, whatever it makes by now, does not act for it as well.
    """
    posts: dict[str, Placement] = {}
    parent, saw = None, []
    nobody = addressed.recipient if addressed.recipient and addressed.recipient.kind == "unknown" else None
    for own in (*addressed.all, nobody):
        if not own or not own.signed:
            continue
        delivery = own.delivery(token.REPLY)
        if delivery:
            record = delivery.placement.record
            answered = answer.known if answer.known and _stands_on(answer.known, delivery.placement) else None
            posts.setdefault(str(record), delivery.placement)
            parent = parent or (answered.message_id if answered else delivery.message_id)
            saw.append(f"{own.address} is signed for {record}")
        elif own.kind != "bounce":
            saw.append(f"signed detail of {own.address} {own.signed.fault or 'is for delivery reports'}")
    others = tuple(own for own in addressed.direct if not own.delivery(token.REPLY))
    beside = _of_other_models(others, posts.values()) if posts else frozenset()
    return Replies(tuple(posts.values()), parent, beside=beside, signed=bool(posts), saw="; ".join(saw))


def _stands_on(known: Known, placement: Placement) -> bool:
    return any(each.record == placement.record for each in known.placements)


def _of_other_models(owns: tuple[Resolved, ...], placements: Iterable[Placement]) -> frozenset[int]:
    """The aliases among addresses that have nothing to do with the models of these records."""
    models = {each.record.model for each in placements}
    return frozenset(
        alias.number
        for alias, _ in aliases(owns)
        if (alias.record.model if alias.record else alias.model) not in models
    )


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
        if each.record in state.thread.records and (people is None or each.participants & people)
    )
    return known._replace(placements=placements) if placements else None
