"""`mailgate doctor`: what is not as it should be, and the command that mends it."""

import os
import pwd
import sys
import time
from collections.abc import Iterable

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, as_owner, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.doctor import addresses, collecting, configuration, files, integrity, probe, queues, watch
from mailgate.mta import exim_check, installed, planning, postfix_check
from mailgate.mta.check import Check, failed
from mailgate.process import owner
from mailgate.settings.config import Config
from mailgate.store import aliases, domains, keys
from mailgate.store.database import Store, open_existing
from mailgate.values.problem import CommandLine, Problem, command

AREAS = ("config", "store", "directory", "sending", "waiting", "servers", "postfix", "exim")
"""What can be looked at alone, in order."""
_LMTP = command("mailgate lmtp --help")
_NO_ALIAS = command("mailgate alias add ADDRESS --model MODEL")
_METHOD = "set method under [submit] in the configuration"
_LOOK = "look into the mail server's log and queue"


@click.command(
    "doctor",
    cls=Command,
    examples="""
        mailgate doctor
        mailgate doctor --quiet --only store --only waiting
        mailgate doctor --probe
    """,
)
@click.option("--only", multiple=True, type=click.Choice(AREAS), help="Look at this alone; repeatable.")
@click.option("--quiet", is_flag=True, help="Print only what is not as it should be.")
@click.option("--watch", "watching", is_flag=True, help="For a timer: print nothing, and tell by mail what changed.")
@click.option("--probe", "probing", is_flag=True, help="Send a marked message through the mail server, and follow it.")
@click.option("--to", metavar="ADDRESS", help="The alias that the probe goes to, instead of the first one.")
@click.option("--wait", type=click.IntRange(1, 600), default=60, show_default=True, help="Seconds for the probe.")
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
    """Look at everything that mail needs on its way, and say how to mend what is wrong; exit 4 then.

    Run it as root to have the mail server looked at too. What could not be looked at is said, and is never a fault.
    """
    found = list(_looked_at(app, only or AREAS))
    way: list[str] = []
    if probing:
        checks, way = as_owner(app, lambda: _probed(app, to, wait))
        found += [Check(*each) for each in checks]
    if watching:
        _tell(app, found)
    elif as_json:
        console.data({"checks": [each.as_data() for each in found], "probe": way})
    else:
        console.checks([each for each in found if not quiet or each.verdict != "ok"])
        for line in way:
            console.say(line)
        wrong, unknown = (sum(each.verdict == verdict for each in found) for verdict in ("wrong", "unknown"))
        if not quiet:
            checks = "1 check" if len(found) == 1 else f"{len(found)} checks"
            console.say(f"{checks}: {wrong} wrong, {unknown} could not be looked at")
    if any(each.verdict == "wrong" for each in found):
        raise click.exceptions.Exit(4)


def _tell(app: App, found: list[Check]) -> None:
    """Have those who are named in `[notify] to` told when the first check fails, and when none does any more."""
    settings, _ = configuration.loaded(app.configuration, app.database)
    if settings is None or not settings.notify:
        raise Problem("nobody is told: the configuration names nobody", advice='to = ["ADDRESS"] under [notify]')
    wrong = sum(each.verdict == "wrong" for each in found)

    def noted() -> int:
        owner.become(settings.store)
        return watch.look(open_existing(settings.store), settings, time.time(), wrong)

    app.pay(owed=as_owner(app, noted) > 0)


def _looked_at(app: App, areas: Iterable[str]) -> Iterable[Check]:
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
    if any(each.name in ("program", "store path") and each.verdict == "wrong" for each in outside):
        yield Check("store", "unknown", "its owner cannot get there", command("mailgate doctor --only store"))
        return  # nothing else can be looked at as the pipe will see it
    if {"store", "directory", "waiting", "servers"}.intersection(areas):
        try:
            yield from (Check(*each) for each in as_owner(app, lambda: list(_inside(settings, areas))))
        except Problem as problem:
            yield failed("store", "wrong", problem, command("ls -l {FILE}", settings.store))
    here = files.mail_servers()
    for name in ("postfix", "exim"):
        if name in areas and name in here:
            yield from _mail_server(app, name)
    if not here and {"postfix", "exim"} <= set(areas):
        yield Check("mail server", "unknown", "neither Postfix nor Exim is installed here", _LMTP)


