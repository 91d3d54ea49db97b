"""What a judgement says: outcomes, what is sent, and the steps that led there."""

from collections.abc import Mapping

from mailgate.values import status
from mailgate.values.address import Address
from mailgate.values.light import NamedTuple
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref
from mailgate.values.status import Status


class Step(NamedTuple):
    """One rule that was asked: what it saw, and its verdict in a word or two."""

    rule: str
    saw: str
    verdict: str


class Reported(NamedTuple):
    """What a report says of one recipient, and what that is to us.

    `recipient` None: nobody named; `message` is the Message-ID of what failed, known to us or not, and `stored` its
    number. `follower` is the address we wrote to when a signature of ours proves it: only then behaviour changes.
    `name`: whom the report names in place of the recipient. quiet: nothing ties it to a message of ours.
    """

    recipient: str | None
    action: str
    status: str
    diagnostic: str
    remote: str
    kind: str
    permanent: bool
    message: str | None = None
    stored: int | None = None
    record: Ref | None = None
    follower: str | None = None
    name: str | None = None
    quiet: bool = False

    @property
    def counts(self) -> bool:
        """Whether it sets a failure: only what failed, and complaints, do."""
        return self.action in ("failed", "complaint")


class Outcome(NamedTuple):
    """What becomes of the message for one target.

    action: create, post, bounce, refuse, hold, ignore or defer. `address` is the local address that acts or was meant,
    printable; `recipient` the envelope recipient it was decided for. `effect` names what a copy would repeat;
    completes: it does as a person's mail what a copy that made the record left out. `withheld`: why the copies of a
    post wait for a person, in a word as a held message has it, `""` when none do.
    """

    action: str
    reason: str
    rule: str
    recipient: str = ""
    address: str = ""
    alias: int | None = None
    model: str | None = None
    record: Ref | None = None
    parent: str | None = None
    values: Mapping[str, str] = {}
    quiet: bool = False
    by_status: bool = False
    repeated: bool = False
    seen: int | None = None
    report: str | None = None
    reports: tuple[Reported, ...] = ()
    outsider: bool = False
    note: str = ""
    repeats: Effect | None = None
    completes: bool = False
    withheld: str = ""

    @property
    def taken(self) -> bool:
        """Whether responsibility is taken: everything but a refusal that only the status tells."""
        return not (self.action == "refuse" and self.by_status) and self.action != "defer"

    @property
    def accepted(self) -> bool:
        """Whether a copy of the message would be a duplicate of this: all that is kept, reports, what came back."""
        return (
            self.action in ("create", "post", "bounce", "hold")
            or self.repeats is not None
            or (self.action == "ignore" and self.reason in ("loop", "report"))
        )

    @property
    def effect(self) -> Effect:
        """What a copy of the message would repeat."""
        if self.repeats:
            return self.repeats
        match self.action:
            case "create":
                return Effect("create", self.address or self.model or "")
            case "post":
                return Effect("post", str(self.record))
            case "hold":
                return Effect("hold", self.address or self.recipient, self.reason)
            case "refuse":
                return Effect("refuse", self.address or self.recipient, self.reason)
            case "bounce" if any(reported.follower for reported in self.reports):
                return Effect("bounce", str(self.record or self.address), "proved")  # more than the same unproved
        return Effect(self.action, str(self.record or self.address), self.reason)


class Outgoing(NamedTuple):
    """Something we send because of the message.

    kind `refusal`: for `domain`, about local addresses, with the alias' own `text`; `reasons` are those of the
    addresses in `about`, where they differ from `reason`, and `written` is how the sender spelled them; `vouched`:
    whether it goes to who wrote, so that what they wrote may go back. kind `copy`: to a follower of the record that the
    outcome with this `effect` makes or posts on.
    """

    kind: str
    reason: str
    to: str
    domain: str = ""
    about: tuple[str, ...] = ()
    text: str = ""
    reasons: tuple[str, ...] = ()
    effect: Effect | None = None
    written: tuple[str, ...] = ()
    vouched: bool = False

    @property
    def words(self) -> str:
        """The name of the template: `several` where the addresses were refused for different reasons."""
        return "several" if set(self.reasons) - {self.reason} else self.reason


class Answer(NamedTuple):
    """The addresses to which an answer goes, the first one is *the* answer address; and the field they stand in.

    Without an address nobody can be answered.
    """

    addresses: tuple[Address, ...] = ()
    source: str = ""

    @property
    def first(self) -> Address | None:
        """The answer address, None where nobody can be answered."""
        return self.addresses[0] if self.addresses else None


class Decision(NamedTuple):
    """The whole judgement of one message: pure data, nothing has happened yet."""

    outcomes: tuple[Outcome, ...]
    outgoing: tuple[Outgoing, ...]
    steps: tuple[Step, ...]
    status: Status = status.OK
    authentic: str = "none"  # pass, fail or none: whether a trusted server vouches for the author
    answer: Answer = Answer()  # where the author is answered, whatever becomes of the message

    @property
    def has_effects(self) -> bool:
        """Whether there is anything to store: not for what came before with the same content, repeated refusals and
        refusals by status, and nothing at all of what is deferred."""
        return not any(outcome.action == "defer" for outcome in self.outcomes) and any(
            not outcome.repeated and outcome.taken for outcome in self.outcomes
        )
