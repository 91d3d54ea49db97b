"""Every message received or sent, under one number: its bytes, its explanation, the records it is on."""

import json
from collections.abc import Sequence

from mailgate.mail.message import Message
from mailgate.store.database import Row, Transaction, insert_octets
from mailgate.values.address import Address
from mailgate.values.light import Any, NamedTuple
from mailgate.values.outcome import foremost
from mailgate.values.problem import NotFound, command
from mailgate.values.record import Ref

_MENTIONS = 100
"""Ids in References that are stored for answers that name only an older message."""


class Stored(NamedTuple):
    """A row of `message`, without its bytes. direction: in or out; kind: email, post, note; received_at: epoch seconds,
    also of what was written here."""

    number: int
    direction: str
    kind: str
    classed: str
    message_id: str | None
    parent: str | None
    reverse_path: str | None
    author: str | None
    author_name: str
    author_text: str
    subject: str
    date: str
    recipients: tuple[str, ...]
    flags: tuple[str, ...]
    size: int
    received_at: float
    records: tuple[Ref, ...]
    answer_to: tuple[str, ...] = ()


class SentMessage(NamedTuple):
    """A message of ours to keep. kind: post or note; `author` is an `Address.key` or the address we write from, and
    `author_text` the From field as text; `date` is the Date field."""

    kind: str
    message_id: str
    parent: str | None
    author: str | None
    author_name: str
    author_text: str
    subject: str
    date: str
    recipients: Sequence[str]
    octets: bytes


class Judged(NamedTuple):
    """What a decision says about a message: its class, the id it answers, its flags, where its author is answered."""

    classed: str
    parent: str | None
    flags: Sequence[str]
    answer_to: Sequence[Address]


def add(tx: Transaction, message: Message, judged: Judged, now: float) -> int:
    """Keep a received message, byte for byte; its number."""
    sender, author = message.envelope.reverse_path, message.author
    row = tx.execute(
        "INSERT INTO message (direction, kind, class, message_id, parent, reverse_path, author, author_name,"
        " author_text, subject, date, recipients, flags, size, received_at, explanation)"
        " VALUES ('in', 'email', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '') RETURNING number",
        (
            *(judged.classed, message.message_id, judged.parent, str(sender) if sender else None),
            *(author.address.key if author.address else None, author.name, author.text),
            *(message.subject, message.field("date")),
            json.dumps([str(recipient) for recipient in message.envelope.recipients]),
            *(json.dumps(judged.flags), message.size, now),
        ),
    ).fetchone()
    number = int(row["number"])
    insert_octets(tx, number, message.raw)
    _answer(tx, number, message.author.address, judged.answer_to)
    return number


def add_sent(tx: Transaction, message: SentMessage, now: float) -> int:
    """Keep a message of ours before anything of it leaves; its number."""
    row = tx.execute(
        "INSERT INTO message (direction, kind, class, message_id, parent, reverse_path, author, author_name,"
        " author_text, subject, date, recipients, flags, size, received_at, explanation)"
        " VALUES ('out', ?, 'person', ?, ?, NULL, ?, ?, ?, ?, ?, ?, '[]', ?, ?, '') RETURNING number",
        (
            *(message.kind, message.message_id, message.parent, message.author, message.author_name),
            *(message.author_text, message.subject, message.date, json.dumps(list(message.recipients))),
            *(len(message.octets), now),
        ),
    ).fetchone()
    number = int(row["number"])
    insert_octets(tx, number, message.octets)
    return number


def judge(tx: Transaction, number: int, author: Address | None, judged: Judged) -> None:
    """Store what a new decision says about a message that is stored."""
    tx.execute(
        "UPDATE message SET class = ?, parent = coalesce(?, parent), flags = ? WHERE number = ?",
        (judged.classed, judged.parent, json.dumps(judged.flags), number),
    )
    tx.execute("DELETE FROM answer WHERE message = ?", (number,))
    _answer(tx, number, author, judged.answer_to)


