"""Look at the mail server of this machine: what its programs and files say, or why they cannot be asked."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from mailgate.mta import exim, maps, postfix
from mailgate.mta.maps import GUARD
from mailgate.mta.wiring import Plan, Seen

_PATHS = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/exim/bin")
_WAIT = 20.0
_LIMIT = 1 << 20


def postfix_present() -> Mapping[str, str]:
    """The parameters that main.cf sets, empty where there is no Postfix to be asked."""
    printed, _ = _run("postconf", "-n")
    return _settings(printed or "")


def postfix_state(plan: Plan) -> postfix.State:
    """What can be seen of Postfix."""
    printed, error = _run("postconf", "-x", *postfix.names(plan))
    service, _ = _run("postconf", "-M", "mailgate/unix")
    indexes: dict[str, str | None] | None = None
    if printed is not None:
        kind = (_run("postconf", "-h", "default_database_type")[0] or "hash").strip()
        indexes = {name: _run("postmap", "-s", f"{kind}:{plan.folder}/{name}")[0] for name in maps.INDEXED}
    return postfix.State(
        None if printed is None else _settings(printed),
        service if service is not None or printed is None else "",
        _seen(GUARD),
        _tables(plan),
        indexes,
        error,
    )


def exim_relayed() -> str:
    """The domains that Debian's Exim relays for already."""
    for line in (_seen(exim.DEBIAN).text or "").splitlines():
        if line.startswith("dc_relay_domains="):
            return line.partition("=")[2].strip().strip("'\"")
    return ""


def exim_state(plan: Plan) -> exim.State:
    """What can be seen of Exim."""
    program = _program("exim4") or _program("exim") or "exim4"
    configured, error = _run(program, "-bP", "config")
    asked = [("router", "mailgate"), ("router", "mailgate_unknown"), ("transport", "mailgate")]
    found: dict[tuple[str, str], Mapping[str, str] | None] = {}
    for kind, name in asked if configured is not None else ():
        printed, _ = _run(program, "-bP", kind, name)
        found[kind, name] = None if printed is None else exim.options(printed)
    main = {name: _run(program, "-bP", name)[0] for name in ("trusted_users", "message_size_limit")}
    addresses = list(exim.probes(plan))
    printed, _ = _run(program, "-bt", *addresses, failing=True) if configured is not None else (None, "")
    return exim.State(
        found if configured is not None else None,
        {name: printed.partition("=")[2].strip() for name, printed in main.items() if printed},
        exim.lists(configured or ""),
        None if printed is None else exim.routed(printed, addresses),
        _seen(GUARD),
        _tables(plan),
        error,
    )


def _tables(plan: Plan) -> dict[str, Seen]:
    return {name: _seen(f"{plan.folder}/{name}") for name in (*maps.INDEXED, maps.SIGNED)}


def _seen(path: str) -> Seen:
    try:
        mode = os.stat(path).st_mode
        with open(path, encoding="utf-8", errors="replace") as file:
            return Seen(file.read(), bool(mode & 0o001))
    except FileNotFoundError:
        return Seen()
    except OSError as error:
        return Seen(error=error.strerror or str(error))


def _settings(printed: str) -> dict[str, str]:
    rows = (line.partition(" =") for line in printed.splitlines())
    return {name: value.strip() for name, equals, value in rows if equals}


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *_PATHS)))


def _run(name: str, *arguments: str, failing: bool = False) -> tuple[str | None, str]:
    """What a program of the mail server prints, None when it cannot; and why. `failing`: its status says nothing."""
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
