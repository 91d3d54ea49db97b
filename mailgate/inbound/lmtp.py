"""Receive mail over LMTP (RFC 2033): one reply per recipient, unknown addresses refused at RCPT.

A crash drops the connection and the mail server tries again, so none of the traps of exit statuses exist here. Each
recipient gets a delivery of its own, as if the mail server had run the pipe once for each.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from mailgate.gateway import log
from mailgate.gateway.group import Result
from mailgate.inbound import service
from mailgate.inbound.service import BadLine, Hopeless, Input, Limits, Memory, Talk, Words
from mailgate.mail import envelope
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.values import status

WORDS = Words(
    full=b"421 4.3.2 too many connections, try again later\r\n",
    gone=b"421 4.3.2 mailgate is stopping, try again later\r\n",
)
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_PATH = r"(<(?:\"(?:[^\"\\]|\\.)*\"|[^<>\"])*>|[^\s<>]+)((?:[ \t]+\S+)*)[ \t]*"
_FROM = re.compile(rf"FROM:[ \t]*{_PATH}", re.IGNORECASE | re.DOTALL)
_TO = re.compile(rf"TO:[ \t]*{_PATH}", re.IGNORECASE | re.DOTALL)
_TOGETHER = 100
"""Commands that are looked ahead."""
_ROUTE = re.compile(r"@[^:\"]*:")
"""A source route, which is ignored (RFC 5321 section 4.1.1.3)."""


class Receiver(Protocol):
    """Who takes responsibility for mail: it never makes the protocol wait longer than a client may."""

    async def known(self, addresses: Sequence[str], fallback: Fallback | None) -> Sequence[bool | Exception]: ...

    async def receive(self, messages: Sequence[Incoming]) -> Sequence[Result]: ...


class LmtpHandler:
    """What a session asks: whether recipients exist, and what becomes of a message."""

    def __init__(self, receiver: Receiver, fallback: Fallback | None) -> None:
        self._receiver, self._fallback = receiver, fallback

    async def recipients(self, addresses: Sequence[str]) -> dict[str, str]:
        """The reply to RCPT for each address: 250, and 550 for an unknown one in a local domain.

        501 for what cannot be read as an address: the header of the message must not speak in its place.
        """
        replies = {each: status.unreadable(each).smtp for each in addresses if not envelope.is_address(each)}
        readable = [address for address in addresses if address not in replies]
        for address, known in zip(readable, await self._receiver.known(readable, self._fallback), strict=True):
            replies[address] = self._recipient(address, known)
        return replies

    def _recipient(self, address: str, known: bool | Exception) -> str:
        if isinstance(known, Exception):
            log.deferred(known, Incoming(b"", None, (address,), source="lmtp"))
            return status.temporary().smtp
        return "250 2.1.5 ok" if known else status.refused("no-route", address).smtp

    async def deliver(self, raw: bytes, reverse_path: str, recipients: Sequence[str]) -> list[str]:
        """One reply for each recipient, in order."""
        defects = ("a CR or LF that is not part of a line end",) if _BARE.search(raw) else ()
        messages = [
            Incoming(raw, reverse_path, (recipient,), {}, self._fallback, "lmtp", defects=defects)
            for recipient in recipients
        ]
        results = await self._receiver.receive(messages)
        return [
            (status.temporary() if isinstance(result, Exception) else result.decision.status).smtp for result in results
        ]


def talk(handler: LmtpHandler, max_size: int, limits: Limits, memory: Memory) -> Talk:
    """Start the dialogue with a client. `max_size`: octets of the largest message."""

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Session:
        return Session(Input(reader, limits, memory), writer, handler, max_size, limits)

    return begin


class Session:
    """The dialogue with one client. `idle`: there is no transaction that a stop would cut short."""

    def __init__(
        self, source: Input, writer: asyncio.StreamWriter, handler: LmtpHandler, max_size: int, limits: Limits
    ) -> None:
        self._input, self._writer, self._handler = source, writer, handler
        self._max_size, self._limits = max_size, limits
        self._greeted = False
        self._errors = 0
        self.idle = False
        self._reset()

    def _reset(self) -> None:
        self._reverse_path: str | None = None
        self._recipients: list[str] = []
        self._looked_up: dict[str, str] = {}

    async def run(self) -> None:
        """Talk until the client quits. Raises EOFError and OSError when it is gone."""
        await self._say("220 mailgate LMTP")
        while True:
            self.idle = self._reverse_path is None
            try:
                line = await self._input.command()
            except BadLine:
                if not await self._reply("500 5.5.2 a command is one line, ends in CR LF, and is not too long"):
                    return
                continue
            except Hopeless:
                await self._say("421 4.7.0 that is not LMTP")
                return
            self.idle = False
            word, rest = _split(line)
            if word == "QUIT":
                await self._say("221 2.0.0 bye")
                return
            if word == "DATA" and not rest:
                await self._data()
            elif not await self._reply(await self._recipient(rest) if word == "RCPT" else self._answer(word, rest)):
                return

    async def _say(self, reply: str) -> None:
        """Send a reply; one of several lines has LF between them."""
        lines = reply.split("\n")
        texts = [f"{text[:3]}-{text[4:]}" for text in lines[:-1]] + lines[-1:]
        self._writer.write("".join(f"{text}\r\n" for text in texts).encode("utf-8", "replace"))
        await asyncio.wait_for(self._writer.drain(), self._limits.idle)

    async def _reply(self, reply: str) -> bool:
        """Send the reply to a command; False after too many wrong ones, when the client is given up."""
        self._errors += reply.startswith("50")
        if self._errors > self._limits.errors:
            await self._say("421 4.7.0 too many errors")
            return False
        await self._say(reply)
        return True

    def _answer(self, word: str, rest: str) -> str:
        """The reply to a command other than RCPT, DATA and QUIT. Nothing that was sent is repeated as it came."""
        if word == "LHLO":
            if not rest:
                return "501 5.5.4 LHLO needs a name"
            self._greeted = True
            self._reset()
            offers = ("mailgate", "PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", f"SIZE {self._max_size}")
            return "\n".join(f"250 {offer}" for offer in offers)
        if word == "MAIL":
            return self._mail(rest)
        if word == "RSET":
            self._reset()
            return "250 2.0.0 ok"
        if word == "NOOP":
            return "250 2.0.0 ok"
        if word == "VRFY":
            return "252 2.5.2 send to it, and the answer says whether it exists"
        return "501 5.5.4 DATA takes no argument" if word == "DATA" else "500 5.5.1 no such command in LMTP"

    def _mail(self, rest: str) -> str:
        if not self._greeted or self._reverse_path is not None:
            return "503 5.5.1 MAIL comes after LHLO, once"
        match = _FROM.fullmatch(rest)
        if not match:
            return "501 5.5.4 MAIL FROM:<address>"
        for parameter in match[2].upper().split():
            name, _, value = parameter.partition("=")
            if name == "SIZE" and value.isdecimal() and len(value) <= 20:
                if int(value) > 2 * self._max_size:  # what is a little too large is refused by the rules, and logged
                    return status.refused("too-large", "").smtp
            elif parameter not in ("BODY=7BIT", "BODY=8BITMIME", "SMTPUTF8"):
                return "555 5.5.4 a parameter that is not offered"
        self._reverse_path = _bare(match[1])
        return "250 2.1.0 ok"

    async def _recipient(self, rest: str) -> str:
        if self._reverse_path is None:
            return "503 5.5.1 RCPT comes after MAIL"
        match = _TO.fullmatch(rest)
        if not match:
            return (
                "501 5.1.3 that is not a mail address" if rest[:3].upper() == "TO:" else "501 5.5.4 RCPT TO:<address>"
            )
        if match[2].strip():
            return "555 5.5.4 a parameter that is not offered"
        if len(self._recipients) >= self._limits.recipients:
            return "452 4.5.3 too many recipients for one transaction"
        address = _bare(match[1])
        if address not in self._looked_up:
            self._looked_up |= await self._handler.recipients(list(dict.fromkeys((address, *self._upcoming()))))
        reply = self._looked_up[address]
        if reply.startswith("2"):
            self._recipients.append(address)
        return reply

    def _upcoming(self) -> Iterator[str]:
        """The recipients of commands that came together with this one, to be looked up together."""
        for line in self._input.upcoming(_TOGETHER):
            word, rest = _split(line)
            match = _TO.fullmatch(rest) if word == "RCPT" else None
            if match is None:
                return
            yield _bare(match[1])

    async def _data(self) -> None:
        recipients, reverse_path = self._recipients, self._reverse_path
        if not recipients or reverse_path is None:
            await self._reply("503 5.5.1 DATA needs a recipient that was accepted")
            return
        await self._say("354 end with a line that is a single dot")
        try:
            received = await self._input.message(2 * self._max_size)  # dots that were doubled come off
            self._reset()
            for reply in await self._replies(received, reverse_path, recipients):
                await self._say(reply)
        finally:
            self._input.release()

    async def _replies(self, received: service.Received, reverse_path: str, recipients: Sequence[str]) -> list[str]:
        if received.octets is not None:
            return await self._handler.deliver(received.octets, reverse_path, recipients)
        if received.problem == "memory":
            return [service.NO_MEMORY.smtp] * len(recipients)
        return [status.refused("too-large", recipient).smtp for recipient in recipients]


def _split(line: bytes) -> tuple[str, str]:
    """The word of a command, in capitals, and what stands after it."""
    word, _, rest = line.decode("utf-8", "surrogateescape").partition(" ")
    return word.upper(), rest.strip(" \t")


def _bare(path: str) -> str:
    """An address without its angle brackets and without a source route."""
    return (
        _ROUTE.sub("", path.removeprefix("<").removesuffix(">"), count=1)
        if path.startswith("<@")
        else (path.removeprefix("<").removesuffix(">"))
    )
