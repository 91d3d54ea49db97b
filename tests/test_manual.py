"""The manual: its commands run, page by page; what it names exists; its tables are those of the program."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from manual.example import ROOT, Example, Servers, commands, prepare, scripts

from mailgate.cli.ui.program import COMMANDS, program
from mailgate.manual import pages
from mailgate.manual.markdown import Code, Listing, Paragraph, Table
from mailgate.routing import decide
from mailgate.settings import config
from mailgate.values import status

FOLDER = ROOT / "mailgate" / "manual"
TEXTS = {topic: pages.source(topic) for topic in pages.TOPICS}
ALL = {**TEXTS, "README": (ROOT / "README.md").read_text("utf-8")}


def table(topic: str, head: str) -> list[tuple[str, ...]]:
    """The rows of a table, without marks."""
    tables = [block for block in pages.page(topic).blocks if isinstance(block, Table)]
    found = next(block for block in tables if block.head[0].strip("`") == head)
    return [tuple(cell.replace("`", "") for cell in row) for row in found.rows]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The gateway that the pages assume; each page has a copy of it."""
    folder = tmp_path_factory.mktemp("example")
    prepare(folder)
    return Example(folder)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """What the pages on mailboxes log in to."""
    made = Servers()
    yield made
    made.close()


@pytest.mark.timeout(600)  # many processes; one that hangs has a limit of its own
@pytest.mark.parametrize("topic", [topic for topic in pages.TOPICS if scripts(TEXTS[topic], "sh")])
def test_every_command_of_a_page_runs(topic: str, example: Example, servers: Servers, tmp_path: Path) -> None:
    copy = example.copy(tmp_path)
    for script in scripts(TEXTS[topic], "sh"):
        assert not re.search(r"> */|/(etc|usr|opt|var)/(?!mailgate/\w+\.secret)", script), "write `shell` above it"
        copy.script(script, servers)


@pytest.mark.parametrize("name", ALL)
def test_what_is_not_run_is_good_shell(name: str) -> None:
    for script in scripts(ALL[name], "shell"):
        done = subprocess.run(["bash", "-n", "-c", script], capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b""), script


def command(words: list[str]) -> tuple[click.Command | None, set[str]]:
    """The command that words name, and the options that it knows."""
    found: click.Command = program
    for word in words:
        if not isinstance(found, click.Group):
            break
        child = found.get_command(click.Context(program), word)
        if child is None:
            return None, set()
        found = child
    return found, {option for parameter in found.params for option in [*parameter.opts, *parameter.secondary_opts]}


DELIVER = {"-f", "--fallback-model", "-C", "--db"}
"""The pipe is no command of click's."""


@pytest.mark.parametrize("name", ALL)
def test_commands_and_options_exist(name: str) -> None:
    for line in commands(ALL[name]):
        words = [word for word in shlex.split(line)[1:] if word != "..."]
        while words and words[0] in ("-C", "--db"):
            del words[:2]
        if words and words[0] == "deliver":
            known = DELIVER
        else:
            found, known = command([word for word in words if not word.startswith("-")])
            assert found, line
        named = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert named <= known | {"--help", "-h"}, line


