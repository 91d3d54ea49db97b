"""What an administrator declares: domains, aliases, contacts, and the words that each of them may hold."""

from collections.abc import Iterable, Mapping

from mailgate.values.address import Address
from mailgate.values.light import NamedTuple
from mailgate.values.record import Ref

POLICIES = ("everyone", "contacts", "followers", "members")
SPAM = ("hold", "quiet")
AUTOMATIC = ("quiet", "normal", "hold", "refuse")
CALENDAR = ("quiet", "record")
REPLIES = ("everyone", "participants")
REPLY_TO = ("trust", "ignore")
CC = ("ignore", "follow")
REQUESTER = ("author", "to")
LANGUAGES = ("en", "de")
RESERVED = ("postmaster", "abuse")
"""Local parts that exist in every local domain (RFC 5321 section 4.5.1, RFC 2142)."""
LONGEST_CAPTURE = 1_440
"""Minutes that a domain captures at most."""


class Domain(NamedTuple):
    """A local domain, or another name of one: then `same_as` is that one's, with which it shares everything else.

    `sender` is the local part we write from where no alias governs (`""`: the catchall). `retired` are names it had
    (local part, kind: catchall, bounce or alias) that still work. `signature` ends our posts. Until `capture_until`
    (epoch seconds) what would be refused at its catchall, or held at its bounce address, waits for a person.
    """

    name: str
    catchall: str = "catchall"
    bounce: str = "bounce"
    company: str = ""
    contact: str | None = None
    language: str = "en"
    delimiter: str = "+"
    details: bool = True
    default: bool = False
    retired: tuple[tuple[str, str], ...] = ()
    same_as: str = ""
    sender: str = ""
    signature: str = ""
    capture_until: float = 0.0

    def captures(self, now: float) -> bool:
        """Whether it captures at this moment (epoch seconds); not where a clock that was ahead said until when."""
        return now < self.capture_until <= now + 60 * LONGEST_CAPTURE

    @property
    def canonical(self) -> str:
        """The name under which its addresses are stored: its own, or that of the domain it is another name of."""
        return self.same_as or self.name

    @property
    def catchalls(self) -> tuple[str, ...]:
        """The names that take answers: today's catchall, the retired ones, and the sender, as far as it is no alias."""
        names = (self.catchall, *self._retired("catchall"), self.sender)
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def bounces(self) -> tuple[str, ...]:
        """Today's bounce name and the retired ones."""
        return (self.bounce, *self._retired("bounce"))

    @property
    def former_aliases(self) -> tuple[str, ...]:
        """The retired names of aliases."""
        return self._retired("alias")

    def kind_of(self, local: str) -> str:
        """What a lower-case local part is the name of: `catchall` or `bounce`, `""` for neither; retired ones too."""
        if local in (self.catchall, self.sender):
            return "catchall"
        if local == self.bounce:
            return "bounce"
        retired = next((kind for name, kind in self.retired if name == local), "")
        return retired if retired in ("catchall", "bounce") else ""

    def _retired(self, kind: str) -> tuple[str, ...]:
        return tuple(local for local, retired in self.retired if retired == kind)


class Alias(NamedTuple):
    """An address that makes records, or posts on one; `lists`: posting addresses of lists that feed it (`key`)."""

    number: int
    local: str
    domain: str
    model: str
    values: Mapping[str, str] = {}
    policy: str = "everyone"
    record: Ref | None = None
    owner: Ref | None = None
    local_part: bool = False
    authenticated: bool = False
    refusal: str = ""
    spam: str = "hold"
    status: str = "not-tested"
    notify: tuple[str, ...] = ()
    automatic: str = "quiet"
    replies: str = "everyone"
    lists: tuple[str, ...] = ()
    calendar: str = "quiet"
    reply_to: str = "trust"
    cc: str = "ignore"
    requester: str = "author"

    @property
    def address(self) -> str:
        """`local@domain`, as stored: lower case."""
        return f"{self.local}@{self.domain}"


class Directory(NamedTuple):
    """What is ours: the default domain, and of the other local domains and the aliases those that were asked for.

    `domains` by each of their names, in the order they were added; `aliases` by address, retired ones too; `detected`:
    those with local-part detection, by local part, retired ones too. Outside the local domains detection works in those
    of `allowed`, in every domain where that is empty.
    """

    domains: Mapping[str, Domain] = {}
    aliases: Mapping[str, Alias] = {}
    detected: Mapping[str, tuple[Alias, ...]] = {}
    allowed: frozenset[str] = frozenset()

    @property
    def default(self) -> Domain | None:
        """The domain that an address without one belongs to, None while there is no local domain."""
        return next((domain for domain in self.domains.values() if domain.default), None)

    @property
    def default_name(self) -> str:
        """Its name, `""` while there is none."""
        return self.default.name if self.default else ""

    @property
    def contacts(self) -> frozenset[str]:
        """The contact addresses of these domains, as `Address.key`: those that were asked for are among them."""
        return frozenset(domain.contact for domain in self.domains.values() if domain.contact)

    def domain_of(self, address: Address) -> Domain | None:
        """The local domain that an address lies in."""
        return self.domains.get(address.domain)

    def with_aliases(self, aliases: Iterable[Alias], retired: Iterable[tuple[str, Alias]] = ()) -> "Directory":
        """The same and these aliases; `retired`: addresses that aliases had before. A name in use beats a retired one.

        Those with detection follow in the order of their numbers.
        """
        current = {alias.address: alias for alias in aliases}
        every = {**self.aliases, **dict(retired), **current}
        detected: dict[str, dict[int, Alias]] = {}
        for address, alias in sorted(every.items(), key=lambda item: (item[0] != item[1].address, item[1].number)):
            if alias.local_part:
                detected.setdefault(address.rpartition("@")[0], {}).setdefault(alias.number, alias)
        return self._replace(aliases=every, detected={local: tuple(of.values()) for local, of in detected.items()})


class Contact(NamedTuple):
    """A known sender; `bounces` counts the failures of mail to him since he last wrote."""

    address: str
    name: str = ""
    member: bool = False
    archived: bool = False
    bounces: int = 0
