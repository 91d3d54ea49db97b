"""What is printed for copying on the screens of a store full of hostile names, in files with hostile names."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from helpers import pasting
from helpers.pasting import MARK, Printed

import mailgate
from mailgate.cli.ui import errors
from mailgate.cli.ui.app import App
from mailgate.cli.ui.program import program
from mailgate.mail.incoming import Incoming
from mailgate.values.problem import Problem

FOLDER = f'it\'s $(touch {MARK}) `id` "x"; *'
LOCALS = [
    f"`touch${{IFS}}{MARK}`",
    f"-{MARK}",
    f"--yes={MARK}",
    f'"$(touch {MARK})"',
    f'"x; touch {MARK} #"',
    f"x'|tee'{MARK}",
    f"!{MARK}&*?",
    f"{{{MARK},x}}~",
    f'"  x\\"{MARK} "',
    f"ü{MARK}日本",
]
"""Local parts that a stranger may write from."""
RECIPIENTS = ["support@example.com", "closed@example.com", "nobody@example.com", "catchall@example.com"]
DSN = """\
From: MAILER-DAEMON@mx.x.org
To: bounce@example.com
Subject: failed
Message-ID: <dsn{local}@x.org>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.x.org

Final-Recipient: rfc822; {local}@x.org
Action: failed
Status: 5.1.1

--b--
"""
SCREENS = [
    "doctor",
    "setup postfix",
    "setup postfix --alias",
    "setup exim",
    "setup postfix --write {folder}/out",
    "setup exim --write {folder}/out",
    "setup maps",
    "init --domain example.com",
    "init",
    "migrate",
    "config",
    "alias list",
    "alias show support@example.com",
    "alias add {local}@example.com --model ticket --record a.model.whose.long.name.nearly.fills.a.line/7",
    "alias set {local}@example.com --notify {local}@x.org --from followers",
    "alias add {local}@example.com --model ticket",
    "alias remove {local}@example.com",
    "domain show example.com",
    "domain set example.com --contact {local}@example.com",
    "domain set example.com --sender {local}",
    "domain redirects example.com --to {local}@x.org",
    "contact add {local}@x.org",
    "contact add {local}@x.org --name x",
    "contact show {local}@x.org",
    "contact set {local}@y.org --name x",
    "sender block {local}@x.org",
    "sender list",
    "sender remove {local}@y.org --yes",
    "record list",
    "record follow ticket/1 {local}@x.org",
    "record follow ticket/1 {local}@example.com",
    "record show ticket/1",
    "post ticket/1 --to {local}@example.com",
    "post ticket/1 --attach {folder}/none",
    "sent ticket/1",
    "server add box --type imap --host 127.0.0.1 --user {local}@x.org --password-file {folder}/none --security none",
    "server show box",
    "server test box",
    "server set box --ca {folder}/none.pem --security tls",
    "fetch box",
    "fetch mbox {folder}/none",
    "fetch eml {folder}/none",
    "import {folder}/bad.toml",
    "import {folder}/none.toml",
    "export {folder}/none/x",
    "test {folder}/none",
    "test --record 1 --to {folder}/cases",
    "message save 1 --to {folder}/bad.toml",
    "why <{local}@x.org>",
    "why 99",
    "message show <{local}@x.org>",
    "held route 1 --to {local}@example.com",
    "route -f {local}@x.org {local}@example.com --message {folder}/none.eml",
    "log",
    "stats",
    "bounce list",
    "held list",
    "outbox list",
]

PROGRAMS = ("mailgate", "chmod", "chown", "install", "ls", "df", "sqlite3", "mkdir")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a gateway to which such people have written, and reports about them."""
    folder = tmp_path_factory.mktemp("pasting") / FOLDER
    folder.mkdir()
    path = folder / "mail gate's.toml"
    path.write_text(
        f"[store]\nurl = '''sqlite:///{folder}/mail gate's.db'''\n"
        f"[submit]\nsendmail = '''{folder}/send mail'''\n[refusals]\ntemplates = '''{folder}/my texts'''\n"
    )
    (folder / "bad.toml").write_text("[domain]\nx = 1\n")
    for line in (
        "domain add example.com",
        "alias add support@example.com --model ticket",
        "alias add closed@example.com --model ticket --from contacts",
    ):
        done = CliRunner().invoke(program, line.split(), obj=App(str(path), None))
        assert done.exit_code == 0, done.output
    config = mailgate.load_config(path)
    store = mailgate.open_store(config)
    for number, local in enumerate(LOCALS):
        for recipient in RECIPIENTS:
            spam = "X-Spam-Flag: YES\n" if number % 3 == 2 else ""
            mail = (
                f"From: <{local}@x.org>\nTo: {recipient}\nMessage-ID: <{number}{recipient}>\n{spam}\nText {number}.\n"
            )
            mailgate.receive(store, config, Incoming(mail.encode(), f"{local}@x.org", (recipient,)))
        mailgate.receive(store, config, Incoming(DSN.format(local=local).encode(), "", ("bounce@example.com",)))
    store.close()
    return path


