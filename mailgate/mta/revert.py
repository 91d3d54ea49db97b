"""Take a change of ours back out of a text that an administrator may have edited since."""

import difflib
import re
from collections.abc import Sequence

from mailgate.mta.postfix_settings import items


def without(current: str, old: str, new: str) -> str:
    """`current` with the change from `old` to `new` taken back: `old` where nothing else has changed.

    A parameter that was edited since keeps the items that we did not add.
    """
    if current == new:
        return old
    present, before, after = entries(current), entries(old), entries(new)
    for operation, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if operation != "equal":
            present = _taken_back(present, before[i1:i2], after[j1:j2])
    return "".join(entry if entry.endswith("\n") else f"{entry}\n" for entry in present[:-1]) + "".join(present[-1:])


def entries(text: str) -> list[str]:
    """The lines of a text, each with the indented lines that continue it."""
    found: list[str] = []
    for line in text.splitlines(keepends=True):
        if found and line[0] in " \t" and line.strip() and not found[-1].startswith("#"):
            found[-1] += line
        else:
            found.append(line)
    return found


def _taken_back(present: list[str], old: Sequence[str], new: Sequence[str]) -> list[str]:
    for at in range(len(present) - len(new) + 1):
        if new and present[at : at + len(new)] == list(new):
            return [*present[:at], *old, *present[at + len(new) :]]
    former = {_name(entry): entry for entry in old}
    for entry in new:
        if not entry.strip():
            continue
        name = _name(entry)
        at = next((i for i, each in enumerate(present) if each == entry or (name and _name(each) == name)), -1)
        if at >= 0:
            put = former.get(name, "")
            if present[at] != entry and "=" in name:
                put = _smaller(present[at], put, entry)
            present = [*present[:at], *([put] if put else []), *present[at + 1 :]]
    return present


def _name(entry: str) -> str:
    """What an entry is found by when it was edited: `NAME =` of a parameter, the first two words of a service."""
    if not entry.strip() or entry.startswith("#"):
        return ""
    parameter = re.match(r"([\w.]+)\s*=", entry)
    return f"{parameter[1]} =" if parameter else " ".join(entry.split()[:2])


def _smaller(edited: str, old: str, new: str) -> str:
    """A parameter that was edited after us, without the items that we added."""
    name, _, value = edited.partition("=")
    was, ours = (items(entry.partition("=")[2]) for entry in (old, new))
    left = [item for item in items(value) if item in was or item not in ours]
    if left == was:
        return old
    return f"{name.rstrip()} = {', '.join(left)}\n" if left else ""
