"""`mailgate top`: what happens now."""

import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest
from helpers.installed import Installed

from mailgate.serve import asking


@pytest.fixture
def busy(office: Installed) -> Installed:
    for to in ("support@example.com", "closed@example.com", "postmaster@example.com"):
        office.deliver(office.mail(to), to)
    return office


def test_without_a_server_the_store_says_what_it_knows(busy: Installed) -> None:
    found = busy.json("top", "--every", "0.2")
    assert (found["serve"], found["rate"]) == (None, 0)
    assert {name: count for name, count in found["outcomes"].items() if count} == {"create": 1, "hold": 1, "refuse": 1}
    assert [each["number"] for each in found["last"]] == [1, 2, 3]
    assert found["waiting"]["held"] == 1
    printed = busy.ok("top", "--every", "0.2")
    assert "no answer from `mailgate serve`" in printed
    assert "1 held, 0 failures, 0 stuck" in printed
    assert printed.index("postmaster@example.com") < printed.index("ticket/1"), "the newest comes first"


def test_nobody_answers_where_nobody_listens(tmp_path: Path) -> None:
    assert asking.status(f"unix:{tmp_path}/nothing.sock") is None
    assert asking.status("127.0.0.1:1") is None
    assert asking.status("nonsense") is None


def test_a_terminal_sees_it_change(busy: Installed) -> None:
    mine, theirs = pty.openpty()
    command, environ = busy.command("top", "--every", "0.2"), {**busy.environ, "TERM": "xterm"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, env=environ) as process:
        os.close(theirs)
        seen, end, sent = b"", time.monotonic() + 60, False
        while b"ticket/2" not in seen and time.monotonic() < end:
            seen += os.read(mine, 65536)
            if not sent and b"ticket/1" in seen:
                busy.deliver(busy.mail("support@example.com"), "support@example.com")
                sent = True
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    os.close(mine)
    assert b"ticket/2" in seen
