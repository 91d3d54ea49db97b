"""What an administrator declares: domains, aliases, contacts, and the words that each of them may hold."""

from collections.abc import Mapping
from typing import NamedTuple

from mailgate.values.record import Ref

POLICIES = ("everyone", "contacts", "followers", "members")
SPAM = ("hold", "quiet")
AUTOMATIC = ("quiet", "normal", "hold", "refuse")
REPLIES = ("everyone", "participants")
LANGUAGES = ("en", "de")
RESERVED = ("postmaster", "abuse")
"""Local parts that exist in every own domain (RFC 5321 section 4.5.1, RFC 2142)."""


class Domain(NamedTuple):
    """An own domain, or another name of one: then `same_as` is that one's, with which it shares everything else.

    `sender` is the local part we write from where no alias governs (`""`: the catchall). `retired` are former names
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

    @property
    def canonical(self) -> str:
        """The name under which its addresses are stored: its own, or that of the domain it is another name of."""
        return self.same_as or self.name

    @property
    def catchalls(self) -> tuple[str, ...]:
        """The names that take answers: today's catchall, the retired ones, and the sender, as far as it is no alias."""
        names = (self.catchall, *self._retired("catchall"), self.sender)
        return tuple(dict.fromkeys(each for each in names if each))

    @property
    def bounces(self) -> tuple[str, ...]:
        """Today's bounce name and the retired ones."""
        return (self.bounce, *self._retired("bounce"))

    @property
    def former_aliases(self) -> tuple[str, ...]:
        """The names that aliases had here before they were renamed."""
        return self._retired("alias")

    def _retired(self, kind: str) -> tuple[str, ...]:
        return tuple(local for local, each in self.retired if each == kind)


class Alias(NamedTuple):
    """An address that makes records, or posts on one."""

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

    @property
    def address(self) -> str:
        """`local@domain`, as stored: lower case."""
        return f"{self.local}@{self.domain}"


class Contact(NamedTuple):
    """A known sender; `bounces` counts the failures of mail to him since he last wrote."""

    address: str
    name: str = ""
    member: bool = False
    archived: bool = False
    bounces: int = 0
