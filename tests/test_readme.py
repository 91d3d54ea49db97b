"""The README is the manual: every mailgate command in it runs, in order; files and options it names exist."""

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from inbound.fetch.fake import FakeImap
from inbound.fetch.issuer import Issuer

from mailgate.routing import decide
from mailgate.settings import config

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line]

MESSAGE = b"""\
From: Bob Ray <bob@client.org>
To: support@example.com
Subject: The printer is on fire
Message-ID: <fire@client.org>
Content-Type: multipart/mixed; boundary=b

--b

Please come.
--b
Content-Disposition: attachment; filename=smoke.txt

Smoke.
--b--
"""


def test_every_mailgate_command_runs(tmp_path: Path) -> None:
    """In the order of the README, on one store; what comes before a command there is what it needs."""
    (tmp_path / "message.eml").write_bytes(MESSAGE)
    (tmp_path / "answer.txt").write_text("We are on our way.\n")
    (tmp_path / "offer.pdf").write_bytes(b"%PDF-1.4\n")
    (tmp_path / "ours.eml").write_bytes(
        b"From: Ann <ann@example.com>\nTo: bob@client.org\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\nDone.\n"
    )
    secret = tmp_path / "inbox.secret"
    secret.write_text("secret\n")
    secret.chmod(0o600)
    (tmp_path / "old.mbox").write_bytes(b"From bob@client.org Mon Jan  1 10:00:00 2024\n" + MESSAGE)
    for folder in ("Maildir/new", "Maildir/cur", "saved"):
        (tmp_path / folder).mkdir(parents=True)
    provider = Issuer("info@example.com", {})
    provider.client_secret = "secret"
    elsewhere = FakeImap(MESSAGE.replace(b"<fire@", b"<smoke@"))
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "MAILGATE_CONFIG": str(tmp_path / "mailgate.toml")}
    program = [sys.executable, "-m", "mailgate"]

    def run(line: str) -> None:
        words = shlex.split(line, comments=True)
        assert words[0] == "mailgate"
        if words[1] == "init":  # the account and the system's folders are not for a test
            words += ["--user", "root", "--db", str(tmp_path / "mailgate.db")]
        source, target = b"", None
        if words[1] == "server" and "--host" in words:  # mail comes from a server that is here
            words[words.index("--host") + 1] = "127.0.0.1"
            words += ["--port", str(elsewhere.port), "--security", "none"]
        if "--login" in words:  # and so does the access to it
            access = [*provider.options(), "--client-secret-file", str(secret)]
            words = [*words[: words.index("--login")], *access]
        words = [str(secret) if word == "/etc/mailgate/inbox.secret" else word for word in words]
        if "<" in words:
            source = (tmp_path / words[words.index("<") + 1]).read_bytes()
            del words[words.index("<") :]
        if ">" in words:
            target = tmp_path / words[words.index(">") + 1]
            del words[words.index(">") :]
        done = subprocess.run(
            [*program, *words[1:]], input=source, capture_output=True, cwd=tmp_path, env=environ, timeout=60
        )
        looks = line.endswith(" --check") or "doctor" in line
        expected = (0, 4) if looks else (0,)  # 4 where no mail server is: tests/mta has one
        assert done.returncode in expected, (line, done.stdout, done.stderr)
        if target:
            target.write_bytes(done.stdout)

    def serve(line: str) -> None:
        """A command that stays: it listens, and ends when it is told to."""
        socket = tmp_path / "lmtp.sock"
        process = subprocess.Popen([*program, "lmtp", "--listen", f"unix:{socket}"], cwd=tmp_path, env=environ)
        for _ in range(600):
            if socket.exists():
                break
            time.sleep(0.05)
        process.terminate()
        assert process.wait(60) == 0, line

    def mail_for_a_person() -> None:
        """What the README presupposes: two held messages and a refusal, as days of mail bring them."""
        for number, recipient in ((2, "postmaster"), (3, "abuse"), (4, "catchall")):
            text = MESSAGE.replace(b"support@", recipient.encode() + b"@").replace(b"<fire@", b"<%d@" % number)
            command = [*program, "deliver", "-f", "bob@client.org", "--", f"{recipient}@example.com"]
            subprocess.run(command, input=text, check=True, cwd=tmp_path, env=environ, timeout=60)

    def report() -> None:
        """Mail that did not arrive."""
        text = (
            b"From: MAILER-DAEMON@client.org\nTo: bounce@example.com\nX-Failed-Recipients: bob@client.org\n\nNo user.\n"
        )
        command = [*program, "deliver", "-f", "", "--", "bounce@example.com"]
        subprocess.run(command, input=text, check=True, cwd=tmp_path, env=environ, timeout=60)

    ran = []
    for line in COMMANDS:
        if not line.startswith("mailgate "):
            continue
        serve(line) if line.startswith("mailgate lmtp") else run(line)
        if line.startswith("mailgate init"):
            toml = (tmp_path / "mailgate.toml").read_text().replace('method = "sendmail"', 'method = "none"')
            (tmp_path / "mailgate.toml").write_text(toml)
        if line.startswith("mailgate deliver"):
            mail_for_a_person()
        if line.startswith("mailgate sent"):
            report()
        ran.append(line)
    elsewhere.close()
    provider.close()
    assert len(ran) > 50
    assert len(provider.asked) == 2, "two logins"


def test_other_commands_name_files_that_exist() -> None:
    named = [word for line in COMMANDS for word in shlex.split(line, comments=True) if word.startswith("examples/")]
    named += re.findall(r"`(examples/[^`]*|mailgate/[^`]*|tests/[^`]*|\.ci/[^`]*)`", README)
    assert len(named) > 5
    for name in named:
        assert (ROOT / name).exists(), name


def test_the_two_commands_for_a_fresh_machine() -> None:
    lines = [line for line in COMMANDS if line.startswith("python3 -m venv .venv && ")]
    assert [line.rpartition("bin/")[2] for line in lines] == ["mailgate demo", "pytest -n 3"]


def test_the_rules_stand_there_in_order() -> None:
    table = README.partition("| rule | asks |")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == decide.ORDER


def test_every_key_of_the_configuration_stands_there() -> None:
    named = set(re.findall(r"^\| `\[(\w+)\] (\w+)` \|", README, re.MULTILINE))
    known = {(section, key) for section, keys in config.KNOWN.items() for key in keys}
    assert known - named == {("submit", "host"), ("submit", "port")}  # named with `method`
    assert named - known == set()


@pytest.mark.parametrize("word", ["TODO", "FIXME", "coming soon"])
def test_nothing_is_promised(word: str) -> None:
    assert word not in README
