"""Stop what takes too long: a judgement must not stop all other mail, a lock not a person."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Overrun(Exception):
    """It took longer than it may."""


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