def numbered(place: Path) -> list[str]:
    """The screens of everything that the store holds."""
    config = mailgate.load_config(place)
    store = mailgate.open_store(config)
    with store.read() as tx:
        counts = {
            table: tx.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("message", "failure", "outbox")
        }
    store.close()
    assert counts["message"] >= len(LOCALS) * 4
    assert counts["failure"] >= len(LOCALS) - 1
    return [
        *(
            f"{name} {number}"
            for number in range(1, counts["message"] + 1)
            for name in ("why", "message show", "held show")
        ),
        *(f"bounce show {number}" for number in range(1, counts["failure"] + 1)),
        *(f"outbox show {number}" for number in range(1, counts["outbox"] + 1)),
    ]


def printed(place: Path, line: str, local: str) -> Iterator[str]:
    """The lines that a command prints."""
    words = [word.format(local=local, folder=place.parent) for word in line.split()]
    app = App(str(place), None)
    done = CliRunner().invoke(program, words, obj=app, standalone_mode=False, input=b"From: a@b.org\n\nText.\n")
    yield from done.output.split("\n")
    if isinstance(done.exception, Problem):
        yield from (f"hint: {hint}" for hint in errors.helped(done.exception).commands)
    elif isinstance(done.exception, OSError):
        yield from (f"hint: {hint}" for hint in errors.of_system(done.exception).commands)
    elif isinstance(done.exception, click.UsageError):
        yield from (f"hint: {hint}" for hint in errors.of_usage(done.exception).commands)
    else:
        assert done.exception is None or isinstance(done.exception, click.ClickException | click.exceptions.Exit), line


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize(("local", "terminal"), [(LOCALS[0], True), *((local, False) for local in LOCALS)], ids=ascii)
def test_every_command_on_a_screen_can_be_pasted(
    place: Path, local: str, terminal: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.chdir(tmp_path)
    if terminal:
        monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)
    every = local == LOCALS[0]
    screens = [*SCREENS, *numbered(place)] if every else [line for line in SCREENS if "{local}" in line]
    made = pasting.recorded(monkeypatch)
    seen: dict[str, Printed] = {}
    for line in screens:
        made.clear()
        lines = list(printed(place, line, local))
        text = squeezed("".join(lines))
        for command in made:
            pasting.check(command)
            if squeezed(command.line) in text:
                assert any(command.line in row for row in lines), f"{line}: folded: {command.line}"
                seen[command.line] = command
        for row in lines:
            for hint in re.findall(r"(?:\bnext|\bhint): ([a-z]+ .*)", row):
                if hint.split()[0] in PROGRAMS:
                    assert pasting.is_made(hint), f"{line}: not by the builder: {hint}"
    assert len(seen) > (30 if every else 3), seen
    pasting.shell(list(seen), tmp_path)
