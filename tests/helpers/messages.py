"""Builders the unit tests share: raw messages, facts, states, decisions, and the effects of a decision."""

from collections.abc import Mapping
from typing import Any

from mailgate.mail import envelope, message
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.mail.message import Message
from mailgate.reports import report
from mailgate.routing import decide as route
from mailgate.routing import resolve
from mailgate.routing.decision import Decision
from mailgate.routing.resolve import Addressed
from mailgate.routing.state import Delivery, Known, Placement, Seen, Settings, Signatures, State
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


def facts(
    raw: bytes,
    *recipients: str,
    reverse_path: str | None = BOB,
    environ: Mapping[str, str] = {},
    source: str = "pipe",
) -> Message:
    """The facts of a message that came in an envelope."""
    incoming = Incoming(raw, reverse_path, recipients, environ, source=source)
    return message.read(raw, lambda hints, author: envelope.read(incoming, hints, author).qualified("example.com"))


def state(*aliases: Alias, domains: tuple[Domain, ...] = (HOME, OTHER), **more: Any) -> State:
    """What the store knows; without aliases: info@, jobs@, sales@example.com and help@other.test.

    Keywords are fields of State, or of Settings.
    """
    if "fallback" in more:
        more["fallback"] = Fallback(more["fallback"])
    settings = Settings(**{key: more.pop(key) for key in list(more) if key in Settings._fields})
    deliveries: Mapping[int, Delivery] = more.pop("deliveries", {})
    if "records" in more:
        deliveries = {
            number: each._replace(gone=each.placement.record not in more["records"])
            for number, each in deliveries.items()
        }
    records = {each.record for group in _known(more) for each in group.placements}
    more.setdefault("records", frozenset(records))
    directory = Directory({each.name: each for each in domains}, allowed=more.pop("allowed_domains", frozenset()))
    return State(
        settings=settings,
        directory=directory.with_aliases(aliases or (INFO, JOBS, SALES, HELP)),
        signatures=Signatures((SECRET,), deliveries),
        **more,
    )


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
    (one,) = map(resolve.counts, resolve.recipients(message, given))
    return resolve.addressed(one, resolve.named(message, given, alone=one is None))


def decide(raw: bytes, *recipients: str, given: State | None = None, **more: Any) -> Decision:
    """What becomes of a message; keywords as for `facts`."""
    given = given or state()
    message = resolve.spelled(facts(raw, *recipients, **more), given)
    every = (*message.envelope.recipients, *message.header_addresses)
    expected = any(resolve.meaning(each, given, envelope=True).kind == "bounce" for each in every)
    return route.decide(message, given, report.read(message, expected=expected))


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
    return given._replace(seen=(*given.seen, *effects))


def effects(decision: Decision) -> set[Effect]:
    """What a decision does that no earlier copy did."""
    return {each.effect for each in decision.outcomes if not each.repeated}
