"""Read the facts of a message: from its header fields alone, while the body is only hashed.

Nothing here raises for any input, and no octet is changed. What cannot be read is noted as a defect of the message.
"""

from collections.abc import Callable, Mapping

from mailgate.mail import header as headers
from mailgate.mail.digest import digest
from mailgate.mail.envelope import Envelope, Hints
from mailgate.mail.header import FROM_BELOW, FROM_IN_DOUBT, TRACE, TRANSPORT_FIELDS, Header, Stamp
from mailgate.values import charset, mailboxes
from mailgate.values.address import Address
from mailgate.values.digest import sha256
from mailgate.values.light import NamedTuple
from mailgate.values.mailboxes import Author
from mailgate.values.pattern import pattern

ADDRESS_LIMIT = 2_000
"""Addresses of all recipient fields together; each of them may be looked up."""
ID_LIMIT = 10_000
"""Message-IDs in References and In-Reply-To together, with repetitions, because each one costs time."""
_SHOWN = ("subject", "from")
"""Fields whose text is kept."""
_ID = pattern(rb"<[^<>]*>")
_SPACE = pattern(rb"\s+")


class Message(NamedTuple):
    """What a message says of itself, before anything is looked up. Ids keep their angle brackets.

    `references`: the ids in In-Reply-To, then those in References. `transport`: addresses in fields of mail servers and
    providers. `full_size`: octets of the message where `raw` is only a part of it, else 0.
    """

    raw: bytes
    envelope: Envelope
    fields: Mapping[str, tuple[bytes, ...]]
    body_at: int
    message_id: str | None
    references: tuple[str, ...]
    subject: str
    author: Author
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    resent: tuple[Address, ...]
    transport: tuple[Address, ...]
    digest: str
    defects: tuple[str, ...]
    stamps: tuple[Stamp, ...] = ()
    full_size: int = 0

    @property
    def size(self) -> int:
        """Octets as received; of the complete message where only a part of it was collected."""
        return max(len(self.raw), self.full_size)

    @property
    def header_addresses(self) -> tuple[Address, ...]:
        """Every recipient that the header names, in To, Cc, Resent-* and the fields of mail servers.

        X-Forwarded-To and X-Forwarded-For count too: in these, providers name the mailbox that forwards, and for whom.
        """
        return tuple(dict.fromkeys((*self.to, *self.cc, *self.resent, *self.transport)))

    @property
    def listed(self) -> bool:
        """Whether a mailing list handled this copy (RFC 2369, RFC 2919)."""
        return any(name.startswith("list-") for name in self.fields)

    def field(self, name: str) -> str:
        """The first value of a field as clean one-line text, `""` when there is none."""
        return charset.line(charset.decode_words(self.fields[name][0])) if name in self.fields else ""

    def plain(self, name: str) -> list[str]:
        """Every value of a field that has no encoded words, as a clean line; the first 64 KiB of each."""
        if name not in self.fields:
            return []
        values = [value[: mailboxes.FIELD_LIMIT] for value in self.fields[name]]
        return [charset.line(value.decode("utf-8", "replace"), len(value)) for value in values]


def read(raw: bytes, envelope: Callable[[Hints, Address | None], Envelope]) -> Message:
    """The facts of a message; `envelope` makes its envelope from the trace fields and the author."""
    header = headers.scan(raw)
    fields = header.fields
    rest = _rest(raw, fields)
    author = _author(header, rest)
    references, too_many = _references(fields)
    message_id = _message_id(fields)
    defects = [*header.defects, *([author.defect] if author.defect else [])]
    if too_many:
        defects.append(f"more than {ID_LIMIT} references")
    recipients = _Recipients(fields, defects)
    return Message(
        raw=raw,
        envelope=envelope(_hints(header), author.address),
        fields=fields,
        body_at=header.body_at,
        message_id=message_id,
        references=tuple(reference for reference in references if reference != message_id),
        subject=charset.line(charset.decode_words(fields["subject"][0], rest)) if "subject" in fields else "",
        author=author,
        to=recipients.read("to"),
        cc=recipients.read("cc"),
        resent=recipients.read("resent-to", "resent-cc"),
        transport=recipients.read(*TRANSPORT_FIELDS),
        digest=digest(fields, raw, header.body_at),
        defects=tuple(dict.fromkeys(defects)),
        stamps=header.stamps,
    )


