"""A mailbox over IMAP (RFC 3501, RFC 9051), by UID; messages of others and their flags stay as they are."""

import contextlib
import imaplib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import ProtocolError

from mailgate.inbound import mailbox
from mailgate.inbound.mailbox import CommandRefused, ConnectionLost, Credential, LoginRefused, answer
from mailgate.oauth import sasl
from mailgate.values.problem import Problem, command
from mailgate.values.server import Server

_AT_ONCE = 1_000
"""Messages whose sizes are asked for in one command."""
_SMALL = 4 << 20
"""Octets that answers without a message may have."""


def connect(server: Server, credential: Credential, max_size: int) -> "Imap":
    """Connect and log in. Raises Problem, LoginRefused."""
    times = SocketTimeout(mailbox.CONNECT_TIME, mailbox.READ_TIME)
    context = None if server.security == "none" else mailbox.tls(server)
    with mailbox.connecting(server), mailbox.time_limit():
        try:
            client = IMAPClient(
                server.host,
                server.port,
                ssl=server.security == "tls",
                ssl_context=context if server.security == "tls" else None,
                timeout=times,
            )
        except imaplib.IMAP4.error as error:
            cause = "the connection broke" if _broke(error) else "this is not IMAP"
            raise Problem(f"{server.host}:{server.port}: {cause}: {answer(error)}") from error
    client._imap.debug = 0  # imapclient logs every command
    session = Imap(client, max_size)
    try:
        with mailbox.connecting(server), mailbox.time_limit():
            if server.security == "starttls":
                _start_tls(client, server, context)
            _log_in(client, server, credential)
    except BaseException:
        with contextlib.suppress(Exception):
            client.shutdown()
        raise
    return session


def _start_tls(client: IMAPClient, server: Server, context: Any) -> None:
    host = f"{server.host}:{server.port}"
    if not client.has_capability("STARTTLS"):
        raise Problem(f"{host} offers no STARTTLS", command("mailgate server set {NAME} --security tls", server.name))
    try:
        client.starttls(context)
    except imaplib.IMAP4.error as error:
        cause = "the connection broke" if _broke(error) else "STARTTLS failed"
        raise Problem(f"{host}: {cause}: {answer(error)}") from error


def _log_in(client: IMAPClient, server: Server, credential: Credential) -> None:
    host = f"{server.host}:{server.port}"
    try:
        if credential.is_token:
            _log_in_with_token(client, credential)
        elif client.has_capability("AUTH=PLAIN"):  # the only command whose character set is defined (RFC 4616)
            client.plain_login(credential.user, credential.secret)
        elif client.has_capability("LOGINDISABLED"):
            raise Problem(
                f"{host} takes no password here", command("mailgate server set {NAME} --security tls", server.name)
            )
        else:
            client.login(credential.user, credential.secret)
    except (imaplib.IMAP4.error, UnicodeError) as error:
        if _broke(error):
            raise Problem(f"{host}: the connection broke: {answer(error, credential.secret)}") from error
        raise LoginRefused(answer(error, credential.secret)) from error


def _log_in_with_token(client: IMAPClient, credential: Credential) -> None:
    mechanism = "OAUTHBEARER" if client.has_capability("AUTH=OAUTHBEARER") else "XOAUTH2"
    bearer = sasl.Bearer(mechanism, credential.user, credential.secret)
    try:
        client.sasl_login(mechanism, bearer)
    except imaplib.IMAP4.error as error:
        if bearer.error and not _broke(error):
            raise LoginRefused(bearer.error) from error
        raise


def _broke(error: BaseException | None) -> bool:
    """Whether the connection is gone. imapclient reports any failed login alike, with the reason as its context."""
    return isinstance(error, imaplib.IMAP4.abort) or (error is not None and _broke(error.__context__))


