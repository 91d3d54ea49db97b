"""The README: a newcomer types what it says, from the first line to the last, and sees what it shows."""

import re
from pathlib import Path

from manual import screen
from manual.example import ROOT, commands, scripts

from mailgate.manual import pages

README = (ROOT / "README.md").read_text("utf-8")


def test_a_newcomer_types_all_of_it_and_sees_the_screen(tmp_path: Path) -> None:
    """`sendmail` pipes into mailgate here, as Postfix does when it is set up."""
    assert scripts(README, "text")[0] == screen.screen(tmp_path), "python tests/manual/screen.py"


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 180


def test_the_two_commands_for_a_fresh_machine() -> None:
    lines = [
        line for line in "\n".join(scripts(README, "shell")).splitlines() if line.startswith("python3 -m venv .venv")
    ]
    assert [line.rpartition("bin/")[2] for line in lines] == ["mailgate demo", "pytest -n 3"]


def test_it_links_every_page_of_the_manual() -> None:
    assert tuple(re.findall(r"\[([\w-]+)\]\(mailgate/manual/\1\.md\)", README))[: len(pages.TOPICS)] == pages.TOPICS


def test_the_picture_is_the_one_of_the_manual() -> None:
    assert scripts(README, "text")[1] == scripts(pages.source("internals"), "text")[0]


def test_it_shows_five_commands_for_every_day() -> None:
    day = README.partition("\n## Every day\n")[2].partition("\n## ")[0]
    assert len([line for line in commands(day) if "--" not in line and "help" not in line]) == 5
