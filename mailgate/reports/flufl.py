"""Ask flufl.bounce, which knows the notices of many products, for the recipients of a notice."""

from mailgate.mail.message import Message
from mailgate.reports import dsn, explanation
from mailgate.reports.dsn import Block
from mailgate.values import address

_LINE_LIMIT = 998
"""Characters of a line (RFC 5322 section 2.1.1): the time that flufl.bounce takes grows with their square."""
_TEXT_LIMIT = dsn.TEXT_LIMIT // 4
"""Characters of a notice."""
_RECIPIENTS_LIMIT = 5
"""Addresses of the field To."""


def blocks(message: Message, words: str, senders: frozenset[str]) -> list[Block]:
    """The recipients in a notice, none where flufl.bounce is not installed. `senders`: addresses of the report itself.

    It raises on odd header fields, is slow on long texts, logs to stderr, and takes Message-IDs and senders for
    recipients. So it gets four clean fields and a short text, and its answers are filtered.
    """
    try:
        import logging
        from email.message import Message as Mail

        from flufl.bounce import all_failures

        logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())
        logging.getLogger("flufl.bounce").propagate = False
        mail = Mail()
        mail["From"] = str(message.author.address or "mailer-daemon@invalid")
        mail["To"] = ", ".join(str(recipient) for recipient in message.to[:_RECIPIENTS_LIMIT])
        mail["Subject"] = message.subject
        rows = words[:_TEXT_LIMIT].encode("ascii", "replace").decode("ascii").split("\n")
        mail.set_payload("\n".join(row[:_LINE_LIMIT] for row in rows))
        temporary, permanent = all_failures(mail)
        actions = dict.fromkeys(temporary, "delayed") | dict.fromkeys(permanent, "failed")
    except Exception:  # of any kind: this is only a guess
        return []
    notice = explanation.of_notice(words.split("\n"))
    recognised = []
    for octets, action in sorted(actions.items()):
        recipient = address.lenient(octets.decode("utf-8", "replace"))
        if recipient and str(recipient).lower() not in senders and f"<{recipient}>" not in message.references:
            recognised.append(explanation.block(str(recipient), action, [], notice))
    return recognised
