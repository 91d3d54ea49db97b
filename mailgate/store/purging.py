"""Delete old mail, or what is known of a person, in steps that hold up no delivery.

Of a message that is on a record, or that was sent to people, the ids stay: its answer is posted, a report about it
finds it, a copy of it is a duplicate. All others are deleted as a whole. What is open is never deleted: held mail, open
failures and what they are about, what is queued.
"""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from mailgate.store import messages
from mailgate.store.database import Row, Transaction

WINDOW = 2_000
"""Numbers of messages that one step looks at."""
BATCH = 40
"""Messages that one step deletes."""
FORGOTTEN = "forgotten@invalid"
"""Stands in place of the address of a person who was forgotten."""
_OPEN = (
    "(EXISTS (SELECT 1 FROM held WHERE held.message = message.number AND refused = 0)"
    " OR EXISTS (SELECT 1 FROM outbox WHERE outbox.message = message.number AND state != 'sent')"
    " OR EXISTS (SELECT 1 FROM failure WHERE failure.message = message.number AND state = 'open')"
    " OR EXISTS (SELECT 1 FROM failure WHERE failure.report = message.number AND state = 'open'))"
)
_NOWHERE = (
    "(NOT EXISTS (SELECT 1 FROM placement WHERE placement.message = message.number)"
    " AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.message = message.number)"
    " AND NOT EXISTS (SELECT 1 FROM failure WHERE failure.report = message.number))"
)
_PARTS = {
    "messages": "NOT EXISTS (SELECT 1 FROM purged WHERE purged.message = message.number AND part = 'all')",
    "raw": "octets IS NOT NULL",
    "log": f"(explanation != '' OR {_NOWHERE})",
    "person": "author = ?",
}
"""Kind -> which messages are not done yet."""


class Purge(NamedTuple):
    """A row of `purge`. `before_at`, `asked_at`, `done_at`: epoch seconds; `messages`, `octets`: deleted so far."""

    number: int
    kind: str
    by_rule: bool
    before_at: float
    model: str | None
    address: str | None
    position: int
    messages: int
    octets: int
    asked_at: float
    done_at: float | None


def ask(tx: Transaction, wanted: Purge) -> int:
    """Ask for a deletion, by the fields that say what it is; its number."""
    row = tx.execute(
        "INSERT INTO purge (kind, by_rule, before_at, model, address, position, messages, octets, asked_at)"
        " VALUES (?, ?, ?, ?, ?, 0, 0, 0, ?) RETURNING number",
        (wanted.kind, int(wanted.by_rule), wanted.before_at, wanted.model, wanted.address, wanted.asked_at),
    ).fetchone()
    return int(row["number"])


def wanted(kind: str, before_at: float, now: float, *, model: str | None = None, address: str | None = None) -> Purge:
    """A deletion to ask for by hand."""
    return Purge(0, kind, False, before_at, model, address, 0, 0, 0, now, None)


def get(tx: Transaction, number: int) -> Purge:
    """One deletion that was asked for."""
    return _from_row(tx.execute("SELECT * FROM purge WHERE number = ?", (number,)).fetchone())


def unfinished(tx: Transaction) -> Purge | None:
    """The first deletion that is not done."""
    row = tx.execute("SELECT * FROM purge WHERE done_at IS NULL ORDER BY number LIMIT 1").fetchone()
    return _from_row(row) if row else None


def asked_by_rule(tx: Transaction, kind: str) -> float:
    """When [retention] last asked for a deletion of a kind; 0 for never."""
    at: float = tx.execute(
        "SELECT coalesce(max(asked_at), 0) FROM purge WHERE kind = ? AND by_rule = 1", (kind,)
    ).fetchone()[0]
    return at


def is_plausible(tx: Transaction, seconds: float, now: float) -> bool:
    """Whether mail of the last tenth of an age says that the clock did not jump: what is deleted does not come back."""
    row = tx.execute(
        "SELECT 1 FROM message WHERE received_at > ? AND received_at < ? LIMIT 1",
        (now - seconds / 10, now - seconds / 200),
    ).fetchone()
    return row is not None


