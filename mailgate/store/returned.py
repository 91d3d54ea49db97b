"""Whether a message with a mark of ours is one that we sent: the stored text decides, not the mark."""

from collections.abc import Iterator, Sequence

from mailgate.mail import likeness
from mailgate.mail.message import Message
from mailgate.process import deadline, faults
from mailgate.routing.marks import Marks
from mailgate.routing.state import Returned
from mailgate.store.database import Transaction, select_in
from mailgate.values import srs, token
from mailgate.values.address import mailbox
from mailgate.values.record import Ref

COMPARING = 2.0
"""Seconds of work for the comparison with one message, which is made while other deliveries wait."""
_COMPARED = 3
"""Messages of ours with one mark that a message is compared with: a mark belongs to one."""
_WITHOUT_RECORD = 20
"""Messages to one person that are on no record, the newest ones, in which a mark is looked for."""


def find(tx: Transaction, message: Message, carried: Marks) -> Returned | None:
    """The message of ours that a message with these marks is, None when it is none.

    With the mark in Message-ID or X-Mailgate-Loop a list or a gateway may have added a block of lines. Where the mark
    is only the last of References, text and date are the ones we wrote.
    """
    mark = carried.back or carried.last
    if mark is None:
        return None
    posted = _posted(tx, message, mark.text) if mark.kind == token.POST else iter(())
    for octets, date, returned in (*posted, *_answers(tx, message, mark.text)):
        if carried.back is None and message.field("date") != date:
            continue
        if _agrees(octets, message.raw, added=carried.back is not None):
            return returned
    return None


def _agrees(sent: bytes, received: bytes, *, added: bool) -> bool:
    try:
        with deadline.limit(COMPARING, worked=True):
            return likeness.has_text_of(received, sent, added=added)
    except Exception as error:  # a mistake of ours about these bytes
        if faults.is_of_machine(error):
            raise
        return False


def _posted(tx: Transaction, message: Message, mark: str) -> Iterator[tuple[bytes, str, Returned]]:
    """The messages to a record's people that went out with a mark, with the Date that was written into them.

    What another program sends has an id of its own, which stands in Message-ID or at the end of References.
    """
    ids = tuple(dict.fromkeys((*([message.message_id] if message.message_id else []), *message.references[-2:])))
    numbers = [
        row["message"]
        for source in ("message FROM delivery WHERE", "number AS message FROM message WHERE direction = 'out' AND")
        for row in tx.execute(
            f"SELECT DISTINCT {source} message_id >= ? AND message_id < ? LIMIT ?",
            (f"<{mark}@", f"<{mark}A", _COMPARED),
        )
    ]
    numbers += [
        row["message"] for row in select_in(tx, "SELECT DISTINCT message FROM delivery WHERE message_id IN ({})", ids)
    ]
    query = (
        "SELECT octets, date, direction, received_at FROM message JOIN raw ON raw.message = message.number"
        " WHERE number = ?"
    )
    for number in list(dict.fromkeys(numbers))[:_COMPARED]:
        row = tx.execute(query, (number,)).fetchone()
        if row:
            is_ours = row["direction"] == "out"
            date = row["date"] if is_ours else _date_of_copies(tx, message, number)
            yield row["octets"], date, _delivered(tx, message, number)


def _people(message: Message) -> list[str]:
    """To whom a message of ours that comes back was sent: those whom its header and its envelope name, a few."""
    named = (*message.to, *message.envelope.recipients)
    originals = [srs.original(address) for address in named[:10]]
    return sorted({address.key for original in originals for address in (original, mailbox(original))})


def _date_of_copies(tx: Transaction, message: Message, number: int) -> str:
    """The Date field of the copies of a stored message that went to those whom a message names."""
    query = "SELECT octets FROM outbox WHERE person IN ({}) AND message = ? AND kind = 'copy' LIMIT 1"
    for row in select_in(tx, query, _people(message), number):
        return likeness.date(row["octets"])
    return ""


def _delivered(tx: Transaction, message: Message, number: int) -> Returned:
    """A message of ours, and to which of the recipients of its envelope it was sent."""
    people: Sequence[str] = [address.key for address in message.envelope.recipients[:10]]
    query = "SELECT message_id, model, id, recipient FROM delivery WHERE recipient IN ({}) AND message = ? LIMIT 1"
    for row in select_in(tx, query, people, number):
        return Returned(number, row["message_id"], Ref(row["model"], row["id"]), row["recipient"])
    return Returned(number)


def _answers(tx: Transaction, message: Message, mark: str) -> Iterator[tuple[bytes, str, Returned]]:
    """Refusals and notices with a mark, which stand on no record, to those whom a message names."""
    query = (
        "SELECT octets, message FROM outbox WHERE person IN ({}) AND kind IN ('refusal', 'notice')"
        f" ORDER BY number DESC LIMIT {_WITHOUT_RECORD}"
    )
    for row in select_in(tx, query, _people(message)):
        if mark.encode() in row["octets"]:
            yield row["octets"], likeness.date(row["octets"]), Returned(row["message"])
