"""Check that mail is collected from every incoming server."""

from mailgate.doctor.queues import TIMER, hours
from mailgate.mta.check import Check, failed
from mailgate.process import extras
from mailgate.store import logins, servers
from mailgate.store.database import Store
from mailgate.store.logins import Login
from mailgate.store.window import around
from mailgate.values.problem import command
from mailgate.values.server import Server

DAY = 86_400.0


def check(opened: Store, now: float) -> list[Check]:
    """Check every incoming server by the outcome of its last runs."""
    with opened.read() as tx:
        return [
            _collected(server, servers.health(tx, server.number, now), logins.get(tx, server.number), now)
            for server in servers.listing(tx)
        ]


def _collected(server: Server, health: servers.Health, login: Login | None, now: float) -> Check:
    name = f"server {server.name}"
    log_in = command("mailgate server login {NAME}", server.name)
    if not server.enabled:
        return Check(name, "ok", "disabled")
    if problem := extras.missing(*server.libraries):
        return failed(name, "wrong", problem, log_in)
    if server.secret.kind == "login" and (trouble := logins.trouble(login)):
        return Check(name, "wrong", trouble, log_in)
    if health.state == "paused":
        return Check(name, "wrong", f"paused: {health.error}", command("mailgate server enable {NAME}", server.name))
    if health.failing_since is not None:
        text = f"fails for {hours(now - health.failing_since)}: {health.error}"
        return Check(name, "wrong", text, command("mailgate server test {NAME}", server.name))
    last = health.succeeded_at
    if last not in around(now, DAY):
        text = "never collected" if last is None else f"collected {_ago(now - last)}"
        return Check(name, "wrong", f"{text}: nobody runs `mailgate fetch`", command("mailgate fetch"), TIMER)
    if login and (ending := logins.warning(login, now)):
        return Check(name, "wrong", ending, log_in)
    return Check(name, "ok", f"collected {_ago(now - last)}{f', {health.warning}' if health.warning else ''}")


def _ago(seconds: float) -> str:
    if seconds < -DAY:
        return "last while the clock was ahead"
    return f"{hours(max(0.0, seconds))} ago"
