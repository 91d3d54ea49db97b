"""Take messages from the pipe's client (inbound/client.py): its arguments, and its standard input as a descriptor.

One packet comes and one goes. `-` means that nothing was read, and that the client does the work itself: so it is for
another configuration, another user, a bad command line, and when this process stops.
"""

import array
import asyncio
import os
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from mailgate.gateway import log
from mailgate.inbound import pipe, service
from mailgate.inbound.lmtp import Receiver
from mailgate.inbound.pipe import Arguments, UsageError
from mailgate.inbound.service import Memory
from mailgate.mail import envelope
from mailgate.settings.config import Config
from mailgate.values.status import Status

PACKET = 256 << 10
"""Octets of a packet: a command line and an environment."""
DECLINED = b"-"
_CHUNK = 1 << 20
_PEER = struct.Struct("3i")
_READING = 30.0
"""Seconds for a client to write its message."""


class Handover(NamedTuple):
    """Serves clients: `users` are the ids of those who may hand over; `config` gives the settings as they are now."""

    receiver: Receiver
    config: Callable[[], Config]
    users: frozenset[int]
    memory: Memory
    connections: int = service.Limits().connections

    async def serve(self, opened: socket.socket, stopped: asyncio.Event) -> None:
        """Take messages until `stopped`; then finish what was taken, within GRACE seconds."""
        loop = asyncio.get_running_loop()
        opened.setblocking(False)
        tasks: set[asyncio.Task[None]] = set()

        def accept() -> None:
            try:
                connection = opened.accept()[0]
            except OSError:  # the client is gone, or there is no descriptor left: it waits, and gives up
                return
            task = loop.create_task(self._talk(connection, is_full=len(tasks) >= self.connections))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        loop.add_reader(opened, accept)
        await stopped.wait()
        loop.remove_reader(opened)
        opened.close()
        if tasks:
            await asyncio.wait(list(tasks), timeout=service.GRACE)

    async def _talk(self, connection: socket.socket, *, is_full: bool) -> None:
        descriptors: list[int] = []
        with connection:
            try:
                connection.setblocking(False)
                packet = await _packet(connection, descriptors)
                answer = DECLINED if is_full else await self._answer(connection, packet, descriptors)
                connection.send(answer)
            except (OSError, EOFError):
                pass  # the client is gone, and with it the message: the mail server has it
            except Exception as error:  # the client answers "later"
                log.fault(error)
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)

    async def _answer(self, connection: socket.socket, packet: bytes, descriptors: Sequence[int]) -> bytes:
        user = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))[1]
        config = self.config()
        try:
            arguments, environ = _parse(packet)
        except (UsageError, ValueError):
            return DECLINED
        if user not in self.users or len(descriptors) != 1 or not _is_for(arguments, config):
            return DECLINED
        return await self._receive(arguments, environ, descriptors[0], config.max_size)

    async def _receive(self, arguments: Arguments, environ: Mapping[str, str], descriptor: int, max_size: int) -> bytes:
        raw = bytearray()
        incoming = pipe.message(arguments, b"", environ)
        try:
            async with asyncio.timeout(_READING):
                whole = await _read(descriptor, max_size + 1, raw, self.memory)
            if not whole:
                return _line(service.NO_MEMORY)
            if not raw:
                return DECLINED
            if refused := pipe.unreadable(arguments):
                return _line(refused)
            incoming = pipe.message(arguments, bytes(raw), environ)
            (result,) = await self.receiver.receive([incoming])
        except (OSError, TimeoutError) as error:
            log.deferred(error, incoming)
            result = error
        finally:
            self.memory.give(len(raw))
        if isinstance(result, Exception):
            return b"75 " + pipe.later(result).encode()
        return _line(result.decision.status)


def _line(status: Status) -> bytes:
    return b"%d %s" % (status.exit, status.line.encode("utf-8", "replace"))


async def _packet(connection: socket.socket, descriptors: list[int]) -> bytes:
    """The packet of a client; the descriptors that came with it are added to `descriptors`. Raises EOFError."""
    await _readable(connection.fileno(), _READING)
    ints = array.array("i")
    space = socket.CMSG_SPACE(4 * ints.itemsize)
    packet, ancillary, flags, _ = connection.recvmsg(PACKET, space, socket.MSG_CMSG_CLOEXEC)
    for level, kind, octets in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            ints.frombytes(octets[: len(octets) - len(octets) % ints.itemsize])
    descriptors += ints
    if not packet:
        raise EOFError
    return b"" if flags & socket.MSG_TRUNC else packet


def _parse(packet: bytes) -> tuple[Arguments, dict[str, str]]:
    """The command line, and the environment. Raises UsageError, ValueError."""
    kind, count, *words = (word.decode("utf-8", "surrogateescape") for word in packet.split(b"\0"))
    if kind != "deliver":
        raise ValueError(kind)
    arguments = pipe.parse(words[: int(count)])
    pipe.check(arguments)
    pairs = (word.partition("=") for word in words[int(count) :])
    return arguments, {name: value for name, _, value in pairs if name in envelope.ENVIRONMENT}


def _is_for(arguments: Arguments, config: Config) -> bool:
    """Whether a command line is for the configuration that is served."""
    path = os.path.abspath(config.path) if config.path else None
    same = arguments.config is None or os.path.abspath(arguments.config) == path
    return same and arguments.store is None and not arguments.help


async def _read(descriptor: int, limit: int, raw: bytearray, memory: Memory) -> bool:
    """Read to the end, or to `limit` octets, and occupy memory for them; False where there is not as much."""
    os.set_blocking(descriptor, False)
    while len(raw) < limit:
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            await _readable(descriptor, _READING)
            continue
        if not chunk:
            return True
        if not memory.take(len(chunk)):
            return False
        raw += chunk
    return True


async def _readable(descriptor: int, seconds: float) -> None:
    """Wait until there is something to read. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        async with asyncio.timeout(seconds):
            await ready.wait()
    finally:
        loop.remove_reader(descriptor)
