"""Open a socket that other programs may connect to, and those alone: every protocol that is served listens here.

Other users of the machine can watch and change the folders that they may write to. So root works only in folders that
no other user can write to, elsewhere as the user who owns the store; and a socket has its mode before it has its name.
"""

import contextlib
import errno
import grp
import ipaddress
import os
import socket
import stat
from collections.abc import Iterator
from typing import NamedTuple

from mailgate.process import owner
from mailgate.values.problem import Problem

_BACKLOG = 500
_ADVICE = "--listen unix:/run/mailgate/lmtp.sock, or 127.0.0.1:2003"


class Access(NamedTuple):
    """Who may connect: the owner of a socket and its group (`""`: that of the process); or `anyone` at all."""

    group: str = ""
    anyone: bool = False


def sockets(
    listen: str, access: Access, store: str, kind: socket.SocketKind = socket.SOCK_STREAM
) -> list[socket.socket]:
    """The sockets for `unix:PATH` or `HOST:PORT`, which listen already. Raises Problem.

    `store` is the path of the store: where root must not bind a path itself, the owner of its folder does.
    """
    path = listen.removeprefix("unix:")
    host, colon, port = listen.rpartition(":")
    try:
        if path != listen:
            return [_unix(path, access, store, kind)]
        if colon and port.isdecimal() and int(port) < 1 << 16:
            return _tcp(listen, host.strip("[]"), int(port), access)
    except OSError as error:
        raise Problem(f"cannot listen on {listen}: {error.strerror or error}") from error
    raise Problem(f"`{listen}` is not a valid listen address", advice=_ADVICE)


def _tcp(listen: str, host: str, port: int, access: Access) -> list[socket.socket]:
    """Sockets for every address of a host. No host means all addresses of this machine."""
    infos = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = dict.fromkeys((family, address) for family, _, _, _, address in infos)
    outside = [str(address[0]) for _, address in addresses if not _is_loopback(str(address[0]))]
    if outside and not access.anyone:
        raise Problem(
            f"{listen} is open to other machines, and any client is taken for the mail server",
            advice="listen on 127.0.0.1 or on a unix socket, or add --anyone",
        )
    opened: list[socket.socket] = []
    try:
        for family, address in addresses:
            opened.append(socket.socket(family, socket.SOCK_STREAM))
            opened[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                opened[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            opened[-1].bind(address)
            opened[-1].listen(_BACKLOG)
    except BaseException:
        for unused in opened:
            unused.close()
        raise
    return opened


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _unix(path: str, access: Access, store: str, kind: socket.SocketKind) -> socket.socket:
    """A socket at a path, mode 0660, or 0666 for anyone.

    It gets its name when it has its mode and listens: nobody finds it before, or is refused by it.
    """
    gid = _gid(access.group) if access.group else None
    path = os.path.abspath(path)
    with _acting(path, gid, store):
        _check_free(path, kind)
        opened = socket.socket(socket.AF_UNIX, kind)
        new = f"{path}~"
        before = os.umask(0o111 if access.anyone else 0o117)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(new)
            opened.bind(new)
            if gid is not None and os.lstat(new).st_gid != gid:
                _give(new, gid, access.group)
            opened.listen(_BACKLOG)
            os.rename(new, path)
        except BaseException:
            opened.close()
            with contextlib.suppress(OSError):
                os.unlink(new)
            raise
        finally:
            os.umask(before)
    return opened


def _gid(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise Problem(f"there is no group `{group}`", advice="--group of the mail server, such as postfix") from error


def _give(path: str, gid: int, group: str) -> None:
    try:
        os.chown(path, -1, gid, follow_symlinks=False)
    except PermissionError as error:
        raise Problem(
            f"{owner.name(os.geteuid())} is not in the group `{group}`",
            advice="add the user to the group, or start it as root, which gives up its rights",
        ) from error


def _check_free(path: str, kind: socket.SocketKind) -> None:
    """Raise Problem unless a path is free, or is a socket at which nobody listens any more."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise Problem(f"{path} already exists and is not a socket", advice="choose another address to listen on")
    with socket.socket(socket.AF_UNIX, kind) as asking:
        asking.setblocking(False)
        if asking.connect_ex(path) not in (errno.ECONNREFUSED, errno.ENOENT):
            raise Problem(
                f"another process listens on {path}", advice="stop it, or choose another address to listen on"
            )


@contextlib.contextmanager
def _acting(path: str, gid: int | None, store: str) -> Iterator[None]:
    """As root, work with the group `gid`, and as the owner of the store unless the path is safe from other users."""
    if os.geteuid() != 0:
        yield
        return
    uid, own_gid = _worker(store) if not is_private(os.path.dirname(path)) else (0, 0)
    groups, before = os.getgroups(), os.getegid()
    try:
        os.setgroups([])
        os.setegid(own_gid if gid is None else gid)
        os.seteuid(uid)
        yield
    finally:
        os.seteuid(0)
        os.setegid(before)
        os.setgroups(groups)


def _worker(store: str) -> tuple[int, int]:
    """User and group that own the folder of the store. Raises Problem when that is root."""
    info = os.stat(os.path.dirname(os.path.abspath(store)))
    if info.st_uid == 0:
        raise Problem(
            "other users can write to the folder of the socket, and root does not work there",
            advice="choose a folder that only root can write to",
        )
    return info.st_uid, info.st_gid


def is_private(folder: str) -> bool:
    """Whether root alone can change this folder, and what its path means. Raises OSError.

    In a folder above it others may have files of their own (/tmp, with its sticky bit): they cannot rename root's.
    """
    shared = 0
    while True:
        info = os.lstat(folder)
        open_to_others = info.st_mode & 0o022 and not info.st_mode & shared
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != 0 or open_to_others:
            return False
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return True
        shared = stat.S_ISVTX
