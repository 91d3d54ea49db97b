"""Run as the one user who owns the store's folder, because files of mixed owners lock users out of a database."""

import codecs
import os
import stat

from mailgate.values.problem import NotReady, command


def become(path: str) -> None:
    """As root, become the owner of the store's folder for good, before anything is opened; no-op for other users."""
    if os.geteuid() != 0:
        return
    try:
        folder = os.stat(os.path.dirname(os.path.abspath(path)))
    except OSError:
        return  # `check` explains the error
    if folder.st_uid == 0:
        return
    import pwd

    try:
        entry = pwd.getpwuid(folder.st_uid)
        gid, home = entry.pw_gid, entry.pw_dir
    except KeyError:
        gid, home = folder.st_gid, "/"
    codecs.lookup("utf-8-sig")  # every message needs it, and the owner may read less of the interpreter than root
    os.setgroups([])
    os.setgid(gid)
    os.setuid(folder.st_uid)
    os.environ["HOME"] = home


def check(path: str) -> None:
    """Raise NotReady unless this process runs as the owner of the store's folder and of the file in it."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        info = os.stat(folder)
    except OSError as error:
        raise NotReady(f"no folder {folder} for the store: {error.strerror}", command("mailgate init")) from error
    me = os.geteuid()
    shared = bool(info.st_mode & stat.S_ISVTX)  # a folder like /tmp is shared, the file in it is not
    try:
        owner = os.stat(path).st_uid
    except FileNotFoundError:
        owner = me if shared else info.st_uid
    except OSError as error:
        raise NotReady(
            f"cannot look at the store {path}: {error.strerror}", command("ls -ld {FOLDER}", folder)
        ) from error
    expected = owner if shared else info.st_uid
    if expected != me:
        raise NotReady(
            f"the store {path} belongs to {name(expected)}, and this runs as {name(me)}",
            command("sudo -u {USER} mailgate ...", name(expected)),
        )
    if owner != expected:
        raise NotReady(
            f"the store {path} belongs to {name(owner)}, its folder to {name(expected)}",
            command("chown {USER} {FILE}", name(expected), path),
        )


def name(uid: int) -> str:
    """The login name of a user id, or `uid N` when it has none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def names(path: str) -> tuple[str, str]:
    """The names of the user and group that own the store's folder; numbers where there are none. Raises NotReady."""
    import grp

    folder = os.path.dirname(os.path.abspath(path))
    try:
        info = os.stat(folder)
    except OSError as error:
        raise NotReady(f"no folder {folder} for the store: {error.strerror}", command("mailgate init")) from error
    try:
        group = grp.getgrgid(info.st_gid).gr_name
    except KeyError:
        group = str(info.st_gid)
    return name(info.st_uid), group
