"""`mailgate fetch`: fetch mail from IMAP and POP servers, or import it from files."""

import contextlib
import signal
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.errors import existing
from mailgate.cli.ui.options import Command, assignment, json_option
from mailgate.inbound import fetch, files
from mailgate.inbound.fetch import RunResult
from mailgate.inbound.files import Archive
from mailgate.inbound.progress import FetchTally, OnProgress
from mailgate.mail.incoming import Fallback
from mailgate.outbound import spawn
from mailgate.settings.config import Config
from mailgate.store import collected, servers
from mailgate.store.database import Store
from mailgate.values.names import model as model_name
from mailgate.values.problem import Problem, command
from mailgate.values.server import Server


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
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Fetch at most this many messages from each server.")
@click.option("--again", is_flag=True, help="Retry messages that failed or were too large before.")
@click.option("--model", metavar="M", help="For files: model for mail that no alias accepts.")
@click.option("--set", "values", metavar="K=V", multiple=True, help="For files: value of these records; repeatable.")
@click.option("--quiet", is_flag=True, help="Print only errors, for a timer.")
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
    """Fetch mail from all servers that are due, or from those named; each message is fetched once.

    `mbox FILE`, `maildir FOLDER` and `eml FOLDER` import mail from files: no reply and no copy is sent. An interrupted
    import continues where it stopped.

    Exits with 1 if a server fails, is paused or waits for its next try, and with 75 if there is no store.
    """
    settings, opened = existing(app)
    signal.signal(signal.SIGTERM, _stop)
    if names and names[0] in servers.FILES:
        _files(opened, settings, names, model, values, quiet, as_json)
        return
    if model or values:
        raise click.UsageError("--model and --set are for files; servers have their own, see `mailgate server set`.")
    with opened.read() as tx:
        chosen = [servers.get(tx, name) for name in dict.fromkeys(names)] or servers.listing(tx)
    results = []
    for server in chosen:
        if server.enabled or names:
            results.append(_fetch(app, opened, settings, server, bool(names), limit, again))
            if not as_json:
                _show(results[-1], quiet)
    if as_json:
        console.data([_as_data(result) for result in results])
    if any(result.state in ("failed", "waiting", "paused") for result in results):
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
    assigned = dict(map(assignment, values))
    if model is None and assigned:
        raise click.UsageError("--set is for the records of --model.")
    with _progress(kind) as progress:
        fallback = Fallback(model_name(model), assigned) if model else None
        tally = files.take(opened, settings, Archive(kind, paths[0], fallback), progress)
    if as_json:
        console.data([{kind: paths[0], **tally._asdict()}])
    elif not quiet:
        console.say(f"{paths[0]}: {summary(tally)}")


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _fetch(
    app: App, opened: Store, settings: Config, server: Server, by_hand: bool, limit: int | None, again: bool
) -> RunResult:
    now = time.time()
    with opened.read() as tx:
        health = servers.health(tx, server.number, now)
    if not server.enabled:
        raise Problem(f"server `{server.name}` is disabled", command("mailgate server enable {NAME}", server.name))
    why = "" if by_hand else fetch.not_due(health, now)
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
    """A progress bar on a terminal; nothing elsewhere."""
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


def _show(result: RunResult, quiet: bool) -> None:
    """Print the result of a server: its counts in a line, and what went wrong."""
    name = result.server.name
    if (result.state == "ok" or any(result.tally)) and not quiet:
        console.say(f"{name}: {summary(result.tally)}")
    if not result.server.verify:
        console.warning(f"server {name}: certificate NOT VERIFIED (--insecure)")
    if result.warning:
        console.warning(f"server {name}: {result.warning}")
    match result.state:
        case "busy":
            console.warning(f"server {name}: another process is fetching from it")
        case "failed":
            problem = result.problem or Problem("")
            console.error(Problem(f"server {name}: {problem}", *problem.commands, advice=problem.advice))
        case "waiting":
            now = command("mailgate fetch {NAME}", name)
            console.warning(f"server {name}: failed before, is retried later, or now with: {now}")
        case "paused":
            enable = command("mailgate server enable {NAME}", name)
            console.error(Problem(f"server {name} is PAUSED: {result.error}", enable))


def summary(tally: FetchTally) -> str:
    """The main counts, and the others if they are not 0."""
    always = ("fetched", "created", "posted", "held", "refused", "failed", "left")
    return ", ".join(f"{count} {name}" for name, count in tally._asdict().items() if count or name in always)


def _as_data(result: RunResult) -> dict[str, Any]:
    return {
        "server": result.server.name,
        "state": result.state,
        **result.tally._asdict(),
        "error": result.error,
        "warning": result.warning,
    }
