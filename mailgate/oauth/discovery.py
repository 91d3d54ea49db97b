"""Find the endpoints of a provider in its metadata (OpenID Connect Discovery section 4, RFC 8414 section 3)."""

from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from mailgate.oauth import endpoint
from mailgate.values import charset, provider
from mailgate.values.problem import Problem, command
from mailgate.values.provider import Provider
from mailgate.values.server import Server


class Endpoints(NamedTuple):
    """The URLs of a provider; `""` for one that it does not have."""

    authorization: str
    token: str
    device: str


def discover(server: Server, issuer: Provider) -> Endpoints:
    """The endpoints at which a login for a server is made. Raises Problem."""
    metadata = _metadata(issuer.issuer, server.ca)
    named = charset.printable(str(metadata.get("issuer")))[:200]
    if issuer.exact and named.rstrip("/") != issuer.issuer.rstrip("/"):
        raise Problem(
            f"{issuer.issuer} says that it is {named} (RFC 8414 section 3.3)",
            command("mailgate server set {NAME} --login {URL}", server.name, named),
        )
    names = ("authorization_endpoint", "token_endpoint", "device_authorization_endpoint")
    endpoints = Endpoints(*(str(metadata.get(name) or "") for name in names))
    for url in endpoints:
        if url and not (provider.is_safe(url) and _is_outward(issuer.issuer, url)):
            raise Problem(f"{issuer.issuer} would have secrets sent to `{charset.printable(url)[:200]}`")
    if not endpoints.token:
        raise Problem(f"{issuer.issuer} names no token endpoint")
    return endpoints


def _is_outward(issuer: str, url: str) -> bool:
    """Whether an issuer elsewhere sends us nowhere on this machine, where services trust who can reach them."""
    return provider.is_loopback(issuer) or not provider.is_loopback(url)


def _metadata(issuer: str, ca: str) -> dict[str, Any]:
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    status = 0
    for place in (f"{path}/.well-known/openid-configuration", f"/.well-known/oauth-authorization-server{path}"):
        status, fields = endpoint.ask(urlunsplit((parts.scheme, parts.netloc, place, "", "")), None, ca)
        if status == 200:
            return fields
    raise Problem(
        f"{issuer} is not an issuer: it has no metadata (status {status})", advice="--login URL, without /.well-known"
    )
