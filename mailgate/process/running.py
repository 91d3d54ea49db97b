"""Show other programs that a process which sends what is queued is running: a lock that dies with it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator


@contextlib.contextmanager
def sign(store: str, *, working: bool) -> Iterator[None]:
    """Show it while the block runs, if it is `working`. What cannot be shown changes nothing else."""
    with contextlib.ExitStack() as stack:
        if working:
            with contextlib.suppress(OSError):
                descriptor = os.open(f"{store}.serve", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield


def is_seen(store: str) -> bool:
    """Whether such a process is running for a store."""
    try:
        descriptor = os.open(f"{store}.serve", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
