"""Commands are printed to be copied: whatever somebody is called, they are one word of them, and nothing runs."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from mailgate.cli.ui import errors, explanation
from mailgate.cli.ui.app import App
from mailgate.cli.ui.program import program
from mailgate.values import names
from mailgate.values.problem import Problem

MARK = "pwned"
HOSTILE = [
    f"`touch${{IFS}}{MARK}`",
    f"$(touch {MARK})",
    f"x;touch {MARK}",
    f"x'; touch {MARK}; '",
    f'x"; touch {MARK}; "',
    f"x\\' touch {MARK}",
    f"--db={MARK}",
    f"-{MARK}",
    f"x\ntouch {MARK}",
    f"x\x1b[2J{MARK}",
    f"x\u202e{MARK}",
    f"!{MARK}",
    f"*{MARK}?",
    f"~{MARK}",
    f"x {MARK}",
    f"x#{MARK}",
    f"x>{MARK}",
    f"x|tee {MARK}",
    f"x&{MARK}",
]
"""Names that a shell, a terminal or the program itself would act on."""
ASKED = [
    "alias show {}",
    "alias show {}@example.com",
    "alias add {}@nowhere.org --model ticket",
    "alias add new@example.com --model {}",
    "alias set support@example.com --record {}/1",
    "alias set support@example.com --notify {}",
    "domain show {}",
    "domain add {}",
    "domain forget example.com {}",
    "domain redirects example.com --to {}",
    "domain redirects example.com --to {}@x.org",
    "domain dns example.com --host {} --address {}",
    "domain dns example.com --host mx.example.com --reports {}",
    "contact set {} --name x",
    "contact set {}@x.org --name x",
    "sender remove {}@x.org --yes",
    "record show {}/1",
    "record show ticket/{}",
    "record follow ticket/1 {}",
    "record unfollow ticket/1 {}@x.org",
    "record revoke ticket/1 {}@x.org",
    "message show {}",
    "param get {}",
    "param set {} 1",
    "param set mail.gateway.loop.minutes {}",
    "server show {}",
    "server add {} --type imap --host {} --user {} --password-file {}",
    "server login {}",
    "fetch {}",
    "fetch mbox {}",
    "import {}",
    "export {}/x/y",
    "test {}",
    "post ticket/1 --attach {}",
    "post {}",
    "sent ticket/{}",
    "setup postfix --write {}",
    "setup exim --write {} --fallback-model {}",
    "help {}",
    "route {}@example.com -f {}@x.org",
    "route catchall@example.com -f {}@x.org",
    "route closed@example.com {}@example.com",
    "{}",
    "alias {}",
]
"""Commands about such a name, in place of `{}`."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gateway with a domain, two aliases and a record."""
    folder = tmp_path_factory.mktemp("hints")
    (folder / "mailgate.toml").write_text(
        f'[store]\nurl = "sqlite:///{folder}/mailgate.db"\n[submit]\nmethod = "none"\n'
    )
    for line in (
        "domain add example.com",
        "alias add support@example.com --model ticket",
        "alias add closed@example.com --model ticket --from contacts",
        "record create ticket",
    ):
        assert CliRunner().invoke(program, line.split(), obj=App(str(folder / "mailgate.toml"), None)).exit_code == 0
    return folder


def printed(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Every command that is printed when somebody asks about a name."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    mail = f"From: <{name}@x.org>\nTo: support@example.com\nMessage-ID: <a@x.org>\n\nText.\n"
    for line in ASKED:
        words = [word.replace("{}", name) for word in line.split()]
        monkeypatch.setattr("sys.argv", ["mailgate", *words])
        app = App(str(folder / "mailgate.toml"), None)
        stdin = mail.encode("utf-8", "replace")
        done = CliRunner().invoke(program, words, obj=app, standalone_mode=False, input=stdin)
        if isinstance(done.exception, Problem):
            yield from errors.helped(done.exception).commands
        elif isinstance(done.exception, OSError):
            yield from errors.of_system(done.exception).commands
        yield from re.findall(r"^ *hint: (.*)", done.output, re.MULTILINE)
        yield from re.findall(r": (mailgate .*)", done.output)
        yield from re.findall(r"^((?:install|cat|chmod|grep|postconf) .*)", done.output, re.MULTILINE)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_name_is_one_word_of_every_command(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = list(dict.fromkeys(printed(folder, name, monkeypatch)))
    assert len(lines) > 10
    script = "\n".join(lines)
    assert script.replace("\n", "").isprintable()
    assert subprocess.run(["sh", "-n"], input=script.encode(), timeout=20, check=False).returncode == 0
    spelled = (name.lower(), names.local_part(name), name.removeprefix("--db="))
    for line in lines:
        for word in shlex.split(line):
            assert MARK not in word or any(text in word.lower() for text in spelled), line
    plain = [line for line in lines if line.startswith("mailgate ") and not re.search(r" [<>|&]", line)]
    said = "\n".join(f"set -- {line}" for line in plain)
    before = set(folder.iterdir())
    assert subprocess.run(["sh"], input=said.encode(), cwd=folder, timeout=20, check=False).returncode == 0
    assert set(folder.iterdir()) == before


OUTCOMES = [
    ("refuse", "no-route"),
    ("refuse", "policy"),
    ("refuse", "rate-limit"),
    ("refuse", "catchall"),
    ("hold", "blocked"),
    ("hold", "spam"),
    ("hold", "misconfigured"),
    ("ignore", "duplicate"),
    ("create", "alias"),
    ("post", "reply"),
]


@given(st.text())
@example("")
@example("--yes")
@example("`id`@x.org")
def test_every_hint_of_an_explanation(name: str) -> None:
    for action, reason in OUTCOMES:
        outcome = {"action": action, "reason": reason, "alias": None, "recipient": name, "record": name, "message": 3}
        tree: dict[str, Any] = {"message": {"from": name, "reverse_path": name}, "outcomes": [outcome]}
        for hint in explanation.hints(tree, 7):
            assert hint.isprintable()
            words = shlex.split(hint)
            assert words[0] == "mailgate"
            assert all(word == name or word.isascii() for word in words)
            assert shlex.join(words) == hint or name in words
