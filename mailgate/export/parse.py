"""Read a configuration file into what it declares, with the place of everything that is wrong with it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from mailgate.export.fields import Field, Kind
from mailgate.export.schema import KINDS, TABLES
from mailgate.settings import located
from mailgate.settings.located import Path, Place, suggestion
from mailgate.store import parameters
from mailgate.values.problem import Problem

_TYPES = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a whole number",
    list: "a list of texts in quotes",
    dict: "a table of texts in quotes",
}


class Declared(NamedTuple):
    """A thing that a file declares, by its name in the store: the fields it states, and where it stands."""

    kind: str
    name: str
    fields: Mapping[str, Any]
    path: Path


class Misplaced(NamedTuple):
    """A problem of a file, and its place there."""

    place: Place
    problem: Problem


class Proposal:
    """What one file says: `declared`, complete only when there are no `faults`."""

    def __init__(self, octets: bytes, name: str) -> None:
        """Read a file. Raises ConfigError when it is not TOML."""
        self._octets = octets
        self.declared: list[Declared] = []
        self.faults: list[Misplaced] = []
        self._paths: dict[tuple[str, str], Path] = {}
        document = located.read(octets, name)
        for table in document:
            if table not in TABLES:
                self.fault((table,), Problem(f"there is no table `{table}`{suggestion(table, TABLES)}"))
        for table in TABLES:
            content = document.get(table, {})
            if not isinstance(content, dict):
                self.fault((table,), Problem(f"`{table}` must be a table, as `[{table}]`"))
            elif table == "parameters":
                self._read_parameters(content)
            elif table == "senders":
                self._read_senders(content)
            else:
                self._read_things(KINDS[table], content)

    @cached_property
    def _places(self) -> dict[Path, Place]:
        return located.places(self._octets.decode("utf-8"))

    def fault(self, path: Path, problem: Problem) -> None:
        """Note what is wrong with the value at a path, or with the table it would be in."""
        while path and path not in self._places:
            path = path[:-1]
        self.faults.append(Misplaced(self._places.get(path, Place(1, 1)), problem))

    def _declare(self, kind: Kind, name: str, fields: Mapping[str, Any], path: Path) -> None:
        """Note a thing; two spellings of one name are a fault."""
        try:
            spelled = kind.spell(name)
        except Problem as problem:
            self.fault(path, problem)
            return
        first = self._paths.setdefault((kind.name, spelled), path)
        if first != path:
            self.fault(path, Problem(f"`{name}` is declared in line {self._places[first].line} already"))
            return
        self.declared.append(Declared(kind.name, spelled, fields, path))

    def _read_things(self, kind: Kind, content: Mapping[str, Any]) -> None:
        """Read the tables of one kind, each under a name."""
        for name, table in content.items():
            path: Path = (kind.name, name)
            if isinstance(table, dict):
                self._declare(kind, name, self._read_thing(kind, name, table), path)
            else:
                self.fault(path, Problem(f'`{kind.name}` is a table of tables, each as [{kind.name}."NAME"]'))

    def _read_thing(self, kind: Kind, name: str, table: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that a table states."""
        path: Path = (kind.name, name)
        known = {field.name: field for field in kind.fields}
        fields: dict[str, Any] = {}
        for key, value in table.items():
            if key in known:
                fields.update(self._read_field(known[key], value, (*path, key)))
            else:
                self.fault((*path, key), Problem(f"unknown key `{key}`{suggestion(key, known)}"))
        for missing in (key for key in kind.needs if key not in table):
            self.fault(path, Problem(f"{kind.name} `{name}` has no `{missing}`"))
        if "same_as" in fields and len(table) > 1:
            extra = next(key for key in table if key != "same_as")
            self.fault((*path, extra), Problem(f"`{name}` is another name of a domain, and shares its settings"))
        if kind.name == "domain" and fields.get("default"):
            self._one_default(path)
        return fields

    def _one_default(self, path: Path) -> None:
        first = self._paths.setdefault(("default", ""), path)
        if first != path:
            self.fault((*path, "default"), Problem(f"domain `{first[1]}` is the default already"))

    def _read_field(self, field: Field, value: Any, path: Path) -> dict[str, Any]:
        """The field that a key states; nothing when its value is wrong."""
        if isinstance(field.form.wants, tuple):
            if value not in field.form.wants:
                self.fault(
                    path,
                    Problem(f"`{field.name}` must be one of {', '.join(field.form.wants)}, not {_in_words(value)}"),
                )
                return {}
        elif not _is(value, field.form.wants):
            self.fault(path, Problem(f"`{field.name}` must be {_TYPES[field.form.wants]}, not {_in_words(value)}"))
            return {}
        try:
            return {field.attribute or field.name: field.form.check(value)}
        except Problem as problem:
            self.fault(path, problem)
            return {}

    def _read_parameters(self, content: Mapping[str, Any]) -> None:
        for name, value in content.items():
            path: Path = ("parameters", name)
            if isinstance(value, bool) or not isinstance(value, int | str):
                self.fault(path, Problem(f"`{name}` must be a number, or a text in quotes, not {_in_words(value)}"))
                continue
            try:
                fields = {"value": parameters.understood(name, str(value))}
            except Problem as problem:
                self.fault(path, problem)
                continue
            self._declare(KINDS["parameter"], name, fields, path)

    def _read_senders(self, content: Mapping[str, Any]) -> None:
        for verdict, addresses in content.items():
            path: Path = ("senders", verdict)
            if verdict not in ("allow", "block"):
                self.fault(path, Problem(f"unknown key `{verdict}`{suggestion(verdict, ('allow', 'block'))}"))
            elif not _is(addresses, list):
                self.fault(path, Problem(f"`{verdict}` must be {_TYPES[list]}, not {_in_words(addresses)}"))
            else:
                for at, address in enumerate(addresses):
                    self._declare(KINDS["sender"], address, {"verdict": verdict}, (*path, at))


def _is(value: object, type_: type) -> bool:
    if isinstance(value, list):
        return type_ is list and all(isinstance(item, str) for item in value)
    if isinstance(value, dict):
        return type_ is dict and all(isinstance(item, str) for item in value.values())
    return isinstance(value, type_) and isinstance(value, bool) == (type_ is bool)


def _in_words(value: object) -> str:
    """A value of the file in a few words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
