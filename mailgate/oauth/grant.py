"""Be given tokens by an OAuth2 provider: device code (RFC 8628), authorization code with PKCE, refresh (RFC 6749)."""

import hmac
import json
import time
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit, urlunsplit

from mailgate.oauth import endpoint, secret
from mailgate.process import bounds
from mailgate.store.servers import Secret, Server
from mailgate.values import charset, provider
from mailgate.values.problem import CommandLine, Problem, command
from mailgate.values.provider import Provider

OVER = ("invalid_grant", "interaction_required", "login_required", "consent_required", "access_denied")
"""Errors after which a refresh token is good for nothing, and asking again cannot help."""
_AN_HOUR = 3_600.0
_EVER = 3_650 * 86_400.0
"""Seconds of an access token where nobody told, and the most that is believed."""
_DEVICE_TIME = 900.0
_CLIENT = "are --client-id and --client-secret-file those of an application that may do this?"


class Denied(Problem):
    """The provider said no. `code` is the error (RFC 6749 section 5.2), the text that with its description."""

    def __init__(self, code: str, text: str, *commands: CommandLine, advice: str = "") -> None:
        super().__init__(text, *commands, advice=advice)
        self.code = code


class Endpoints(NamedTuple):
    """Where to ask; `""` where a provider has none."""

    authorization: str
    token: str
    device: str


class Tokens(NamedTuple):
    """What was given; `expires` and `ends` are epoch seconds. refresh: `""` for none; `ends`: None, nobody told."""

    access: str
    expires: float
    refresh: str
    ends: float | None

    def __repr__(self) -> str:
        return "Tokens(...)"


class Device(NamedTuple):
    """A code that a person enters at an address, or an address with the code in it, within so many seconds."""

    device_code: str
    user_code: str
    address: str
    whole: str
    seconds: float
    interval: float

    def __repr__(self) -> str:
        return "Device(...)"


class Request(NamedTuple):
    """An authorization request: the address to open, and what only we know of it."""

    address: str
    redirect: str
    state: str
    verifier: str

    def __repr__(self) -> str:
        return "Request(...)"


