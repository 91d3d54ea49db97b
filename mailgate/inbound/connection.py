"""Connect to a server in its protocol, with its secret."""

from mailgate.inbound.mailbox import Session
from mailgate.oauth import sasl, secret
from mailgate.process import extras
from mailgate.settings.config import Config
from mailgate.store.database import Store
from mailgate.store.servers import Server


def connect(server: Server, config: Config, store: Store) -> Session:
    """A session, logged in. Where the server does not take the access token any more, once again with a fresh one.

    Raises Problem, StoreError.
    """
    extras.require(*server.libraries)
    if server.secret.kind != "login":
        return _connect(server, config, secret.read(server.secret))
    from mailgate.oauth import access

    token = access.token(store, server)
    try:
        return _connect(server, config, token)
    except sasl.Refused:
        return _connect(server, config, access.token(store, server, refused=token))


def _connect(server: Server, config: Config, credential: str) -> Session:
    if server.type == "pop":
        from mailgate.inbound import pop

        return pop.connect(server, credential, config.max_size)
    from mailgate.inbound import imap

    return imap.connect(server, credential, config.max_size)
