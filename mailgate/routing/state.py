"""What the store knows that matters for one message: rows as frozen values, gathered before anything is judged."""

from collections.abc import Mapping

from mailgate.mail.incoming import Fallback
from mailgate.routing.decision import Outcome
from mailgate.values.directory import Alias, Contact, Directory
from mailgate.values.light import NamedTuple
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref


class Placement(NamedTuple):
    """One record a stored message stands on; `alias` governs the record, None when no alias made it or it is gone.

    `participants`, where they matter, are the `Address.key` of those who follow it, whom we wrote to on it, or who
    wrote on it and were neither outsiders nor reused an id.
    """

    record: Ref
    alias: Alias | None
    participants: frozenset[str] = frozenset()


class Delivery(NamedTuple):
    """One message of ours to one recipient: what a token names. `recipient` is an `Address.key`, or empty.

    gone: the record is no longer there; revoked: its signed address gives no rights. `signed_for`: the record that the
    signed address was made for, `""` for the one it is on.
    """

    number: int
    message: int
    message_id: str
    placement: Placement
    recipient: str
    gone: bool = False
    revoked: bool = False
    signed_for: str = ""


class Signatures(NamedTuple):
    """What says whether a token is valid: our keys, and the deliveries that tokens name, by number."""

    secrets: tuple[bytes, ...] = ()
    deliveries: Mapping[int, Delivery] = {}


class Ours(NamedTuple):
    """What is ours: the directory, and the tokens that are valid; without `signatures` none is."""

    directory: Directory
    signatures: Signatures = Signatures()


class Known(NamedTuple):
    """A stored message found by its Message-ID (or, in `Thread.mentioned`, by an id it mentions).

    `number` grows with time; `placements` come oldest record first.
    """

    number: int
    message_id: str
    outgoing: bool
    reused: bool
    placements: tuple[Placement, ...]


class Thread(NamedTuple):
    """The stored messages that a message may answer or report, by the id it names.

    `mentioned`: those that mention the id. `records` are those that exist, of all that are in question; `sent_to` the
    deliveries of our messages that a report names, by message. `answers`: messages that came before the one they
    answer, which is this one.
    """

    known: Mapping[str, tuple[Known, ...]] = {}
    mentioned: Mapping[str, tuple[Known, ...]] = {}
    records: frozenset[Ref] = frozenset()
    sent_to: Mapping[int, tuple[Delivery, ...]] = {}
    answers: tuple[Known, ...] = ()

    @property
    def placements(self) -> tuple[Placement, ...]:
        """Where all of these messages stand."""
        groups = (*self.known.values(), *self.mentioned.values(), self.answers)
        return tuple(placement for group in groups for known in group for placement in known.placements)

    def without(self, messages: frozenset[int]) -> "Thread":
        """The same as if these messages had never come."""

        def remaining(by_id: Mapping[str, tuple[Known, ...]]) -> dict[str, tuple[Known, ...]]:
            left = {
                id_: tuple(known for known in group if known.number not in messages) for id_, group in by_id.items()
            }
            return {id_: group for id_, group in left.items() if group}

        answers = tuple(known for known in self.answers if known.number not in messages)
        return self._replace(known=remaining(self.known), mentioned=remaining(self.mentioned), answers=answers)


class Seen(NamedTuple):
    """An effect that an earlier copy of this message had, and the message that had it.

    person: that message was a person's mail; `record` is the one that it made, None when it made none or it is gone.
    """

    effect: Effect
    message: int
    accepted: bool
    same_content: bool
    person: bool = True
    record: Ref | None = None


class Returned(NamedTuple):
    """A message of ours that comes back: its number (of a refusal that of the mail it refused, if any).

    `recipient` is the `Address.key` of the envelope recipient that it was sent to about `record`, None for none.
    """

    message: int | None = None
    message_id: str | None = None
    record: Ref | None = None
    recipient: str | None = None


class Copies(NamedTuple):
    """What earlier copies of a message did; `reused_id`: its id was seen with other content; `returned`: the message
    of ours that it is, by mark and text; `person`: it is a person's mail now."""

    seen: tuple[Seen, ...] = ()
    reused_id: bool = False
    returned: Returned | None = None
    person: bool = True

    def is_lesser(self, seen: Seen) -> bool:
        """Whether a copy left out what a person's mail does: it came as automatic, list or report."""
        return self.person and not seen.person and seen.effect.action in ("create", "post", "hold", "refuse")

    def completed(self, outcome: Outcome) -> Outcome:
        """A new record that a lesser copy made already: the message is posted on it, and does what that left out."""
        if outcome.action != "create":
            return outcome
        for seen in self.seen:
            if seen.record and seen.effect == outcome.effect and self.is_lesser(seen):
                note = f"message {seen.message} made the record, and was no person's mail"
                posted = outcome._replace(action="post", record=seen.record, seen=seen.message, note=note)
                return posted._replace(repeats=seen.effect, completes=True)
        return outcome

    def repeated(self, outcome: Outcome) -> Outcome:
        """The outcome as it is when an earlier copy of the message had its effect already.

        An accepted effect makes a duplicate; a refusal that comes again is the same refusal, answered once. What a
        person has to see is not hidden behind a list's copy, which may be held quietly; a report counts once anyway.
        """
        for seen in self.seen:
            if self.is_lesser(seen):
                continue
            if not seen.same_content and (
                outcome.action == "bounce" or (outcome.action == "hold" and not outcome.quiet)
            ):
                continue
            if seen.effect == outcome.effect and seen.accepted:
                duplicate = outcome._replace(action="ignore", reason="duplicate", seen=seen.message)
                if seen.same_content:
                    return duplicate._replace(repeated=True)
                return duplicate._replace(repeats=seen.effect)  # other bytes: they are kept, though they do nothing
            if seen.effect == outcome.effect and seen.same_content and outcome.action == "refuse":
                return outcome._replace(repeated=True, seen=seen.message)
        return outcome


