"""What one run over a server has done so far, and the figures it ends with."""

from collections.abc import Callable
from typing import NamedTuple

from mailgate.gateway.receive import Receipt
from mailgate.values.outcome import foremost

OnProgress = Callable[[int, int], None]
"""Called with the number of messages that are done, and of all that are to be done."""
_FIELDS = {"create": "created", "post": "posted", "bounce": "reported", "refuse": "refused", "hold": "held"}


class FetchTally(NamedTuple):
    """The messages of a run. Each one fetched counts once, by its most significant outcome.

    `left`: how many still wait on the server.
    """

    fetched: int = 0
    created: int = 0
    posted: int = 0
    reported: int = 0
    held: int = 0
    refused: int = 0
    ignored: int = 0
    failed: int = 0
    left: int = 0


class Progress:
    """The counts, warnings and troubles of a run, over all its connections. Only its methods change it.

    `fetched`: messages that are done; `warning`: what the server did not do with collected mail; `trouble`: why a
    folder could not be collected; `queued`: whether anything was queued for sending.
    """

    def __init__(self, on_progress: OnProgress) -> None:
        self.fetched = 0
        self.warning = self.trouble = ""
        self.queued = False
        self._on_progress = on_progress
        self._counts = dict.fromkeys(FetchTally._fields, 0)
        self._waiting: dict[str, int] = {}

    @property
    def tally(self) -> FetchTally:
        """The figures so far."""
        return FetchTally(**{**self._counts, "fetched": self.fetched, "left": sum(self._waiting.values())})

    def waiting(self, folder: str) -> int:
        """Messages of a folder that are not done."""
        return self._waiting[folder]

    def warn(self, warning: str) -> None:
        """Note what the server did not do with collected mail."""
        self.warning = warning

    def skip_folder(self, trouble: str) -> None:
        """Note why a folder could not be collected; the others can be."""
        self.trouble = trouble

    def expect(self, folder: str, count: int) -> None:
        """Note how many messages of a folder there are to do."""
        self._waiting[folder] = count

    def note_queued(self) -> None:
        """Note that something was queued for sending."""
        self.queued = True

    def count(self, field: str, folder: str) -> None:
        """Count one message as done, under a field of FetchTally."""
        self.fetched += 1
        self._counts[field] += 1
        self._waiting[folder] -= 1
        self._on_progress(self.fetched, self.fetched + sum(self._waiting.values()))

    def drop(self, folder: str) -> None:
        """Expect one message less: it is gone from the server."""
        self._waiting[folder] -= 1


def counts_as(receipt: Receipt) -> str:
    """The field of FetchTally under which a message counts. `left`: it was not taken, and is to be tried again."""
    outcomes = receipt.decision.outcomes
    if receipt.decision.status.exit == 75:
        return "left"
    if any(outcome.action == "hold" and outcome.reason in ("failed", "too-large") for outcome in outcomes):
        return "failed"
    action, _ = foremost((outcome.action, outcome.reason) for outcome in outcomes if not outcome.repeated)
    return _FIELDS.get(action, "ignored")
