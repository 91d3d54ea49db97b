"""Who the mail server says a message is from and for (RFC 5321 section 2.3.1), before any header field is believed."""

from collections.abc import Iterable, Mapping

from mailgate.mail.incoming import COLLECTED, Incoming
from mailgate.values import address, mailboxes
from mailgate.values.address import Address
from mailgate.values.light import NamedTuple

_MOST = 100
"""Recipients of one delivery that are taken from a trace field."""


ENVIRONMENT = (
    *("SENDER", "RECIPIENT", "ORIGINAL_RECIPIENT"),
    *("LOCAL_PART", "LOCAL_PART_PREFIX", "LOCAL_PART_SUFFIX", "DOMAIN"),
)
"""The variables in which mail servers state the envelope to a program: local(8) of Postfix, the pipe of Exim."""
UNREADABLE = Address("unreadable recipient", "")
"""What stands for a recipient that is no address: nobody has it, and the header does not speak in its place."""


class Envelope(NamedTuple):
    """The transport's view of one message.

    `reverse_path` is None for the null reverse-path; `stated` is False when nobody named one and the author stands in.
    `recipients` are the addresses to decide for, empty when the transport does not tell. `alternatives` are further
    spellings of the one recipient, in order of trust: local(8) rewrites addresses on its way to a command. An address
    that came without a domain has an empty one until it is `qualified`.
    """

    reverse_path: Address | None = None
    recipients: tuple[Address, ...] = ()
    alternatives: tuple[Address, ...] = ()
    stated: bool = True
    source: str = "pipe"  # as in `Incoming`

    @property
    def collected(self) -> bool:
        """Whether no mail server waits for an answer."""
        return self.source in COLLECTED

    def qualified(self, domain: str) -> "Envelope":
        """The same with this domain where an address has none, as every mail server completes it."""

        def complete(addresses: Iterable[Address]) -> tuple[Address, ...]:
            completed = (known if known.domain else known._replace(domain=domain) for known in addresses)
            return tuple(dict.fromkeys(completed))

        return self._replace(
            reverse_path=next(iter(complete([self.reverse_path])), None) if self.reverse_path else None,
            recipients=complete(self.recipients),
            alternatives=complete(self.alternatives),
        )


class Hints(NamedTuple):
    """What trace fields repeat of the envelope: Return-Path above Received, topmost X-Original-To, Delivered-To.

    `last`: the recipient fields above Received, which the last mail server wrote, the most exact one first.
    """

    return_path: str | None = None
    original_to: str | None = None
    delivered_to: str | None = None
    last: tuple[str, ...] = ()


def read(incoming: Incoming, hints: Hints, author: Address | None) -> Envelope:
    """The envelope out of arguments, else the environment of local(8) or Exim's pipe, else the trace fields.

    Of mail that was collected only the trace fields tell.
    """
    if incoming.source in COLLECTED:
        return _collected(hints, incoming.mailbox, author)._replace(source=incoming.source)
    sender, stated = _reverse_path((incoming.reverse_path, hints.return_path, incoming.environ.get("SENDER")), author)
    if incoming.recipients:
        named = [_lenient(text) or UNREADABLE for text in incoming.recipients if text.strip()]
        recipients = tuple(dict.fromkeys(named))
        return Envelope(sender, recipients, (), stated, incoming.source)
    spellings = [parsed for text in _from_environment(incoming.environ, hints) if text and (parsed := _lenient(text))]
    return Envelope(sender, tuple(spellings[:1]), tuple(dict.fromkeys(spellings[1:])), stated, incoming.source)


def is_address(text: str) -> bool:
    """Whether a recipient can be read at all, also one without a domain."""
    return _lenient(text) is not None


def _reverse_path(candidates: Iterable[str | None], author: Address | None) -> tuple[Address | None, bool]:
    """The reverse-path as the first that tells one has it, and whether anybody did.

    local(8) replaces some characters in SENDER, so it is asked last.
    """
    stated = next((text for text in candidates if text is not None), None)
    if stated is None:
        return author, False
    return None if address.is_null(stated) else _lenient(stated), True


def _collected(hints: Hints, mailbox: str | None, author: Address | None) -> Envelope:
    """The envelope of a message that was found in a mailbox, as its last mail server noted it in the trace fields.

    The address of the mailbox itself only transports: what it collects was meant for the others that stand there, or
    for those in the header fields.
    """
    sender, stated = _reverse_path((hints.return_path,), author)
    own = address.lenient(mailbox) if mailbox else None
    fields = ([named for named in mailboxes.read(text, _MOST) if named != own] for text in hints.last)
    first, *more = [field for field in fields if field] or [[]]
    if len(first) > 1:  # Exim notes all recipients of one delivery
        return Envelope(sender, tuple(dict.fromkeys(first)), (), stated)
    spellings = tuple(dict.fromkeys((*first, *(field[0] for field in more))))
    return Envelope(sender, spellings[:1], spellings[1:], stated)


def _lenient(text: str) -> Address | None:
    """An address as it was told, its domain empty where it has none."""
    if "@" in text:
        return address.lenient(text)
    parsed = address.lenient(f"{text.strip('<> ')}@{_NO_DOMAIN}")
    return parsed._replace(domain="") if parsed else None


_NO_DOMAIN = "unqualified.invalid"


def _from_environment(environ: Mapping[str, str], hints: Hints) -> list[str | None]:
    if "LOCAL_PART" in environ:  # Exim: its RECIPIENT lacks the suffix
        local, host = environ["LOCAL_PART"], environ.get("DOMAIN", "")
        if not local or local == "NULL" or not host:
            return []
        return [f"{environ.get('LOCAL_PART_PREFIX', '')}{local}{environ.get('LOCAL_PART_SUFFIX', '')}@{host}"]
    recipient = environ.get("RECIPIENT")
    if not recipient or recipient.startswith("@") or recipient == "NULL":
        return []
    return [recipient, environ.get("ORIGINAL_RECIPIENT"), hints.original_to, hints.delivered_to]
