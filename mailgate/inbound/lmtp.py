"""The same decisions over LMTP (RFC 2033): one reply per recipient, unknown addresses refused at RCPT.

A crash drops the connection and the mail server tries again, so none of the traps of exit statuses exist here. Each
recipient is received for itself, as if the mail server had piped the message once for each.
"""

import asyncio
import os
import signal
import stat
import time
from collections.abc import Callable

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from mailgate.gateway import log, receive
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.settings.config import Config
from mailgate.store.database import Store
from mailgate.values import status
from mailgate.values.problem import Problem


class Handler:
    """What aiosmtpd asks: is this recipient ours, and take this message."""

    def __init__(self, store: Store, config: Config, fallback: Fallback | None, owed: Callable[[], None]) -> None:
        self.store, self.config, self.fallback, self.owed = store, config, fallback, owed

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """250 for an address that exists or only transports, 550 for a stranger in an own domain."""
        try:
            known = receive.knows(self.store, self.config, address, self.fallback)
        except Exception as error:
            log.deferred(error)
            return status.temporary().smtp
        if not known:
            return status.refused("no-route", address).smtp
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """One reply for each recipient that was accepted, in order."""
        raw = envelope.original_content or b""
        return "\r\n".join(self._take(raw, envelope.mail_from or "", recipient) for recipient in envelope.rcpt_tos)

    def _take(self, raw: bytes, reverse_path: str, recipient: str) -> str:
        incoming = Incoming(raw, reverse_path, (recipient,), {}, self.fallback, "lmtp")
        try:
            receipt = receive.receive(self.store, self.config, incoming, time.time())
        except Exception as error:  # whatever it is, the mail stays with the mail server
            log.deferred(error)
            return status.temporary().smtp
        if receipt.queued:
            self.owed()
        log.delivered(receipt)
        return receipt.decision.status.smtp


class Protocol(LMTP):
    """LMTP that refuses no message for its long lines: the pipe takes them too."""

    line_length_limit = 64 << 20


def serve(
    listen: str, store: Callable[[], Store], config: Config, fallback: Fallback | None, owed: Callable[[], None]
) -> None:
    """Listen on `unix:PATH` or `HOST:PORT` until SIGTERM or SIGINT. Raises Problem when that cannot be.

    `store` is opened when the socket is bound: root may have to bind it, and must not open the store.
    """
    asyncio.run(_serve(listen, store, config, fallback, owed))


def _make_room(path: str) -> None:
    """Remove the socket that an earlier run left behind, and nothing else. Raises Problem."""
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise Problem(f"{path} is there already, and no socket", advice="choose another place to listen")
    os.unlink(path)


async def _serve(
    listen: str, store: Callable[[], Store], config: Config, fallback: Fallback | None, owed: Callable[[], None]
) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # before anybody can see that we listen
        loop.add_signal_handler(number, stopped.set)
    handlers: list[Handler] = []

    def session() -> Protocol:
        return Protocol(handlers[0], data_size_limit=2 * config.max_size, enable_SMTPUTF8=True, hostname="mailgate")

    path = listen.removeprefix("unix:")
    host, colon, port = listen.rpartition(":")
    try:
        if path != listen:
            _make_room(path)
            server = await loop.create_unix_server(session, path, start_serving=False)
            os.chmod(path, 0o666)  # noqa: S103  the mail server connects as a user of its own
        elif colon and port.isdecimal():
            server = await loop.create_server(session, host.strip("[]"), int(port), start_serving=False)
        else:
            raise Problem(
                f"`{listen}` is no place to listen", advice="--listen unix:/run/mailgate.sock, or 127.0.0.1:2003"
            )
    except OSError as error:
        raise Problem(f"cannot listen on {listen}: {error.strerror or error}") from error
    handlers.append(Handler(store(), config, fallback, owed))
    await server.start_serving()
    await stopped.wait()
    server.close()
