"""What an address is to us: the one answer to whether it is ours, and which addresses a message means."""

from mailgate.mail.envelope import Envelope
from mailgate.mail.message import Message
from mailgate.routing.state import Delivery, Ours, Signatures
from mailgate.values import token
from mailgate.values.address import Address, lower
from mailgate.values.directory import RESERVED, Alias, Directory, Domain
from mailgate.values.light import NamedTuple
from mailgate.values.token import Token

_SPELLINGS = 8
"""Delimiters in a local part at which a detail may begin."""


class Signed(NamedTuple):
    """A token in an address: the delivery it names, None where it is not valid, and why it is not."""

    purpose: str
    delivery: Delivery | None
    fault: str = ""


class Resolved(NamedTuple):
    """What one address is to us.

    kind: alias, catchall, bounce, reserved (postmaster, abuse), signed (no name of ours, but a valid token), unknown
    (in a local domain, and no name of ours) or foreign. `name` is the address by which a local domain knows it: in
    lower case, without a detail, and where the domain has other names in its first one.
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
        """Whether it is a local address in the sense of the rules."""
        return self.kind in ("alias", "catchall", "bounce", "reserved", "signed")

    def delivery(self, purpose: str) -> Delivery | None:
        """The delivery that a valid token for a purpose names, None without one."""
        return self.signed.delivery if self.signed and self.signed.purpose == purpose else None


class Addressed(NamedTuple):
    """The addresses that count for one recipient.

    `recipient` is that recipient (None: no envelope, or an address that only transports), `all` every local address
    that is meant, `direct` those in To and the recipient if it stands in neither To nor Cc.
    """

    recipient: Resolved | None
    all: tuple[Resolved, ...]
    direct: tuple[Resolved, ...]


def resolve(address: Address, ours: Ours, *, envelope: bool = False, alone: bool = False) -> Resolved:
    """What an address is to us: exact names first, then without its detail, then by local-part detection.

    The directory has the aliases that the address asks for. `envelope`: it is an envelope recipient; `alone`: it is a
    header address and no envelope is known.
    """
    directory, signatures = ours
    domain = directory.domains.get(address.domain)
    local = lower(address.local)
    parsed = token.parse(local)
    names = _spellings(local, domain.delimiter if domain else "+", parsed)
    signed = _signed(parsed, signatures) if parsed and domain else None
    if domain:
        host = domain.canonical
        for name in names:
            kind, alias = _named(name, host, domain, directory)
            if kind:
                return Resolved(kind, address, (alias,) if alias else (), domain, name=f"{name}@{host}", signed=signed)
        if signed and signed.delivery:
            return Resolved(
                "bounce" if signed.purpose == token.BOUNCE else "signed", address, (), domain, signed=signed
            )
    allowed = directory.allowed
    if domain or (address.domain in allowed if allowed else envelope or alone):
        for name in names:
            if name in directory.detected:
                return Resolved("alias", address, directory.detected[name], domain, detected=True, signed=signed)
    return Resolved("unknown" if domain else "foreign", address, (), domain, signed=signed)


def spellings(local: str, delimiter: str) -> tuple[str, ...]:
    """The names under which a lower-case local part may be known: as it is, then without a detail, longest first."""
    return _spellings(local, delimiter, token.parse(local))


def _spellings(local: str, delimiter: str, parsed: Token | None) -> tuple[str, ...]:
    names = [local]
    if delimiter and delimiter in local:
        pieces = local.split(delimiter, _SPELLINGS)
        names += [delimiter.join(pieces[:end]) for end in range(len(pieces) - 1, 0, -1)]
    if parsed:
        names.insert(1, parsed.local)
    return tuple(dict.fromkeys(name for name in names if name))


def _signed(parsed: Token, signatures: Signatures) -> Signed:
    delivery = signatures.deliveries.get(parsed.number)
    if not delivery:
        return Signed(parsed.purpose, None, "names nothing that was sent")
    fault = token.fault(
        parsed, signatures.secrets, delivery.signed_for or str(delivery.placement.record), delivery.recipient
    )
    if not fault and parsed.purpose == token.REPLY and delivery.gone:
        fault = f"{delivery.placement.record} is gone"
    return Signed(parsed.purpose, None if fault else delivery, fault)


def _named(local: str, host: str, domain: Domain, directory: Directory) -> tuple[str, Alias | None]:
    """What a name is in a domain: its kind, `""` for no name of ours, and the alias of this name."""
    if alias := directory.aliases.get(f"{local}@{host}"):
        return "alias", alias
    return domain.kind_of(local) or ("reserved" if local in RESERVED else ""), None


def names_in(directory: Directory) -> dict[str, frozenset[str]]:
    """Every name by which `resolve` finds an address in a local domain, besides those that are reserved, by domain."""
    named: dict[str, list[str]] = {}
    for address in directory.aliases:
        local, _, host = address.rpartition("@")
        named.setdefault(host, []).append(local)
    return {
        name: frozenset((*named.get(domain.canonical, ()), *directory.detected, *domain.catchalls, *domain.bounces))
        for name, domain in directory.domains.items()
    }


def is_local(address: Address, directory: Directory) -> bool:
    """Whether mail to an address comes back to us, as far as its name tells.

    Whatever has the form of a token counts, valid or not: the mail server hands it over. An address outside the local
    domains belongs to somebody there, though detection may take mail for it.
    """
    resolved = resolve(address, Ours(directory))
    return resolved.domain is not None and (resolved.ours or resolved.signed is not None)


def is_stranger(address: Address, directory: Directory) -> bool:
    """Whether an address lies in a local domain where nobody has it."""
    return directory.domain_of(address) is not None and not is_local(address, directory)


def spelled(envelope: Envelope, ours: Ours) -> Envelope:
    """The envelope with the spelling of its recipient that is a local address, the first one when none is."""
    if not envelope.alternatives:
        return envelope
    every = (*envelope.recipients, *envelope.alternatives)
    local = (address for address in every if resolve(address, ours, envelope=True).ours)
    chosen = next(local, envelope.recipients[0])
    return envelope._replace(recipients=(chosen,), alternatives=())


def with_tokens(message: Message, ours: Ours) -> tuple[Resolved, ...]:
    """The addresses of a message in local domains that hold a token, valid or not."""
    addresses = (*message.envelope.recipients, *message.header_addresses)
    holding = (address for address in addresses if token.parse(lower(address.local)))
    every = (resolve(address, ours, envelope=True) for address in holding)
    return tuple(resolved for resolved in every if resolved.signed)


def has_invalid_token(message: Message, ours: Ours) -> bool:
    """Whether a token in an address of ours leads nowhere: forged, of an old key, of something that is gone, or for
    delivery reports where none go."""
    return any(
        resolved.signed.delivery is None or (resolved.signed.purpose == token.BOUNCE and resolved.kind != "bounce")
        for resolved in with_tokens(message, ours)
        if resolved.signed
    )


def recipients(envelope: Envelope, ours: Ours) -> tuple[Resolved | None, ...]:
    """The envelope recipients to decide for, one by one; `(None,)` when no envelope is known."""
    return tuple(resolve(address, ours, envelope=True) for address in envelope.recipients) or (None,)


def written(message: Message, ours: Ours) -> dict[str, str]:
    """How the sender spelled each address of ours, without a detail, by the address that it is known as.

    Under another name of a domain, or a retired one of an alias, the sender knows no other; To and Cc say what was
    written, better than the envelope does after a forward.
    """
    spellings: dict[str, str] = {}
    for address in (*message.to, *message.cc, *message.resent, *message.envelope.recipients, *message.transport):
        resolved = resolve(address, ours, envelope=True)
        if resolved.domain and resolved.name:
            spelling = f"{resolved.name.rpartition('@')[0]}@{resolved.domain.name}"
            for known_as in (resolved.name, *(alias.address for alias in resolved.aliases)):
                spellings.setdefault(known_as, spelling)
    return spellings


class Named(NamedTuple):
    """The local addresses that the header names, by `Address.key`: in To, in any field; `written`: in To or Cc."""

    direct: dict[str, Resolved]
    all: dict[str, Resolved]
    written: frozenset[str]


def named(message: Message, ours: Ours, *, alone: bool) -> Named:
    """What the header fields say; the same for every recipient, as long as they all are known, or none is (`alone`)."""

    def local(addresses: tuple[Address, ...]) -> dict[str, Resolved]:
        first: dict[str, Resolved] = {}
        for address in addresses:
            resolved = resolve(address, ours, alone=alone)
            if resolved.ours:
                first.setdefault(address.key, resolved)
        return first

    written = frozenset(address.key for address in (*message.to, *message.cc))
    return Named(local(message.to), local(message.header_addresses), written)


def counts(recipient: Resolved | None) -> Resolved | None:
    """The recipient, unless it is an address outside every local domain that no detection matches.

    Such a one only transports: it counts for nothing, and the header fields speak as if no envelope were known.
    """
    return None if recipient and recipient.kind == "foreign" else recipient


def addressed(recipient: Resolved | None, header: Named) -> Addressed:
    """What counts when a message with this header is decided for a recipient that `counts`."""
    if not recipient or not recipient.ours:
        return Addressed(recipient, tuple(header.all.values()), tuple(header.direct.values()))
    key = recipient.address.key
    everything = {key: recipient} | header.all | {key: recipient}  # first, and as the envelope has it
    direct = header.direct if key in header.written else {**header.direct, key: recipient}
    return Addressed(recipient, tuple(everything.values()), tuple(direct.values()))


def aliases(addresses: tuple[Resolved, ...]) -> list[tuple[Alias, Resolved]]:
    """Every alias that is meant, once, each with the address that meant it; exact addresses before detected ones."""
    by_number: dict[int, tuple[Alias, Resolved]] = {}
    for resolved in sorted(addresses, key=lambda address: address.detected):
        for alias in resolved.aliases:
            by_number.setdefault(alias.number, (alias, resolved))
    return list(by_number.values())
