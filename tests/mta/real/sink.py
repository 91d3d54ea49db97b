"""An SMTP server on loopback that keeps what it is given."""

import email
import email.policy
import re
import socketserver
import threading
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Self

from .polling import until


@dataclass(frozen=True)
class Received:
    """One message with its envelope; the null reverse-path is the empty string."""

    reverse_path: str
    recipients: tuple[str, ...]
    data: bytes

    @property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        parsed = email.message_from_bytes(self.data, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def report(self) -> EmailMessage:
        """The fields about the one recipient of a delivery status notification."""
        (status,) = (p for p in self.message.walk() if p.get_content_type().endswith("delivery-status"))
        blocks = status.get_payload()
        assert isinstance(blocks, list)
        assert len(blocks) == 2, "one block for the server, one for the recipient"
        assert isinstance(blocks[1], EmailMessage)
        return blocks[1]


class Sink(socketserver.ThreadingTCPServer):
    """Use as a context manager; `received` grows while it runs. Addresses in `unknown` are refused."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.port: int = self.server_address[1]
        self.received: list[Received] = []
        self.unknown: set[str] = set()

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def to(self, address: str) -> list[Received]:
        """What has come for this address."""
        return [r for r in self.received if address in r.recipients]

    def wait_for(self, address: str) -> Received:
        """The first message for this address."""
        return until(lambda: self.to(address), f"mail to {address} at the sink")[0]


class _Session(socketserver.StreamRequestHandler):
    server: Sink

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        self._say("220 sink.example.net ESMTP")
        sender, recipients = "", list[str]()
        while line := self.rfile.readline(4096).decode():
            verb = line[:4].upper()
            path = re.search(r"<(.*?)>", line)
            if verb == "EHLO":
                self._say("250-sink.example.net\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES")
                continue
            if verb == "QUIT":
                self._say("221 2.0.0 bye")
                return
            if verb == "DATA":
                self._say("354 go on")
                self.server.received.append(Received(sender, tuple(recipients), self._data()))
            elif verb == "MAIL" and path:
                sender, recipients = path[1], []
            elif verb == "RCPT" and path and path[1] in self.server.unknown:
                self._say(f"550 5.1.1 <{path[1]}>: no such user here")
                continue
            elif verb == "RCPT" and path:
                recipients.append(path[1])
            self._say("250 2.0.0 ok")

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)
