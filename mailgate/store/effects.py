"""What came of each message, so that a copy of it is known as one: the table `effect`."""

import json

from mailgate.mail.message import Message
from mailgate.process import deadline, faults
from mailgate.routing.state import Copies, Seen
from mailgate.store.database import Row, Transaction
from mailgate.values.mailboxes import Author
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref

COMPARING = 2.0
"""Seconds of work for the comparison with one stored message, which is made while other deliveries wait."""
_COMPARED = 3
"""Stored messages of one id and author, the first ones, that a message is compared with."""
_LOOKED_AT = 25
"""Effects of one id that are looked at, the first and the last ones: whoever stores more slows down nobody."""
_SENT = Effect("sent", "")
_OF_ID = "SELECT message FROM effect WHERE message_id = ? ORDER BY message"
_SAME_ID = (
    "SELECT effect.*, class, author, author_text FROM effect JOIN message ON message.number = effect.message"
    f" WHERE effect.message_id = ? AND effect.message IN (SELECT * FROM ({_OF_ID} LIMIT ?) AS first"
    f" UNION SELECT * FROM ({_OF_ID} DESC LIMIT ?) AS last) AND digest != ? ORDER BY effect.message"
)


def note(tx: Transaction, number: int, message: Message, effect: Effect, *, accepted: bool) -> None:
    """Remember what stored message `number` did; a copy of it that does the same does it again."""
    where = "digest = ? AND action = ? AND place = ? AND reason = ?"
    tx.execute(f"DELETE FROM effect WHERE {where}", (message.digest, *effect))
    tx.execute(
        "INSERT INTO effect (digest, action, place, reason, message_id, listed, accepted, message)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (message.digest, *effect, message.message_id, int(message.listed), int(accepted), number),
    )


def note_sent(tx: Transaction, number: int, message: Message) -> None:
    """Remember that another program sends stored message `number`."""
    note(tx, number, message, _SENT, accepted=True)


def sent(tx: Transaction, digest: str) -> int | None:
    """The number of a message with this digest that another program sends."""
    query = "SELECT message FROM effect WHERE digest = ? AND action = 'sent'"
    row = tx.execute(query, (digest,)).fetchone()
    return row["message"] if row else None


def forget_waiting(tx: Transaction, number: int) -> None:
    """Forget that a message was held or refused; what was taken stays taken."""
    tx.execute("DELETE FROM effect WHERE message = ? AND action IN ('hold', 'refuse')", (number,))


def rename(tx: Transaction, old: str, new: str) -> None:
    """Find under a new address what an alias did under its old one: what it made, held and refused by its own rules."""
    tx.execute(
        "UPDATE effect SET place = ? WHERE place = ?"
        " AND (action IN ('create', 'hold') OR (action = 'refuse' AND reason IN ('policy', 'rate-limit')))"
        " AND NOT EXISTS (SELECT 1 FROM effect AS other WHERE other.digest = effect.digest"
        " AND other.action = effect.action AND other.reason = effect.reason AND other.place = ?)",
        (new, old, new),
    )


def earlier(tx: Transaction, message: Message) -> Copies:
    """What earlier copies of a message did, and whether its id was seen with other content.

    A copy has the same digest; or it has the same id and author, and `likeness` finds the same mail in it. Nobody takes
    an id from others by what was refused, or is held for its sender alone.
    """
    rows = tx.execute(
        "SELECT effect.*, class FROM effect LEFT JOIN message ON message.number = effect.message"
        " WHERE digest = ? ORDER BY effect.message",
        (message.digest,),
    ).fetchall()
    same = [_seen(tx, row, same_content=True) for row in rows]
    if not message.message_id:
        return Copies(tuple(same))
    id_, most = message.message_id, _LOOKED_AT
    others = tx.execute(_SAME_ID, (id_, id_, most, id_, most, message.digest)).fetchall()
    candidates = dict.fromkeys(row["message"] for row in others if _wrote(row, message.author))
    copies = {number for number in list(candidates)[:_COMPARED] if _is_copy(tx, message, number)}
    alike = [_seen(tx, row, same_content=False) for row in others if row["message"] in copies]
    reused = any(row["message"] not in copies and row["action"] in ("create", "post", "sent") for row in others)
    return Copies((*same, *alike), reused or (not copies and _is_ours(tx, message.message_id)))


def _is_copy(tx: Transaction, message: Message, number: int) -> bool:
    """Whether a stored message is a copy of this one; in doubt it is not, so that nothing is lost."""
    from mailgate.mail import likeness  # few ids come twice

    row = tx.execute("SELECT octets FROM raw WHERE message = ?", (number,)).fetchone()
    try:
        with deadline.limit(COMPARING, worked=True):
            return row is not None and likeness.are_copies(row["octets"], message.raw)
    except Exception as error:  # a mistake of ours about these bytes
        if faults.is_of_machine(error):
            raise
        return False


def copies(tx: Transaction, number: int, message_id: str | None) -> list[int]:
    """The stored messages that did nothing because they are copies of stored message `number`, the first few."""
    if not message_id:
        return []
    rows = tx.execute(
        "SELECT number, explanation FROM message WHERE message_id = ? AND number != ? AND action = 'ignore'"
        " AND reason = 'duplicate' ORDER BY number LIMIT ?",
        (message_id, number, _LOOKED_AT),
    ).fetchall()
    return [row["number"] for row in rows if number in _copied(row["explanation"])]


def _copied(explanation: str | None) -> set[int]:
    """The messages of which a message is a copy, by its explanation."""
    outcomes = json.loads(explanation)["outcomes"] if explanation else []
    return {outcome["message"] for outcome in outcomes if "message" in outcome}


def _seen(tx: Transaction, row: Row, *, same_content: bool) -> Seen:
    effect, person = Effect(row["action"], row["place"], row["reason"]), row["class"] in (None, "person")
    if effect.action == "hold" and not effect.reason:  # noted by an older version
        held = tx.execute("SELECT reason FROM held WHERE message = ?", (row["message"],)).fetchone()
        effect = effect._replace(reason=held["reason"] if held else "")
    made = _made(tx, row["message"], effect) if effect.action == "create" and not person else None
    return Seen(effect, row["message"], bool(row["accepted"]), same_content, person, made)


def _made(tx: Transaction, number: int, effect: Effect) -> Ref | None:
    """The record that a message made by an alias, or of a model, where it still is."""
    row = tx.execute(
        "SELECT placement.model, placement.id FROM placement JOIN record ON record.model = placement.model"
        " AND record.id = placement.id WHERE message = ? AND coalesce(record.alias, record.model) = ?"
        " ORDER BY placement.number LIMIT 1",
        (number, effect.place),
    ).fetchone()
    return Ref(row["model"], row["id"]) if row else None


def _wrote(row: Row, author: Author) -> bool:
    """Whether this author, or the same words that name nobody, stand in a message that is stored."""
    if row["author"] and author.address:
        return bool(row["author"] == author.address.key)
    return not row["author"] and not author.address and bool(row["author_text"] == author.text)


def _is_ours(tx: Transaction, message_id: str) -> bool:
    """Whether a message of ours has this id."""
    query = "SELECT 1 FROM message WHERE message_id = ? AND direction = 'out'"
    return tx.execute(query, (message_id,)).fetchone() is not None
