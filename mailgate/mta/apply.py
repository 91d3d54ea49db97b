"""Put a set-up into the mail server of this machine, and take it back out: the changes of its files, and its reload."""

import difflib
import os
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mailgate.mta import edit, exim, originals, postfix
from mailgate.mta.maps import GUARD
from mailgate.mta.originals import Applied, Edit
from mailgate.mta.plan import MARK, UNITS, ConfigFile, Setup
from mailgate.mta.revert import without
from mailgate.values.problem import CommandLine, Problem, command

_SYSTEMD = "/run/systemd/system"
_EXIM_PID = "/run/exim4/exim.pid"
_WAIT = 60.0
"""Seconds for one program."""


class Server(NamedTuple):
    """A mail server. `remove`: the command that takes a set-up out of it.

    `check` says what is wrong with its configuration, `""` for nothing; `reload` makes the daemon read it, and returns
    what a person has to do instead, `""` for nothing.
    """

    name: str
    remove: CommandLine
    check: Callable[[], str]
    reload: Callable[[], str]


def edits(setup: Setup, shared: Sequence[str], configuration: str) -> list[Edit]:
    """The change of every file of a set-up. Raises Problem where a file of another program is in the way.

    `shared`: domains to name under [maps] shared in the file `configuration`, beside those that are there.
    """
    old: dict[str, str | None] = {}
    new: dict[str, str] = {}
    for file in setup.files:
        old.setdefault(file.path, originals.read(file.path))
        text = new.get(file.path, old[file.path] or "")
        if file.appended:
            _check_there(file, old[file.path])
            new[file.path] = _inserted(file, text)
        else:
            _check_ours(file, old[file.path])
            new[file.path] = file.text
    if shared:
        text = new.get(configuration, old.setdefault(configuration, originals.read(configuration)) or "")
        named = tomllib.loads(text).get("maps", {}).get("shared", [])
        names = ", ".join(f'"{domain}"' for domain in dict.fromkeys([*named, *shared]))
        new[configuration] = edit.toml(text, "maps", "shared", f"[{names}]")
    return [Edit(path, old[path], text, 0o755 if path == GUARD else originals.mode(path)) for path, text in new.items()]


def _check_there(file: ConfigFile, old: str | None) -> None:
    if old is None and file.path in (postfix.MAIN, postfix.MASTER):
        raise Problem(f"there is no {file.path}: Postfix is not set up", command("dpkg-reconfigure postfix"))


def _check_ours(file: ConfigFile, old: str | None) -> None:
    if old is not None and old != file.text and not any(MARK in line for line in old.splitlines()[:3]):
        aside = command("mv {FILE} {COPY}", file.path, f"{file.path}.old")
        raise Problem(f"{file.path} was not made by mailgate", aside)


def _inserted(file: ConfigFile, text: str) -> str:
    """A file with the lines that are to go into it."""
    if file.path == postfix.MAIN:
        return edit.main(text, file.text)
    if file.path == postfix.MASTER:
        return edit.service(text, file.text)
    if file.path in exim.INCLUDING:
        for line in file.text.splitlines():
            if line.startswith(".include"):
                text = edit.included(text, exim.INCLUDING[file.path].get(line, ""), line)
        return text
    for section, keys in tomllib.loads(file.text).items():
        for key in keys:
            value = next(line.partition("=")[2] for line in file.text.splitlines() if line.startswith(f"{key} ="))
            text = edit.toml(text, section, key, value.strip())
    return text


def difference(changes: Sequence[Edit]) -> str:
    """What changes, as a unified diff."""
    parts = []
    for change in changes:
        old = (change.old or "").splitlines(keepends=True)
        new = (change.new or "").splitlines(keepends=True)
        before = "/dev/null" if change.old is None else change.path
        after = "/dev/null" if change.new is None else change.path
        for line in difflib.unified_diff(old, new, before, after):
            parts.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(parts)


