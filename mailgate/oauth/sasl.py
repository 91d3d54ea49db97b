"""Log in with an access token instead of a password: OAUTHBEARER (RFC 7628), or Google's XOAUTH2."""

import base64
import binascii
import json

from mailgate.values import charset


class Bearer:
    """The client's side of the exchange. `error`: why the server did not accept the token, `""` when it did."""

    def __init__(self, mechanism: str, user: str, token: str) -> None:
        self.mechanism, self.user, self.token = mechanism, user, token
        self.error = ""
        self._sent = False

    def first(self) -> bytes:
        """The message with the token."""
        if self.mechanism == "OAUTHBEARER":
            name = self.user.replace("=", "=3D").replace(",", "=2C")
            return f"n,a={name},\x01auth=Bearer {self.token}\x01\x01".encode()
        return f"user={self.user}\x01auth=Bearer {self.token}\x01\x01".encode()

    def __call__(self, challenge: bytes) -> bytes:
        """The answer to a challenge: first the token; a second challenge is an error, which has to be acknowledged."""
        if not self._sent:
            self._sent = True
            return self.first()
        self.error = explain(challenge)
        return b"\x01" if self.mechanism == "OAUTHBEARER" else b""


def explain(challenge: bytes) -> str:
    """The error in a challenge (RFC 7628 section 3.2.2): JSON, plain or in base64, as one line."""
    for octets in (challenge, _decoded(challenge)):
        try:
            error = json.loads(octets)
        except ValueError:
            continue
        if isinstance(error, dict):
            return charset.printable(charset.line(", ".join(f"{key} {value}" for key, value in error.items())))[:300]
    return charset.printable(charset.line(charset.decode(challenge, None)))[:300]


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
