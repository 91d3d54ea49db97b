"""Why a message may be a report, and how far it is believed: from its header and envelope, before any body is read.

Only a mail system may be believed to report: `multipart/report`, a null reverse-path, a daemon as author or sender, a
field of Exim's or Amazon's. Programs that answer for a person have the null reverse-path, too, and say of him what
daemons say of mail: that he cannot be reached, and whom to write to.
"""

import re
from typing import NamedTuple

from mailgate.mail import classify
from mailgate.mail.message import Message
from mailgate.values.address import lower


class Gate(NamedTuple):
    """Why a message may be a report, and what is believed behind it: SURE, HINT, COPY or FIELDS.

    `daemon`: it has the null reverse-path, and nobody but a mail system writes so; `expected`: it came to a bounce
    address.
    """

    because: str
    trust: int
    daemon: bool = False
    expected: bool = False


SURE = 3
"""A mail system wrote it: its words count."""
HINT = 2
"""Something of a mail system: words of failing mail count where they name a recipient plainly. They prove nothing."""
COPY = 1
"""A robot with a subject of failure, or one that answers for a person: the same, and only beside a copy."""
FIELDS = 0
"""Hardly anything: only fields of RFC 3464 count."""

REPORT = "multipart/report"
NULL = "null reverse-path"
NOTIFIED = "x-amz-sns-message-id"

_OLD_DAEMONS = frozenset(
    (
        *("mdaemon", "m-daemon", "maildaemon", "mail-daemon", "mail_daemon", "mailerdaemon", "post_master", "mailer"),
        *("mail-delivery-system", "mail.delivery.system", "maildelivery", "mail-delivery", "system administrator"),
    )
)
# Compiled where they are asked: nearly no message gets there.
_DAEMON_TEXT = r"(?:^|[\s<\"'(])(?:mailer-daemon|postmaster|mail delivery (?:sub)?system)(?:[@>\s\"')\\]|$)"
_SUBJECT = r"undeliver|deliver\w* [\w ]{0,40}(?:fail|error|problem|status|warning)|returned mail|failure notice|エラー"


def of(message: Message, *, expected: bool) -> Gate | None:
    """What makes a message worth reading as a report. `expected`: it came to a bounce address."""
    author, sender = message.author, message.envelope.reverse_path
    null = message.envelope.stated and sender is None
    form = _form(message)
    if form:
        return Gate(form, SURE, null, expected)
    if classify.is_daemon(author.address) or (
        not author.address and re.search(_DAEMON_TEXT, author.text, re.IGNORECASE)
    ):
        postmaster = author.address is not None and lower(author.address.local) == "postmaster"
        if postmaster and sender == author.address and message.envelope.stated:  # a person, who may well answer us
            return Gate(f"written by {author.text}", FIELDS if "in-reply-to" in message.fields else HINT)
        return Gate(f"written by {author.text}", SURE, null and not postmaster, expected)
    if author.address and lower(author.address.local) in _OLD_DAEMONS:
        return Gate(f"written by {author.address}", HINT)
    if NOTIFIED in message.fields:
        return Gate(NOTIFIED, FIELDS)
    if _replied(message, null=null):
        return Gate("an automatic reply", COPY) if expected or null else None
    if null:
        return Gate(NULL, HINT)
    if message.envelope.stated and classify.is_daemon(sender):
        return Gate(f"reverse-path {sender}", HINT)
    if expected:
        return Gate("sent to a bounce address", FIELDS if classify.classify(message).name == "person" else HINT)
    if not author.text.strip("<> "):
        return Gate("written by nobody", HINT if author.text else FIELDS)
    if author.address and classify.is_robot(author.address) and _about_failure(message):
        return Gate(f"written by {author.address} about a failure", COPY)
    return None


def _about_failure(message: Message) -> bool:
    return bool(re.search(_SUBJECT, message.subject, re.IGNORECASE))


def _form(message: Message) -> str:
    """The form that only reports have, "" when a message has none."""
    content_type = lower(message.plain("content-type")[0]) if "content-type" in message.fields else ""
    if content_type.startswith(REPORT):
        return REPORT
    if content_type.startswith(("message/delivery-status", "message/global-delivery-status")):
        return content_type.partition(";")[0].strip()
    return "X-Failed-Recipients" if "x-failed-recipients" in message.fields else ""


def _replied(message: Message, *, null: bool) -> bool:
    """Whether a program answers for a person (RFC 3834 section 5): he may be away, or tell where he is now.

    Some call their answers generated, or only bulk; from a null reverse-path they are no reports for that, unless the
    subject says so: other robots have the same fields.
    """
    if message.author.address is None or classify.is_robot(message.author.address):
        return False
    if any(lower(value.strip()).startswith("auto-replied") for value in message.plain("auto-submitted")):
        return True
    kind = classify.classify(message)
    own_field = kind.name == "automatic" and kind.because != NULL
    return null and own_field and not _about_failure(message)
