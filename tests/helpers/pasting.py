"""Check commands that are printed for copying: each value is one word of its line, and no word becomes an option."""

import ast
import functools
import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

import mailgate
from mailgate.values import problem
from mailgate.values.problem import CommandLine

MARK = "pwned"
NAMES = [
    f"`touch${{IFS}}{MARK}`",
    f"$(touch {MARK})",
    f"${{IFS}}{MARK}",
    f"x;touch {MARK}",
    f"x'; touch {MARK}; '",
    f'x"; touch {MARK}; "',
    f"x\\' touch {MARK}",
    f"{MARK}\\",
    f"--db={MARK}",
    f"-{MARK}",
    f"x\ntouch {MARK}",
    f"x\r{MARK}",
    f"x\x1b[2J{MARK}",
    f"x\u202e{MARK}",
    f"x\u3000{MARK}",
    f"!{MARK}",
    f"*{MARK}?[a-z]",
    f"{{{MARK},x}}",
    f"~{MARK}",
    f"  {MARK}  x ",
    f"#{MARK}",
    f"x>{MARK}",
    f"x|tee {MARK}",
    f"x&{MARK}",
    f"={MARK}",
    f"{{WORD}}{MARK}",
    f"ünïcode-{MARK}-日本",
    "",
]
"""Names that a shell, a terminal, the builder or the program itself would act on."""
_FIELD = re.compile(r"\{([^}]*)\}")
_OPERATORS = re.compile(r"[|&<>;]|\$\(")


class Printed(NamedTuple):
    """A command as it was made: its template, its values, and the line."""

    template: str
    values: tuple[object, ...]
    line: str


@functools.cache
def templates() -> tuple[tuple[str, str], ...]:
    """The place of every call of the builder in the program, and its template."""
    return tuple(_templates())


def _templates() -> Iterator[tuple[str, str]]:
    package = Path(mailgate.__file__).parent
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "command":
                assert isinstance(node.args[0], ast.Constant)
                yield f"{path.relative_to(package)}:{node.lineno}", str(node.args[0].value)


def words(template: str, values: Sequence[object]) -> list[str]:
    """The words that a shell should read: the literal ones, with each value, or its placeholder, in place.

    A value of our own, such as a number, is its text. Whether a value can be pasted is judged here once more, by what a
    terminal, a shell and an option parser do, not by the program's own test.
    """
    named = _FIELD.findall(template)
    assert len(named) == len(values), template
    marked = _FIELD.sub(lambda match: f"\0{template[: match.start()].count('{')}\0", template)
    texts = [
        name if value is None or not _can_be_pasted(str(value)) else str(value)
        for name, value in zip(named, values, strict=True)
    ]
    return [re.sub("\0([0-9]+)\0", lambda match: texts[int(match[1])], word) for word in shlex.split(marked)]


def _can_be_pasted(text: str) -> bool:
    return all(c.isprintable() for c in text) and not text.startswith("-") and len(text) <= 1000


def is_made(line: str) -> bool:
    """Whether a line is one of the templates, with one quoted word or the placeholder in each field."""
    word = r"(?:[A-Za-z0-9_@%+:,./-]+|'[^']*'(?:\"'\"'[^']*')*)"
    return any(
        re.fullmatch(
            "".join(word if at % 2 else re.escape(part) for at, part in enumerate(_FIELD.split(template))), line
        )
        for _, template in templates()
    )


def check(printed: Printed) -> None:
    """Fail unless the line is one line, and each value one word of it that is not an option."""
    template, values, line = printed
    assert line.isprintable(), template
    assert shlex.split(line) == words(template, values), template
    for match in _FIELD.finditer(template):
        before = template[: match.start()]
        assert before.count("'") % 2 == before.count('"') % 2 == 0, f"{template}: a field inside quotes"
    for value in filter(None, map(str, values)):
        assert not value.startswith("-") or value not in shlex.split(line) or value in template.split(), line


def shell(lines: Sequence[str], folder: Path) -> None:
    """Fail unless a shell parses each line, and reads the same words as `shlex`; nothing of a line may run."""
    script = "\n".join(lines) + "\n"
    parsed = subprocess.run(["sh", "-n"], input=script.encode(), capture_output=True, timeout=20, check=False)
    assert parsed.returncode == 0, parsed.stderr
    plain = [line for line in lines if not _OPERATORS.search(_without_quoted(line))]
    script = "".join(f"printf '%s\\0' {line}\nprintf '\\n\\0'\n" for line in plain)
    before = set(folder.iterdir())
    read = subprocess.run(["sh"], input=script.encode(), cwd=folder, capture_output=True, timeout=20, check=True)
    assert not read.stderr
    assert set(folder.iterdir()) == before
    found = [part.split("\0")[:-1] for part in read.stdout.decode().split("\n\0")[:-1]]
    assert found == [shlex.split(line) for line in plain]


def _without_quoted(line: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"]*\"", "", line)


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Printed]:
    """The list to which every command that is made from now on is added."""
    made: list[Printed] = []
    original = problem.command

    def command(template: str, *values: object) -> CommandLine:
        line = original(template, *values)
        made.append(Printed(template, values, line))
        return line

    for info in pkgutil.walk_packages(
        mailgate.__path__, "mailgate."
    ):  # those that are imported late keep what they got
        if not info.name.endswith("__main__"):
            importlib.import_module(info.name)
    for name, module in list(sys.modules.items()):
        if name.startswith("mailgate.") and getattr(module, "command", None) is original:
            monkeypatch.setattr(module, "command", command)
    return made
