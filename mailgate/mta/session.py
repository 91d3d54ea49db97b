"""Ask a running mail server what it answers at RCPT, as a stranger: MAIL, RCPT, QUIT, and no message.

Each address is spelled with capitals of its own (names are compared without their case): the processes of Postfix
remember where an address belongs as long as they live, and an address that was asked for before its domain was known
would be refused by them to everybody.
"""

import secrets
import smtplib
import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

from mailgate.mta.stranger import Answer, answer, plain

_STRANGER = "127.0.0.3"
"""The address to ask from: of this machine, and mostly none that the server relays for. Not 127.0.0.2, which every
DNS list of blocked clients has (RFC 5782 section 5)."""
_CONNECT, _REPLY, _ALL = 5.0, 15.0, 45.0
"""Seconds to wait for a connection, for a reply, and for everything."""
_AT_ONCE = 40
"""Addresses in a session, few enough of them unknown for the limits of errors in Postfix and Exim."""


class Endpoint(NamedTuple):
    """Where a server listens: a host or address and a port, or a path of a Unix socket."""

    host: str
    port: int = 25
    path: str = ""

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


class Silent(Exception):
    """Nobody answers; `stopped` when nobody listens at all."""

    def __init__(self, text: str, *, stopped: bool) -> None:
        super().__init__(text)
        self.stopped = stopped


def ask(endpoint: Endpoint, addresses: Sequence[str]) -> dict[str, Answer]:
    """What the server answers about each address, as far as there is time. Raises Silent.

    What it refuses because of the client is asked again from this machine's own address, and is a refusal then.
    """
    if not addresses:
        greeting(endpoint)
    deadline = time.monotonic() + _ALL
    answers = _asked(endpoint, addresses, _STRANGER, deadline)
    again = [each for each, answer in answers.items() if answer.said == "unclear"]
    here = _asked(endpoint, again, "", deadline) if again else {}
    return {**answers, **{each: Answer("refused", of.text) if of.text[:1] == "5" else of for each, of in here.items()}}


def _asked(endpoint: Endpoint, addresses: Sequence[str], source: str, deadline: float) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    for at in range(0, len(addresses), _AT_ONCE):
        if time.monotonic() > deadline:
            break
        try:
            with _connected(endpoint, source) as smtp:
                smtp.ehlo_or_helo_if_needed()
                code, text = smtp.mail("<>")
                for address in addresses[at : at + _AT_ONCE]:
                    if code == 250 and time.monotonic() < deadline:
                        answers[address] = answer(*smtp.rcpt(_spelled(address)))
                    else:
                        answers[address] = Answer("unclear", f"{code} {plain(text)}" if code != 250 else "no time")
        except (OSError, smtplib.SMTPException, ValueError) as error:
            if not answers:
                raise Silent(
                    f"{endpoint} does not answer: {_why(error)}", stopped=isinstance(error, ConnectionRefusedError)
                ) from error
            break
    return answers


def _connected(endpoint: Endpoint, source: str) -> smtplib.SMTP:
    name = f"[{source or '127.0.0.1'}]"
    bound = (source, 0) if source and endpoint.host.startswith("127.") else None
    try:
        smtp = smtplib.SMTP(endpoint.host, endpoint.port, name, _CONNECT, source_address=bound)
    except ConnectionRefusedError:
        raise
    except OSError:
        if bound is None:
            raise
        smtp = smtplib.SMTP(endpoint.host, endpoint.port, name, _CONNECT)
    if smtp.sock is not None:
        smtp.sock.settimeout(_REPLY)
    return smtp


def _spelled(address: str) -> str:
    """The same address with some capitals in its local part."""
    local, _, domain = address.rpartition("@")
    return f"{''.join(c.upper() if secrets.randbits(1) else c for c in local)}@{domain}"


def greeting(endpoint: Endpoint) -> str:
    """The first line of a server. Raises Silent."""
    try:
        with socket.socket(socket.AF_UNIX if endpoint.path else socket.AF_INET) as connection:
            connection.settimeout(_CONNECT)
            connection.connect(endpoint.path or (endpoint.host, endpoint.port))
            return connection.recv(512).decode("ascii", "replace").strip()
    except OSError as error:
        stopped = isinstance(error, (ConnectionRefusedError, FileNotFoundError))
        raise Silent(f"{endpoint} does not answer: {_why(error)}", stopped=stopped) from error


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
