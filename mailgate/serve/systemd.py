"""Talk to the service manager: sockets that it opened, and what it wants to know (sd_listen_fds(3), sd_notify(3))."""

import contextlib
import os
import socket
import time
from collections.abc import Mapping

_FIRST = 3
"""The first descriptor that is passed on."""


def take_sockets(environ: Mapping[str, str]) -> dict[str, list[socket.socket]]:
    """The sockets that listen already, by the names of their units' `FileDescriptorName`; none where none came."""
    if environ.get("LISTEN_PID") != str(os.getpid()) or not environ.get("LISTEN_FDS", "").isdecimal():
        return {}
    found: dict[str, list[socket.socket]] = {}
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    for at in range(int(environ["LISTEN_FDS"])):
        os.set_inheritable(_FIRST + at, False)
        found.setdefault(names[at] if at < len(names) else "", []).append(socket.socket(fileno=_FIRST + at))
    return found


class Manager:
    """Who started this process, if anybody wants to be told about it. `interval`: seconds between signs of life."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        microseconds = environ.get("WATCHDOG_USEC", "")
        ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.interval = int(microseconds) / 2_000_000 if microseconds.isdecimal() and ours else None

    def tell(self, **state: str) -> None:
        """Tell READY, STATUS, STOPPING and the like, without ever waiting."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        text = "\n".join(f"{name}={value}" for name, value in state.items())
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.setblocking(False)
            connection.sendto(text.encode(), address)

    def reloading(self) -> None:
        """Tell that the configuration is being read again; READY tells that it is done."""
        self.tell(RELOADING="1", MONOTONIC_USEC=str(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000))
