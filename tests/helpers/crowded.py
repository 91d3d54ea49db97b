"""Stores full of what strangers, or many customers, made; each with the one message whose cost must not show it."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from mailgate.store.database import Transaction

THEN = 1_600_000_000.0
"""When all of it came (epoch seconds): long before the message that is measured."""


class Crowd(NamedTuple):
    """How to fill a store with `n` rows of one kind, and the message that comes then."""

    fill: Callable[[Transaction, int], None]
    mail: bytes
    recipients: tuple[str, ...] = ("info@example.com",)


def mail(references: Iterable[str] = (), to: str = "info@example.com", id_: str = "<new@client.org>") -> bytes:
    """A short mail of bob@client.org."""
    named = "\n ".join(references)
    fields = f"References: {named}\n" if named else ""
    return (
        f"From: Bob <bob@client.org>\nTo: {to}\nSubject: Chairs\nMessage-ID: {id_}\n{fields}"
        "Date: Wed, 25 Nov 2026 10:00:00 +0000\n\nSome text.\n"
    ).encode()


def _records(tx: Transaction, n: int) -> None:
    tx.executemany(
        "INSERT INTO record (model, id, name, values_json, alias, rate_key, created_at)"
        " VALUES ('crm.lead', ?, '', '{}', 'info@example.com', 'eve@evil.org', ?)",
        ((id_, THEN) for id_ in range(1, n + 1)),
    )
    tx.execute("INSERT INTO model (name, last_id) VALUES ('crm.lead', ?)", (n,))


def _messages(
    tx: Transaction, n: int, ids: Callable[[int], str], *, record: Callable[[int], int] | None = None
) -> None:
    tx.executemany(
        "INSERT INTO message (number, direction, kind, class, message_id, reverse_path, author, author_name,"
        " author_text, subject, date, recipients, flags, size, received_at, explanation)"
        " VALUES (?, 'in', 'email', 'person', ?, ?, ?, '', '', 's', '', '[]', '[]', 9, ?, '{}')",
        ((at, ids(at), f"e{at}@evil.org", f"e{at}@evil.org", THEN) for at in range(1, n + 1)),
    )
    if record:
        tx.executemany(
            "INSERT INTO placement (message, model, id) VALUES (?, 'crm.lead', ?)",
            ((at, record(at)) for at in range(1, n + 1)),
        )


def _id(number: int) -> str:
    return f"<{number}@evil.org>"


def _domains(tx: Transaction, n: int) -> None:
    tx.executemany(
        "INSERT INTO domain (name, position, catchall, bounce, company, language, delimiter, details, is_default)"
        " VALUES (?, ?, 'catchall', 'bounce', '', 'en', '+', 1, 0)",
        ((f"d{at}.test", at + 10) for at in range(n)),
    )


def aliases(tx: Transaction, addresses: Iterable[tuple[str, str]]) -> None:
    """Aliases, by local part and domain."""
    tx.executemany(
        "INSERT INTO alias (local, domain, model, values_json, policy, local_part, authenticated, refusal, spam,"
        " status, notify) VALUES (?, ?, 'crm.lead', '{}', 'everyone', 0, 0, '', 'hold', 'valid', '[]')",
        addresses,
    )


def domains(tx: Transaction, n: int) -> None:
    """The local part of an alias in many other domains."""
    _domains(tx, n)
    aliases(tx, (("info", f"d{at}.test") for at in range(n)))


def mentioned(tx: Transaction, n: int) -> None:
    """Messages on one record that all name an id that we never had."""
    _records(tx, 1)
    _messages(tx, n, _id, record=lambda _: 1)
    tx.executemany(
        "INSERT INTO mention (message_id, message) VALUES ('<root@evil.org>', ?)", ((at,) for at in range(1, n + 1))
    )


HUNDRED = [f"<{at}@root.evil.org>" for at in range(100)]


def planted(tx: Transaction, n: int) -> None:
    """Messages on one record that name the same hundred ids."""
    _records(tx, 1)
    _messages(tx, n, _id, record=lambda _: 1)
    pairs = ((id_, at) for at in range(1, n + 1) for id_ in HUNDRED)
    tx.executemany("INSERT INTO mention (message_id, message) VALUES (?, ?)", pairs)


def stored(tx: Transaction, n: int) -> None:
    """The same, and one of these ids is stored."""
    planted(tx, n)
    tx.execute("UPDATE message SET message_id = ? WHERE number = 1", (HUNDRED[50],))


def refusals(tx: Transaction, n: int) -> None:
    """Refusals that were sent long ago."""
    tx.executemany(
        "INSERT INTO outbox (kind, reason, about, recipient, person, host, subject, octets, state, tries, due_at,"
        " error, created_at) VALUES ('refusal', 'no-route', 'x@example.com', ?, ?, ?, '', '', 'sent', 1, ?, '', ?)",
        ((f"e{at}@evil.org", f"e{at}@evil.org", "evil.org", THEN + at, THEN + at) for at in range(n)),
    )


def reused(tx: Transaction, n: int) -> None:
    """Messages that all have one id, each on a record of its own."""
    _records(tx, n)
    _messages(tx, n, lambda _: "<cron@evil.org>", record=lambda at: at)
    tx.executemany(
        "INSERT INTO effect (digest, action, reason, place, message_id, listed, accepted, message)"
        " VALUES (?, 'create', '', 'info@example.com', '<cron@evil.org>', 0, 1, ?)",
        ((f"{at:064x}", at) for at in range(1, n + 1)),
    )


def followed(tx: Transaction, n: int) -> None:
    """Records that the author follows."""
    _records(tx, n)
    tx.executemany(
        "INSERT INTO follower (model, id, address, spelled) VALUES ('crm.lead', ?, 'bob@client.org', 'bob@client.org')",
        ((at,) for at in range(1, n + 1)),
    )


def retired(tx: Transaction, n: int) -> None:
    """Retired names."""
    tx.executemany(
        "INSERT INTO retired (domain, local, kind, alias) VALUES ('example.com', ?, 'alias', 1)",
        ((f"old{at}",) for at in range(n)),
    )


def busy(tx: Transaction, n: int) -> None:
    """Copies that were sent of the messages on one record."""
    _records(tx, 1)
    _messages(tx, n, _id, record=lambda _: 1)
    tx.executemany(
        "INSERT INTO delivery (message, model, id, recipient, message_id) VALUES (?, 'crm.lead', 1, 'ann@x.org', ?)",
        ((at, f"<copy{at}@example.com>") for at in range(1, n + 1)),
    )


def thousands(tx: Transaction, n: int) -> None:
    """Stored messages, a hundred of which are named."""
    _records(tx, n)
    _messages(tx, n, _id, record=lambda at: at)


def complained(tx: Transaction, n: int) -> None:
    """Open failures of the mail to one follower of a record."""
    _records(tx, 1)
    _messages(tx, n, _id, record=lambda _: 1)
    tx.execute("INSERT INTO follower (model, id, address, spelled) VALUES ('crm.lead', 1, 'ann@x.org', 'ann@x.org')")
    tx.executemany(
        "INSERT INTO failure (recipient, message, message_id, model, id, follower, action, status, kind, permanent,"
        " diagnostic, remote, report, state, created_at)"
        " VALUES ('ann@x.org', ?, ?, 'crm.lead', 1, 'ann@x.org', 'failed', '', 'mailbox', 1, '', '', ?, 'open', ?)",
        ((at, _id(at), at, THEN) for at in range(1, n + 1)),
    )


REPLY = mail([_id(1)])
CROWDS: Mapping[str, Crowd] = {
    "the local part in many domains": Crowd(domains, mail()),
    "an id that many mention": Crowd(mentioned, mail(["<root@evil.org>"])),
    "a hundred ids that many mention": Crowd(planted, mail(HUNDRED)),
    "a hundred ids that many mention, one stored": Crowd(stored, mail(HUNDRED)),
    "an id that many have, answered": Crowd(reused, mail(["<cron@evil.org>"])),
    "an id that many have, again": Crowd(reused, mail(id_="<cron@evil.org>")),
    "an author who follows many records": Crowd(followed, mail()),
    "many retired names": Crowd(retired, mail()),
    "many old refusals": Crowd(refusals, mail()),
    "many old refusals, one more": Crowd(refusals, mail(to="nobody@example.com"), ("nobody@example.com",)),
    "a record with many copies": Crowd(busy, REPLY),
    "many known ids": Crowd(thousands, mail([_id(at) for at in range(1, 101)])),
    "a follower whose mail failed often": Crowd(complained, REPLY),
}
