"""What every command shares: where it finds its store, how it asks, how it fails."""

import contextlib
import difflib
import errno
import inspect
import io
import json
import os
import re
import shlex
import sqlite3
import sys
from collections.abc import Callable, Iterable
from functools import cached_property
from importlib import import_module
from typing import Any, NoReturn, TypeVar

import click

from mailgate import __version__, console, journal, store
from mailgate.process import owner
from mailgate.sending import worker
from mailgate.settings import config
from mailgate.settings.config import Config
from mailgate.store import Store
from mailgate.tables import held
from mailgate.values import status
from mailgate.values.charset import printable
from mailgate.values.problem import ConfigError, NotFound, Problem, StoreError

F = TypeVar("F", bound=Callable[..., Any])

SECTIONS = {
    "Mail": {
        "route": ("judge", "what would happen to a message, and why"),
        "why": ("judge", "why a received message went where it went"),
        "test": ("cases", "your own cases against today's configuration"),
        "message": ("message", "every message received or sent"),
        "log": ("figures", "what became of mail, a line each, as it comes"),
        "stats": ("figures", "how much came, and what became of it"),
        "held": ("held", "mail that waits for a person"),
        "bounce": ("bounce", "mail of ours that did not arrive"),
        "post": ("post", "write to the people of a record"),
        "sent": ("post", "register what another program sends"),
        "outbox": ("outbox", "what we owe: refusals, posts, copies"),
        "work": ("outbox", "pay it"),
        "fetch": ("fetch", "collect mail from incoming servers, or files"),
    },
    "Directory": {
        "domain": ("domain", "the mail domains that are ours"),
        "alias": ("alias", "the addresses that make records"),
        "record": ("record", "what mail became"),
        "contact": ("people", "known senders"),
        "sender": ("people", "senders let through or kept out"),
        "param": ("people", "the gateway's parameters"),
        "key": ("key", "the keys that sign addresses and ids"),
        "server": ("server", "mailboxes elsewhere that mail is collected from"),
        "export": ("exchange", "all of that as a file, for review"),
        "import": ("exchange", "make it what a file says"),
    },
    "Set-up": {
        "demo": ("demo", "the story of the gateway, on a throw-away store"),
        "doctor": ("doctor", "what is not as it should be, and how to mend it"),
        "init": ("setup", "write a configuration and make the store"),
        "config": ("config", "the settings that apply, and what is wrong with them"),
        "setup": ("wiring", "what to put into Postfix or Exim, and whether it is there"),
        "migrate": ("setup", "bring an older store up to date"),
        "help": ("help", "rules, exit-codes, files, or a command"),
        "completion": ("setup", "the script that completes commands in a shell"),
    },
}
"""Section of `--help` -> command -> module of this package, and what it is about."""
COMMANDS = {
    **{name: module for section in SECTIONS.values() for name, (module, _) in section.items()},
    "lmtp": "lmtp",
}
SERVING = ("work", "lmtp", "fetch")
"""Commands that run by themselves, again and again: they change no address."""
PIPE = "deliver", "for the mail server's pipe: one message in, one exit status out"


class App:
    """One run of a command: the configuration that applies, and the store it names."""

    def __init__(self, configuration: str | None, database: str | None) -> None:
        self.configuration = configuration
        self.database = database

    @cached_property
    def config(self) -> Config:
        """The configuration; what it does not understand is told once."""
        found = config.load(self.configuration, self.database, os.environ)
        for each in found.warnings:
            console.warning(each)
        return found

    @cached_property
    def store(self) -> Store:
        """The store, as its owner, made when there is none."""
        path = self.config.store
        folder = os.path.dirname(os.path.abspath(path))
        if path == config.default_store(None, os.environ) and not os.path.exists(folder):
            os.makedirs(folder, mode=0o700)
        if self.config.maps:
            import_module("mailgate.files.upkeep")  # the owner of the store may read less of the program than root
        owner.become(path)
        return store.open_or_create(path, wait=20.0)

    def pay(self, *, owed: bool) -> bool:
        """Start a worker when something is owed and anything is sent at all; whether it was."""
        if not owed or not self.config.path or self.config.submit.method == "none":
            return False
        worker.start(self.configuration, self.database)
        return True

    def keep_maps(self, opened: Store | None = None) -> None:
        """Bring the mail server's tables up to date, if any are kept; a failure is told and undoes nothing.

        Without a store: only when this run has written to its own.
        """
        if opened is None:
            opened = self.__dict__.get("store")
            if opened is None or not opened.written:
                return
        if not self.config.maps:
            return
        from mailgate.files import upkeep

        try:
            upkeep.refresh(opened, self.config)
        except (Problem, sqlite3.Error) as problem:
            console.warning(f"the mail server does not know of the change yet: {problem}")
            for hint in getattr(problem, "hints", (upkeep.AGAIN,)):
                console.hint(hint)

    def finish(self) -> None:
        """End a screen: say what waits for a person."""
        with self.store.read() as tx:
            what = held.waiting(tx)
        console.waiting(what)


