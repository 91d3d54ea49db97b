"""Log in with an access token instead of a password: OAUTHBEARER (RFC 7628) and XOAUTH2, which Google made."""

import base64
import binascii
import json

from mailgate.store.servers import Server
from mailgate.values import charset
from mailgate.values.problem import Problem, command


class Refused(Problem):
    """The mail server does not take the token."""

    def __init__(self, server: Server, told: str) -> None:
        text = f"{server.host}:{server.port} does not take the token of `{server.user}`: {told}"
        if server.secret.kind == "login":
            again = command("mailgate server login {NAME}", server.name)
            super().__init__(text, again, advice="does the login include the right to read mail?")
        else:
            super().__init__(
                text, advice="the token command has to print a fresh access token with the right to read mail"
            )


class Bearer:
    """The client's side of the exchange. `told`: what the server said when it did not take the token, `""` before."""

    def __init__(self, mechanism: str, user: str, token: str) -> None:
        self.mechanism, self.user, self.token = mechanism, user, token
        self.told = ""
        self._spoken = False

    def first(self) -> bytes:
        """The message that carries the token."""
        if self.mechanism == "OAUTHBEARER":
            name = self.user.replace("=", "=3D").replace(",", "=2C")
            return f"n,a={name},\x01auth=Bearer {self.token}\x01\x01".encode()
        return f"user={self.user}\x01auth=Bearer {self.token}\x01\x01".encode()

    def __call__(self, challenge: bytes) -> bytes:
        """The answer to a challenge: the first is the token; a second one is an error, which has to be acknowledged."""
        if not self._spoken:
            self._spoken = True
            return self.first()
        self.told = explained(challenge)
        return b"\x01" if self.mechanism == "OAUTHBEARER" else b""


def explained(challenge: bytes) -> str:
    """The error in a challenge (RFC 7628 section 3.2.2): JSON, decoded or still in base64, as one line."""
    for octets in (challenge, _decoded(challenge)):
        try:
            found = json.loads(octets)
        except ValueError:
            continue
        if isinstance(found, dict):
            return charset.printable(charset.line(", ".join(f"{key} {value}" for key, value in found.items())))[:300]
    return charset.printable(charset.line(charset.decode(challenge, None)))[:300]


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