class Client:
    """We, as a provider knows us, for one server. Every method raises Problem, and Denied when the provider says no."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.provider: Provider = provider.resolve(server.secret.source, server.type, server.secret.scope)
        bounds.no_core()
        file = server.secret.client_secret_file
        self._secret = secret.read(Secret("password-file", file)) if file else None

    def discover(self) -> Endpoints:
        """Where the provider says to be asked (OpenID Connect Discovery section 4, RFC 8414 section 3)."""
        parts = urlsplit(self.provider.issuer)
        path = parts.path.rstrip("/")
        places = (f"{path}/.well-known/openid-configuration", f"/.well-known/oauth-authorization-server{path}")
        said: dict[str, Any] = {}
        for place in places:
            status, said = endpoint.ask(urlunsplit((parts.scheme, parts.netloc, place, "", "")), None, self.server.ca)
            if status == 200:
                break
        else:
            told = f"{self.provider.issuer} is no issuer: it has no metadata (status {status})"
            raise Problem(told, advice="--login URL, without /.well-known")
        issuer, meant = charset.printable(str(said.get("issuer")))[:200], self.provider.issuer
        if self.provider.exact and issuer.rstrip("/") != meant.rstrip("/"):
            raise Problem(
                f"{meant} says that it is {issuer} (RFC 8414 section 3.3)",
                command("mailgate server set {NAME} --login {URL}", self.server.name, issuer),
            )
        names = ("authorization_endpoint", "token_endpoint", "device_authorization_endpoint")
        found = Endpoints(*(str(said.get(name) or "") for name in names))
        for each in found:
            if each and not provider.is_safe(each):
                raise Problem(f"{self.provider.issuer} would have secrets sent to `{charset.printable(each)[:200]}`")
        if not found.token:
            raise Problem(f"{self.provider.issuer} names no token endpoint")
        return found

    def device(self, url: str) -> Device:
        """Ask for a code that a person can enter elsewhere."""
        form = {"client_id": self.server.secret.client, "scope": self.provider.scope}
        if self._secret is not None:
            form["client_secret"] = self._secret
        said = self._ask(url, urlencode(form))
        code, shown = said.get("device_code"), said.get("user_code")
        address = said.get("verification_uri") or said.get("verification_url")  # Google's, before there was an RFC
        whole = said.get("verification_uri_complete") or ""
        if not (isinstance(code, str) and code and isinstance(shown, str) and shown and _opens(address)):
            raise Problem(f"{_host(url)} gives no code to enter (RFC 8628 section 3.2)")
        seconds = _seconds(said.get("expires_in")) or _DEVICE_TIME
        interval = min(max(_seconds(said.get("interval")) or 5.0, 1.0), 60.0)
        return Device(code, shown, str(address), whole if _opens(whole) else "", seconds, interval)

    def poll(self, url: str, device_code: str) -> Tokens:
        """Ask whether the code was entered; until then Denied says `authorization_pending`, or `slow_down`."""
        from oauthlib.oauth2 import DeviceClient

        client = DeviceClient(self.server.secret.client)
        body = client.prepare_request_body(device_code, include_client_id=True, client_secret=self._secret)
        return self._tokens(url, body, device_code)

    def request(self, url: str, port: int) -> Request:
        """What a browser has to open, so that it comes back to a port of this machine (RFC 8252 section 7.3)."""
        from oauthlib.common import generate_token
        from oauthlib.oauth2 import WebApplicationClient

        client = WebApplicationClient(self.server.secret.client)
        verifier, state = client.create_code_verifier(64), generate_token(43)
        redirect = f"http://{self.provider.loopback}:{port}"
        more = dict(self.provider.parameters)
        if "@" in self.server.user:
            more["login_hint"] = self.server.user
        scheme, _, rest = url.partition(":")
        address = client.prepare_request_uri(
            f"https:{rest}",  # oauthlib takes no other, not even for this machine
            redirect_uri=redirect,
            scope=self.provider.scope,
            state=state,
            code_challenge=client.create_code_challenge(verifier, "S256"),
            code_challenge_method="S256",
            **more,
        )
        return Request(f"{scheme}:{address.partition(':')[2]}", redirect, state, verifier)

    def redeem(self, url: str, request: Request, query: str) -> Tokens:
        """Turn what the browser came back with into tokens."""
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
        """Exchange a refresh token; with another one in the answer this one is spent."""
        from oauthlib.oauth2 import WebApplicationClient

        client = WebApplicationClient(self.server.secret.client)
        body = client.prepare_refresh_body(
            refresh_token=refresh_token, client_id=self.server.secret.client, client_secret=self._secret
        )
        return self._tokens(url, body, refresh_token)

    def _ask(self, url: str, body: str, *secrets: str) -> dict[str, Any]:
        """What the provider answers to a form, if that is no error; its words without our secrets."""
        from oauthlib.oauth2 import OAuth2Error
        from oauthlib.oauth2.rfc6749.errors import raise_from_error

        status, said = endpoint.ask(url, body, self.server.ca)
        if "error" in said:
            try:
                raise_from_error(said["error"], said)
            except OAuth2Error as error:
                raise self._denied(url, error, *secrets) from None
        if status != 200:
            raise Problem(f"{_host(url)} answers with status {status}")
        return said

    def _tokens(self, url: str, body: str, *secrets: str) -> Tokens:
        from oauthlib.oauth2 import OAuth2Error
        from oauthlib.oauth2.rfc6749.parameters import parse_token_response

        said = self._ask(url, body, *secrets)
        try:
            found = parse_token_response(json.dumps(said))
            access, refresh = found["access_token"], found.get("refresh_token") or ""
            kind = str(found.get("token_type") or "Bearer")
        except (OAuth2Error, ValueError, TypeError, AttributeError, OverflowError):
            raise Problem(f"{_host(url)} answers with what is no token (RFC 6749 section 5.1)") from None
        if not access or not all(isinstance(each, str) and _is_token(each) for each in (access, refresh)):
            raise Problem(f"{_host(url)} answers with what is no token (RFC 6749 appendix A.12)")
        if kind.lower() != "bearer":
            kind = charset.printable(kind)[:40]
            raise Problem(f"{_host(url)} gives a token of type {kind}: mail servers take Bearer")
        now = time.time()
        told = (_seconds(found.get(name)) for name in ("refresh_token_expires_in", "refresh_expires_in"))
        lasts = next((each for each in told if each), None)
        expires = now + (_seconds(found.get("expires_in")) or _AN_HOUR)
        return Tokens(access, expires, refresh, None if lasts is None else now + lasts)

    def _denied(self, url: str, error: Any, *secrets: str) -> Denied:
        """An error of oauthlib's as one clean line, without anything that only we and the provider may know."""
        code = charset.printable(charset.line(str(error.error)))[:80]
        text = charset.line(str(error.description or ""))
        for each in (*secrets, self._secret):
            text = text.replace(each, "***") if each else text
        said = f"{code}: {charset.printable(text)[:300]}" if text else code
        if code in ("invalid_client", "unauthorized_client"):
            return Denied(code, f"{_host(url)}: {said}", advice=_CLIENT)
        return Denied(code, f"{_host(url)}: {said}", command("mailgate server login {NAME}", self.server.name))


def is_answer(request: Request, found: str) -> bool:
    """Whether a `state` is that of the request: nobody else knows it."""
    return hmac.compare_digest(request.state.encode(), found.encode("utf-8", "replace"))


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _is_token(text: str) -> bool:
    """Whether it has nothing that would end it early in what is sent to a mail server."""
    return text.isascii() and text.isprintable()


def _opens(address: object) -> bool:
    return isinstance(address, str) and len(address) < 2_000 and provider.is_safe(address)


def _seconds(value: object) -> float | None:
    """A life that was told, in seconds; 0 is how Keycloak says that there is no end."""
    try:
        found = float(value) if isinstance(value, int | float | str) else 0.0
    except (ValueError, OverflowError):
        return None
    return min(found, _EVER) if found > 0 else None
