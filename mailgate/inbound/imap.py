"""A mailbox over IMAP (RFC 3501, RFC 9051), by UID, with nothing touched that is not ours to touch."""

import contextlib
import imaplib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import ProtocolError

from mailgate.inbound import mailbox
from mailgate.inbound.mailbox import Lost, Refused, words
from mailgate.oauth import sasl
from mailgate.store.servers import Server
from mailgate.values.problem import Problem, command

_AT_ONCE = 1_000
"""Messages whose sizes are asked for in one command."""
_SMALL = 4 << 20
"""Octets that answers without a message may have."""


def connect(server: Server, secret: str, max_size: int) -> "Imap":
    """Connect and log in. Raises Problem."""
    times = SocketTimeout(mailbox.CONNECT_TIME, mailbox.READ_TIME)
    context = None if server.security == "none" else mailbox.tls(server)
    with mailbox.connecting(server), mailbox.patience():
        try:
            client = IMAPClient(
                server.host,
                server.port,
                ssl=server.security == "tls",
                ssl_context=context if server.security == "tls" else None,
                timeout=times,
            )
        except imaplib.IMAP4.error as error:
            what = "the connection broke" if _broke(error) else "this is no IMAP"
            raise Problem(f"{server.host}:{server.port}: {what}: {words(error)}") from error
    client._imap.debug = 0  # imapclient logs every command
    session = Imap(client, max_size)
    try:
        with mailbox.connecting(server), mailbox.patience():
            _log_in(client, server, secret, context)
    except BaseException:
        with contextlib.suppress(Exception):
            client.shutdown()
        raise
    return session


def _log_in(client: IMAPClient, server: Server, secret: str, context: Any) -> None:
    where = f"{server.host}:{server.port}"
    try:
        if server.security == "starttls":
            if not client.has_capability("STARTTLS"):
                raise Problem(
                    f"{where} offers no STARTTLS", command("mailgate server set {NAME} --security tls", server.name)
                )
            client.starttls(context)
        if server.secret.is_token:
            mechanism = "OAUTHBEARER" if client.has_capability("AUTH=OAUTHBEARER") else "XOAUTH2"
            bearer = sasl.Bearer(mechanism, server.user, secret)
            try:
                client.sasl_login(mechanism, bearer)
            except imaplib.IMAP4.error as error:
                if _broke(error):
                    raise
                raise sasl.Refused(server, bearer.told or words(error, secret)) from error
        elif client.has_capability("AUTH=PLAIN"):  # the one way that has a charset
            client.plain_login(server.user, secret)
        elif client.has_capability("LOGINDISABLED"):
            raise Problem(
                f"{where} takes no password here", command("mailgate server set {NAME} --security tls", server.name)
            )
        else:
            client.login(server.user, secret)
    except (imaplib.IMAP4.error, UnicodeError) as error:
        if _broke(error):
            raise Problem(f"{where}: the connection broke: {words(error, secret)}") from error
        told = f"{where} does not let `{server.user}` in: {words(error, secret)}"
        raise Problem(told, command("mailgate server show {NAME}", server.name)) from error


def _broke(error: BaseException | None) -> bool:
    """Whether a connection is gone; imapclient says of a log-in only that it failed, and keeps the reason behind it."""
    return isinstance(error, imaplib.IMAP4.abort) or (error is not None and _broke(error.__context__))


class Imap:
    """One folder of an IMAP server at a time; `Session` says what its methods do."""

    def __init__(self, client: IMAPClient, max_size: int) -> None:
        self.client = client
        self.folder = ""
        self.writable = False
        self._room = self._largest = 2 * max_size + _SMALL
        self._bound()

    def _bound(self) -> None:
        """Refuse a literal that no memory is kept for, before its first octet is read."""
        inner = self.client._imap
        read: Callable[[int], bytes] = inner.read

        def bounded(size: int) -> bytes:
            self._room -= size
            if self._room < 0:
                raise inner.abort(f"an answer of {size} octets, which nobody asked for")
            return read(size)

        inner.read = bounded

    @contextlib.contextmanager
    def _talk(self, octets: int = 0) -> Iterator[None]:
        self._room = max(self._largest, octets + _SMALL)
        try:
            with mailbox.patience(octets):
                yield
        except imaplib.IMAP4.abort as error:
            raise Lost(words(error)) from error
        except (ProtocolError, OSError, EOFError) as error:
            raise Lost(words(error)) from error
        except imaplib.IMAP4.error as error:
            raise Refused(words(error)) from error
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError) as error:
            raise Lost(f"an answer that is no IMAP: {words(error)}") from error

    def folders(self) -> list[str]:
        """The folders there are."""
        with self._talk():
            return [str(name) for _, _, name in self.client.list_folders()]

    def open(self, folder: str, *, change: bool) -> str:
        """UIDVALIDITY; a folder that may only be read is opened so."""
        with self._talk():
            try:
                found = self.client.select_folder(folder, readonly=not change)
                self.writable = change
            except imaplib.IMAP4.readonly:
                found = self.client.select_folder(folder, readonly=True)
                self.writable = False
        self.folder = folder
        if b"UIDVALIDITY" not in found:
            raise Refused("the folder has no UIDVALIDITY: its messages have no lasting names")
        return str(found[b"UIDVALIDITY"])

    def listing(self) -> list[str]:
        with self._talk():
            self.client.noop()  # let the server say first what others did meanwhile
            return [str(uid) for uid in sorted(set(self.client.search("ALL")))]

    def sizes(self, ids: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for at in range(0, len(ids), _AT_ONCE):
            wanted = [int(each) for each in ids[at : at + _AT_ONCE]]
            with self._talk():
                answers = self.client.fetch(wanted, ["RFC822.SIZE"])
            asked = frozenset(wanted)
            for uid, answer in answers.items():
                if uid in asked and isinstance(size := answer.get(b"RFC822.SIZE"), int):
                    found[str(uid)] = size
        return found

    def messages(self, ids: Sequence[str], octets: int) -> dict[str, bytes]:
        return self._bodies(ids, "BODY.PEEK[]", b"BODY[]", octets)

    def header(self, id: str) -> bytes:
        return self._bodies([id], "BODY.PEEK[HEADER]", b"BODY[HEADER]", 0).get(id, b"")

    def _bodies(self, ids: Sequence[str], item: str, key: bytes, octets: int) -> dict[str, bytes]:
        with self._talk(octets):
            answers = self.client.fetch([int(each) for each in ids], [item])
            found = {}
            for each in ids:  # what others do to their messages is told here too
                answer = answers.get(int(each), {})
                if key in answer:
                    found[each] = answer[key] if isinstance(answer[key], bytes) else b""
        return found

    def act(self, ids: Sequence[str], how: str) -> None:
        if not self.writable:
            raise Refused(f"{self.folder} is read-only")
        uids = [int(each) for each in ids]
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
        """Expunge exactly these (RFC 4315), or leave them marked: a bare EXPUNGE would take what others have marked."""
        self.client.add_flags(uids, [b"\\Deleted"], silent=True)
        if self.client.has_capability("UIDPLUS"):
            self.client.uid_expunge(uids)

    def close(self) -> None:
        """Log out, which expunges nothing; CLOSE would."""
        try:
            with mailbox.patience():
                self.client.logout()
        except (imaplib.IMAP4.error, OSError, ValueError):
            with contextlib.suppress(Exception):
                self.client.shutdown()
