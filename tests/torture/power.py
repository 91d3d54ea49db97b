"""Rebuild the states in which a power cut can leave the disk, from the system calls of one delivery.

What was written and not synced may be there or not, in any order, and torn at a sector; an entry of a folder likewise
until the folder is synced (POSIX). A store in any such state must open, be whole, and have the message or not; once
the delivery has answered, it must have it.
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from torture import rig
from torture.checks import Figures

SECTOR = 512
_LINE = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
_TRACED = "openat,close,pwrite64,write,ftruncate,fsync,fdatasync,unlink"


class Op(NamedTuple):
    """A call that changes the disk: write, truncate, create, unlink; sync and syncdir make earlier ones durable."""

    kind: str
    name: str = ""
    at: int = 0
    octets: bytes = b""


def recorded(gate: rig.Gate, message: bytes) -> list[Op]:
    """What a delivery does to the store's files."""
    log = gate.folder / "strace"
    command = ["strace", "-xx", "-s", "4000000", "-e", f"trace={_TRACED}", "-o", str(log), *gate.deliver()]
    answer = rig.run(command, message)
    assert answer.exit == 0, answer
    folder, names, ops = str(gate.folder), {}, []
    for line in log.read_text().splitlines():
        match = _LINE.match(line)
        if not match or match[3].startswith("-"):
            continue
        call, result = match[1], int(match[3])
        texts = [_octets(text) for text in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', match[2])]
        first = match[2].partition(",")[0]
        name = names.get(int(first)) if first.isdecimal() else None
        if call == "openat":
            path = texts[0].decode()
            names[result] = "/" if path == folder else Path(path).name if path.startswith(folder) else ""
            if "O_CREAT" in match[2] and names[result].endswith("-journal"):
                ops.append(Op("create", names[result]))
        elif call == "unlink" and texts[0].decode().startswith(folder):
            ops.append(Op("unlink", Path(texts[0].decode()).name))
        elif name == "/" and call in ("fsync", "fdatasync"):
            ops.append(Op("syncdir"))
        elif not name or not name.startswith("mailgate.db") or name.endswith(".lock"):
            continue
        elif call == "pwrite64":
            ops.append(Op("write", name, int(match[2].rpartition(",")[2]), texts[0]))
        elif call == "ftruncate":
            ops.append(Op("truncate", name, int(match[2].rpartition(",")[2])))
        elif call in ("fsync", "fdatasync"):
            ops.append(Op("sync", name))
    return ops


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


class Disk:
    """What is durable: the octets of files, and the entries of their folder; `pending` may be or not."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.entries = {name: bytearray(octets) for name, octets in files.items()}, set(files)
        self.pending: list[Op] = []

    def do(self, op: Op) -> None:
        if op.kind == "sync":
            self._settle(lambda each: each.name == op.name and each.kind in ("write", "truncate"))
        elif op.kind == "syncdir":
            self._settle(lambda each: each.kind in ("create", "unlink"))
        else:
            self.pending.append(op)

    def _settle(self, chosen) -> None:  # type: ignore[no-untyped-def]
        for op in [each for each in self.pending if chosen(each)]:
            _apply(self.files, self.entries, op)
        self.pending = [each for each in self.pending if not chosen(each)]

    def after_a_cut(self, chance: random.Random, *, ordered: bool) -> dict[str, bytes]:
        """The files as they may be found."""
        files = {name: bytearray(octets) for name, octets in self.files.items()}
        entries = set(self.entries)
        count = chance.randint(0, len(self.pending))
        for at, op in enumerate(self.pending):
            if (at < count) if ordered else chance.random() < 0.5:
                torn = op.kind == "write" and chance.random() < 0.2
                _apply(files, entries, op._replace(octets=op.octets[: _cut(op, chance)]) if torn else op)
        return {name: bytes(files.get(name, b"")) for name in entries}


def _cut(op: Op, chance: random.Random) -> int:
    return SECTOR * chance.randint(0, max(1, len(op.octets) // SECTOR))


def _apply(files: dict[str, bytearray], entries: set[str], op: Op) -> None:
    if op.kind == "create":
        files.setdefault(op.name, bytearray())
        entries.add(op.name)
    elif op.kind == "unlink":
        files.pop(op.name, None)
        entries.discard(op.name)
    elif op.kind == "truncate":
        held = files.setdefault(op.name, bytearray())
        held[:] = bytes(held[: op.at]).ljust(op.at, b"\0")
    else:
        held = files.setdefault(op.name, bytearray())
        if len(held) < op.at:
            held.extend(bytes(op.at - len(held)))
        held[op.at : op.at + len(op.octets)] = op.octets


def power(most: int, control: str = "") -> Figures:
    """At most so many different states, of a new message, a refusal and one of 100 KB."""
    violations: list[str] = []
    tried = 0
    kinds = (("support@example.com", 200), ("closed@example.com", 200), ("support@example.com", 100_000))
    for recipient, size in kinds:
        with rig.gate(control) as gate:
            gate.deliver = lambda way="pipe", to=recipient, made=gate.deliver: made(way, to)  # type: ignore[method-assign]
            message = rig.mail(1, size)
            before = {"mailgate.db": gate.path.read_bytes()}
            ops = recorded(gate, message)
            for step, state in _states(before, ops, most // len(kinds)):
                tried += 1
                for path in gate.folder.glob("mailgate.db*"):
                    path.unlink()
                for name, octets in state.items():
                    (gate.folder / name).write_bytes(octets)
                try:
                    found = [octets for *_, octets in gate.messages()]
                except Exception as error:
                    violations.append(f"{recipient} {size} after call {step}: {type(error).__name__}: {error}")
                    continue
                if found not in ([], [message]) or (step == len(ops) and not found):
                    violations.append(f"{recipient} {size} after call {step} of {len(ops)}: {len(found)} kept")
    return Figures("power", tried, tried, tuple(violations))


def _states(before: dict[str, bytes], ops: list[Op], most: int) -> Iterator[tuple[int, dict[str, bytes]]]:
    chance, seen = random.Random(17), set()
    for _ in range(3 * most):
        step = chance.choice((chance.randint(0, len(ops)), len(ops)))
        disk = Disk(before)
        for op in ops[:step]:
            disk.do(op)
        state = disk.after_a_cut(chance, ordered=chance.random() < 0.3)
        key = (step == len(ops), tuple(sorted((name, hash(octets)) for name, octets in state.items())))
        if key not in seen:
            seen.add(key)
            yield step, state
            if len(seen) >= most:
                return
