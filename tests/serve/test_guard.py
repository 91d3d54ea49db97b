"""The guard with and without a server, while something of ours is broken: mail is taken or waits, never bounced."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailgate.mta import guard
from mailgate.mta.maps import Maps
from mailgate.mta.plan import Plan

from .conftest import MESSAGE, Served, clean, wait_for

Fault = Callable[[Served], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def away(path: Path, text: str | None = None) -> Iterator[None]:
    """A file is gone, or another one is in its place."""
    kept = path.with_name(path.name + ".away")
    path.rename(kept)
    if text is not None:
        path.write_text(text)
        path.chmod(0o755)
    try:
        yield
    finally:
        kept.rename(path)


def python(script: str | None) -> Fault:
    return lambda served: away(served.folder / "python", script)


def file(name: str, text: str | None = None) -> Fault:
    return lambda served: away(served.folder / name, text)


@contextlib.contextmanager
def locked(served: Served) -> Iterator[None]:
    with served.store.write():
        yield


@contextlib.contextmanager
def no_room(served: Served) -> Iterator[None]:
    """No file may grow: what a full disk and a limit of the mail server have in common."""
    wrapper = f'#!/bin/sh\nulimit -f 0\nexec {sys.executable} "$@"\n'
    with away(served.folder / "python", wrapper):
        yield


BROKEN = """\
#!/bin/sh
[ "$2" = -m ] || exec {python} "$@"
exec {python} -I -c '
import sys
sys.modules["mailgate.store.database"] = None
sys.argv = ["mailgate", *sys.argv[4:]]
from mailgate.__main__ import main
main()
' "$@"
"""


FAULTS: dict[str, Fault] = {
    "store missing": file("mailgate.db"),
    "store overwritten": file("mailgate.db", "this is not a database\n" * 400),
    "store locked": locked,
    "configuration broken": file("mailgate.toml", "[store\n"),
    "configuration missing": file("mailgate.toml"),
    "no room": no_room,
    "exception on import": python(BROKEN.format(python=sys.executable)),
    "interpreter missing": python(None),
    "interpreter unusable": python("#!/no/such/interpreter\n"),
    "killed at once": python("#!/bin/sh\nkill -9 $$\n"),
    "killed after it was stored": python(f'#!/bin/sh\n{sys.executable} "$@"\nkill -9 $$\n'),
    "stray status": python("#!/bin/sh\necho 5.1.1 no\nexit 1\n"),
}


def installed(served: Served) -> Path:
    """The guard as `setup` writes it."""
    interpreter = served.folder / "python"
    interpreter.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    interpreter.chmod(0o755)
    socket = str(served.folder / "deliver.sock")
    plan = Plan(Maps((), frozenset()), "", python=str(interpreter), configuration=str(served.config), handover=socket)
    path = served.folder / "mailgate-pipe"
    path.write_text(guard.script(plan).text)
    path.chmod(0o755)
    return path


def deliver(script: Path) -> tuple[int, str]:
    command = [str(script), "-f", "bob@client.org", "--", "support@example.com"]
    done = subprocess.run(command, input=MESSAGE, capture_output=True, timeout=90, env=clean())
    assert done.stderr == b""
    return done.returncode, done.stdout.decode()


SLOW = ("store locked", False)
"""Alone, a locked store takes the pipe's whole half minute; tests/mta/real has it."""
CASES = [(fault, with_server) for fault in FAULTS for with_server in (False, True)]


@pytest.mark.parametrize(("fault", "with_server"), [case for case in CASES if case != SLOW])
def test_a_fault_of_ours_makes_mail_wait_and_never_bounce(idle: Served, fault: str, with_server: bool) -> None:
    script = installed(idle)
    if with_server:
        idle.start()
    with FAULTS[fault](idle):
        code, text = deliver(script)
    assert code in (0, 75), text
    assert (code, text[:2]) in ((0, ""), (75, "4.")), text
    assert deliver(script) == (0, ""), "once it is mended"
    assert idle.count("record") == 1


@pytest.mark.parametrize("with_server", [False, True], ids=["alone", "served"])
def test_verdicts_pass(idle: Served, with_server: bool) -> None:
    script = installed(idle)
    if with_server:
        idle.start()
    command = [str(script), "-f", "bob@client.org", "--", "nobody@example.com"]
    done = subprocess.run(command, input=MESSAGE, capture_output=True, timeout=90, env=clean())
    assert (done.returncode, done.stdout[:6]) == (67, b"5.1.1 ")


def test_a_server_killed_with_the_message_makes_it_wait(served: Served) -> None:
    script = installed(served)
    answers: list[tuple[int, str]] = []
    with served.store.write():  # it has taken the message, and cannot store it
        client = threading.Thread(target=lambda: answers.append(deliver(script)))
        client.start()
        time.sleep(1)
        assert served.process
        served.process.send_signal(signal.SIGKILL)
        client.join(60)
    assert answers == [(75, "4.3.0 mailgate: the server gave no answer, try again\n")]
    assert deliver(script) == (0, ""), "nobody listens: the pipe does the work itself"
    assert served.count("record") == 1


@pytest.mark.parametrize("broken", ["a file", "nothing", "a stopped server"])
def test_a_socket_without_a_server_costs_nothing(idle: Served, broken: str) -> None:
    script = installed(idle)
    if broken == "a file":
        (idle.folder / "deliver.sock").write_text("")
    elif broken == "a stopped server":
        idle.start()
        assert idle.process
        idle.process.kill()
        wait_for(lambda: idle.ended)
        assert os.path.exists(idle.folder / "deliver.sock")
    assert deliver(script) == (0, "")
    assert idle.count("record") == 1