pass_app = click.make_pass_decorator(App)


def _where(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    app = context.ensure_object(dict) if context.obj is None else context.obj
    name = "configuration" if parameter.name == "config_file" else "database"
    if isinstance(app, App):
        setattr(app, name, value)


class Command(click.Command):
    """A command that takes the global options behind its name too, and leads its help with examples."""

    def __init__(self, *arguments: Any, examples: str = "", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = examples
        self.params += _global_options()

    def format_help_text(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        _examples(self.examples, formatter)
        super().format_help_text(context, formatter)


class Group(click.Group):
    """A noun with its verbs; its help says of each the whole sentence."""

    command_class = Command

    def __init__(self, *arguments: Any, examples: str = "", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = examples
        self.params += _global_options()

    def format_help_text(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        _examples(self.examples, formatter)
        super().format_help_text(context, formatter)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        verbs = [(name, self.commands[name].get_short_help_str(200)) for name in self.list_commands(context)]
        with formatter.section("Commands"):
            formatter.write_dl(verbs)


class Program(Group):
    """The whole program; a command's module is imported when the command is used."""

    def invoke(self, context: click.Context) -> Any:
        """Run a command; after COMMIT, whatever else it did, the mail server learns of a changed address."""
        try:
            return super().invoke(context)
        finally:
            app = context.find_object(App)
            if app and context.invoked_subcommand not in SERVING:
                app.keep_maps()

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, about) for name, (_, about) in section.items()])
        with formatter.section("Mail server"):
            formatter.write_dl([PIPE, ("lmtp", "the same for mail servers that speak LMTP")])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"mailgate.cli.{COMMANDS[name]}")
        return next(each for each in vars(module).values() if isinstance(each, click.Command) and each.name == name)


def _global_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["-C", "--config", "config_file"],
            metavar="FILE",
            expose_value=False,
            callback=_where,
            help="Configuration file.",
        ),
        click.Option(
            ["--db", "database"],
            metavar="URL",
            expose_value=False,
            callback=_where,
            help="Store, instead of the configured one.",
        ),
    ]


def _examples(examples: str, formatter: click.HelpFormatter) -> None:
    if examples:
        with formatter.section("Examples"):
            for line in inspect.cleandoc(examples).splitlines():
                formatter.write(f"  {line}\n")


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples="""
        mailgate demo
        mailgate domain add example.com --contact info@example.com
        mailgate alias add support@example.com --model ticket
        mailgate route support@example.com < message.eml
        mailgate why 12
    """,
)
@click.version_option(__version__, prog_name="mailgate", message="%(prog)s %(version)s")
def program() -> None:
    """A mail gateway: piped mail becomes records, answers, or refusals that explain themselves."""


def as_owner(app: App, work: Callable[[], Any]) -> Any:
    """What `work` gives, as JSON would give it back; as root it is done in a process of its own.

    `work` opens the store, and so becomes its owner; root still writes, and looks, where root may. Raises the Problem
    that it raises.
    """
    if os.geteuid() != 0:
        return json.loads(json.dumps(work()))
    assert app.config  # what it warns of is told once
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            answer: Any = {"said": work()}
        except Problem as problem:
            answer = {"problem": str(problem), "hints": problem.hints}
        except BaseException as error:
            answer = {"problem": f"{type(error).__name__}: {error}", "hints": ()}
        with open(writer, "w", encoding="utf-8") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as pipe:
        answer = json.load(pipe)
    os.waitpid(child, 0)
    if "problem" in answer:
        raise Problem(answer["problem"], *answer["hints"])
    return answer["said"]