def count(tx: Transaction, job: Purge, after: int) -> tuple[int, int, int]:
    """Messages to delete among the next numbers, their octets, and the last number that was looked at."""
    rows = _candidates(tx, job._replace(position=after), WINDOW)
    return len(rows), sum(row["octets"] for row in rows), min(after + WINDOW, max(after, messages.newest(tx)))


def step(tx: Transaction, number: int, now: float) -> Purge:
    """Do the next part of a deletion, and return it; it is done when `done_at` is set."""
    job = get(tx, number)
    if job.done_at is not None:
        return job
    rows = _candidates(tx, job, BATCH)
    for row in rows:
        _delete(tx, job.kind, row["number"], now)
    end = rows[-1]["number"] if len(rows) == BATCH else job.position + WINDOW
    if job.kind == "person":
        _redact(tx, str(job.address), job.position, end)
    octets = sum(row["octets"] for row in rows)
    tx.execute(
        "UPDATE purge SET position = ?, messages = messages + ?, octets = octets + ? WHERE number = ?",
        (end, len(rows), octets, number),
    )
    if end >= messages.newest(tx) and not _delete_others(tx, job):
        tx.execute("UPDATE purge SET done_at = ?, address = NULL WHERE number = ?", (now, number))
    return get(tx, number)


def remove(tx: Transaction, number: int, now: float) -> bool:
    """Delete one message; False when it is open. Raises NotFound."""
    messages.stored(tx, number)
    if tx.execute(f"SELECT 1 FROM message WHERE number = ? AND {_OPEN}", (number,)).fetchone():
        return False
    _delete(tx, "messages", number, now)
    return True


def _candidates(tx: Transaction, job: Purge, limit: int) -> Sequence[Row]:
    of_model = "EXISTS (SELECT 1 FROM placement WHERE placement.message = message.number AND placement.model = ?)"
    conditions = [_PARTS[job.kind], f"NOT {_OPEN}", *([of_model] if job.model else [])]
    values = [value for value in (job.address, job.model) if value]
    return tx.execute(
        "SELECT number, coalesce(length(octets), 0) AS octets FROM message LEFT JOIN raw ON raw.message = number"
        f" WHERE number > ? AND number <= ? AND received_at < ? AND {' AND '.join(conditions)} ORDER BY number LIMIT ?",
        (job.position, job.position + WINDOW, job.before_at, *values, limit),
    ).fetchall()


def _delete(tx: Transaction, kind: str, number: int, now: float) -> None:
    """Delete what a kind of deletion takes from a message that is not open."""
    tx.execute("DELETE FROM outbox WHERE message = ? AND state = 'sent'", (number,))
    nowhere = tx.execute(f"SELECT 1 FROM message WHERE number = ? AND {_NOWHERE}", (number,)).fetchone()
    if kind != "raw" and nowhere:
        tx.execute("DELETE FROM purged WHERE message = ?", (number,))
        messages.erase(tx, number)
    elif kind == "log":
        tx.execute("UPDATE message SET explanation = '' WHERE number = ?", (number,))
    else:
        part = "raw" if kind == "raw" else "all"
        tx.execute("DELETE FROM raw WHERE message = ?", (number,))
        tx.execute(
            "INSERT INTO purged (message, part, purged_at) VALUES (?, ?, ?)"
            " ON CONFLICT (message) DO UPDATE SET part = excluded.part, purged_at = excluded.purged_at",
            (number, part, now),
        )
        if part == "all":
            tx.execute("DELETE FROM held WHERE message = ?", (number,))
            tx.execute("DELETE FROM answer WHERE message = ?", (number,))
            tx.execute(
                "UPDATE message SET reverse_path = NULL, author = NULL, author_name = '', author_text = '',"
                " subject = '', recipients = '[]', explanation = '' WHERE number = ?",
                (number,),
            )


def _delete_others(tx: Transaction, job: Purge) -> bool:
    """Delete what belongs to no message, a part at a time; whether there was any."""
    if job.kind == "person":
        _forget(tx, str(job.address))
        return False
    if job.kind != "log":
        return False
    deleted = 0
    for table, condition in (
        ("outbox", "state = 'sent' AND created_at < ?"),
        ("failure", "state = 'acked' AND created_at < ?"),
        ("change", "changed_at < ?"),
        ("purge", "done_at < ?"),
    ):
        old = f"SELECT number FROM {table} WHERE {condition} ORDER BY number LIMIT 100"
        deleted += tx.execute(f"DELETE FROM {table} WHERE number IN ({old})", (job.before_at,)).rowcount
    return deleted > 0


