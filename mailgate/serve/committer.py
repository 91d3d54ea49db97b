"""Decide and commit: the main thread's half, which answers all that waits at once and with one sync of the disk."""

import asyncio
import errno
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from mailgate.gateway import group, log, recipient
from mailgate.gateway.group import Result
from mailgate.gateway.receive import Receipt
from mailgate.serve import intake
from mailgate.serve.figures import Figures
from mailgate.serve.intake import Request
from mailgate.settings.config import Config
from mailgate.store import database
from mailgate.store.database import Store
from mailgate.values.problem import Busy, StoreError

_LEAST_SPACE = 1 << 20
"""Free octets of a file system that counts as full."""
_LOOKING = 1.0
"""Seconds that a look at the store waits for its lock."""


class Committer:
    """Answers requests out of a store. `on_queued` is called when there is something to send. `config` may change.

    `trouble`: why mail cannot be stored now, `""` where it can.
    """

    def __init__(self, store: Store, config: Config, on_queued: Callable[[], None]) -> None:
        self.config = config
        self.figures = Figures()
        self.trouble = ""
        self._store, self._on_queued = store, on_queued

    def turn(self, requests: Sequence[Request], loop: asyncio.AbstractEventLoop) -> None:
        """Answer requests: questions first, then all messages with one commit. Nothing is answered before it."""
        now = time.monotonic()
        awaited = [request for request in requests if request.is_awaited(now)]
        questions = [request for request in awaited if request.addresses]
        if questions:
            self._send(loop, zip(questions, self._look_up(questions), strict=True))
        if deliveries := [request for request in awaited if request.messages]:
            self._receive(deliveries, loop)

    def _look_up(self, questions: Sequence[Request]) -> list[list[bool | Exception]]:
        answers: list[list[bool | Exception]] = []
        try:
            with self._store.read() as tx:
                for question in questions:
                    answers.append([recipient.is_known(tx, each, question.fallback) for each in question.addresses])
        except Exception as error:
            answers += [[error] * len(question.addresses) for question in questions[len(answers) :]]
        return answers

    def _receive(self, deliveries: Sequence[Request], loop: asyncio.AbstractEventLoop) -> None:
        messages = [incoming for delivery in deliveries for incoming in delivery.messages]
        results = group.receive_group(self._store, self.config, messages, time.time())
        left = iter(results)
        answers = []
        unanswered = []
        asked: list[float] = []
        for delivery in deliveries:
            asked += [delivery.asked] * len(delivery.messages)
            own = [result for _, result in zip(delivery.messages, left, strict=False)]
            if own:
                answers.append((delivery, own))  # the client asks again for the rest of its messages
            else:
                unanswered.append(delivery)
        self._send(loop, answers)
        self._note(messages, results, asked)
        if unanswered:
            self.turn(unanswered, loop)

    def _send(self, loop: asyncio.AbstractEventLoop, answers: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: the process ends
            loop.call_soon_threadsafe(intake.answer, list(answers))

    def _note(self, messages: Sequence[Any], results: Sequence[Result], asked: Sequence[float]) -> None:
        """Log, count and start what is to be sent. It is committed and answered: nothing changes that any more."""
        now = time.monotonic()
        receipts = [
            (result, now - since) for result, since in zip(results, asked, strict=False) if isinstance(result, Receipt)
        ]
        self.figures = self.figures.with_group(receipts, len(results) - len(receipts))
        failures = [result for result in results if isinstance(result, StoreError | OSError)]
        self.trouble = "" if receipts else described(failures[-1]) if failures else self.trouble
        with suppress(Exception):
            if any(receipt.queued for receipt, _ in receipts):
                self._on_queued()
            for incoming, result, since in zip(messages, results, asked, strict=False):
                if isinstance(result, Receipt):
                    log.delivered(result, now - since)
                else:
                    log.deferred(result, incoming)

    def look(self) -> None:
        """See whether mail could be stored now: after a failure by writing, else by taking the lock alone."""
        try:
            space = os.statvfs(os.path.dirname(os.path.abspath(self._store.path)))
            if space.f_bavail * space.f_frsize < _LEAST_SPACE:
                self.trouble = _FULL
                return
            with self._store.write(_LOOKING) as tx:
                if self.trouble:
                    database.touch(tx)
            self.trouble = ""
        except (StoreError, OSError) as error:
            self.trouble = described(error)


_FULL = "the disk is full"


def described(error: Exception) -> str:
    """What keeps mail from being stored, for a monitor."""
    if isinstance(error, Busy):
        return "the store is locked"
    if getattr(error, "errno", None) == errno.ENOSPC or "is full" in str(error):
        return _FULL
    return f"the store fails: {error}"
