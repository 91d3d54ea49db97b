"""The pipe: one message on stdin, one exit status from the table, whatever happens.

It starts once for each message, so it imports only the standard library and the rooms above. A watchdog thread ends
the process with 75 before the mail server's time limit ends it, which would bounce the mail.
"""

import _thread
import contextlib
import os
import sys
import time
from collections.abc import Mapping, Sequence
from types import FrameType

from mailgate.values.light import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    import signal

    from mailgate.mail.incoming import Incoming
    from mailgate.values.status import Status
else:
    import _signal as signal  # without its enumerations, which no delivery needs

DEADLINE = 30.0
"""Seconds until the process gives up with 75."""
_CHUNK = 1 << 20
_FULL = 0.8
"""The part of the largest size it may have from which on the store is said to be nearly full."""
_FATAL = (
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM),
    *(signal.SIGVTALRM, signal.SIGPROF, signal.SIGXCPU, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS, signal.SIGIO),
)
"""Signals that can be caught and would kill the process, which Exim takes for a refusal."""

_committed: tuple[int, str] | None = None
"""The answer to a message that is committed: nothing that happens later may turn it into "try again"."""

HELP = """\
usage: mailgate deliver [-f REVERSE_PATH] [--fallback-model MODEL]
                        [-C FILE] [--db URL] [--] [RECIPIENT ...] < message

For the mail server's pipe; a person wants `mailgate route`.
Exit: 0 taken, 65 too large, 67 no such address, 77 refused by rule, 75 try again later. Nothing else ever.
"""


class Arguments(NamedTuple):
    """The command line of `deliver`. reverse_path: None when it is not given."""

    reverse_path: str | None = None
    recipients: tuple[str, ...] = ()
    fallback: str | None = None
    config: str | None = None
    store: str | None = None
    help: bool = False


class UsageError(Exception):
    """The mail server's configuration runs us with a wrong command line."""


_arguments = Arguments()
"""The command line of this delivery, for the log."""
_octets = b""
"""What was read of the message, for the log."""
_LATER = "4.3.0 mailgate: temporary failure, the mail stays in your queue"
"""The line for a fault that has nothing to do with the configuration."""


def main(argv: Sequence[str]) -> NoReturn:
    """Run `mailgate deliver` with its arguments and end the process."""
    try:
        for number in _FATAL:
            signal.signal(number, _interrupted)
        _start_watchdog()
        code, line = _deliver(argv)
    except BaseException as error:  # whatever it is, what is not committed stays with the mail server
        code, line = _committed or _deferred(error)
    _leave(code, line)


def parse(argv: Sequence[str]) -> Arguments:
    """Read the command line by hand: options come first, `--` ends them. Raises UsageError.

    An empty argument is a value like any other: `-f ''` is the null reverse-path.
    """
    arguments = Arguments()
    words = list(argv)
    names = {
        "-f": "reverse_path",
        "--fallback-model": "fallback",
        "-C": "config",
        "--config": "config",
        "--db": "store",
    }
    while words and words[0].startswith("-") and len(words[0]) > 1:
        word = words.pop(0)
        if word == "--":
            break
        if word in ("-h", "--help"):
            return arguments._replace(help=True)
        option, equals, value = word.partition("=")
        if word.startswith("-f") and word != "-f":
            option, equals, value = "-f", "=", word[2:]
        if option not in names:
            raise UsageError(f"unknown option {option!r}")
        if not equals:
            if not words:
                raise UsageError(f"option {option} needs a value")
            value = words.pop(0)
        arguments = Arguments(**{**arguments._asdict(), names[option]: value})
    return arguments._replace(recipients=tuple(words))


def check(arguments: Arguments) -> None:
    """Raise UsageError for values that cannot be."""
    from mailgate.values import names

    if arguments.fallback is not None and not names.is_model(arguments.fallback):
        raise UsageError(f"{arguments.fallback!r} cannot be a model")


def unreadable(arguments: Arguments) -> "Status | None":
    """The refusal where recipients are named, and none of them is an address; there is none with a fallback."""
    from mailgate.mail import envelope
    from mailgate.values import status

    named = [recipient for recipient in arguments.recipients if recipient.strip()]
    if not named or arguments.fallback is not None or any(map(envelope.is_address, named)):
        return None
    return status.unreadable(named[0])


