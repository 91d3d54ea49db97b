"""`mailgate doctor`: check the installation and print fixes."""

import os
import pwd
import sys
import time
from collections.abc import Iterable, Sequence

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, as_owner, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.doctor import (
    addresses,
    collecting,
    configuration,
    files,
    incoming,
    integrity,
    keeping,
    probe,
    queues,
    timers,
    watch,
)
from mailgate.mta import planning
from mailgate.mta.check import Check, failed
from mailgate.process import owner
from mailgate.settings.config import Config
from mailgate.store import aliases, domains, keys, servers
from mailgate.store.database import Store, open_existing
from mailgate.values.problem import CommandLine, Problem, command

AREAS = ("config", "store", "directory", "sending", "waiting", "servers", "postfix", "exim")
"""What `--only` selects, in order."""
_LMTP = command("mailgate lmtp --help")
_NO_ALIAS = command("mailgate alias add ADDRESS --model MODEL")
_METHOD = "set method under [submit] in the configuration"
_LOOK = "check the log and the queue of the mail server"


@click.command(
    "doctor",
    cls=Command,
    examples="""
        mailgate doctor
        mailgate doctor --quiet --only store --only waiting
        mailgate doctor --probe
    """,
)
@click.option("--only", multiple=True, type=click.Choice(AREAS), help="Check only this; repeatable.")
@click.option("--quiet", is_flag=True, help="Print only what is not ok.")
@click.option(
    "--watch",
    "watching",
    is_flag=True,
    help="For a timer: print nothing, send a notice on changes.",
)
@click.option("--probe", "probing", is_flag=True, help="Send a test message through the mail server, and wait for it.")
@click.option("--to", metavar="ADDRESS", help="Alias for the test message, instead of the first one.")
@click.option("--wait", type=click.IntRange(1, 600), default=60, show_default=True, help="Seconds to wait.")
@json_option
@pass_app
def doctor(
    app: App,
    only: tuple[str, ...],
    quiet: bool,
    watching: bool,
    probing: bool,
    to: str | None,
    wait: int,
    as_json: bool,
) -> None:
    """Check everything that mail needs on its way, and print fixes; exit with 4 if a check failed.

    Run it as root to check the mail server, too. What cannot be checked is shown, and is not a failure.
    """
    results = list(_results(app, only or AREAS))
    hops: list[str] = []
    if probing:
        probed, hops = as_owner(app, lambda: _probe(app, to, wait))
        results += [Check(*check) for check in probed]
    failures, unknown = (sum(check.verdict == verdict for check in results) for verdict in ("wrong", "unknown"))
    if watching:
        _notify(app, failures)
    elif as_json:
        console.data({"checks": [check.as_data() for check in results], "probe": hops})
    else:
        console.checks([check for check in results if not quiet or check.verdict != "ok"])
        for line in hops:
            console.say(line)
        if not quiet:
            console.say(f"{console.counted({'check': len(results)})}: {failures} failed, {unknown} not possible")
    if failures:
        raise click.exceptions.Exit(4)


def _notify(app: App, failures: int) -> None:
    """Queue a notice to `[notify] to` when the first check fails, and when all are ok again. Raises Problem."""
    settings, _ = configuration.loaded(app.configuration, app.database)
    if settings is None or not settings.notify:
        raise Problem("no recipient for notices", advice='set to = ["ADDRESS"] under [notify] in the configuration')

    def queue() -> int:
        owner.become(settings.store)
        return watch.look(open_existing(settings.store), settings, time.time(), failures)

    app.send(queued=as_owner(app, queue) > 0)


def _results(app: App, areas: Iterable[str]) -> Iterable[Check]:
    settings, checks = configuration.loaded(app.configuration, app.database)
    if "config" in areas:
        yield from checks
        yield configuration.log()
    if settings is None:
        return
    if "config" in areas:
        yield from configuration.templates(settings.templates)
    outside = list(_store(settings))
    if "store" in areas:
        yield from outside
    if "sending" in areas:
        yield queues.sending(settings.submit)
        if settings.submit.sends:
            yield timers.check(_owner(settings), settings.store)
    if any(check.name in ("program", "store path") and check.verdict == "wrong" for check in outside):
        yield Check("store", "unknown", "its owner cannot reach it", command("mailgate doctor --only store"))
        return  # nothing else can be checked as the pipe would see it
    if {"store", "directory", "waiting", "servers"}.intersection(areas):
        try:
            yield from (Check(*check) for check in as_owner(app, lambda: list(_inside(settings, areas))))
        except Problem as problem:
            yield failed("store", "wrong", problem, command("ls -l {FILE}", settings.store))
    here = files.mail_servers()
    asked = [name for name in ("postfix", "exim") if name in areas and name in here]
    if asked or {"postfix", "exim"} <= set(areas):
        yield from _incoming(app, asked)
    if not here and {"postfix", "exim"} <= set(areas):
        yield Check("mail server", "unknown", "neither Postfix nor Exim is installed", _LMTP)


