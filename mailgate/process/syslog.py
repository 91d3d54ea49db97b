"""Write a line to the system log without ever waiting for it (RFC 3164 over a local socket)."""

import _socket  # `socket` costs the pipe more than everything else in this module
import contextlib
import os
import time

SOCKET = "/dev/log"
"""Where the system log listens; it may be missing."""
MAIL = 2 << 3
"""The facility of all lines."""
ERROR, WARNING, NOTICE, INFO = 3, 4, 5, 6
_KINDS = (_socket.SOCK_DGRAM, _socket.SOCK_STREAM)
"""journald and rsyslog take datagrams, some others a stream."""


def write(priority: int, line: str) -> bool:
    """Log one printable line under the name mailgate, facility mail; whether the system log took it.

    A log that is full or not read loses the line, where syslog(3) would wait for it, between a commit and its answer.
    `priority` is one of the severities above.
    """
    stamp = time.strftime("%b %e %H:%M:%S")
    text = f"<{MAIL | priority}>{stamp} mailgate[{os.getpid()}]: {line}".encode("utf-8", "replace")
    for kind in _KINDS:
        with contextlib.suppress(OSError):
            connection = _socket.socket(_socket.AF_UNIX, kind | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC)
            try:
                connection.connect(SOCKET)
                connection.send(text if kind == _socket.SOCK_DGRAM else text + b"\0")
            finally:
                connection.close()
            return True
    return False
