"""Commands that run on time: never twice at once, and at the end nothing that was begun is cut short."""

import os
import signal
import sys
import time
from pathlib import Path

from mailgate.serve.chores import Chores

from .conftest import wait_for


class Starter:
    """Starts Python code in place of commands, and remembers what it started."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.started: list[str] = []
        self.processes: list[int] = []

    def __call__(self, *arguments: str) -> int | None:
        self.started.append(arguments[0])
        self.processes.append(os.posix_spawn(sys.executable, [sys.executable, "-c", self.code], os.environ))
        return self.processes[-1]


def test_a_command_runs_at_its_time_and_never_twice_at_once() -> None:
    start = Starter("import time; time.sleep(0.3)")
    chores = Chores([(("work",), 1000.0), (("fetch",), float("inf"))], start)
    now = time.monotonic()
    assert chores.run(now) == 1.0
    chores.hurry("work")
    chores.run(now)
    assert start.started == ["work"]
    wait_for(lambda: (chores.run(now), start.started)[1] == ["work", "work"])
    wait_for(lambda: chores.run(now) > 900)
    assert chores.run(now + 1001) == 1.0
    assert start.started == ["work", "work", "work"]
    chores.stop()


def test_what_waits_is_done_before_the_end(tmp_path: Path) -> None:
    start = Starter(f"import time; time.sleep(0.3); open({str(tmp_path / 'done')!r}, 'w')")
    chores = Chores([(("work",), float("inf"))], start)
    assert chores.run(time.monotonic()) > 1e9
    chores.hurry("work")
    chores.stop()
    assert (tmp_path / "done").exists()


def test_a_command_that_goes_on_is_asked_to_end_and_waited_for(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        f"end = lambda *_: (time.sleep(0.3), open({str(tmp_path / 'ended')!r}, 'w'), sys.exit())\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"open({str(tmp_path / 'begun')!r}, 'w')\ntime.sleep(60)"
    )
    chores = Chores([(("fetch",), 1000.0)], Starter(code))
    chores.run(time.monotonic())
    wait_for((tmp_path / "begun").exists)
    chores.stop()
    assert (tmp_path / "ended").exists()


def test_a_command_that_cannot_be_started_is_tried_again() -> None:
    tried = []

    def start(*arguments: str) -> int | None:
        tried.append(arguments)
        return None

    chores = Chores([(("work",), 10.0)], start)
    now = time.monotonic()
    assert 9 < chores.run(now) <= 10
    chores.run(now + 11)
    assert tried == [("work",), ("work",)]


def test_a_stuck_command_is_killed() -> None:
    chores = Chores([(("work",), float("inf"))], Starter("import time; time.sleep(600)"))
    chores.hurry("work")
    now = time.monotonic()
    chores.run(now)
    chores.run(now + 4000)
    wait_for(lambda: chores.run(now) > 1.0)


def test_a_killed_child_is_no_zombie() -> None:
    start = Starter("import time; time.sleep(600)")
    chores = Chores([(("work",), float("inf"))], start)
    chores.hurry("work")
    now = time.monotonic()
    chores.run(now)
    [child] = start.processes
    os.kill(child, signal.SIGKILL)
    wait_for(lambda: chores.run(now) > 1.0)
    assert not Path(f"/proc/{child}").exists()
