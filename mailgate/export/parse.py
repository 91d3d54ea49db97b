"""Read a configuration file into what it proposes, with the place of everything that is wrong with it."""

import difflib
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from mailgate.export.schema import KINDS, TABLES, Key, Kind
from mailgate.settings import located
from mailgate.settings.located import Path, Place
from mailgate.store import contacts
from mailgate.values.problem import Problem

_SAID = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a whole number",
    list: "a list of texts in quotes",
    dict: "a table of texts in quotes",
}


class Entry(NamedTuple):
    """A thing that a file declares, by the name it has in the store: the fields stated there, and the way to it."""

    kind: str
    name: str
    fields: Mapping[str, Any]
    path: Path


class Fault(NamedTuple):
    """What is wrong with a file, and where."""

    place: Place
    problem: Problem


class Proposal:
    """What one file says: `entries`, complete only when there are no `faults`."""

    def __init__(self, octets: bytes, name: str) -> None:
        """Read a file. Raises ConfigError when it is no TOML."""
        self._octets = octets
        self.entries: list[Entry] = []
        self.faults: list[Fault] = []
        self._seen: dict[tuple[str, str], Path] = {}
        table = located.read(octets, name)
        for each in table:
            if each not in TABLES:
                self.fault((each,), Problem(f"there is no table `{each}`{near(each, TABLES)}"))
        for each in TABLES:
            found = table.get(each, {})
            if not isinstance(found, dict):
                self.fault((each,), Problem(f"`{each}` must be a table, as `[{each}]`"))
            elif each == "parameters":
                self._parameters(found)
            elif each == "senders":
                self._senders(found)
            else:
                self._things(KINDS[each], found)

    @cached_property
    def _places(self) -> dict[Path, Place]:
        return located.places(self._octets.decode("utf-8"))

    def fault(self, path: Path, problem: Problem) -> None:
        """Note what is wrong with the value at a path, or with the table it would stand in."""
        while path and path not in self._places:
            path = path[:-1]
        self.faults.append(Fault(self._places.get(path, Place(1, 1)), problem))

    def _add(self, kind: Kind, name: str, fields: Mapping[str, Any], path: Path) -> None:
        """Note a thing; two spellings of one name are a fault."""
        try:
            spelled = kind.spell(name)
        except Problem as problem:
            self.fault(path, problem)
            return
        first = self._seen.setdefault((kind.name, spelled), path)
        if first != path:
            self.fault(path, Problem(f"`{name}` stands in line {self._places[first].line} already"))
            return
        self.entries.append(Entry(kind.name, spelled, fields, path))

    def _things(self, kind: Kind, found: Mapping[str, Any]) -> None:
        """Read the tables of one kind."""
        known = {each.name: each for each in kind.keys}
        for name, table in found.items():
            path: Path = (kind.name, name)
            if not isinstance(table, dict):
                self.fault(path, Problem(f'`{kind.name}` is a table of tables, each as [{kind.name}."NAME"]'))
                continue
            fields = {}
            for key, value in table.items():
                if key in known:
                    fields.update(self._field(known[key], value, (*path, key)))
                else:
                    self.fault((*path, key), Problem(f"unknown key `{key}`{near(key, known)}"))
            for missing in (each for each in kind.needs if each not in table):
                self.fault(path, Problem(f"{kind.name} `{name}` has no `{missing}`"))
            if "same_as" in fields and len(table) > 1:
                other = next(key for key in table if key != "same_as")
                self.fault((*path, other), Problem(f"`{name}` is another name of a domain, and shares all it has"))
            if kind.name == "domain" and fields.get("default"):
                self._one_default(path)
            self._add(kind, name, fields, path)

    def _one_default(self, path: Path) -> None:
        first = self._seen.setdefault(("default", ""), path)
        if first != path:
            self.fault((*path, "default"), Problem(f"domain `{first[1]}` is the default already"))

    def _field(self, key: Key, value: Any, path: Path) -> dict[str, Any]:
        """The field that a key states; nothing when its value is wrong."""
        if isinstance(key.wants, tuple):
            if value not in key.wants:
                self.fault(path, Problem(f"`{key.name}` must be one of {', '.join(key.wants)}, not {_said(value)}"))
                return {}
        elif not _is(value, key.wants):
            self.fault(path, Problem(f"`{key.name}` must be {_SAID[key.wants]}, not {_said(value)}"))
            return {}
        try:
            return {key.field or key.name: key.check(value)}
        except Problem as problem:
            self.fault(path, problem)
            return {}

    def _parameters(self, found: Mapping[str, Any]) -> None:
        for name, value in found.items():
            path: Path = ("parameters", name)
            if isinstance(value, bool) or not isinstance(value, int | str):
                self.fault(path, Problem(f"`{name}` must be a number, or a text in quotes, not {_said(value)}"))
                continue
            try:
                fields = {"value": contacts.understood(name, str(value))}
            except Problem as problem:
                self.fault(path, problem)
                continue
            self._add(KINDS["parameter"], name, fields, path)

    def _senders(self, found: Mapping[str, Any]) -> None:
        for verdict, addresses in found.items():
            path: Path = ("senders", verdict)
            if verdict not in ("allow", "block"):
                self.fault(path, Problem(f"unknown key `{verdict}`{near(verdict, ('allow', 'block'))}"))
            elif not _is(addresses, list):
                self.fault(path, Problem(f"`{verdict}` must be {_SAID[list]}, not {_said(addresses)}"))
            else:
                for at, each in enumerate(addresses):
                    self._add(KINDS["sender"], each, {"verdict": verdict}, (*path, at))


def near(name: str, known: Iterable[str]) -> str:
    """`, did you mean ...?` where a known name is close, else `""`."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f", did you mean `{close[0]}`?" if close else ""


def _is(value: object, wanted: type) -> bool:
    if isinstance(value, list):
        return wanted is list and all(isinstance(each, str) for each in value)
    if isinstance(value, dict):
        return wanted is dict and all(isinstance(each, str) for each in value.values())
    return isinstance(value, wanted) and isinstance(value, bool) == (wanted is bool)


def _said(value: object) -> str:
    """A value of the file in a few words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
