"""Interrupt a block of code that takes too long, so that one message never stops all others."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mailgate.values.light import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # without its enumerations, which no delivery needs


class Overrun(Exception):
    """The block took longer than it may."""


@contextmanager
def limit(seconds: float, *, worked: bool = False) -> Iterator[None]:
    """Raise Overrun inside the block after so many seconds. It works in the main thread only.

    `worked`: count seconds of processor time, because a busy machine is not a fault of the message.
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
