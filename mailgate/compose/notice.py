"""Compose what an administrator is told: that something begins to wait at the gateway, or that nothing does any more.

Only counts and commands: nothing that a stranger wrote is in it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from mailgate.compose import mime
from mailgate.compose.mime import field
from mailgate.compose.refusal import Letter
from mailgate.values import token
from mailgate.values.address import Address
from mailgate.values.directory import Domain


class Wait(NamedTuple):
    """Something that waits. topic: held, failures, outbox, servers or doctor; `new`: nobody was told of it yet."""

    topic: str
    many: int
    new: bool


_COMMANDS = {
    "held": "held list",
    "failures": "bounce list",
    "outbox": "outbox list",
    "servers": "server list",
    "doctor": "doctor",
}
_WORDS = {
    "en": {
        "held": ("message is held", "messages are held"),
        "failures": ("message of ours did not arrive", "messages of ours did not arrive"),
        "outbox": ("outgoing message does not leave", "outgoing messages do not leave"),
        "servers": ("incoming server cannot be fetched", "incoming servers cannot be fetched"),
        "doctor": ("thing is not as it should be", "things are not as they should be"),
    },
    "de": {
        "held": ("Nachricht wird zurückgehalten", "Nachrichten werden zurückgehalten"),
        "failures": ("Nachricht von uns kam nicht an", "Nachrichten von uns kamen nicht an"),
        "outbox": ("ausgehende Nachricht geht nicht ab", "ausgehende Nachrichten gehen nicht ab"),
        "servers": ("Server lässt sich nicht abrufen", "Server lassen sich nicht abrufen"),
        "doctor": ("Sache ist nicht, wie sie sein soll", "Sachen sind nicht, wie sie sein sollen"),
    },
}
_TEXTS = {
    "en": {
        "open": "This waits for a person at the mail gateway of {domain}:",
        "well": "Nothing waits for a person at the mail gateway of {domain} any more.",
        "subject": "nothing waits any more",
        "new": "new",
        "end": "You get one such mail when something begins to wait, and one when nothing does any more.",
    },
    "de": {
        "open": "Am Mail-Gateway von {domain} wartet etwas:",
        "well": "Am Mail-Gateway von {domain} wartet nichts mehr.",
        "subject": "nichts wartet mehr",
        "new": "neu",
        "end": "Eine solche Nachricht kommt, wenn etwas zu warten beginnt, und eine, wenn nichts mehr wartet.",
    },
}


def bulletin(waits: Sequence[Wait], to: str, domain: Domain, secret: bytes, random: bytes, now: float) -> Letter:
    """The mail to one administrator, in the language of the domain; without `waits` all is well.

    It goes out with a null reverse-path, says that a program wrote it (RFC 3834 section 3.1.7), and carries our mark:
    where it comes back it is ignored. `random`: at least 10 octets.
    """
    language = domain.language if domain.language in _TEXTS else "en"
    texts, words = _TEXTS[language], _WORDS[language]
    said = [(each, f"{each.many} {words[each.topic][each.many != 1]}") for each in waits]
    subject = f"[mailgate {domain.name}] {', '.join(text for _, text in said) or texts['subject']}"
    lines = [texts["open" if waits else "well"].format(domain=domain.name), ""]
    for each, text in said:
        new = f" ({texts['new']})" if each.new else ""
        lines.append(f"  {text}{new}: mailgate {_COMMANDS[each.topic]}")
    lines += ["", texts["end"]] if waits else [texts["end"]]
    mark = token.new_mark(token.POST, secret, random)
    message_id = token.message_id(mark, domain.name)
    part = mime.part("text/plain; charset=utf-8", "\n".join(lines) + "\n")
    header = [
        field("From", "mailgate", f"<{Address(domain.bounce, domain.name)}>"),
        field("To", to),
        field("Subject", *mime.words(subject)),
        field("Date", mime.date(now)),
        field("Message-ID", message_id),
        field("References", message_id),
        field("Auto-Submitted", "auto-generated"),
        field("X-Auto-Response-Suppress", "All"),
        field("X-Mailgate-Loop", mark),
        field("MIME-Version", "1.0"),
        field("Content-Type", *part.type.split(" ")),
        field("Content-Transfer-Encoding", part.encoding),
    ]
    return Letter(message_id, subject, b"".join(header) + b"\n" + part.body)
