"""Recognise a delivery report; what it says is not read yet, so that nothing of it is lost it is held."""

from typing import NamedTuple

from mailgate import loop
from mailgate.address import lower
from mailgate.addressed import Addressed
from mailgate.loop import Kind
from mailgate.message import Message


class Finding(NamedTuple):
    """Why a message counts as a report. kind: other (a report of some sort) or automatic, `""` for a person's mail."""

    because: str
    kind: str


def recognise(message: Message, kind: Kind, addressed: Addressed) -> Finding | None:
    """Whether a message is a report, or came to a bounce address (RFC 6522, RFC 3464; RULES: rule `report`)."""
    content_type = message.plain("content-type")[:1]
    if content_type and lower(content_type[0]).startswith("multipart/report"):
        return Finding("multipart/report", "other")
    to_bounce = [own for own in addressed.direct if own.kind == "bounce"]
    if addressed.recipient and addressed.recipient.kind == "bounce":
        to_bounce.insert(0, addressed.recipient)
    if to_bounce:
        return Finding(f"{to_bounce[0].address} is a bounce address", "automatic" if kind.name != "person" else "other")
    null = message.envelope.reverse_path is None and message.envelope.stated
    if null and (loop.is_daemon(message.author.address) or "x-failed-recipients" in message.fields):
        return Finding(f"null reverse-path, written by {message.author.address}", "other")
    return None
