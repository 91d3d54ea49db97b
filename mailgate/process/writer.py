"""Write files as the user who asked, though the process becomes the owner of the store in between.

Root's commands give root up for good before they open the store (`owner.become`). A file that root names, in a folder
that only root may write, is then written by a child that was started before.
"""

import contextlib
import json
import os
import socket
import stat
from collections.abc import Callable, Iterator

Write = Callable[[str, bytes, bool], None]
"""Write octets to a path, in place of what is there or (False) only where nothing is. Raises OSError."""


@contextlib.contextmanager
def writer() -> Iterator[Write]:
    """A function that writes with the rights of this moment, for as long as the block runs."""
    if os.geteuid() != 0:
        yield write
        return
    ours, theirs = socket.socketpair()
    child = os.fork()
    if not child:
        ours.close()
        _serve(theirs)
    theirs.close()
    try:
        with ours, ours.makefile("rwb") as stream:

            def ask(path: str, octets: bytes, replace: bool) -> None:
                head = json.dumps([os.path.abspath(path), len(octets), replace])
                stream.write(head.encode() + b"\n" + octets)
                stream.flush()
                number = int(stream.readline() or b"5")  # EIO: the child is gone
                if number:
                    raise OSError(number, os.strerror(number), path)

            yield ask
    finally:
        os.waitpid(child, 0)


def _serve(theirs: socket.socket) -> None:
    """Do what is asked until nobody is left to ask; never returns."""
    try:
        with theirs, theirs.makefile("rwb") as stream:
            while line := stream.readline():
                path, length, replace = json.loads(line)
                octets = stream.read(length)
                number = 0
                if len(octets) == length:
                    try:
                        write(path, octets, replace)
                    except OSError as error:
                        number = error.errno or 5
                stream.write(b"%d\n" % number)
                stream.flush()
    finally:
        os._exit(0)


def write(path: str, octets: bytes, replace: bool = True) -> None:
    """Write a file as a whole: who reads it sees the old one or the new one. Raises OSError.

    A device or a pipe is written to, not replaced.
    """
    if not replace:
        _fill(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644), octets)
        return
    path = os.path.realpath(path)
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        with open(path, "wb") as file:
            file.write(octets)
        return
    new = f"{path}.{os.getpid()}.tmp"
    try:
        _fill(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644), octets)
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def _fill(descriptor: int, octets: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
