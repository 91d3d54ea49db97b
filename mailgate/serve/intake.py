"""What the protocols ask of the main thread: requests go one way, results the other.

The protocols run in an event loop in a thread of their own, and wait there without holding each other up. The main
thread takes all requests that wait, and answers them together.
"""

import asyncio
import queue
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from mailgate.gateway.group import Result
from mailgate.mail.incoming import Fallback, Incoming

PATIENCE = 30.0
"""Seconds that a client waits for a result; then the mail stays with the mail server."""
_ASKING = 15.0
"""Seconds that a client waits to hear whether an address exists."""
_MOST = 50
"""Messages in a group."""
_OCTETS = 16 << 20
"""Octets of a group, if it has more than one message."""
_REMEMBERED = 5.0
"""Seconds for which an address that exists is not looked up again: what became of it is decided with the message."""
_CACHE = 10_000


class Request(NamedTuple):
    """Messages to receive, or addresses to look up, which take mail of any kind with a `fallback`.

    `expires`: from when on nobody waits any more; `asked`: since when it is waited. Both by the monotonic clock.
    """

    answer: "asyncio.Future[Any]"
    expires: float
    asked: float = 0.0
    messages: Sequence[Incoming] = ()
    addresses: Sequence[str] = ()
    fallback: Fallback | None = None

    @property
    def octets(self) -> int:
        """The size of the messages."""
        return sum(len(incoming.raw) for incoming in self.messages[:1])  # they have the same bytes

    def is_awaited(self, now: float) -> bool:
        """Whether the client still waits for it."""
        return now < self.expires and not self.answer.done()


class Intake:
    """The requests that wait, in order. `ask` methods belong to the event loop, all others to the main thread."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._next: Request | None = None
        self._known: dict[str, float] = {}

    async def known(self, addresses: Sequence[str], fallback: Fallback | None) -> list[bool | Exception]:
        """Whether mail for each address can be accepted, or why that cannot be told now."""
        now = time.monotonic()
        asked = [address for address in addresses if self._known.get(address, 0.0) < now]
        answers: dict[str, bool | Exception] = {}
        if asked:
            try:
                found = await self._ask(Request(_future(), now + _ASKING, addresses=asked, fallback=fallback))
            except TimeoutError as error:
                found = [error] * len(asked)
            answers = dict(zip(asked, found, strict=True))
        if len(self._known) > _CACHE:
            self._known.clear()
        self._known.update((address, now + _REMEMBERED) for address, answer in answers.items() if answer is True)
        return [answers.get(address, True) for address in addresses]

    async def receive(self, messages: Sequence[Incoming]) -> list[Result]:
        """What became of messages that have the same bytes, one result for each; TimeoutError where there is none."""
        results: list[Result] = []
        asked = time.monotonic()
        expires = asked + PATIENCE
        try:
            while len(results) < len(messages):
                results += await self._ask(Request(_future(), expires, asked, messages[len(results) :]))
        except TimeoutError as error:
            results += [error] * (len(messages) - len(results))
        return results

    async def _ask(self, request: Request) -> Any:
        self._requests.put(request)
        async with asyncio.timeout(max(0.0, request.expires - time.monotonic())):
            return await request.answer

    def wake(self) -> None:
        """Let `take` return at once. It may be called anywhere, also in a signal handler."""
        self._requests.put(None)

    def take(self, seconds: float) -> list[Request]:
        """The requests of the next group; none when there is nothing to do for so long, or after `wake`."""
        first = self._next or self._get(seconds)
        self._next = None
        taken: list[Request] = []
        messages = octets = 0
        while first:
            messages, octets = messages + len(first.messages), octets + first.octets
            if taken and first.messages and (messages > _MOST or octets > _OCTETS):
                self._next = first
                break
            taken.append(first)
            first = self._get(0)
        return taken

    def _get(self, seconds: float) -> Request | None:
        try:
            return self._requests.get(seconds > 0, seconds or None)
        except queue.Empty:
            return None

    @property
    def waiting(self) -> int:
        """How many requests wait to be taken."""
        return self._requests.qsize() + bool(self._next)


def _future() -> "asyncio.Future[Any]":
    return asyncio.get_running_loop().create_future()


def answer(answers: Iterable[tuple[Request, Any]]) -> None:
    """Give clients their results, in the event loop."""
    for request, result in answers:
        if not request.answer.done():
            request.answer.set_result(result)
