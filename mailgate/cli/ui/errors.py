"""Turn what went wrong into a Problem with a hint."""

import errno
import os
import re
import sys
from collections.abc import Sequence

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App
from mailgate.cli.ui.program import program
from mailgate.process import owner
from mailgate.settings import config
from mailgate.settings.config import Config
from mailgate.store import database
from mailgate.store.database import Store
from mailgate.values import status
from mailgate.values.charset import printable
from mailgate.values.problem import CommandLine, ConfigError, Problem, command


def of_system(error: OSError) -> Problem:
    """The problem of a system error; without a file name it is about our output."""
    if error.filename is None:
        return Problem(f"output: {error.strerror}", command("df -h"))
    name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else str(error.filename)
    return Problem(f"{name or repr(name)}: {error.strerror}", look(name, error.errno))


def helped(problem: Problem) -> Problem:
    """The same problem; if it has no hint, the hint is the help of the command that was typed."""
    if isinstance(problem, ConfigError) and not problem.hints:
        problem.commands = (command("mailgate config check"),)
    elif not problem.hints:
        typed: click.Command = program
        context = click.Context(program, info_name="mailgate")
        for word in sys.argv[1:]:
            below = typed.get_command(context, word) if isinstance(typed, click.Group) else None
            if below:
                typed, context = below, click.Context(below, info_name=word, parent=context)
        problem.commands = (_help(context),)
    return problem


def of_usage(error: click.UsageError) -> Problem:
    """The problem of a wrong command line, with the nearest command if its name is unknown."""
    text = error.format_message().rstrip(".")
    context = error.ctx or click.Context(program, info_name="mailgate")
    unknown = re.match(r"No such command '([^']*)'", text)
    if unknown and isinstance(context.command, click.Group):
        near = _meant(unknown[1], context, context.command)
        text = unknown[0] + (f"; did you mean `{near}`?" if near else "")
    text = " ".join(text.split())
    return Problem(text[:1].lower() + text[1:], _help(context))


def _meant(word: str, context: click.Context, group: click.Group) -> str | None:
    """The command that a word means: one that other programs call so, or one that is spelled almost the same."""
    names, synonyms = group.list_commands(context), _SYNONYMS.get(word.lower())
    for synonym in synonyms or ():
        name, _, option = synonym.partition(" ")
        below = group.get_command(context, name) if name in names else None
        if below and (not option.startswith("--") or any(option in _spellings(each) for each in below.params)):
            return synonym
    if synonyms == ():
        return None
    import difflib

    return next(iter(difflib.get_close_matches(word.lower(), names, 1, cutoff=_ALIKE)), None)


def _spellings(parameter: click.Parameter) -> Sequence[str]:
    return [*parameter.opts, *parameter.secondary_opts]


_ALIKE = 0.75
"""How alike two words are, of 1, so that one is suggested for the other: `list` is not meant to be `alias`."""
_SYNONYMS = {
    "ls": ("list",),
    "all": ("list",),
    "index": ("list",),
    "get": ("show",),
    "cat": ("raw", "show"),
    "view": ("show",),
    "info": ("show",),
    "rm": ("remove", "drop"),
    "del": ("remove", "drop"),
    "delete": ("remove", "drop"),
    "erase": ("remove", "drop"),
    "drop": ("remove",),
    "remove": ("drop",),
    "new": ("add", "create"),
    "add": ("create",),
    "create": ("add",),
    "edit": ("set",),
    "change": ("set",),
    "update": ("set",),
    "modify": ("set",),
    "close": ("set --close",),
    "reopen": ("set --reopen",),
    "open": ("set --reopen",),
    "release": ("route", "retry"),
    "resend": ("retry",),
    "flush": ("retry", "work"),
    "done": ("ack",),
    "acknowledge": ("ack",),
    "aliases": ("alias",),
    "address": ("alias",),
    "users": ("contact",),
    "ticket": ("record",),
    "bounces": ("bounce",),
    "queue": ("outbox",),
    "send": ("post",),
    "check": ("doctor",),
    "status": ("doctor",),
    "install": ("setup",),
    "upgrade": ("migrate",),
    "prune": ("purge",),
    "search": ("message list",),
    "find": ("message list",),
    "mails": ("message",),
    "mail": ("message",),
    "explain": ("why",),
    "start": (),
    "stop": (),
    "restart": (),
}
"""What other programs, and people, call a command -> what it is called here; the first that exists is meant.

What has no counterpart here has none, however it is spelled.
"""


def _help(context: click.Context) -> CommandLine:
    """The command that prints the help of a command, or of one of its subcommands."""
    _, *words = context.command_path.split()
    match words:
        case [name, subcommand, *_]:
            return command("mailgate {COMMAND} {SUBCOMMAND} --help", name, subcommand)
        case [name]:
            return command("mailgate {COMMAND} --help", name)
        case _:
            return command("mailgate --help")


def not_set_up(problem: Problem) -> click.exceptions.Exit:
    """The end of `work`, `fetch` and `lmtp` without a store or a configuration: a status line, and exit status 75."""
    console.error(helped(problem))
    console.say(status.misconfigured(printable(str(problem))).line)
    return click.exceptions.Exit(75)


def existing(app: App) -> tuple[Config, Store]:
    """The configuration and the store of a command that creates neither. Raises Exit with status 75 without them."""
    try:
        settings = config.load(app.configuration, app.database, os.environ, required=True)
        owner.become(settings.store)
        return settings, database.open_existing(settings.store)
    except Problem as problem:
        raise not_set_up(problem) from problem


def look(path: str, code: int | None = None) -> CommandLine:
    """The command that shows why a path cannot be used: `ls` of its folder, or `df` for a full disk."""
    folder = os.path.abspath(path)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    if code in (errno.ENOSPC, errno.EDQUOT):
        return command("df -h {FOLDER}", folder)
    return command("ls -la {FOLDER}", folder)
