"""Ways in which a mail server can be broken, each undone at the end."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from .machine import Machine
from .polling import until

FOLDER = "/var/lib/mailgate"
STORE = f"{FOLDER}/mailgate.db"
CONFIG = "/etc/mailgate/mailgate.toml"
PYTHON = "/opt/mailgate/bin/python"
GUARD = "/usr/local/sbin/mailgate-pipe"

Fault = Callable[[Machine], AbstractContextManager[None]]


@contextmanager
def replaced(machine: Machine, path: str, text: str | None) -> Iterator[None]:
    """Another file in place of this one, as executable as it was, or none."""
    machine.run("mv", path, f"{path}.away")
    if text is not None:
        machine.run("sh", "-c", 'cat >"$0"; chmod --reference="$0.away" "$0"', path, stdin=text)
    try:
        yield
    finally:
        machine.run("sh", "-c", 'rm -rf "$0"; mv "$0.away" "$0"', path)


def _without(path: str) -> Fault:
    return lambda machine: replaced(machine, path, None)


def _instead(path: str, text: str) -> Fault:
    return lambda machine: replaced(machine, path, text)


def _module(name: str) -> Fault:
    """An exception while a module of mailgate is imported."""

    def fault(machine: Machine) -> AbstractContextManager[None]:
        return replaced(machine, f"{package(machine)}/{name}", "raise RuntimeError('5.1.1 on purpose')\n")

    return fault


def _commands(break_it: str, mend_it: str) -> Fault:
    @contextmanager
    def fault(machine: Machine) -> Iterator[None]:
        machine.run("sh", "-c", break_it)
        try:
            yield
        finally:
            machine.run("sh", "-c", mend_it)

    return fault


def package(machine: Machine) -> str:
    """Where the program is installed."""
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    return machine.run(PYTHON, "-I", "-c", ask).stdout.strip() + "/mailgate"


LOCK = """\
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(machine: Machine) -> Iterator[None]:
    """Another process keeps the store locked."""
    command = machine.command(PYTHON, "-I", "-c", LOCK, STORE, user="mailgate")
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            holder.stdin.close()


PARTS = (f"/bin/sh {GUARD}", "timeout --foreground", f"{PYTHON} -I -m mailgate deliver")


def deliveries(machine: Machine) -> list[tuple[int, str]]:
    """The processes that a delivery consists of, as (pid, command line): the guard, "timeout", Python."""
    found = []
    for entry in machine.path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # no process, or one that has just ended
            continue
        if command.startswith(PARTS):
            found.append((int(entry.name), command))
    return found


def started(machine: Machine) -> list[tuple[int, str]]:
    """The processes of a delivery, once Python has started."""
    until(lambda: any(c.startswith(PYTHON) for _, c in deliveries(machine)), "a delivery to start")
    return deliveries(machine)


KILLED = "#!/bin/sh\nkill -9 $$\n"
KILLED_LATER = '#!/bin/sh\n/opt/mailgate/bin/python3 "$@"\nkill -9 $$\n'
FILL = f"dd if=/dev/zero of={FOLDER}/filler bs=4k 2>/dev/null || test -s {FOLDER}/filler"

FAULTS: dict[str, Fault] = {
    "store missing": _without(STORE),
    "store read-only": _commands(f"chmod 444 {STORE}; chmod 555 {FOLDER}", f"chmod 700 {FOLDER}; chmod 600 {STORE}"),
    "file system read-only": _commands(f"mount -o remount,ro {FOLDER}", f"mount -o remount,rw {FOLDER}"),
    "folder of another user": _commands(f"chown root:root {FOLDER}", f"chown mailgate:mailgate {FOLDER}"),
    "disk full": _commands(FILL, f"rm {FOLDER}/filler"),
    "store not mounted": _commands(f"mount -t tmpfs -o mode=755 tmpfs {FOLDER}", f"umount {FOLDER}"),
    "store overwritten": _instead(STORE, "this is not a database\n" * 400),
    "configuration broken": _instead(CONFIG, "[store\n"),
    "configuration missing": _without(CONFIG),
    "exception on import": _module("store/database.py"),
    "program missing": lambda machine: replaced(machine, package(machine), None),
    "interpreter missing": _without(PYTHON),
    "interpreter unusable": _instead(PYTHON, "#!/no/such/interpreter\n"),
    "guard missing": _without(GUARD),
    "killed at once": _instead(PYTHON, KILLED),
    "killed after it was stored": _instead(PYTHON, KILLED_LATER),
}
