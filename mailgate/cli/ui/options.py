"""What commands are made of: groups and their subcommands, shared options, and the question before a removal."""

import inspect
import sys
from collections.abc import Callable, Sequence

import click

from mailgate.cli.ui.app import App
from mailgate.values.light import Any, TypeVar
from mailgate.values.problem import Problem

F = TypeVar("F", bound=Callable[..., Any])


def _set_location(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    app = context.ensure_object(dict) if context.obj is None else context.obj
    name = "configuration" if parameter.name == "config_file" else "database"
    if isinstance(app, App):
        setattr(app, name, value)


class Command(click.Command):
    """A command that also accepts the global options after its name; its help starts with examples.

    `changes_addresses`: whether it may change an address, so that the mail server's tables are checked afterwards.
    """

    def __init__(self, *arguments: Any, examples: str = "", changes_addresses: bool = True, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = examples
        self.changes_addresses = changes_addresses
        self.params += _global_options()

    def format_help_text(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        _examples(self.examples, formatter)
        super().format_help_text(context, formatter)


class Group(click.Group):
    """A group of subcommands; its help prints the whole first sentence of each."""

    command_class = Command

    def __init__(self, *arguments: Any, examples: str = "", changes_addresses: bool = True, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = examples
        self.changes_addresses = changes_addresses
        self.params += _global_options()

    def format_help_text(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        _examples(self.examples, formatter)
        super().format_help_text(context, formatter)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        subcommands = [(name, self.commands[name].get_short_help_str(200)) for name in self.list_commands(context)]
        with formatter.section("Commands"):
            formatter.write_dl(subcommands)


def _global_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["-C", "--config", "config_file"],
            metavar="FILE",
            expose_value=False,
            callback=_set_location,
            help="Configuration file to use.",
        ),
        click.Option(
            ["--db", "database"],
            metavar="URL",
            expose_value=False,
            callback=_set_location,
            help="Store to use instead of the configured one.",
        ),
    ]


def _examples(examples: str, formatter: click.HelpFormatter) -> None:
    if examples:
        with formatter.section("Examples"):
            for line in inspect.cleandoc(examples).splitlines():
                formatter.write(f"  {line}\n")


def json_option(function: F) -> F:
    """`--json`, on every command that prints data."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def full_option(function: F) -> F:
    """`--full`, where quoted text is folded."""
    return click.option("--full", is_flag=True, help="Show quoted text, too.")(function)


def yes_option(function: F) -> F:
    """`--yes`, on every command that removes something."""
    return click.option("--yes", is_flag=True, help="Do not ask for confirmation.")(function)


class Number(click.ParamType[int]):
    """The number of something stored, `12` or `#12`; one too large for the database is not found, like any other."""

    name = "number"

    def convert(self, value: object, parameter: click.Parameter | None, context: click.Context | None) -> int:
        text = str(value).removeprefix("#")
        if not text.isascii() or not text.isdecimal():
            self.fail(f"{value!r} is not a number", parameter, context)
        return min(int(text[:20]), 2**63 - 1)


class Message(click.ParamType[int | str]):
    """A message: its number, or its Message-ID, with angle brackets or without; the store knows its number."""

    name = "number"

    def convert(self, value: object, parameter: click.Parameter | None, context: click.Context | None) -> int | str:
        text = str(value).strip()
        return text if "@" in text or text.startswith("<") else Number().convert(value, parameter, context)


def single(values: Sequence[Any]) -> Any:
    """The JSON of a command that takes several numbers: of one alone the object, else a list."""
    return values[0] if len(values) == 1 else list(values)


def assignment(text: str) -> tuple[str, str]:
    """Key and value of `K=V`, the argument of `--set`. Raises Problem."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise Problem(f"`{text}` is not KEY=VALUE", advice="for example `--set team=sales`")
    return key.strip(), value


def confirm(subject: str, yes: bool) -> None:
    """Ask before something is removed. Raises Problem without a terminal, or if the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Problem(f"this would remove {subject}", advice="add --yes to confirm")
    if not click.confirm(f"Remove {subject}?", err=True):
        raise Problem("nothing was removed")
