"""Commands that are printed for copying: every value is one word, whatever a stranger wrote."""

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.values.problem import Problem, command

UNSAFE = [
    "a\nb",
    "a\tb",
    "\x1b[2J",
    "a\x00b",
    "a\x7fb",
    "a\u202eb",
    "a\u200bb",
    "a\u3000b",
    "\ud800",
    "-x",
    "--db=x@b.org",
    "x" * 1001,
]
HOSTILE = [
    "`touch x`@b.org",
    "$(id)",
    "a b",
    "a'b",
    "'",
    '"',
    "a\\",
    "#x",
    "~root",
    "!!",
    "*",
    "a;b",
    "",
    "=x",
    "ö@ü.org",
]


@pytest.mark.parametrize(("value", "shown"), [("a@b.org", "a@b.org"), (7, "7"), ("/run/x_y-z.db", "/run/x_y-z.db")])
def test_a_plain_word_stays(value: object, shown: str) -> None:
    assert command("mailgate alias show {ADDRESS}", value) == f"mailgate alias show {shown}"


@pytest.mark.parametrize("value", HOSTILE)
def test_any_other_is_quoted(value: str) -> None:
    line = command("mailgate alias show {ADDRESS} --json", value)
    assert shlex.split(line) == ["mailgate", "alias", "show", value, "--json"]


@pytest.mark.parametrize("value", UNSAFE, ids=ascii)
def test_what_cannot_be_pasted_is_left_open(value: str) -> None:
    assert command("mailgate alias show {ADDRESS}", value) == "mailgate alias show ADDRESS"


def test_what_is_not_known_is_left_open() -> None:
    assert command("mailgate held route {N} --to {ADDRESS}", 7, None) == "mailgate held route 7 --to ADDRESS"


def test_a_value_for_each_field() -> None:
    with pytest.raises(ValueError, match="zip"):
        command("mailgate alias show {ADDRESS}")


@given(st.text())
def test_one_word_for_a_shell(value: str) -> None:
    line = command("echo {TEXT} end", value)
    assert shlex.split(line) in (["echo", value, "end"], ["echo", "TEXT", "end"])
    assert line.isprintable()


def test_a_shell_reads_the_same_word() -> None:
    for value in HOSTILE:
        line = command("printf %s {TEXT}", value)
        said = subprocess.run(["sh", "-c", line], capture_output=True, check=True, timeout=10)
        assert said.stdout.decode() == value


def test_a_problem_has_commands_and_advice() -> None:
    problem = Problem("no alias", command("mailgate alias list"), advice="spell it in full")
    assert (str(problem), problem.hints) == ("no alias", ("mailgate alias list", "spell it in full"))
    assert Problem("no alias").hints == ()
