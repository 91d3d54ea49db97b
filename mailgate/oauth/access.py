"""A fresh access token for the login of a server, renewed by one process at a time and stored at once."""

import contextlib
import signal
import time
from collections.abc import Iterator

from mailgate.oauth import endpoint, tokens
from mailgate.oauth.grant import Client
from mailgate.oauth.tokens import Denied, Tokens
from mailgate.process import bounds
from mailgate.store import leases, logins
from mailgate.store.database import Store, Transaction
from mailgate.store.logins import Login
from mailgate.values.problem import CommandLine, Problem, StoreError, command
from mailgate.values.server import Server

SPARE = 120.0
"""Seconds for which an access token must still be valid."""
_CLAIM = endpoint.TIME + 60.0
"""Seconds after which another process may take over the renewal of a login."""
_WAIT = endpoint.TIME + 10.0
_TRIES = 5
"""Attempts to store what was granted: there is no second copy of it."""


def token(store: Store, server: Server, refused: str = "") -> str:
    """An access token that is valid for a while; `refused`: one that the mail server does not accept any more.

    Raises Problem, StoreError.
    """
    bounds.no_core()
    me = leases.myself()
    end = time.monotonic() + _WAIT
    while True:
        with store.read() as tx:
            login = _usable(tx, server)
        if login.access != refused and login.expires_at - time.time() > SPARE:
            return login.access
        if not login.refresh:
            raise Problem("the access token has expired, and there is no refresh token", _again(server))
        with store.write() as tx:
            now = time.time()
            claimed = _usable(tx, server) == login and logins.claim(tx, server.number, me, now + _CLAIM, now)
        if claimed:
            return _renewed(store, server, login, me)
        if time.monotonic() > end:
            raise Problem(f"another process is renewing the login of `{server.name}`", advice="it is tried again")
        time.sleep(0.1)


def _usable(tx: Transaction, server: Server) -> Login:
    login = logins.get(tx, server.number)
    if login is None or login.error:
        raise Problem(logins.trouble(login), _again(server))
    return login


def _again(server: Server) -> CommandLine:
    return command("mailgate server login {NAME}", server.name)


def _renewed(store: Store, server: Server, login: Login, me: str) -> str:
    """Ask for new tokens and store them before one is used; the lease is ours."""
    try:
        with _signals_blocked():
            granted = Client(server).refresh(login.token_url, login.refresh)
            _save(store, server, login, granted, me)
    except Denied as denied:
        with store.write() as tx:
            if denied.code in tokens.FINAL:
                logins.end(tx, server.number, me, str(denied))
            else:
                logins.release(tx, server.number, me)
        if denied.code in tokens.FINAL:
            raise Problem(f"the login is over: {denied}", _again(server)) from None
        raise
    except BaseException:
        with contextlib.suppress(StoreError, OSError), store.write() as tx:
            logins.release(tx, server.number, me)
        raise
    return granted.access


def _save(store: Store, server: Server, login: Login, granted: Tokens, me: str) -> None:
    fresh = logins.renewed(login, *granted, time.time())
    for left in reversed(range(_TRIES)):
        try:
            with store.write() as tx:
                logins.renew(tx, server.number, me, fresh)
            return
        except StoreError:
            if not left:
                raise
            time.sleep(1.0)


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Delay Ctrl-C and SIGTERM: a refresh token that was exchanged and not stored is lost for good."""
    ending = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start(token_url: str, granted: Tokens) -> Login:
    """A login from its first tokens."""
    now = time.time()
    return Login(token_url, *granted, now, now, now)
