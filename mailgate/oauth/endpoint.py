"""Ask an OAuth2 provider over HTTPS, within limits of time and size; redirects are never followed."""

import contextlib
import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mailgate.process import deadline
from mailgate.values import charset, provider
from mailgate.values.problem import Problem

TIME = 20.0
"""Seconds for one request and its answer, even while the answer keeps coming."""
_LIMIT = 256 << 10
"""Octets of an answer."""


class Answer(NamedTuple):
    """An HTTP status and the fields of a JSON object."""

    status: int
    fields: dict[str, Any]


def ask(url: str, body: str | None, ca: str) -> Answer:
    """Get a URL, or post a form to it. `ca` names a file of authorities to trust besides the system's, or is `""`.

    Errors in JSON are answers too. Raises Problem, whose text never contains body or answer.
    """
    host = urlsplit(url).hostname or url
    if not provider.is_safe(url):
        raise Problem(f"`{charset.printable(url)[:200]}` is not an https URL: no secret is sent there")
    headers = {"Accept": "application/json", "User-Agent": "mailgate"}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    request = urllib.request.Request(url, None if body is None else body.encode(), headers)  # noqa: S310 - is_safe
    try:
        with deadline.limit(TIME):
            status, kind, octets = _exchange(request, ca)
    except (deadline.Overrun, TimeoutError) as error:
        raise Problem(f"{host} does not answer within {TIME:.0f} s", advice=_NETWORK) from error
    except ssl.SSLCertVerificationError as error:
        why = charset.printable(error.verify_message or str(error))
        raise Problem(
            f"{host}: the certificate is not trusted: {why}", advice="--ca FILE for one of your own"
        ) from error
    except socket.gaierror as error:
        raise Problem(f"{host}: no such host: {error.strerror}", advice=_NETWORK) from error
    except OSError as error:
        why = error.strerror or getattr(error, "reason", None) or "the connection broke"
        raise Problem(f"{host}: {charset.printable(str(why))}", advice=_NETWORK) from error
    except (http.client.HTTPException, ValueError) as error:
        raise Problem(f"{host} does not speak HTTP: {type(error).__name__}", advice=_NETWORK) from error
    if body is None and status != 200:
        return Answer(status, {})
    return Answer(status, _object(host, status, kind, octets))


_NETWORK = "is there a way out of this machine, through $https_proxy perhaps?"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would carry secrets elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _exchange(request: urllib.request.Request, ca: str) -> tuple[int, str, bytes]:
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if request.type == "https":
        context = ssl.create_default_context()
        if ca:
            context.load_verify_locations(ca)
        handlers.append(urllib.request.HTTPSHandler(context=context))
    if provider.is_loopback(request.full_url):
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    try:
        answer = opener.open(request, timeout=TIME)
    except urllib.error.HTTPError as error:
        answer = error
    except urllib.error.URLError as error:
        raise error.reason if isinstance(error.reason, OSError) else error from None
    with answer:
        return answer.status, answer.headers.get_content_type(), answer.read(_LIMIT + 1)


def _object(host: str, status: int, kind: str, octets: bytes) -> dict[str, Any]:
    fields: Any = None
    if len(octets) > _LIMIT:
        raise Problem(f"{host} answers more than {_LIMIT >> 10} KB (status {status})")
    with contextlib.suppress(ValueError, RecursionError):
        fields = json.loads(octets)
    if not isinstance(fields, dict):
        raise Problem(
            f"{host} answers with status {status} and {charset.printable(kind)[:80]}, not with a JSON object",
            advice="is it the provider's address, and is there no login page of a network in between?",
        )
    return fields
