"""Serve many clients at once within limits: what each may send, and how much all of them together may occupy.

The protocols that are served have this in common. A client is another user of the machine, or has other users behind
it: it may be slow, wrong or hostile, and the others are served all the same.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from mailgate.gateway import log
from mailgate.values import status

_CHUNK = 1 << 16
_END = b"\r\n.\r\n"
_LONGEST = 1 << 20
"""Octets without a line end until a client is given up."""
GRACE = 20.0
"""Seconds in which clients may finish what they began, when the process stops."""
_LOOK = 0.05
"""Seconds between two looks at who has finished."""
_LEAST_MEMORY = 64 << 20
_LARGEST = 4
"""Messages of the largest size that may be in flight together, over all connections."""
NO_MEMORY = status.temporary("too much mail at once, the mail stays in your queue", "4.3.1")


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


def memory(max_size: int) -> Memory:
    """What all clients together may occupy, where the largest message has `max_size` octets."""
    return Memory(max(_LEAST_MEMORY, _LARGEST * max_size))


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

    def upcoming(self, most: int) -> Iterator[bytes]:
        """Commands that came already, without taking them."""
        start = 0
        for _ in range(most):
            end = self._buffer.find(b"\r\n", start)
            if end < 0:
                return
            yield bytes(self._buffer[start:end])
            start = end + 2

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
        if b"\r\n." in held:
            held = held.replace(b"\r\n.", b"\r\n")
        with memoryview(held) as whole:  # one copy of a large message beside what was received
            return Received(bytes(whole[2:]))

    def _take(self, octets: int) -> bool:
        taken = self._memory.take(octets)
        self._taken += octets if taken else 0
        return taken

    def release(self) -> None:
        """Give back the memory of the message."""
        self._memory.give(self._taken)
        self._taken = 0


class Client(Protocol):
    """A dialogue. `idle`: nothing of this client is in hand, it can be sent away."""

    idle: bool

    async def run(self) -> None: ...


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Client]


class Words(NamedTuple):
    """What a client is told before it is sent away: that there are too many, that the process stops."""

    full: bytes
    gone: bytes


async def serve(
    sockets: Sequence[socket.socket], talk: Talk, words: Words, limits: Limits, stopped: asyncio.Event
) -> None:
    """Accept clients and talk to each of them until `stopped`; then finish what is in hand, within GRACE seconds.

    Nothing goes to stderr, not even what fails: that is logged.
    """
    tasks: dict[asyncio.Task[None], Client] = {}

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        try:
            if len(tasks) >= limits.connections:
                writer.write(words.full)
                return
            tasks[task] = client = talk(reader, writer)
            try:
                await client.run()
            except asyncio.CancelledError:
                writer.write(words.gone)
            await asyncio.wait_for(writer.drain(), limits.idle)
        except (OSError, EOFError):
            pass  # the client is gone, or does not read; TimeoutError is an OSError
        except Exception as error:  # a mistake of ours: the other clients are served on
            log.fault(error)
        finally:
            tasks.pop(task, None)
            writer.close()

    servers = [await asyncio.start_server(connected, sock=opened, limit=_CHUNK) for opened in sockets]
    await stopped.wait()
    for server in servers:
        server.close()
    await _send_away(tasks)


async def _send_away(tasks: Mapping[asyncio.Task[None], Client]) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + GRACE
    while tasks:
        for task, client in list(tasks.items()):
            if client.idle or loop.time() > end:
                task.cancel()
        await asyncio.wait(list(tasks), timeout=_LOOK)


def keep_quiet(loop: asyncio.AbstractEventLoop) -> None:
    """Log what fails in a loop, in place of printing it."""
    loop.set_exception_handler(_log_fault)
    logging.getLogger("asyncio").addHandler(logging.NullHandler())
    logging.getLogger("asyncio").propagate = False


def _log_fault(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    error = context.get("exception")
    log.fault(error if isinstance(error, Exception) else RuntimeError(str(context.get("message"))))
