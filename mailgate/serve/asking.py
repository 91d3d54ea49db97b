"""Ask the process that stays how it is, from another process."""

import json
import socket
from contextlib import suppress

from mailgate.values.light import Any

_WAIT = 2.0
"""Seconds for an answer."""
_MOST = 1 << 20


def status(listen: str) -> dict[str, Any] | None:
    """What `/status` at `unix:PATH` or `HOST:PORT` says; None where nobody answers."""
    with suppress(OSError, ValueError), _connected(listen) as connection:
        connection.sendall(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        octets = b""
        while len(octets) < _MOST and (chunk := connection.recv(1 << 16)):
            octets += chunk
        found = json.loads(octets.partition(b"\r\n\r\n")[2])
        return found if isinstance(found, dict) else None
    return None


def _connected(listen: str) -> socket.socket:
    path = listen.removeprefix("unix:")
    if path != listen:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_WAIT)
            connection.connect(path)
        except OSError:
            connection.close()
            raise
        return connection
    host, _, port = listen.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), _WAIT)