class Imap:
    """One folder of an IMAP server at a time; `mailbox.Session` says what its methods do."""

    def __init__(self, client: IMAPClient, max_size: int) -> None:
        self.client = client
        self.folder = ""
        self.writable = False
        self._largest = 2 * max_size + _SMALL
        self._room = self._listing = min(2 * self._largest, mailbox.LISTING)
        self._bound()

    def _bound(self) -> None:
        """Refuse a literal larger than what was asked for, before its first octet is read, and lines without an end."""
        inner = self.client._imap
        read: Callable[[int], bytes] = inner.read

        def bounded(size: int) -> bytes:
            self._room -= size
            if self._room < 0:
                raise inner.abort(f"an unexpected answer of {size} octets")
            return read(size)

        read_line: Callable[[], bytes] = inner.readline

        def bounded_line() -> bytes:
            line = read_line()
            self._room -= len(line) + mailbox.LINE
            if self._room < 0:
                raise inner.abort("an answer without an end")
            return line

        inner.read = bounded
        inner.readline = bounded_line

    @contextlib.contextmanager
    def _talk(self, octets: int = 0) -> Iterator[None]:
        self._room = max(self._largest, octets + _SMALL) if octets else self._listing
        try:
            with mailbox.time_limit(octets):
                yield
        except imaplib.IMAP4.abort as error:
            raise ConnectionLost(answer(error)) from error
        except (ProtocolError, OSError, EOFError) as error:
            raise ConnectionLost(answer(error)) from error
        except imaplib.IMAP4.error as error:
            raise CommandRefused(answer(error)) from error
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError) as error:
            raise ConnectionLost(f"an answer that is not IMAP: {answer(error)}") from error

    def open(self, folder: str, *, change: bool) -> str:
        """Open a folder, read-only where the server allows no more; its UIDVALIDITY."""
        with self._talk():
            try:
                status = self.client.select_folder(folder, readonly=not change)
                self.writable = change
            except imaplib.IMAP4.readonly:
                status = self.client.select_folder(folder, readonly=True)
                self.writable = False
        self.folder = folder
        if b"UIDVALIDITY" not in status:
            raise CommandRefused("the folder has no UIDVALIDITY: its messages have no permanent ids")
        return str(status[b"UIDVALIDITY"])

    def listing(self) -> list[str]:
        with self._talk():
            self.client.noop()  # so that the server first reports what other clients did
            return [str(uid) for uid in sorted(set(self.client.search("ALL")))]

    def sizes(self, ids: Sequence[str]) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for at in range(0, len(ids), _AT_ONCE):
            uids = [int(id) for id in ids[at : at + _AT_ONCE]]
            with self._talk():
                data = self.client.fetch(uids, ["RFC822.SIZE"])
            requested = frozenset(uids)  # servers also send what changed in other messages
            for uid, items in data.items():
                if uid in requested and isinstance(size := items.get(b"RFC822.SIZE"), int):
                    sizes[str(uid)] = size
        return sizes

    def messages(self, ids: Sequence[str], octets: int) -> dict[str, bytes]:
        return self._bodies(ids, "BODY.PEEK[]", b"BODY[]", octets)

    def header(self, id: str) -> bytes:
        return self._bodies([id], "BODY.PEEK[HEADER]", b"BODY[HEADER]", 0).get(id, b"")

    def _bodies(self, ids: Sequence[str], item: str, key: bytes, octets: int) -> dict[str, bytes]:
        with self._talk(octets):
            data = self.client.fetch([int(id) for id in ids], [item])
            bodies = {}
            for id in ids:
                items = data.get(int(id), {})
                if key in items:
                    bodies[id] = items[key] if isinstance(items[key], bytes) else b""
        return bodies

    def act(self, ids: Sequence[str], how: str) -> None:
        if not self.writable:
            raise CommandRefused(f"{self.folder} is read-only")
        uids = [int(id) for id in ids]
        action, _, target = how.partition(":")
        with self._talk():
            if action == "seen":
                self.client.add_flags(uids, [b"\\Seen"], silent=True)
            elif action == "delete":
                self._delete(uids)
            else:
                self._move(uids, target)

    def _move(self, uids: list[int], target: str) -> None:
        move = self.client.move if self.client.has_capability("MOVE") else self._copy
        try:
            move(uids, target)
        except imaplib.IMAP4.error as error:
            if isinstance(error, imaplib.IMAP4.abort) or "TRYCREATE" not in str(error).upper():
                raise
            self.client.create_folder(target)
            move(uids, target)

    def _copy(self, uids: list[int], target: str) -> None:
        self.client.copy(uids, target)
        self._delete(uids)

    def _delete(self, uids: list[int]) -> None:
        """Expunge exactly these (RFC 4315), or leave them marked: a plain EXPUNGE removes all that is marked."""
        self.client.add_flags(uids, [b"\\Deleted"], silent=True)
        if self.client.has_capability("UIDPLUS"):
            self.client.uid_expunge(uids)

    def close(self) -> None:
        """Log out, which expunges nothing, unlike CLOSE."""
        try:
            with mailbox.time_limit():
                self.client.logout()
        except (imaplib.IMAP4.error, OSError, ValueError):
            with contextlib.suppress(Exception):
                self.client.shutdown()