def put(server: Server, wiring: str, changes: Sequence[Edit], others: Callable[[], None]) -> str:
    """Write the changes, after what was there has been recorded; the note of the reload.

    `others` writes the tables. If the mail server finds its configuration wrong, everything is put back. Raises
    Problem.
    """
    before = originals.load(server.name)
    kept = dict(before.edits) if before else {}
    for change in changes:
        earlier = kept.get(change.path)
        base = change.old
        if earlier is not None and change.old is not None and earlier.new is not None:
            base = earlier.old if earlier.old is None else without(change.old, earlier.old, earlier.new)
        kept[change.path] = change._replace(old=base)
    originals.save(server.name, Applied(wiring, kept))
    originals.keep_copies(changes)
    originals.write(changes)
    others()
    if fault := server.check():
        _back(server, before, changes)
        raise Problem(f"{server.name} does not accept the configuration: {fault}", advice="everything was put back")
    _units(changes, enabling=True)
    return server.reload()


def _back(server: Server, before: Applied | None, changes: Sequence[Edit]) -> None:
    originals.write([change._replace(old=change.new, new=change.old) for change in changes])
    originals.drop_copies([change.path for change in changes if not before or change.path not in before.edits])
    if before is None:
        originals.forget(server.name)
    else:
        originals.save(server.name, before)


def removal(server: Server) -> list[Edit]:
    """The changes that take a set-up out again, none where nothing was applied.

    What the set-up of another mail server needs too stays.
    """
    applied = originals.load(server.name)
    others = originals.others(server.name)
    changes = []
    for path, change in (applied.edits if applied else {}).items():
        current = originals.read(path)
        new = change.old
        if path in others:
            new = current
        elif current is None:
            new = None
        elif change.old is not None and change.new is not None:
            new = without(current, change.old, change.new)
        changes.append(Edit(path, current, new, change.mode))
    return changes


def take_out(server: Server, changes: Sequence[Edit]) -> str:
    """Write those changes and forget the record; the note of the reload. Raises Problem."""
    _units(changes, enabling=False)
    originals.write([change for change in changes if change.changes])
    originals.drop_copies([change.path for change in changes])
    for folder in {os.path.dirname(change.path) for change in changes if change.new is None}:
        if folder == exim.INCLUDED and not os.listdir(folder):
            os.rmdir(folder)
    fault = server.check()
    originals.forget(server.name)
    if fault:
        raise Problem(f"{server.name} does not accept its configuration: {fault}", advice="mailgate is out of it")
    return server.reload()


def _units(changes: Sequence[Edit], *, enabling: bool) -> None:
    """Start the services whose units change, or stop them; only where systemd runs."""
    units = [change.path.removeprefix(UNITS) for change in changes if change.path.startswith(UNITS)]
    if not units or not os.path.isdir(_SYSTEMD):
        return
    if enabling:
        _run("systemctl", "daemon-reload")
    _run("systemctl", "enable" if enabling else "disable", "--now", *units)


def _check_postfix() -> str:
    return _run("postfix", "check")


def _reload_postfix() -> str:
    if _run("postfix", "status"):
        return "Postfix does not run: start it with `postfix start`"
    fault = _run("postfix", "reload")
    return f"Postfix could not be reloaded: {fault}" if fault else ""


def _check_exim() -> str:
    return _run("update-exim4.conf") or _run("exim4", "-bV")


def _reload_exim() -> str:
    if os.path.isdir(_SYSTEMD):
        fault = _run("systemctl", "reload", "exim4")
        return f"Exim could not be reloaded: {fault}" if fault else ""
    try:
        with open(_EXIM_PID, encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGHUP)
    except (OSError, ValueError):
        return "Exim does not run: start it"
    return ""


def _run(name: str, *arguments: str) -> str:
    """Run a program of the system; what is wrong, `""` when it succeeds."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    program = shutil.which(name, path=path)
    if program is None:
        return f"there is no program {name}"
    try:
        done = subprocess.run(  # noqa: S603 a program of the mail server, with words of ours
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_WAIT,
            cwd="/",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{name} failed: {error}"
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return (said or [f"{name} ended with status {done.returncode}"])[-1][:300] if done.returncode else ""


POSTFIX = Server("postfix", command("mailgate setup postfix --remove"), _check_postfix, _reload_postfix)
EXIM = Server("exim", command("mailgate setup exim --remove"), _check_exim, _reload_exim)
