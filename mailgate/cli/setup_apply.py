"""`mailgate setup postfix|exim --apply` and `--remove`: change the mail server of this machine, and change it back."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, as_owner
from mailgate.mta import apply, conflicts, originals, write
from mailgate.mta.apply import Server
from mailgate.mta.originals import Edit
from mailgate.mta.plan import Plan, Setup
from mailgate.settings import config
from mailgate.values.problem import CommandLine, Problem, command

_AGAIN: Mapping[str, CommandLine] = {
    "postfix": command("sudo mailgate setup postfix"),
    "exim": command("sudo mailgate setup exim"),
}


def share(app: App, domains: Sequence[str]) -> None:
    """Let the configuration of this run name more domains under [maps] shared."""
    if domains:
        app.config = app.config._replace(maps_shared=app.config.maps_shared | set(domains))


class Manner(NamedTuple):
    """How a change is made: without a question, with JSON on standard output; and the domains to share."""

    yes: bool
    as_json: bool
    shared: tuple[str, ...] = ()


def install(app: App, server: Server, plan: Plan, setup: Setup, wiring: str, manner: Manner) -> None:
    """Put a set-up into the mail server, after it was shown and agreed to."""
    _check_root(server)
    conflicts.check(server, plan, wiring, plan.classes)
    changes = apply.edits(setup, manner.shared, app.config.path or config.SYSTEM)
    changed = [change for change in changes if change.changes]
    note = ""
    if changed:
        _show(changed, manner.as_json)
        _agree(f"Change {_files(changed)} and reload {server.name}?", manner.yes)
        note = _tried(lambda: apply.put(server, wiring, changes, lambda: _write_tables(app, plan)))
    else:
        _write_tables(app, plan)
    _say(server, changed, note, "changed", manner.as_json)


def remove(server: Server, manner: Manner) -> None:
    """Take everything out again that `install` put in."""
    _check_root(server)
    changes = apply.removal(server)
    changed = [change for change in changes if change.changes]
    note = ""
    if changes:
        _show(changed, manner.as_json)
        _agree(f"Change {_files(changed)} back and reload {server.name}?", manner.yes)
        note = _tried(lambda: apply.take_out(server, changes))
    _say(server, changed, note, "changed back", manner.as_json)


def _check_root(server: Server) -> None:
    if os.geteuid() != 0:
        raise Problem(f"only root can change the configuration of {server.name}", _AGAIN[server.name])


def _tried(work: Callable[[], str]) -> str:
    try:
        return work()
    except OSError as error:
        raise Problem(
            f"cannot write {error.filename}: {error.strerror}", advice="--remove takes back what was written"
        ) from error


def _write_tables(app: App, plan: Plan) -> None:
    """Make the folder of the tables, and the tables as their owner, by the configuration as it is now."""
    if not os.path.isdir(plan.folder):
        import pwd

        entry = pwd.getpwnam(plan.user)
        os.makedirs(plan.folder, mode=0o755)
        os.chown(plan.folder, entry.pw_uid, entry.pw_gid)
    fresh = App(app.configuration, app.database)
    as_owner(fresh, lambda: write.refresh(fresh.store, fresh.config))


def _show(changed: Sequence[Edit], as_json: bool) -> None:
    if not as_json:
        console.verbatim(apply.difference(changed))


def _agree(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Problem("nothing was changed", advice="add --yes to confirm")
    if not click.confirm(question, err=True):
        raise Problem("nothing was changed")


def _files(changed: Sequence[Edit]) -> str:
    return f"{len(changed)} file{'s' if len(changed) != 1 else ''}"


def _say(server: Server, changed: Sequence[Edit], note: str, done: str, as_json: bool) -> None:
    if as_json:
        files = [change.path for change in changed]
        console.data({"server": server.name, "changed": files, "difference": apply.difference(changed), "note": note})
        return
    if not changed:
        console.say("nothing to change")
        return
    for change in changed:
        kept = (
            f" (the former one is {change.path}{originals.SUFFIX})"
            if change.old is not None and done == "changed"
            else ""
        )
        console.say(f"{'removed' if change.new is None else done} {change.path}{kept}")
    if note:
        console.warning(note)
