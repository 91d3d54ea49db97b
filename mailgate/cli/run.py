"""Run the program, and end it: an exit status, and at most an `error:` with its hints."""

import difflib
import errno
import io
import os
import re
import sys
from typing import NoReturn

import click

from mailgate.cli.app import App
from mailgate.cli.program import COMMANDS, program
from mailgate.cli.ui import console
from mailgate.gateway import log
from mailgate.values import status
from mailgate.values.charset import printable
from mailgate.values.problem import CommandLine, ConfigError, NotFound, Problem, command


def main() -> NoReturn:
    """Run the program; whatever happens ends in an exit status and at most an `error:` with its hints."""
    _prepare_streams()
    app = App(None, None)
    try:
        for word in sys.argv[1:]:
            if any("\ud800" <= c <= "\udfff" for c in word):
                raise click.UsageError(f"{word!r} is not UTF-8")
        code = program.main(prog_name="mailgate", standalone_mode=False, obj=app)
        sys.stdout.flush()
    except click.exceptions.Abort:
        sys.stderr.write("\n")
        code = _fail(130, Problem("interrupted"))
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(f"{error.format_message()}\n")
        code = 2
    except click.UsageError as error:
        code = _fail(2, _usage(error))
    except click.ClickException as error:
        code = _fail(1, _helped(Problem(error.format_message())))
    except NotFound as error:
        code = _fail(3, _helped(error))
    except Problem as error:
        code = _fail(1, _helped(error))
    except BrokenPipeError:
        code = _unheard()
    except OSError as error:
        code = _fail(_unheard(), _system(error))
    except KeyboardInterrupt:
        code = _fail(130, Problem("interrupted"))
    except Exception as error:  # ours, and nobody's business in a terminal: the system log has the place
        log.fault(error)
        text = f"a fault of mailgate's own: {type(error).__name__}: {error}"
        code = _fail(1, Problem(text, advice=log.REPORT))
    sys.exit(code if isinstance(code, int) else 0)


def _prepare_streams() -> None:
    """Escape what a stream cannot encode; a stream that was closed swallows what it gets."""
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _unheard() -> int:
    """Let the rest of the output go nowhere: the interpreter would fail once more when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 1


def _system(error: OSError) -> Problem:
    """What the system refused. Without a name it was what we write."""
    if error.filename is None:
        return Problem(f"output: {error.strerror}", command("df -h"))
    name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else str(error.filename)
    return Problem(f"{name or repr(name)}: {error.strerror}", look(name, error.errno))


def _helped(problem: Problem) -> Problem:
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


def _usage(error: click.UsageError) -> Problem:
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


def _fail(code: int, problem: Problem) -> int:
    console.error(problem)
    return code


def not_set_up(problem: Problem) -> click.exceptions.Exit:
    """The end of a command for the mail server's side that has no store or configuration: one status line, 75."""
    console.error(_helped(problem))
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
