"""Read an event of Amazon SES: JSON about a message, which a subscription to SNS by mail passes on.

    {"notificationType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients": [
        {"emailAddress": "ann@client.org", "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 ..."}]},
     "mail": {"source": "bounce@example.com", "headers": [{"name": "Message-ID", "value": "<1@example.com>"}]}}

Its values are those of RFC 3464, and they are read as fields of RFC 3464.
"""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from mailgate.reports import dsn, original
from mailgate.reports.dsn import Block
from mailgate.reports.original import Original

_TYPES = {
    "Bounce": ("bounce", "bouncedRecipients", "failed"),
    "DeliveryDelay": ("deliveryDelay", "delayedRecipients", "delayed"),
    "Delivery": ("delivery", "recipients", "delivered"),
    "Complaint": ("complaint", "complainedRecipients", "complaint"),
}
"""Type of an event -> the name of its object, the name of the recipients in it, the action."""
_JSON = json.JSONDecoder(strict=False)
_SPLIT = "!\n "
"""What sendmail inserts into a line that is longer than SMTP allows; it never occurs in JSON."""
_CLASSES = {"Permanent": "5.0.0", "Transient": "4.0.0"}


class Event(NamedTuple):
    """An event. `action`: failed, delayed, delivered or complaint. `original`: what identifies the message itself."""

    action: str
    blocks: list[Block]
    original: Original


def read(text: str) -> Event | None:
    """The event at the start of a text, which a footer may follow; None for any other text."""
    document = _decoded(text)
    if "Message" in document:  # the subscription does not ask for raw messages
        document = _decoded(document["Message"])
    type_ = _TYPES.get(str(document.get("notificationType") or document.get("eventType")))
    if type_ is None:
        return None
    name, recipients_name, action = type_
    event = _object(document.get(name))
    recipients = [
        recipient if isinstance(recipient, dict) else {"emailAddress": recipient}
        for recipient in _array(event.get(recipients_name))
    ]
    fields = "\n\n".join(_fields(event, recipient, action) for recipient in recipients[: dsn.BLOCKS_LIMIT])
    return Event(action, dsn.blocks(fields), _original(_object(document.get("mail"))))


def _fields(event: dict[str, Any], recipient: dict[str, Any], action: str) -> str:
    """One recipient in the fields of RFC 3464."""
    fields = {
        "Final-Recipient": recipient.get("emailAddress"),
        "Action": action,
        "Status": recipient.get("status") or _CLASSES.get(str(event.get("bounceType"))),
        "Diagnostic-Code": recipient.get("diagnosticCode") or event.get("smtpResponse"),
        "Remote-MTA": event.get("remoteMtaIp"),
    }
    return _lines(fields.items())


def _original(mail: dict[str, Any]) -> Original:
    """What the event gives back of the message: the envelope sender, and the header if the sender configured that."""
    header = [(str(field.get("name")), field.get("value")) for field in map(_object, _array(mail.get("headers")))]
    common = [("Message-ID", _object(mail.get("commonHeaders")).get("messageId"))]
    return original.read([_lines([("Return-Path", mail.get("source")), *(header or common)])])


def _lines(fields: Iterable[tuple[str, Any]]) -> str:
    return "\n".join(f"{name}: {' '.join(value.split())}" for name, value in fields if isinstance(value, str))


def _decoded(text: Any) -> dict[str, Any]:
    """The JSON object at the start of a text, an empty one where there is none."""
    try:
        return _object(_JSON.raw_decode(text.lstrip().replace(_SPLIT, ""))[0]) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