class Standing(NamedTuple):
    """What is known of the author: as whom they would be trusted, and whether a list names them.

    `followed` are the records the author follows; `blocked` is the address on the block list, `""` when none is.
    """

    contact: Contact | None = None
    followed: frozenset[Ref] = frozenset()
    allowed: bool = False
    blocked: str = ""


class Follower(NamedTuple):
    """Somebody who gets copies, by `Address.key`; `stopped` says why they get none (`""`: they do).

    `spelled` is the address that mail goes to, `author` the one that they write from (`Address.key`, `""`: not known).
    """

    address: str
    member: bool = False
    stopped: str = ""
    spelled: str = ""
    author: str = ""


class People(NamedTuple):
    """Who would get copies: the followers by record, those to notify by the number of the alias that makes one."""

    followers: Mapping[Ref, tuple[Follower, ...]] = {}
    notified: Mapping[int, tuple[Follower, ...]] = {}


class Counts(NamedTuple):
    """What came lately, as far as a limit counts it; the loop window is set by a parameter.

    `made` counts new records within the loop window by model and `permission.rate_key`, as far as they came by mail of
    the same `permission.rate_share`, `made_by_author` by any; without those that copies of this very message made.
    `made_by_alias` and `made_in_all` count all new records of the last hour, where a ceiling is set.
    `answered` holds reason and addresses of the answers this sender got within the loop window. `still_open`: how much
    of today's mail, that a stranger can pile up, waits for a person, of the domain of the reverse-path and in all.
    `relayed` counts the author's messages on a record, of the same share, that were sent on within the loop window,
    `relayed_in_all` everybody's.
    """

    made: Mapping[tuple[str, str], int] = {}
    made_by_author: Mapping[tuple[str, str], int] = {}
    made_by_alias: Mapping[str, int] = {}
    made_in_all: int = 0
    answered: frozenset[tuple[str, str]] = frozenset()
    answered_today: int = 0
    answered_domain_today: int = 0
    answered_this_hour: int = 0
    still_open: tuple[int, int] = (0, 0)
    relayed: Mapping[Ref, int] = {}
    relayed_in_all: Mapping[Ref, int] = {}


class Trust(NamedTuple):
    """Whose Authentication-Results count: authserv-ids in lower case, whether forged ones are stripped at the border,
    and how many Received fields of ours may stand above them."""

    authserv_ids: frozenset[str] = frozenset()
    border_strips: bool = False
    own_hops: int = 1


class Settings(NamedTuple):
    """The part of the configuration and the parameters that a judgement depends on."""

    max_size: int = 52_428_800
    refusals_by: str = "reply"
    blocked_by: str = "hold"
    loop_minutes: int = 120
    loop_threshold: int = 20
    per_day: int = 5
    per_domain: int = 20
    per_hour: int = 100
    fallback: Fallback | None = None
    trust: Trust = Trust()
    records_per_alias: int = 0
    records_in_all: int = 0


class State(NamedTuple):
    """Everything `decide.decide` may know about one message besides the message, at `now` (epoch seconds)."""

    ours: Ours = Ours(Directory())
    settings: Settings = Settings()
    thread: Thread = Thread()
    copies: Copies = Copies()
    author: Standing = Standing()
    people: People = People()
    counts: Counts = Counts()
    now: float = 0.0

    @property
    def without_history(self) -> "State":
        """The same as if no mail had come lately, and no copy of this one ever."""
        copies = frozenset(seen.message for seen in self.copies.seen if seen.same_content)
        return self._replace(
            copies=Copies(returned=self.copies.returned), counts=Counts(), thread=self.thread.without(copies)
        )

    def alias(self, number: int | None) -> Alias | None:
        """An alias that acts, or that governs a record answered."""
        deliveries = self.ours.signatures.deliveries.values()
        placements = (*self.thread.placements, *(delivery.placement for delivery in deliveries))
        every = (*self.ours.directory.aliases.values(), *(placement.alias for placement in placements))
        return next((alias for alias in every if alias and alias.number == number), None)
