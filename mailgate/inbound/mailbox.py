"""What can be done with a mailbox somewhere else, whatever it speaks, and how that can fail."""

import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Protocol

from mailgate.process import deadline
from mailgate.store.servers import Server
from mailgate.values import charset
from mailgate.values.problem import Problem, command

CONNECT_TIME = 20.0
"""Seconds to connect."""
READ_TIME = 60.0
"""Seconds for the next octets of an answer."""
COMMAND_TIME = 120.0
"""Seconds for a whole command, however busily its answer trickles in, and one more for every OCTETS of it."""
OCTETS = 20_000
_ERROR_LIMIT = 300


class Lost(Exception):
    """The connection broke, or what came over it could not be understood: begin anew."""


class Refused(Exception):
    """The server said no to one command; the connection stands."""


class Session(Protocol):
    """A connection, logged in. Every method raises Lost and Refused.

    An id names a message for good within the validity of its folder.
    """

    def open(self, folder: str, *, change: bool) -> str:
        """Open a folder, to `change` what is in it or not; its validity."""
        ...

    def listing(self) -> Sequence[str]:
        """The ids of what is there, oldest first."""
        ...

    def sizes(self, ids: Sequence[str]) -> dict[str, int]:
        """The octets of messages as the server has it; those that are gone are missing."""
        ...

    def messages(self, ids: Sequence[str], octets: int) -> dict[str, bytes]:
        """The bytes of messages of so many octets together; those that are gone are missing, broken ones empty."""
        ...

    def header(self, id: str) -> bytes:
        """The header of a message."""
        ...

    def act(self, ids: Sequence[str], how: str) -> None:
        """Mark (seen), move (move:FOLDER) or delete messages."""
        ...

    def close(self) -> None:
        """Say good-bye, which is when a POP server deletes."""
        ...


def tls(server: Server) -> ssl.SSLContext:
    """TLS that believes the certificates of the system, or of the server's own authority. Raises Problem."""
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
    """Turn what can go wrong before a connection stands into a Problem with what to do about it."""
    where = f"{server.host}:{server.port}"
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        why = charset.printable(error.verify_message or str(error))
        own = command("mailgate server set {NAME} --ca FILE", server.name)
        raise Problem(f"{where}: the certificate is not to be trusted: {why}", own) from error
    except ssl.SSLError as error:
        other = "starttls" if server.security == "tls" else "tls"
        change = command("mailgate server set {NAME} --security {KIND}", server.name, other)
        raise Problem(f"{where}: no TLS: {error.reason or error}", change) from error
    except socket.gaierror as error:
        raise Problem(f"{server.host}: no such host: {error.strerror}") from error
    except TimeoutError as error:
        raise Problem(f"{where}: no answer within {CONNECT_TIME:.0f} s") from error
    except OSError as error:
        raise Problem(f"{where}: {error.strerror or error or 'the connection broke'}") from error


@contextlib.contextmanager
def patience(octets: int = 0) -> Iterator[None]:
    """Give up on one command that takes too long, however busily its answer trickles in. Raises TimeoutError."""
    seconds = COMMAND_TIME + octets / OCTETS
    try:
        with deadline.limit(seconds):
            yield
    except deadline.Overrun as error:
        raise TimeoutError(f"no end after {seconds:.0f} s") from error


def words(error: BaseException | bytes, secret: str = "") -> str:
    """What a server said, as one clean line that does not hold the secret."""
    said: object = error
    if isinstance(error, BaseException):
        said = error.args[0] if error.args else getattr(error, "strerror", None) or type(error).__name__
        said = getattr(error, "strerror", None) or said
    text = charset.decode(said, None) if isinstance(said, bytes) else str(said)
    for quote in ("'", '"'):  # libraries print the octets of a server's answer as Python would
        text = text[2:-1] if text.startswith(f"b{quote}") and text.endswith(quote) else text
    if secret:
        text = text.replace(secret, "***")
    return charset.printable(charset.line(text))[:_ERROR_LIMIT]