def _answer(tx: Transaction, number: int, author: Address | None, answers: Sequence[Address]) -> None:
    """Store where the author of a message is answered, if it is not where they write from."""
    if [address.key for address in answers] != ([author.key] if author else []):
        addresses = json.dumps(list(map(str, answers)))
        tx.execute("INSERT INTO answer (message, addresses) VALUES (?, ?)", (number, addresses))


def place(tx: Transaction, number: int, ref: Ref) -> None:
    """Put a message on a record."""
    tx.execute("INSERT INTO placement (message, model, id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (number, *ref))


def mention(tx: Transaction, number: int, references: tuple[str, ...]) -> None:
    """Store the last ids that a message names, for answers that name one of them too."""
    rows = [(message_id, number) for message_id in references[-_MENTIONS:]]
    tx.executemany("INSERT INTO mention (message_id, message) VALUES (?, ?)", rows)


def sent_as(tx: Transaction, message_id: str) -> int | None:
    """The number of a message that was sent under an id."""
    row = tx.execute("SELECT number FROM message WHERE message_id = ? AND direction = 'out'", (message_id,)).fetchone()
    return row["number"] if row else None


def received_as(tx: Transaction, message_id: str) -> Stored | None:
    """The message that was received under an id, the first one."""
    query = "SELECT * FROM message WHERE message_id = ? AND direction = 'in' ORDER BY number LIMIT 1"
    row = tx.execute(query, (message_id,)).fetchone()
    return _from_row(tx, row) if row else None


def numbered(tx: Transaction, named: int | str) -> int:
    """The number of a message that is named by it or by its Message-ID, with angle brackets or without.

    Of several with one id the first that was received; a copy that was sent counts as the message. Raises NotFound for
    an id that no message has; a number is not looked up.
    """
    if isinstance(named, int):
        return named
    message_id = f"<{named.strip('<>')}>"
    for query in (
        "SELECT number FROM message WHERE message_id = ? ORDER BY direction, number LIMIT 1",
        "SELECT message FROM delivery WHERE message_id = ? ORDER BY number LIMIT 1",
    ):
        if row := tx.execute(query, (message_id,)).fetchone():
            return int(row[0])
    raise NotFound(f"no message has the id {message_id}", command("mailgate message list"))


def newest(tx: Transaction) -> int:
    """The highest number that is stored, 0 when there is none."""
    number: int = tx.execute("SELECT coalesce(max(number), 0) FROM message").fetchone()[0]
    return number


def received_last(tx: Transaction) -> float | None:
    """When the message with the highest number was received or written here (epoch seconds), None without any."""
    row = tx.execute("SELECT received_at FROM message ORDER BY number DESC LIMIT 1").fetchone()
    return row["received_at"] if row else None


def latest_received(tx: Transaction) -> float | None:
    """The latest time of a message: later than the last one's where the clock was ahead before it. None without any."""
    at: float | None = tx.execute("SELECT max(received_at) FROM message").fetchone()[0]
    return at


def explain(tx: Transaction, number: int, explanation: dict[str, Any]) -> None:
    """Store the explanation that `why` shows, and the outcome under which the message counts."""
    text = json.dumps(explanation, ensure_ascii=False, separators=(",", ":"))
    outcomes = [(outcome["action"], outcome["reason"]) for outcome in explanation["outcomes"]]
    values = (text, *foremost(outcomes), number)
    tx.execute("UPDATE message SET explanation = ?, action = ?, reason = ? WHERE number = ?", values)


def explanation(tx: Transaction, number: int) -> dict[str, Any]:
    """The stored explanation of a message that was received. Raises NotFound."""
    row = tx.execute("SELECT direction, explanation FROM message WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise _no_message(number)
    if not row["explanation"] and row["direction"] == "in":
        raise NotFound(f"the explanation of message {number} was deleted", command("mailgate message show {N}", number))
    if not row["explanation"]:
        raise NotFound(f"message {number} was sent, not received", command("mailgate message show {N}", number))
    tree: dict[str, Any] = json.loads(row["explanation"])
    return tree


def action(tx: Transaction, number: int) -> str:
    """What became of a message, the most significant of its outcomes; empty for one of ours."""
    row = tx.execute("SELECT action FROM message WHERE number = ?", (number,)).fetchone()
    return str(row["action"]) if row else ""


def raw(tx: Transaction, number: int) -> bytes:
    """The exact bytes of a message. Raises NotFound."""
    octets = left_of(tx, number)
    if octets is None:
        raise NotFound(f"the bytes of message {number} were deleted", command("mailgate message show {N}", number))
    return octets


def left_of(tx: Transaction, number: int) -> bytes | None:
    """The exact bytes of a message, None when they were deleted. Raises NotFound."""
    row = tx.execute("SELECT octets FROM raw WHERE message = ?", (number,)).fetchone()
    if row is None:
        stored(tx, number)
        return None
    octets: bytes = row["octets"]
    return octets


def purged_at(tx: Transaction, number: int) -> float | None:
    """When the bytes of a message were deleted (epoch seconds), None for never."""
    row = tx.execute("SELECT purged_at FROM purged WHERE message = ?", (number,)).fetchone()
    return row["purged_at"] if row else None


def stored(tx: Transaction, number: int) -> Stored:
    """One message. Raises NotFound."""
    row = tx.execute("SELECT * FROM message WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise _no_message(number)
    return _from_row(tx, row)


def listing(tx: Transaction, ref: Ref | None = None, after: int = 0) -> list[Stored]:
    """Messages with a number above `after`, those on one record or all, oldest first."""
    if ref:
        rows = tx.execute(
            "SELECT message.* FROM message JOIN placement ON placement.message = message.number"
            " WHERE model = ? AND id = ? AND message.number > ? ORDER BY message.number",
            (*ref, after),
        )
    else:
        rows = tx.execute("SELECT * FROM message WHERE number > ? ORDER BY number", (after,))
    return [_from_row(tx, row) for row in rows]


def erase(tx: Transaction, number: int) -> None:
    """Delete a message and what refers to it, unless it is on a record, was sent to people or reported a failure."""
    for query in (
        "SELECT 1 FROM placement WHERE message = ?",
        "SELECT 1 FROM delivery WHERE message = ?",
        "SELECT 1 FROM failure WHERE report = ?",
    ):
        if tx.execute(query, (number,)).fetchone():
            return
    for table in ("raw", "mention", "effect", "held", "purged", "answer"):
        tx.execute(f"DELETE FROM {table} WHERE message = ?", (number,))
    for table in ("outbox", "failure"):
        tx.execute(f"UPDATE {table} SET message = NULL WHERE message = ?", (number,))
    tx.execute("DELETE FROM message WHERE number = ?", (number,))


def _from_row(tx: Transaction, row: Row) -> Stored:
    placed = tx.execute("SELECT model, id FROM placement WHERE message = ? ORDER BY number", (row["number"],))
    return Stored(
        number=row["number"],
        direction=row["direction"],
        kind=row["kind"],
        classed=row["class"],
        message_id=row["message_id"],
        parent=row["parent"],
        reverse_path=row["reverse_path"],
        author=row["author"],
        author_name=row["author_name"],
        author_text=row["author_text"],
        subject=row["subject"],
        date=row["date"],
        recipients=tuple(json.loads(row["recipients"])),
        flags=tuple(json.loads(row["flags"])),
        size=row["size"],
        received_at=row["received_at"],
        records=tuple(Ref(place["model"], place["id"]) for place in placed),
        answer_to=_answer_to(tx, row),
    )


def _answer_to(tx: Transaction, row: Row) -> tuple[str, ...]:
    """Where the author of a message in a row is answered."""
    if row["direction"] == "out":
        return ()
    answer = tx.execute("SELECT addresses FROM answer WHERE message = ?", (row["number"],)).fetchone()
    if answer:
        return tuple(json.loads(answer["addresses"]))
    return (row["author"],) if row["author"] else ()


def _no_message(number: int) -> NotFound:
    return NotFound(f"no message {number}", command("mailgate message list"))
