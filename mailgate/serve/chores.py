"""Run other commands on time, each as a process of its own: what fails or hangs there stops no mail."""

import math
import os
import signal
import time
from collections.abc import Callable, Sequence

from mailgate.gateway import log

_LONGEST = 3600.0
"""Seconds after which a command counts as stuck."""
_HURRIED = 5.0
"""Seconds that a command has which others wait for, when this process stops."""
_ENDING = 60.0
"""Seconds that a command has for what must not be cut short, when this process stops."""


class Chore:
    """A command that is run every so many seconds (infinite: only in a hurry), and never twice at once."""

    def __init__(self, arguments: Sequence[str], every: float, now: float) -> None:
        self.arguments, self.every = tuple(arguments), every
        self.due = now if every < math.inf else math.inf
        self.process: int | None = None
        self.started = 0.0
        self.code = 0


class Chores:
    """Starts commands by `start`, which returns the process id, and None where there is none to be had."""

    def __init__(self, commands: Sequence[tuple[Sequence[str], float]], start: Callable[..., int | None]) -> None:
        now = time.monotonic()
        self._chores = [Chore(arguments, every, now) for arguments, every in commands]
        self._start = start
        self._hurried: set[str] = set()

    def hurry(self, command: str) -> None:
        """Let a command run as soon as possible; after the present run, where it is running."""
        self._hurried.add(command)
        for chore in self._chores:
            if chore.arguments[0] == command:
                chore.due = 0.0

    def run(self, now: float) -> float:
        """Start what is due, see what has ended; the seconds until the next look."""
        for chore in self._chores:
            if chore.process is not None:
                self._look_after(chore, now)
            if chore.process is None and chore.due <= now:
                chore.due = now + chore.every
                chore.process, chore.started = self._start(*chore.arguments), now
        if any(chore.process is not None for chore in self._chores):
            return 1.0
        return max(0.0, min((chore.due - now for chore in self._chores), default=60.0))

    def _look_after(self, chore: Chore, now: float) -> None:
        assert chore.process is not None
        ended, code = _ended(chore.process)
        if ended:
            chore.code = 0 if code == 4 else code  # doctor says so, and has sent its notice
            if chore.code:
                log.chore(chore.arguments[0], code)
            chore.process = None
        elif now - chore.started > _LONGEST:
            os.kill(chore.process, signal.SIGKILL)

    def failing(self) -> dict[str, int]:
        """The commands whose last run failed, with its exit status; negative: the signal that ended it."""
        return {chore.arguments[0]: chore.code for chore in self._chores if chore.code}

    def stop(self) -> None:
        """Let those that were in a hurry come to their end, ask all others to end, and wait until they have.

        What was queued last is sent; what was handed over to a mail server is recorded.
        """
        for chore in self._chores:
            if chore.process is None and chore.due == 0.0:
                chore.process = self._start(*chore.arguments)
        _wait([chore for chore in self._chores if chore.arguments[0] in self._hurried], _HURRIED)
        for chore in self._chores:
            if chore.process is not None:
                os.kill(chore.process, signal.SIGTERM)  # it was not waited for: the number is still its own
        _wait(self._chores, _ENDING)


def _wait(chores: Sequence[Chore], seconds: float) -> None:
    """Wait until commands have ended."""
    end = time.monotonic() + seconds
    while any(chore.process is not None for chore in chores) and time.monotonic() < end:
        for chore in chores:
            if chore.process is not None and _ended(chore.process)[0]:
                chore.process = None
        time.sleep(0.02)


def _ended(process: int) -> tuple[bool, int]:
    """Whether a child has ended, and its exit status (negative: the signal that ended it)."""
    try:
        found, status = os.waitpid(process, os.WNOHANG)
    except ChildProcessError:
        return True, 0
    return found != 0, os.waitstatus_to_exitcode(status) if found else 0
