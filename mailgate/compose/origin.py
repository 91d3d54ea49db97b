"""Say in whose name mailgate writes a message of its own: from the bounce address of a domain, with a mark."""

from typing import NamedTuple

from mailgate.values import token
from mailgate.values.address import Address
from mailgate.values.directory import Domain


class Origin(NamedTuple):
    """What a message of mailgate's own is made with.

    `domain`: the local domain that it comes from. `secret`: the key that signs its mark. `random`: at least 16 octets.
    `now`: seconds since the epoch.
    """

    domain: Domain
    secret: bytes
    random: bytes
    now: float

    @property
    def sender(self) -> str:
        """The address that it comes from, in angle brackets."""
        return f"<{Address(self.domain.bounce, self.domain.name)}>"

    def mark(self, kind: str) -> str:
        """The mark of this message; `kind` is one of `token`'s."""
        return token.new_mark(kind, self.secret, self.random)


class Composed(NamedTuple):
    """A message that is ready to send: id with angle brackets, subject as text, octets with LF line ends."""

    message_id: str
    subject: str
    octets: bytes
