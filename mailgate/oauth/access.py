"""A fresh access token for a server that is logged in to, renewed by one process at a time and written down at once."""

import contextlib
import signal
import time
from collections.abc import Iterator

from mailgate.oauth import endpoint, grant
from mailgate.oauth.grant import Client, Denied, Tokens
from mailgate.process import bounds
from mailgate.store import logins, servers
from mailgate.store.database import Store, Transaction
from mailgate.store.logins import Login
from mailgate.store.servers import Server
from mailgate.values.problem import CommandLine, Problem, StoreError, command

SPARE = 120.0
"""Seconds for which an access token must still be good."""
_CLAIM = endpoint.TIME + 60.0
"""Seconds after which another process may renew a login that somebody began to renew."""
_WAIT = endpoint.TIME + 10.0
_TRIES = 5
"""How often it is tried to write down what was given: there is no second copy of it."""


def token(store: Store, server: Server, refused: str = "") -> str:
    """An access token that is good for a while; `refused`: one that the mail server does not take any more.

    Raises Problem, StoreError.
    """
    bounds.no_core()
    me = servers.myself()
    end = time.monotonic() + _WAIT
    while True:
        with store.read() as tx:
            login = _usable(tx, server)
        if login.access != refused and login.expires - time.time() > SPARE:
            return login.access
        if not login.refresh:
            raise Problem("the access has ended, and no refresh token was given", _again(server))
        with store.write() as tx:
            now = time.time()
            mine = _usable(tx, server) == login and logins.claim(tx, server.number, me, now + _CLAIM, now)
        if mine:
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
    """Ask for new tokens and write them down before anybody uses one; the claim is ours."""
    try:
        with _undisturbed():
            found = Client(server).refresh(login.token_url, login.refresh)
            _keep(store, server, login, found, me)
    except Denied as denied:
        with store.write() as tx:
            if denied.code in grant.OVER:
                logins.end(tx, server.number, me, str(denied))
            else:
                logins.release(tx, server.number, me)
        if denied.code in grant.OVER:
            raise Problem(f"the login is over: {denied}", _again(server)) from None
        raise
    except BaseException:
        with contextlib.suppress(StoreError, OSError), store.write() as tx:
            logins.release(tx, server.number, me)
        raise
    return found.access


def _keep(store: Store, server: Server, login: Login, found: Tokens, me: str) -> None:
    fresh = logins.renewed(login, found.access, found.expires, found.refresh, found.ends, time.time())
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
def _undisturbed() -> Iterator[None]:
    """Put off Ctrl-C and SIGTERM: a refresh token that was exchanged, and not written down, is lost for good."""
    ours = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ours)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begun(token_url: str, found: Tokens) -> Login:
    """The login that begins with the first tokens."""
    now = time.time()
    return Login(token_url, found.access, found.expires, found.refresh, found.ends, now, now, now)
