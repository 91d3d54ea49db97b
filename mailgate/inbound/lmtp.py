"""Receive mail over LMTP (RFC 2033): one reply per recipient, unknown addresses refused at RCPT.

A crash drops the connection and the mail server tries again, so none of the traps of exit statuses exist here. Each
recipient gets a delivery of its own, as if the mail server had run the pipe once for each.
"""

import asyncio
import os
import signal
import stat
import time
from collections.abc import Callable
from contextlib import suppress

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from mailgate.gateway import log, receive
from mailgate.gateway.recipient import is_known
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.settings.config import Config
from mailgate.store.database import Store
from mailgate.values import status
from mailgate.values.problem import Problem


class LmtpHandler:
    """What aiosmtpd asks: whether a recipient exists, and what becomes of a message. `on_queued` starts the worker."""

    def __init__(self, store: Store, config: Config, fallback: Fallback | None, on_queued: Callable[[], None]) -> None:
        self._store, self._config, self._fallback, self._on_queued = store, config, fallback, on_queued

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """250 for a local address and for any address elsewhere, 550 for an unknown one in a local domain."""
        try:
            known = is_known(self._store, address, self._fallback)
        except Exception as error:
            log.deferred(error)
            return status.temporary().smtp
        if not known:
            return status.refused("no-route", address).smtp
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """One reply for each accepted recipient, in order."""
        raw = envelope.original_content or b""
        return "\r\n".join(self._deliver(raw, envelope.mail_from or "", recipient) for recipient in envelope.rcpt_tos)

    def _deliver(self, raw: bytes, reverse_path: str, recipient: str) -> str:
        incoming = Incoming(raw, reverse_path, (recipient,), {}, self._fallback, "lmtp")
        try:
            receipt = receive.receive(self._store, self._config, incoming, time.time())
        except Exception as error:  # whatever it is, the mail stays with the mail server
            log.deferred(error)
            return status.temporary().smtp
        with suppress(Exception):  # it is committed: nothing changes the answer any more
            if receipt.queued:
                self._on_queued()
            log.delivered(receipt)
        return receipt.decision.status.smtp


class LmtpProtocol(LMTP):
    """LMTP that refuses no message for its long lines: the pipe takes them too."""

    line_length_limit = 64 << 20


def serve(
    listen: str, store: Callable[[], Store], config: Config, fallback: Fallback | None, on_queued: Callable[[], None]
) -> None:
    """Listen on `unix:PATH` or `HOST:PORT` until SIGTERM or SIGINT. Raises Problem when it cannot.

    `store` opens the store after the socket is bound: root may have to bind it, and must not open the store.
    """
    asyncio.run(_serve(listen, lambda: LmtpHandler(store(), config, fallback, on_queued), config.max_size))


async def _serve(listen: str, open_handler: Callable[[], LmtpHandler], max_size: int) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # before anyone can see that we listen
        loop.add_signal_handler(number, stopped.set)
    handlers: list[LmtpHandler] = []

    def session() -> LmtpProtocol:
        return LmtpProtocol(handlers[0], data_size_limit=2 * max_size, enable_SMTPUTF8=True, hostname="mailgate")

    server = await _bind(listen, session)
    handlers.append(open_handler())
    await server.start_serving()
    await stopped.wait()
    server.close()


async def _bind(listen: str, session: Callable[[], LmtpProtocol]) -> asyncio.Server:
    """Bind a socket that does not accept connections yet. Raises Problem."""
    loop = asyncio.get_running_loop()
    path = listen.removeprefix("unix:")
    host, colon, port = listen.rpartition(":")
    try:
        if path != listen:
            _remove_stale_socket(path)
            server = await loop.create_unix_server(session, path, start_serving=False)
            os.chmod(path, 0o666)  # noqa: S103  the mail server connects as another user
            return server
        if colon and port.isdecimal():
            return await loop.create_server(session, host.strip("[]"), int(port), start_serving=False)
    except OSError as error:
        raise Problem(f"cannot listen on {listen}: {error.strerror or error}") from error
    advice = "--listen unix:/run/mailgate.sock, or 127.0.0.1:2003"
    raise Problem(f"`{listen}` is not a valid listen address", advice=advice)


def _remove_stale_socket(path: str) -> None:
    """Remove the socket that an earlier run left behind, and nothing else. Raises Problem."""
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise Problem(f"{path} already exists and is not a socket", advice="choose another address to listen on")
    os.unlink(path)
