"""Where the author of a message wants answers, as far as its header says: fields in which an address may stand."""

from collections.abc import Iterator

from mailgate.mail.message import Message
from mailgate.values import mailboxes
from mailgate.values.address import Address
from mailgate.values.light import NamedTuple

MOST = 3
"""Mailboxes in Reply-To; a field with more of them says nothing."""
ORIGINAL = ("x-original-from", "x-original-sender")
"""Fields in which a group notes the author, whom it replaced in From by its own address."""


class Candidates(NamedTuple):
    """Addresses for an answer, the first one before the others, and the field they stand in, as it is shown."""

    source: str
    addresses: tuple[Address, ...]


def reply_to(message: Message) -> tuple[Address, ...]:
    """The mailboxes of Reply-To (RFC 5322 section 3.6.2), each once; none where they are more than `MOST`."""
    values = message.fields.get("reply-to", ())
    texts = (value[: mailboxes.FIELD_LIMIT].decode("utf-8", "replace") for value in values[: MOST + 1])
    addresses = {address.key: address for text in texts for address in mailboxes.read(text, MOST + 1)}
    return tuple(addresses.values()) if len(addresses) <= MOST else ()


def candidates(message: Message) -> Iterator[Candidates]:
    """Who may be answered, the best first: Reply-To, the author, else the one address in From, however it is written.

    Only where From names no address do Sender and a stated reverse-path count. What a group noted of the author comes
    behind From.
    """
    if stated := reply_to(message):
        yield Candidates("Reply-To", stated)
    written = (message.author.address,) if message.author.address else _named(message, "from")
    if len(written) == 1:
        yield Candidates("From", written)
    if written:
        for name in ORIGINAL:
            if len(original := _named(message, name)) == 1:
                yield Candidates(name.title(), original)
        return
    if len(sender := _named(message, "sender")) == 1:
        yield Candidates("Sender", sender)
    if message.envelope.stated and message.envelope.reverse_path:
        yield Candidates("reverse-path", (message.envelope.reverse_path,))


def _named(message: Message, name: str) -> tuple[Address, ...]:
    """The addresses that stand in a field at all, each once; of more than two, two."""
    values = message.fields.get(name, ())[:2]
    texts = (value[: mailboxes.FIELD_LIMIT].decode("utf-8", "replace") for value in values)
    addresses = {address.key: address for text in texts for address in mailboxes.named(text)}
    return tuple(addresses.values())[:2]
