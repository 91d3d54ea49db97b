"""Connect to a server in its protocol, with its secret."""

from mailgate.inbound.mailbox import Credential, LoginRefused, Session
from mailgate.oauth import secret
from mailgate.process import extras
from mailgate.settings.config import Config
from mailgate.store.database import Store
from mailgate.values.problem import Problem, command
from mailgate.values.server import Server


def connect(server: Server, config: Config, store: Store) -> Session:
    """A session, logged in. Raises Problem, StoreError."""
    extras.require(*server.libraries)
    try:
        if server.secret.kind == "login":
            return _log_in(server, config, store)
        return _session(server, config, secret.read(server.secret))
    except LoginRefused as refused:
        raise _problem(server, str(refused)) from refused


def _log_in(server: Server, config: Config, store: Store) -> Session:
    """A session by access token. Where the server does not accept it any more, once again with a fresh one."""
    from mailgate.oauth import access

    token = access.token(store, server)
    try:
        return _session(server, config, token)
    except LoginRefused:
        return _session(server, config, access.token(store, server, refused=token))


def _session(server: Server, config: Config, text: str) -> Session:
    credential = Credential(server.user, text, server.secret.is_token)
    if server.type == "pop":
        from mailgate.inbound import pop

        return pop.connect(server, credential, config.max_size)
    from mailgate.inbound import imap

    return imap.connect(server, credential, config.max_size)


def _problem(server: Server, answer: str) -> Problem:
    host = f"{server.host}:{server.port}"
    if not server.secret.is_token:
        show = command("mailgate server show {NAME}", server.name)
        return Problem(f"{host} does not let `{server.user}` in: {answer}", show)
    problem = f"{host} does not accept the token of `{server.user}`: {answer}"
    if server.secret.kind == "login":
        login = command("mailgate server login {NAME}", server.name)
        return Problem(problem, login, advice="does the login include the right to read mail?")
    return Problem(problem, advice="the token command has to print a fresh access token with the right to read mail")