def _store(settings: Config) -> Iterable[Check]:
    """Checks of the store that do not open it."""
    path = settings.store
    folder = os.path.dirname(os.path.abspath(path))
    try:
        uid = os.stat(folder).st_uid
    except OSError as error:
        yield Check("store folder", "wrong", f"{folder}: {error.strerror}", command("mailgate init"))
        return
    yield from files.check(path, uid)
    try:
        entry = pwd.getpwuid(uid)
        gids = [entry.pw_gid]
    except KeyError:
        gids = []
    barred = files.unreadable_by(folder, uid, gids) if uid else ""
    if barred:
        text = f"{owner.name(uid)}, the owner of {folder}, cannot enter {barred}"
        yield Check("store path", "wrong", text, command("chmod o+x {FOLDER}", barred))
    yield files.program(uid, gids, sys.executable)
    yield files.space(path, 3 * settings.max_size)


def _inside(settings: Config, areas: Iterable[str]) -> Iterable[Check]:
    """Checks that run as the owner of the store."""
    owner.become(settings.store)
    folder = os.path.dirname(os.path.abspath(settings.store))
    uid = os.stat(folder).st_uid if os.path.isdir(folder) else os.geteuid()
    if os.geteuid() not in (0, uid):
        text = f"{settings.store} belongs to {owner.name(uid)}, but this runs as {owner.name(os.geteuid())}"
        yield Check("store", "unknown", text, command("sudo -u {USER} mailgate doctor", owner.name(uid)))
        return
    checks = integrity.check(settings.store)
    if "store" in areas:
        yield from checks
    if any(check.verdict == "wrong" for check in checks):
        return
    opened = open_existing(settings.store, wait=5.0)
    if "directory" in areas:
        yield from addresses.check(opened, settings)
    if "waiting" in areas:
        yield from queues.check(opened, settings.submit, time.time())
        yield from keeping.check(opened, settings, time.time())
    if "servers" in areas:
        yield from collecting.check(opened, time.time())


def _incoming(app: App, asked: Sequence[str]) -> Iterable[Check]:
    """Check the way on which mail comes in, as the one who asks: root sees what the owner of the store may not."""
    try:
        account = owner.names(app.config.store)
        # the store is opened as its owner, and the mail server is looked at as root
        data, collects = as_owner(
            app,
            lambda: (planning.as_data(planning.plan(app.config, account, app.store, None)), _collects(app.store)),
        )
        plan = planning.from_data(data)
    except Problem as problem:
        yield failed(asked[0] if asked else "mail server", "unknown", problem, command("mailgate setup postfix"))
        return
    yield from incoming.check(plan, app.config, asked, collects=collects)


def _collects(opened: Store) -> bool:
    """Whether mail is fetched from an incoming server."""
    with opened.read() as tx:
        return any(server.enabled for server in servers.listing(tx))


def _owner(settings: Config) -> str:
    try:
        return owner.names(settings.store)[0]
    except Problem:
        return ""


def _probe(app: App, to: str | None, wait: int) -> tuple[list[Check], list[str]]:
    """Send a probe to an alias and one to a signed address, and wait for both."""
    owner.become(app.config.store)
    opened = open_existing(app.config.store)
    with opened.read() as tx:
        alias = aliases.reached_by(tx, to) if to else next(iter(aliases.listing(tx)), None)
        if alias is None:
            return [Check("probe", "unknown", "there is no alias for the test message", _NO_ALIAS)], []
        domain = domains.get(tx, alias.domain)
        secret = keys.secrets(tx)[0]
    checks, hops = _one_probe(opened, app.config, alias.address, wait)
    if domain.details and domain.delimiter and all(check.verdict == "ok" for check in checks):
        signed = probe.detailed(alias.address, domain.delimiter, secret)
        more, _ = _one_probe(
            opened, app.config, signed, wait, command("mailgate domain set {DOMAIN} --details off", domain.name)
        )
        checks += [check._replace(name="probe details") for check in more]
    return checks, hops


def _one_probe(
    opened: Store, settings: Config, recipient: str, wait: int, fix: CommandLine | None = None
) -> tuple[list[Check], list[str]]:
    if not settings.submit.sends:
        return [Check("probe", "unknown", "nothing is sent: submit.method is none", advice=_METHOD)], []
    sent = time.time()
    try:
        message_id = probe.send(opened, settings, recipient, sent)
    except Problem as problem:
        return [failed("probe", "wrong", problem, command("mailgate doctor --only sending"))], []
    arrival = probe.arrival(opened, message_id, sent, wait)
    if arrival is None:
        return [Check("probe", "wrong", f"{recipient}: did not arrive within {wait} s", fix, _LOOK)], []
    if recipient not in arrival.recipients:
        text = f"sent to {recipient}, but arrived for {', '.join(arrival.recipients) or 'no recipient'}"
        return [Check("probe", "wrong", text, fix, _LOOK)], list(probe.drawn(arrival, sent))
    return [Check("probe", "ok", f"{recipient}: {arrival.seconds:.1f} s")], list(probe.drawn(arrival, sent))
