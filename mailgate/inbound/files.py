"""Take the messages of files on this machine: an mbox, a Maildir, a folder of `.eml` files.

The same way as from a server, so a run that was broken off goes on where it was; a message is known by its content. It
is kept mail: nobody is answered, nobody gets a copy, and no sender is too busy.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from mailgate.gateway import log
from mailgate.gateway import receive as gateway
from mailgate.gateway.receive import Receipt
from mailgate.inbound.folder import BATCH, Progress, Tally, kind_of
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.settings.config import Config
from mailgate.store import collected
from mailgate.store.database import Store, Transaction
from mailgate.values.digest import sha256
from mailgate.values.problem import Problem, StoreError

_READ = 1 << 20


class Found(NamedTuple):
    """A message in a file: its bytes, or its header alone where it is `whole` octets long and that is too many."""

    raw: bytes
    whole: int = 0


def take(
    store: Store,
    config: Config,
    kind: str,
    path: str,
    model: str | None,
    values: Mapping[str, str],
    progress: Progress = lambda done, of: None,
    clock: Callable[[], float] = time.time,
) -> Tally:
    """Take every message of a file or folder that was not taken before. kind: mbox, maildir or eml.

    Raises Problem when it cannot be read, StoreError, sqlite3.Error or OSError.
    """
    place = os.path.realpath(path)
    count, messages = _READERS[kind](place, config.max_size)
    kept = Incoming(b"", fallback=Fallback(model, values) if model else None, source="file")
    with store.write() as tx:
        box = collected.mailbox(tx, None, f"{kind}:{place}", "")
        known = set(collected.known(tx, box))
    counts = dict.fromkeys(Tally._fields, 0)
    waiting: dict[str, Found] = {}

    def receive(names: list[str], failure: str = "") -> None:
        batch = [kept._replace(**waiting[name]._asdict(), failure=failure) for name in names]

        def settle(tx: Transaction, at: int, receipt: Receipt) -> None:
            if kind_of(receipt) != "left":
                collected.settle(tx, box, names[at], "taken", told=True)

        for receipt in gateway.receive_all(store, config, batch, clock(), settle):
            log.delivered(receipt)
            counts["fetched"] += 1
            counts[kind_of(receipt)] += 1

    def flush() -> None:
        names = list(waiting)
        try:
            receive(names)
        except (StoreError, sqlite3.OperationalError, OSError):
            raise
        except Exception:  # a mistake of ours about one of them: it is kept, and the others do not wait for it
            for each in names:
                try:
                    receive([each])
                except (StoreError, sqlite3.OperationalError, OSError):
                    raise
                except Exception as error:
                    receive([each], f"{type(error).__name__}: {error}"[:200])
        known.update(names)
        waiting.clear()

    for done, found in enumerate(messages, 1):
        name = sha256(found.raw).hexdigest()
        if name not in known and name not in waiting:
            waiting[name] = found
        if len(waiting) == BATCH:
            flush()
        progress(done, count)
    flush()
    return Tally(**counts)


def _mbox(path: str, most: int) -> tuple[int, Iterator[Found]]:
    """Messages between lines that begin with `From ` behind an empty line; how many there are is not known before."""
    _readable(path, os.path.isfile, "file")
    return 0, _split(path, most)


def _split(path: str, most: int) -> Iterator[Found]:
    octets, whole, begun, blank = bytearray(), 0, False, True
    with open(path, "rb") as file:
        while line := file.readline(_READ):
            if blank and line.startswith(b"From "):
                if begun:
                    yield _found(bytes(octets), whole, most)
                octets, whole, begun = bytearray(), 0, True
            elif not begun:
                raise Problem(f"{path} is no mbox: its first line does not begin with `From `", "fetch eml, or maildir")
            else:
                whole += len(line)
                octets += line if whole <= most + _READ else b""
            blank = line in (b"\n", b"\r\n")
    if begun:
        yield _found(bytes(octets), whole, most)


def _found(octets: bytes, whole: int, most: int) -> Found:
    if whole <= len(octets):  # the empty line in front of the next `From ` is not part of it
        octets = octets[:-2] if octets.endswith(b"\r\n\r\n") else octets[:-1] if octets.endswith(b"\n\n") else octets
        whole = len(octets)
    if whole <= most:
        return Found(octets)
    ends = [at for end in (b"\n\n", b"\r\n\r\n") if (at := octets.find(end)) >= 0]
    return Found(octets[: min(ends, default=min(len(octets), _READ))] + b"\n\n", whole)


def _maildir(path: str, most: int) -> tuple[int, Iterator[Found]]:
    """What is in `new` and `cur`, by name, which begins with the time of its delivery."""
    _readable(os.path.join(path, "cur"), os.path.isdir, "Maildir")
    files = [os.path.join(path, part, name) for part in ("new", "cur") for name in os.listdir(os.path.join(path, part))]
    files = [each for each in files if not os.path.basename(each).startswith(".")]
    return len(files), _files(sorted(files, key=os.path.basename), most)


def _eml(path: str, most: int) -> tuple[int, Iterator[Found]]:
    """The files `*.eml` in a folder, by name; or one of them."""
    _readable(path, os.path.exists, "file or folder")
    files = [path] if os.path.isfile(path) else [os.path.join(path, each) for each in sorted(os.listdir(path))]
    files = [each for each in files if each == path or each.lower().endswith(".eml")]
    return len(files), _files(files, most)


def _files(paths: list[str], most: int) -> Iterator[Found]:
    for path in paths:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            octets = file.read(most + 1)
        yield Found(octets) if size <= most else _found(octets, size, most)


def _readable(path: str, there: Callable[[str], bool], what: str) -> None:
    if not there(path):
        raise Problem(f"{path} is no {what}, or the owner of the store may not look at it", f"ls -ld {path}")


_READERS: Mapping[str, Callable[[str, int], tuple[int, Iterator[Found]]]] = {
    "mbox": _mbox,
    "maildir": _maildir,
    "eml": _eml,
}
