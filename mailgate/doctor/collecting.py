"""Whether mail is collected from every incoming server."""

from mailgate.doctor.queues import TIMER, hours
from mailgate.mta.check import Check, failed
from mailgate.process import extras
from mailgate.store import logins, servers
from mailgate.store.database import Store
from mailgate.store.logins import Login
from mailgate.store.servers import Server
from mailgate.values.problem import command

DAY = 86_400.0


def check(opened: Store, now: float) -> list[Check]:
    """Every mailbox that mail is collected from, and what its server said last."""
    with opened.read() as tx:
        return [
            _collected(each, servers.health(tx, each.number), logins.get(tx, each.number), now)
            for each in servers.listing(tx)
        ]


def _collected(server: Server, found: servers.Health, login: Login | None, now: float) -> Check:
    name = f"server {server.name}"
    again = command("mailgate server login {NAME}", server.name)
    if not server.enabled:
        return Check(name, "ok", "disabled")
    if problem := extras.missing(*server.libraries):
        return failed(name, "wrong", problem, again)
    if server.secret.kind == "login" and (trouble := logins.trouble(login)):
        return Check(name, "wrong", trouble, again)
    if found.state == "paused":
        return Check(name, "wrong", f"paused: {found.error}", command("mailgate server enable {NAME}", server.name))
    if found.failing_since is not None:
        text = f"fails for {hours(now - found.failing_since)}: {found.error}"
        return Check(name, "wrong", text, command("mailgate server test {NAME}", server.name))
    last = found.succeeded_at
    if last is None or last < now - DAY:
        text = f"collected {hours(now - last)} ago" if last is not None else "never collected"
        return Check(name, "wrong", f"{text}: nobody runs `mailgate fetch`", command("mailgate fetch"), TIMER)
    if login and (ending := logins.warning(login, now)):
        return Check(name, "wrong", ending, again)
    return Check(name, "ok", f"collected {hours(now - last)} ago{f', {found.warning}' if found.warning else ''}")
