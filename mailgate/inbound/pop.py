"""A mailbox over POP3 (RFC 1939), by UIDL; the server deletes messages when the session ends well."""

import base64
import contextlib
import poplib
import ssl
from collections.abc import Iterator, Sequence
from typing import Any

from mailgate.inbound import mailbox
from mailgate.inbound.mailbox import CommandRefused, ConnectionLost, Credential, LoginRefused, answer
from mailgate.oauth import sasl
from mailgate.values.problem import Problem
from mailgate.values.server import Server

_SMALL = 4 << 20
"""Octets that answers without a message may have."""
_EOF = "-ERR EOF"
"""What poplib reports at the end of a connection."""
# Lines of mail are longer than 2048 octets; `_Bounded` limits their sum. typeshed knows none of poplib's inner names.
poplib._MAXLINE = 64 << 20  # type: ignore[attr-defined]


class _Bounded(poplib.POP3):
    """POP3 that reads at most `room` octets more; beyond that it raises what a broken connection raises.

    A line counts with what it costs in memory: a list of short ones occupies twenty times its octets.
    """

    room = _SMALL

    def _getline(self) -> Any:
        line, octets = super()._getline()  # type: ignore[misc] # an inner name, through which every answer comes
        self.room -= octets + mailbox.LINE
        if self.room < 0:
            raise OSError("an answer longer than announced")
        return line, octets


class _BoundedTls(_Bounded, poplib.POP3_SSL):
    """The same over TLS from the start."""


def connect(server: Server, credential: Credential, max_size: int) -> "Pop":
    """Connect and log in. Raises Problem, LoginRefused."""
    context = None if server.security == "none" else mailbox.tls(server)
    host = f"{server.host}:{server.port}"
    with mailbox.connecting(server), mailbox.time_limit():
        try:
            client: _Bounded
            if server.security == "tls":
                client = _BoundedTls(server.host, server.port, timeout=mailbox.CONNECT_TIME, context=context)
            else:
                client = _Bounded(server.host, server.port, timeout=mailbox.CONNECT_TIME)
        except poplib.error_proto as error:
            cause = "the connection broke" if answer(error) == _EOF else f"this is not POP3: {answer(error)}"
            raise Problem(f"{host}: {cause}") from error
    try:
        with mailbox.connecting(server), mailbox.time_limit():
            if server.security == "starttls":
                _start_tls(client, host, context)
            client.sock.settimeout(mailbox.READ_TIME)
            _log_in(client, credential)
    except poplib.error_proto as error:
        _hang_up(client)
        if answer(error) == _EOF:
            raise Problem(f"{host}: the connection broke") from error
        raise LoginRefused(answer(error, credential.secret)) from error
    except BaseException:
        _hang_up(client)
        raise
    return Pop(client, max_size)


def _start_tls(client: _Bounded, host: str, context: ssl.SSLContext | None) -> None:
    try:
        client.stls(context)
    except poplib.error_proto as error:
        if answer(error) == _EOF:
            raise
        raise Problem(f"{host}: STARTTLS failed: {answer(error)}") from error


def _log_in(client: _Bounded, credential: Credential) -> None:
    if not credential.is_token:
        client.encoding = "utf-8"
        client.user(credential.user)
        client.pass_(credential.secret)
        return
    bearer = sasl.Bearer("XOAUTH2", credential.user, credential.secret)
    exchange = client._shortcmd  # type: ignore[attr-defined] # an inner name: poplib has no AUTH
    exchange("AUTH XOAUTH2")
    reply = exchange(base64.b64encode(bearer(b"")).decode("ascii"))
    if reply.startswith(b"+ "):
        with contextlib.suppress(poplib.error_proto):
            exchange("")  # acknowledge the error
        raise LoginRefused(sasl.explain(reply[2:]))


def _hang_up(client: _Bounded) -> None:
    with contextlib.suppress(OSError):
        client.close()


class Pop:
    """The one folder of a POP server; `mailbox.Session` says what its methods do."""

    def __init__(self, client: _Bounded, max_size: int) -> None:
        self.client = client
        self._largest = 2 * max_size + _SMALL
        self._listing = min(2 * self._largest, mailbox.LISTING)
        self._numbers: dict[str, int] = {}
        self._deleted = False

    @contextlib.contextmanager
    def _talk(self, octets: int = 0) -> Iterator[None]:
        self.client.room = 2 * max(self._largest, octets + _SMALL) if octets else self._listing
        try:
            with mailbox.time_limit(octets):
                yield
        except poplib.error_proto as error:
            reply = answer(error)
            if reply.startswith("-ERR") and reply != _EOF:
                raise CommandRefused(reply) from error
            raise ConnectionLost(reply) from error
        except (OSError, EOFError) as error:
            raise ConnectionLost(answer(error)) from error
        except (ValueError, IndexError, TypeError) as error:
            raise ConnectionLost(f"an answer that is not POP3: {answer(error)}") from error

    def open(self, folder: str, *, change: bool) -> str:
        """Read the UIDLs. They stay unique, so the validity is empty."""
        with self._talk():
            lines = self.client.uidl()[1]
            self._numbers = {}
            for line in lines:
                number, uidl = line.decode("utf-8", "backslashreplace").split(" ", 1)
                copy = 1
                while (name := uidl if copy == 1 else f"{uidl} {copy}") in self._numbers:
                    copy += 1  # RFC 1939 section 7 allows equal messages the same UIDL
                self._numbers[name] = int(number)
        return ""

    def listing(self) -> list[str]:
        return list(self._numbers)

    def sizes(self, ids: Sequence[str]) -> dict[str, int]:
        with self._talk():
            lines = [line.split() for line in self.client.list()[1]]
            sizes = {int(line[0]): int(line[1]) for line in lines}
        return {id: sizes[number] for id in ids if (number := self._numbers.get(id)) in sizes}

    def messages(self, ids: Sequence[str], octets: int) -> dict[str, bytes]:
        bodies = {}
        for id in ids:
            with self._talk(octets):
                bodies[id] = b"".join(line + b"\r\n" for line in self.client.retr(self._numbers[id])[1])
        return bodies

    def header(self, id: str) -> bytes:
        with self._talk():
            return b"".join(line + b"\r\n" for line in self.client.top(self._numbers[id], 0)[1])

    def act(self, ids: Sequence[str], how: str) -> None:
        for id in ids:
            with self._talk():
                self.client.dele(self._numbers[id])
                self._deleted = True

    def close(self) -> None:
        """QUIT, at which the server deletes. Raises ConnectionLost when nobody can tell whether it did."""
        try:
            with self._talk():
                self.client.quit()
        except (ConnectionLost, CommandRefused) as error:
            _hang_up(self.client)
            if self._deleted:
                raise ConnectionLost(f"messages to delete may still be there: {error}") from error
