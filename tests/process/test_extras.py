"""Commands whose library is not installed say which extra brings it, and the others do not need it."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.installed import Installed

from mailgate.process import extras

WITHOUT = f"import sys\nfor name in {sorted(extras.EXTRAS)}: sys.modules[name] = None\n"
"""Python looks no further for a module that is None, so these libraries might as well not be there."""


class Plain(Installed):
    """The program as `pip install .` brings it, without any extra."""

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, "PYTHONPATH": str(self.folder / "path")}

    def tried(self, *arguments: str) -> Any:
        """The JSON of a command that may fail."""
        return json.loads(self(*arguments, "--json").out)


@pytest.fixture
def plain(tmp_path: Path) -> Plain:
    """A gateway without extras, with three servers that it can collect from, or could."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(WITHOUT)
    (tmp_path / "secret").write_text("word\n")
    (tmp_path / "secret").chmod(0o600)
    gateway = Plain(tmp_path)
    gateway.ok("domain", "add", "example.com")
    common = ("--host", "127.0.0.1", "--port", "1", "--user", "info")
    gateway("server", "add", "inbox", "--type", "imap", *common, "--password-file", str(tmp_path / "secret"))
    gateway("server", "add", "shop", "--type", "pop", *common, "--login", "google", "--client-id", "x")
    gateway("server", "add", "old", "--type", "pop", *common, "--password-file", str(tmp_path / "secret"))
    return gateway


def hint(extra: str) -> str:
    """The command that installs an extra beside this Python."""
    return f"{sys.executable} -m pip install {shlex.quote(f'.[{extra}]')}"


@pytest.mark.parametrize(
    ("command", "library", "extra"),
    [
        pytest.param("server test inbox", "imapclient", "fetch", id="an-imap-server-is-tried"),
        pytest.param("server test shop", "oauthlib", "fetch", id="a-server-with-a-login-is-tried"),
        pytest.param("server login shop", "oauthlib", "fetch", id="somebody-logs-in"),
        pytest.param("fetch inbox", "imapclient", "fetch", id="an-imap-server-is-collected"),
        pytest.param("fetch shop", "oauthlib", "fetch", id="a-server-with-a-login-is-collected"),
    ],
)
def test_the_missing_extra_is_named(plain: Plain, command: str, library: str, extra: str) -> None:
    screen = plain(*command.split())
    error, *hints = screen.err.splitlines()
    assert screen.exit == 1
    assert error.startswith("error: ")
    assert error.endswith(f"{library} is not installed; the extra `mailgate[{extra}]` brings it")
    assert hints == [f"hint: {hint(extra)}", f"hint: {extras._WHERE}"]


def test_every_server_is_tried_and_those_that_need_nothing_are_reached(plain: Plain) -> None:
    states = {each["server"]: each["error"] for each in plain.tried("fetch")}
    assert "imapclient is not installed" in states["inbox"]
    assert "oauthlib is not installed" in states["shop"]
    assert "refused" in states["old"], "POP with a password needs no library"


def test_adding_a_server_warns_and_the_doctor_says_so(plain: Plain) -> None:
    screen = plain("server", "set", "inbox", "--limit", "7")
    assert (screen.exit, screen.err.splitlines()[0]) == (
        0,
        f"warning: server inbox: imapclient is not installed; the extra `mailgate[fetch]` brings it: {hint('fetch')}",
    )
    found = {each["name"]: each for each in plain.tried("doctor", "--only", "servers")["checks"]}
    assert found["server inbox"]["fix"] == found["server shop"]["fix"] == hint("fetch")
    assert found["server old"]["fix"] != hint("fetch")


def test_with_all_extras_nothing_is_missing() -> None:
    assert extras.missing(*extras.EXTRAS) is None
