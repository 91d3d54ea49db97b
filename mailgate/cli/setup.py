"""`mailgate setup`: what to put into Postfix or Exim, whether it is there, and the tables that they read."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, as_owner, pass_app
from mailgate.cli.ui.options import Group, json_option
from mailgate.mta import exim, exim_check, installed, planning, postfix, postfix_check, write
from mailgate.mta.check import Check
from mailgate.mta.plan import MARK, ConfigFile, Plan, Setup
from mailgate.process import owner
from mailgate.values.problem import Problem


@click.group(
    "setup",
    cls=Group,
    examples="""
        mailgate setup postfix --write wiring
        mailgate setup exim
        mailgate setup postfix --check
    """,
)
def setup() -> None:
    """What to put into the mail server, and whether it is there."""


def _options(function: Any) -> Any:
    for option in (
        click.option("--write", "folder", metavar="DIR", help="Write the files into DIR; nothing else is touched."),
        click.option("--check", "checking", is_flag=True, help="Compare with what is in place; exit 4 if it differs."),
        click.option("--fallback-model", "fallback", metavar="MODEL", help="Model for mail that no alias takes."),
    ):
        function = option(function)
    return json_option(function)


@setup.command(
    "postfix",
    examples="""
        mailgate setup postfix
        mailgate setup postfix --write wiring
        mailgate setup postfix --check
    """,
)
@click.option("--alias", is_flag=True, help="Use an alias file: the domains are in mydestination.")
@_options
@pass_app
def postfix_(app: App, alias: bool, folder: str | None, checking: bool, fallback: str | None, as_json: bool) -> None:
    """What to put into Postfix for our domains.

    Everything is printed, with the commands to run then. What main.cf says already stays in its lines.
    """
    if alias and fallback:
        raise Problem("an alias file has no place for mail to addresses that nobody knows", advice="leave out --alias")

    def plan() -> Plan:
        return _plan(app, fallback)._replace(alias=alias)

    if checking:
        _checked("postfix", postfix_check.check(plan(), installed.postfix_state(plan())), as_json)
    else:
        found = _said(as_owner(app, lambda: postfix.setup(plan(), installed.postfix_parameters(), folder)))
        _told("postfix" + " --alias" * alias, found, folder, as_json)


@setup.command(
    "exim",
    examples="""
        mailgate setup exim
        mailgate setup exim --write wiring
        mailgate setup exim --check
    """,
)
@_options
@pass_app
def exim_(app: App, folder: str | None, checking: bool, fallback: str | None, as_json: bool) -> None:
    """What to put into Exim for our domains.

    Everything is printed, with the commands to run then.
    """
    if checking:
        plan = _plan(app, fallback)
        _checked("exim", exim_check.check(plan, installed.exim_state(plan)), as_json)
    else:
        found = _said(as_owner(app, lambda: exim.setup(_plan(app, fallback), installed.exim_relayed(), folder)))
        _told("exim", found, folder, as_json)


@setup.command("maps", examples="mailgate setup maps")
@json_option
@pass_app
def maps_(app: App, as_json: bool) -> None:
    """Write the mail server's tables, those that differ.

    Every command that changes an address does so by itself.
    """
    written = write.refresh(app.store, app.config)
    if as_json:
        console.data({"folder": app.config.maps, "written": written})
    elif written:
        console.say(f"wrote {', '.join(written)} in {app.config.maps}")
    else:
        console.say(f"the tables in {app.config.maps} are as the store is")


def _plan(app: App, fallback: str | None) -> Plan:
    account = owner.names(app.config.store)  # the owner of the store may read less of the program than root
    return planning.plan(app.config, account, app.store, fallback)


def _said(answer: Any) -> Setup:
    """The set-up, as another process gave it back."""
    files, *rest = answer
    return Setup(tuple(ConfigFile(*each) for each in files), *(tuple(each) for each in rest))


def _checked(server: str, found: Sequence[Check], as_json: bool) -> None:
    if as_json:
        console.data({"server": server, "checks": [each.as_data() for each in found]})
    else:
        console.checks(found)
    if any(each.verdict == "wrong" for each in found):
        raise click.exceptions.Exit(4)


def _told(what: str, found: Setup, folder: str | None, as_json: bool) -> None:
    commands = found.by_hand if folder is None else found.commands
    if folder is not None:
        _write(Path(folder), found)
    if as_json:
        files = [{"name": each.name, "place": each.path, "text": each.text} for each in found.files]
        console.data({"server": what.split()[0], "files": files, "commands": commands, "notes": found.notes})
        return
    for each in found.files:
        if folder is None:
            console.lines([[(f"--- {'lines for ' if each.appended else ''}{each.path}", "bold")]])
            console.verbatim(each.text)
        else:
            console.say(f"wrote {os.path.join(folder, each.name)}")
    for note in found.notes:
        console.warning(note)
    console.lines([[("--- then" if folder is None else "then run:", "bold")]])
    console.verbatim("\n".join(commands))
    if folder is None:
        console.say()
        console.say("with --write DIR these files are written, and the commands put them in place")


def _write(folder: Path, found: Setup) -> None:
    """Write the files; nothing is written when one of them is somebody else's. Raises Problem."""
    for each in found.files:
        path = folder / each.name
        if path.is_symlink() or (path.exists() and not _is_ours(path)):
            raise Problem(f"{path} is not ours", advice="choose another folder for --write")
    folder.mkdir(parents=True, exist_ok=True)
    for each in found.files:
        path = folder / each.name
        new = folder / f".{each.name}.new"
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as file:
            file.write(each.text)
            os.fchmod(file.fileno(), 0o644)
        new.replace(path)


def _is_ours(path: Path) -> bool:
    return path.is_file() and any(MARK in line for line in path.read_text("utf-8", "replace").splitlines()[:3])