def leaves(parent: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its whole name."""
    if not isinstance(parent, click.Group):
        yield path, parent
        return
    for name in parent.list_commands(click.Context(parent)):
        child = parent.get_command(click.Context(parent), name)
        assert child is not None
        yield from leaves(child, f"{path} {name}")


LEAVES = dict(leaves(program, "mailgate"))


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_is_on_a_page_and_every_option_has_its_help(path: str) -> None:
    assert any(f"{path} " in f"{line} " for text in ALL.values() for line in commands(text)), "on no page"
    for parameter in LEAVES[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help or set(parameter.opts) & {"--format"}, parameter.opts


def test_every_page_is_a_topic() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(pages.TOPICS)
    assert len(set(pages.TOPICS)) == len(pages.TOPICS)


@pytest.mark.parametrize("topic", pages.TOPICS)
def test_a_page_begins_with_its_title_and_one_sentence(topic: str) -> None:
    page = pages.page(topic)
    assert re.fullmatch(r"[A-Z][^.`*]+", page.title)
    assert re.fullmatch(r"[A-Z][^.]*(\.toml[^.]*)?\.", page.summary)
    assert len(page.summary) <= 83, "one line of `mailgate help`"


@pytest.mark.parametrize("name", ALL)
def test_links_lead_somewhere(name: str) -> None:
    folder = ROOT if name == "README" else FOLDER
    for target in re.findall(r"\]\(([^)]+)\)", ALL[name]):
        if "://" not in target:
            assert (folder / target).exists(), target
    for path in re.findall(r"(?:^|[ `(])((?:examples|mailgate|tests|\.ci|\.github)/[\w./-]+)", ALL[name], re.MULTILINE):
        assert list(ROOT.glob(f"{path.rstrip('.')}*")), path


@pytest.mark.parametrize("topic", pages.TOPICS)
def test_a_page_uses_the_marks_that_we_read(topic: str) -> None:
    for block in pages.page(topic).blocks:
        match block:
            case Code(language, lines):
                assert language in ("sh", "shell", "toml", "text", "python")
                assert max(map(len, lines)) <= 76, "eighty columns with the margin"
            case Table(head, rows):
                assert {len(row) for row in rows} == {len(head)}
            case Paragraph(text):
                assert not re.match(r"[>+-] |<|\d+\)", text)
            case Listing(_, items):
                assert all(items)
    lines = TEXTS[topic].splitlines()
    assert not [line for line in lines if re.match(r" +(\* |\d+\. )", line)], "a list in a list"
    assert max(len(line) for line in lines if not line.startswith("|")) <= 100


WORDS = re.compile(
    r"\b(own (domain|address)\w*|owe[sd]?|debts?|whoever|somebody|undisturbed|novel|wary|TODO|FIXME|coming soon)\b",
    re.I,
)


@pytest.mark.parametrize("name", ALL)
def test_the_words_are_the_fields_own(name: str) -> None:
    assert not WORDS.search(ALL[name])


def test_the_rules_are_those_of_the_program() -> None:
    assert tuple(row[0] for row in table("rules", "rule")) == decide.ORDER


def test_the_exit_statuses_are_those_of_the_pipe() -> None:
    assert sorted(int(row[0]) for row in table("exit-codes", "exit")) == sorted(status.EXITS)


def places(path: str, name: str) -> list[str]:
    """The lines of a module where a name is defined."""
    text = (ROOT / "mailgate" / path).read_text("utf-8")
    return re.findall(rf"^(?:(?:class|def) {name}\b|{name}(?:: .*)? =)", text, re.MULTILINE)


@pytest.mark.parametrize("row", table("internals", "word"), ids=lambda row: row[0])
def test_a_word_is_decided_where_the_page_says(row: tuple[str, ...]) -> None:
    _, path, name = row
    assert len(places(path, name)) == 1


@pytest.mark.parametrize("rule", decide.ORDER[1:])
def test_one_search_finds_a_rule(rule: str) -> None:
    text = (ROOT / "mailgate" / "routing" / "decide.py").read_text("utf-8")
    assert len(re.findall(rf'\("{rule}", (?:rules|checks)\.\w+\)', text)) == 1


@pytest.mark.parametrize("exit", status.EXITS[1:])
def test_one_search_finds_an_exit_status(exit: int) -> None:
    text = (ROOT / "mailgate" / "values" / "status.py").read_text("utf-8")
    assert re.search(rf"\b{exit}\b", text)
    for path in (ROOT / "mailgate").rglob("*.py"):
        if path.name not in ("status.py", "pipe.py", "client.py"):
            assert not re.search(rf"\b(exit|_exit)\({exit}\)", path.read_text("utf-8")), path


def test_the_rooms_are_those_of_the_program() -> None:
    folders = {path.parent.name for path in (ROOT / "mailgate").glob("*/__init__.py")}
    assert {row[0].rstrip("/") for row in table("internals", "room")} == folders


def test_every_key_of_the_configuration_is_there() -> None:
    named = [re.fullmatch(r"\[(\w+)\] (\w+)", row[0]) for row in table("configuration", "mailgate.toml")]
    assert {(key[1], key[2]) for key in named if key} == {
        (section, key) for section, keys in config.KNOWN.items() for key in keys
    }


def test_every_default_is_the_one_of_the_program(tmp_path: Path) -> None:
    defaults = config.Config(None, "")
    shown = {row[0]: row[1] for row in table("configuration", "mailgate.toml")}
    assert shown["[limits] max_size"] == str(defaults.max_size)
    assert shown["[held] keep_quiet"] == str(defaults.keep_quiet)
    assert shown["[refusals] by"] == f'"{defaults.refusals_by}"'
    assert shown["[submit] sendmail"] == f'"{defaults.submit.sendmail}"'
    assert shown["[maps] unknown"] == f'"{defaults.maps_unknown}"'


def test_every_reason_for_holding_mail_is_there() -> None:
    text = "".join(path.read_text("utf-8") for path in (ROOT / "mailgate" / "routing").glob("*.py"))
    reasons = set(re.findall(r"""utcome\("hold", "([a-z-]+)\"""", text)) | set(status.REFUSED)
    assert len(reasons) > 12
    assert {reason for row in table("held", "reason") for reason in row[0].split(", ")} >= reasons


@pytest.mark.parametrize("row", table("json", "command"), ids=lambda row: row[0])
def test_the_keys_of_a_list_are_those_it_prints(row: tuple[str, str], example: Example) -> None:
    name, keys = row
    assert set(keys.split(", ")) == set(example.json(*name.split())[0])


@pytest.mark.timeout(600)
def test_the_keys_of_a_decision_are_those_it_prints(example: Example) -> None:
    shown = {row[0]: set(row[1].split(", ")) for row in table("json", "part")}
    for number in ("1", "2", "4"):
        decision = example.json("why", number)
        assert set(decision) == shown["the whole"]
        assert set(decision["message"]) == shown["message"]
        assert set(decision["mta"]) == shown["mta"]
        for part in ("steps", "outcomes", "outgoing"):
            for item in decision[part]:
                assert set(item) == shown[f"each of {part}"]


def test_the_files_are_those_of_the_program() -> None:
    named = {row[0] for row in table("files", "file")}
    assert {config.SYSTEM, config.SYSTEM_STORE, config.SYSTEM_MAPS} <= named


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
        for name in re.findall(r"^ExecStart=\S+/mailgate (\S+)", path.read_text(), re.MULTILINE):
            assert name in COMMANDS, path.name
            named += 1
    assert named


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("row", table("install", "unit"), ids=lambda row: row[0])
def test_a_unit_is_as_exposed_as_the_page_says(row: tuple[str, ...]) -> None:
    path = ROOT / "examples" / "systemd" / row[0]
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    if found is None and "offline" in done.stderr:
        pytest.skip("this systemd cannot judge a file")
    assert found is not None
    assert float(found[1]) <= float(row[2]) + 0.1, done.stdout


def test_every_service_is_in_the_table_of_exposures() -> None:
    services = {path.name for path in (ROOT / "examples" / "systemd").glob("*.service")}
    assert {row[0] for row in table("install", "unit")} == services
