"""Start a command of ours as a process of its own that nobody waits for, above all `mailgate work`."""

import contextlib
import os
import sys

from mailgate.process import bounds

_KEPT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "MAIL_CONFIG"),
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "MAILGATE_CONFIG", "MAILGATE_DB"),
)
"""The environment of a worker: nothing that a mail server took from a message (local(8), Exim's pipe)."""


def start(config: str | None, store: str | None, *arguments: str) -> int | None:
    """Start a command in a session of its own, without our streams and bounds; its process id.

    `config` and `store` are the options of this process; no `arguments`: a worker, and a second one ends at once. None
    where it cannot be started: that is not an error, a timer sends what is queued.
    """
    command = [sys.executable, "-I", "-m", "mailgate", *(arguments or ("work", "--quiet"))]
    command += ["-C", os.path.abspath(config)] if config else []
    command += ["--db", store] if store else []
    null = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0)
    same = [(os.POSIX_SPAWN_DUP2, 0, descriptor) for descriptor in (1, 2)]
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
    bounds.lift()
    with contextlib.suppress(OSError):
        return os.posix_spawn(sys.executable, command, environ, file_actions=[null, *same], setsid=True)
    return None
