"""Places in TOML: where a value stands, and where a fault of syntax is."""

import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.settings import config, located
from mailgate.values.problem import ConfigError

TEXT = '''\
# a comment with [brackets] and "quotes"
top = 1.5
[domain."example.com"]
catchall = "a = [b]"   # x = 1
former = {bounce = ["b",
    "c"], catchall = []}
signature = """
[no.table]
key = "none\\""
"""
since = 1979-05-27 07:32:00
literal = 'C:\\'
[[list]]
a = 1
[list.inner]
b = [ [1, 2], {c = 'd'} ]
[[list]]
'a' . "b" = 2
[alias."a\\u0040b".values]
team = "1"
'''


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("top",), (2, 1)),
        (("domain",), (3, 1)),
        (("domain", "example.com"), (3, 1)),
        (("domain", "example.com", "catchall"), (4, 1)),
        (("domain", "example.com", "former", "bounce", 1), (6, 5)),
        (("domain", "example.com", "former", "catchall"), (6, 11)),
        (("domain", "example.com", "signature"), (7, 1)),
        (("domain", "example.com", "since"), (11, 1)),
        (("domain", "example.com", "literal"), (12, 1)),
        (("list", 0, "a"), (14, 1)),
        (("list", 0, "inner", "b", 0, 1), (16, 11)),
        (("list", 0, "inner", "b", 1, "c"), (16, 16)),
        (("list", 1), (17, 1)),
        (("list", 1, "a", "b"), (18, 1)),
        (("alias", "a@b", "values", "team"), (20, 1)),
    ],
)
def test_every_kind_of_value_is_located(path: located.Path, place: tuple[int, int]) -> None:
    assert located.places(TEXT)[path] == place


def paths(value: object, path: located.Path = ()) -> list[located.Path]:
    """Every way to a value."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        found += paths(each, (*path, key))
    return found


def test_every_value_has_a_place() -> None:
    assert set(paths(tomllib.loads(TEXT))) == set(located.places(TEXT))


WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = st.recursive(
    WORDS | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(WORDS, VALUES, max_size=4), st.booleans())
def test_every_value_of_any_file_has_a_place_on_a_line_of_it(table: dict[str, object], multiline: bool) -> None:
    import tomli_w

    text = tomli_w.dumps(table, multiline_strings=multiline)
    found = located.places(text)
    assert set(paths(tomllib.loads(text))) == set(found)
    lines = text.split("\n")
    assert all(lines[line - 1][column - 1 :].strip() for line, column in found.values())


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"a =\n", "f:1:4: "),
        (b"a = 1\na = 2\n", "f:2:"),
        (b"[a]\nb = [1,\n", "f:3:1: "),
        (b"[a]\nb = '\xff'\n", "f:2:6: not UTF-8"),
        (b"[a]\n[a]\n", "f:2:"),
    ],
)
def test_a_fault_of_syntax_has_its_place(octets: bytes, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        located.read(octets, "f")
    assert str(caught.value).startswith(said)
    assert "(at " not in str(caught.value)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"a = " + b"[" * 5000, id="brackets"),
        pytest.param(b"a = " + b"[" * 400 + b"]" * 400, id="brackets-that-are-closed"),
        pytest.param(b"a = " + b"{a=" * 5000, id="braces"),
        pytest.param(b"a = " + b"1" * 5000, id="digits"),
        pytest.param(b".".join([b"a"] * 20_000) + b" = 1", id="dotted-key"),
        pytest.param(b"[" + b" . ".join([b'"a"'] * 20_000) + b"]", id="dotted-table"),
        pytest.param(b"a = 2026-99-99", id="date"),
        pytest.param(b"a" * 1_000_000, id="one-word"),
        pytest.param(b"#" * (17 << 20), id="size"),
    ],
)
@pytest.mark.parametrize("reader", [located.read, config._parse], ids=["import", "configuration"])
def test_a_file_of_any_depth_and_size_ends_in_an_error(
    octets: bytes, reader: Callable[[bytes, str], dict[str, Any]]
) -> None:
    """It ended in a traceback, or after 52 seconds."""
    with pytest.raises(ConfigError, match=r"^f\.toml:"):
        reader(octets, "f.toml")


def test_an_ordinary_large_file_is_read() -> None:
    text = "".join(
        f'[alias."a{number}@example.com"]\nvalues = {{ a.b.c = ["{"x. " * 70}"] }}\n' for number in range(2000)
    )
    assert len(located.read(text.encode(), "f.toml")["alias"]) == 2000
    assert len(config._parse(text.encode(), "f.toml")["alias"]) == 2000
