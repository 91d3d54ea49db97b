"""What came of each message, so that a copy of it is known as one: the table `effect`."""

from mailgate.mail.message import Message
from mailgate.routing.state import Seen
from mailgate.store.database import Row, Transaction
from mailgate.values.mailboxes import Author
from mailgate.values.outcome import Effect

# The column `effect` holds an `Effect` as text, which these two functions alone know: `action:place`, or
# `action:reason:place`. A place may hold a colon, actions and reasons do not. Wanted in place of it, with the next
# migration: columns `action`, `reason` and `place`, and (digest, action, reason, place) as the key.
_WITHOUT_REASON = ("create", "post", "hold")
_SENT = Effect("sent", "")


def _encoded(effect: Effect) -> str:
    if effect == _SENT:
        return effect.action
    words = (effect.action,) if effect.action in _WITHOUT_REASON else (effect.action, effect.reason)
    return ":".join((*words, effect.place))


def _decoded(text: str) -> Effect:
    action, _, rest = text.partition(":")
    if action in _WITHOUT_REASON or action == _SENT.action:
        return Effect(action, rest)
    reason, _, place = rest.partition(":")
    return Effect(action, place, reason)


def note(tx: Transaction, number: int, message: Message, effect: Effect, *, accepted: bool) -> None:
    """Remember what stored message `number` did; a copy of it that does the same does it again."""
    text = _encoded(effect)
    tx.execute("DELETE FROM effect WHERE digest = ? AND effect = ?", (message.digest, text))
    tx.execute(
        "INSERT INTO effect (digest, effect, message_id, listed, accepted, message) VALUES (?, ?, ?, ?, ?, ?)",
        (message.digest, text, message.message_id, message.listed, accepted, number),
    )


def note_sent(tx: Transaction, number: int, message: Message) -> None:
    """Remember that another program sends stored message `number`."""
    note(tx, number, message, _SENT, accepted=True)


def sent(tx: Transaction, digest: str) -> int | None:
    """The number of a message with this digest that another program sends."""
    row = tx.execute("SELECT message FROM effect WHERE digest = ? AND effect = ?", (digest, _encoded(_SENT))).fetchone()
    return row["message"] if row else None


def forget_waiting(tx: Transaction, number: int) -> None:
    """Forget that a message was held or refused; what was taken stays taken."""
    tx.execute("DELETE FROM effect WHERE message = ? AND (effect LIKE 'hold:%' OR effect LIKE 'refuse:%')", (number,))


def rename(tx: Transaction, old: str, new: str) -> None:
    """Find under a new address what an alias did under its old one."""
    for effect in (Effect("create", old), Effect("hold", old), *(Effect("refuse", old, reason) for reason in _REFUSED)):
        before, after = _encoded(effect), _encoded(effect._replace(place=new))
        tx.execute(
            "UPDATE effect SET effect = ? WHERE effect = ? AND NOT EXISTS ("
            "SELECT 1 FROM effect AS other WHERE other.digest = effect.digest AND other.effect = ?)",
            (after, before, after),
        )


_REFUSED = ("policy", "rate-limit")
"""Why an alias refuses."""


def earlier(tx: Transaction, message: Message) -> tuple[tuple[Seen, ...], bool]:
    """What earlier copies of a message did, and whether its id was seen with other content.

    A copy has the same digest; or it has the same id and author, and exactly one of the two went through a mailing
    list. Nobody takes an id from others by what was refused, or is held for its sender alone.
    """
    rows = tx.execute("SELECT * FROM effect WHERE digest = ? ORDER BY message", (message.digest,)).fetchall()
    same = [_seen(row, same_content=True) for row in rows]
    if not message.message_id:
        return tuple(same), False
    others = tx.execute(
        "SELECT effect.*, author, author_text FROM effect JOIN message ON message.number = effect.message"
        " WHERE effect.message_id = ? AND digest != ? ORDER BY effect.message",
        (message.message_id, message.digest),
    ).fetchall()
    listed, reused = [], False
    for row in others:
        seen = _seen(row, same_content=False)
        if bool(row["listed"]) != message.listed and _wrote(row, message.author):
            listed.append(seen)
        elif seen.effect.action in ("create", "post", "sent"):
            reused = True
    return (*same, *listed), reused or (not listed and _is_ours(tx, message.message_id))


def _seen(row: Row, *, same_content: bool) -> Seen:
    return Seen(_decoded(row["effect"]), row["message"], bool(row["accepted"]), same_content)


def _wrote(row: Row, author: Author) -> bool:
    """Whether this author, or the same words that name nobody, stand in a message that is stored."""
    if row["author"] and author.address:
        return bool(row["author"] == author.address.key)
    return not row["author"] and not author.address and bool(row["author_text"] == author.text)


def _is_ours(tx: Transaction, message_id: str) -> bool:
    """Whether a message of ours has this id."""
    query = "SELECT 1 FROM message WHERE message_id = ? AND direction = 'out'"
    return tx.execute(query, (message_id,)).fetchone() is not None