def _store(settings: Config) -> Iterable[Check]:
    """What can be seen of the store from outside."""
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
    barred = files.reach(folder, uid, gids) if uid else ""
    if barred:
        text = f"{owner.name(uid)}, who owns {folder}, cannot enter {barred}"
        yield Check("store path", "wrong", text, command("chmod o+x {FOLDER}", barred))
    yield files.program(uid, gids, sys.executable)
    yield files.space(path, 3 * settings.max_size)


def _inside(settings: Config, areas: Iterable[str]) -> Iterable[Check]:
    """What the owner of the store can see of it."""
    owner.become(settings.store)
    folder = os.path.dirname(os.path.abspath(settings.store))
    uid = os.stat(folder).st_uid if os.path.isdir(folder) else os.geteuid()
    if os.geteuid() not in (0, uid):
        text = f"{settings.store} belongs to {owner.name(uid)}, and this runs as {owner.name(os.geteuid())}"
        yield Check("store", "unknown", text, command("sudo -u {USER} mailgate doctor", owner.name(uid)))
        return
    checks = integrity.check(settings.store)
    if "store" in areas:
        yield from checks
    if any(each.verdict == "wrong" for each in checks):
        return
    opened = open_existing(settings.store, wait=5.0)
    if "directory" in areas:
        yield from addresses.check(opened)
    if "waiting" in areas:
        yield from queues.check(opened, settings.submit, time.time())
    if "servers" in areas:
        yield from collecting.check(opened, time.time())


def _mail_server(app: App, name: str) -> Iterable[Check]:
    """What the mail server says, against what `mailgate setup` would print."""
    try:
        wanted = planning.in_place(app.config, owner.names(app.config.store), app.store, name)
    except Problem as problem:
        yield failed(name, "unknown", problem, command("mailgate setup {SERVER}", name))
        return
    found = (
        postfix_check.check(wanted, installed.postfix_state(wanted))
        if name == "postfix"
        else exim_check.check(wanted, installed.exim_state(wanted))
    )
    yield from (each._replace(name=f"{name} {each.name}") for each in found)


def _probed(app: App, to: str | None, wait: int) -> tuple[list[Check], list[str]]:
    """Send a plain probe and one with a signed detail, and wait for both."""
    owner.become(app.config.store)
    opened = open_existing(app.config.store)
    with opened.read() as tx:
        alias = aliases.reached_by(tx, to) if to else next(iter(aliases.listing(tx)), None)
        if alias is None:
            return [Check("probe", "unknown", "there is no alias to send it to", _NO_ALIAS)], []
        domain = domains.get(tx, alias.domain)
        secret = keys.secrets(tx)[0]
    checks, way = _one_probe(opened, app.config, alias.address, wait)
    if domain.details and domain.delimiter and all(each.verdict == "ok" for each in checks):
        signed = probe.detailed(alias.address, domain.delimiter, secret)
        more, _ = _one_probe(
            opened, app.config, signed, wait, command("mailgate domain set {DOMAIN} --details off", domain.name)
        )
        checks += [each._replace(name="probe details") for each in more]
    return checks, way


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
    found = probe.arrival(opened, message_id, sent, wait)
    if found is None:
        return [Check("probe", "wrong", f"{recipient}: not here after {wait} s", fix, _LOOK)], []
    if recipient not in found.recipients:
        text = f"sent to {recipient}, and it came for {', '.join(found.recipients) or 'nobody'}"
        return [Check("probe", "wrong", text, fix, _LOOK)], list(probe.drawn(found, sent))
    return [Check("probe", "ok", f"{recipient}: {found.seconds:.1f} s")], list(probe.drawn(found, sent))
