"""A private mail host: own mounts and processes, with mailgate installed as an administrator would."""

import json
import subprocess
from pathlib import Path
from typing import Any

from . import lab

SCRIPT = Path(__file__).with_name("machine.sh")
MAILGATE = "mailgate"


class Machine:
    """Lives until `stop`, or until this process dies; nothing of it is seen or left behind outside."""

    def __init__(self, product: Path, exim: Path | None = None) -> None:
        arguments = [product, *([exim] if exim else [])]
        self._init = subprocess.Popen(
            [*lab.UNSHARE, "sh", str(SCRIPT), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": lab.PATH},
            text=True,
            cwd="/",
        )
        assert self._init.stdout is not None
        first = self._init.stdout.readline()
        if first != "ready\n":
            said = first + self._init.stdout.read()
            self.stop()
            raise RuntimeError(f"no private machine: {said}")

    def path(self, path: str) -> Path:
        """A file of the machine, seen from here; do not follow absolute links with it."""
        return Path(f"/proc/{self._init.pid}/root{path}")

    def command(self, *argv: str, user: str = "root") -> list[str]:
        """The command line that runs `argv` in the machine."""
        proc = f"/proc/{self._init.pid}/ns"
        root = f"--root=/proc/{self._init.pid}/root"  # entering a mount namespace alone would leave a chroot
        enter = ["nsenter", f"--mount={proc}/mnt", f"--pid={proc}/pid_for_children", root, "--wd=/", "--"]
        if user != "root":
            enter += ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"]
        return [*enter, *argv]

    def run(
        self, *argv: str, user: str = "root", stdin: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine, as an administrator at its shell would."""
        done = subprocess.run(
            self.command(*argv, user=user),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": lab.PATH, "LANG": "C.UTF-8"},
        )
        said = done.stdout + done.stderr
        assert not check or done.returncode == 0, f"{argv} ended with {done.returncode}: {said}"
        return done

    def mailgate(self, *argv: str, stdin: str = "") -> str:
        """Run a mailgate command as root and return what it prints."""
        return self.run(MAILGATE, *argv, stdin=stdin).stdout

    def json(self, *argv: str, stdin: str = "") -> Any:
        """Run a mailgate command with --json and return the data."""
        return json.loads(self.mailgate(*argv, "--json", stdin=stdin))

    def stop(self) -> None:
        """End every process of the machine; its mounts go with the last one."""
        assert self._init.stdin is not None
        self._init.stdin.close()
        self._init.wait(30)
        assert self._init.stdout is not None
        self._init.stdout.close()
