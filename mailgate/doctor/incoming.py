"""Check the way on which mail comes in: whichever wiring is there, and that one alone."""

import os
import pwd
import re
import shlex
import stat
from collections.abc import Iterable, Sequence

from mailgate.mta import exim_check, installed, postfix_check, stranger
from mailgate.mta.check import Check
from mailgate.mta.plan import Plan
from mailgate.mta.wiring import Wiring
from mailgate.process import owner
from mailgate.settings import config
from mailgate.settings.config import Config
from mailgate.values.problem import command

_STARTS = {"postfix": command("postfix start"), "exim": command("systemctl start exim4")}
_NO_WIRING = "`mailgate help postfix` and `mailgate help exim` name the ways, `mailgate help fetch` is for mailboxes"
_CALLED = re.compile(r"[|!]\s*(?P<words>[^\n\"]+)")


def check(plan: Plan, settings: Config, servers: Sequence[str], *, collects: bool) -> list[Check]:
    """Check the mail servers that are installed here (`postfix`, `exim`) as the wiring that is there asks for.

    A user's own gateway is not in the mail server's configuration: neither what that lacks nor what is in it for the
    system's gateway is a fault of theirs. `collects`: whether mail is fetched, which needs no mail server.
    """
    home = _home(settings.store)
    own = installed.home_wirings(home) if home else []
    personal = settings.path != config.SYSTEM
    checks: list[Check] = []
    wired = False
    for server in servers:
        found, wiring = _of_server(plan, server) if plan.has_folder or not personal else ([], None)
        if wiring is not None or not (own or personal):
            checks += [each._replace(name=f"{server} {each.name}") for each in found]
            wired = wired or wiring is not None
    if own and not wired:
        for each in own:
            checks += _of_home(each, settings.store)
        for server in servers:
            asked = stranger.check(installed.mail_server(server), _STARTS[server], _STARTS[server])
            checks += [each._replace(name=f"{server} {each.name}") for each in asked]
    elif not wired and personal and not collects:
        text = f"nothing that can be seen hands mail to the gateway of {settings.path or 'this user'}"
        checks.append(Check("wiring", "unknown", text, advice=_NO_WIRING))
    return checks


def _of_server(plan: Plan, server: str) -> tuple[list[Check], Wiring | None]:
    if server == "postfix":
        postfix = installed.postfix_state(plan)
        return postfix_check.check(postfix_check.followed(plan, postfix), postfix), postfix.wiring
    exim = installed.exim_state(plan)
    return exim_check.check(exim_check.followed(plan, exim), exim), exim.wiring


def _home(store: str) -> str:
    """The home of the owner of the store, `""` where there is none."""
    try:
        home = pwd.getpwuid(os.stat(os.path.dirname(os.path.abspath(store))).st_uid).pw_dir
    except (OSError, KeyError):
        return ""
    return home if os.path.isdir(home) else ""


def _of_home(wiring: Wiring, store: str) -> Iterable[Check]:
    """Check a user's file: who may write to it, the program that it runs, and the limit of Postfix for that."""
    path = wiring.place
    info = os.stat(path)
    name = wiring.kind
    if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        text = f"{path} can be written by others: the mail server ignores it"
        yield Check(name, "wrong", text, command("chmod go-w {FILE}", path))
        return
    with open(path, encoding="utf-8", errors="replace") as file:
        missing = _missing(file.read(), os.path.dirname(path))
    if missing:
        text = f"{path} runs {missing}, which {owner.name(info.st_uid)} cannot run: mail is returned"
        yield Check(name, "wrong", text, command("ls -l {FILE}", missing))
        return
    limit = installed.mailbox_limit() or 0
    if limit and os.path.exists(store) and os.path.getsize(store) > limit // 2:
        text = (
            f"Postfix lets no command write a file above {limit} octets, and the store is near: no mail is taken then"
        )
        yield Check(name, "wrong", text, advice="ask for mailbox_size_limit = 0 in Postfix")
        return
    yield Check(name, "ok", f"{path} hands mail to mailgate")


def _missing(text: str, home: str) -> str:
    """The first program in a file that its owner cannot run, of those that are named by a path."""
    for called in _CALLED.finditer(text):
        try:
            first = next(iter(shlex.split(called["words"])), "")
        except ValueError:
            continue
        program = first.replace("$HOME", home).replace("~", home, 1) if first.startswith(("$HOME", "~")) else first
        if program.startswith("/") and (not os.path.isfile(program) or not os.access(program, os.X_OK)):
            return program
    return ""
