"""The mutation script: it finds planted survivors, and kills what tests notice, also in other processes."""

from pathlib import Path

import mutation
import pytest
from mutation import Broken, Mutant, Target

MODULE = '''\
"""A planted module."""

LIMIT: int = 3


def small(number: int) -> bool:
    return number < LIMIT


def negative(number: int) -> bool:
    return number < 0
'''
TESTS = """\
import subprocess
import sys

from mailgate.planted import negative, small


def test_a_small_and_a_positive_number():
    assert small(1)
    assert negative(5) is False


def test_the_limit_in_a_process_far_away(tmp_path):
    code = "from mailgate.planted import small; assert not small(3)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={}, check=True)
"""
PLANTED = Target("mailgate/planted.py", ("tests",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with a module, which is none of the installed mailgate, and its tests."""
    for name, text in (
        ("mailgate/__init__.py", ""),
        ("mailgate/planted.py", MODULE),
        ("tests/test_planted.py", TESTS),
        ("pyproject.toml", "[tool.pytest.ini_options]\n"),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_planted_survivor_is_found_and_the_other_mutants_are_killed(root: Path) -> None:
    found = {
        mutation.difference(result.mutant, MODULE.encode()): result.verdict
        for result in mutation.results(root, [PLANTED], limit=60)
    }
    assert found == {
        "    -LIMIT: int = 3\n    +LIMIT: int = 4": "killed",
        "    -    return number < LIMIT\n    +    return (number <= LIMIT)": "killed",
        "    -    return number < LIMIT\n    +    return None": "killed",
        "    -    return number < 0\n    +    return (number <= 0)": "survived",
        "    -    return number < 0\n    +    return number < 1": "survived",
        "    -    return number < 0\n    +    return None": "killed",
    }
    assert root.joinpath("mailgate/planted.py").read_text() == MODULE


def test_a_mutant_that_takes_too_long_is_stopped(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    root.joinpath("tests/test_planted.py").write_text("import time\ndef test_nothing():\n    time.sleep(100)\n")
    worker = mutation.Worker(root, tmp_path_factory.mktemp("worker"))
    (mutant, *_) = mutation.mutants(PLANTED.module, MODULE)
    assert worker.judge(mutant, MODULE.encode(), PLANTED.tests, seconds=1.0).verdict == "timed out"


def test_tests_that_fail_without_a_mutant_say_nothing(root: Path) -> None:
    root.joinpath("tests/test_planted.py").write_text("def test_nothing():\n    raise AssertionError\n")
    with pytest.raises(Broken, match="tests fail without a mutant"):
        list(mutation.results(root, [PLANTED]))


def test_mutants_are_of_every_kind_and_leave_types_docstrings_and_imports_alone() -> None:
    source = '''\
"""Text."""
from a import b
def f(x: "int" = 1) -> "str":
    """Text."""
    if x == 2 and not b:
        x += 1
        raise b
    return f"{x + 1}" if x - 1 else [y for y in b if y in x]
'''
    made = mutation.mutants("a.py", source)
    assert {(mutant.line, mutant.kind) for mutant in made} == {
        *((3, "constant"), (5, "condition"), (5, "boolean"), (5, "comparison"), (5, "constant"), (6, "constant")),
        *((6, "statement"), (7, "statement"), (8, "return"), (8, "constant"), (8, "condition"), (8, "arithmetic")),
        (8, "comparison"),
    }
    for mutant in made:
        compile(mutant.apply(source.encode()), "a.py", "exec")


def test_a_sample_is_the_same_for_the_same_seed(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    judged: list[Mutant] = []
    monkeypatch.setattr(mutation.Worker, "run", lambda *_: True)
    for seed in (1, 1, 3):
        judged += [result.mutant for result in mutation.results(root, [PLANTED], sample=3, seed=seed)]
    assert judged[:3] == judged[3:6] != judged[6:]


def test_every_target_and_its_tests_exist() -> None:
    for target in mutation.TARGETS.values():
        assert all((mutation.ROOT / path).exists() for path in (target.module, *target.tests)), target


def test_more_survivors_than_accepted_end_with_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = mutation.TARGETS["thread"].module
    mutant = mutation.mutants(module, (mutation.ROOT / module).read_text("utf-8"))[0]
    monkeypatch.setattr(mutation, "results", lambda *_, **__: iter([mutation.Result(mutant, "survived", 1.0)]))
    assert mutation.main(["thread"]) == 1
    assert mutation.main(["thread", "--most", "1"]) == 0
    assert f"{module}:{mutant.line}: {mutant.kind}\n    -" in capsys.readouterr().out
