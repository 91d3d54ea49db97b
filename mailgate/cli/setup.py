"""`mailgate setup`: configure Postfix or Exim, and write the tables that they read."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from mailgate.cli import setup_apply, setup_home
from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, as_owner, pass_app
from mailgate.cli.ui.options import Group, json_option
from mailgate.mta import apply, exim, exim_check, installed, planning, postfix, postfix_check, write
from mailgate.mta.apply import Server
from mailgate.mta.check import Check
from mailgate.mta.plan import MARK, Plan, Setup
from mailgate.process import owner
from mailgate.values.problem import Problem


@click.group(
    "setup",
    cls=Group,
    examples="""
        mailgate setup postfix --apply
        mailgate setup exim --write wiring
        mailgate setup postfix --check
    """,
)
def setup() -> None:
    """Set up the mail server, and check it."""


def _options(function: Any) -> Any:
    for option in (
        click.option("--write", "folder", metavar="DIR", help="Write the files to DIR; nothing else is changed."),
        click.option(
            "--apply", "applying", is_flag=True, help="Change the mail server: show what changes, ask, reload."
        ),
        click.option("--remove", "removing", is_flag=True, help="Take out again what --apply put in."),
        click.option("--yes", is_flag=True, help="Do not ask before a change."),
        click.option("--share", "shared", metavar="DOMAIN", multiple=True, help="A domain that keeps its mailboxes."),
        click.option("--check", "checking", is_flag=True, help="Check the mail server; exit with 4 if it differs."),
        click.option("--lmtp", is_flag=True, help="Speak LMTP to `mailgate serve` in place of the pipe."),
        click.option("--fallback-model", "fallback", metavar="MODEL", help="Model for mail that no alias accepts."),
    ):
        function = option(function)
    return json_option(function)


class _Wanted(NamedTuple):
    """What the options of one run say."""

    folder: str | None
    applying: bool
    removing: bool
    yes: bool
    shared: tuple[str, ...]
    lmtp: bool
    fallback: str | None
    as_json: bool

    @property
    def manner(self) -> setup_apply.Manner:
        """How changes are made."""
        return setup_apply.Manner(self.yes, self.as_json, self.shared)

    def check(self, *, checking: bool, alias: bool = False) -> None:
        """Raise Problem where two options contradict each other."""
        acts = {"--write": bool(self.folder), "--apply": self.applying, "--remove": self.removing, "--check": checking}
        if len(named := [name for name, given in acts.items() if given]) > 1:
            raise click.UsageError(f"{' and '.join(named)} cannot be used together")
        if self.shared and not self.applying:
            raise click.UsageError("--share goes with --apply")
        if alias and self.lmtp:
            raise click.UsageError("--alias and --lmtp cannot be used together")
        if alias and self.fallback:
            advice = "leave out --alias or --fallback-model"
            raise Problem("an alias file cannot accept unknown addresses", advice=advice)
        if self.lmtp and self.fallback:
            advice = "`mailgate lmtp --fallback-model MODEL` names it where mail comes by LMTP"
            raise Problem("the mail server names no fallback model over LMTP", advice=advice)


@setup.command(
    "postfix",
    examples="""
        mailgate setup postfix
        mailgate setup postfix --apply
        mailgate setup postfix --check
    """,
)
@click.option("--alias", is_flag=True, help="Use an alias file, for domains in mydestination.")
@_options
@pass_app
def postfix_(app: App, /, alias: bool, checking: bool, **options: Any) -> None:
    """Set Postfix up to deliver mail for the local domains: print what it needs, or change it with --apply.

    Values that main.cf has already are kept. --remove changes it back.
    """
    wanted = _Wanted(**options)
    wanted.check(checking=checking, alias=alias)
    setup_apply.share(app, wanted.shared)

    def plan() -> Plan:
        return _plan(app, wanted)._replace(alias=alias)

    if wanted.removing:
        setup_apply.remove(apply.POSTFIX, wanted.manner)
        return
    planned = _as_seen(app, plan)
    if checking:
        _show_checks("postfix", postfix_check.check(planned, installed.postfix_state(planned)), wanted.as_json)
        return
    planned = planned._replace(classes=installed.postfix_classes(planned.domains))
    made = postfix.setup(planned, installed.postfix_parameters(), wanted.folder)
    wiring = "alias" if alias else "lmtp" if wanted.lmtp else "transport"
    _finish(app, apply.POSTFIX, planned, made, wiring, wanted)


@setup.command(
    "exim",
    examples="""
        mailgate setup exim
        mailgate setup exim --apply
        mailgate setup exim --check
    """,
)
@_options
@pass_app
def exim_(app: App, /, checking: bool, **options: Any) -> None:
    """Set Exim up to deliver mail for the local domains: print what it needs, or change it with --apply.

    --remove changes it back.
    """
    wanted = _Wanted(**options)
    wanted.check(checking=checking)
    setup_apply.share(app, wanted.shared)
    if wanted.removing:
        setup_apply.remove(apply.EXIM, wanted.manner)
        return
    planned = _as_seen(app, lambda: _plan(app, wanted))
    if checking:
        _show_checks("exim", exim_check.check(planned, installed.exim_state(planned)), wanted.as_json)
        return
    planned = planned._replace(classes=dict.fromkeys(installed.exim_local(planned.domains) or (), exim.LOCAL))
    made = exim.setup(planned, installed.exim_relayed(), wanted.folder, split=installed.exim_split())
    _finish(app, apply.EXIM, planned, made, "lmtp" if wanted.lmtp else "transport", wanted)


def _finish(app: App, server: Server, plan: Plan, made: Setup, wiring: str, wanted: _Wanted) -> None:
    if wanted.applying:
        setup_apply.install(app, server, plan, made, wiring, wanted.manner)
    else:
        _show(server.name, made, wanted.folder, wanted.as_json)


_WRITE_HOME = click.option("--write", "writing", is_flag=True, help="Write the files into your home.")


@setup.command(
    "forward",
    examples="""
        mailgate setup forward
        mailgate setup forward --write
    """,
)
@_WRITE_HOME
@json_option
@pass_app
def forward(app: App, writing: bool, as_json: bool) -> None:
    """Print the .forward that puts your own mail into mailgate, without root.

    A missing program makes mail wait; it is not bounced.
    """
    setup_home.run(app, "forward", writing=writing, as_json=as_json)


@setup.command(
    "procmail",
    examples="""
        mailgate setup procmail
        mailgate setup procmail --write
    """,
)
@_WRITE_HOME
@json_option
@pass_app
def procmail(app: App, writing: bool, as_json: bool) -> None:
    """Print the .procmailrc that puts your own mail into mailgate, without root."""
    setup_home.run(app, "procmail", writing=writing, as_json=as_json)


@setup.command(
    "maildrop",
    examples="""
        mailgate setup maildrop
        mailgate setup maildrop --write
    """,
)
@_WRITE_HOME
@json_option
@pass_app
def maildrop(app: App, writing: bool, as_json: bool) -> None:
    """Print the .mailfilter that puts your own mail into mailgate, without root."""
    setup_home.run(app, "maildrop", writing=writing, as_json=as_json)


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


def _plan(app: App, wanted: _Wanted) -> Plan:
    account = owner.names(app.config.store)  # the owner of the store may read less of the program than root
    plan = planning.plan(app.config, account, app.store, wanted.fallback)
    return plan if wanted.lmtp else plan._replace(lmtp="")


def _as_seen(app: App, plan: Callable[[], Plan]) -> Plan:
    """A plan in the process that asks the mail server: as root, which may see more than the owner of the store."""
    return planning.from_data(as_owner(app, lambda: planning.as_data(plan())))


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
