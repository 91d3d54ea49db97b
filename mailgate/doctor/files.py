"""Check that the user of the pipe can reach the store's files, the disk and the program."""

import os
import shutil
import stat
from collections.abc import Iterable

from mailgate.mta import postfix
from mailgate.mta.check import Check
from mailgate.process import owner
from mailgate.values.problem import CommandLine, command

LITTLE = 100 << 20
"""Octets that must be free on the store's disk: room for a few large messages and the journal."""


def check(path: str, uid: int) -> list[Check]:
    """Check that the store's folder and files exist, belong to `uid`, and are closed to other users."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        info = os.stat(folder)
    except OSError as error:
        return [Check("store folder", "wrong", f"{folder}: {error.strerror}", command("mailgate init"))]
    checks = []
    user = owner.name(uid)
    if not info.st_mode & stat.S_ISVTX and info.st_mode & 0o077:
        checks.append(
            Check("store folder", "wrong", f"{folder} is open to others", command("chmod 700 {FOLDER}", folder))
        )
    for file in _existing(path):
        status = os.stat(file)
        if status.st_uid != uid:
            text = f"{file} belongs to {owner.name(status.st_uid)}, not to {user}"
            checks.append(Check("store files", "wrong", text, command("chown {USER} {FILE}", user, file)))
        elif status.st_mode & 0o077:
            checks.append(Check("store files", "wrong", f"{file} is open to others", command("chmod 600 {FILE}", file)))
    for suffix in ("-wal", "-shm"):
        if os.path.exists(path + suffix):
            text = f"{path}{suffix} was left by a program that opened the store in WAL mode"
            checks.append(Check("store files", "wrong", text, no_wal(path)))
    return checks or [Check("store files", "ok", f"{folder}, owner {user}")]


def no_wal(path: str) -> CommandLine:
    """The command that ends WAL mode."""
    return command("sqlite3 {FILE} 'PRAGMA journal_mode = DELETE'", path)


def _existing(path: str) -> list[str]:
    names = (path, f"{path}.lock", f"{path}.work", f"{path}-journal")
    return [name for name in names if os.path.exists(name)]


def space(path: str, needed: int) -> Check:
    """Check the free space on the store's disk: at least LITTLE, and `needed` octets."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        disk = os.statvfs(folder)
    except OSError as error:
        return Check("disk", "unknown", f"{folder}: {error.strerror}", command("df -h {FOLDER}", folder))
    free = disk.f_bavail * disk.f_frsize
    if free < max(LITTLE, needed):
        return Check(
            "disk",
            "wrong",
            f"{free >> 20} MB free below {folder}: mail will be put off",
            command("df -h {FOLDER}", folder),
        )
    if disk.f_files and disk.f_favail < 100:
        return Check(
            "disk",
            "wrong",
            f"{disk.f_favail} files can still be made below {folder}",
            command("df -i {FOLDER}", folder),
        )
    return Check("disk", "ok", f"{free >> 20} MB free")


def unreadable_by(path: str, uid: int, gids: Iterable[int]) -> str:
    """The first folder or file on `path` that keeps a user from reading it; `""` when the user can read it."""
    target = os.path.realpath(path)
    parents = [target[:at] or "/" for at, c in enumerate(target) if c == "/"]
    for component, need in (*((parent, 0o1) for parent in parents), (target, 0o4)):
        try:
            info = os.stat(component)
        except OSError:
            return component
        allowed = info.st_mode >> (6 if info.st_uid == uid else 3 if info.st_gid in gids else 0)
        if uid and not allowed & need:
            return component
    return ""


def program(uid: int, gids: Iterable[int], interpreter: str) -> Check:
    """Check that the user of the pipe can run mailgate."""
    user = owner.name(uid)
    for file in (interpreter, os.path.abspath(__file__)):
        if barred := unreadable_by(file, uid, gids):
            return Check(
                "program", "wrong", f"{user} cannot use {barred}: mail is put off", command("chmod o+rX {FILE}", barred)
            )
    return Check("program", "ok", f"{interpreter}, as {user}")


def mail_servers() -> list[str]:
    """The mail servers that are installed here: `postfix`, `exim`."""
    paths = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/sbin:/usr/exim/bin"
    programs = {"postfix": ("postconf",), "exim": ("exim4", "exim")}
    installed = [
        name for name, commands in programs.items() if any(shutil.which(program, path=paths) for program in commands)
    ]
    # the programs of Postfix without its main.cf are no mail server
    return [server for server in installed if server != "postfix" or os.path.exists(postfix.MAIN)]
