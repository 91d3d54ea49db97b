"""Start `mailgate work` on its own: nothing of the mail server's pipe may wait for it."""

import contextlib
import os
import sys

from mailgate import bounds


def start(config: str | None, store: str | None) -> None:
    """Start a worker in a session of its own, without our streams and bounds; a second one ends at once.

    `config` and `store` are the options this process was given. That it cannot be started is no error: a timer pays
    what is owed.
    """
    command = [sys.executable, "-I", "-m", "mailgate", "work", "--quiet"]
    command += ["-C", os.path.abspath(config)] if config else []
    command += ["--db", store] if store else []
    null = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0)
    same = [(os.POSIX_SPAWN_DUP2, 0, descriptor) for descriptor in (1, 2)]
    bounds.lift()
    with contextlib.suppress(OSError):
        os.posix_spawn(sys.executable, command, os.environ, file_actions=[null, *same], setsid=True)
