"""Write the header of what goes to a record's people: posts, and copies of what one of them wrote.

Each recipient gets a message of his own: answers come back to a signed address that names the record, reports to a
signed return address. The author's name is kept, his address is not: under his domain's DMARC policy nobody may send
for it but he.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mailgate.compose import mime
from mailgate.compose.mime import field, shown
from mailgate.mail.message import Message
from mailgate.values import token
from mailgate.values.address import LOCAL_LIMIT
from mailgate.values.directory import Domain

SUBJECT_LIMIT = 500
_NAME_LIMIT = 100
_ANCESTORS = 20
"""Ids in References: the first one and the newest; RFC 5322 sets no limit, mail servers do."""
_LINE_LIMIT = 998
"""Octets of a line (RFC 5322 section 2.1.1)."""
_VALUE_LIMIT = 16 * 1024
"""Octets of a MIME field that is passed on; a longer one only breaks what is on the way."""
_ID = re.compile(r"<(?!.*=\?)[!-;=?-~]{1,250}>")
_CONTENT = (
    *("mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-language"),
    *("content-id", "content-description", "content-location", "content-base"),
)


class Identity(NamedTuple):
    """As whom we write about a record: its domain, and the local parts that take answers, the best first.

    `sender` is the local part we write from, where it is not the first of those.
    """

    domain: Domain
    locals: tuple[str, ...]
    secret: bytes
    sender: str = ""

    @property
    def address(self) -> str:
        """The address we write from."""
        return f"{self.sender or self.locals[0]}@{self.domain.name}"


class Recipient(NamedTuple):
    """Somebody a message goes to: his address, where his answer goes, and where a report about it goes."""

    address: str
    reply_to: str
    reverse_path: str


class Thread(NamedTuple):
    """Where a message stands in its conversation: the id it answers, and the ids before it, oldest first."""

    parent: str | None = None
    ancestors: tuple[str, ...] = ()


class Heading(NamedTuple):
    """What all copies of one message share. `content`: its MIME fields, ready to send."""

    name: str
    subject: str
    message_id: str
    mark: str
    thread: Thread
    now: float
    content: tuple[bytes, ...]


def recipient(identity: Identity, address: str, record: str, number: int, key: str) -> Recipient:
    """The addresses for one delivery (its number) of a record's message; `key` is what its details are bound to.

    A detail that does not fit is left out: then the ids alone lead an answer back.
    """
    domain = identity.domain
    reply_to = f"{identity.locals[0]}@{domain.name}"
    back = domain.bounce
    if domain.details and domain.delimiter:
        detail = token.sign(token.REPLY, identity.secret, number, record, key)
        spelled = (f"{local}{domain.delimiter}{detail}" for local in identity.locals)
        fits = next((local for local in spelled if len(local) <= LOCAL_LIMIT), None)
        reply_to = f"{fits}@{domain.name}" if fits else reply_to
        signed = f"{back}{domain.delimiter}{token.sign(token.BOUNCE, identity.secret, number, record, key)}"
        back = signed if len(signed) <= LOCAL_LIMIT else back
    return Recipient(address, reply_to, f"{back}@{domain.name}")


def heading(message: Message, identity: Identity, mark: str, parent: str | None, now: float) -> Heading:
    """The heading for copies of a message that somebody wrote: his name, his subject, his MIME fields."""
    author = message.author
    who = f"{author.address.printed_local} ({author.address.domain})" if author.address else shown(author.text, 100)
    answered = message.references[0] if "in-reply-to" in message.fields and message.references else parent
    own = [message.message_id] if message.message_id else []
    return Heading(
        name=shown(author.name, _NAME_LIMIT) or who,
        subject=message.subject,
        message_id=token.message_id(mark, identity.domain.name),
        mark=mark,
        thread=Thread(answered, (*_ancestors(message), *own)),
        now=now,
        content=tuple(_content(message)),
    )


def _ancestors(message: Message) -> list[str]:
    """What a message answers, oldest first: `Message.references` begins with In-Reply-To, which comes last here."""
    every = list(message.references)
    return every[1:] + every[:1] if "in-reply-to" in message.fields else every


def _content(message: Message) -> list[bytes]:
    """The fields that say how to read the body, each once, as they were but for the folding.

    Those that cannot be folded into lines are left out: no server would take them.
    """
    found = []
    for name in _CONTENT:
        values = message.fields.get(name)
        if values and len(values[0]) <= _VALUE_LIMIT:
            text = values[0].decode("ascii", "replace").replace("\ufffd", "?")
            written = field(name.title().replace("Mime", "MIME").replace("-Id", "-ID"), *text.split(" "))
            if all(len(line) <= _LINE_LIMIT for line in written.split(b"\n")):
                found.append(written)
    return found


def header(identity: Identity, heading: Heading, to: Sequence[str], reply_to: str, *, copy: bool) -> bytes:
    """A whole header with the empty line that ends it. `copy`: an automatic answer to it would tell nobody anything."""
    thread = heading.thread
    parent = thread.parent if thread.parent and _ID.fullmatch(thread.parent) else None
    lines = [
        field("From", *mime.phrase(shown(heading.name, _NAME_LIMIT)), f"<{identity.address}>"),
        field("To", *[f"{each}," for each in to[:-1]], to[-1]) if to else b"",
        field("Reply-To", reply_to),
        field("Subject", *mime.words(shown(heading.subject, SUBJECT_LIMIT))),
        field("Date", mime.date(heading.now)),
        field("Message-ID", heading.message_id),
        field("In-Reply-To", parent) if parent else b"",
        _references(thread.ancestors, heading.message_id),
        field("X-Auto-Response-Suppress", "OOF, AutoReply") if copy else b"",
        field("X-Mailgate-Loop", heading.mark),
        *heading.content,
    ]
    return b"".join(lines) + b"\n"


def _references(ancestors: Sequence[str], message_id: str) -> bytes:
    """References with the message's own id at its end: providers replace a Message-ID, and leave this field alone."""
    known = [each for each in dict.fromkeys(ancestors) if _ID.fullmatch(each) and each != message_id]
    if len(known) >= _ANCESTORS:
        known = [known[0], *known[2 - _ANCESTORS :]]
    return field("References", *known, *([message_id] if _ID.fullmatch(message_id) else []))


