"""Write files as the user who started the command, although the process becomes the owner of the store.

A command of root's gives up root for good before it opens the store (`owner.become`). When root names a file in a
folder that only root may write, a child process that was started before writes it.
"""

import contextlib
import json
import os
import socket
import stat
from collections.abc import Callable, Iterator

Write = Callable[[str, bytes, bool], None]
"""(path, octets, replace): write octets to a path; without `replace`, only where no file exists. Raises OSError."""


@contextlib.contextmanager
def writer() -> Iterator[Write]:
    """A function that writes with the rights that the process has now, for as long as the block runs."""
    if os.geteuid() != 0:
        yield write
        return
    parent_end, child_end = socket.socketpair()
    child = os.fork()
    if not child:
        parent_end.close()
        _serve(child_end)
    child_end.close()
    try:
        with parent_end, parent_end.makefile("rwb") as stream:

            def request(path: str, octets: bytes, replace: bool) -> None:
                head = json.dumps([os.path.abspath(path), len(octets), replace])
                stream.write(head.encode() + b"\n" + octets)
                stream.flush()
                number = int(stream.readline() or b"5")  # EIO: the child has ended
                if number:
                    raise OSError(number, os.strerror(number), path)

            yield request
    finally:
        os.waitpid(child, 0)


def _serve(child_end: socket.socket) -> None:
    """Write what the parent requests until it closes the socket; never returns."""
    try:
        with child_end, child_end.makefile("rwb") as stream:
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
    """Write a file so that readers see either the old content or the new one, also after a kill. Raises OSError.

    A device or a pipe is written to, not replaced.
    """
    path = os.path.realpath(path) if replace else path
    if replace and os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        with open(path, "wb") as file:
            file.write(octets)
        return
    new = f"{path}.{os.getpid()}.tmp"
    try:
        _fill(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644), octets)
        if replace:
            os.replace(new, path)
        else:
            _name(new, path)
        _sync_folder(os.path.dirname(path) or ".")
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def _name(new: str, path: str) -> None:
    """Give a written file its name, where no file has it."""
    try:
        os.link(new, path, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644))
        os.replace(new, path)
    else:
        os.unlink(new)


def _sync_folder(folder: str) -> None:
    """Keep a new name through a power cut, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _fill(descriptor: int, octets: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
