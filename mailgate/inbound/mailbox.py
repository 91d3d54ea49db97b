"""A mailbox on another server, whatever its protocol: what can be done with it, and how that can fail."""

import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from mailgate.process import deadline
from mailgate.values import charset
from mailgate.values.problem import Problem, command
from mailgate.values.server import Server

CONNECT_TIME = 20.0
"""Seconds to connect."""
READ_TIME = 60.0
"""Seconds for the next octets of an answer."""
COMMAND_TIME = 120.0
"""Seconds for a whole command, even while its answer keeps coming, and one more for every OCTETS of it."""
OCTETS = 20_000
LINE = 64
"""Octets of memory that a line of an answer occupies, in addition to its own."""
LISTING = 64 << 20
"""Octets that an answer without a message may occupy: a list of half a million messages."""
_ERROR_LIMIT = 300


class ConnectionLost(Exception):
    """The connection broke, or the server sent what is not its protocol: connect again."""


class CommandRefused(Exception):
    """The server refused one command; the connection still works."""


class LoginRefused(Exception):
    """The server does not accept the credential. The text is what it said, without the secret."""


class Credential(NamedTuple):
    """What we log in with: a user, and a password or an OAuth2 access token."""

    user: str
    secret: str
    is_token: bool = False

    def __repr__(self) -> str:
        return "Credential(...)"


class Session(Protocol):
    """A connection, logged in. Every method raises ConnectionLost and CommandRefused.

    An id names a message permanently within the validity of its folder.
    """

    def open(self, folder: str, *, change: bool) -> str:
        """Open a folder, read-only unless `change`; its validity."""
        ...

    def listing(self) -> Sequence[str]:
        """The ids of all messages, oldest first."""
        ...

    def sizes(self, ids: Sequence[str]) -> dict[str, int]:
        """The octets of messages as the server reports them, without those that are gone."""
        ...

    def messages(self, ids: Sequence[str], octets: int) -> dict[str, bytes]:
        """The bytes of messages that have so many octets together, except those that are gone; of broken ones `b""`."""
        ...

    def header(self, id: str) -> bytes:
        """The header of a message."""
        ...

    def act(self, ids: Sequence[str], how: str) -> None:
        """Mark (seen), move (move:FOLDER) or delete messages."""
        ...

    def close(self) -> None:
        """Log out, which is when a POP server deletes."""
        ...


def tls(server: Server) -> ssl.SSLContext:
    """TLS that trusts the system's certificate authorities, or those in `server.ca`. Raises Problem."""
    try:
        context = ssl.create_default_context(cafile=server.ca or None)
    except (OSError, ssl.SSLError) as error:
        why = getattr(error, "strerror", None) or str(error)
        pem = command("mailgate server set {NAME} --ca FILE.pem", server.name)
        raise Problem(f"cannot use the certificates in {server.ca}: {why}", pem) from error
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.contextmanager
def connecting(server: Server) -> Iterator[None]:
    """Turn the errors of connecting into a Problem that says what to do."""
    host = f"{server.host}:{server.port}"
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        why = charset.printable(error.verify_message or str(error))
        own = command("mailgate server set {NAME} --ca FILE", server.name)
        raise Problem(f"{host}: the certificate is not trusted: {why}", own) from error
    except ssl.SSLError as error:
        security = "starttls" if server.security == "tls" else "tls"
        change = command("mailgate server set {NAME} --security {KIND}", server.name, security)
        raise Problem(f"{host}: no TLS: {error.reason or error}", change) from error
    except socket.gaierror as error:
        raise Problem(f"{server.host}: no such host: {error.strerror}") from error
    except TimeoutError as error:
        raise Problem(f"{host}: no answer within {CONNECT_TIME:.0f} s") from error
    except OSError as error:
        raise Problem(f"{host}: {error.strerror or error or 'the connection broke'}") from error


@contextlib.contextmanager
def time_limit(octets: int = 0) -> Iterator[None]:
    """Limit the time of one command, even while its answer keeps coming. Raises TimeoutError."""
    seconds = COMMAND_TIME + octets / OCTETS
    try:
        with deadline.limit(seconds):
            yield
    except deadline.Overrun as error:
        raise TimeoutError(f"no end after {seconds:.0f} s") from error


def answer(error: BaseException | bytes, secret: str = "") -> str:
    """What a server said, as one clean line without the secret."""
    answer: object = error
    if isinstance(error, BaseException):
        reason = getattr(error, "strerror", None)
        answer = reason or (error.args[0] if error.args else type(error).__name__)
    text = charset.decode(answer, None) if isinstance(answer, bytes) else str(answer)
    for quote in ("'", '"'):  # libraries print the server's octets as Python writes them
        text = text[2:-1] if text.startswith(f"b{quote}") and text.endswith(quote) else text
    if secret:
        text = text.replace(secret, "***")
    return charset.printable(charset.line(text))[:_ERROR_LIMIT]
