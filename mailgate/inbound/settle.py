"""Tell a server which messages are settled, so that it marks, moves or deletes them."""

from mailgate.inbound.job import Job
from mailgate.inbound.ledger import Ledger
from mailgate.inbound.mailbox import CommandRefused, Session

_AT_ONCE = 200
"""Messages that a server is told of with one command."""
_PAST = {"seen": "marked as seen", "move": "moved", "delete": "deleted"}


class Settlement:
    """The settled messages of one folder in one connection.

    When a server does not do what it is told, the run does not fail: the store remembers, and the next run tells it
    again.
    """

    def __init__(self, job: Job, session: Session, folder: str, ledger: Ledger) -> None:
        self._progress, self._session, self._folder, self._ledger = job.progress, session, folder, ledger
        self._actions = {False: job.server.done, True: job.server.failed}
        self._at_the_end = job.server.type == "pop"
        """Whether the server acts only when the session ends well."""
        self._waiting: dict[bool, list[str]] = {False: [], True: []}
        self._sent: list[str] = []
        self._refused = False

    def add(self, id: str, *, failed: bool) -> None:
        """One more message is settled."""
        self._waiting[failed].append(id)

    def send(self) -> None:
        """Tell the server of those that are settled, until it refuses once. Raises ConnectionLost."""
        for failed, action in self._actions.items():
            ids, self._waiting[failed] = self._waiting[failed], []
            if action == "keep" or not ids or self._refused:
                continue
            try:
                for at in range(0, len(ids), _AT_ONCE):
                    self._session.act(ids[at : at + _AT_ONCE], action)
            except CommandRefused as refused:
                self._refused = True
                verb = _PAST[action.partition(":")[0]]
                self._progress.warn(f"{self._folder}: collected, but not {verb}: {refused}")
                continue
            self._sent += ids
            if not self._at_the_end:
                self.confirm()

    def confirm(self) -> None:
        """Note that the server did it. After the session ended well this holds for POP too."""
        if self._sent:
            self._ledger.confirm(self._sent)
            self._sent = []
