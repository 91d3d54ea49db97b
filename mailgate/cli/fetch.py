"""`mailgate fetch`: collect mail from incoming servers, for a timer and by hand."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.errors import not_set_up
from mailgate.cli.ui.options import Command, assignment, json_option
from mailgate.inbound import fetch, files
from mailgate.inbound.fetch import RunResult
from mailgate.inbound.files import Archive
from mailgate.inbound.progress import FetchTally, OnProgress
from mailgate.mail.incoming import Fallback
from mailgate.outbound import spawn
from mailgate.process import owner
from mailgate.settings import config
from mailgate.settings.config import Config
from mailgate.store import collected, database, servers
from mailgate.store.database import Store
from mailgate.store.servers import Server
from mailgate.values.names import model as model_name
from mailgate.values.problem import Problem, command


@click.command(
    "fetch",
    cls=Command,
    changes_addresses=False,
    examples="""
        mailgate fetch
        mailgate fetch inbox --limit 50
        mailgate fetch inbox --again
        mailgate fetch mbox old.mbox --model lead
        mailgate fetch maildir /home/info/Maildir
        mailgate fetch eml folder
    """,
)
@click.argument("names", metavar="[NAME ...]", nargs=-1)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Messages of each server at most.")
@click.option("--again", is_flag=True, help="Try what was given up as well: failed, or too large then.")
@click.option("--model", metavar="M", help="Of files: the model for mail that no alias takes.")
@click.option("--set", "values", metavar="K=V", multiple=True, help="Of files: a value of those; repeatable.")
@click.option("--quiet", is_flag=True, help="Say only what goes wrong, for a timer.")
@json_option
@pass_app
def fetch_(
    app: App,
    names: tuple[str, ...],
    limit: int | None,
    again: bool,
    model: str | None,
    values: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Collect what the servers have, each message once: all servers that are due, or those that are named.

    `mbox FILE`, `maildir FOLDER` and `eml FOLDER` take kept mail out of files, the same way, but nobody is answered or
    gets a copy; run again, it goes on where it was.

    Exits with 1 when a server fails, is waiting for another try or paused, and with 75 when nothing is set up.
    """
    try:
        settings = config.load(app.configuration, app.database, os.environ, required=True)
        owner.become(settings.store)
        opened = database.open_existing(settings.store)
    except Problem as problem:
        raise not_set_up(problem) from problem
    signal.signal(signal.SIGTERM, _stop)
    if names and names[0] in servers.FILES:
        _files(opened, settings, names, model, values, quiet, as_json)
        return
    if model or values:
        raise click.UsageError("--model and --set are for files; a server has its own.")
    with opened.read() as tx:
        chosen = [servers.get(tx, name) for name in dict.fromkeys(names)] or servers.listing(tx)
    results = []
    for server in chosen:
        if server.enabled or names:
            results.append(_one(app, opened, settings, server, bool(names), limit, again))
            if not as_json:
                _tell(results[-1], quiet)
    if as_json:
        console.data([_as_data(each) for each in results])
    if any(each.state in ("failed", "waiting", "paused") for each in results):
        raise click.exceptions.Exit(1)


def _files(
    opened: Store,
    settings: Config,
    names: tuple[str, ...],
    model: str | None,
    values: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    kind, *paths = names
    if len(paths) != 1:
        raise click.UsageError(f"`fetch {kind}` takes one file or folder.")
    given = dict(assignment(each) for each in values)
    if model is None and given:
        raise click.UsageError("--set is for the records of --model.")
    with _progress(kind) as progress:
        fallback = Fallback(model_name(model), given) if model else None
        found = files.take(opened, settings, Archive(kind, paths[0], fallback), progress)
    if as_json:
        console.data([{kind: paths[0], **found._asdict()}])
    elif not quiet:
        console.say(f"{paths[0]}: {summary(found)}")


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _one(
    app: App, opened: Store, settings: Config, server: Server, by_hand: bool, limit: int | None, again: bool
) -> RunResult:
    with opened.read() as tx:
        health = servers.health(tx, server.number)
    if not server.enabled:
        raise Problem(f"server `{server.name}` is disabled", command("mailgate server enable {NAME}", server.name))
    why = "" if by_hand else fetch.not_due(health, time.time())
    if why:
        return RunResult(server, why, problem=Problem(health.error) if health.error else None)
    if again:
        with opened.write() as tx:
            collected.again(tx, server.number)
    with _progress(server.name) as progress:
        result = fetch.run(opened, settings, server._replace(most=limit or server.most), progress)
    if result.queued and settings.submit.sends:
        spawn.start(app.configuration, app.database)
    return result


@contextlib.contextmanager
def _progress(name: str) -> Iterator[OnProgress]:
    """A bar on a terminal, nothing anywhere else."""
    import sys

    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)

        def advance(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of or None)

        yield advance


def _tell(result: RunResult, quiet: bool) -> None:
    """One line for the log, and what went wrong."""
    name = result.server.name
    if (result.state == "ok" or any(result.tally)) and not quiet:
        console.say(f"{name}: {summary(result.tally)}")
    if not result.server.verify:
        console.warning(f"server {name}: ITS CERTIFICATE IS NOT VERIFIED (--insecure)")
    if result.warning:
        console.warning(f"server {name}: {result.warning}")
    match result.state:
        case "busy":
            console.warning(f"server {name}: another process is fetching it")
        case "failed":
            found = result.problem or Problem("")
            console.error(Problem(f"server {name}: {found}", *found.commands, advice=found.advice))
        case "waiting":
            now = command("mailgate fetch {NAME}", name)
            console.warning(f"server {name}: failing, tried again later, or now with: {now}")
        case "paused":
            enable = command("mailgate server enable {NAME}", name)
            console.error(Problem(f"server {name} is PAUSED: {result.error}", enable))


def summary(tally: FetchTally) -> str:
    """The figures that are always said, and the others where there are any."""
    always = ("fetched", "created", "posted", "held", "refused", "failed", "left")
    said = [f"{count} {name}" for name, count in tally._asdict().items() if count or name in always]
    return ", ".join(said)


def _as_data(result: RunResult) -> dict[str, Any]:
    return {
        "server": result.server.name,
        "state": result.state,
        **result.tally._asdict(),
        "error": result.error,
        "warning": result.warning,
    }