def message(arguments: Arguments, raw: bytes, environ: Mapping[str, str]) -> "Incoming":
    """A message with its envelope as the command line and the environment state it."""
    from mailgate.mail.incoming import Fallback, Incoming

    fallback = Fallback(arguments.fallback) if arguments.fallback is not None else None
    return Incoming(raw, arguments.reverse_path, arguments.recipients, environ, fallback)


def _deliver(argv: Sequence[str]) -> tuple[int, str]:
    global _arguments, _committed, _octets
    _arguments = arguments = parse(argv)
    if arguments.help:
        return (0 if sys.stdin.isatty() else 75), HELP
    begun = time.monotonic()
    from mailgate.gateway import log, receive
    from mailgate.outbound import spawn
    from mailgate.process import bounds, owner
    from mailgate.settings import config
    from mailgate.store import database

    settings = config.load(arguments.config, arguments.store, os.environ, required=True)
    check(arguments)
    bounds.take(settings.max_size, int(DEADLINE) * 2)
    _octets = raw = _read(settings.max_size + 1)
    if not raw:
        raise UsageError("no message on standard input")
    owner.become(settings.store)
    opened = database.open_existing(settings.store, wait=None)
    if refused := unreadable(arguments):
        return refused.exit, refused.line
    receipt = receive.receive(opened, settings, message(arguments, raw, os.environ), time.time())
    _committed = receipt.decision.status.exit, receipt.decision.status.line
    with contextlib.suppress(Exception):
        if receipt.queued:
            spawn.start(arguments.config, arguments.store)
        log.delivered(receipt, time.monotonic() - begun)
        bound = bounds.file_size()
        if bound is not None and (size := os.stat(settings.store).st_size) > _FULL * bound:
            log.file_bound(bound, size)
    return _committed


def _read(limit: int) -> bytes:
    """Standard input to its end, or a little more than `limit` octets of it: a longer message is refused anyway."""
    chunks = bytearray()
    while len(chunks) < limit:
        chunk = os.read(0, _CHUNK)
        if not chunk:
            break
        chunks += chunk
    return bytes(chunks)


def later(error: BaseException) -> str:
    """The line for the mail server when there is no decision: it never says the cause, which the sender would read."""
    from mailgate.values.problem import ConfigError, NotReady

    if isinstance(error, UsageError):
        return "4.3.5 mailgate: bad command line in the mail server's configuration"
    if isinstance(error, ConfigError | NotReady):
        return "4.3.5 mailgate: not set up for mail yet, see the system log"
    return _LATER


def _deferred(error: BaseException) -> tuple[int, str]:
    """Status and line when there is no decision; the cause goes to the system log."""
    line = _LATER
    with contextlib.suppress(BaseException):  # even when nothing can be logged, the status holds
        line = later(error)
        from mailgate.gateway import log
        from mailgate.process import bounds
        from mailgate.store import database

        log.deferred(error, message(_arguments, _octets, os.environ))
        bound = bounds.file_size()
        if bound is not None and database.is_write_failure(error):
            log.file_bound(bound)
    return 75, line


def _start_watchdog() -> None:
    """End the process in time, whatever it is doing. Where no thread can be had, an alarm has to do."""
    try:
        _thread.start_new_thread(_watch, (DEADLINE,))
    except RuntimeError:
        signal.setitimer(signal.ITIMER_REAL, DEADLINE)


def _watch(seconds: float) -> None:
    time.sleep(seconds)
    _leave(*(_committed or (75, "4.3.0 mailgate: no verdict in time, try again")))


def _interrupted(number: int, _frame: FrameType | None) -> None:
    _leave(*(_committed or (75, "4.3.0 mailgate: interrupted, try again")))


def _leave(code: int, line: str) -> NoReturn:
    """Print one line and exit at once: no clean-up can turn a committed message into another status."""
    try:
        if line:
            os.write(1, line.rstrip("\n").encode("utf-8", "replace") + b"\n")
    finally:
        os._exit(code)
