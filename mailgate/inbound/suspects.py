"""Which messages broke a connection: they are fetched alone, after all others, and put off when they break it again."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple


class MessageKey(NamedTuple):
    """A message: the number of its mailbox in the store, and its id there."""

    mailbox: int
    id: str


class Suspects:
    """What is suspected during one run, over all its connections.

    `careful`: the process that had the server before us died there, perhaps of a message.
    """

    def __init__(self, careful: bool) -> None:
        self.careful = careful
        self._breaks: Counter[MessageKey] = Counter()
        self._together: set[MessageKey] = set()
        self._put_off: set[MessageKey] = set()
        self._accused: MessageKey | None = None

    def suspicion(self, key: MessageKey) -> tuple[int, bool]:
        """How often the connection broke at this message, and whether it did so when several were fetched at once."""
        return self._breaks[key], key in self._together

    def is_suspect(self, key: MessageKey) -> bool:
        """Whether a message should be fetched alone."""
        return any(self.suspicion(key))

    def put_off(self, key: MessageKey) -> None:
        """Leave a message alone until the next run."""
        self._put_off.add(key)

    def is_put_off(self, key: MessageKey) -> bool:
        """Whether a message is left alone until the next run."""
        return key in self._put_off

    def broke_together(self, keys: Iterable[MessageKey]) -> None:
        """The connection broke while these were fetched with one command."""
        self._together.update(keys)

    def broke_at(self, key: MessageKey) -> None:
        """The connection broke while this message was fetched alone."""
        self._accused = key

    def convict(self, others_came_through: bool) -> MessageKey | None:
        """The message that broke the connection, which is put off; None when the server itself may be at fault.

        A message is blamed when others came through in this run, or when the connection broke there twice.
        """
        key, self._accused = self._accused, None
        if key is None:
            return None
        self._breaks[key] += 1
        if not others_came_through and self._breaks[key] < 2:
            return None
        self.put_off(key)
        return key
