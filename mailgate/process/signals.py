"""Let a step that must not be cut short come to its end before SIGTERM and SIGINT do what they are for."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


def end_quietly() -> None:
    """End the process without a word on SIGTERM and SIGINT, until something else is made of them."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


@contextmanager
def postponed() -> Iterator[Callable[[], bool]]:
    """Put off SIGTERM and SIGINT until the block has ended; a second SIGINT is not put off.

    Yields a function that tells whether this process was asked to stop. Outside of the main thread, which alone can
    have handlers, nothing is put off.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def later(number: int, _frame: FrameType | None) -> None:
        again = number == signal.SIGINT and number in came
        came.append(number)
        if again:
            restore()
            came.clear()
            signal.raise_signal(number)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {number: signal.signal(number, later) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(came)
    finally:
        restore()
        for number in came[:1]:
            signal.raise_signal(number)
