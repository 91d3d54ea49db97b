"""Queue what a decision sends: answers, and copies to the people of a record, one delivery each."""

import os
from collections.abc import Iterable
from typing import NamedTuple

from mailgate import __version__
from mailgate.compose import posting
from mailgate.compose.posting import Heading, Identity
from mailgate.process import faults
from mailgate.routing.decision import Outcome, Outgoing
from mailgate.routing.judgement import Judgement
from mailgate.routing.state import Ours, Signatures
from mailgate.settings.config import Config
from mailgate.store import deliveries, held, keys, outbox, records
from mailgate.store import directory as directories
from mailgate.store.apply import Stored
from mailgate.store.database import Transaction, savepoint
from mailgate.store.held import Held
from mailgate.store.outbox import Draft
from mailgate.store.records import Record
from mailgate.values import address, token
from mailgate.values.problem import Problem, StoreError, command
from mailgate.values.record import Ref


def enqueue(tx: Transaction, config: Config, judged: Judgement, stored: Stored, now: float) -> bool:
    """Queue the answer and the copies that a stored judgement asks for, and return whether there are any."""
    number, decision = stored.number, judged.decision
    if number is None:
        return False
    for outcome in decision.outcomes:
        if outcome.repeated or not outcome.taken:
            continue
        copies = [
            letter.to for letter in decision.outgoing if letter.kind == "copy" and letter.effect == outcome.effect
        ]
        record = stored.made.get(outcome.effect) or outcome.record
        if copies and record:
            _copy(tx, number, judged, outcome._replace(record=record), copies, now)
    for reply in decision.outgoing:
        if reply.kind != "copy" and (failure := _reply(tx, config, judged, number, reply, now)):
            held.keep(tx, Held(number, reply.reason, failure, False, False, __version__, now))
    return bool(decision.outgoing)


def identity(tx: Transaction, record: Record, ours: Ours | None = None) -> Identity:
    """The identity under which mailgate writes about a record: its alias, else the sender of its domain.

    The domain is that of the alias, under the name that the author wrote to; else the domain that they wrote to; else
    the default domain. `ours`: what has been loaded of the directory and the keys. Raises Problem.
    """
    governs = address.lenient(record.alias) if record.alias else None
    addresses = [governs] if governs else []
    if ours is None:
        ours = Ours(directories.load(tx, addresses), Signatures(keys.secrets(tx)))
    elif record.alias not in ours.directory.aliases:
        ours = ours._replace(directory=directories.extended(tx, ours.directory, addresses))
    host = governs.domain if governs else ""
    directory = directories.with_domains(tx, ours.directory, (host, record.domain or ""))
    home, written = directory.domains.get(host), directory.domains.get(record.domain or "")
    if home and not (written and written.canonical == home.name):
        written = home
    domain = written or directory.default
    if domain is None:
        raise Problem("no local domain is configured", command("mailgate domain add example.com"))
    secret = ours.signatures.secrets[0]
    alias = directory.aliases.get(record.alias or "")
    if alias and alias.address == record.alias and host == domain.canonical:
        return Identity(domain, (alias.local, domain.catchall), secret)
    return Identity(domain, (domain.catchall,), secret, domain.sender)


def mark(writer: Identity) -> str:
    """A new mark for a message to a record's people."""
    return token.new_mark(token.POST, writer.secret, os.urandom(16))


class Mailing(NamedTuple):
    """A stored message (its number) for people of a record. kind: post or copy.

    All get the body of the stored message, from octet `body_at` on.
    """

    record: Ref
    message: int
    writer: Identity
    heading: Heading
    body_at: int
    kind: str
    reason: str


def send(tx: Transaction, mailing: Mailing, recipients: Iterable[str]) -> list[int]:
    """Queue a mailing for each recipient, and return the numbers in the outbox."""
    ref, number, writer, heading, body_at, kind, reason = mailing
    queued = []
    authors = records.written_for(tx, ref)
    for recipient in recipients:
        parsed = address.lenient(recipient)
        key = parsed.key if parsed else recipient
        delivery = deliveries.add(tx, number, ref, key, heading.message_id)
        person = posting.recipient(writer, recipient, str(ref), delivery, key)
        shown = posting.for_author(authors[key], recipient, writer.domain.language) if key in authors else recipient
        octets = posting.header(writer, heading, [shown], person.reply_to, copy=kind == "copy")
        draft = Draft(kind, reason, str(ref), recipient, heading.subject, octets, number, person.reverse_path, body_at)
        queued.append(outbox.queue(tx, draft, heading.now))
    return queued


def _copy(tx: Transaction, number: int, judged: Judgement, outcome: Outcome, recipients: list[str], now: float) -> None:
    """Queue the copies of a stored message for followers of the record in an outcome."""
    assert outcome.record is not None
    record, message = outcome.record, judged.facts.message
    writer = identity(tx, records.get(tx, record), judged.state.ours)
    try:
        with savepoint(tx):
            local_domains = judged.state.ours.directory.domains
            heading = posting.heading(message, writer, mark(writer), outcome.parent, now, local_domains)
            send(tx, Mailing(record, number, writer, heading, message.body_at, "copy", outcome.reason), recipients)
    except StoreError:
        raise
    except Exception as error:  # a mistake of ours, which would come again with every delivery of this message
        if faults.is_of_machine(error):
            raise
        failure = f"the copy could not be written: {type(error).__name__}: {error}"[:200]
        for recipient in recipients:
            draft = Draft("copy", outcome.reason, str(record), recipient, message.subject, b"", number)
            outbox.fail(tx, draft, failure, now)


def _reply(tx: Transaction, config: Config, judged: Judgement, number: int, reply: Outgoing, now: float) -> str:
    """Queue an answer. Returns why it could not be written, else `""`; the caller then holds the mail."""
    from mailgate.compose import refusal  # most letters are copies
    from mailgate.compose.origin import Origin

    directory, signatures = judged.state.ours
    domain = directory.domains.get(reply.domain) or directory.default
    assert domain is not None
    try:
        template = refusal.template(reply.words, domain, config.templates)
        alias = directory.aliases.get(reply.about[0]) if reply.about else None
        origin = Origin(domain, signatures.secrets[0], os.urandom(16), now)
        letter = refusal.refusal(judged.facts.message, reply, origin, template, alias.policy if alias else "")
    except Exception as error:  # a mistake of ours, which would come again with every delivery of this message
        if faults.is_of_machine(error):
            raise
        return f"the answer could not be written: {type(error).__name__}: {error}"[:200]
    about = ",".join(reply.about)
    draft = Draft(reply.kind, reply.reason, about, reply.to, letter.subject, letter.octets, number)
    outbox.queue(tx, draft, now)
    return ""
