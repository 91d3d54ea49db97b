"""What can go wrong for a person, and the commands that help: every printed command is made here."""

from mailgate.values.light import NewType

CommandLine = NewType("CommandLine", str)
"""A command line that can be copied into a shell: made by `command` alone."""
_LONGEST = 1_000
"""Characters of a value in a command line; nobody pastes more."""
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+:,./_-")


def command(template: str, *values: object) -> CommandLine:
    """The command line of a template: `{WORD}` is the next value as one quoted word.

    A value that cannot be pasted safely, and None, leave the WORD itself: what a terminal would act on, what a command
    would take for an option, what is too long. The template is a literal, never text that was put together.
    """
    start, *fields = template.split("{")
    parts = [start]
    for field, value in zip(fields, values, strict=True):
        placeholder, _, rest = field.partition("}")
        parts += [placeholder if value is None or not _is_safe(str(value)) else quoted(str(value)), rest]
    return CommandLine("".join(parts))


def _is_safe(text: str) -> bool:
    return text.isprintable() and not text.startswith("-") and len(text) <= _LONGEST


def quoted(text: str) -> str:
    """A text as one word of a shell (POSIX.1-2017 2.2.2)."""
    if text and _PLAIN.issuperset(text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


class Problem(Exception):
    """A fault that is shown as `error:` and `hint:` lines: commands to copy, or one line of advice.

    Neither ends in a full stop. Advice is a literal: what it is about stands in the problem.
    """

    def __init__(self, problem: str, *commands: CommandLine, advice: str = "") -> None:
        super().__init__(problem)
        self.commands = commands
        self.advice = advice

    @property
    def line(self) -> str:
        """The problem and its first hint, in one line."""
        return f"{self}: {self.hints[0]}" if self.hints else str(self)

    @property
    def hints(self) -> tuple[str, ...]:
        """The commands and the advice, a line each."""
        return (*self.commands, self.advice) if self.advice else self.commands


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
