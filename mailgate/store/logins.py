"""Logins at OAuth2 providers: the tokens of each server, how long they last, and who is renewing them."""

import time
from typing import NamedTuple

from mailgate.store import leases, servers
from mailgate.store.database import Transaction
from mailgate.values.problem import command

SOON = 7 * 86_400.0
"""Seconds before its known end at which a login deserves a warning, or the last tenth of a shorter life."""
IDLE = 75 * 86_400.0
"""Seconds without use after which a login without a known end deserves one: Microsoft ends it after 90 days."""


class Login(NamedTuple):
    """A login; times are epoch seconds.

    `access` is good until `expires_at`, `refresh` (`""`: none was given) from `begun_at` until `ends_at`, None where
    the provider does not say. `error`: why it is over, as the provider said it.
    """

    token_url: str
    access: str
    expires_at: float
    refresh: str
    ends_at: float | None
    begun_at: float
    granted_at: float
    refreshed_at: float
    error: str = ""

    def __repr__(self) -> str:
        return "Login(...)"  # it holds secrets

    @property
    def until(self) -> float | None:
        """When it ends if it is used until then, None where the provider does not say."""
        return self.ends_at if self.refresh else self.expires_at


def get(tx: Transaction, number: int) -> Login | None:
    """The login of a server, None before the first one."""
    row = tx.execute(f"SELECT {', '.join(Login._fields)} FROM login WHERE server = ?", (number,)).fetchone()
    return None if row is None else Login(**{name: row[name] for name in Login._fields})


def grant(tx: Transaction, number: int, login: Login) -> None:
    """Begin a login, in place of any other; the server is tried again at once."""
    columns, marks = ", ".join(Login._fields), ", ".join("?" * len(login))
    tx.execute("DELETE FROM login WHERE server = ?", (number,))
    tx.execute(f"INSERT INTO login (server, {columns}) VALUES (?, {marks})", (number, *login))
    servers.forgive(tx, number)


def renew(tx: Transaction, number: int, holder: str, login: Login) -> None:
    """Store the tokens that `holder` got, and give back its lease; nothing changes when it has lost the lease."""
    leases.settle(tx, leases.LOGIN, number, holder, **login._asdict())


def end(tx: Transaction, number: int, holder: str, error: str) -> None:
    """Record that a login is over, and give back the lease."""
    leases.settle(tx, leases.LOGIN, number, holder, error=error)


def claim(tx: Transaction, number: int, holder: str, until: float, now: float) -> bool:
    """Take the lease under which a login is renewed, until a time; False while a living process has it."""
    return leases.take(tx, leases.LOGIN, number, holder, until, now) is not None


def release(tx: Transaction, number: int, holder: str) -> None:
    """Give the lease back."""
    leases.settle(tx, leases.LOGIN, number, holder)


def renewed(login: Login, access: str, expires: float, refresh: str, ends: float | None, now: float) -> Login:
    """A login with the tokens of a refresh; without a new refresh token, or a new end, the old one stays."""
    ends = login.ends_at if ends is None and not refresh else ends
    moved = ends is not None and (login.ends_at is None or ends > login.ends_at + 60)
    begun = now if moved else login.begun_at
    return Login(login.token_url, access, expires, refresh or login.refresh, ends, begun, login.granted_at, now)


def announcement(name: str, login: Login, now: float) -> str:
    """The warning that the login of a server will end, with the command that renews it; `""` when it will not."""
    text = warning(login, now)
    return f"{text}: {command('mailgate server login {NAME}', name)}" if text else ""


def trouble(login: Login | None) -> str:
    """Why a login cannot be used, `""` when it can."""
    if login is None:
        return "nobody has logged in yet"
    return f"the login is over: {login.error}" if login.error else ""


def warning(login: Login, now: float) -> str:
    """The warning that a login will end soon, `""` when it will not, or has ended."""
    if login.error:
        return ""
    if login.until is None:
        if now - login.refreshed_at < IDLE:
            return ""
        days = (now - login.refreshed_at) / 86_400
        return f"the login was not used for {days:.0f} days; unused ones end, Microsoft's after 90"
    if login.until - now > min(SOON, (login.until - login.begun_at) / 10):
        return ""
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(login.until))
    return f"the login ends at {at}" if login.until > now else f"the login ended at {at}"
