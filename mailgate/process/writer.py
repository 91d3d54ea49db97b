"""Write files as the user who started the command, although the process becomes the owner of the store.

A command of root's gives up root for good before it opens the store (`owner.become`). When root names a file in a
folder that only root may write, a child process that was started before writes it.
"""

import contextlib
import errno
import json
import os
import socket
import stat
from collections.abc import Iterator
from typing import Protocol


class Write(Protocol):
    """Writes octets to a path; without `replace`, only where no file exists. Raises OSError."""

    def __call__(self, path: str, octets: bytes, replace: bool, private: bool = False) -> None:
        """`private`: only the owner can read the file."""
        ...


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

            def request(path: str, octets: bytes, replace: bool, private: bool = False) -> None:
                head = json.dumps([os.path.abspath(path), len(octets), replace, private])
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
                path, length, replace, private = json.loads(line)
                octets = stream.read(length)
                number = 0
                if len(octets) == length:
                    try:
                        write(path, octets, replace, private)
                    except OSError as error:
                        number = error.errno or 5
                stream.write(b"%d\n" % number)
                stream.flush()
    finally:
        os._exit(0)


def write(path: str, octets: bytes, replace: bool = True, private: bool = False) -> None:
    """Write a file so that readers see either the old content or the new one, also after a kill. Raises OSError.

    A device or a pipe is written to, not replaced. `private`: only its owner can read the file. A link that another
    user could have planted is not followed, wherever it stands in the path.
    """
    folder = -1
    try:
        folder, name = _open_folder(path, follow=replace)
        if replace and _write_device(folder, name, octets):
            return
        _write_file(folder, name, octets, replace, 0o600 if private else 0o644)
        _sync_folder(folder)
    except OSError as error:
        error.filename = path
        raise
    finally:
        if folder >= 0:
            os.close(folder)


@contextlib.contextmanager
def created(path: str, *, replace: bool) -> Iterator[tuple[int, str]]:
    """A new private file, open for reading and writing, and its path until the block ends: then it gets its name.

    When the block raises, nothing is left of it. Links as in `write`. Raises OSError.
    """
    folder = descriptor = -1
    try:
        folder, name = _open_folder(path, follow=replace)
        _check_free(folder, name, replace)
        new = f"{name}.{os.getpid()}.tmp"
        descriptor = os.open(
            new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder
        )
        try:
            yield descriptor, os.path.join(os.readlink(f"/proc/self/fd/{folder}"), new)
            os.fsync(descriptor)
            if replace:
                os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
            else:
                _name(folder, new, name, 0o600)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(new, dir_fd=folder)
            raise
        _sync_folder(folder)
    except OSError as error:
        error.filename = path
        raise
    finally:
        for opened in (descriptor, folder):
            if opened >= 0:
                os.close(opened)


def _check_free(folder: int, name: str, replace: bool) -> None:
    """Raise OSError where a file cannot get this name."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EEXIST
    if not replace or not stat.S_ISREG(mode):
        raise OSError(number, os.strerror(number), name)


def _open_folder(path: str, *, follow: bool) -> tuple[int, str]:
    """The folder of a path, opened step by step, and the name in it; without `follow` that may be a link."""
    folder = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    parts = [part for part in os.path.abspath(path).split("/") if part] or ["."]
    links = 0
    try:
        while True:
            name, *parts = parts
            target = _link(folder, name) if parts or follow else None
            if target is None:
                if not parts:
                    return folder, name
                step = name
            else:
                links += 1
                if links > _LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                parts = [part for part in target.split("/") if part not in ("", ".")] + parts
                if not parts:
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
                if not target.startswith("/"):
                    continue
                step = "/"
            inner = os.open(step, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = inner
    except BaseException:
        os.close(folder)
        raise


_LINKS = 40


def _link(folder: int, name: str) -> str | None:
    """What a link says, None where the name is none. Raises OSError for a link of another user."""
    try:
        link = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    try:
        info = os.fstat(link)
        if not stat.S_ISLNK(info.st_mode):
            return None
        if info.st_uid not in (0, os.geteuid()):
            raise OSError(errno.ELOOP, "a link of another user")
        return os.readlink("", dir_fd=link)
    finally:
        os.close(link)


def _write_device(folder: int, name: str, octets: bytes) -> bool:
    """Write to a device or a pipe; False where there is none."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISREG(mode):
        return False
    with open(os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder), "wb") as file:
        file.write(octets)
    return True


def _write_file(folder: int, name: str, octets: bytes, replace: bool, mode: int) -> None:
    new = f"{name}.{os.getpid()}.tmp"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new, dir_fd=folder)
    try:
        _fill(os.open(new, _NEW, mode, dir_fd=folder), octets)
        if replace:
            os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            _name(folder, new, name, mode)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new, dir_fd=folder)
        raise


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def _name(folder: int, new: str, name: str, mode: int) -> None:
    """Give a written file its name, where no file has it."""
    try:
        os.link(new, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.close(os.open(name, _NEW, mode, dir_fd=folder))
        os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        os.unlink(new, dir_fd=folder)


def _sync_folder(folder: int) -> None:
    """Keep a new name through a power cut, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _fill(descriptor: int, octets: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
