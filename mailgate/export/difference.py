"""What turns one description of the store into another."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mailgate.export.describe import Tables
from mailgate.export.schema import KINDS


class FieldChange(NamedTuple):
    """One key whose value changed; values are as TOML has them."""

    key: str
    before: Any
    after: Any


class Change(NamedTuple):
    """One thing that was `added`, `changed` or `removed`, with the keys that differ."""

    kind: str
    name: str
    change: str
    fields: tuple[FieldChange, ...]


def difference(before: Tables, after: Tables) -> list[Change]:
    """The changes, kind by kind, in the order of the file."""
    changes = []
    for kind in after:
        defaults = KINDS[kind].defaults()
        old, new = before[kind], after[kind]
        for name in [*new, *(name for name in old if name not in new)]:
            fields = tuple(_fields(defaults, old.get(name, {}), new.get(name, {})))
            if name not in old:
                changes.append(Change(kind, name, "added", fields))
            elif name not in new:
                changes.append(Change(kind, name, "removed", fields))
            elif fields:
                changes.append(Change(kind, name, "changed", fields))
    return changes


def _fields(defaults: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> list[FieldChange]:
    pairs = [(key, old.get(key, default), new.get(key, default)) for key, default in defaults.items()]
    return [FieldChange(key, before, after) for key, before, after in pairs if before != after]
