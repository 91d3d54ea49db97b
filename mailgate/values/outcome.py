"""What can become of a message: the actions of its outcomes, which of several it counts under, what a copy repeats."""

from collections.abc import Iterable

from mailgate.values.light import NamedTuple

ACTIONS = ("create", "post", "bounce", "hold", "refuse", "ignore")
"""Every action that is stored, the most significant first."""


def rank(action: str) -> int:
    """How much an action says of a message: 0 says most. What is not in `ACTIONS` says least."""
    return ACTIONS.index(action) if action in ACTIONS else len(ACTIONS)


def foremost(outcomes: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """The action and reason under which a message with these outcomes counts; two empty texts without any."""
    return min(outcomes, key=lambda outcome: rank(outcome[0]), default=("", ""))


class Effect(NamedTuple):
    """What an outcome does, as a copy of the message finds it again: two outcomes with one effect are one.

    action: one of `ACTIONS`, or sent (another program sent the message); `place`: the address, the model or the record
    (`MODEL/ID`) that it is about, empty where there is none. `reason` tells apart what is refused or ignored, or was
    reported, and is empty for what a message does whatever the reason.
    """

    action: str
    place: str
    reason: str = ""
