"""`mailgate setup`: configure Postfix or Exim, and write the tables that they read."""

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
    """Print or check the configuration of the mail server."""


def _options(function: Any) -> Any:
    for option in (
        click.option("--write", "folder", metavar="DIR", help="Write the files to DIR; nothing else is changed."),
        click.option("--check", "checking", is_flag=True, help="Check the mail server; exit with 4 if it differs."),
        click.option("--fallback-model", "fallback", metavar="MODEL", help="Model for mail that no alias accepts."),
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
@click.option("--alias", is_flag=True, help="Use an alias file, for domains in mydestination.")
@_options
@pass_app
def postfix_(app: App, alias: bool, folder: str | None, checking: bool, fallback: str | None, as_json: bool) -> None:
    """Print what Postfix needs to deliver mail for the local domains, and the commands to run.

    Values that main.cf has already are kept in the lines printed for it.
    """
    if alias and fallback:
        raise Problem("an alias file cannot accept unknown addresses", advice="leave out --alias or --fallback-model")

    def plan() -> Plan:
        return _plan(app, fallback)._replace(alias=alias)

    if checking:
        _show_checks("postfix", postfix_check.check(plan(), installed.postfix_state(plan())), as_json)
    else:
        wiring = _restored(as_owner(app, lambda: postfix.setup(plan(), installed.postfix_parameters(), folder)))
        _show("postfix", wiring, folder, as_json)


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
    """Print what Exim needs to deliver mail for the local domains, and the commands to run."""
    if checking:
        plan = _plan(app, fallback)
        _show_checks("exim", exim_check.check(plan, installed.exim_state(plan)), as_json)
    else:
        wiring = _restored(as_owner(app, lambda: exim.setup(_plan(app, fallback), installed.exim_relayed(), folder)))
        _show("exim", wiring, folder, as_json)


@setup.command(
    "maps",
    examples="""
        mailgate setup maps
        mailgate setup maps --force
    """,
)
@click.option("--force", is_flag=True, help="Remove addresses that a store newer than the tables does not have.")
@json_option
@pass_app
def maps_(app: App, force: bool, as_json: bool) -> None:
    """Update the mail server's tables.

    Commands that change an address do this by themselves.
    """
    written = write.refresh(app.store, app.config, force=force)
    if as_json:
        console.data({"folder": app.config.maps, "written": written})
    elif written:
        console.say(f"wrote {', '.join(written)} in {app.config.maps}")
    else:
        console.say(f"the tables in {app.config.maps} are up to date")


def _plan(app: App, fallback: str | None) -> Plan:
    account = owner.names(app.config.store)  # the owner of the store may read less of the program than root
    return planning.plan(app.config, account, app.store, fallback)


def _restored(answer: Any) -> Setup:
    """A Setup out of its JSON, as `as_owner` returns it."""
    files, *rest = answer
    return Setup(tuple(ConfigFile(*file) for file in files), *(tuple(lines) for lines in rest))


def _show_checks(server: str, results: Sequence[Check], as_json: bool) -> None:
    if as_json:
        console.data({"server": server, "checks": [check.as_data() for check in results]})
    else:
        console.checks(results)
    if any(check.verdict == "wrong" for check in results):
        raise click.exceptions.Exit(4)


def _show(server: str, wiring: Setup, folder: str | None, as_json: bool) -> None:
    commands = wiring.by_hand if folder is None else wiring.commands
    if folder is not None:
        _write(Path(folder), wiring)
    if as_json:
        files = [{"name": file.name, "place": file.path, "text": file.text} for file in wiring.files]
        console.data({"server": server, "files": files, "commands": commands, "notes": wiring.notes})
        return
    for file in wiring.files:
        if folder is None:
            console.lines([[(f"--- {'lines for ' if file.appended else ''}{file.path}", "bold")]])
            console.verbatim(file.text)
        else:
            console.say(f"wrote {os.path.join(folder, file.name)}")
    for note in wiring.notes:
        console.warning(note)
    console.lines([[("--- then" if folder is None else "then run:", "bold")]])
    console.verbatim("\n".join(commands))
    if folder is None:
        console.say()
        console.say("with --write DIR the files are written to DIR, and the commands install them from there")


def _write(folder: Path, wiring: Setup) -> None:
    """Write the files; none is written if another program's file has the name of one of them. Raises Problem."""
    for file in wiring.files:
        path = folder / file.name
        if path.is_symlink() or (path.exists() and not _is_ours(path)):
            raise Problem(f"{path} was not written by mailgate", advice="choose another folder for --write")
    folder.mkdir(parents=True, exist_ok=True)
    for file in wiring.files:
        path = folder / file.name
        new = folder / f".{file.name}.new"
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as stream:
            stream.write(file.text)
            os.fchmod(stream.fileno(), 0o644)
        new.replace(path)


def _is_ours(path: Path) -> bool:
    return path.is_file() and any(MARK in line for line in path.read_text("utf-8", "replace").splitlines()[:3])
