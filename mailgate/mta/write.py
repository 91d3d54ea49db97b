"""Keep the mail server's tables in step with the store, after every command that changes an alias or a domain.

Each table is replaced as a whole, under a lock in which the store is read, so that the last of several commands leaves
the newest state. Postfix' index is made under another name and renamed, which its daemons notice by themselves.
"""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping

from mailgate.mta import maps
from mailgate.settings.config import Config
from mailgate.store import database, directory, keys
from mailgate.store.database import Store
from mailgate.values.problem import Problem, command

AGAIN = command("mailgate setup maps")
_NO_FOLDER = "`mailgate setup postfix` or `mailgate setup exim` prints the lines for it"
_WAIT = 20.0
"""Seconds to wait for another command that is writing."""


def current(store: Store, config: Config) -> maps.Maps:
    """What the tables should be made of now. Raises Problem as `maps.check`."""
    with store.read() as tx:
        made = maps.Maps(directory.everything(tx), config.maps_shared, config.maps_unknown == "accept")
    maps.check(made)
    return made


def refresh(store: Store, config: Config, *, force: bool = False) -> list[str]:
    """Write the tables that differ from the store; their names. Raises Problem.

    A table stays as it is when its new text or index cannot be made. Without `force`, a store that is younger than the
    tables takes no address out of them: it may be an empty one in place of another that is lost.
    """
    folder = config.maps
    if folder is None:
        raise Problem("no tables are kept: the configuration names no folder", advice=_NO_FOLDER)
    if not os.path.isdir(folder):
        made = command("install -d -m 755 -o mailgate -g mailgate {FOLDER}", folder)
        raise Problem(f"no folder {folder} for the mail server's tables", made, AGAIN)
    try:
        with database.locked(os.path.join(folder, "maps"), _WAIT):
            texts = maps.tables(current(store, config))
            if not force:
                _keep_others(store, folder, texts[maps.ADDRESSES])
            return [name for name, text in texts.items() if _write(folder, name, text)]
    except OSError as error:
        raise Problem(
            f"cannot write {error.filename or folder}: {error.strerror}", command("ls -l {FOLDER}", folder), AGAIN
        ) from error


def _keep_others(store: Store, folder: str, text: str) -> None:
    """Raises Problem when the store is younger than the table of addresses, and the table has some that it lacks."""
    path = os.path.join(folder, maps.ADDRESSES)
    lost = len(maps.keys(_read(path) or "") - maps.keys(text))
    if not lost:
        return
    with store.read() as tx:
        created_at = keys.oldest(tx)
    if created_at > os.stat(path).st_mtime:
        raise Problem(
            f"the tables in {folder} list {lost} more than the store {store.path}, which is newer",
            command("mailgate setup maps --force"),
            advice="if this is not the store they were made from, restore that one; --force removes the addresses",
        )


def indexes(folder: str, name: str) -> list[str]:
    """The index files of a table that are there: `NAME.db` and the like."""
    return sorted(file for file in os.listdir(folder) if file.rpartition(".")[0] == name and not file.endswith(".lock"))


def _write(folder: str, name: str, text: str) -> bool:
    path = os.path.join(folder, name)
    if _read(path) == text and _is_indexed(folder, name):
        return False
    new = f".{name}.new"
    with _removed(folder, new):
        descriptor = os.open(os.path.join(folder, new), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        if name in maps.INDEXED:
            _index(os.path.join(folder, new))
        made = indexes(folder, new)
        for index in made:
            _sync(os.path.join(folder, index), 0o644)
        os.replace(os.path.join(folder, new), path)
        for index in made:  # last, so that it is newer than its text: Postfix warns of an older index
            os.replace(os.path.join(folder, index), path + index.removeprefix(new))
        _sync(folder)
    return True


def _is_indexed(folder: str, name: str) -> bool:
    if name not in maps.INDEXED or not postfix():
        return True
    text = os.stat(os.path.join(folder, name)).st_mtime
    times = [os.stat(os.path.join(folder, index)).st_mtime for index in indexes(folder, name)]
    return max(times, default=0.0) >= text


def postfix() -> str | None:
    """Postfix' program that makes indexes, None when it is not installed."""
    return shutil.which("postmap", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/sbin")


def _index(path: str) -> None:
    """Have Postfix make an index of its default type; none where Postfix is not set up. Raises Problem."""
    program = postfix()
    if program is None or _has_no_configuration():
        return
    try:
        done = subprocess.run(  # noqa: S603 a program of the mail server, with a path of ours
            [program, path], capture_output=True, text=True, cwd="/", timeout=_WAIT, errors="replace", check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"{program} failed: {error}", AGAIN) from error
    if done.returncode and not re.search(r"open \S*/main\.cf: No such file", done.stderr):
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise Problem(f"{program} failed: {last}", AGAIN)


def _has_no_configuration() -> bool:
    """Whether Postfix is installed and was never set up, so that its programs wait for a second and fail."""
    folder = os.environ.get("MAIL_CONFIG", "/etc/postfix")
    return os.path.exists(f"{folder}/postfix-files") and not os.path.exists(f"{folder}/main.cf")


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _sync(path: str, mode: int | None = None) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _removed(folder: str, new: str) -> Iterator[None]:
    """Leave nothing under the temporary name, from an interrupted run or from this one."""

    def clean() -> None:
        for file in [new, *indexes(folder, new)]:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, file))

    clean()
    try:
        yield
    finally:
        clean()


def difference(folder: str, texts: Mapping[str, str]) -> list[str]:
    """The tables whose file differs from its text or is missing. Raises OSError."""
    return [name for name, text in texts.items() if _read(os.path.join(folder, name)) != text]
