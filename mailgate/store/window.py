"""Windows of time in SQL. They have two ends: a clock that was ahead for a while leaves times in the future behind.

A time that lies ahead by less than the window counts as now: another process may be a little later than this one. What
lies further ahead was written by a wrong clock, and counts for nothing, or it would count until that time has come.
"""

from mailgate.values.light import NamedTuple


class Window(NamedTuple):
    """A window around now: where it begins and ends, in seconds since the epoch."""

    begin: float
    end: float

    def __contains__(self, at: object) -> bool:
        return isinstance(at, float) and self.begin < at < self.end


def within(column: str) -> str:
    """The condition that a time lies in a window, which gives its two values."""
    return f"{column} > ? AND {column} < ?"


def around(now: float, seconds: float) -> Window:
    """The window of so many seconds around now."""
    return Window(now - seconds, now + seconds)
