"""The pages of man: one a command, one a topic, good roff, and in every wheel."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import pytest

from mailgate.cli.ui import reference
from mailgate.cli.ui.program import COMMANDS, program
from mailgate.manual import markdown, pages, roff
from mailgate.manual.roff import Definitions, Sheet

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    """All pages."""
    return reference.sources()


def test_every_command_and_every_topic_has_a_page(sources: dict[str, str]) -> None:
    assert {f"man1/mailgate-{name}.1" for name in [*COMMANDS, "deliver", "alias-add", "setup-postfix"]} <= set(sources)
    assert {"man1/mailgate.1", "man5/mailgate.toml.5", "man7/mailgate-rules.7"} <= set(sources)
    assert len([name for name in sources if not name.startswith("man1/")]) == len(pages.TOPICS) - 1, "all but deliver"


def test_a_command_says_all_that_its_help_says(sources: dict[str, str]) -> None:
    page = sources["man1/mailgate-alias-add.1"].replace("\\-", "-")
    command = program.get_command(click.Context(program), "alias")
    assert isinstance(command, click.Group)
    for parameter in command.commands["add"].params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in page
            assert roff._escaped((parameter.help or "").split("`")[0], roff._TEXT) in page
    assert "mailgate alias add support@example.com --model ticket" in page
    assert "mailgate alias add [OPTIONS] ADDRESS" in page


def test_every_page_of_a_command_has_examples(sources: dict[str, str]) -> None:
    commands = [name for name in sources if name.startswith("man1/") and name != "man1/mailgate-deliver.1"]
    assert [name for name in commands if ".SH EXAMPLES" not in sources[name]] == []


def test_what_pages_refer_to_exists(sources: dict[str, str]) -> None:
    for name, text in sources.items():
        for page, section in re.findall(r"(mailgate[a-z.-]*)\((\d)\)", text.replace("\\-", "-")):
            assert f"man{section}/{page}.{section}" in sources, (name, page)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("A \\ is not lost.", [".PP", "A \\e is not lost."]),
        (".dot and 'quote'", [".PP", "\\&.dot and \\(aqquote\\(aq"]),
        ("Use `--from x` or *this*.", [".PP", "Use \\fB\\-\\-from x\\fR or \\fIthis\\fR."]),
        ("See [rules](rules.md).", [".PP", "See \\fBmailgate\\-rules(7)\\fR."]),
        ("[configuration](configuration.md)", [".PP", "\\fBmailgate.toml(5)\\fR"]),
        ("## Two parts\n### One", [".SH TWO PARTS", ".SS One"]),
        ("* one\n* .two", [".IP \\(bu 2", "one", ".IP \\(bu 2", "\\&.two"]),
        ("```sh\n.x 'a'\n```", [".PP", ".RS 4", ".nf", "\\&.x \\(aqa\\(aq", ".fi", ".RE"]),
    ],
    ids=["backslash", "request", "fonts", "page", "section-5", "headings", "list", "code"],
)
def test_every_mark_becomes_roff(text: str, lines: list[str]) -> None:
    sheet = Sheet("mailgate-x", 7, "Sum up.", tuple(markdown.blocks(text)))
    head, _, body = roff.page(sheet, "1.0").partition("mailgate\\-x \\- Sum up\n")
    assert '.TH "MAILGATE\\-X" 7 "" "mailgate 1.0" "mailgate manual"' in head
    assert body.splitlines() == lines


def test_a_table_that_is_too_wide_becomes_definitions() -> None:
    text = f"| key | default | meaning |\n|---|---|---|\n| `{'k' * 30}` | `{'d' * 20}` | what it is |"
    body = roff.page(Sheet("x", 7, "X.", tuple(markdown.blocks(text))), "1.0")
    same = roff.page(Sheet("x", 7, "X.", (Definitions((("k" * 30, f"what it is (default: `{'d' * 20}`)"),)),)), "1.0")
    assert body == same


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_the_pages_are_good_roff(sources: dict[str, str]) -> None:
    for name, text in sources.items():
        command = ["groff", "-t", "-man", "-ww", "-z", "-Tutf8", "-rcR=1", "-rLL=78n"]
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=60)
        assert done.stderr.decode() == "", name


def test_they_need_no_more_than_a_build_has(tmp_path: Path) -> None:
    third_party = ("flufl", "flufl.bounce", "imapclient", "oauthlib", "rich")
    block = f"import runpy, sys; sys.modules.update(dict.fromkeys({third_party!r}))"
    run = f"{block}; runpy.run_module('mailgate.cli.ui.reference', run_name='__main__')"
    subprocess.run([sys.executable, "-c", run, str(tmp_path)], cwd=ROOT, check=True, timeout=100)
    assert (tmp_path / "man1" / "mailgate.1").exists()


BUILDERS = {
    "wheel": "from hatchling.build import build_wheel as build",
    "editable": "from hatchling.build import build_editable as build",
}


def built(source: Path, folder: Path, kind: str) -> set[str]:
    """Build a wheel as pip does, without a network; the files that it installs below share/man."""
    run = f"{BUILDERS[kind]}; import sys; print(build(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", run, str(folder)], cwd=source, capture_output=True, timeout=100)
    assert done.returncode == 0, done.stderr.decode()
    with zipfile.ZipFile(folder / done.stdout.decode().split()[-1]) as wheel:
        marks = [name.partition(".data/data/share/man/") for name in wheel.namelist()]
        return {name for _, mark, name in marks if mark}


@pytest.mark.parametrize("kind", BUILDERS)
def test_a_wheel_has_them(tmp_path: Path, kind: str, sources: dict[str, str]) -> None:
    assert built(ROOT, tmp_path, kind) == set(sources)


def test_a_wheel_out_of_a_source_archive_has_them(tmp_path: Path, sources: dict[str, str]) -> None:
    run = "from hatchling.build import build_sdist; import sys; print(build_sdist(sys.argv[1]))"
    command = [sys.executable, "-c", run, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=100)
    archive = tmp_path / done.stdout.decode().split()[-1]
    subprocess.run([sys.executable, "-m", "tarfile", "-e", str(archive), str(tmp_path)], check=True, timeout=100)
    assert built(tmp_path / archive.name.removesuffix(".tar.gz"), tmp_path, "wheel") == set(sources)
