"""What the mail server's files were before `setup --apply`: kept in a folder of root's until `--remove`."""

import contextlib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailgate.process import writer
from mailgate.values.problem import Problem, command

FOLDER = "/etc/mailgate/originals"
SUFFIX = ".mailgate-old"
"""The name of a copy beside a file that is changed has this at its end."""


class Edit(NamedTuple):
    """A change of a file: its text before, None where there is none, and after, None to remove it."""

    path: str
    old: str | None
    new: str | None
    mode: int = 0o644

    @property
    def changes(self) -> bool:
        """Whether anything changes."""
        return self.old != self.new


class Applied(NamedTuple):
    """What is in place of a mail server's set-up. `wiring`: its kind; `edits`: path -> the change of it."""

    wiring: str
    edits: Mapping[str, Edit]


def load(server: str) -> Applied | None:
    """What was applied to a mail server (`postfix`, `exim`), None for nothing. Raises Problem.

    A record that another user could have written is not believed: root restores files from it.
    """
    path = f"{FOLDER}/{server}.json"
    try:
        for each in (os.path.dirname(FOLDER), FOLDER, path):
            info = os.stat(each)
            if info.st_uid != os.geteuid() or info.st_mode & 0o022:
                raise Problem(f"{each} can be changed by others than root", command("ls -ld {FILE}", each))
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            data = json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Problem(f"cannot read {path}: {error}", command("ls -l {FILE}", path)) from error
    return Applied(data["wiring"], {path: Edit(path, *edit) for path, edit in data["files"].items()})


def save(server: str, applied: Applied) -> None:
    """Record what is being applied, before any file is changed. Raises OSError."""
    os.makedirs(FOLDER, mode=0o755, exist_ok=True)
    data = {"wiring": applied.wiring, "files": {path: list(edit[1:]) for path, edit in applied.edits.items()}}
    text = json.dumps(data, indent=1, ensure_ascii=False)
    writer.write(f"{FOLDER}/{server}.json", text.encode("utf-8", "surrogateescape"), private=True)


def forget(server: str) -> None:
    """Remove the record, and the folder with its last one."""
    os.unlink(f"{FOLDER}/{server}.json")
    with contextlib.suppress(OSError):
        os.rmdir(FOLDER)


def others(server: str) -> frozenset[str]:
    """The files that the set-up of the other mail servers has changed too."""
    servers = [each for each in ("postfix", "exim") if each != server]
    return frozenset(path for each in servers if (applied := load(each)) for path in applied.edits)


def read(path: str) -> str | None:
    """The text of a file, None where there is none. Raises Problem."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}", command("ls -l {FILE}", path)) from error


def mode(path: str, new: int = 0o644) -> int:
    """The permissions of a file, `new` where there is none."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return new


def write(edits: Sequence[Edit]) -> None:
    """Write every file; one that is there keeps its owner. Raises OSError."""
    for edit in edits:
        if edit.new is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(edit.path)
            continue
        _write(edit.path, edit.new, edit.mode)


def keep_copies(edits: Sequence[Edit]) -> None:
    """Write a copy beside each file that is there, unless an earlier one is. Raises OSError."""
    for edit in edits:
        if edit.old is not None and not os.path.lexists(edit.path + SUFFIX):
            _write(edit.path + SUFFIX, edit.old, edit.mode)


def drop_copies(paths: Sequence[str]) -> None:
    """Remove those copies."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + SUFFIX)


def _write(path: str, text: str, mode: int) -> None:
    """Replace a file at once; it keeps its owner."""
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    uid = gid = -1
    with contextlib.suppress(FileNotFoundError):
        info = os.stat(path.removesuffix(SUFFIX))
        uid, gid = info.st_uid, info.st_gid
    new = os.path.join(folder, f".{os.path.basename(path)}.new")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
        file.flush()
        if uid >= 0:
            os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    os.replace(new, path)
