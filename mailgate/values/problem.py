"""What can go wrong for a person, with the command that helps."""


class Problem(Exception):
    """A fault that is told as `error:` and `hint:`; hints are commands or short advice, without a full stop."""

    def __init__(self, problem: str, *hints: str) -> None:
        super().__init__(problem)
        self.hints = tuple(hint for hint in hints if hint)


class NotFound(Problem):
    """What was named does not exist."""


class ConfigError(Problem):
    """The configuration cannot be used."""


class StoreError(Problem):
    """The store failed: the disk is full, the file is damaged, what else a database can say."""


class Busy(StoreError):
    """Another process holds the store; it may work the next time."""


class NotReady(StoreError):
    """There is no store that this process can use: none, one of another schema, of another user, without a domain."""
