"""Start `mailgate work` as a process of its own that the mail server does not wait for."""

import contextlib
import os
import sys

from mailgate.process import bounds

_KEPT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "MAIL_CONFIG"),
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "MAILGATE_CONFIG", "MAILGATE_DB"),
)
"""The environment of a worker: nothing that a mail server took from a message (local(8), Exim's pipe)."""


def start(config: str | None, store: str | None) -> None:
    """Start a worker in a session of its own, without our streams and bounds; a second one ends at once.

    `config` and `store` are the options of this process. A worker that cannot be started is not an error: a timer sends
    what is queued.
    """
    command = [sys.executable, "-I", "-m", "mailgate", "work", "--quiet"]
    command += ["-C", os.path.abspath(config)] if config else []
    command += ["--db", store] if store else []
    null = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0)
    same = [(os.POSIX_SPAWN_DUP2, 0, descriptor) for descriptor in (1, 2)]
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
    bounds.lift()
    with contextlib.suppress(OSError):
        os.posix_spawn(sys.executable, command, environ, file_actions=[null, *same], setsid=True)
