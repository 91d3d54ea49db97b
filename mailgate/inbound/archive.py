"""Read the messages in an mbox, in a Maildir, or in a folder of `.eml` files."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from mailgate.values.problem import Problem, command

_READ = 1 << 20


class ArchivedMessage(NamedTuple):
    """A message in a file. Of one that is too large, `raw` is the header and `full_size` its octets; else 0."""

    raw: bytes
    full_size: int = 0


def read(kind: str, path: str, max_size: int) -> tuple[int, Iterator[ArchivedMessage]]:
    """How many messages there are in a file or folder, and the messages; 0 where that is not known before the end.

    kind: mbox, maildir or eml; `max_size`: octets above which a message is too large. Raises Problem, OSError.
    """
    return _READERS[kind](path, max_size)


def _mbox(path: str, max_size: int) -> tuple[int, Iterator[ArchivedMessage]]:
    _check(path, os.path.isfile, "file")
    return 0, _split(path, max_size)


def _split(path: str, max_size: int) -> Iterator[ArchivedMessage]:
    """The messages between lines that start with `From ` after an empty line (RFC 4155)."""
    octets, size, started, blank = bytearray(), 0, False, True
    with open(path, "rb") as file:
        while line := file.readline(_READ):
            if blank and line.startswith(b"From "):
                if started:
                    yield _message(bytes(octets), size, max_size)
                octets, size, started = bytearray(), 0, True
            elif not started:
                raise Problem(
                    f"{path} is not an mbox: its first line does not start with `From `", advice="fetch eml, or maildir"
                )
            else:
                size += len(line)
                octets += line if size <= max_size + _READ else b""
            blank = line in (b"\n", b"\r\n")
    if started:
        yield _message(bytes(octets), size, max_size)


def _message(octets: bytes, size: int, max_size: int) -> ArchivedMessage:
    """A message of so many octets, of which these were read."""
    if size <= len(octets):  # the empty line before the next `From ` is not part of it
        octets = octets[:-2] if octets.endswith(b"\r\n\r\n") else octets[:-1] if octets.endswith(b"\n\n") else octets
        size = len(octets)
    if size <= max_size:
        return ArchivedMessage(octets)
    ends = [at for end in (b"\n\n", b"\r\n\r\n") if (at := octets.find(end)) >= 0]
    return ArchivedMessage(octets[: min(ends, default=min(len(octets), _READ))] + b"\n\n", size)


def _maildir(path: str, max_size: int) -> tuple[int, Iterator[ArchivedMessage]]:
    """The files in `new` and `cur`, by name, which starts with the time of delivery."""
    _check(os.path.join(path, "cur"), os.path.isdir, "Maildir")
    folders = [os.path.join(path, name) for name in ("new", "cur")]
    files = [os.path.join(folder, name) for folder in folders for name in os.listdir(folder) if name[0] != "."]
    return len(files), _files(sorted(files, key=os.path.basename), max_size)


def _eml(path: str, max_size: int) -> tuple[int, Iterator[ArchivedMessage]]:
    """The files `*.eml` in a folder, by name; or one file of any name."""
    _check(path, os.path.exists, "file or folder")
    files = [path]
    if not os.path.isfile(path):
        files = [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.lower().endswith(".eml")]
    return len(files), _files(files, max_size)


def _files(paths: list[str], max_size: int) -> Iterator[ArchivedMessage]:
    for path in paths:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            octets = file.read(max_size + 1)
        yield ArchivedMessage(octets) if size <= max_size else _message(octets, size, max_size)


def _check(path: str, exists: Callable[[str], bool], kind: str) -> None:
    if not exists(path):
        raise Problem(
            f"{path} is not a {kind}, or the owner of the store may not look at it", command("ls -ld {FILE}", path)
        )


_READERS: Mapping[str, Callable[[str, int], tuple[int, Iterator[ArchivedMessage]]]] = {
    "mbox": _mbox,
    "maildir": _maildir,
    "eml": _eml,
}
