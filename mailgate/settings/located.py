"""Read TOML, and say where in the file a value stands.

`tomllib` tells the place of a fault of syntax only. Who finds a value that means nothing asks `places`, which reads the
text again, knowing already that it is valid TOML; that happens when something is wrong, and never before.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

from mailgate.values.problem import ConfigError

Path = tuple[str | int, ...]
"""The way to a value: names of tables and keys, positions in arrays."""
_FAULT = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_TOKEN = re.compile(
    r"(?P<skip>[ \t\r]+|#[^\n]*)|(?P<line>\n)|(?P<mark>[][{}=,.])"
    r'|(?P<text>"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
    r'|(?P<bare>[^][{}=,.#"\'\s]+)',
    re.DOTALL,
)


class Place(NamedTuple):
    """Line and column in a file, both from 1."""

    line: int
    column: int


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def read(octets: bytes, name: str) -> dict[str, Any]:
    """The tables of a TOML file. Raises ConfigError, which begins with `NAME:LINE:COLUMN`."""
    try:
        return tomllib.loads(octets.decode("utf-8"))
    except UnicodeDecodeError as error:
        before = octets[: error.start]
        line, column = before.count(b"\n") + 1, len(before.rpartition(b"\n")[2]) + 1
        raise ConfigError(f"{name}:{line}:{column}: not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        found = _FAULT.fullmatch(str(error))
        what = found[1] if found else str(error)
        line, column = (int(found[2]), int(found[3])) if found and found[2] else _end(octets.decode("utf-8"))
        raise ConfigError(f"{name}:{line}:{column}: {what[:1].lower() + what[1:]}") from error


def _end(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text.rpartition("\n")[2]) + 1)


def places(text: str) -> dict[Path, Place]:
    """Where each table, key and array element of a valid TOML text begins."""
    reader = _Reader(text)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    found: dict[Path, Place] = {}
    line = 0
    for path, at in sorted(reader.statements(), key=lambda each: each[1]):
        while line + 1 < len(starts) and starts[line + 1] <= at:
            line += 1
        for length in range(1, len(path) + 1):  # a table without a header of its own begins with its first key
            found.setdefault(path[:length], Place(line + 1, at - starts[line] + 1))
    return found


class _Reader:
    """The tokens of one text, and the place reached in them."""

    def __init__(self, text: str) -> None:
        self.tokens = [
            _Token(str(match.lastgroup), match[0], match.start())
            for match in _TOKEN.finditer(text)
            if match.lastgroup != "skip"
        ]
        self.next = 0

    def peek(self) -> str:
        """The token ahead, as a mark or a line end; `""` at the end, `a value` for anything else."""
        if self.next == len(self.tokens):
            return ""
        token = self.tokens[self.next]
        return token.text if token.kind in ("mark", "line") else "a value"

    def statements(self) -> Iterator[tuple[Path, int]]:
        """(path, offset) of everything that has a name or a position."""
        table: Path = ()
        counted: dict[Path, int] = {}
        while self.peek():
            if self.peek() == "\n":
                self.next += 1
            elif self.peek() == "[":
                at = self.tokens[self.next].at
                array = self.tokens[self.next + 1].text == "[" and self.tokens[self.next + 1].at == at + 1
                self.next += 2 if array else 1
                table = self._within(self._key(), counted)
                self.next += 2 if array else 1
                if array:
                    counted[table] = counted.get(table, -1) + 1
                    table = (*table, counted[table])
                yield table, at
            else:
                yield from self._pair(table)

    def _within(self, path: Path, counted: dict[Path, int]) -> Path:
        """A header's path, where `[[a]]` then `[a.b]` means the last element of `a`."""
        whole: Path = ()
        for at, each in enumerate(path, 1):
            whole = (*whole, each)
            if whole in counted and at < len(path):
                whole = (*whole, counted[whole])
        return whole

    def _key(self) -> Path:
        parts: list[str | int] = []
        while self.peek() in ("a value", "."):
            token = self.tokens[self.next]
            self.next += 1
            if token.kind == "text":
                parts.append(tomllib.loads(f"k = {token.text}")["k"])
            elif token.kind == "bare":
                parts.append(token.text)
        return tuple(parts)

    def _pair(self, table: Path) -> Iterator[tuple[Path, int]]:
        at = self.tokens[self.next].at
        path = (*table, *self._key())
        self.next += 1  # =
        yield path, at
        yield from self._value(path)

    def _value(self, path: Path) -> Iterator[tuple[Path, int]]:
        if self.peek() == "[":
            yield from self._array(path)
        elif self.peek() == "{":
            yield from self._inline(path)
        else:
            while self.peek() in ("a value", "."):  # 1.5, and dates with a space in them, are several tokens
                self.next += 1

    def _array(self, path: Path) -> Iterator[tuple[Path, int]]:
        self.next += 1
        position = 0
        while self.peek() != "]":
            if self.peek() in (",", "\n"):
                self.next += 1
                continue
            element = (*path, position)
            yield element, self.tokens[self.next].at
            yield from self._value(element)
            position += 1
        self.next += 1

    def _inline(self, path: Path) -> Iterator[tuple[Path, int]]:
        self.next += 1
        while self.peek() != "}":
            if self.peek() in (",", "\n"):
                self.next += 1
            else:
                yield from self._pair(path)
        self.next += 1
