"""Change a few entries of the mail server's tables in place, where all others are as they should be.

Whatever is out of the ordinary (another store, a table that somebody else wrote, many changes) is left to `write`,
which makes every table anew.
"""

import contextlib
import json
import mmap
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mailgate import __version__
from mailgate.mta import maps
from mailgate.settings.config import Config
from mailgate.store import address_changes
from mailgate.store.address_changes import Mark
from mailgate.store.database import Transaction
from mailgate.values import names
from mailgate.values.directory import RESERVED

LIMIT = 100
"""Addresses that are patched; more are made anew."""
_STATE = "maps.state"


class Entry(NamedTuple):
    """A line that a table should have, or should not have. `host`: the domain whose lines it stands among, or none."""

    key: str
    line: str
    host: str
    present: bool


class Edited(NamedTuple):
    """A table with its entries changed: pieces of the old one (begin, end) and new lines; what came and went."""

    pieces: Sequence[tuple[int, int] | bytes]
    added: Sequence[str]
    removed: Sequence[str]


def entries(tx: Transaction, config: Config, mark: Mark | None) -> Mapping[str, Sequence[Entry]] | None:
    """What may have changed since a mark, by table; None where that cannot be told."""
    changed = address_changes.since(tx, mark, LIMIT) if mark else None
    if changed is None:
        return None
    delimiters = address_changes.delimiters(tx)
    pairs = dict.fromkeys((domain, key) for domain, local in changed for key in (local, maps.cut(local, delimiters)))
    pairs = {pair: None for pair in pairs if not pair[1].startswith(maps.COMMENT)}
    if not all(names.is_local_part(local) for _, local in pairs):
        return None  # `write` says what is wrong
    listed: dict[str, list[Entry]] = {maps.ADDRESSES: [], maps.ALIASES: []}
    for domain, local in pairs:
        cuts = delimiters if maps.cut(local, delimiters) == local else ""
        here = address_changes.is_reached(tx, local, cuts, domain)
        for name in address_changes.names_of(tx, domain):
            present = here or (local in RESERVED and name not in config.maps_shared)
            for host in maps.spelled(name):
                address = f"{local}@{host}"
                listed[maps.ADDRESSES].append(Entry(address, maps.entry(address), host, present))
        if local not in RESERVED:
            anywhere = here or address_changes.is_reached(tx, local, cuts)
            listed[maps.ALIASES].append(Entry(local, maps.piped(local), "", anywhere))
    return {name: list({entry.key: entry for entry in of}.values()) for name, of in listed.items()}


def edited(path: str, changed: Iterable[Entry]) -> Edited | None:
    """A table with some entries added or removed at their places; None where it does not have them. Raises OSError."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        places = _places(text, changed)
        size = len(text)
    if places is None:
        return None
    pieces: list[tuple[int, int] | bytes] = []
    done = 0
    for place in sorted(places):
        pieces += [(done, place.at), place.line]
        done = place.at + place.gone
    added = [place.line.decode() for place in places if not place.gone]
    return Edited([*pieces, (done, size)], added, [place.key for place in places if place.gone])


class _Place(NamedTuple):
    """Where a line begins, how many octets of it go, and what comes instead."""

    at: int
    gone: int
    local: str
    line: bytes
    key: str


def _places(text: mmap.mmap, changed: Iterable[Entry]) -> list[_Place] | None:
    places = []
    for entry in changed:
        line, local = entry.line.encode(), entry.key.partition("@")[0]
        block = _block(text, entry.host) if entry.host else (len(maps.HEADER.encode()), len(text))
        if block is None:
            return None
        at = _place(text, *block, local.encode(), b"@" if entry.host else b" ")
        there = text[at : at + len(line)] == line
        if entry.present and not there:
            places.append(_Place(at, 0, local, line, entry.key))
        elif there and not entry.present:
            places.append(_Place(at, len(line), local, b"", entry.key))
    return places


def _block(text: mmap.mmap, host: str) -> tuple[int, int] | None:
    """Where the lines of a domain begin and end in the table of addresses; they are sorted by local part."""
    ending = maps.entry(f"@{host}").encode()
    begin = text.rfind(b"\n", 0, max(0, bytes(text).find(ending))) + 1  # a mapped file is searched slowly
    step, end = 1, begin
    while step:  # as far as there are lines of this domain
        line = max(begin, text.rfind(b"\n", begin, end + step) + 1)
        following = text.find(b"\n", line) + 1 if line < len(text) else 0
        if following and text[following - len(ending) : following] == ending and text[line : line + 1] != b"@":
            end, step = following, 2 * step
        else:
            step //= 2
    return (begin, end) if end > begin else None


def _place(text: mmap.mmap, begin: int, end: int, key: bytes, separator: bytes) -> int:
    """Where the line of a key is, or should be, among lines that are sorted by what stands before the separator."""
    while begin < end:
        line = text.rfind(b"\n", begin, (begin + end) // 2) + 1 or begin
        if text[line : text.find(separator, line)] < key:
            begin = text.find(b"\n", line) + 1
        else:
            end = line
    return begin


def known(folder: str, state: Mapping[str, Any]) -> Mark | None:
    """The change up to which the tables have everything; None unless the state is the one that was noted then."""
    try:
        with open(os.path.join(folder, _STATE), encoding="utf-8") as file:
            noted = json.load(file)
        mark = noted.pop("mark")
        return Mark(*mark) if noted == state else None
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return None  # there is none, or it is damaged


def remember(folder: str, state: Mapping[str, Any], mark: Mark | None) -> None:
    """Note that the tables have everything up to a change. Raises OSError."""
    path = os.path.join(folder, _STATE)
    if mark and known(folder, state) == mark:
        return
    new = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    with open(new, "x", encoding="utf-8") as file:  # never through a link that another user left there
        json.dump({**state, "mark": mark}, file)
    os.replace(new, path)


def state(folder: str, config: Config, files: Sequence[str], *, indexed: bool) -> dict[str, Any]:
    """What makes the tables what they are: the program, its settings, and these files of the folder."""
    stats = {name: os.stat(os.path.join(folder, name)) for name in files}
    return {
        "version": __version__,
        "settings": [sorted(config.maps_shared), config.maps_unknown, indexed],
        "files": {name: [stat.st_ino, stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()},
    }
