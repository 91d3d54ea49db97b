"""Which stored message a message answers (RFC 5322 section 3.6.4), and what that makes of it.

A token in a local address says so best; then the ids in In-Reply-To and References.
"""

from collections.abc import Iterable, Iterator

from mailgate.mail.message import Message
from mailgate.routing.resolve import Addressed, Resolved, aliases, resolve
from mailgate.routing.state import Known, Placement, State
from mailgate.values import token
from mailgate.values.light import NamedTuple
from mailgate.values.record import Ref


class Replies(NamedTuple):
    """Where an answer is posted.

    `forward` holds the numbers of the aliases that act instead when it is a forward. With a valid token (`signed`) it
    is no forward, and the aliases in `beside` act too.
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
    mentions counts last, and only for somebody who takes part in that record; then an answer that came first.
    """
    if not message.references and not state.thread.answers:
        return Answered(None, "no References, no In-Reply-To")
    how = "answers"
    author = message.author.address
    people = frozenset([author.key] if author and not resolve(author, state.ours).ours else [])
    known = _newest(_parent(state.thread.known.get(id_, ()), state, people) for id_ in message.references)
    if not known:
        how = "names an id mentioned in"
        known = _newest(_mentions(message, state))
    if not known and (answer := _newest(_on_records(known, state) for known in state.thread.answers)):
        saw = f"is answered by message {answer.number}, {answer.message_id}, which came first"
        return Answered(answer._replace(message_id=""), saw)
    if not known:
        ids = "1 id" if len(message.references) == 1 else f"{len(message.references)} ids"
        return Answered(None, f"{ids} named, none stored on a record")
    return Answered(known, f"{how} message {known.number}, {known.message_id}")


def parents(answer: Answered, addressed: Addressed) -> Replies:
    """The records an answer belongs to, for one recipient.

    When an alias is directly addressed on whose model the answered id is not stored, it is a forward: only such aliases
    act.
    """
    known, saw = answer
    signed = _signed(answer, addressed)
    if signed.posts:
        return signed
    saw = "; ".join(filter(None, (signed.saw, saw)))
    if not known:
        return Replies(saw=saw)
    forwards = _of_other_models(addressed.direct, known.placements)
    if forwards:
        return Replies(forward=forwards, saw=f"{saw}, forwarded to an alias of another model")
    numbers = {alias.number for alias, _ in aliases(addressed.all)}
    posts = [placement for placement in known.placements if placement.alias and placement.alias.number in numbers]
    return Replies(tuple(posts) or known.placements[-1:], known.message_id or None, saw=saw)


def _signed(answer: Answered, addressed: Addressed) -> Replies:
    """Where the tokens say, each on its record; those that are not valid are noted.

    An address with a token has done its part: its alias, whatever it makes by now, does not act for it as well.
    """
    posts: dict[str, Placement] = {}
    parent, saw = None, []
    unknown = addressed.recipient if addressed.recipient and addressed.recipient.kind == "unknown" else None
    for resolved in (*addressed.all, unknown):
        if not resolved or not resolved.signed:
            continue
        delivery = resolved.delivery(token.REPLY)
        if delivery:
            record = delivery.placement.record
            answered = answer.known if answer.known and _is_on(answer.known, record) else None
            posts.setdefault(str(record), delivery.placement)
            parent = parent or (answered.message_id if answered and answered.message_id else delivery.message_id)
            saw.append(f"{resolved.address} is signed for {record}")
        elif resolved.kind != "bounce":
            saw.append(f"token of {resolved.address} {resolved.signed.fault or 'is for delivery reports'}")
    unsigned = tuple(resolved for resolved in addressed.direct if not resolved.delivery(token.REPLY))
    beside = _of_other_models(unsigned, posts.values()) if posts else frozenset()
    return Replies(tuple(posts.values()), parent, beside=beside, signed=bool(posts), saw="; ".join(saw))


def _is_on(known: Known, record: Ref) -> bool:
    return any(placement.record == record for placement in known.placements)


def _of_other_models(addresses: tuple[Resolved, ...], placements: Iterable[Placement]) -> frozenset[int]:
    """The aliases among addresses that have nothing to do with the models of these records."""
    models = {placement.record.model for placement in placements}
    return frozenset(
        alias.number
        for alias, _ in aliases(addresses)
        if (alias.record.model if alias.record else alias.model) not in models
    )


def _newest(candidates: Iterable[Known | None]) -> Known | None:
    return max((known for known in candidates if known), key=lambda known: known.number, default=None)


def _parent(same_id: tuple[Known, ...], state: State, people: frozenset[str]) -> Known | None:
    """For one id: our own message, else the first received, on all records that its copies are on.

    Whoever knows an id can send it first. So of several mails that share one, only that is a parent on whose record one
    of `people` takes part. One whose records are gone never is.
    """
    ours = [on_records for known in same_id if known.outgoing and (on_records := _on_records(known, state))]
    doubtful = any(known.reused for known in same_id)
    received = (_on_records(known, state, people if doubtful else None) for known in same_id if not known.outgoing)
    copies = sorted(ours or [known for known in received if known], key=lambda known: known.number)
    if not copies:
        return None
    if doubtful and not ours:
        return copies[0]
    return copies[0]._replace(placements=tuple(placement for known in copies for placement in known.placements))


def _mentions(message: Message, state: State) -> Iterator[Known | None]:
    """The stored messages that mention an id, on records in which the author, or somebody in To or Cc, takes part."""
    named = [address for address in (message.author.address, *message.to, *message.cc) if address]
    people = frozenset(address.key for address in named if not resolve(address, state.ours).ours)
    copies = {seen.message for seen in state.copies.seen}  # a copy of this very message is nothing it could answer
    for id_ in message.references:
        for known in state.thread.mentioned.get(id_, ()):
            if not known.reused and known.number not in copies:
                yield _on_records(known, state, people)


def _on_records(known: Known, state: State, people: frozenset[str] | None = None) -> Known | None:
    """The message with the records that still exist (and on which one of `people` takes part), None without any."""
    placements = tuple(
        placement
        for placement in known.placements
        if placement.record in state.thread.records and (people is None or placement.participants & people)
    )
    return known._replace(placements=placements) if placements else None
