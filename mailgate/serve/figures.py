"""What this process has done since its start, and what keeps it from doing it: figures for monitors and for people."""

import time
from collections.abc import Sequence

from mailgate.gateway.receive import Receipt
from mailgate.values.exposition import Histogram, Metric
from mailgate.values.light import Any, NamedTuple

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
_SLOWEST = 5
_FRESH = 300.0
"""Seconds for which a slow message is shown."""


class Slow(NamedTuple):
    """A message that took long: `seconds` from its arrival to its commit, which was `at` by the monotonic clock."""

    seconds: float
    at: float
    number: int | None
    message_id: str | None


class Figures(NamedTuple):
    """Counts since the start. `outcomes`: messages by what became of them first; `slowest`: of the last minutes."""

    messages: int = 0
    deferred: int = 0
    commits: int = 0
    outcomes: tuple[tuple[str, int], ...] = ()
    seconds: Histogram = Histogram(_SECONDS)
    sizes: Histogram = Histogram(_SIZES)
    slowest: tuple[Slow, ...] = ()

    def with_group(self, receipts: Sequence[tuple[Receipt, float]], deferred: int) -> "Figures":
        """The same after another commit: its messages with the seconds that each took, and how many were deferred."""
        now, seconds = time.monotonic(), self.seconds
        outcomes = dict(self.outcomes)
        slow = [each for each in self.slowest if now - each.at < _FRESH]
        for receipt, took in receipts:
            seconds = seconds.with_one(took)
            action = receipt.decision.outcomes[0].action if receipt.decision.outcomes else "ignore"
            outcomes[action] = outcomes.get(action, 0) + 1
            slow.append(Slow(took, now, receipt.number, receipt.facts.message.message_id))
        return Figures(
            self.messages + len(receipts),
            self.deferred + deferred,
            self.commits + 1,
            tuple(sorted(outcomes.items())),
            seconds,
            self.sizes.with_one(len(receipts) + deferred),
            tuple(sorted(slow, reverse=True, key=lambda each: each.seconds)[:_SLOWEST]),
        )


class State(NamedTuple):
    """This process as it is now. `troubles`: what stands in the way of mail; `silent`: seconds without a turn."""

    figures: Figures
    waiting: int
    troubles: tuple[str, ...]
    silent: float

    def as_data(self) -> dict[str, Any]:
        """It as JSON has it."""
        figures = self.figures
        now = time.monotonic()
        return {
            "schema": 1,
            "ready": not self.troubles,
            "troubles": list(self.troubles),
            "received": figures.messages,
            "deferred": figures.deferred,
            "commits": figures.commits,
            "outcomes": dict(figures.outcomes),
            "waiting": self.waiting,
            "milliseconds": {name: _milliseconds(figures.seconds.quantile(part)) for name, part in _PARTS.items()},
            "slowest": [
                {
                    "number": each.number,
                    "message_id": each.message_id,
                    "milliseconds": round(1000 * each.seconds),
                    "seconds_ago": round(now - each.at),
                }
                for each in figures.slowest
            ],
        }

    def metrics(self) -> list[Metric]:
        """It for a monitoring system."""
        figures = self.figures

        def metric(name: str, help: str, type: str, value: float) -> Metric:
            return Metric(f"mailgate_serve_{name}", help, type, (({}, value),))

        return [
            metric("ready", "Whether mail can be taken.", "gauge", not self.troubles),
            metric("waiting", "Requests that wait for the next commit.", "gauge", self.waiting),
            metric("commits_total", "Commits since the start.", "counter", figures.commits),
            metric("deferred_total", "Messages deferred since the start.", "counter", figures.deferred),
            Metric(
                "mailgate_serve_messages_total",
                "Messages received since the start, by what became of them.",
                "counter",
                tuple(({"outcome": name}, count) for name, count in figures.outcomes),
            ),
            figures.seconds.metric("mailgate_serve_seconds", "Seconds from the arrival of a message to its commit."),
            figures.sizes.metric("mailgate_serve_commit_messages", "Messages that share a commit."),
        ]


_PARTS = {"half": 0.5, "most": 0.95}


def _milliseconds(seconds: float) -> int | None:
    return None if seconds == float("inf") else round(1000 * seconds)
