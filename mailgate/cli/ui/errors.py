"""What went wrong, as a person is told it: an `error:` line, and what helps."""

import difflib
import errno
import os
import re
import sys

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.program import COMMANDS, program
from mailgate.values import status
from mailgate.values.charset import printable
from mailgate.values.problem import CommandLine, ConfigError, Problem, command


def of_system(error: OSError) -> Problem:
    """What the system refused. Without a name it was what we write."""
    if error.filename is None:
        return Problem(f"output: {error.strerror}", command("df -h"))
    name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else str(error.filename)
    return Problem(f"{name or repr(name)}: {error.strerror}", look(name, error.errno))


def helped(problem: Problem) -> Problem:
    """A problem with a hint: where it has none of its own, the help of the command that was typed."""
    if isinstance(problem, ConfigError) and not problem.hints:
        problem.commands = (command("mailgate config check"),)
    elif not problem.hints:
        found: click.Command = program
        context = click.Context(program, info_name="mailgate")
        for word in sys.argv[1:]:
            below = found.get_command(context, word) if isinstance(found, click.Group) else None
            if below:
                found, context = below, click.Context(below, info_name=word, parent=context)
        problem.commands = (_help(context),)
    return problem


def of_usage(error: click.UsageError) -> Problem:
    text = error.format_message().rstrip(".")
    context = error.ctx or click.Context(program, info_name="mailgate")
    unknown = re.match(r"No such command '([^']*)'", text)
    near = difflib.get_close_matches(unknown[1], COMMANDS, 1) if unknown and context.parent is None else []
    meant = f"; did you mean `{near[0]}`?" if near else ""
    return Problem(text[:1].lower() + text[1:] + meant, _help(context))


def _help(context: click.Context) -> CommandLine:
    """The command that prints the help of a command or of a verb of it."""
    _, *words = context.command_path.split()
    match words:
        case [name, verb, *_]:
            return command("mailgate {COMMAND} {VERB} --help", name, verb)
        case [name]:
            return command("mailgate {COMMAND} --help", name)
        case _:
            return command("mailgate --help")


def not_set_up(problem: Problem) -> click.exceptions.Exit:
    """The end of a command for the mail server's side that has no store or configuration: one status line, 75."""
    console.error(helped(problem))
    console.say(status.misconfigured(printable(str(problem))).line)
    return click.exceptions.Exit(75)


def look(path: str, code: int | None = None) -> CommandLine:
    """The command that shows why a path cannot be used: what is there, or how full it is."""
    folder = os.path.abspath(path)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    if code in (errno.ENOSPC, errno.EDQUOT):
        return command("df -h {FOLDER}", folder)
    return command("ls -la {FOLDER}", folder)
