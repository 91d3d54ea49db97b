"""Keep the mail server's tables in step with the store, after every command that changes an alias or a domain.

A table is replaced as a whole, though it may be made of the old one and a few entries (`patch`), under a lock in which
the store is read, so that the last of several commands leaves the newest state. Postfix' index is made under another
name and renamed, which its daemons notice by themselves.
"""

import contextlib
import errno
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from mailgate.mta import maps, patch
from mailgate.settings.config import Config
from mailgate.store import address_changes, database, directory, keys
from mailgate.store.database import Store
from mailgate.values.problem import Problem, command

AGAIN = command("mailgate setup maps")
_NO_FOLDER = "`mailgate setup postfix` or `mailgate setup exim` prints the lines for it"
_WAIT = 20.0
"""Seconds to wait for another command that is writing."""


def current(store: Store, config: Config) -> maps.Maps:
    """What the tables should be made of now. Raises Problem as `maps.check`."""
    with store.read() as tx:
        made = maps.Maps(directory.names_alone(tx), config.maps_shared, config.maps_unknown == "accept")
    maps.check(made)
    return made


def refresh(store: Store, config: Config, *, force: bool = False) -> list[str]:
    """Write the tables that differ from the store; their names. Raises Problem.

    A table stays as it is when its new text or index cannot be made. Without `force`, a store that is younger than the
    tables takes no address out of them: it may be an empty one in place of another that is lost.
    """
    with _alone(config) as folder:
        return _refresh(store, config, folder, force=force)


def follow(store: Store, config: Config) -> list[str]:
    """The same after a command, which changed few addresses: only these are looked at, where the tables are as
    mailgate left them."""
    with _alone(config) as folder:
        with store.read() as tx:
            changed = patch.entries(tx, config, patch.known(folder, _state(folder, config)))
            mark = address_changes.newest(tx)
        if changed is None:
            return _refresh(store, config, folder, force=False)
        edits = {}
        for name in [name for name, entries in changed.items() if entries]:
            edited = patch.edited(os.path.join(folder, name), changed[name])
            if edited is None:
                return _refresh(store, config, folder, force=False)
            if edited.added or edited.removed:
                edits[name] = edited
        for name, edited in edits.items():
            _replace(folder, name, edited)
        if any(changed.values()):
            patch.remember(folder, _state(folder, config), mark)
        return list(edits)


@contextlib.contextmanager
def _alone(config: Config) -> Iterator[str]:
    """The folder of the tables, while no other command writes there. Raises Problem."""
    folder = config.maps
    if folder is None:
        raise Problem("no tables are kept: the configuration names no folder", advice=_NO_FOLDER)
    if not os.path.isdir(folder):
        made = command("install -d -m 755 -o mailgate -g mailgate {FOLDER}", folder)
        raise Problem(f"no folder {folder} for the mail server's tables", made, AGAIN)
    try:
        with database.locked(os.path.join(folder, "maps"), _WAIT):
            yield folder
    except OSError as error:
        raise Problem(
            f"cannot write {error.filename or folder}: {error.strerror}", command("ls -l {FOLDER}", folder), AGAIN
        ) from error


def _refresh(store: Store, config: Config, folder: str, *, force: bool) -> list[str]:
    with store.read() as tx:
        mark = address_changes.newest(tx)  # what changes from here on is patched again, which changes nothing
    texts = maps.tables(current(store, config))
    if not force:
        _keep_others(store, folder, texts[maps.ADDRESSES])
    written = [name for name, text in texts.items() if _write(folder, name, text)]
    patch.remember(folder, _state(folder, config), mark)
    return written


def _state(folder: str, config: Config) -> dict[str, Any]:
    tables = [name for name in (maps.SIGNED, *maps.INDEXED) if os.path.exists(os.path.join(folder, name))]
    files = [file for name in tables for file in (name, *indexes(folder, name))]
    program = postfix()
    indexed = program is not None and not _is_not_set_up(program)
    return patch.state(folder, config, files, indexed=indexed)


