"""Which of our addresses a message means."""

from typing import NamedTuple

from mailgate.mail.message import Message
from mailgate.routing.state import Delivery, State
from mailgate.values import token
from mailgate.values.address import Address, lower
from mailgate.values.directory import RESERVED, Alias, Domain

_SPELLINGS = 8
"""Delimiters in a local part at which a detail may begin."""


class Signed(NamedTuple):
    """A signed detail of ours in an address: the delivery it names, None when it links nothing, and why it does not."""

    purpose: str
    delivery: Delivery | None
    doubt: str = ""


class Own(NamedTuple):
    """One address as it concerns us.

    kind: alias, catchall, bounce, reserved (postmaster, abuse), signed (nobody by name, but a valid signed detail),
    unknown (own domain, nobody there) or foreign. `name` is the address by which an own domain knows it: in lower case,
    without a detail, and where the domain has other names in its first one.
    """

    kind: str
    address: Address
    aliases: tuple[Alias, ...] = ()
    domain: Domain | None = None
    detected: bool = False
    name: str = ""
    signed: Signed | None = None

    @property
    def ours(self) -> bool:
        """Whether it is an own address in the sense of the rules."""
        return self.kind in ("alias", "catchall", "bounce", "reserved", "signed")

    def delivery(self, purpose: str) -> Delivery | None:
        """What a valid signed detail for a purpose names, None without one."""
        return self.signed.delivery if self.signed and self.signed.purpose == purpose else None


class Addressed(NamedTuple):
    """The addresses that count for one recipient.

    `recipient` is that recipient (None: no envelope, or an address that only transports), `all` every own address that
    is meant, `direct` those in To and the recipient if it stands in neither To nor Cc.
    """

    recipient: Own | None
    all: tuple[Own, ...]
    direct: tuple[Own, ...]


def resolve(address: Address, state: State, *, envelope: bool, alone: bool = False) -> Own:
    """What an address is to us: exact names first, then without its detail, then by local-part detection.

    `envelope`: it is an envelope recipient; `alone`: it is a header address and no envelope is known.
    """
    domain = state.domain_of(address)
    local = lower(address.local)
    names = spellings(local, domain.delimiter if domain else "+")
    signed = _signed(local, state) if domain else None
    if domain:
        for name in names:
            found = _named(name, address, domain, state)
            if found:
                return found._replace(signed=signed)
        if signed and signed.delivery:
            return Own("bounce" if signed.purpose == token.BOUNCE else "signed", address, (), domain, signed=signed)
    allowed = state.settings.allowed_domains
    if domain or (address.domain in allowed if allowed else envelope or alone):
        for name in names:
            if name in state.detected:
                return Own("alias", address, state.detected[name], domain, detected=True, signed=signed)
    return Own("unknown" if domain else "foreign", address, (), domain, signed=signed)


def spellings(local: str, delimiter: str) -> tuple[str, ...]:
    """The names under which a lower-case local part may be known: as it is, then without a detail, longest first."""
    found = [local]
    if delimiter:
        pieces = local.split(delimiter, _SPELLINGS)
        found += [delimiter.join(pieces[:end]) for end in range(len(pieces) - 1, 0, -1)]
    if ours := token.parse(local):
        found.insert(1, ours.local)
    return tuple(dict.fromkeys(name for name in found if name))


def _signed(local: str, state: State) -> Signed | None:
    detail = token.parse(local)
    if not detail:
        return None
    delivery = state.deliveries.get(detail.number)
    if not delivery:
        return Signed(detail.purpose, None, "names nothing that was sent")
    doubt = token.fault(detail, state.secrets, str(delivery.placement.record), delivery.recipient)
    if not doubt and detail.purpose == token.REPLY and delivery.placement.record not in state.records:
        doubt = f"{delivery.placement.record} is gone"
    return Signed(detail.purpose, None if doubt else delivery, doubt)


def _named(local: str, address: Address, domain: Domain, state: State) -> Own | None:
    name = f"{local}@{domain.canonical}"
    alias = state.aliases.get(name)
    if alias:
        return Own("alias", address, (alias,), domain, name=name)
    if local in domain.catchalls:
        return Own("catchall", address, (), domain, name=name)
    if local in domain.bounces:
        return Own("bounce", address, (), domain, name=name)
    if local in RESERVED:
        return Own("reserved", address, (), domain, name=name)
    return None


