"""Serve many clients at once within limits: what each may send, and how much all of them together may occupy.

The protocols that are served have this in common. A client is another user of the machine, or has other users behind
it: it may be slow, wrong or hostile, and the others are served all the same.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from types import FrameType
from typing import NamedTuple

from mailgate.gateway import log

_CHUNK = 1 << 16
_END = b"\r\n.\r\n"
_LONGEST = 1 << 20
"""Octets without a line end until a client is given up."""


class Limits(NamedTuple):
    """command: octets of a command; errors: commands in a session that are wrong; idle: seconds without an octet."""

    command: int = 4096
    recipients: int = 1000
    connections: int = 500
    errors: int = 20
    idle: float = 300.0


class BadLine(Exception):
    """What came is not a command: too long, or with a CR or LF that does not end it."""


class Hopeless(Exception):
    """The client goes on for ever without a command."""


class Memory:
    """The octets of all messages that are being received and are not stored yet."""

    def __init__(self, most: int) -> None:
        self.left = most

    def take(self, octets: int) -> bool:
        """Occupy memory; False when there is not as much."""
        if octets > self.left:
            return False
        self.left -= octets
        return True

    def give(self, octets: int) -> None:
        """Give memory back."""
        self.left += octets


class Received(NamedTuple):
    """A message as it was sent. `octets` is None where it was not kept, and `problem` says why: large or memory."""

    octets: bytes | None
    problem: str = ""


class Input:
    """What one client sends: commands, and messages between them. Every method raises EOFError and TimeoutError."""

    def __init__(self, reader: asyncio.StreamReader, limits: Limits, memory: Memory) -> None:
        self._reader, self._limits, self._memory = reader, limits, memory
        self._buffer = bytearray()
        self._taken = 0
        self._inside = 0  # octets of a bad command whose line end has not come yet

    async def _read(self) -> bytes:
        chunk = await asyncio.wait_for(self._reader.read(_CHUNK), self._limits.idle)
        if not chunk:
            raise EOFError
        return chunk

    async def command(self) -> bytes:
        """The next command without its line end, which is CRLF and nothing else. Raises BadLine, Hopeless.

        A CR or LF alone would end a command for one reader and not for another (SMTP smuggling): everything up to the
        next CRLF is that one bad command.
        """
        while True:
            end = self._buffer.find(b"\r\n")
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 2]
                bad, self._inside = self._inside, 0
                if bad or len(line) + 2 > self._limits.command or b"\r" in line or b"\n" in line:
                    raise BadLine
                return line
            bare = b"\n" in self._buffer
            if bare or len(self._buffer) > self._limits.command:
                self._inside += len(self._buffer)
                if self._inside > _LONGEST:
                    raise Hopeless
                self._buffer[:] = b"\r" if self._buffer.endswith(b"\r") else b""
                if bare:
                    raise BadLine
            self._buffer += await self._read()

    async def message(self, most: int) -> Received:
        """A message up to the line with a single dot, with at most so many octets on the wire (RFC 5321 4.5.2).

        CRLF.CRLF alone ends it. CR and LF that stand alone are kept as they are. Until `release`, it counts as memory.
        """
        held, problem, start = bytearray(b"\r\n"), "", 0
        chunk = bytes(self._buffer)
        self._buffer.clear()
        while True:
            held += chunk
            if not problem and not self._take(len(chunk)):
                problem = "memory"
            end = held.find(_END, start)
            if not problem and (len(held) if end < 0 else end) > most + 2:
                problem = "large"
            if end >= 0:
                break
            if problem:
                self.release()
                del held[:-4]
            start = max(0, len(held) - 4)
            chunk = await self._read()
        self._buffer += held[end + len(_END) :]
        if problem:
            self.release()
            return Received(None, problem)
        del held[end + 2 :]
        return Received(bytes(held).replace(b"\r\n.", b"\r\n")[2:])

    def _take(self, octets: int) -> bool:
        taken = self._memory.take(octets)
        self._taken += octets if taken else 0
        return taken

    def release(self) -> None:
        """Give back the memory of the message."""
        self._memory.give(self._taken)
        self._taken = 0


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def end_on_signals() -> None:
    """End the process without a word on SIGTERM and SIGINT, from before others can see that it listens."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


async def serve(sockets: Sequence[socket.socket], talk: Talk, full: bytes, limits: Limits) -> None:
    """Accept clients until SIGTERM or SIGINT, and `talk` to each of them; one too many is sent `full` and closed.

    Nothing goes to stderr, not even what fails: that is logged.
    """
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.set_exception_handler(_log_fault)
    logging.getLogger("asyncio").addHandler(logging.NullHandler())
    logging.getLogger("asyncio").propagate = False
    connections: set[object] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(connections) >= limits.connections:
                writer.write(full)
                return
            connections.add(writer)
            await talk(reader, writer)
            await asyncio.wait_for(writer.drain(), limits.idle)
        except (OSError, EOFError):
            pass  # the client is gone, or does not read; TimeoutError is an OSError
        except Exception as error:  # a mistake of ours: the other clients are served on
            log.fault(error)
        finally:
            connections.discard(writer)
            writer.close()

    servers = [await asyncio.start_server(connected, sock=opened, limit=_CHUNK) for opened in sockets]
    await stopped.wait()
    for server in servers:
        server.close()


def _log_fault(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    error = context.get("exception")
    log.fault(error if isinstance(error, Exception) else RuntimeError(str(context.get("message"))))