def unlisted(store: Store) -> list[str]:
    """Our addresses that no table can hold, because such a line is a comment: no mail reaches them."""
    with store.read() as tx:
        return address_changes.beginning_with(tx, maps.COMMENT)


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
    _replace(folder, name, text)
    return True


def _replace(folder: str, name: str, text: str | patch.Edited) -> None:
    """Put a table and its index in place of the old ones, of which it may have most."""
    path, new = os.path.join(folder, name), f".{name}.new"
    with _removed(folder, new):
        descriptor = os.open(os.path.join(folder, new), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        with open(descriptor, "wb") as file:
            if isinstance(text, str):
                file.write(text.encode())
            else:
                _copy(path, file, text)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        if name in maps.INDEXED and (isinstance(text, str) or not _is_index_patched(folder, name, new, text)):
            _index(os.path.join(folder, new))
        made = indexes(folder, new)
        for index in made:
            _sync(os.path.join(folder, index), 0o644)
        os.replace(os.path.join(folder, new), path)
        for index in made:  # last, so that it is newer than its text: Postfix warns of an older index
            os.replace(os.path.join(folder, index), path + index.removeprefix(new))
        _sync(folder)


def _copy(path: str, file: BinaryIO, edited: patch.Edited) -> None:
    """Write the pieces of the old table, and the new lines between them."""
    with open(path, "rb", buffering=0) as old:
        for piece in edited.pieces:
            if isinstance(piece, bytes):
                file.write(piece)
                continue
            at, end = piece
            old.seek(at)
            while at < end:
                read = old.read(min(end - at, _PIECE))
                if not read:
                    raise OSError(errno.EIO, "it became shorter", path)
                file.write(read)
                at += len(read)


_PIECE = 1 << 20
"""Octets that are copied at once."""


def _is_index_patched(folder: str, name: str, new: str, edited: patch.Edited) -> bool:
    """Make the new index from the old one, which costs Postfix nothing but the entries; whether that could be done."""
    program, old = postfix(), indexes(folder, name)
    suffixes = [index.rpartition(".")[2] for index in old]
    if program is None or len(old) != 1 or suffixes[0] not in _TYPES:
        return False
    copy = os.path.join(folder, f"{new}.{suffixes[0]}")
    with open(os.path.join(folder, old[0]), "rb") as source, open(copy, "xb") as target:  # never through a link
        shutil.copyfileobj(source, target)
    table = f"{_TYPES[suffixes[0]]}:{os.path.join(folder, new)}"
    runs = [(["-i", table], edited.added), (["-d", "-", table], [f"{key}\n" for key in edited.removed])]
    for arguments, lines in runs:
        if lines and _run([program, *arguments], "".join(lines)).returncode:
            os.unlink(copy)  # not of this type, or damaged
            return False
    return True


_TYPES = {"db": "hash", "lmdb": "lmdb"}
"""The types of index that Postfix can change, by the suffixes of their files."""


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
    if program is None or _is_not_set_up(program):
        return
    done = _run([program, path])
    if done.returncode and not re.search(r"open \S*/main\.cf: No such file", done.stderr):
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise Problem(f"{program} failed: {last}", AGAIN)


def _run(words: Sequence[str], input: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program of the mail server. Raises Problem."""
    try:
        return subprocess.run(  # noqa: S603 a program of the mail server, with a path of ours
            words, input=input, capture_output=True, text=True, cwd="/", timeout=_WAIT, errors="replace", check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"{words[0]} failed: {error}", AGAIN) from error


def _is_not_set_up(program: str) -> bool:
    """Whether this is the system's Postfix, and was never set up: its programs then wait for a second and fail."""
    if os.path.realpath(program) != "/usr/sbin/postmap":
        return False
    folder = os.environ.get("MAIL_CONFIG") or "/etc/postfix"
    known = "MAIL_CONFIG" in os.environ or os.path.exists(f"{folder}/postfix-files")  # where it was built to look
    return known and not os.path.exists(f"{folder}/main.cf")


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
