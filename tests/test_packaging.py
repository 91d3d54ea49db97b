"""What is said about mailgate outside of the code is true: its metadata, its extras, and what `.github` asks for."""

import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import mailgate
from mailgate.cli.ui.program import COMMANDS
from mailgate.process import extras

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PAGES = sorted(path for path in (ROOT / ".github").rglob("*") if path.is_file())


def test_the_version_is_written_once() -> None:
    assert "version" in PROJECT["dynamic"]
    assert metadata.version("mailgate") == mailgate.__version__
    written = re.compile(rf"(?<![\d.]){re.escape(mailgate.__version__)}(?![\d.])")
    files = [*(ROOT / "mailgate").rglob("*.py"), ROOT / "pyproject.toml", ROOT / "README.md"]
    places = [f"{path.relative_to(ROOT)}" for path in files for _ in written.finditer(path.read_text("utf-8"))]
    assert places == ["mailgate/__init__.py"]


def test_the_pythons_that_are_named_are_those_that_ci_runs() -> None:
    named = re.findall(r"^Programming Language :: Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert re.findall(r'python: "([\d.]+)"', workflow) == named
    assert PROJECT["requires-python"] == f">={named[0]}"
    assert "run: bash .ci/run\n" in workflow


def test_all_is_every_extra_of_a_feature_and_tests_install_it() -> None:
    features = set(EXTRAS) - {"all", "test", "lint"}
    assert EXTRAS["all"] == [f"mailgate[{','.join(sorted(features))}]"]
    assert "mailgate[all]" in EXTRAS["test"]


def test_the_program_knows_which_extra_brings_a_library() -> None:
    brings = {re.match(r"[\w-]+", needed)[0]: name for name in ("fetch", "html", "lmtp") for needed in EXTRAS[name]}
    assert brings == extras.EXTRAS


def test_a_report_asks_for_the_explanation_and_the_doctor() -> None:
    form = (ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text("utf-8")
    assert re.findall(r"label: (mailgate .*)", form) == ["mailgate why N --json", "mailgate doctor"]


def test_ci_runs_files_that_exist() -> None:
    """A run takes half an hour until it comes to a file that has moved."""
    text = (ROOT / ".ci" / "run").read_text("utf-8")
    (parsing,) = re.findall(r'parsing="([^"]+)"', text)
    named = [*re.findall(r"(?:tests|\.ci|examples)/[^\s')\"]+", text), *(f"tests/{path}" for path in parsing.split())]
    command = ["bash", "-c", f"printf '%s\\n' {' '.join(named)}"]
    expanded = subprocess.run(command, capture_output=True, text=True, check=True)
    paths = [path for path in expanded.stdout.split() if path != "tests/%s"]
    assert len(paths) > 15
    assert [path for path in paths if not list(ROOT.glob(path))] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_commands_and_files_it_names_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    assert set(re.findall(r"`mailgate ([a-z]\S*?)[` ]", text)) <= {*COMMANDS, "deliver"}
    for name in re.findall(r"`((?:tests|mailgate|tools|\.ci)/[^` ]+|\.pre-commit-config\.yaml)`", text):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([^)]+)\)", text):
        assert (path.parent / name).exists(), name
