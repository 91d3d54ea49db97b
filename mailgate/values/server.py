"""An incoming server, and where its secret comes from."""

from collections.abc import Mapping

from mailgate.values.light import NamedTuple

TYPES = ("imap", "pop")
SECURITY = ("tls", "starttls", "none")
SECRETS = ("password-file", "password-command", "token-command", "login")
PORTS = {("imap", "tls"): 993, ("imap", "starttls"): 143, ("imap", "none"): 143}
PORTS |= {("pop", "tls"): 995, ("pop", "starttls"): 110, ("pop", "none"): 110}
MOST = 1_000
"""Messages of one server in one run, by default."""


class Secret(NamedTuple):
    """Where the secret of a server comes from, never the secret itself: a kind of SECRETS, and its source.

    The source is a file or a command line; of a login it is the provider, which knows mailgate as `client`. `scope`:
    the provider's name of the access to mail, `""` for the usual one.
    """

    kind: str
    source: str
    client: str = ""
    client_secret_file: str = ""
    scope: str = ""

    @property
    def is_token(self) -> bool:
        """Whether it is an OAuth2 access token, not a password."""
        return self.kind in ("token-command", "login")


class Server(NamedTuple):
    """A mailbox on another server, from which mail is fetched.

    `address`: that of the mailbox, where `user` is not an address. `model` and `values`: for mail that no alias takes.
    done: keep, seen, move:FOLDER or delete. failed: keep or move:FOLDER. `most`: messages in one run.
    """

    name: str
    type: str
    host: str
    port: int
    user: str
    secret: Secret
    security: str = "tls"
    verify: bool = True
    ca: str = ""
    address: str | None = None
    folders: tuple[str, ...] = ("INBOX",)
    model: str | None = None
    values: Mapping[str, str] = {}
    done: str = "keep"
    failed: str = "keep"
    most: int = MOST
    enabled: bool = True
    number: int = 0

    @property
    def mailbox(self) -> str | None:
        """The address of the mailbox itself, which no mail is meant for."""
        return self.address or (self.user if "@" in self.user else None)

    @property
    def libraries(self) -> tuple[str, ...]:
        """The libraries that collecting from it needs, beyond those that mailgate always has."""
        imap = ("imapclient",) if self.type == "imap" else ()
        return (*imap, "oauthlib") if self.secret.kind == "login" else imap
