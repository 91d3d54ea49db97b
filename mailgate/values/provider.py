"""Describe OAuth2 providers of mailboxes: Google and Microsoft in full, any other by its issuer and a scope."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from mailgate.values.problem import Problem

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MICROSOFT = "login.microsoftonline.com"
_SCOPES = {
    "imap": "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
    "pop": "https://outlook.office.com/POP.AccessAsUser.All offline_access",
}


class Provider(NamedTuple):
    """An authorization server (RFC 8414), and how it differs from the standard.

    `issuer`: its URL; `scope`: what to request. `device`: whether the device flow (RFC 8628) comes first. `parameters`:
    further parameters of the authorization request. `exact`: whether its metadata must name this very issuer.
    `loopback`: the host name that a redirect to this machine has. `idle`: days without use after which a login expires,
    None when unknown.
    """

    issuer: str
    scope: str
    device: bool = True
    parameters: Mapping[str, str] = {}
    exact: bool = True
    loopback: str = "127.0.0.1"
    idle: int | None = None


def resolve(name: str, protocol: str, scope: str = "") -> Provider:
    """The provider that `--login NAME` means: google, microsoft or the URL of an issuer. Raises Problem.

    `protocol` is imap or pop. Google's device flow grants no access to mail, and only `prompt=consent` makes it issue a
    second refresh token. Microsoft's metadata names a tenant by its number, and its redirects accept only localhost.
    """
    issuer = {"google": "https://accounts.google.com", "microsoft": f"https://{_MICROSOFT}/common/v2.0"}.get(name, name)
    if not is_safe(issuer):
        raise Problem(f"`{name}` is not a provider", advice="--login google, microsoft, or the https URL of an issuer")
    host = urlsplit(issuer).hostname
    if host == "accounts.google.com":
        parameters = {"access_type": "offline", "prompt": "consent"}
        return Provider(issuer, scope or "https://mail.google.com/", device=False, parameters=parameters, idle=180)
    if host == _MICROSOFT:
        return Provider(issuer, scope or _SCOPES[protocol], exact=False, loopback="localhost", idle=90)
    if not scope:
        raise Problem(
            f"unknown scope for mail at {host}",
            advice="--scope TEXT, often with offline_access in it, so that the login lasts",
        )
    return Provider(issuer, scope)


def is_safe(url: str) -> bool:
    """Whether secrets may be sent to a URL: https, or this machine."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    clean = url.isascii() and url.isprintable() and not set(url) & set(' "<>\\^`{|}') and "@" not in parts.netloc
    local = parts.scheme == "http" and host in _LOOPBACK
    return clean and host != "" and port != 0 and (parts.scheme == "https" or local) and not parts.fragment


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    return urlsplit(url).hostname in _LOOPBACK
