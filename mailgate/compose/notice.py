"""Write the mail that tells administrators what needs attention, or that nothing does any more.

It has only counts and commands, and nothing that comes from other people.
"""

from collections.abc import Sequence
from typing import NamedTuple

from mailgate.compose import mime, wording
from mailgate.compose.mime import field
from mailgate.compose.origin import Composed, Origin
from mailgate.values import token


class Wait(NamedTuple):
    """Something that needs attention.

    `topic`: held, failures, outbox, servers or doctor. `number`: how many. `new`: no mail has reported it yet.
    """

    topic: str
    number: int
    new: bool


_COMMANDS = {
    "held": "held list",
    "failures": "bounce list",
    "outbox": "outbox list",
    "servers": "server list",
    "doctor": "doctor",
}


def notice(waits: Sequence[Wait], to: str, origin: Origin) -> Composed:
    """The mail to one administrator, in the language of the domain; without `waits` all is well.

    It is sent with a null reverse-path, says that a program wrote it (RFC 3834 section 3.1.7), and has a mark, so that
    it is ignored when it comes back.
    """
    domain = origin.domain
    phrases = wording.phrases("notice", domain.language)
    topics = [f"{wait.number} {phrases['topics'][wait.topic][wait.number != 1]}" for wait in waits]
    subject = f"[mailgate {domain.name}] {', '.join(topics) or phrases['subject']}"
    lines = [phrases["waiting" if waits else "well"].format(domain=domain.name), ""]
    for wait, text in zip(waits, topics, strict=True):
        new = f" ({phrases['new']})" if wait.new else ""
        lines.append(f"  {text}{new}: mailgate {_COMMANDS[wait.topic]}")
    lines += ["", phrases["end"]] if waits else [phrases["end"]]
    mark = origin.mark(token.POST)
    message_id = token.message_id(mark, domain.name)
    part = mime.part("text/plain; charset=utf-8", "\n".join(lines) + "\n")
    header = [
        field("From", "mailgate", origin.sender),
        field("To", to),
        field("Subject", *mime.words(subject)),
        field("Date", mime.date(origin.now)),
        field("Message-ID", message_id),
        field("References", message_id),
        field("Auto-Submitted", "auto-generated"),
        field("X-Auto-Response-Suppress", "All"),
        field("X-Mailgate-Loop", mark),
        field("MIME-Version", "1.0"),
        field("Content-Type", *part.type.split(" ")),
        field("Content-Transfer-Encoding", part.encoding),
    ]
    return Composed(message_id, subject, b"".join(header) + b"\n" + part.body)
