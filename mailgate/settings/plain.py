"""Read a plain TOML file without the TOML parser, whose import costs a delivery more than its own work on it.

Plain is what `mailgate init` writes and most administrators leave: sections, one key a line, and texts without escapes,
numbers, true and false, and lists of texts. Whatever else a file has is a matter for the parser.
"""

from collections.abc import Iterator

_SIMPLE = {*range(0x20, 0x7F), 0x0A}
_MOST = 1 << 16
"""Octets of a file that is looked at."""


def read(octets: bytes) -> dict[str, dict[str, object]] | None:
    """The sections of a file, as tomllib gives them; None where it is not plain, or not TOML at all."""
    if len(octets) > _MOST or not _SIMPLE.issuperset(octets):
        return None
    table: dict[str, dict[str, object]] = {}
    try:
        for section, key, value in _lines(octets.decode("ascii")):
            if not key:
                if section in table:
                    return None
                table[section] = {}
            elif key in table[section]:
                return None
            else:
                table[section][key] = value
    except (KeyError, ValueError):
        return None
    return table


def _lines(text: str) -> Iterator[tuple[str, str, object]]:
    """(section, key, value) of each line, without a key where a section begins. Raises ValueError."""
    section = ""
    for line in text.split("\n"):
        line = line.strip()
        if not line or line[0] == "#":
            continue
        if line[0] == "[":
            section = _name(line[1:-1]) if line[-1] == "]" else _name("")
            yield section, "", None
        else:
            key, _, value = line.partition("=")
            yield section, _name(key.strip()), _value(value.strip())


def _name(text: str) -> str:
    if not text.replace("_", "a").isalpha():
        raise ValueError(text)
    return text


def _value(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    if text.isdecimal() and (text[0] != "0" or text == "0"):
        return int(text)
    if text[:1] == "[" and text[-1:] == "]":
        inner = text[1:-1].strip()
        return [_text(item.strip()) for item in inner.split(",")] if inner else []
    return _text(text)


def _text(text: str) -> str:
    """A text in quotes. One with a comma in a list falls apart into pieces that are none."""
    inner = text[1:-1]
    if len(text) < 2 or text[0] != '"' or text[-1] != '"' or '"' in inner or "\\" in inner:
        raise ValueError(text)
    return inner
