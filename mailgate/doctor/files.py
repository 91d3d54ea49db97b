"""Folder, files, disk and programs, seen from outside: what keeps the user of the pipe away from them."""

import os
import shutil
import stat
from collections.abc import Iterable

from mailgate.mta import postfix
from mailgate.mta.check import Check
from mailgate.process import owner
from mailgate.values.problem import CommandLine, command

LITTLE = 100 << 20
"""Octets that must be free on the store's disk: a few large messages, and the journal beside them."""


def check(path: str, uid: int) -> list[Check]:
    """The store's folder and files: there, of one owner (`uid`), and closed to all others."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        info = os.stat(folder)
    except OSError as error:
        return [Check("store folder", "wrong", f"{folder}: {error.strerror}", command("mailgate init"))]
    checks = []
    who = owner.name(uid)
    if not info.st_mode & stat.S_ISVTX and info.st_mode & 0o077:
        checks.append(
            Check("store folder", "wrong", f"{folder} is open to others", command("chmod 700 {FOLDER}", folder))
        )
    for each in _beside(path):
        theirs = os.stat(each)
        if theirs.st_uid != uid:
            text = f"{each} belongs to {owner.name(theirs.st_uid)}, not to {who}"
            checks.append(Check("store files", "wrong", text, command("chown {USER} {FILE}", who, each)))
        elif theirs.st_mode & 0o077:
            checks.append(Check("store files", "wrong", f"{each} is open to others", command("chmod 600 {FILE}", each)))
    for suffix in ("-wal", "-shm"):
        if os.path.exists(path + suffix):
            text = f"{path}{suffix} was left by a program that opened the store in WAL mode"
            checks.append(Check("store files", "wrong", text, no_wal(path)))
    return checks or [Check("store files", "ok", f"{folder}, owner {who}")]


def no_wal(path: str) -> CommandLine:
    """The command that ends WAL mode."""
    return command("sqlite3 {FILE} 'PRAGMA journal_mode = DELETE'", path)


def _beside(path: str) -> list[str]:
    names = (path, f"{path}.lock", f"{path}.work", f"{path}-journal")
    return [each for each in names if os.path.exists(each)]


def space(path: str, needed: int) -> Check:
    """Room on the store's disk: at least LITTLE, and three times the largest message."""
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


def reach(path: str, uid: int, gids: Iterable[int]) -> str:
    """What keeps a user from reading a file: a folder that they cannot enter, or the file itself; `""`: nothing."""
    whole = os.path.realpath(path)
    parents = [whole[:at] or "/" for at, c in enumerate(whole) if c == "/"]
    for each, need in (*((parent, 0o1) for parent in parents), (whole, 0o4)):
        try:
            info = os.stat(each)
        except OSError:
            return each
        allowed = info.st_mode >> (6 if info.st_uid == uid else 3 if info.st_gid in gids else 0)
        if uid and not allowed & need:
            return each
    return ""


def program(uid: int, gids: Iterable[int], interpreter: str) -> Check:
    """Whether the user of the pipe can run mailgate at all."""
    who = owner.name(uid)
    for each in (interpreter, os.path.abspath(__file__)):
        if barred := reach(each, uid, gids):
            return Check(
                "program", "wrong", f"{who} cannot use {barred}: mail is put off", command("chmod o+rX {FILE}", barred)
            )
    return Check("program", "ok", f"{interpreter}, as {who}")


def mail_servers() -> list[str]:
    """The mail servers that are installed here: `postfix`, `exim`."""
    paths = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/sbin:/usr/exim/bin"
    programs = {"postfix": ("postconf",), "exim": ("exim4", "exim")}
    found = [name for name, each in programs.items() if any(shutil.which(program, path=paths) for program in each)]
    return [
        each for each in found if each != "postfix" or os.path.exists(postfix.MAIN)
    ]  # its programs alone serve none
