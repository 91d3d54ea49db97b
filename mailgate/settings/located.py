"""Read TOML, and find the line and column of a value.

`tomllib` reports the place of syntax errors only. For a value that is valid TOML and wrong, `places` reads the text
once more; it is called for error messages alone, and relies on the text being valid TOML.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple

from mailgate.values.problem import ConfigError

Path = tuple[str | int, ...]
"""The path to a value: names of tables and keys, positions in arrays."""
_SYNTAX_ERROR = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_TOKEN = re.compile(
    r"(?P<skip>[ \t\r]+|#[^\n]*)|(?P<line>\n)|(?P<mark>[][{}=,.])"
    r'|(?P<text>"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
    r'|(?P<bare>[^][{}=,.#"\'\s]+)',
    re.DOTALL,
)


_MOST = 16 << 20
"""Octets of a file."""
_DEEPEST = 50
"""Levels of tables and lists, and parts of a dotted key."""
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DOTTED = re.compile(rf"(?:^|[\n{{,\[])[ \t]*+(?:{_PART}[ \t]*+\.[ \t]*+){{{_DEEPEST}}}")


class Place(NamedTuple):
    """Line and column in a file, both from 1."""

    line: int
    column: int


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def read(octets: bytes, name: str) -> dict[str, Any]:
    """The tables of a TOML file. Raises ConfigError with a text that starts with `NAME:LINE:COLUMN`, for any octets.

    `tomllib` has no limits: it takes minutes for a long dotted key, and ends in a RecursionError for deep brackets.
    """
    if len(octets) > _MOST:
        raise ConfigError(f"{name}: larger than {_MOST >> 20} MB")
    try:
        text = octets.decode("utf-8")
        if dotted := _DOTTED.search(text):
            place = _end(text[: dotted.start()])
            raise ConfigError(f"{name}:{place.line}:{place.column}: a key of more than {_DEEPEST} parts")
        tables = tomllib.loads(text)
        if _is_deep(tables):
            raise ConfigError(f"{name}: more than {_DEEPEST} levels of tables and lists")
        return tables
    except UnicodeDecodeError as error:
        before = octets[: error.start]
        line, column = before.count(b"\n") + 1, len(before.rpartition(b"\n")[2]) + 1
        raise ConfigError(f"{name}:{line}:{column}: not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        match = _SYNTAX_ERROR.fullmatch(str(error))
        message = match[1] if match else str(error)
        line, column = (int(match[2]), int(match[3])) if match and match[2] else _end(octets.decode("utf-8"))
        raise ConfigError(f"{name}:{line}:{column}: {message[:1].lower() + message[1:]}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: more than {_DEEPEST} levels of tables and lists") from error
    except ValueError as error:  # a number of thousands of digits, a date that is none
        raise ConfigError(f"{name}: a value that cannot be read: {str(error)[:100]}") from error


def _is_deep(tables: dict[str, Any]) -> bool:
    """Whether tables and lists are nested deeper than any file of ours."""
    level: list[Any] = [tables]
    for _ in range(_DEEPEST):
        inner = [value for item in level for value in (item.values() if isinstance(item, dict) else item)]
        level = [value for value in inner if isinstance(value, dict | list)]
        if not level:
            return False
    return True


def _end(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text.rpartition("\n")[2]) + 1)


def places(text: str) -> dict[Path, Place]:
    """Where each table, key and array element of a valid TOML text starts."""
    reader = _TomlReader(text)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    by_path: dict[Path, Place] = {}
    line = 0
    for path, at in sorted(reader.statements(), key=itemgetter(1)):
        while line + 1 < len(starts) and starts[line + 1] <= at:
            line += 1
        for length in range(1, len(path) + 1):  # a table without a header of its own starts at its first key
            by_path.setdefault(path[:length], Place(line + 1, at - starts[line] + 1))
    return by_path


class _TomlReader:
    """The tokens of one text, and the position of the next one."""

    def __init__(self, text: str) -> None:
        self.tokens = [
            _Token(str(match.lastgroup), match[0], match.start())
            for match in _TOKEN.finditer(text)
            if match.lastgroup != "skip"
        ]
        self.next = 0

    def peek(self) -> str:
        """The next token when it is a mark or a line end; `""` at the end, else `a value`."""
        if self.next == len(self.tokens):
            return ""
        token = self.tokens[self.next]
        return token.text if token.kind in ("mark", "line") else "a value"

    def statements(self) -> Iterator[tuple[Path, int]]:
        """(path, offset) of every table, key and array element."""
        table: Path = ()
        lengths: dict[Path, int] = {}  # of arrays of tables, less one
        while self.peek():
            if self.peek() == "\n":
                self.next += 1
            elif self.peek() == "[":
                at = self.tokens[self.next].at
                array = self.tokens[self.next + 1].text == "[" and self.tokens[self.next + 1].at == at + 1
                self.next += 2 if array else 1
                table = self._within(self._key(), lengths)
                self.next += 2 if array else 1
                if array:
                    lengths[table] = lengths.get(table, -1) + 1
                    table = (*table, lengths[table])
                yield table, at
            else:
                yield from self._pair(table)

    def _within(self, path: Path, lengths: dict[Path, int]) -> Path:
        """The full path for a header: after `[[a]]`, `[a.b]` is in the last element of `a`."""
        full: Path = ()
        for at, name in enumerate(path, 1):
            full = (*full, name)
            if full in lengths and at < len(path):
                full = (*full, lengths[full])
        return full

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
            while self.peek() in ("a value", "."):  # 1.5 and a date with a space are several tokens
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


def suggestion(name: str, known: Iterable[str]) -> str:
    """`, did you mean ...?` when a known name is close, else `""`."""
    from difflib import get_close_matches  # only for an error message

    close = get_close_matches(name, list(known), 1)
    return f", did you mean `{close[0]}`?" if close else ""
