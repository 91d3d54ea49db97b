"""Write to the people of a record, and register what another program sends to them.

A message is stored before it is sent, so that an answer always finds it.
"""

import hashlib
import os
from collections.abc import Sequence
from typing import NamedTuple

from mailgate.compose import mime as letter
from mailgate.compose import posting
from mailgate.compose.mime import field
from mailgate.compose.posting import Heading, Identity, Thread
from mailgate.gateway import send
from mailgate.gateway.send import Mailing
from mailgate.mail import message
from mailgate.mail.envelope import Envelope
from mailgate.mail.message import Message
from mailgate.store import contacts, deliveries, effects, messages, people, records
from mailgate.store.database import Store, Transaction
from mailgate.store.directory import local_among
from mailgate.store.messages import SentMessage
from mailgate.store.records import Record
from mailgate.values import mailboxes, token
from mailgate.values.problem import Problem, command
from mailgate.values.record import Ref


class File(NamedTuple):
    """A file to attach: its name, its MIME type, its bytes."""

    name: str
    type: str
    octets: bytes


class Text(NamedTuple):
    """A text to send. `subject` empty: that of the conversation. `name`: the author's display name."""

    text: str
    subject: str = ""
    name: str = ""
    files: tuple[File, ...] = ()


class Posted(NamedTuple):
    """A stored message: its number and id, its recipients, and the numbers of its queue entries."""

    number: int
    message_id: str
    recipients: tuple[str, ...]
    queued: tuple[int, ...] = ()


class Registered(NamedTuple):
    """A message of another program: its number and id, the addresses for answers and reports, the bytes to send."""

    number: int
    message_id: str
    reply_to: str
    reverse_path: str
    octets: bytes


def write(store: Store, ref: Ref, post: Text, to: Sequence[str], now: float) -> Posted:
    """Send a message to a record's followers and to the addresses `to`.

    Raises NotFound; Problem when there are no recipients.
    """
    with store.write() as tx:
        record = records.get(tx, ref)
        recipients = _recipients(tx, record, to)
        if not recipients:
            raise Problem(
                f"nobody would get it: no follower of {ref} takes mail",
                command("mailgate post {MODEL/ID} --to ADDRESS", ref),
                command("mailgate record follow {MODEL/ID} ADDRESS", ref),
                command("mailgate post {MODEL/ID} --note", ref),
            )
        identity = send.identity(tx, record)
        heading, body = _heading(tx, record, identity, _signed(post, identity.domain.signature), now)
        octets = posting.header(identity, heading, recipients, identity.address, copy=False)
        number = _store(tx, record, identity, heading, octets + body, "post", recipients)
        queued = send.send(tx, Mailing(ref, number, identity, heading, len(octets), "post", "post"), recipients)
        return Posted(number, heading.message_id, tuple(recipients), tuple(queued))


def _signed(post: Text, signature: str) -> Text:
    """A post, with the signature of the domain below it (RFC 3676 section 4.3)."""
    if not signature.strip():
        return post
    return post._replace(text=f"{post.text.rstrip()}\n\n-- \n{signature.rstrip()}\n")


def note(store: Store, ref: Ref, post: Text, now: float) -> Posted:
    """Store an internal note on a record; nothing is sent. Raises NotFound, Problem."""
    with store.write() as tx:
        record = records.get(tx, ref)
        identity = send.identity(tx, record)
        heading, body = _heading(tx, record, identity, post, now)
        octets = posting.header(identity, heading, [], identity.address, copy=False)
        return Posted(_store(tx, record, identity, heading, octets + body, "note", ()), heading.message_id, ())


def _recipients(tx: Transaction, record: Record, to: Sequence[str]) -> list[str]:
    """The followers and the addresses `to`, each once, without local addresses and those who complained."""
    named = {contacts.key(text): contacts.spelled(text) for text in to}
    known = records.spellings(tx, record.ref)
    local = local_among(tx, (*named, *known))
    complaining = people.complaining(tx, record.ref, (*named, *known))
    for key, text in named.items():
        if key in local:
            raise Problem(
                f"`{text}` is a local address: the message would come back", advice="name the address of a person"
            )
        if key in complaining:
            raise Problem(
                f"`{text}` called our mail of {record.ref} spam",
                command("mailgate bounce list"),
                command("mailgate bounce ack N"),
            )
    followers = {key: text for key, text in known.items() if key not in local and key not in complaining}
    return list((followers | named).values())


def _heading(tx: Transaction, record: Record, identity: Identity, post: Text, now: float) -> tuple[Heading, bytes]:
    earlier = [message for message in messages.listing(tx, record.ref) if message.kind != "note" and message.message_id]
    last = earlier[-1] if earlier else None
    ancestors = tuple(message.message_id for message in earlier if message.message_id)
    mark = send.mark(identity)
    content, body = _body(post)
    heading = Heading(
        name=post.name or identity.domain.company or identity.domain.name,
        subject=post.subject or posting.subject(record.name, last.subject if last else ""),
        message_id=token.message_id(mark, identity.domain.name),
        mark=mark,
        thread=Thread(last.message_id if last else None, ancestors),
        now=now,
        content=content,
    )
    return heading, body


