"""Logging in at a provider, by the real commands, and what becomes of it at a real mail server."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.installed import Screen
from mta.real.polling import until

from mailgate.gateway import log
from mailgate.inbound import fetch
from mailgate.oauth import access
from mailgate.oauth.grant import Client
from mailgate.settings import config
from mailgate.store import logins, servers
from mailgate.values.server import Secret, Server

from .conftest import Collector, mail
from .dovecot import Account
from .issuer import CLIENT, Issuer

BOTH = pytest.mark.parametrize("speaks", ["imap", "pop"])
DAY = 86_400.0


class Watched(Collector):
    """A collector that remembers all that it ever printed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.printed = ""

    def __call__(self, *arguments: str, **given: Any) -> Screen:
        screen = super().__call__(*arguments, **given)
        self.printed += screen.out + screen.err
        return screen

    def enter(self, account: Account, speaks: str, issuer: Issuer, *more: str) -> str:
        """Add the server `box`, which has its login at an issuer."""
        server = account.server
        port = server.imaps if speaks == "imap" else server.pops
        where = ["--type", speaks, "--host", "localhost", "--port", str(port), "--ca", str(server.ca)]
        return self.ok("server", "add", "box", *where, "--user", account.name, *issuer.options(), *more)

    def log_in(self, account: Account, speaks: str, issuer: Issuer) -> None:
        """The same as `enter` and `server login box`, without their processes."""
        server = account.server
        secret = Secret("login", issuer.url, CLIENT, scope="mail offline_access")
        port = server.imaps if speaks == "imap" else server.pops
        with self.store.write() as tx:
            servers.add(tx, Server("box", speaks, "localhost", port, account.name, secret, ca=str(server.ca)))
        self.give(issuer)

    def give(self, issuer: Issuer) -> None:
        """Log in again."""
        client = Client(box := self.box)
        found = client.poll(f"{issuer.url}/token", client.device(f"{issuer.url}/device").device_code)
        with self.store.write() as tx:
            logins.grant(tx, box.number, access.start(f"{issuer.url}/token", found))

    @property
    def box(self) -> Server:
        """The server."""
        with self.store.read() as tx:
            return servers.get(tx, "box")

    def run(self) -> fetch.RunResult:
        """The same as `fetch box`, without its process."""
        return fetch.run(self.store, config.load(str(self.config), None, {}), self.box)

    def started(self, *arguments: str) -> "subprocess.Popen[str]":
        """`server login box`, which waits for a person."""
        return self.start("server", "login", "box", *arguments, text=True)

    def ended(self, process: "subprocess.Popen[str]", before: str = "") -> Screen:
        """What such a process printed in the end."""
        assert process.stdout is not None
        assert process.stderr is not None
        with process:  # what is read ahead of a line is lost to `communicate`
            out, err = process.stdout.read(), process.stderr.read()
        self.printed += before + out + err
        return Screen(process.returncode, before + out, err)

    def change(self, update: str) -> None:
        """Change a login in the store, as time does."""
        with self.store.write() as tx:
            assert tx.execute(f"UPDATE login SET {update}", {"now": time.time()}).rowcount == 1


@pytest.fixture
def issuer(account: Account) -> Iterator[Issuer]:
    """A provider whose tokens the mail server takes."""
    found = Issuer(account.name, account.server.tokens.valid)
    yield found
    found.close()


@pytest.fixture
def collector(tmp_path: Path, issuer: Issuer) -> Iterator[Watched]:
    """A collector; no secret of the provider may have been printed, or logged, when a test ends."""
    found = Watched(tmp_path)
    yield found
    for each in issuer.secrets | ({issuer.client_secret} if issuer.client_secret else set()):
        assert each not in found.printed
    for each in (tmp_path / "mailgate.db", *tmp_path.glob("mailgate.db*")):
        assert each.stat().st_mode & 0o077 == 0


