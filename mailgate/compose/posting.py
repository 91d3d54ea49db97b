"""Write the header of mail to a record's people: posts, and copies of what one of them wrote.

Each recipient gets a message of their own, with a signed address for answers and another one for bounces. A copy has
the author's name and address as the name in From, and an address of ours there, because the DMARC policy of the
author's domain may forbid others to use theirs.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import NamedTuple

from mailgate.compose import mime
from mailgate.compose.mime import field, shown
from mailgate.mail.message import Message
from mailgate.values import token
from mailgate.values.address import LOCAL_LIMIT
from mailgate.values.directory import Domain
from mailgate.values.mailboxes import Author

SUBJECT_LIMIT = 500
_NAME_LIMIT = 100
_AUTHOR_LIMIT = 360
"""Characters of a name with an address (at most 254 octets) behind it."""
_ANCESTORS = 20
"""Ids in References: the first one and the newest. RFC 5322 sets no limit, but mail servers do."""
_LINE_LIMIT = 998
"""Octets of a line (RFC 5322 section 2.1.1)."""
_VALUE_LIMIT = 16 * 1024
"""Octets of a MIME field that is copied; a longer one only breaks programs on the way."""
_ID = re.compile(r"<(?!.*=\?)[!-;=?-~]{1,250}>")
_LOOP = re.compile(rb"[!-~]{1,250}")
_LOOPS = 4
"""Marks of a mail that its copies keep: one more than mail that is sent on may carry."""
_REFUSAL = re.compile(r"<mg1\.r\.", re.IGNORECASE)
"""How the id of a refusal begins: an answer to what we send must not look like one to a refusal."""
_CONTENT = (
    *("mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-language"),
    *("content-id", "content-description", "content-location", "content-base"),
)


class Identity(NamedTuple):
    """In whose name mailgate writes about a record.

    `locals`: the local parts in `domain` that take answers, the best first. `sender`: the local part of the From
    address, where it is not the first of these. `secret`: the key that signs.
    """

    domain: Domain
    locals: tuple[str, ...]
    secret: bytes
    sender: str = ""

    @property
    def address(self) -> str:
        """The From address."""
        return f"{self.sender or self.locals[0]}@{self.domain.name}"


class Recipient(NamedTuple):
    """A recipient: the address, the signed one for answers, and the signed one for bounces."""

    address: str
    reply_to: str
    reverse_path: str


class Thread(NamedTuple):
    """The place of a message in its conversation: the id that it answers, and earlier ids, oldest first."""

    parent: str | None = None
    ancestors: tuple[str, ...] = ()


class Heading(NamedTuple):
    """What all copies of one message share. `content`: its MIME fields, ready to send. `loops`: the values of
    X-Mailgate-Loop that it came with, by which gateways that notify each other notice it."""

    name: str
    subject: str
    message_id: str
    mark: str
    thread: Thread
    now: float
    content: tuple[bytes, ...]
    loops: tuple[str, ...] = ()


def recipient(identity: Identity, address: str, record: str, number: int, key: str) -> Recipient:
    """The recipient of one delivery (its number) of a record's message; the tokens are valid for `key`.

    A token that makes a local part too long is left out. Then only the ids lead an answer back.
    """
    domain = identity.domain
    answers, bounces = identity.locals[0], domain.bounce
    if domain.details and domain.delimiter:
        reply = token.sign(token.REPLY, identity.secret, number, record, key)
        signed = (f"{local}{domain.delimiter}{reply}" for local in identity.locals)
        answers = next((local for local in signed if len(local) <= LOCAL_LIMIT), answers)
        bounce = f"{bounces}{domain.delimiter}{token.sign(token.BOUNCE, identity.secret, number, record, key)}"
        bounces = bounce if len(bounce) <= LOCAL_LIMIT else bounces
    return Recipient(address, f"{answers}@{domain.name}", f"{bounces}@{domain.name}")


def author_shown(author: Author, local_domains: Collection[str]) -> str:
    """Who wrote, for the name in From: what they call themselves, with their address, whether it is proved or not.

    We sign that mail, so a name must not speak for somebody else: one that holds an address or a local domain, in
    letters of any width, is left out. Without an address there is no name either: it is the field as it was written.
    """
    if author.address is None:
        return f"unknown author: {shown(author.text, _NAME_LIMIT)}".removesuffix(": ")
    name = shown(author.name, _NAME_LIMIT)
    plain = unicodedata.normalize("NFKC", "".join(c for c in name if c not in mime.JOINERS)).casefold()
    if not name or "@" in plain or any(domain in plain for domain in local_domains):
        return str(author.address)
    return f"{name} ({author.address})"


def heading(
    message: Message, identity: Identity, mark: str, parent: str | None, now: float, local_domains: Collection[str] = ()
) -> Heading:
    """The heading for copies of a message: its author, its subject, its MIME fields."""
    answered = message.references[0] if "in-reply-to" in message.fields and message.references else parent
    own_id = [message.message_id] if message.message_id else []
    return Heading(
        name=author_shown(message.author, (*local_domains, identity.domain.name)),
        subject=message.subject,
        message_id=token.message_id(mark, identity.domain.name),
        mark=mark,
        thread=Thread(answered, (*_ancestors(message), *own_id)),
        now=now,
        content=tuple(_content(message)),
        loops=_loops(message),
    )


def _loops(message: Message) -> tuple[str, ...]:
    values = (value.strip() for value in message.fields.get("x-mailgate-loop", ()))
    return tuple(value.decode("ascii") for value in values if _LOOP.fullmatch(value))[:_LOOPS]


def _ancestors(message: Message) -> list[str]:
    """The ids of what a message answers, oldest first; `Message.references` starts with In-Reply-To, the newest."""
    ids = list(message.references)
    return ids[1:] + ids[:1] if "in-reply-to" in message.fields else ids


def _content(message: Message) -> list[bytes]:
    """The MIME fields of the body, the first of each, unchanged but for the folding.

    A field that cannot be folded into lines is left out, because mail servers would refuse it.
    """
    fields = []
    for name in _CONTENT:
        values = message.fields.get(name)
        if values and len(values[0]) <= _VALUE_LIMIT:
            text = values[0].decode("ascii", "replace").replace("\ufffd", "?")
            folded = field(name.title().replace("Mime", "MIME").replace("-Id", "-ID"), *text.split(" "))
            if all(len(line) <= _LINE_LIMIT for line in folded.split(b"\n")):
                fields.append(folded)
    return fields


def for_author(author: str, address: str, language: str) -> str:
    """A recipient as To shows them who is answered elsewhere than they write from: whose mail made them follow."""
    word = "für" if language == "de" else "for"
    return " ".join((*mime.phrase(shown(f"{word} {author}", _NAME_LIMIT)), f"<{address}>"))


def header(identity: Identity, heading: Heading, to: Sequence[str], reply_to: str, *, copy: bool) -> bytes:
    """A complete header with the empty line that ends it. `copy`: automatic answers are not wanted."""
    thread = heading.thread
    parent = thread.parent if thread.parent and _may_be_named(thread.parent) else None
    lines = [
        field("From", *mime.phrase(shown(heading.name, _AUTHOR_LIMIT)), f"<{identity.address}>"),
        field("To", *[f"{address}," for address in to[:-1]], *to[-1].split(" ")) if to else b"",
        field("Reply-To", reply_to),
        field("Subject", *mime.words(shown(heading.subject, SUBJECT_LIMIT))),
        field("Date", mime.date(heading.now)),
        field("Message-ID", heading.message_id),
        field("In-Reply-To", parent) if parent else b"",
        _references(thread.ancestors, heading.message_id),
        field("X-Auto-Response-Suppress", "OOF, AutoReply") if copy else b"",
        field("X-Mailgate-Loop", heading.mark),
        *(field("X-Mailgate-Loop", loop) for loop in heading.loops),
        *heading.content,
    ]
    return b"".join(lines) + b"\n"


def _references(ancestors: Sequence[str], message_id: str) -> bytes:
    """References, with the message's own id at the end: providers replace a Message-ID, but keep this field."""
    ids = [ancestor for ancestor in dict.fromkeys(ancestors) if _may_be_named(ancestor) and ancestor != message_id]
    if len(ids) >= _ANCESTORS:
        ids = [ids[0], *ids[2 - _ANCESTORS :]]
    return field("References", *ids, *([message_id] if _ID.fullmatch(message_id) else []))


