"""Marks of ours that a message carries: whether it is our own coming back, or answers a refusal of ours."""

from typing import NamedTuple

from mailgate.mail.message import Message
from mailgate.values import token
from mailgate.values.token import Mark


class Marks(NamedTuple):
    """back: the message itself is ours; refusal: it answers a refusal of ours. None: it is not, it does not."""

    back: Mark | None = None
    refusal: Mark | None = None


def find(message: Message, secrets: tuple[bytes, ...], *, own_author: bool) -> Marks:
    """Look for our marks where a message carries its own identity, and where it names what it answers.

    A provider may rewrite the Message-ID and strip X- fields; what is left is the mark in References of a message that
    claims to come from us (`own_author`) and does not answer the message with that mark.
    """
    itself = " ".join((message.message_id or "", *message.plain("x-mailgate-loop")))
    back = token.find_mark(itself, secrets)
    named = [mark for reference in message.references if (mark := token.find_mark(reference, secrets))]
    if not back and own_author:
        answered = " ".join(message.plain("in-reply-to")).lower()
        back = next((mark for mark in named[-1:] if mark.text not in answered), None)
    return Marks(back, next((mark for mark in named if mark.kind == token.REFUSAL), None))