def spelled(message: Message, state: State) -> Message:
    """The message with the spelling of its recipient that is an own address, the first one when none is."""
    envelope = message.envelope
    if not envelope.alternatives:
        return message
    spellings = (*envelope.recipients, *envelope.alternatives)
    ours = (each for each in spellings if resolve(each, state, envelope=True).ours)
    chosen = next(ours, envelope.recipients[0])
    return message._replace(envelope=envelope._replace(recipients=(chosen,), alternatives=()))


def doubtful(message: Message, state: State) -> bool:
    """Whether a signed detail stands in an address of ours that links nothing: forged, of an old key, of something
    gone, for another purpose."""
    every = (*message.envelope.recipients, *message.header_addresses)
    owns = (resolve(each, state, envelope=True) for each in every if token.parse(lower(each.local)))
    return any(
        own.signed.delivery is None or (own.signed.purpose == token.BOUNCE and own.kind != "bounce")
        for own in owns
        if own.signed
    )


def recipients(message: Message, state: State) -> tuple[Own | None, ...]:
    """The envelope recipients to decide for, one by one; `(None,)` when no envelope is known."""
    return tuple(resolve(each, state, envelope=True) for each in message.envelope.recipients) or (None,)


def written(message: Message, state: State) -> dict[str, str]:
    """How the sender spelled each address of ours, without a detail, by the address that it is known as.

    Under another name of a domain, or a former one of an alias, he knows no other; To and Cc say what he wrote, better
    than the envelope does after a forward.
    """
    found: dict[str, str] = {}
    for each in (*message.to, *message.cc, *message.resent, *message.envelope.recipients, *message.transport):
        own = resolve(each, state, envelope=True)
        if own.domain and own.name:
            spelling = f"{own.name.rpartition('@')[0]}@{own.domain.name}"
            for known_as in (own.name, *(alias.address for alias in own.aliases)):
                found.setdefault(known_as, spelling)
    return found


class Named(NamedTuple):
    """The own addresses that the header fields name, by `Address.key`: in To, in any field; `written`: in To or Cc."""

    direct: dict[str, Own]
    all: dict[str, Own]
    written: frozenset[str]


def named(message: Message, state: State, *, alone: bool) -> Named:
    """What the header fields say; the same for every recipient, as long as they all are known, or none is (`alone`)."""

    def own(addresses: tuple[Address, ...]) -> dict[str, Own]:
        first: dict[str, Own] = {}
        for each in addresses:
            found = resolve(each, state, envelope=False, alone=alone)
            if found.ours:
                first.setdefault(each.key, found)
        return first

    written = frozenset(each.key for each in (*message.to, *message.cc))
    return Named(own(message.to), own(message.header_addresses), written)


def counts(recipient: Own | None) -> Own | None:
    """The recipient, unless it is an address outside every own domain that no detection matches.

    Such a one only transports: it counts for nothing, and the header fields speak as if no envelope were known.
    """
    return None if recipient and recipient.kind == "foreign" else recipient


def addressed(recipient: Own | None, header: Named) -> Addressed:
    """What counts when a message with this header is decided for a recipient that `counts`."""
    if not recipient or not recipient.ours:
        return Addressed(recipient, tuple(header.all.values()), tuple(header.direct.values()))
    key = recipient.address.key
    everything = {key: recipient} | header.all | {key: recipient}  # first, and as the envelope has it
    direct = header.direct if key in header.written else {**header.direct, key: recipient}
    return Addressed(recipient, tuple(everything.values()), tuple(direct.values()))


def aliases(owns: tuple[Own, ...]) -> list[tuple[Alias, Own]]:
    """Every alias that is meant, once, each with the address that meant it; exact addresses before detected ones."""
    found: dict[int, tuple[Alias, Own]] = {}
    for own in sorted(owns, key=lambda own: own.detected):
        for alias in own.aliases:
            found.setdefault(alias.number, (alias, own))
    return list(found.values())
