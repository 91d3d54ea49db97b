"""Who the mail server says a message is from and for (RFC 5321 section 2.3.1), before any header field is believed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailgate.values import address, mailboxes
from mailgate.values.address import Address

_MOST = 100
"""Recipients of one delivery that are taken from a trace field."""


class Envelope(NamedTuple):
    """The transport's view of one message.

    `reverse_path` is None for the null reverse-path; `stated` is False when nobody named one and the author stands in.
    `recipients` are the addresses to decide for, empty when the transport does not tell. `alternatives` are further
    spellings of the one recipient, in order of trust: local(8) rewrites addresses on its way to a command.
    """

    reverse_path: Address | None = None
    recipients: tuple[Address, ...] = ()
    alternatives: tuple[Address, ...] = ()
    stated: bool = True
    source: str = "pipe"  # pipe, lmtp, fetch (out of a mailbox) or file (kept mail)

    @property
    def collected(self) -> bool:
        """Whether no mail server waits for an answer."""
        return self.source in ("fetch", "file")


class Hints(NamedTuple):
    """What trace fields repeat of the envelope: Return-Path above Received, topmost X-Original-To, Delivered-To.

    `last`: the recipient fields above Received, which the last mail server wrote, the most exact one first.
    """

    return_path: str | None = None
    original_to: str | None = None
    delivered_to: str | None = None
    last: tuple[str, ...] = ()


def read(
    reverse_path: str | None,
    recipients: Sequence[str],
    environ: Mapping[str, str],
    hints: Hints,
    author: Address | None,
    default_domain: str = "",
) -> Envelope:
    """The envelope out of arguments, else the environment of local(8) or Exim's pipe, else the trace fields.

    Of the reverse-path local(8) gives in SENDER some characters are replaced, so it is asked last. An address without a
    domain belongs to `default_domain`, as in every mail server.
    """

    def qualified(text: str) -> Address | None:
        return address.lenient(text if "@" in text or not default_domain else f"{text.strip('<> ')}@{default_domain}")

    stated = next((text for text in (reverse_path, hints.return_path, environ.get("SENDER")) if text is not None), None)
    sender = author if stated is None else None if address.is_null(stated) else qualified(stated)
    known = stated is not None

    if recipients:
        named = [qualified(text) for text in recipients if text.strip()]
        return Envelope(sender, tuple(dict.fromkeys(each for each in named if each)), (), known)
    spellings = [found for text in _from_environment(environ, hints) if text and (found := qualified(text))]
    return Envelope(sender, tuple(spellings[:1]), tuple(dict.fromkeys(spellings[1:])), known)


def collected(hints: Hints, mailbox: str | None, author: Address | None, default_domain: str = "") -> Envelope:
    """The envelope of a message that was found in a mailbox, as its last mail server noted it in the trace fields.

    The address of the mailbox itself only transports: what it collects was meant for the others that stand there, or
    for those in the header fields.
    """
    envelope = read(None, (), {}, hints, author, default_domain)
    own = address.lenient(mailbox) if mailbox else None
    fields = ([each for each in mailboxes.read(text, _MOST) if each != own] for text in hints.last)
    first, *more = [each for each in fields if each] or [[]]
    if len(first) > 1:  # Exim notes all recipients of one delivery
        return envelope._replace(recipients=tuple(dict.fromkeys(first)), source="fetch")
    spellings = tuple(dict.fromkeys((*first, *(each[0] for each in more))))
    return envelope._replace(recipients=spellings[:1], alternatives=spellings[1:], source="fetch")


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