def _redact(tx: Transaction, address: str, after: int, end: int) -> None:
    """Take an address out of what is shown of the messages of others."""
    pattern = re.compile(re.escape(address), re.IGNORECASE)
    rows = tx.execute(
        "SELECT number, recipients, explanation FROM message WHERE number > ? AND number <= ?"
        " AND (instr(lower(recipients), ?) OR instr(lower(explanation), ?))"
        f" AND NOT {_OPEN}",
        (after, end, address, address),
    ).fetchall()
    for row in rows:
        texts = (pattern.sub(FORGOTTEN, row["recipients"]), pattern.sub(FORGOTTEN, row["explanation"]))
        tx.execute("UPDATE message SET recipients = ?, explanation = ? WHERE number = ?", (*texts, row["number"]))


def _forget(tx: Transaction, address: str) -> None:
    """Delete what the other tables say of a person, but for what is open."""
    tx.execute("DELETE FROM contact WHERE address = ?", (address,))
    tx.execute("DELETE FROM follower WHERE address = ? OR author = ?", (address, address))
    tx.execute("UPDATE delivery SET recipient = ?, revoked = 1 WHERE recipient = ?", (FORGOTTEN, address))
    tx.execute("DELETE FROM outbox WHERE state = 'sent' AND (person = ? OR lower(recipient) = ?)", (address, address))
    tx.execute("DELETE FROM failure WHERE state = 'acked' AND ? IN (recipient, follower, name)", (address,))
    tx.execute("DELETE FROM effect WHERE place = ?", (address,))
    tx.execute("UPDATE record SET rate_key = '' WHERE instr(rate_key, ?)", (address,))
    pattern = re.compile(re.escape(address), re.IGNORECASE)
    for row in tx.execute("SELECT number, command FROM change WHERE instr(lower(command), ?)", (address,)).fetchall():
        command = pattern.sub(FORGOTTEN, row["command"])
        tx.execute("UPDATE change SET command = ? WHERE number = ?", (command, row["number"]))
    query = "SELECT model, id, values_json FROM record WHERE instr(lower(values_json), ?)"
    for row in tx.execute(query, (address,)).fetchall():
        values = json.loads(row["values_json"])
        if str(values.get("email_from", "")).lower() == address:
            values["email_from"] = ""
        text = json.dumps(values, ensure_ascii=False)
        tx.execute("UPDATE record SET values_json = ? WHERE model = ? AND id = ?", (text, row["model"], row["id"]))


class Kept(NamedTuple):
    """What is left of a person: numbers of held mail, of queued or failed outgoing mail, of open failures; on which
    list of senders they are; which aliases notify them."""

    held: tuple[int, ...]
    outbox: tuple[int, ...]
    failures: tuple[int, ...]
    listed: str
    aliases: tuple[str, ...]


def kept(tx: Transaction, address: str) -> Kept:
    """What was not deleted of a person, because it is open or an administrator decided it."""
    held = "SELECT message FROM held JOIN message ON number = message WHERE author = ? AND refused = 0 ORDER BY message"
    outbox = "SELECT number FROM outbox WHERE person = ? AND state != 'sent' ORDER BY number"
    failure = "SELECT number FROM failure WHERE state = 'open' AND ? IN (recipient, follower, name) ORDER BY number"
    listed = tx.execute("SELECT permission FROM sender WHERE address = ?", (address,)).fetchone()
    aliases = tx.execute(
        "SELECT local || '@' || domain AS address FROM alias WHERE instr(lower(notify), ?) ORDER BY number",
        (json.dumps(address, ensure_ascii=False),),
    )
    numbers = [tuple(int(row[0]) for row in tx.execute(query, (address,))) for query in (held, outbox, failure)]
    return Kept(
        numbers[0],
        numbers[1],
        numbers[2],
        listed["permission"] if listed else "",
        tuple(row["address"] for row in aliases),
    )


def _from_row(row: Row) -> Purge:
    values = {name: row[name] for name in Purge._fields}
    return Purge(**{**values, "by_rule": bool(row["by_rule"])})
