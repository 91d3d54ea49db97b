"""Run the program and turn every exception into an exit status and an `error:` line."""

import io
import os
import sys

import click

from mailgate.cli.ui import console, errors
from mailgate.cli.ui.app import App
from mailgate.cli.ui.program import program
from mailgate.values.light import NoReturn
from mailgate.values.problem import NotFound, Problem


def main() -> NoReturn:
    """Run the program; any exception becomes an exit status and an `error:` line with its hints."""
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
        code = _fail(2, errors.of_usage(error))
    except click.ClickException as error:
        code = _fail(1, errors.helped(Problem(error.format_message())))
    except NotFound as error:
        code = _fail(3, errors.helped(error))
    except Problem as error:
        code = _fail(1, errors.helped(error))
    except BrokenPipeError:
        code = _discard_output()
    except OSError as error:
        code = _fail(_discard_output(), errors.of_system(error))
    except KeyboardInterrupt:
        code = _fail(130, Problem("interrupted"))
    except Exception as error:  # a bug: its traceback goes to the system log
        from mailgate.gateway import log

        log.fault(error)
        text = f"internal error: {type(error).__name__}: {error}"
        code = _fail(1, Problem(text, advice=log.REPORT))
    sys.exit(code if isinstance(code, int) else 0)


def _prepare_streams() -> None:
    """Escape what a stream cannot encode, and discard what is written to a closed stream."""
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> int:
    """Discard the rest of the output: the interpreter would fail again when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 1


def _fail(code: int, problem: Problem) -> int:
    console.error(problem)
    return code
