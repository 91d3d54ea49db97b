"""Read the mail server that is installed on this machine: its settings, tables and script."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from mailgate.mta import exim, exim_check, maps, postfix_check
from mailgate.mta.check import FileState
from mailgate.mta.exim_check import EximState
from mailgate.mta.maps import GUARD
from mailgate.mta.plan import Plan
from mailgate.mta.postfix_check import PostfixState

_PATHS = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/exim/bin")
_WAIT = 20.0
_LIMIT = 1 << 20


def postfix_parameters() -> Mapping[str, str]:
    """The parameters that main.cf sets; none where Postfix cannot be asked."""
    printed, _ = _run("postconf", "-n")
    return _settings(printed or "")


def postfix_state(plan: Plan) -> PostfixState:
    """Postfix, as far as it can be seen."""
    printed, error = _run("postconf", "-x", *postfix_check.names(plan))
    service, _ = _run("postconf", "-M", "mailgate/unix")
    indexes: dict[str, str | None] | None = None
    if printed is not None:
        kind = (_run("postconf", "-h", "default_database_type")[0] or "hash").strip()
        indexes = {name: _run("postmap", "-s", f"{kind}:{plan.folder}/{name}")[0] for name in maps.INDEXED}
    return PostfixState(
        None if printed is None else _settings(printed),
        service if service is not None or printed is None else "",
        _file(GUARD),
        _tables(plan),
        indexes,
        error,
    )


def exim_relayed() -> str:
    """The domains that Debian's Exim relays for already."""
    for line in (_file(exim.DEBIAN).text or "").splitlines():
        if line.startswith("dc_relay_domains="):
            return line.partition("=")[2].strip().strip("'\"")
    return ""


def exim_split() -> bool:
    """Whether Debian's Exim is made from the files in conf.d; where there is no such choice, too."""
    text = _file(exim.DEBIAN).text
    return text is None or re.search(r"(?m)^dc_use_split_config=['\"]?true", text) is not None


def exim_state(plan: Plan) -> EximState:
    """Exim, as far as it can be seen."""
    program = _program("exim4") or _program("exim") or "exim4"
    configured, error = _run(program, "-bP", "config")
    instances = [("router", "mailgate"), ("router", "mailgate_unknown"), ("transport", "mailgate")]
    options: dict[tuple[str, str], Mapping[str, str] | None] = {}
    for kind, name in instances if configured is not None else ():
        printed, _ = _run(program, "-bP", kind, name)
        options[kind, name] = None if printed is None else exim_check.options(printed)
    main = {name: _run(program, "-bP", name)[0] for name in ("trusted_users", "message_size_limit")}
    addresses = list(exim_check.probes(plan))
    printed, _ = _run(program, "-bt", *addresses, failing=True) if configured is not None else (None, "")
    return EximState(
        options if configured is not None else None,
        {name: printed.partition("=")[2].strip() for name, printed in main.items() if printed},
        exim_check.lists(configured or ""),
        None if printed is None else exim_check.routed(printed, addresses),
        _file(GUARD),
        _tables(plan),
        error,
    )


def _tables(plan: Plan) -> dict[str, FileState]:
    return {name: _file(f"{plan.folder}/{name}") for name in (*maps.INDEXED, maps.SIGNED)}


def _file(path: str) -> FileState:
    try:
        mode = os.stat(path).st_mode
        with open(path, encoding="utf-8", errors="replace") as file:
            return FileState(file.read(), bool(mode & 0o001))
    except FileNotFoundError:
        return FileState()
    except OSError as error:
        return FileState(error=error.strerror or str(error))


def _settings(printed: str) -> dict[str, str]:
    rows = (line.partition(" =") for line in printed.splitlines())
    return {name: value.strip() for name, equals, value in rows if equals}


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *_PATHS)))


def _run(name: str, *arguments: str, failing: bool = False) -> tuple[str | None, str]:
    """What a program of the mail server prints, or None and why it does not. `failing`: its exit status is ignored."""
    program: Sequence[str] = [_program(name) or name, *arguments]
    try:
        done = subprocess.run(  # noqa: S603 a program of the mail server, with words of ours
            program, capture_output=True, text=True, errors="replace", timeout=_WAIT, cwd="/", check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"{name} cannot be run: {getattr(error, 'strerror', None) or error}"
    if done.returncode and not failing:
        return None, (done.stderr.strip().splitlines() or [f"{name} ended with status {done.returncode}"])[-1][:300]
    return done.stdout[:_LIMIT], ""
