"""Who the mail server says a message is from and for (RFC 5321 section 2.3.1), before any header field is believed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailgate import address
from mailgate.address import Address


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
    source: str = "pipe"  # pipe, lmtp or fetch


class Hints(NamedTuple):
    """What trace fields repeat of the envelope: Return-Path above Received, topmost X-Original-To, Delivered-To."""

    return_path: str | None = None
    original_to: str | None = None
    delivered_to: str | None = None


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
    if stated is None:
        sender, known = author, False
    else:
        sender, known = (None if address.is_null(stated) else qualified(stated)), True

    if recipients:
        named = [qualified(text) for text in recipients if text.strip()]
        return Envelope(sender, tuple(dict.fromkeys(each for each in named if each)), (), known)
    spellings = [found for text in _from_environment(environ, hints) if text and (found := qualified(text))]
    return Envelope(sender, tuple(spellings[:1]), tuple(dict.fromkeys(spellings[1:])), known)


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
