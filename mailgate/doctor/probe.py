"""Send a marked message through the mail server and back: its route, and whether address details survive."""

import os
import re
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from mailgate.compose import mime
from mailgate.compose.mime import field
from mailgate.mail import message
from mailgate.mail.envelope import Envelope
from mailgate.outbound import submit
from mailgate.settings.config import Config
from mailgate.store import keys, messages
from mailgate.store.database import Store
from mailgate.values import charset, token
from mailgate.values.problem import Problem, command
from mailgate.values.record import Ref

_POLL = 0.25
_BY = re.compile(r"\bby\s+([^\s;()]+)")
_WITH = re.compile(r"\bwith\s+([^\s;()]+)")


class Hop(NamedTuple):
    """A server on the way (RFC 5321 section 4.4): its name, its protocol, the time there (epoch seconds)."""

    host: str
    protocol: str
    at: float | None


class Arrival(NamedTuple):
    """A probe that came back: seconds on the way, its recipients on arrival, and its hops, the first one first."""

    seconds: float
    recipients: tuple[str, ...]
    hops: tuple[Hop, ...]


def detailed(address: str, delimiter: str, secret: bytes) -> str:
    """A signed address of a record that does not exist, as replies and reports have it."""
    local, _, host = address.rpartition("@")
    return f"{local}{delimiter}{token.sign(token.REPLY, secret, 0, str(Ref('probe', 1)), '')}@{host}"


def send(store: Store, config: Config, recipient: str, now: float) -> str:
    """Submit a probe, and return its Message-ID. The gateway ignores its mark. Raises Problem when it is not sent."""
    with store.read() as tx:
        secret = keys.secrets(tx)[0]
    mark = token.new_mark(token.POST, secret, os.urandom(16))
    host = recipient.rpartition("@")[2]
    message_id = token.message_id(mark, host)
    octets = b"".join(
        (
            field("From", "MAILER-DAEMON", f"<postmaster@{host}>"),
            field("To", recipient),
            field("Subject", "mailgate doctor --probe"),
            field("Date", mime.date(now)),
            field("Message-ID", message_id),
            field("Auto-Submitted", "auto-generated"),
            field("X-Mailgate-Loop", mark),
            b"\nA probe: mailgate ignores it when it arrives.\n",
        )
    )
    way = submit.way(config.submit)
    try:
        result = way.submit(None, recipient, octets)
    finally:
        way.close()
    if result.verdict != "sent":
        raise Problem(f"the probe could not be sent: {result.error}", command("mailgate doctor --only sending"))
    return message_id


def arrival(store: Store, message_id: str, sent: float, patience: float) -> Arrival | None:
    """Wait for a probe, and delete it from the store. None when it does not arrive in `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        with store.read() as tx:
            received = messages.received_as(tx, message_id)
            raw = messages.raw(tx, received.number) if received else b""
        if received:
            with store.write() as tx:
                messages.erase(tx, received.number)
            return Arrival(max(0.0, received.received_at - sent), received.recipients, hops(raw))
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL)


def hops(raw: bytes) -> tuple[Hop, ...]:
    """The servers that handled a message, by its Received fields, the first one first."""
    facts = message.read(raw, lambda hints, author: Envelope(None, (), (), stated=False))
    return tuple(_hop(value) for value in reversed(facts.plain("received")))


def _hop(value: str) -> Hop:
    host, protocol = _BY.search(value), _WITH.search(value)
    try:
        at: float | None = parsedate_to_datetime(value.rpartition(";")[2].strip()).timestamp()
    except (ValueError, TypeError, OverflowError):
        at = None
    return Hop(
        charset.printable(host[1])[:100] if host else "?", charset.printable(protocol[1])[:20] if protocol else "", at
    )


def drawn(probe: Arrival, sent: float) -> Sequence[str]:
    """The route as lines: each hop with the seconds since the start."""
    rows = []
    for hop in (*probe.hops, Hop("mailgate", "", sent + probe.seconds)):
        after = f"+{max(0.0, hop.at - sent):.1f} s" if hop.at is not None else "?"
        rows.append(f"{after:>9}  {hop.host}{f' ({hop.protocol})' if hop.protocol else ''}")
    return rows
