"""Builders the unit tests share: raw messages, facts, states, decisions, and the effects of a decision."""

from collections.abc import Mapping
from typing import Any

from mailgate.mail import classify, envelope, message
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.mail.message import Message
from mailgate.reports import report
from mailgate.reports.report import Report
from mailgate.routing import decide as route
from mailgate.routing import facts as reading
from mailgate.routing import resolve
from mailgate.routing.decision import Decision
from mailgate.routing.resolve import Addressed
from mailgate.routing.state import Delivery, Known, Ours, Placement, Seen, Signatures, State
from mailgate.values.directory import Alias, Directory, Domain
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref

BOB = "bob@client.org"
SECRET = b"k" * 32
HOME = Domain("example.com", contact="office@example.com", default=True)
OTHER = Domain("other.test", catchall="all", bounce="returns", delimiter="-")

INFO = Alias(1, "info", "example.com", "crm.lead", values={"team": "sales"})
JOBS = Alias(2, "jobs", "example.com", "hr.job")
SALES = Alias(3, "sales", "example.com", "crm.lead")
HELP = Alias(4, "help", "other.test", "help.ticket")

_BASE = {
    "From": "Bob Ray <bob@client.org>",
    "To": "info@example.com",
    "Subject": "Hello",
    "Message-ID": "<m1@client.org>",
}


def mail(body: str | bytes = "Hello there.\n", *more: tuple[str, str], **fields: str | None) -> bytes:
    """A plain message from Bob to info@; `in_reply_to=` names a field, None drops it, `more` are further fields."""
    wanted: dict[str, str] = dict(_BASE)
    for key, value in fields.items():
        name = next((each for each in _BASE if each.lower() == key.replace("_", "-")), key.replace("_", "-").title())
        wanted.pop(name, None)
        if value is not None:
            wanted[name] = value
    lines = [f"{name}: {value}\n" for name, value in (*wanted.items(), *more)]
    octets = body.encode() if isinstance(body, str) else body
    return "".join(lines).encode("utf-8", "surrogateescape") + b"\n" + octets


def incoming(
    raw: bytes,
    *recipients: str,
    reverse_path: str | None = BOB,
    environ: Mapping[str, str] = {},
    source: str = "pipe",
) -> Incoming:
    """A message that comes in an envelope."""
    return Incoming(raw, reverse_path, recipients, environ, source=source)


def facts(raw: bytes, *recipients: str, **more: Any) -> Message:
    """What the header and the envelope of a message say; keywords as for `incoming`."""
    came = incoming(raw, *recipients, **more)
    return message.read(raw, lambda hints, author: envelope.read(came, hints, author).qualified("example.com"))


def state(*aliases: Alias, domains: tuple[Domain, ...] = (HOME, OTHER), **more: Any) -> State:
    """What the store knows; without aliases: info@, jobs@, sales@example.com and help@other.test.

    Keywords are fields as for `but`.
    """
    records = {placement.record for known in _known(more) for placement in known.placements}
    more.setdefault("records", frozenset(records))
    directory = Directory({each.name: each for each in domains}, allowed=more.pop("allowed_domains", frozenset()))
    given = State(Ours(directory.with_aliases(aliases or (INFO, JOBS, SALES, HELP)), Signatures((SECRET,))))
    return but(given, **more)


def report_in(message: Message, *, expected: bool = False) -> Report | None:
    """The report in a message; `expected`: it was sent to a bounce address."""
    return report.read(message, classify.classify(message), expected=expected)


def but(given: State, **more: Any) -> State:
    """The same state with other values of fields, of State or of the values in it: `seen` is one of `State.copies`."""
    if "fallback" in more:
        more["fallback"] = Fallback(more["fallback"])
    if "deliveries" in more:
        deliveries: dict[int, Delivery] = more.pop("deliveries")
        records = more.get("records") or {each.placement.record for each in deliveries.values()}
        gone = {n: each._replace(gone=each.placement.record not in records) for n, each in deliveries.items()}
        signatures = given.ours.signatures._replace(deliveries=gone)
        given = given._replace(ours=given.ours._replace(signatures=signatures))
    for name in ("settings", "thread", "copies", "author", "people", "counts"):
        part: Any = getattr(given, name)
        fields = {field: more.pop(field) for field in part._fields if field in more}
        given = given._replace(**{name: part._replace(**fields)})
    return given._replace(**more)


def _known(more: Mapping[str, Any]) -> list[Known]:
    return [known for key in ("known", "mentioned") for group in more.get(key, {}).values() for known in group]


def stored(
    number: int,
    message_id: str,
    *refs: Ref | Placement,
    by: Alias | None = INFO,
    outgoing: bool = False,
    reused: bool = False,
    people: tuple[str, ...] = (),
) -> Known:
    """A stored message, standing on records that an alias governs."""
    placed = [each if isinstance(each, Placement) else Placement(each, by, frozenset(people)) for each in refs]
    return Known(number, message_id, outgoing, reused, tuple(placed))


def known(*messages: Known) -> dict[str, tuple[Known, ...]]:
    """Stored messages by their id."""
    found: dict[str, tuple[Known, ...]] = {}
    for each in messages:
        found[each.message_id] = (*found.get(each.message_id, ()), each)
    return found


def meant(message: Message, given: State) -> Addressed:
    """What a message with one recipient, or none, addresses."""
    (one,) = map(resolve.counts, resolve.recipients(message.envelope, given.ours))
    return resolve.addressed(one, resolve.named(message, given.ours, alone=one is None))


def decide(raw: bytes, *recipients: str, given: State | None = None, **more: Any) -> Decision:
    """What becomes of a message; keywords as for `incoming`."""
    given = given or state()
    by_itself = reading.read(incoming(raw, *recipients, **more)).qualified("example.com")
    return route.decide(reading.placed(by_itself, given.ours), given)


def said(decision: Decision) -> list[str]:
    """The outcomes in words, sorted: `create alias crm.lead info@example.com`, `post reply crm.lead/1`."""
    return sorted(
        " ".join(
            str(word)
            for word in (
                each.action,
                each.reason,
                each.record or each.model or "",
                each.address if each.action in ("create", "refuse", "hold") else "",
            )
            if word
        )
        for each in decision.outcomes
    )


def sent(decision: Decision) -> list[str]:
    """What goes out, in words: `catchall -> bob@client.org about catchall@example.com`."""
    return [f"{each.reason} -> {each.to} about {','.join(each.about)}" for each in decision.outgoing]


def verdicts(decision: Decision) -> dict[str, str]:
    """Rule -> verdict of the steps (the last one where recipients differ)."""
    return {step.rule: step.verdict for step in decision.steps}


def remembered(given: State, decision: Decision, number: int) -> State:
    """The state in which a copy of the message is judged after `decision` was carried out as message `number`."""
    effects = tuple(
        Seen(each.effect, number, each.accepted, True)
        for each in decision.outcomes
        if not each.repeated and each.taken and each.action != "ignore"
    )
    return but(given, seen=(*given.copies.seen, *effects))


def effects(decision: Decision) -> set[Effect]:
    """What a decision does that no earlier copy did."""
    return {each.effect for each in decision.outcomes if not each.repeated}
