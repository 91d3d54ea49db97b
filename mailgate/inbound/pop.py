"""A mailbox over POP3 (RFC 1939), by UIDL; what is to be deleted goes when the session ends well."""

import base64
import contextlib
import poplib
from collections.abc import Iterator, Sequence
from typing import Any

from mailgate.inbound import mailbox
from mailgate.inbound.mailbox import Lost, Refused, words
from mailgate.oauth import sasl
from mailgate.store.servers import Server
from mailgate.values.problem import Problem, command

_SMALL = 4 << 20
"""Octets that answers without a message may have."""
_EOF = "-ERR EOF"
"""What poplib makes of the end of a connection."""
poplib._MAXLINE = 64 << 20  # type: ignore[attr-defined]  # mail has longer lines than 2048; `_Bounded` bounds all of them


class _Bounded(poplib.POP3):
    """POP3 that reads no more than there is room for. Ours raises what a broken connection raises."""

    room = _SMALL

    def _getline(self) -> Any:
        line, octets = super()._getline()  # type: ignore[misc]
        self.room -= octets
        if self.room < 0:
            raise OSError("an answer longer than was announced")
        return line, octets


class _BoundedTls(_Bounded, poplib.POP3_SSL):
    """The same with TLS from the start."""


def connect(server: Server, secret: str, max_size: int) -> "Pop":
    """Connect and log in. Raises Problem."""
    context = None if server.security == "none" else mailbox.tls(server)
    where = f"{server.host}:{server.port}"
    with mailbox.connecting(server), mailbox.patience():
        try:
            client: _Bounded
            if server.security == "tls":
                client = _BoundedTls(server.host, server.port, timeout=mailbox.CONNECT_TIME, context=context)
            else:
                client = _Bounded(server.host, server.port, timeout=mailbox.CONNECT_TIME)
        except poplib.error_proto as error:
            what = "the connection broke" if words(error) == _EOF else f"this is no POP3: {words(error)}"
            raise Problem(f"{where}: {what}") from error
    try:
        with mailbox.connecting(server), mailbox.patience():
            if server.security == "starttls":
                client.stls(context)
            client.sock.settimeout(mailbox.READ_TIME)
            _log_in(client, server, secret)
    except poplib.error_proto as error:
        _hang_up(client)
        if words(error) == _EOF:
            raise Problem(f"{where}: the connection broke") from error
        told = f"{where} does not let `{server.user}` in: {words(error, secret)}"
        raise Problem(told, command("mailgate server show {NAME}", server.name)) from error
    except BaseException:
        _hang_up(client)
        raise
    return Pop(client, max_size)


def _log_in(client: _Bounded, server: Server, secret: str) -> None:
    if not server.secret.is_token:
        client.encoding = "utf-8"
        client.user(server.user)
        client.pass_(secret)
        return
    bearer = sasl.Bearer("XOAUTH2", server.user, secret)
    exchange = client._shortcmd  # type: ignore[attr-defined]
    exchange("AUTH XOAUTH2")
    try:
        said = exchange(base64.b64encode(bearer(b"")).decode("ascii"))
    except poplib.error_proto as error:
        if words(error) == _EOF:
            raise
        raise sasl.Refused(server, words(error, secret)) from error
    if said.startswith(b"+ ") and said != b"+OK":
        told = sasl.explained(said[2:])
        with contextlib.suppress(poplib.error_proto):
            exchange("")
        raise sasl.Refused(server, told)


def _hang_up(client: _Bounded) -> None:
    with contextlib.suppress(OSError):
        client.close()


class Pop:
    """The one folder of a POP server; `Session` says what its methods do."""

    def __init__(self, client: _Bounded, max_size: int) -> None:
        self.client = client
        self._largest = 2 * max_size + _SMALL
        self._numbers: dict[str, int] = {}
        self._deleted = False

    @contextlib.contextmanager
    def _talk(self, octets: int = 0) -> Iterator[None]:
        self.client.room = max(self._largest, octets + _SMALL)
        try:
            with mailbox.patience(octets):
                yield
        except poplib.error_proto as error:
            said = words(error)
            if said.startswith("-ERR") and said != _EOF:
                raise Refused(said) from error
            raise Lost(said) from error
        except (OSError, EOFError) as error:
            raise Lost(words(error)) from error
        except (ValueError, IndexError, TypeError) as error:
            raise Lost(f"an answer that is no POP3: {words(error)}") from error

    def folders(self) -> list[str]:
        """POP has one."""
        return ["INBOX"]

    def open(self, folder: str, *, change: bool) -> str:
        """A UIDL is unique for ever, so there is no validity."""
        with self._talk():
            lines = self.client.uidl()[1]
            self._numbers = {}
            for line in lines:
                number, uidl = line.decode("utf-8", "backslashreplace").split(" ", 1)
                copy = 1
                while (name := uidl if copy == 1 else f"{uidl} {copy}") in self._numbers:
                    copy += 1  # RFC 1939 section 7 lets equal messages have one UIDL
                self._numbers[name] = int(number)
        return ""

    def listing(self) -> list[str]:
        return list(self._numbers)

    def sizes(self, ids: Sequence[str]) -> dict[str, int]:
        with self._talk():
            lines = [line.split() for line in self.client.list()[1]]
            sizes = {int(line[0]): int(line[1]) for line in lines}
        return {each: sizes[number] for each in ids if (number := self._numbers.get(each)) in sizes}

    def messages(self, ids: Sequence[str], octets: int) -> dict[str, bytes]:
        found = {}
        for each in ids:
            with self._talk(octets):
                found[each] = b"".join(line + b"\r\n" for line in self.client.retr(self._numbers[each])[1])
        return found

    def header(self, id: str) -> bytes:
        with self._talk():
            return b"".join(line + b"\r\n" for line in self.client.top(self._numbers[id], 0)[1])

    def act(self, ids: Sequence[str], how: str) -> None:
        for each in ids:
            with self._talk():
                self.client.dele(self._numbers[each])
                self._deleted = True

    def close(self) -> None:
        """QUIT: only now a POP server deletes. Raises Lost when it cannot be known whether it did."""
        try:
            with self._talk():
                self.client.quit()
        except (Lost, Refused) as error:
            _hang_up(self.client)
            if self._deleted:
                raise Lost(f"what was to be deleted may still be there: {error}") from error
