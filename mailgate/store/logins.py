"""Logins at OAuth2 providers: the tokens of each server, how long they last, and who is renewing them."""

import time
from typing import NamedTuple

from mailgate.store import servers
from mailgate.store.database import Transaction
from mailgate.values.problem import command

SOON = 7 * 86_400.0
"""Seconds before its told end at which a login is worth a warning, or the last tenth of a shorter life."""
IDLE = 75 * 86_400.0
"""Seconds without use after which a login without a told end is worth one: Microsoft ends it after 90 days."""


class Login(NamedTuple):
    """A login; times are epoch seconds.

    `access` is good until `expires`, `refresh` (`""`: none was given) from `begun` until `ends`, None where nobody
    told. `error`: why it is over, as the provider said it.
    """

    token_url: str
    access: str
    expires: float
    refresh: str
    ends: float | None
    begun: float
    granted: float
    refreshed: float
    error: str = ""

    def __repr__(self) -> str:
        return "Login(...)"  # it holds secrets

    @property
    def until(self) -> float | None:
        """When it ends if it is used until then, None where nobody told."""
        return self.ends if self.refresh else self.expires


def get(tx: Transaction, number: int) -> Login | None:
    """The login of a server, None before the first one."""
    row = tx.execute(f"SELECT {', '.join(Login._fields)} FROM login WHERE server = ?", (number,)).fetchone()
    return None if row is None else Login(*row)


def grant(tx: Transaction, number: int, login: Login) -> None:
    """Begin a login, in place of any other; the server is tried again at once."""
    columns, marks = ", ".join(Login._fields), ", ".join("?" * len(login))
    tx.execute("DELETE FROM login WHERE server = ?", (number,))
    tx.execute(f"INSERT INTO login (server, {columns}) VALUES (?, {marks})", (number, *login))
    servers.forgive(tx, number)


def renew(tx: Transaction, number: int, holder: str, login: Login) -> None:
    """Write down the tokens that `holder` was given, and give back his claim; a login that is not his stays."""
    columns = ", ".join(f"{name} = ?" for name in Login._fields)
    update = f"UPDATE login SET {columns}, holder = NULL WHERE server = ? AND holder = ?"
    tx.execute(update, (*login, number, holder))


def end(tx: Transaction, number: int, holder: str, error: str) -> None:
    """Write down that a login is over, and give back the claim."""
    tx.execute("UPDATE login SET error = ?, holder = NULL WHERE server = ? AND holder = ?", (error, number, holder))


def claim(tx: Transaction, number: int, holder: str, until: float, now: float) -> bool:
    """Take it upon oneself to renew a login, until a time; False while somebody alive does."""
    row = tx.execute("SELECT holder, held_until FROM login WHERE server = ?", (number,)).fetchone()
    if row is None or (row["holder"] and row["held_until"] >= now and not servers.is_dead(row["holder"])):
        return False
    tx.execute("UPDATE login SET holder = ?, held_until = ? WHERE server = ?", (holder, until, number))
    return True


def release(tx: Transaction, number: int, holder: str) -> None:
    """Give the claim back."""
    tx.execute("UPDATE login SET holder = NULL WHERE server = ? AND holder = ?", (number, holder))


def renewed(login: Login, access: str, expires: float, refresh: str, ends: float | None, now: float) -> Login:
    """A login with the tokens of a refresh: without a new refresh token, or a new end, those of before stand."""
    ends = login.ends if ends is None and not refresh else ends
    moved = ends is not None and (login.ends is None or ends > login.ends + 60)
    begun = now if moved else login.begun
    return Login(login.token_url, access, expires, refresh or login.refresh, ends, begun, login.granted, now)


def told(name: str, login: Login, now: float) -> str:
    """That the login of a server will end, with what to do before, `""` when it will not."""
    found = warning(login, now)
    return f"{found}: {command('mailgate server login {NAME}', name)}" if found else ""


def trouble(login: Login | None) -> str:
    """Why nobody can log in with it, `""` when one can."""
    if login is None:
        return "nobody has logged in yet"
    return f"the login is over: {login.error}" if login.error else ""


def warning(login: Login, now: float) -> str:
    """That a login will end soon, `""` when it will not, or is over already."""
    if login.error:
        return ""
    if login.until is None:
        if now - login.refreshed < IDLE:
            return ""
        days = (now - login.refreshed) / 86_400
        return f"the login was not used for {days:.0f} days; unused ones end, Microsoft's after 90"
    if login.until - now > min(SOON, (login.until - login.begun) / 10):
        return ""
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(login.until))
    return f"the login ends at {at}" if login.until > now else f"the login ended at {at}"
