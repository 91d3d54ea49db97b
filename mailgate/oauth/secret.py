"""Read the secret of a server from a file or a command. It is never stored or shown."""

import os
import shlex
import stat
import subprocess

from mailgate.process import bounds
from mailgate.values.problem import Problem, command
from mailgate.values.server import Secret

COMMAND_TIME = 20.0
"""Seconds for a command that prints a secret."""
_LIMIT = 64 * 1024
_BY_HAND = "run it by hand, as the owner of the store"


def read(secret: Secret) -> str:
    """The first line of the file, or of what the command prints. Raises Problem, whose text never has the secret."""
    bounds.no_core()
    octets = _file(secret.source) if secret.kind == "password-file" else _command(secret.source)
    line = octets.partition(b"\n")[0].rstrip(b"\r")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(f"the secret from `{secret.source}` is not UTF-8") from None
    if not text or not text.isprintable():
        raise Problem(f"`{secret.source}` has no secret: its first line is {'not text' if text else 'empty'}")
    return text


def _file(path: str) -> bytes:
    empty = command("install -m 600 -o $(id -un {UID}) /dev/null {FILE}", os.geteuid(), path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise Problem(
            f"cannot read the password file {path}: {error.strerror}", empty, advice="then write the password into it"
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise Problem(f"the password file {path} is not a file")
        if info.st_mode & 0o077:
            mode = stat.S_IMODE(info.st_mode)
            raise Problem(
                f"the password file {path} is open to others (mode {mode:o})", command("chmod 600 {FILE}", path)
            )
        return file.read(_LIMIT)


def _command(line: str) -> bytes:
    """Run a command without a shell, in a session of its own, and without our standard streams."""
    try:
        words = shlex.split(line)
        done = subprocess.run(  # noqa: S603 - the administrator's own command
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=COMMAND_TIME,
            start_new_session=True, check=False,
        )  # fmt: skip
    except (ValueError, IndexError):
        raise Problem(f"`{line}` is not a command line") from None
    except OSError as error:
        raise Problem(f"cannot run `{line}`: {error.strerror}", advice=_BY_HAND) from error
    except subprocess.TimeoutExpired:
        raise Problem(f"`{line}` printed no secret within {COMMAND_TIME:.0f} s", advice=_BY_HAND) from None
    if done.returncode:
        raise Problem(f"`{line}` failed with exit status {done.returncode}", advice=_BY_HAND)
    return done.stdout[:_LIMIT]
