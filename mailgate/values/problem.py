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
    """The store cannot be used, or not by this user."""
