"""What can become of a message: the actions of its outcomes, and which of several it counts under."""

from collections.abc import Iterable

ACTIONS = ("create", "post", "bounce", "hold", "refuse", "ignore")
"""Every action that is stored, the most significant first."""


def rank(action: str) -> int:
    """How much an action says of a message: 0 says most. What is not in `ACTIONS` says least."""
    return ACTIONS.index(action) if action in ACTIONS else len(ACTIONS)


def foremost(outcomes: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """The action and reason under which a message with these outcomes counts; two empty texts without any."""
    return min(outcomes, key=lambda outcome: rank(outcome[0]), default=("", ""))
