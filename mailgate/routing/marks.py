"""Marks of ours that a message carries: whether it may be our own coming back, or answers a refusal of ours.

A mark is a bearer's token: whoever got a mail of ours can write it into their own. So a mark alone decides nothing;
the text decides (`State.copies`), and what has a mark and another text is held.
"""

from mailgate.mail.message import Message
from mailgate.values import token
from mailgate.values.light import NamedTuple
from mailgate.values.token import Mark

_ID_LIMIT = 2_000
"""Octets at the end of References in which its last id is looked for."""


class Marks(NamedTuple):
    """back: in Message-ID or X-Mailgate-Loop; last: the last id of References, which In-Reply-To does not name;
    refusal: the message answers a refusal of ours. None: there is none."""

    back: Mark | None = None
    last: Mark | None = None
    refusal: Mark | None = None


def find(message: Message, secrets: tuple[bytes, ...]) -> Marks:
    """Look for our marks where a message carries its own identity, and where it names what it answers.

    A provider may rewrite the Message-ID and strip X- fields; what is left then is the mark at the end of References.
    The id of a refusal further up says nothing: the thread has gone on since.
    """
    itself = " ".join((message.message_id or "", *message.plain("x-mailgate-loop")))
    answered = [
        mark
        for value in message.plain("in-reply-to")
        for id_ in value.split(">")
        if (mark := token.find_mark(id_, secrets))
    ]
    last = token.find_mark(_last_reference(message), secrets)
    named = (*answered, last) if last else answered
    return Marks(
        back=token.find_mark(itself, secrets),
        last=last if last not in answered else None,
        refusal=next((mark for mark in named if mark.kind == token.REFUSAL), None),
    )


def _last_reference(message: Message) -> str:
    """The last id of References, without the white space that folding put into it."""
    values = message.fields.get("references", (b"",))
    return b"".join(values[-1][-_ID_LIMIT:].rpartition(b"<")[2].split()).decode("utf-8", "replace")
