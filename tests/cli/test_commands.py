"""What every command has in common: help, errors with hints, exit statuses, JSON, completion, configuration."""

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from helpers.installed import INIT, Installed, unconfigured

from mailgate.cli.ui.program import COMMANDS, program


def every_command() -> list[tuple[str, ...]]:
    """The path of each command below the program, groups included."""
    found: list[tuple[str, ...]] = []
    context = click.Context(program)
    for name in COMMANDS:
        command = program.get_command(context, name)
        found.append((name,))
        if isinstance(command, click.Group):
            found += [(name, verb) for verb in command.commands]
    return found


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_help_leads_with_examples_that_exist(path: tuple[str, ...]) -> None:
    command: click.Command = program
    context = click.Context(program)
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(context, name)
        assert found
        command = found
    text = command.get_help(click.Context(command, info_name=" ".join(path), max_content_width=80))
    assert command.help
    lines = text.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert not [line for line in lines if line.startswith("  ") and line.endswith("...")]
    assert lines[2] == "Examples:"
    assert lines[3].startswith("  mailgate")
    if not isinstance(command, click.Group):
        assert any(" ".join(path) in line for line in lines[3:6])


@pytest.mark.parametrize(
    ("arguments", "exit", "error", "hint"),
    [
        (["alais"], 2, "no such command 'alais'; did you mean `alias`?", "mailgate --help"),
        (["alias", "add"], 2, "missing argument 'ADDRESS'", "mailgate alias add --help"),
        (["alias", "add", "x@example.com"], 2, "missing option '--model'", "mailgate alias add --help"),
        (["record", "list", "--after", "3"], 2, "--after needs --model", "mailgate record list --help"),
        (["alias", "show", "x@example.com"], 3, "no alias `x@example.com`", "mailgate alias add x@example.com"),
        (["alias", "show", "x@nowhere.org"], 3, "no domain `nowhere.org`", "mailgate domain add nowhere.org"),
        (["domain", "add", "example.com"], 1, "domain `example.com` already exists", "mailgate domain set example.com"),
        (["domain", "add", "bad domain"], 1, "`bad domain` is not a domain name", "a domain looks like"),
        (["domain", "remove", "example.com", "--yes"], 1, "is used by 2 aliases", "mailgate alias remove"),
        (["domain", "forget", "example.com", "x"], 3, "`x@example.com` is not a retired name", "mailgate domain show"),
        (["record", "show", "ticket/9"], 3, "no record `ticket/9`", "mailgate record list --model ticket"),
        (["record", "show", "ticket"], 1, "`ticket` is not a record", "MODEL/ID"),
        (["message", "show", "9"], 3, "no message 9", "mailgate message list"),
        (["message", "raw", "9"], 3, "no message 9", "mailgate message list"),
        (["why", "9"], 3, "no message 9", "mailgate message list"),
        (["held", "show", "9"], 3, "message 9 is not held", "mailgate held list"),
        (["held", "drop", "9", "--yes"], 3, "message 9 is not held", "mailgate held list"),
        (["outbox", "show", "9"], 3, "nothing in the outbox has number 9", "mailgate outbox list"),
        (["contact", "set", "x@y.org"], 3, "no contact `x@y.org`", "mailgate contact add x@y.org"),
        (["contact", "add", "no address"], 1, "`no address` is not a mail address", "bob@client.org"),
        (["sender", "remove", "x@y.org", "--yes"], 3, "neither allowed nor blocked", "mailgate sender list"),
        (["param", "get", "x"], 3, "no parameter `x`", "mailgate param list"),
        (["param", "set", "mail.gateway.loop.minutes", "soon"], 1, "must be a whole number", "mailgate param set"),
        (
            ["param", "set", "mail.catchall.domain.allowed", ",,"],
            1,
            "only commas",
            "mailgate param set mail.catchall.domain.allowed",
        ),
        (["alias", "remove", "support"], 1, "would remove alias support@example.com", "--yes"),
        (["route"], 1, "no message on standard input", "mailgate route support@example.com"),
        (["route", "--message", "missing.eml"], 1, "missing.eml: No such file", "ls -la "),
        (["route", "--message", "."], 1, ".: Is a directory", "ls -la "),
        (["test", "missing"], 1, "missing: No such file", "ls -la "),
        (["test", "mailgate.toml"], 1, "mailgate.toml: Not a directory", "ls -la "),
        (["export", "no/such/folder.toml"], 1, "no/such/folder.toml: No such file", "ls -la "),
        (["post", "ticket/1", "--attach", "missing.pdf"], 1, "cannot attach missing.pdf", "ls -la "),
        (
            ["alias", "set", "support@example.com", "--unset", "nothing", "--delimiter"],
            2,
            "no such option",
            "mailgate alias set --help",
        ),
        (
            ["domain", "set", "example.com", "--delimiter", "@"],
            1,
            "cannot separate a detail",
            "one of `+`, `-`",
        ),
        (["domain", "set", "example.com", "--catchall", "postmaster"], 1, "always exists", "choose another name"),
        (
            ["domain", "set", "example.com", "--contact", "catchall@example.com"],
            1,
            "takes no new mail",
            "name an alias",
        ),
        (["why", "99999999999999999999999"], 3, "no message", "mailgate message list"),
        (["why", "one"], 2, "'one' is not a number", "mailgate why --help"),
        (
            ["record", "create", "m", "--name", b"\xff".decode("utf-8", "surrogateescape")],
            2,
            "is not UTF-8",
            "mailgate --help",
        ),
        (["--db", "postgresql://x", "alias", "list"], 1, "neither a path nor sqlite", "/var/lib/mailgate/mailgate.db"),
        (["--db", "/nowhere/at/all.db", "alias", "list"], 1, "no store /nowhere/at/all.db", "all.db init"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_errors_name_the_next_command(
    office: Installed, arguments: list[str], exit: int, error: str, hint: str
) -> None:
    screen = office(*arguments)
    assert screen.exit == exit
    first, *hints = screen.err.splitlines()
    assert first.startswith("error: ")
    assert error in first
    assert hints
    assert all(line.startswith("hint: ") for line in hints)
    assert hint in "\n".join(hints)
    assert screen.out == ""


LISTS = ["domain list", "alias list", "contact list", "sender list", "param list", "record list", "message list"]
LISTS += ["held list", "held list --refused", "outbox list"]


@pytest.mark.parametrize("command", LISTS)
def test_lists_are_json_arrays_and_plain_tables(office: Installed, command: str) -> None:
    assert isinstance(office.json(*command.split()), list)
    plain = office.ok(*command.split())
    header = plain.splitlines()[0].split("\t")
    assert header == [name.upper() for name in header]


@pytest.mark.parametrize(
    "arguments",
    [["-C", "CONFIG", "alias", "list"], ["alias", "-C", "CONFIG", "list"], ["alias", "list", "--config", "CONFIG"]],
    ids=["in front", "in the middle", "behind"],
)
def test_global_options_stand_anywhere(office: Installed, arguments: list[str]) -> None:
    words = [str(office.config) if word == "CONFIG" else word for word in arguments]
    assert "support@example.com" in office(*words, environ={"MAILGATE_CONFIG": "/nowhere"}).out


def test_deliver_takes_global_options_in_front(office: Installed) -> None:
    message = office.mail("support@example.com")
    screen = office(
        "-C", str(office.config), "deliver", "support@example.com", stdin=message, environ={"MAILGATE_CONFIG": "/x"}
    )
    assert screen == (0, "", "")


def test_a_store_named_by_db_or_environment(office: Installed, tmp_path: Path) -> None:
    for more, environ in (
        (["--db", f"{tmp_path}/other.db"], {}),
        ([], {"MAILGATE_DB": f"sqlite:///{tmp_path}/third.db"}),
    ):
        screen = office("alias", "list", "--json", *more, environ=environ)
        path = tmp_path / ("other.db" if more else "third.db")
        assert (screen.exit, screen.out) == (1, "")
        assert f"error: no store {path}\nhint: mailgate --db {path} init\n" in screen.err
        assert not path.exists(), "an empty store would look as if no mail had ever come"
        assert office(*INIT, *more, environ=environ).exit == 0
        assert json.loads(office("alias", "list", "--json", *more, environ=environ).out) == []


def test_the_system_s_store_is_made_by_init_alone(tmp_path: Path) -> None:
    class OfTheSystem(Installed):
        """The program on a machine whose configuration is the system's."""

        def command(self, *arguments: str) -> list[str]:
            system = f"from mailgate.settings import config; config.SYSTEM = {str(self.config)!r}"
            return [sys.executable, "-c", f"{system}; from mailgate.__main__ import main; main()", *arguments]

        @property
        def environ(self) -> dict[str, str]:
            return {**super().environ, "MAILGATE_CONFIG": ""}

    system = OfTheSystem(tmp_path)
    for command in (["alias", "list"], ["domain", "add", "example.com"], ["setup", "maps"], ["stats"]):
        screen = system(*command)
        assert (screen.exit, screen.out) == (1, "")
        assert f"error: no store {tmp_path}/mailgate.db\nhint: mailgate init\nhint: if there was one" in screen.err
        assert not system.path.exists()
    assert system(*INIT, environ={"MAILGATE_CONFIG": str(system.config)}).exit == 0
    assert system("alias", "list").exit == 0


def test_configuration_is_found_in_the_home_folder(installed: Installed, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".config" / "mailgate").mkdir(parents=True)
    (home / ".config" / "mailgate" / "mailgate.toml").write_text(f'[store]\nurl = "{tmp_path}/home.db"\n')
    installed("domain", "add", "example.com", environ={"HOME": str(home), "MAILGATE_CONFIG": ""})
    assert (tmp_path / "home.db").exists()


class Unconfigured(Installed):
    """The program on a machine where nobody has configured it, whatever this one has."""

    def command(self, *arguments: str) -> list[str]:
        return unconfigured(*arguments)

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, "HOME": str(self.folder / "home"), "MAILGATE_CONFIG": ""}


def test_without_configuration_the_store_is_in_the_data_folder(tmp_path: Path) -> None:
    Unconfigured(tmp_path)("domain", "add", "example.com")
    assert (tmp_path / "home/.local/share/mailgate/mailgate.db").exists()


def test_a_home_in_the_root_folder_names_no_host(office: Installed) -> None:
    """`HOME=/`, as system users have it, gives a path with two slashes."""
    assert office.ok("--db", f"/{office.folder}/mailgate.db", "alias", "list") == office.ok("alias", "list")


@pytest.mark.parametrize("place", ["/dev/null", "mailgate.toml/x", "."])
def test_a_store_that_cannot_be_made_has_a_hint(office: Installed, place: str) -> None:
    screen = office("--db", place, "alias", "list")
    assert (screen.exit, screen.out) == (1, "")
    assert re.match(r"error: .*\nhint: (mailgate (--db \S+ )?(init|doctor)|ls -l).*\n", screen.err)


@pytest.mark.parametrize("command", ["work", "fetch"])
def test_a_timer_s_command_says_what_helps_too(office: Installed, command: str) -> None:
    office.config.write_text("[store\n")
    screen = office(command)
    assert (screen.exit, screen.out[:6]) == (75, "4.3.5 ")
    assert screen.err.endswith("\nhint: mailgate config check\n")


def test_the_current_folder_is_never_searched(tmp_path: Path) -> None:
    screen = Unconfigured(tmp_path)("alias", "list", "--json")
    assert screen.exit == 0
    assert not (tmp_path / "mailgate.db").exists()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[store\n", "mailgate.toml:1:7: "),
        ("[limits]\nmax_size = -1\n", "limits.max_size must not be negative"),
        ("[limits]\nmax_size = true\n", "limits.max_size must be a number"),
        ('[submit]\nmethod = "pigeon"\n', "submit.method must be one of sendmail, smtp, none, not 'pigeon'"),
        ("store = 3\n", "store must be a section"),
    ],
)
def test_a_broken_configuration_says_where(installed: Installed, text: str, error: str) -> None:
    installed.config.write_text(text)
    screen = installed("alias", "list")
    assert screen.exit == 1
    assert error in screen.err
    assert str(installed.config) in screen.err


def test_an_unknown_key_is_a_warning_with_the_nearest_name(installed: Installed) -> None:
    installed.config.write_text(installed.config.read_text() + "[limits]\nmax_sise = 3\n[refusal]\nby = 'reply'\n")
    screen = installed("alias", "list")
    assert screen.exit == 0
    assert "unknown key `max_sise` in [limits], did you mean `max_size`?" in screen.err
    assert "unknown section [refusal], did you mean `refusals`?" in screen.err


@pytest.mark.parametrize(
    ("shell", "mark"), [("bash", "complete "), ("zsh", "#compdef mailgate"), ("fish", "complete ")]
)
def test_every_shell_gets_a_completion_script(installed: Installed, shell: str, mark: str) -> None:
    assert mark in installed.ok("completion", shell)


def test_completion_completes_commands_and_options(installed: Installed) -> None:
    environ = {"_MAILGATE_COMPLETE": "bash_complete", "COMP_WORDS": "mailgate ali", "COMP_CWORD": "1"}
    assert installed(environ=environ).out == "plain,alias\n"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("alias show s", "support@example.com"), ("domain set ", "example.com"), ("record show t", "ticket/1")],
)
def test_completion_knows_what_is_stored(office: Installed, words: str, wanted: str) -> None:
    office.ok("record", "create", "ticket")
    environ = {"_MAILGATE_COMPLETE": "bash_complete", "COMP_WORDS": f"mailgate {words}", "COMP_CWORD": "3"}
    assert office(environ=environ).out == f"plain,{wanted}\n"


