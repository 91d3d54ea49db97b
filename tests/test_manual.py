"""The manual pages, and the topics of `mailgate help`: what they say is what the README says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mailgate.cli import help as topics
from mailgate.cli.program import COMMANDS
from mailgate.routing import decide
from mailgate.values import status

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def table(head: str) -> list[list[str]]:
    """The rows of a table in the README, without marks."""
    rows = README.partition(head)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]


def test_the_rules_are_those_of_the_program_and_of_the_readme() -> None:
    assert tuple(rule for rule, _, _ in topics.RULES) == decide.ORDER
    assert table("| rule | asks |") == [list(each) for each in topics.RULES]


def test_the_exit_statuses_are_those_of_the_pipe_and_of_the_readme() -> None:
    assert sorted(int(code) for code, _ in topics.PIPE_EXITS) == sorted(status.EXITS)
    assert [row[:2] for row in table("| exit | meaning |")] == [list(each) for each in topics.PIPE_EXITS]


def test_the_files_are_those_of_the_readme() -> None:
    for path, _ in topics.FILES:
        assert path.removeprefix("mailgate.db") in README, path


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages."""
    pytest.importorskip("click_man")
    folder = tmp_path_factory.mktemp("man")
    subprocess.run([sys.executable, str(ROOT / "tools" / "manual.py"), str(folder)], check=True, timeout=100)
    return folder


def test_every_command_has_a_page_with_examples(pages: Path) -> None:
    named = {path.name for path in pages.iterdir()}
    assert {f"mailgate-{name}.1" for name in COMMANDS} | {"mailgate.1", "mailgate-alias-add.1"} <= named
    without = [path.name for path in sorted(pages.iterdir()) if "Examples:" not in path.read_text()]
    assert without == []
    assert "mailgate alias add support@example.com" in (pages / "mailgate-alias.1").read_text()


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_the_pages_are_good_roff(pages: Path) -> None:
    for path in sorted(pages.iterdir()):
        done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", str(path)], capture_output=True, timeout=60)
        assert done.stderr.decode() == "", path.name


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_units_are_good_units(tmp_path: Path) -> None:
    for path in sorted((ROOT / "examples" / "systemd").iterdir()):
        text = path.read_text().replace("/opt/mailgate/bin/mailgate", "/bin/true").replace("User=mailgate", "User=root")
        (tmp_path / path.name).write_text(text)
    units = [str(path) for path in tmp_path.iterdir()]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, timeout=60)
    assert [line for line in done.stderr.decode().splitlines() if str(tmp_path) in line] == []


def test_the_units_run_commands_that_exist() -> None:
    named = 0
    for path in (ROOT / "examples" / "systemd").glob("*.service"):
        for command in re.findall(r"^ExecStart=\S+/mailgate (\S+)", path.read_text(), re.MULTILINE):
            assert command in COMMANDS, path.name
            named += 1
    assert named
