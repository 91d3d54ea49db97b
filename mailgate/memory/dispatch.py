"""Send a message of a record to its people: one delivery and one debt each."""

import os
import sqlite3
from collections.abc import Iterable

from mailgate.judgement.decision import Ref
from mailgate.tables import deliveries, domains, keys, outbox
from mailgate.tables.records import Record
from mailgate.values import address, token
from mailgate.values.problem import Problem
from mailgate.writing import posting
from mailgate.writing.posting import Heading, Identity


def identity(tx: sqlite3.Connection, record: Record) -> Identity:
    """As whom we write about a record: the alias that governs it, else the sender of its domain. Raises Problem.

    The domain is that of the alias, under the name that was written to; else the one that was written to, else the
    default domain.
    """
    local, _, host = (record.alias or "").rpartition("@")
    every = {each.name: each for each in domains.listing(tx)}
    home, written = every.get(host), every.get(record.domain or "")
    if home and not (written and written.canonical == home.name):
        written = home
    domain = written or domains.default(tx)
    if domain is None:
        raise Problem("there is no own domain yet", "mailgate domain add example.com")
    governs = tx.execute("SELECT 1 FROM alias WHERE local = ? AND domain = ?", (local, domain.canonical)).fetchone()
    if governs and host == domain.canonical:
        return Identity(domain, (local, domain.catchall), keys.secrets(tx)[0])
    return Identity(domain, (domain.catchall,), keys.secrets(tx)[0], domain.sender)


def mark(whom: Identity) -> str:
    """A new mark for a message to a record's people."""
    return token.new(token.POST, whom.secret, os.urandom(16))


def send(
    tx: sqlite3.Connection,
    ref: Ref,
    number: int,
    whom: Identity,
    heading: Heading,
    addresses: Iterable[str],
    body_at: int,
    *,
    kind: str,
    reason: str,
) -> list[int]:
    """Owe the stored message `number` to each address; their numbers in the outbox.

    kind: post or copy. The body of every one is that of the stored message, from octet `body_at` on.
    """
    queued = []
    for each in addresses:
        found = address.lenient(each)
        key = found.key if found else each
        delivery = deliveries.add(tx, number, ref, key, heading.message_id)
        person = posting.recipient(whom, each, str(ref), delivery, key)
        octets = posting.header(whom, heading, [each], person.reply_to, copy=kind == "copy")
        queued.append(
            outbox.queue(
                *(tx, kind, reason, str(ref), each, person.reverse_path, heading.subject, octets, number, heading.now),
                body_at,
            )
        )
    return queued
