"""Letters to send: each with a subject and an author of its own, by which it is found again."""

import itertools
import os
from dataclasses import dataclass

from .servers import Server

_count = itertools.count(1)


@dataclass(frozen=True)
class Letter:
    """What was sent: `subject` names the record that comes of it, `sender` is where a refusal goes."""

    subject: str
    sender: str
    queue_id: str


def send(server: Server, *recipients: str, sender: str | None = None) -> Letter:
    """Send a new letter to these recipients, with this reverse-path or that of an author nobody knows."""
    unique = f"{next(_count)}.{os.getpid()}"
    author = f"author{unique}@client.example.net"
    letter = [
        f"From: {author}",
        f"To: {', '.join(recipients)}",
        f"Subject: Letter {unique}",
        f"Message-ID: <{unique}@client.example.net>",
        "",
        "Good morning.",
        "",
    ]
    sender = author if sender is None else sender
    return Letter(f"Letter {unique}", sender, server.send(sender, recipients, "\r\n".join(letter).encode()))
