"""Stop a judgement that takes too long, so that one message cannot stop all the others."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Overrun(Exception):
    """The judgement of one message took longer than it may."""


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise Overrun inside the block after so many seconds of wall time; only the main thread can be stopped so."""

    def expired(_signal: int, _frame: FrameType | None) -> None:
        raise Overrun(f"no verdict within {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
