"""Judge by header and envelope whether a message may be a report, and how far to trust it.

Mail systems show themselves: by `multipart/report`, a null reverse-path, a daemon as author or sender, or a field of
Exim's or Amazon's. An automatic reply may have the null reverse-path too, and may say of a person what a daemon says of
a mailbox: that they cannot be reached, and whom to write to.
"""

import re

from mailgate.mail import classify
from mailgate.mail.classify import Class
from mailgate.mail.message import Message
from mailgate.values.address import lower
from mailgate.values.light import NamedTuple

SURE = 3
"""A mail system wrote it: its words count."""
HINT = 2
"""It has something of a mail system: words count as a guess, where they plainly name a recipient of failed mail."""
WITH_COPY = 1
"""A robot with a subject of failure, or an automatic reply: like HINT, but only with a copy of the message."""
FIELDS_ONLY = 0
"""Next to nothing: only fields of RFC 3464 count."""

REPORT = "multipart/report"
NULL = "null reverse-path"
NOTIFIED = "x-amz-sns-message-id"
COMPLAINT = "Subject: complaint about message"
"""Hotmail's complaints have no feedback part, but the message attached."""
UNSUBSCRIBED = "x-apple-unsubscribe"
"""Apple Mail writes for its user, who wants no more mail."""
_LIST_MANAGER = "x-mlserver"
"""The list manager fml answers mail that it does not distribute."""


class Evidence(NamedTuple):
    """What shows that a message may be a report, and the trust in it: SURE, HINT, WITH_COPY or FIELDS_ONLY.

    `daemon`: it has the null reverse-path, and no person writes like this. `expected`: it was sent to a bounce address.
    """

    because: str
    trust: int
    daemon: bool = False
    expected: bool = False


_OLD_DAEMONS = frozenset(
    (
        *("mdaemon", "m-daemon", "maildaemon", "mail-daemon", "mail_daemon", "mailerdaemon", "post_master", "mailer"),
        *("mail-delivery-system", "mail.delivery.system", "maildelivery", "mail-delivery", "system administrator"),
    )
)
# Compiled on use: hardly any message gets there.
_DAEMON_TEXT = r"(?:^|[\s<\"'(])(?:mailer-daemon|postmaster|mail delivery (?:sub)?system)(?:[@>\s\"')\\]|$)"
_COMPLAINT = r"\s*complaint about message from\b"
_SUBJECT = r"undeliver|deliver\w* [\w ]{0,40}(?:fail|error|problem|status|warning)|returned mail|failure notice|エラー"


def of(message: Message, class_: Class, *, expected: bool) -> Evidence | None:
    """The evidence that a message is a report, None without any. `expected`: it was sent to a bounce address."""
    author, sender = message.author, message.envelope.reverse_path
    null = is_null(message)
    form = _form(message)
    if form:
        return Evidence(form, SURE, null, expected)
    if UNSUBSCRIBED in message.fields or re.match(_COMPLAINT, message.subject, re.IGNORECASE):
        return Evidence(UNSUBSCRIBED if UNSUBSCRIBED in message.fields else COMPLAINT, FIELDS_ONLY)
    if classify.is_daemon(author.address) or (
        not author.address and re.search(_DAEMON_TEXT, author.text, re.IGNORECASE)
    ):
        postmaster = author.address is not None and lower(author.address.local) == "postmaster"
        if postmaster and sender == author.address and message.envelope.stated:  # a person, who may answer our mail
            return Evidence(f"written by {author.text}", FIELDS_ONLY if "in-reply-to" in message.fields else HINT)
        return Evidence(f"written by {author.text}", SURE, null and not postmaster, expected)
    if author.address and lower(author.address.local) in _OLD_DAEMONS:
        return Evidence(f"written by {author.address}", HINT)
    if NOTIFIED in message.fields:
        return Evidence(NOTIFIED, FIELDS_ONLY)
    if _LIST_MANAGER in message.fields and "references" in message.fields:
        return Evidence(_LIST_MANAGER, HINT)
    if class_.name == "list" or _is_persons_answer(message):
        return Evidence("sent to a bounce address", FIELDS_ONLY) if expected or null else None
    if _is_automatic_reply(message, class_, null=null):
        return Evidence("an automatic reply", WITH_COPY) if expected or null else None
    if null:
        return Evidence(NULL, HINT)
    if message.envelope.stated and classify.is_daemon(sender):
        return Evidence(f"reverse-path {sender}", HINT)
    if expected:
        return Evidence("sent to a bounce address", FIELDS_ONLY if class_.name == "person" else HINT)
    if not author.text.strip("<> "):
        return Evidence("no author", HINT if author.text else FIELDS_ONLY)
    if author.address and classify.is_robot(author.address) and _is_about_failure(message):
        return Evidence(f"written by {author.address} about a failure", WITH_COPY)
    if any(classify.is_robot(address) for address in message.to) and _is_about_failure(message):
        return Evidence("sent to a robot about a failure", HINT)
    return None


def _is_persons_answer(message: Message) -> bool:
    """Whether a person answers with a mail program of theirs; people write about bounces, too."""
    fields = message.fields
    answers = "in-reply-to" in fields and ("user-agent" in fields or "x-mailer" in fields)
    return answers and message.subject[:3].lower() == "re:"


def is_null(message: Message) -> bool:
    """Whether the transport stated the null reverse-path."""
    return message.envelope.stated and message.envelope.reverse_path is None


def _is_about_failure(message: Message) -> bool:
    return bool(re.search(_SUBJECT, message.subject, re.IGNORECASE))


def _form(message: Message) -> str:
    """The form that only reports have, "" when a message has none."""
    content_type = lower(message.plain("content-type")[0]) if "content-type" in message.fields else ""
    if content_type.startswith(REPORT):
        return REPORT
    if content_type.startswith(("message/delivery-status", "message/global-delivery-status")):
        return content_type.partition(";")[0].strip()
    return "X-Failed-Recipients" if "x-failed-recipients" in message.fields else ""


def _is_automatic_reply(message: Message, class_: Class, *, null: bool) -> bool:
    """Whether a program answers for a person (RFC 3834 section 5), who may be away, or may have moved.

    Some programs mark their replies as generated, or only as bulk. With a null reverse-path these count as replies too,
    unless the subject is about a failure: other robots have the same fields.
    """
    if message.author.address is None or classify.is_robot(message.author.address):
        return False
    if any(lower(value.strip()).startswith("auto-replied") for value in message.plain("auto-submitted")):
        return True
    return null and is_robots_field(class_) and not _is_about_failure(message)


def is_robots_field(class_: Class) -> bool:
    """Whether a field of its own makes a message automatic, and not its null reverse-path alone."""
    return class_.name == "automatic" and class_.because != NULL