def test_version_prints_name_and_version(installed: Installed) -> None:
    assert installed.ok("--version").startswith("mailgate ")


def test_a_fault_of_our_own_is_no_traceback(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import mailgate.store.lists\n"
        "def broken(): raise ZeroDivisionError('planted')\n"
        "mailgate.store.lists.aliases = broken\n"
    )
    screen = installed("alias", "list", environ={"PYTHONPATH": str(tmp_path)})
    assert screen.exit == 1
    assert screen.err.startswith("error: internal error: ZeroDivisionError: planted\nhint: ")
    assert "Traceback" not in screen.err


@pytest.mark.parametrize("words", [[], ["alias"], ["held"]], ids=" ".join)
def test_without_a_verb_help_is_shown(office: Installed, words: list[str]) -> None:
    screen = office(*words)
    assert (screen.exit, screen.out) == (2, "")
    assert "\nExamples:\n" in screen.err


def test_output_that_nobody_hears(office: Installed) -> None:
    for redirection, exit in ((">&-", 0), ("2>&-", 0), (">/dev/full", 1)):
        command = f"{sys.executable} -m mailgate -C {office.config} alias list --json {redirection}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
        assert done.returncode == exit, redirection
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr


def test_a_closed_pipe_is_no_error(office: Installed) -> None:
    command = f"{sys.executable} -m mailgate -C {office.config} alias list --help | head -1 >/dev/null"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