def _body(post: Text) -> tuple[tuple[bytes, ...], bytes]:
    """The MIME fields and the body of a text with its files (RFC 2045, RFC 2046)."""
    mime = field("MIME-Version", "1.0")
    part = letter.part("text/plain; charset=utf-8", post.text)
    if not post.files:
        encoding = () if part.encoding == "7bit" else (field("Content-Transfer-Encoding", part.encoding),)
        return (mime, field("Content-Type", part.type), *encoding), part.body
    boundary = f"=_mailgate_{os.urandom(12).hex()}"
    parts = [part, *(letter.attachment(file.name, file.type, file.octets) for file in post.files)]
    return (mime, field("Content-Type", "multipart/mixed;", f'boundary="{boundary}"')), letter.multipart(
        parts, boundary
    )


def _store(
    tx: Transaction,
    record: Record,
    identity: Identity,
    heading: Heading,
    octets: bytes,
    kind: str,
    recipients: Sequence[str],
) -> int:
    message = SentMessage(
        kind=kind,
        message_id=heading.message_id,
        parent=heading.thread.parent,
        author=identity.address,
        author_name=heading.name,
        author_text=f"{heading.name} <{identity.address}>",
        subject=heading.subject,
        date=letter.date(heading.now),
        recipients=recipients,
        octets=octets,
    )
    number = messages.add_sent(tx, message, heading.now)
    messages.place(tx, number, record.ref)
    return number


def register(store: Store, ref: Ref, raw: bytes, to: Sequence[str], now: float) -> Registered:
    """Register a message that another program sends, and add the fields that lead its answers back to the record.

    Adds only what is missing: Message-ID, Reply-To, its own id in References, the loop mark. The same message gets the
    same fields every time. The signed address is bound to the recipient when there is one, else to the record.

    Raises NotFound, Problem.
    """
    facts = message.read(raw, lambda hints, author: Envelope(None, (), (), stated=False))
    if not facts.author.address and not facts.to and not facts.message_id:
        raise Problem(
            "standard input is no message: it has neither From nor To",
            command("mailgate sent {MODEL/ID} < message.eml", ref),
        )
    with store.write() as tx:
        record = records.get(tx, ref)
        identity = send.identity(tx, record)
        recipients = [contacts.key(address) for address in to] or _written(facts)
        number = _registered(tx, facts)
        if number is None:
            message_id = facts.message_id or token.message_id(send.mark(identity), identity.domain.name)
            number = _register(tx, facts, message_id, recipients, now)
        message_id = messages.stored(tx, number).message_id or ""
        messages.place(tx, number, ref)
        key = recipients[0] if len(recipients) == 1 else ""
        delivery = deliveries.find(tx, number, ref, key) or deliveries.add(tx, number, ref, key, message_id)
        person = posting.recipient(identity, key, str(ref), delivery, key)
        octets = posting.identified(facts, message_id, person.reply_to, _mark(facts, message_id, identity))
        effects.note_sent(tx, number, message.read(octets, lambda hints, author: facts.envelope))
    return Registered(number, message_id, person.reply_to, person.reverse_path, octets)


def _mark(facts: Message, message_id: str, identity: Identity) -> str:
    """The loop mark of a message: the one it carries, else one derived from its id, so that it is always the same."""
    carried = token.find_mark(" ".join((message_id, *facts.plain("x-mailgate-loop"))), (identity.secret,))
    if carried and carried.kind == token.POST:
        return carried.text
    return token.new_mark(token.POST, identity.secret, hashlib.sha256(message_id.encode()).digest())


def _written(facts: Message) -> list[str]:
    """The addresses in To, Cc and Bcc, each once."""
    blind = (address for value in facts.plain("bcc") for address in mailboxes.read(value))
    return list(dict.fromkeys(address.key for address in (*facts.to, *facts.cc, *blind)))


def _registered(tx: Transaction, facts: Message) -> int | None:
    """The number of a message that was registered before. Raises Problem when another message has its id.

    Without Message-ID and Date, two equal messages may be different ones, such as a monthly reminder.
    """
    number = effects.sent(tx, facts.digest) if facts.message_id or "date" in facts.fields else None
    if number is None and facts.message_id:
        namesake = messages.sent_as(tx, facts.message_id)
        if namesake is not None:
            raise Problem(
                f"{facts.message_id} is message {namesake} already", command("mailgate message show {WORD}", namesake)
            )
    return number


def _register(tx: Transaction, facts: Message, message_id: str, recipients: list[str], now: float) -> int:
    author = facts.author
    message = SentMessage(
        kind="post",
        message_id=message_id,
        parent=facts.references[0] if facts.references else None,
        author=author.address.key if author.address else None,
        author_name=author.name,
        author_text=author.text,
        subject=facts.subject,
        date=facts.field("date"),
        recipients=recipients,
        octets=facts.raw,
    )
    number = messages.add_sent(tx, message, now)
    effects.note_sent(tx, number, facts)
    return number