def unread(raw: bytes, envelope: Envelope, why: str) -> Message:
    """The facts of a message whose header could not be read: its octets, its envelope, a digest."""
    return Message(
        raw=raw,
        envelope=envelope,
        fields={},
        body_at=0,
        message_id=None,
        references=(),
        subject="",
        author=Author(None, "", "", why),
        to=(),
        cc=(),
        resent=(),
        transport=(),
        digest=sha256(raw).hexdigest(),
        defects=(why,),
    )


def _hints(header: Header) -> Hints:
    def first(name: str) -> str | None:
        return header.fields[name][0].decode("utf-8", "replace") if name in header.fields else None

    last = tuple(header.trace[name] for name in TRACE if name in header.trace)
    return Hints(header.return_path, first("x-original-to"), first("delivered-to"), last)


class _Recipients:
    """Reads recipient fields, up to ADDRESS_LIMIT addresses in all of them together."""

    def __init__(self, fields: Mapping[str, tuple[bytes, ...]], defects: list[str]) -> None:
        self.fields = fields
        self.defects = defects
        self.left = ADDRESS_LIMIT

    def read(self, *names: str) -> tuple[Address, ...]:
        """The addresses in these fields, in order, without repetition."""
        addresses: dict[Address, None] = {}
        for value in (value for name in names for value in self.fields.get(name, ())):
            parsed = mailboxes.read(value.decode("utf-8", "replace"), self.left + 1)
            addresses.update(dict.fromkeys(parsed[: self.left]))
            if len(parsed) > self.left:
                self.defects.append(f"more than {ADDRESS_LIMIT} recipient addresses")
                self.left = 0
                break
            self.left -= len(parsed)
        return tuple(addresses)


def _rest(raw: bytes, fields: Mapping[str, tuple[bytes, ...]]) -> str:
    """The charset of octets in fields that have none of their own, `""` where they have, as in nearly all mail."""
    shown = (value for name in _SHOWN for value in fields.get(name, ()))
    return "" if all(map(charset.is_labelled, shown)) else charset.declared(raw)


def _author(header: Header, rest: str) -> Author:
    values = header.fields.get("from", ())
    author = mailboxes.author([value.decode("utf-8", "replace") for value in values])
    if not all(map(charset.is_unicode, values)):  # its octets are read once more, as a person would
        readable = mailboxes.author([charset.raw(value[: mailboxes.FIELD_LIMIT], rest) for value in values])
        author = author._replace(name=readable.name)
        if author.address and author.address != readable.address:
            author = author._replace(address=None, defect="octets of two readings in From")
    if author.address and FROM_IN_DOUBT in header.defects:
        author = author._replace(address=None, defect=FROM_IN_DOUBT)
    if author.address and "from" in header.below:
        author = author._replace(address=None, defect=FROM_BELOW)
    name = charset.line(charset.decode_words(author.name.encode("utf-8", "replace"), rest), 200)
    text = charset.line(charset.decode_words(b", ".join(values)[: mailboxes.FIELD_LIMIT], rest))
    return author._replace(name=name, text=text)


def _message_id(fields: Mapping[str, tuple[bytes, ...]]) -> str | None:
    value = fields.get("message-id", (b"",))[0][:4096]
    match = _ID.search(value)
    text = _id(match[0]) if match else _id(b"<" + value.strip(b"<> \t") + b">")
    return text if len(text) > 2 else None


def _references(fields: Mapping[str, tuple[bytes, ...]]) -> tuple[tuple[str, ...], bool]:
    """Every id in In-Reply-To and References, then that of the mail which an Exchange rule redirected; each once.

    And whether there were too many.
    """
    ids: dict[str, None] = {}
    left = ID_LIMIT
    names = ("in-reply-to", "references", "x-ms-exchange-parent-message-id")
    for value in (value for name in names for value in fields.get(name, ())):
        bare = value.strip()
        if b"<" not in value and b"@" in bare and not _SPACE.search(bare):
            ids[_id(b"<" + bare + b">")] = None
        for match in _ID.finditer(value):
            if not left:
                return tuple(ids), True
            left -= 1
            text = _id(match[0])
            if text != "<>":
                ids[text] = None
    return tuple(ids), False


def _id(octets: bytes) -> str:
    """An id as it is compared: without the white space that folding put into it (RFC 5322 section 3.6.4)."""
    return charset.line(_SPACE.sub(b"", octets).decode("utf-8", "backslashreplace"), 1000)
