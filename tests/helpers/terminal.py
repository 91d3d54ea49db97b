"""Run commands in a terminal of a given width and collect their screens."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

from helpers.installed import Installed

RUN = """
import json, os, runpy, sys
import click, rich.console, mailgate.cli.ui.run, mailgate.gateway.receive
for arguments in json.loads(sys.argv[1]):
    sys.stdout.write(f"\\n@@ {json.dumps(arguments)}\\n")
    sys.stdout.flush()
    child = os.fork()
    if not child:
        sys.argv = ["mailgate", *arguments]
        runpy.run_module("mailgate", run_name="__main__")
    os.waitpid(child, 0)
"""


def screens(installed: Installed, commands: list[list[str]], columns: int, **environ: str) -> dict[str, str]:
    """The screen of each command, run one after the other; keys are the commands as JSON."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {"PATH": os.environ["PATH"], "HOME": str(installed.folder), "MAILGATE_CONFIG": str(installed.config)}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, json.dumps(commands)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        cwd=installed.folder,
        env={**clean, "LANG": "C.UTF-8", **environ},
    )
    os.close(theirs)
    seen = bytearray()
    while True:
        try:
            some = os.read(ours, 1 << 16)
        except OSError:  # the last one closed it
            break
        if not some:
            break
        seen += some
    os.close(ours)
    assert process.wait(60) == 0
    found = re.split(r"^@@ (.*)\n", seen.decode().replace("\r\n", "\n"), flags=re.MULTILINE)[1:]
    assert len(found) == 2 * len(commands)
    return dict(zip(found[::2], found[1::2], strict=True))