def json_option(function: F) -> F:
    """`--json`, on every command that prints data."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def full_option(function: F) -> F:
    """`--full`, where quoted history is folded."""
    return click.option("--full", is_flag=True, help="Show what it quotes of earlier mail, too.")(function)


def yes_option(function: F) -> F:
    """`--yes`, on every command that removes something."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(function)


def completing(names: Callable[[sqlite3.Connection], Iterable[object]]) -> Callable[..., list[str]]:
    """Completion of an argument from the store: the names that begin with what was typed; silent when it cannot."""

    def complete(context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
        with contextlib.suppress(Exception):
            app = context.find_object(App)
            assert app is not None
            owner.become(app.config.store)
            with store.open_existing(app.config.store, wait=1.0).read() as tx:
                return [str(name) for name in names(tx) if str(name).startswith(typed)]
        return []

    return complete


class Number(click.ParamType[int]):
    """A number of something stored, `12` or `#12`; one that no database could hold is simply not found."""

    name = "number"

    def convert(self, value: object, parameter: click.Parameter | None, context: click.Context | None) -> int:
        text = str(value).removeprefix("#")
        if not text.isascii() or not text.isdecimal():
            self.fail(f"{value!r} is not a number", parameter, context)
        return min(int(text[:20]), 2**63 - 1)


def assignment(text: str) -> tuple[str, str]:
    """`K=V` as typed behind `--set`. Raises Problem."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise Problem(f"`{text}` sets nothing", "write it KEY=VALUE, as in `--set team=sales`")
    return key.strip(), value


def not_set_up(problem: Problem) -> click.exceptions.Exit:
    """The end of a command for the mail server's side that has no store or configuration: one status line, 75."""
    console.error(_helped(problem))
    console.say(status.misconfigured(printable(str(problem))).line)
    return click.exceptions.Exit(75)


def confirm(what: str, yes: bool) -> None:
    """Ask before something is removed. Raises Problem without a terminal, and when the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Problem(f"this would remove {what}", "add --yes to do it without being asked")
    if not click.confirm(f"Remove {what}?", err=True):
        raise Problem("nothing was removed")


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
    except sqlite3.Error as error:
        code = _fail(1, StoreError(f"the store failed: {error}", "df -h; ls -l the folder of the store"))
    except BrokenPipeError:
        code = _unheard()
    except OSError as error:
        code = _fail(_unheard(), _system(error))
    except KeyboardInterrupt:
        code = _fail(130, Problem("interrupted"))
    except Exception as error:  # ours, and nobody's business in a terminal: the system log has the place
        code = _fail(1, Problem(f"a fault of mailgate's own: {type(error).__name__}: {error}", journal.fault(error)))
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


def look(path: str, code: int | None = None) -> str:
    """The command that shows why a path cannot be used: what is there, or how full it is."""
    folder = os.path.abspath(path)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return f"{'df -h' if code in (errno.ENOSPC, errno.EDQUOT) else 'ls -la'} {shlex.quote(folder)}"


def _system(error: OSError) -> Problem:
    """What the system refused. Without a name it was what we write."""
    if error.filename is None:
        return Problem(f"output: {error.strerror}", "df -h")
    name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else str(error.filename)
    return Problem(f"{name or repr(name)}: {error.strerror}", look(name, error.errno))


def _helped(problem: Problem) -> Problem:
    """A problem with a hint: where it has none of its own, the help of the command that was typed."""
    if isinstance(problem, ConfigError) and not problem.hints:
        problem.hints = ("mend it, then: mailgate config check",)
    elif not problem.hints:
        found: click.Command = program
        context, words = click.Context(program), ["mailgate"]
        for word in sys.argv[1:]:
            below = found.get_command(context, word) if isinstance(found, click.Group) else None
            if below:
                found, words = below, [*words, word]
        problem.hints = (f"{' '.join(words)} --help",)
    return problem


def _usage(error: click.UsageError) -> Problem:
    text = error.format_message().rstrip(".")
    where = error.ctx.command_path if error.ctx else "mailgate"
    unknown = re.match(r"No such command '([^']*)'", text)
    near = difflib.get_close_matches(unknown[1], COMMANDS, 1) if unknown and where == "mailgate" else []
    hints = [f"did you mean `mailgate {near[0]}`?"] if near else []
    return Problem(text[:1].lower() + text[1:], *hints, f"{where} --help")


def _fail(code: int, problem: Problem) -> int:
    console.error(problem)
    return code
