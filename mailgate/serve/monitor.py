"""Tell monitors over HTTP how this process is: `/livez`, `/readyz`, `/metrics`, and `/status` as JSON.

It answers GET and nothing else, reads no more than a head, and closes after each answer.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Sequence

from mailgate.inbound import service
from mailgate.inbound.service import Limits, Words
from mailgate.serve.figures import State
from mailgate.values import exposition
from mailgate.values.light import NamedTuple

DEAD = 60.0
"""Seconds without a turn of the main thread after which this process counts as dead."""
_READING = 10.0
_PLAIN = "text/plain; charset=utf-8"
_GONE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class _Answer(NamedTuple):
    code: str
    body: str
    type: str = _PLAIN

    def octets(self) -> bytes:
        body = self.body.encode()
        head = f"HTTP/1.1 {self.code}\r\nContent-Type: {self.type}\r\nContent-Length: {len(body)}\r\n"
        return f"{head}Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode() + body


def answer(request: str, state: State) -> _Answer:
    """The answer to the first line of a request."""
    method, _, rest = request.partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    if method not in ("GET", "HEAD"):
        return _Answer("405 Method Not Allowed", "only GET\n")
    if path == "/livez":
        return _said(() if state.silent < DEAD else (f"nothing was done for {state.silent:.0f} s",), "alive")
    if path == "/readyz":
        return _said(state.troubles, "ready")
    if path == "/metrics":
        return _Answer("200 OK", exposition.text(state.metrics()), "text/plain; version=0.0.4; charset=utf-8")
    if path == "/status":
        return _Answer("200 OK", json.dumps(state.as_data()) + "\n", "application/json")
    return _Answer("404 Not Found", "/livez /readyz /metrics /status\n")


def _said(troubles: Sequence[str], good: str) -> _Answer:
    if troubles:
        return _Answer("503 Service Unavailable", "".join(f"{trouble}\n" for trouble in troubles))
    return _Answer("200 OK", f"{good}\n")


class _Dialogue:
    """One request and its answer."""

    idle = True

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Callable[[], State]) -> None:
        self._reader, self._writer, self._state = reader, writer, state

    async def run(self) -> None:
        try:
            head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), _READING)
        except asyncio.LimitOverrunError:
            return
        told = answer(head.partition(b"\r\n")[0].decode("latin-1"), self._state())
        octets = told.octets()
        self._writer.write(octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if head.startswith(b"HEAD ") else octets)


async def serve(sockets: Sequence[socket.socket], state: Callable[[], State], stopped: asyncio.Event) -> None:
    """Answer until `stopped`. `state` is asked in the event loop."""
    limits = Limits(connections=50)
    words = Words(full=_GONE, gone=_GONE)
    await service.serve(sockets, lambda reader, writer: _Dialogue(reader, writer, state), words, limits, stopped)
