"""Decide and commit: the main thread's half, which answers all that waits at once and with one sync of the disk."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from mailgate.gateway import group, log, recipient
from mailgate.gateway.group import Result
from mailgate.gateway.receive import Receipt
from mailgate.serve import intake
from mailgate.serve.intake import Request
from mailgate.settings.config import Config
from mailgate.store.database import Store


class Count(NamedTuple):
    """What was done since the start: messages received and deferred, commits, and the largest group."""

    messages: int = 0
    deferred: int = 0
    commits: int = 0
    largest: int = 0


class Committer:
    """Answers requests out of a store. `on_queued` is called when there is something to send. `config` may change."""

    def __init__(self, store: Store, config: Config, on_queued: Callable[[], None]) -> None:
        self.config = config
        self.count = Count()
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
        for delivery in deliveries:
            own = [result for _, result in zip(delivery.messages, left, strict=False)]
            if own:
                answers.append((delivery, own))  # the client asks again for the rest of its messages
            else:
                unanswered.append(delivery)
        self._send(loop, answers)
        self._note(messages, results)
        if unanswered:
            self.turn(unanswered, loop)

    def _send(self, loop: asyncio.AbstractEventLoop, answers: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: the process ends
            loop.call_soon_threadsafe(intake.answer, list(answers))

    def _note(self, messages: Sequence[Any], results: Sequence[Result]) -> None:
        """Log, count and start what is to be sent. It is committed and answered: nothing changes that any more."""
        receipts = [result for result in results if isinstance(result, Receipt)]
        self.count = Count(
            self.count.messages + len(receipts),
            self.count.deferred + len(results) - len(receipts),
            self.count.commits + 1,
            max(self.count.largest, len(results)),
        )
        with suppress(Exception):
            if any(receipt.queued for receipt in receipts):
                self._on_queued()
            for incoming, result in zip(messages, results, strict=False):
                if isinstance(result, Receipt):
                    log.delivered(result)
                else:
                    log.deferred(result, incoming)