def identified(message: Message, message_id: str, reply_to: str, mark: str) -> bytes:
    """A message of another program with what leads its answer back: its header as it is, and the missing fields.

    References gets its own id; Message-ID and Reply-To are added where there is none, or one that says nothing.
    """
    names_itself, is_answered = message.message_id is not None, any(message.fields.get("reply-to", ()))
    head, body = message.raw[: message.body_at], message.raw[message.body_at :]
    fields = re.findall(rb"^[!-9;-~]+[ \t]*:[^\n]*\n?(?:[ \t][^\n]*\n?)*", head, re.MULTILINE)
    anew = {b"references", b"x-mailgate-loop"}
    anew |= (set() if names_itself else {b"message-id"}) | (set() if is_answered else {b"reply-to"})
    kept = [each for each in fields if each.partition(b":")[0].strip().lower() not in anew]
    added = [
        b"" if names_itself else field("Message-ID", message_id),
        b"" if is_answered else field("Reply-To", reply_to),
        _references(_ancestors(message), message_id),
        field("X-Mailgate-Loop", mark),
    ]
    lines = b"".join(each.rstrip(b"\r\n") + b"\n" for each in (*kept, *added) if each) + b"\n"
    crlf = b"\r\n" in head
    return (re.sub(rb"\r?\n", b"\r\n", lines) if crlf else lines) + body


def subject(name: str, last: str) -> str:
    """The subject of a post: an answer to the last one, else the name of the record."""
    if not last.strip():
        return name
    return last if re.match(r"re\s*:", last, re.IGNORECASE) else f"Re: {last}"
