"""What a provider grants or refuses, checked: nothing of an answer is used that is not what its standard says."""

import json
import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mailgate.values import charset
from mailgate.values.problem import CommandLine, Problem

FINAL = ("invalid_grant", "interaction_required", "login_required", "consent_required", "access_denied")
"""Errors after which a refresh token is worthless: asking again cannot help."""
_DEFAULT_LIFE = 3_600.0
"""Seconds of an access token when the provider does not say."""
_LONGEST_LIFE = 3_650 * 86_400.0
"""Seconds that are believed at most."""


class Denied(Problem):
    """The provider refused. `code` is the error (RFC 6749 section 5.2), the text has its description too."""

    def __init__(self, code: str, text: str, *commands: CommandLine, advice: str = "") -> None:
        super().__init__(text, *commands, advice=advice)
        self.code = code


class Tokens(NamedTuple):
    """What was granted. `expires` and `ends`, of access and refresh token, are epoch seconds.

    refresh: `""` when there is none; ends: None when the provider does not say.
    """

    access: str
    expires: float
    refresh: str
    ends: float | None

    def __repr__(self) -> str:
        return "Tokens(...)"


def parse(url: str, fields: dict[str, Any]) -> Tokens:
    """The tokens in an answer of the token endpoint (RFC 6749 section 5.1). Raises Problem."""
    from oauthlib.oauth2 import OAuth2Error
    from oauthlib.oauth2.rfc6749.parameters import parse_token_response

    try:
        checked = parse_token_response(json.dumps(fields))
        access, refresh = checked["access_token"], checked.get("refresh_token") or ""
        kind = str(checked.get("token_type") or "Bearer")
    except (OAuth2Error, ValueError, TypeError, AttributeError, OverflowError):
        raise Problem(f"{host(url)} answers without a token (RFC 6749 section 5.1)") from None
    if not access or not all(isinstance(text, str) and _is_token(text) for text in (access, refresh)):
        raise Problem(f"{host(url)} answers with an invalid token (RFC 6749 appendix A.12)")
    if kind.lower() != "bearer":
        kind = charset.printable(kind)[:40]
        raise Problem(f"{host(url)} issues a token of type {kind}: mail servers take Bearer")
    now = time.time()
    lives = (seconds(checked.get(name)) for name in ("refresh_token_expires_in", "refresh_expires_in"))
    life = next((life for life in lives if life), None)
    expires = now + (seconds(checked.get("expires_in")) or _DEFAULT_LIFE)
    return Tokens(access, expires, refresh, None if life is None else now + life)


def seconds(value: object) -> float | None:
    """A duration in an answer; None when there is none. 0 is how Keycloak says that something does not expire."""
    try:
        duration = float(value) if isinstance(value, int | float | str) else 0.0
    except (ValueError, OverflowError):
        return None
    return min(duration, _LONGEST_LIFE) if duration > 0 else None


def host(url: str) -> str:
    """The host of a URL, for a message."""
    return urlsplit(url).hostname or url


def _is_token(text: str) -> bool:
    """Whether a mail server gets it whole: nothing in it ends a line or a field."""
    return text.isascii() and text.isprintable()
