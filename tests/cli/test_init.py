"""`mailgate init` and `migrate`: who owns what, and that nothing that exists is touched."""

import os
import stat
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.installed import Installed

from mailgate.settings import plain

ROOT = os.geteuid() == 0
AS_ME = ["--user", "root"] if ROOT else []


def test_init_writes_a_commented_configuration_and_a_store(installed: Installed) -> None:
    installed.config.unlink()
    out = installed.ok("init", "--domain", "example.com", "--db", f"{installed.folder}/mg/mailgate.db", *AS_ME)
    assert "next: mailgate alias add support@example.com --model ticket" in out
    text = installed.config.read_text()
    assert text.count("#") > 8
    assert tomllib.loads(text)["store"]["url"] == f"sqlite:///{installed.folder}/mg/mailgate.db"
    assert plain.read(text.encode()) == tomllib.loads(text), "a delivery does without the parser"
    assert stat.S_IMODE((installed.folder / "mg").stat().st_mode) == 0o700
    assert installed.json("domain", "list")[0]["name"] == "example.com"


def test_init_twice_changes_nothing(installed: Installed) -> None:
    installed.ok("init", "--domain", "example.com", *AS_ME)
    before = installed.config.read_bytes()
    out = installed.ok("init", "--domain", "example.com", *AS_ME)
    assert installed.config.read_bytes() == before
    assert out.startswith("kept configuration")
    assert len(installed.json("domain", "list")) == 1


def test_a_configuration_that_was_never_written_is_written_again(installed: Installed) -> None:
    """An `init` that was killed left it empty; the next one kept it, and looked at the default store from then on."""
    installed.config.write_bytes(b"")
    out = installed.ok("init", "--domain", "example.com", "--db", f"{installed.folder}/mg/mailgate.db", *AS_ME)
    assert out.startswith("wrote configuration")
    assert installed.json("domain", "list")[0]["name"] == "example.com"
    assert [each for each in os.listdir(installed.folder) if each.endswith(".tmp")] == []


def test_init_prints_json(installed: Installed) -> None:
    found = installed.json("init", "--domain", "example.com", *AS_ME)
    assert (found["config"], found["domain"]) == (str(installed.config), "example.com")


def test_migrate_is_quiet_when_up_to_date(office: Installed) -> None:
    found = office.json("migrate")
    assert found["before"] == found["after"] > 0
    assert "up to date" in office.ok("migrate")


def test_migrate_makes_no_store(installed: Installed) -> None:
    screen = installed("migrate")
    assert (screen.exit, screen.err.splitlines()[-1]) == (1, "hint: mailgate init")


@pytest.mark.skipif(not ROOT, reason="only root can give files to somebody else")
class TestAsRoot:
    """Root sets up for the user that runs the pipe, and becomes that user."""

    @pytest.fixture
    def open_gate(self) -> Iterator[Installed]:
        with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to everybody else
            os.chmod(name, 0o755)
            installed = Installed(Path(name))
            installed.config.unlink()
            yield installed

    def test_a_missing_user_is_an_error_with_the_command(self, open_gate: Installed) -> None:
        screen = open_gate("init", "--user", "mailgate-nobody-has")
        assert screen.exit == 1
        assert "no user `mailgate-nobody-has`" in screen.err
        assert "hint: adduser --system --group" in screen.err
        assert not open_gate.config.exists()

    def test_the_store_belongs_to_the_user_and_stays_so(self, open_gate: Installed) -> None:
        folder = open_gate.folder / "mg"
        open_gate.ok("init", "--user", "nobody", "--db", f"{folder}/mailgate.db", "--domain", "example.com")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        open_gate.ok("alias", "add", "support", "--model", "ticket")
        assert open_gate.deliver(open_gate.mail("support@example.com"), "support@example.com") == (0, "", "")
        assert {path.stat().st_uid for path in [folder, *folder.iterdir()]} == {65534}

    def test_a_folder_of_somebody_else_is_not_taken(self, open_gate: Installed) -> None:
        folder = open_gate.folder / "mg"
        folder.mkdir()
        (folder / "precious").touch()
        screen = open_gate("init", "--user", "nobody", "--db", f"{folder}/mailgate.db")
        assert screen.exit == 1
        assert f"hint: chown nobody {folder}" in screen.err
        assert folder.stat().st_uid == 0
