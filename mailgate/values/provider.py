"""Who gives access to a mailbox by OAuth2: what is known of Google and Microsoft, and what is not of all others."""

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
    """An issuer (RFC 8414), and how to ask it.

    device: whether a code on another device is asked for first; `more`: what the authorization request also says.
    exact: whether its metadata names just this issuer; `here`: the name of this machine in a redirect to it.
    idle: days without use after which a login ends, where it does not say when, None: nobody knows.
    """

    issuer: str
    scope: str
    device: bool = True
    more: Mapping[str, str] = {}
    exact: bool = True
    here: str = "127.0.0.1"
    idle: int | None = None


def known(name: str, speaks: str, scope: str = "") -> Provider:
    """What stands behind `--login NAME`: google, microsoft or an issuer's URL; `speaks`: imap or pop. Raises Problem.

    Google's device flow gives no access to mail, and only with `prompt` it gives a refresh token once more. Microsoft's
    metadata names a tenant by its number, and it knows this machine as localhost alone.
    """
    issuer = {"google": "https://accounts.google.com", "microsoft": f"https://{_MICROSOFT}/common/v2.0"}.get(name, name)
    if not is_safe(issuer):
        raise Problem(f"`{name}` is no provider", "--login google, microsoft, or the https URL of an issuer")
    host = urlsplit(issuer).hostname
    if host == "accounts.google.com":
        more = {"access_type": "offline", "prompt": "consent"}
        return Provider(issuer, scope or "https://mail.google.com/", device=False, more=more, idle=180)
    if host == _MICROSOFT:
        return Provider(issuer, scope or _SCOPES[speaks], exact=False, here="localhost", idle=90)
    if not scope:
        raise Problem(
            f"nobody knows what {host} calls access to mail",
            "--scope TEXT, often with offline_access in it, so that the login lasts",
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
    here = parts.scheme == "http" and host in _LOOPBACK
    return clean and host != "" and port != 0 and (parts.scheme == "https" or here) and not parts.fragment


def is_here(url: str) -> bool:
    """Whether a URL leads to this machine."""
    return urlsplit(url).hostname in _LOOPBACK
