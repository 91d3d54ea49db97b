"""Why nothing may be sent back for a message (RFC 3834 section 2)."""

from mailgate.mail import classify
from mailgate.mail.classify import Class
from mailgate.mail.message import Message
from mailgate.values.address import lower
from mailgate.values.pattern import pattern

_HOPS = 50
"""Received fields that a message has at most."""
_CIRCLE = 3
"""Times that Delivered-To names one address in a mail loop."""
_SUPPRESS = pattern(r"\b(?:all|ndr|oof|autoreply)\b")


def why(
    message: Message, class_: Class, *, own_sender: str, spam: bool, forged: str, blind: str, answers_refusal: bool
) -> str:
    """Why no answer may be sent, `""` when one may.

    `own_sender` names a local address among author and reverse-path, `forged` says which trusted server calls the
    author forged, `blind` is the local address that was written to but stands in none of To, Cc and Resent-*.
    """
    if message.envelope.reverse_path is None:
        return "null reverse-path"
    if "\ufffd" in message.envelope.reverse_path.local:
        return "reverse-path in no known charset"
    if classify.is_robot(message.envelope.reverse_path):
        return f"reverse-path {message.envelope.reverse_path} is a robot's"
    if class_.name != "person":
        return f"{class_.name} mail ({class_.because})"
    if message.author.address and classify.is_robot(message.author.address):
        return f"{message.author.address} is a robot's"
    if own_sender:
        return f"{own_sender} is a local address"
    if spam:
        return "marked as spam"
    if forged:
        return f"the author is forged ({forged})"
    if answers_refusal:
        return "it answers a refusal of ours"
    for value in message.plain("x-auto-response-suppress"):
        if _SUPPRESS.search(lower(value)):
            return "X-Auto-Response-Suppress"
    if message.listed:
        return "List-* field"
    if field := classify.way(message):
        return f"{field}: a machine passed it on"
    if "header too large" in message.defects or any(defect.startswith("more than") for defect in message.defects):
        return "too many or too large header fields"
    if _is_in_a_circle(message):
        return "it was delivered too often on its way"
    if blind:
        return f"{blind} stands in none of To, Cc, Resent-*"
    return ""


def _is_in_a_circle(message: Message) -> bool:
    """Whether the trace fields look like a mail loop (RFC 5321 section 6.3)."""
    delivered = [lower(value) for value in message.plain("delivered-to")]
    circles = any(delivered.count(value) >= _CIRCLE for value in delivered)
    return circles or len(message.plain("received")) >= _HOPS
