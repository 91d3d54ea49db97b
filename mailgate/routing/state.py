"""What the store knows that matters for one message: rows as frozen values, gathered before anything is judged."""

from collections.abc import Mapping
from typing import NamedTuple

from mailgate.mail.incoming import Fallback
from mailgate.routing.decision import Outcome
from mailgate.values.directory import Alias, Contact, Directory
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref


class Placement(NamedTuple):
    """One record a stored message stands on; `alias` governs the record, None when no alias made it or it is gone.

    `participants` are the `Address.key` of its followers and of everybody who wrote on it.
    """

    record: Ref
    alias: Alias | None
    participants: frozenset[str] = frozenset()


class Delivery(NamedTuple):
    """One message of ours to one recipient: what a token names. `recipient` is an `Address.key`, or empty.

    gone: the record is no longer there.
    """

    number: int
    message: int
    message_id: str
    placement: Placement
    recipient: str
    gone: bool = False


class Signatures(NamedTuple):
    """What says whether a token is valid: our keys, and the deliveries that tokens name, by number."""

    secrets: tuple[bytes, ...] = ()
    deliveries: Mapping[int, Delivery] = {}


class Follower(NamedTuple):
    """Somebody who gets copies, by his `Address.key`; `stopped` says why he gets none (`""`: he does).

    `spelled` is the address that mail goes to.
    """

    address: str
    member: bool = False
    stopped: str = ""
    spelled: str = ""


class Known(NamedTuple):
    """A stored message found by its Message-ID (or, in `State.mentioned`, by an id it mentions).

    `number` grows with time; `placements` come oldest record first.
    """

    number: int
    message_id: str
    outgoing: bool
    reused: bool
    placements: tuple[Placement, ...]


class Seen(NamedTuple):
    """An effect that an earlier copy of this message had, and the message that had it."""

    effect: Effect
    message: int
    accepted: bool
    same_content: bool


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
    per_hour: int = 100
    fallback: Fallback | None = None
    trust: Trust = Trust()
    records_per_alias: int = 0
    records_in_all: int = 0


class State(NamedTuple):
    """Everything `decide.decide` may know about one message.

    `now` in epoch seconds; `directory` says what is ours, `signatures` which tokens are valid; `followed` are the
    records the author follows; `made` counts new records within the loop window by model and `policy.rate_key`, without
    those that copies of this very message made; `made_by_alias` and `made_in_all` count all new records of the last
    hour, where a ceiling is set; `answered` holds reason and addresses of the answers this sender got within the loop
    window. `sent_to` are the deliveries of our messages that a report names, by message. `followers` are people to copy
    by record, `notified` by the alias that would make one; `relayed` counts the author's messages on a record that were
    sent on within the loop window, `relayed_in_all` everybody's.
    """

    settings: Settings = Settings()
    now: float = 0.0
    directory: Directory = Directory()
    signatures: Signatures = Signatures()
    records: frozenset[Ref] = frozenset()
    followed: frozenset[Ref] = frozenset()
    contact: Contact | None = None
    allowed_sender: bool = False
    blocked_sender: str = ""
    known: Mapping[str, tuple[Known, ...]] = {}
    mentioned: Mapping[str, tuple[Known, ...]] = {}
    seen: tuple[Seen, ...] = ()
    reused_id: bool = False
    made: Mapping[tuple[str, str], int] = {}
    made_by_alias: Mapping[str, int] = {}
    made_in_all: int = 0
    answered: frozenset[tuple[str, str]] = frozenset()
    answered_today: int = 0
    answered_this_hour: int = 0
    sent_to: Mapping[int, tuple[Delivery, ...]] = {}
    followers: Mapping[Ref, tuple[Follower, ...]] = {}
    notified: Mapping[int, tuple[Follower, ...]] = {}
    relayed: Mapping[Ref, int] = {}
    relayed_in_all: Mapping[Ref, int] = {}

    @property
    def undisturbed(self) -> "State":
        """The same as if no mail had come lately, and no copy of this one ever."""
        calm = State()
        lately = (
            *("seen", "reused_id", "made", "made_by_alias", "made_in_all", "answered", "answered_today"),
            *("answered_this_hour", "relayed", "relayed_in_all"),
        )
        copies = {each.message for each in self.seen if each.same_content}

        def others(found: Mapping[str, tuple[Known, ...]]) -> dict[str, tuple[Known, ...]]:
            left = {key: tuple(each for each in group if each.number not in copies) for key, group in found.items()}
            return {key: group for key, group in left.items() if group}

        calmed = self._replace(**{name: getattr(calm, name) for name in lately})
        return calmed._replace(known=others(self.known), mentioned=others(self.mentioned))

    def repeated(self, outcome: Outcome) -> Outcome:
        """The outcome as it is when an earlier copy of the message had its effect already.

        An accepted effect makes a duplicate; a refusal that comes again is the same refusal, answered once. What a
        person has to see is not hidden behind a list's copy, which may be held quietly.
        """
        for seen in self.seen:
            if outcome.action == "hold" and not outcome.quiet and not seen.same_content:
                continue
            if seen.effect == outcome.effect and seen.accepted:
                return outcome._replace(action="ignore", reason="duplicate", repeated=True, seen=seen.message)
            if seen.effect == outcome.effect and seen.same_content and outcome.action == "refuse":
                return outcome._replace(repeated=True, seen=seen.message)
        return outcome

    def alias(self, number: int | None) -> Alias | None:
        """An alias that acts, or that governs a record answered."""
        placed = (
            *(
                place.alias
                for group in (self.known, self.mentioned)
                for each in group.values()
                for one in each
                for place in one.placements
            ),
            *(each.placement.alias for each in self.signatures.deliveries.values()),
        )
        return next(
            (each for each in (*self.directory.aliases.values(), *placed) if each and each.number == number), None
        )
