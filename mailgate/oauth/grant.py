"""Get tokens from an OAuth2 provider: device code (RFC 8628), authorization code with PKCE, refresh (RFC 6749)."""

import hmac
from typing import Any, NamedTuple
from urllib.parse import urlencode

from mailgate.oauth import endpoint, secret, tokens
from mailgate.oauth.tokens import Denied, Tokens, host
from mailgate.process import bounds
from mailgate.values import charset, provider
from mailgate.values.problem import Problem, command
from mailgate.values.provider import Provider
from mailgate.values.server import Secret, Server

_DEVICE_TIME = 900.0
"""Seconds to enter a code when the provider does not say."""
_CLIENT = "do --client-id and --client-secret-file name an application that may do this?"


class DeviceCode(NamedTuple):
    """A code to enter at an address within so many seconds, polled for at an interval in seconds.

    `complete`: an address with the code in it, `""` when there is none.
    """

    device_code: str
    user_code: str
    address: str
    complete: str
    seconds: float
    interval: float

    def __repr__(self) -> str:
        return "DeviceCode(...)"


class AuthorizationRequest(NamedTuple):
    """The address to open in a browser, and what only we know about it."""

    address: str
    redirect: str
    state: str
    verifier: str

    def __repr__(self) -> str:
        return "AuthorizationRequest(...)"


class Client:
    """Our side of a login for one server. Every method raises Problem, and Denied when the provider refuses."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.provider: Provider = provider.resolve(server.secret.source, server.type, server.secret.scope)
        bounds.no_core()
        file = server.secret.client_secret_file
        self._secret = secret.read(Secret("password-file", file)) if file else None

    def device(self, url: str) -> DeviceCode:
        """Ask for a code that a person can enter on another device."""
        form = {"client_id": self.server.secret.client, "scope": self.provider.scope}
        if self._secret is not None:
            form["client_secret"] = self._secret
        fields = self._ask(url, urlencode(form))
        device_code, user_code = fields.get("device_code"), fields.get("user_code")
        address = fields.get("verification_uri") or fields.get("verification_url")  # Google's, older than the RFC
        complete = fields.get("verification_uri_complete") or ""
        if not (_is_text(device_code) and _is_text(user_code) and _is_address(address)):
            raise Problem(f"{host(url)} issues no code to enter (RFC 8628 section 3.2)")
        return DeviceCode(
            str(device_code),
            str(user_code),
            str(address),
            complete if _is_address(complete) else "",
            tokens.seconds(fields.get("expires_in")) or _DEVICE_TIME,
            min(max(tokens.seconds(fields.get("interval")) or 5.0, 1.0), 60.0),
        )

    def poll(self, url: str, device_code: str) -> Tokens:
        """Ask whether the code was entered. Until then Denied has the code `authorization_pending` or `slow_down`."""
        from oauthlib.oauth2 import DeviceClient

        client = DeviceClient(self.server.secret.client)
        body = client.prepare_request_body(device_code, include_client_id=True, client_secret=self._secret)
        return self._tokens(url, body, device_code)

    def request(self, url: str, port: int) -> AuthorizationRequest:
        """The request to open in a browser, which then comes back to a port of this machine (RFC 8252 section 7.3)."""
        from oauthlib.common import generate_token
        from oauthlib.oauth2 import WebApplicationClient

        client = WebApplicationClient(self.server.secret.client)
        verifier, state = client.create_code_verifier(64), generate_token(43)
        redirect = f"http://{self.provider.loopback}:{port}"
        parameters = dict(self.provider.parameters)
        if "@" in self.server.user:
            parameters["login_hint"] = self.server.user
        scheme, _, rest = url.partition(":")
        address = client.prepare_request_uri(
            f"https:{rest}",  # oauthlib takes no other scheme, not even for this machine
            redirect_uri=redirect,
            scope=self.provider.scope,
            state=state,
            code_challenge=client.create_code_challenge(verifier, "S256"),
            code_challenge_method="S256",
            **parameters,
        )
        return AuthorizationRequest(f"{scheme}:{address.partition(':')[2]}", redirect, state, verifier)

    def redeem(self, url: str, request: AuthorizationRequest, query: str) -> Tokens:
        """Exchange the query with which the browser came back for tokens."""
        from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

        client = WebApplicationClient(self.server.secret.client)
        try:
            code = client.parse_request_uri_response(f"https://here/?{query}", state=request.state)["code"]
        except OAuth2Error as error:
            raise self._denied(url, error) from None
        body = client.prepare_request_body(
            code, request.redirect, code_verifier=request.verifier, client_secret=self._secret
        )
        return self._tokens(url, body, code, request.verifier)

    def refresh(self, url: str, refresh_token: str) -> Tokens:
        """Exchange a refresh token. When the answer has a new one, the old one is spent."""
        from oauthlib.oauth2 import WebApplicationClient

        client = WebApplicationClient(self.server.secret.client)
        body = client.prepare_refresh_body(
            refresh_token=refresh_token, client_id=self.server.secret.client, client_secret=self._secret
        )
        return self._tokens(url, body, refresh_token)

    def _tokens(self, url: str, body: str, *secrets: str) -> Tokens:
        return tokens.parse(url, self._ask(url, body, *secrets))

    def _ask(self, url: str, body: str, *secrets: str) -> dict[str, Any]:
        """The answer to a form, when it is not an error; an error is shown without our secrets."""
        from oauthlib.oauth2 import OAuth2Error
        from oauthlib.oauth2.rfc6749.errors import raise_from_error

        status, fields = endpoint.ask(url, body, self.server.ca)
        if "error" in fields:
            try:
                raise_from_error(fields["error"], fields)
            except OAuth2Error as error:
                raise self._denied(url, error, *secrets) from None
        if status != 200:
            raise Problem(f"{host(url)} answers with status {status}")
        return fields

    def _denied(self, url: str, error: Any, *secrets: str) -> Denied:
        """An error of oauthlib as one clean line, without what only we and the provider may know."""
        code = charset.printable(charset.line(str(error.error)))[:80]
        description = charset.line(str(error.description or ""))
        for text in (*secrets, self._secret):
            description = description.replace(text, "***") if text else description
        problem = f"{host(url)}: {code}"
        if description:
            problem += f": {charset.printable(description)[:300]}"
        if code in ("invalid_client", "unauthorized_client"):
            return Denied(code, problem, advice=_CLIENT)
        return Denied(code, problem, command("mailgate server login {NAME}", self.server.name))


def is_answer(request: AuthorizationRequest, state: str) -> bool:
    """Whether a `state` is that of the request, which nobody else knows."""
    return hmac.compare_digest(request.state.encode(), state.encode("utf-8", "replace"))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_address(value: object) -> bool:
    return isinstance(value, str) and len(value) < 2_000 and provider.is_safe(value)