def until_address(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """The address that a browser has to open, and all that was printed until then."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "/authorize?" in line:
            return line.strip(), said
    raise AssertionError(said, process.stderr and process.stderr.read())


def browse(address: str) -> str:
    """Open an address as a browser does; the text of the page it ends at."""
    with urllib.request.urlopen(address, timeout=20) as answer:
        return str(answer.read().decode())


def test_a_login_by_device_code_collects_over_imap(collector: Watched, account: Account, issuer: Issuer) -> None:
    account.deliver(mail(1))
    assert "next: mailgate server login box" in collector.enter(account, "imap", issuer)
    before = collector("fetch")
    assert (before.exit, "nobody has logged in yet" in before.err) == (1, True)
    assert "hint: mailgate server login box" in before.err
    assert "nobody has logged in yet: mailgate server login box" in collector.ok("server", "list")
    said = collector.ok("server", "login", "box")
    assert f"  {issuer.url}/enter\n" in said
    assert "  ABCD-EFGH\n" in said
    assert said.endswith("box: logged in; valid until it is revoked\nnext: mailgate server test box\n")
    assert "INBOX: 1 message" in collector.ok("server", "test", "box")
    assert collector.fetch()["created"] == 1
    shown = collector.json("server", "show", "box")
    assert (shown["state"], shown["secret"], shown["login"]["error"]) == ("ok", "login", "")
    assert "valid until" in collector.ok("server", "show", "box")
    assert issuer.refreshes == 0


def test_a_login_by_browser_with_a_client_secret_collects_over_pop(
    collector: Watched, account: Account, issuer: Issuer
) -> None:
    account.deliver(mail(1))
    issuer.client_secret = "client-secret-0815"
    issuer.told = {"refresh_token_expires_in": 604_800}
    file = collector.folder / "client.secret"
    file.write_text("client-secret-0815\n")
    file.chmod(0o600)
    collector.enter(account, "pop", issuer, "--client-secret-file", str(file))
    process = collector.started("--flow", "browser")
    address, said = until_address(process)
    port = re.search(r"redirect_uri=http%3A%2F%2F127\.0\.0\.1%3A(\d+)", address)
    assert port is not None
    with pytest.raises(urllib.error.HTTPError):  # somebody else on this machine
        browse(f"http://127.0.0.1:{port[1]}/?code=forged&state=guessed")
    assert "mailgate continues in the terminal" in browse(address)
    screen = collector.ended(process, said)
    assert screen.exit == 0, screen
    assert f"ssh -L {port[1]}:127.0.0.1:{port[1]} {socket.gethostname()}" in screen.out
    assert "logged in; valid until 20" in screen.out
    assert collector.fetch()["created"] == 1
    file.write_text("client-secret-0816\n")
    collector.change("expires_at = 0")
    screen = collector("fetch", "box")
    assert (screen.exit, "invalid_client: not client-secret-0816" in screen.err) == (1, False)
    assert "invalid_client: not ***" in screen.err
    file.write_text("client-secret-0815\n")
    assert collector.fetch("box")["state"] == "ok", "what can be mended without a login is not the end of it"


def test_a_device_code_that_is_refused_leads_to_a_browser(collector: Watched, account: Account, issuer: Issuer) -> None:
    issuer.device_error = "invalid_scope"
    collector.enter(account, "imap", issuer)
    screen = collector("server", "login", "box", "--flow", "device")
    assert (screen.exit, "invalid_scope: not for mail" in screen.err) == (1, True)
    process = collector.started("--json")
    assert process.stderr is not None
    address = next(line for line in process.stderr if "/authorize?" in line)
    browse(address.strip())
    screen = collector.ended(process)
    assert json.loads(screen.out) == {"name": "box", "flow": "browser", "until": None, "renews": True}
    process = collector.started()
    address, said = until_address(process)
    issuer.refuses = ("access_denied", "He said\x1b no")
    assert "was not given access" in browse(address)
    screen = collector.ended(process, said)
    assert (screen.exit, "127.0.0.1: access_denied: He said\ufffd no" in screen.err) == (1, True)
    issuer.refuses = None
    assert "INBOX: 0 messages" in collector.ok("server", "test", "box"), "the login of before stands"


def test_the_address_may_be_typed(collector: Watched, account: Account, issuer: Issuer) -> None:
    collector.enter(account, "imap", issuer)
    ours, theirs = pty.openpty()
    command = collector.command("server", "login", "box", "--flow", "browser")
    process = subprocess.Popen(command, env=collector.environ, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = ""

    def see(what: str) -> str:
        nonlocal seen
        while what not in seen:
            seen += os.read(ours, 1 << 16).decode()
        return seen

    address = re.search(r"http\S*/authorize\?\S+", see("waiting for the browser"))
    assert address is not None
    where = issuer.authorized(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address[0]).query)))
    os.write(ours, b"no idea\n")
    see("that is not where the browser ended")
    os.write(ours, f"{where}\n".encode())
    see("next: mailgate server test box")
    assert process.wait(30) == 0
    os.close(ours)


def test_an_interrupted_login_ends_at_once(collector: Watched, account: Account, issuer: Issuer) -> None:
    collector.enter(account, "imap", issuer)
    process = collector.started("--flow", "browser")
    _, said = until_address(process)
    process.send_signal(signal.SIGINT)
    screen = collector.ended(process, said)
    assert (screen.exit, screen.err) == (130, "\n\nerror: interrupted\n")
    assert collector.rows("SELECT count(*) FROM login") == [(0,)]


@BOTH
def test_a_token_that_ends_early_is_renewed(collector: Watched, account: Account, issuer: Issuer, speaks: str) -> None:
    account.deliver(mail(1))
    collector.log_in(account, speaks, issuer)
    issuer.expire()
    assert collector.run().tally.created == 1
    assert issuer.refreshes == 1
    collector.change("expires_at = :now + 100")
    assert collector.run().state == "ok"
    assert issuer.refreshes == 2, "and one that is about to end, before it is used"
    assert collector.run().state == "ok"
    assert issuer.refreshes == 2


def test_a_rotated_token_is_kept_even_if_collecting_fails(collector: Watched, account: Account, issuer: Issuer) -> None:
    account.deliver(mail(1))
    collector.log_in(account, "imap", issuer)
    collector.change("expires_at = 0")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, and never says a word
        collector.ok("server", "set", "box", "--security", "none", "--port", str(silent.getsockname()[1]))
        process = subprocess.Popen(collector.command("fetch"), env=collector.environ)
        silent.settimeout(30)
        connection, _ = silent.accept()  # the new access token was about to be used
        process.kill()
        process.wait(30)
        connection.close()
    assert issuer.refreshes == 1
    collector.change("expires_at = 0")
    collector.ok("server", "set", "box", "--port", str(account.server.imap))
    assert collector.fetch("box")["created"] == 1, "with the old one all of it would be revoked"
    assert issuer.refreshes == 2


def test_two_processes_refresh_a_token_once(collector: Watched, account: Account, issuer: Issuer) -> None:
    collector.log_in(account, "imap", issuer)
    collector.change("expires_at = 0")
    issuer.slow = 0.7
    command = collector.command("server", "test", "box")
    both = [subprocess.Popen(command, env=collector.environ, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [each.wait(60) for each in both] == [0, 0]
    assert issuer.refreshes == 1


def test_a_term_signal_waits_for_the_new_token(collector: Watched, account: Account, issuer: Issuer) -> None:
    collector.log_in(account, "imap", issuer)
    collector.change("expires_at = 0")
    issuer.slow = 0.5
    process = subprocess.Popen(collector.command("fetch"), env=collector.environ, stderr=subprocess.DEVNULL)
    until(lambda: issuer.refreshes, "the refresh to begin")
    process.terminate()
    assert process.wait(30) == 130
    issuer.slow = 0
    collector.change("expires_at = 0")
    assert collector.fetch("box")["state"] == "ok"
    assert collector.rows("SELECT holder FROM login") == [(None,)]


def test_a_revoked_login_is_not_used_again_until_the_next_login(
    collector: Watched, account: Account, issuer: Issuer
) -> None:
    account.deliver(mail(1))
    collector.log_in(account, "imap", issuer)
    issuer.revoke()
    told = "the login is over: 127.0.0.1: invalid_grant: Token has been expired or revoked."
    for screen in (collector("fetch"), collector("fetch", "box")):
        assert (screen.exit, f"error: server box: {told}\nhint: mailgate server login box" in screen.err) == (1, True)
    assert issuer.refreshes == 1, "it is not asked again"
    assert told in collector.ok("server", "list")
    assert told in collector.ok("server", "show", "box").replace("\n", " ")
    checked = collector("doctor", "--only", "servers", "--json")
    assert checked.exit == 4
    (check,) = json.loads(checked.out)["checks"]
    assert check == {
        "name": "server box",
        "verdict": "wrong",
        "text": told,
        "fix": "mailgate server login box",
        "advice": "",
    }
    with collector.store.read() as tx:
        assert servers.health(tx, 1, time.time()).failures == 2
    collector.give(issuer)
    assert "over" not in collector.ok("server", "list")
    assert collector.run().tally.created == 1
    assert collector("doctor", "--only", "servers").exit == 0


def test_the_system_log_reports_an_ended_login_once(
    collector: Watched, account: Account, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.log_in(account, "imap", issuer)
    issuer.revoke()
    said: list[str] = []
    monkeypatch.setattr(log, "server", lambda name, text, good=False: said.append(f"{name} {text}"))
    assert [collector.run().state for _ in range(3)] == ["failed"] * 3
    assert said == ["box fails: the login is over: 127.0.0.1: invalid_grant: Token has been expired or revoked."]


def test_a_provider_that_is_away_ends_no_login(
    collector: Watched, account: Account, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.log_in(account, "imap", issuer)
    collector.change("expires_at = 0")
    server = collector.box
    for issuer.says in ((503, "text/html", b"<html>"), (200, "application/json", b"{}")):
        with pytest.raises(access.Problem):
            access.token(collector.store, server)
    issuer.says = None
    issuer.refuses = ("temporarily_unavailable", "Come back later")
    with pytest.raises(access.Problem, match="temporarily_unavailable: Come back later"):
        access.token(collector.store, server)
    issuer.refuses = None
    assert access.token(collector.store, server) in account.server.tokens.valid
    issuer.rotates = False
    collector.change("expires_at = 0")
    assert access.token(collector.store, server) in account.server.tokens.valid
    collector.change("expires_at = 0")
    assert access.token(collector.store, server) in account.server.tokens.valid, "one that stays is used again"


def test_a_login_that_will_expire_is_announced_by_fetch(collector: Watched, account: Account, issuer: Issuer) -> None:
    collector.log_in(account, "imap", issuer)
    assert collector.run().warning == ""
    collector.change("begun_at = :now - 100 * 86400, ends_at = :now + 3 * 86400")
    screen = collector("fetch")
    assert screen.exit == 0
    assert re.search(r"warning: server box: the login ends at 20\S+ \S+ UTC: mailgate server login box", screen.err)
    assert "the login ends at" in collector("server", "list").err
    assert "the login ends at" in collector.ok("server", "show", "box")
    assert "the login ends at" in collector.json("server", "show", "box")["login"]["warning"]
    checked = collector("doctor", "--only", "servers")
    assert (checked.exit, "mailgate server login box" in checked.out) == (4, True)


def test_a_login_without_refresh_token_says_so(collector: Watched, account: Account, issuer: Issuer) -> None:
    issuer.gives_refresh = False
    collector.enter(account, "imap", issuer)
    assert "there is no refresh token" in collector.ok("server", "login", "box")
    assert collector.run().state == "ok"
    collector.change("expires_at = 0")
    screen = collector("fetch")
    assert "the access token has expired, and there is no refresh token" in screen.err
    assert "hint: mailgate server login box" in screen.err


def test_a_file_has_the_settings_and_no_token(collector: Watched, account: Account, issuer: Issuer) -> None:
    collector.log_in(account, "imap", issuer)
    exported = collector.ok("export")
    assert f'[server.box.secret]\nlogin = "{issuer.url}"\nclient-id = "client-4711"\nscope = "mail' in exported
    file = collector.folder / "directory.toml"
    file.write_text(exported)
    assert "nothing to change" in collector.ok("import", str(file), "--prune")
    assert collector.rows("SELECT count(*) FROM login") == [(1,)], "it does not touch the login"
    file.write_text(exported.replace('client-id = "client-4711"\n', ""))
    assert "a login needs --client-id" in collector("import", str(file)).err
    file.write_text(exported.replace("client-4711", "client-4712"))
    collector.ok("import", str(file))
    assert collector.rows("SELECT count(*) FROM login") == [(0,)], "another client has to log in anew"


def test_a_login_ends_when_its_account_or_provider_changes(
    collector: Watched, account: Account, issuer: Issuer
) -> None:
    collector.log_in(account, "imap", issuer)
    with collector.store.read() as tx:
        box, login = servers.get(tx, "box"), logins.get(tx, 1)
    assert login is not None
    secret = box.secret
    for changed, stays in (
        (box._replace(done="seen", host="imap.box.example"), True),
        (box._replace(user="other@box.example"), False),
        (box._replace(secret=secret._replace(scope="mail")), False),
        (box._replace(secret=secret._replace(client="x")), False),
        (box._replace(secret=Secret("password-file", str(collector.secret))), False),
        (box._replace(type="pop"), False),
    ):
        with collector.store.write() as tx:
            servers.save(tx, box)
            logins.grant(tx, 1, login)
            servers.save(tx, changed)
            assert (logins.get(tx, 1) is not None) == stays, changed
    collector.ok("server", "set", "box", *issuer.options(), "--client-secret-file", "/x", "--done", "delete")
    collector.ok("server", "set", "box", "--client-secret-file", "", "--scope", "mail")
    assert collector.json("server", "show", "box")["login"]["client_id"] == CLIENT
    with collector.store.write() as tx:
        logins.grant(tx, 1, login)
    collector.ok("server", "remove", "box", "--yes")
    assert collector.rows("SELECT count(*) FROM login") == [(0,)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("add x --type imap --host a --user b --login google", "a login needs --client-id"),
        (
            "add x --type imap --host a --user b --login http://a.example --client-id 1",
            "`http://a.example` is not a provider",
        ),
        ("add x --type imap --host a --user b --password-file c --client-id 1", "--client-id is for --login"),
        ("add x --type imap --host a --user b", "'--token-command' or '--login'"),
    ],
)
def test_an_impossible_login_is_refused_with_a_hint(collector: Watched, words: str, told: str) -> None:
    screen = collector("server", *words.split())
    assert screen.exit in (1, 2)
    assert told in screen.err