def _may_be_named(message_id: str) -> bool:
    return bool(_ID.fullmatch(message_id)) and not _REFUSAL.match(message_id)


def identified(message: Message, message_id: str, reply_to: str, mark: str) -> bytes:
    """A message of another program with the fields that lead an answer back.

    Its own id is added to References. Message-ID and Reply-To are added where it has none, or an empty one.
    """
    head, body = message.raw[: message.body_at], message.raw[message.body_at :]
    added = {}
    if message.message_id is None:
        added[b"message-id"] = field("Message-ID", message_id)
    if not any(message.fields.get("reply-to", ())):
        added[b"reply-to"] = field("Reply-To", reply_to)
    added[b"references"] = _references(_ancestors(message), message_id)
    added[b"x-mailgate-loop"] = field("X-Mailgate-Loop", mark)
    fields = re.findall(rb"^[!-9;-~]+[ \t]*:[^\n]*\n?(?:[ \t][^\n]*\n?)*", head, re.MULTILINE)
    own = [line for line in fields if line.partition(b":")[0].strip().lower() not in added]
    lines = b"".join(line.rstrip(b"\r\n") + b"\n" for line in (*own, *added.values())) + b"\n"
    return (re.sub(rb"\r?\n", b"\r\n", lines) if b"\r\n" in head else lines) + body


def subject(name: str, last: str) -> str:
    """The subject of a post: an answer to the last one, else the name of the record."""
    if not last.strip():
        return name
    return last if re.match(r"re\s*:", last, re.IGNORECASE) else f"Re: {last}"
