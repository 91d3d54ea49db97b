"""Wait for something that another process does."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(check: Callable[[], T], what: str, seconds: float = 30.0) -> T:
    """Call `check` until its result is true, and return that; the limit is for hangs only."""
    end = time.monotonic() + seconds
    while not (result := check()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.03)
    return result
