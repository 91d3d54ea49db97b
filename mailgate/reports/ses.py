"""Read what Amazon SES tells of a message through SNS: an event in JSON, which a subscription by mail passes on.

    {"notificationType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients": [
        {"emailAddress": "ann@client.org", "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 ..."}]},
     "mail": {"source": "bounce@example.com", "headers": [{"name": "Message-ID", "value": "<1@example.com>"}]}}

Its words are those of RFC 3464, and they are read as its fields.
"""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from mailgate.reports import dsn
from mailgate.reports import original as returned
from mailgate.reports.dsn import Block
from mailgate.reports.original import Returned

_EVENTS = {
    "Bounce": ("bounce", "bouncedRecipients", "failed"),
    "DeliveryDelay": ("deliveryDelay", "delayedRecipients", "delayed"),
    "Delivery": ("delivery", "recipients", "delivered"),
    "Complaint": ("complaint", "complainedRecipients", "complaint"),
}
"""Type of an event -> the object that tells of it, the recipients in there, what became of the message."""
_JSON = json.JSONDecoder(strict=False)
_SPLIT = "!\n "
"""Where sendmail parts a line that is longer than SMTP allows; in JSON it stands nowhere."""
_CLASSES = {"Permanent": "5.0.0", "Transient": "4.0.0"}


class Notified(NamedTuple):
    """What an event tells. action: failed, delayed, delivered or complaint; `original` names the message itself."""

    action: str
    blocks: list[Block]
    original: Returned


def read(text: str) -> Notified | None:
    """The event in a text that begins with it; a footer may follow. None for any other text."""
    event = _decoded(text)
    if "Message" in event:  # as it is passed on unless the subscription asks for the raw message
        event = _decoded(event["Message"])
    names = _EVENTS.get(str(event.get("notificationType") or event.get("eventType")))
    if names is None:
        return None
    told = _object(event.get(names[0]))
    recipients = [each if isinstance(each, dict) else {"emailAddress": each} for each in _array(told.get(names[1]))]
    fields = "\n\n".join(_fields(told, each, names[2]) for each in recipients[: dsn.BLOCKS_LIMIT])
    return Notified(names[2], dsn.blocks(fields), _original(_object(event.get("mail"))))


def _fields(told: dict[str, Any], recipient: dict[str, Any], action: str) -> str:
    """One recipient in the fields of RFC 3464."""
    said = {
        "Final-Recipient": recipient.get("emailAddress"),
        "Action": action,
        "Status": recipient.get("status") or _CLASSES.get(str(told.get("bounceType"))),
        "Diagnostic-Code": recipient.get("diagnosticCode") or told.get("smtpResponse"),
        "Remote-MTA": told.get("remoteMtaIp"),
    }
    return _lines(said.items())


def _original(mail: dict[str, Any]) -> Returned:
    """What the event gives back of the message: the envelope sender, and the header if the sender asked for it."""
    header = [(str(each.get("name")), each.get("value")) for each in map(_object, _array(mail.get("headers")))]
    common = [("Message-ID", _object(mail.get("commonHeaders")).get("messageId"))]
    return returned.read(_lines([("Return-Path", mail.get("source")), *(header or common)]))


def _lines(fields: Iterable[tuple[str, Any]]) -> str:
    return "\n".join(f"{name}: {' '.join(value.split())}" for name, value in fields if isinstance(value, str))


def _decoded(text: Any) -> dict[str, Any]:
    """The object at the beginning of a text, an empty one where there is none."""
    try:
        return _object(_JSON.raw_decode(text.lstrip().replace(_SPLIT, ""))[0]) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
