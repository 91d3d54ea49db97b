"""Stop what takes too long: a judgement must not stop all other mail, a lock not a person."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Overrun(Exception):
    """It took longer than it may."""


@contextmanager
def limit(seconds: float, *, worked: bool = False) -> Iterator[None]:
    """Raise Overrun inside the block after so many seconds; only the main thread can be stopped so.

    `worked`: seconds of processor time. What a busy machine does not get done is no fault of the message.
    """
    number, timer = (signal.SIGPROF, signal.ITIMER_PROF) if worked else (signal.SIGALRM, signal.ITIMER_REAL)

    def expired(_signal: int, _frame: FrameType | None) -> None:
        raise Overrun(f"no verdict within {seconds:.0f} s")

    before = signal.signal(number, expired)
    signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(number, before)
