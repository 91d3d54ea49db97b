"""Wait while a person grants us access: with a code on any device, or in a browser that comes back to us."""

import contextlib
import http.server
import queue
import socketserver
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mailgate.oauth import grant
from mailgate.oauth.grant import AuthorizationRequest, Client, DeviceCode
from mailgate.oauth.tokens import Denied, Tokens
from mailgate.values.problem import Problem, command

PATIENCE = 900.0
"""Seconds that a person may take."""
_SLOWER = 5.0
"""Seconds that the provider's `slow_down` adds to the interval (RFC 8628 section 3.5)."""
_FAILURES = 3
"""Polls in a row without an answer after which polling ends."""
_PAGE = """\
<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>mailgate</title>
<body style="font-family: sans-serif; margin: 3em"><p>{text}</p></body></html>
"""


def by_device(
    client: Client,
    url: str,
    code: DeviceCode,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Tokens:
    """Poll the token endpoint until the code was entered. Raises Problem, Denied."""
    end, interval, failures = clock() + min(code.seconds, PATIENCE), code.interval, 0
    late = Problem("the code was not entered in time", command("mailgate server login {NAME}", client.server.name))
    while clock() + interval < end:
        sleep(interval)
        try:
            return client.poll(url, code.device_code)
        except Denied as denied:
            failures = 0
            if denied.code == "expired_token":
                raise late from denied
            if denied.code == "slow_down":
                interval += _SLOWER
            elif denied.code != "authorization_pending":
                raise
        except Problem:
            failures += 1
            if failures == _FAILURES:
                raise
            interval *= 2
    raise late


class _HttpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


class Listener:
    """A port of this machine to which a browser comes back. It listens as long as the block runs."""

    def __init__(self, port: int) -> None:
        """Raises Problem when the port cannot be bound."""
        self._request: AuthorizationRequest | None = None
        self._queries: queue.SimpleQueue[str] = queue.SimpleQueue()
        try:
            self._server = _HttpServer(("127.0.0.1", port), _handler(self._page, self._queries.put))
        except OSError as error:
            raise Problem(
                f"cannot listen at 127.0.0.1:{port}: {error.strerror}", advice="--port N, another one"
            ) from error
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> "Listener":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def expect(self, request: AuthorizationRequest) -> None:
        """Accept the answer to this request, before its address is shown."""
        self._request = request

    def answer(
        self, request: AuthorizationRequest, typed: Callable[[], str | None], complain: Callable[[str], None]
    ) -> str:
        """The query with which the browser came back, or that of a typed address. Raises Problem.

        `typed` returns a line that was typed, None when there is none yet; `complain` says what is wrong with it.
        """
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(queue.Empty):
                return self._queries.get(timeout=0.2)
            line = typed()
            if line is None:
                continue
            with contextlib.suppress(ValueError):
                query = urlsplit(line.strip()).query
                if _answers(request, query):
                    return query
            complain(f"that is not where the browser ended: the address begins with {request.redirect}")
        raise Problem("the browser did not come back in time")

    def _page(self, query: str) -> str:
        """The page for a browser that comes with a query; `""` when this is not the answer to our request."""
        if self._request is None or not _answers(self._request, query):
            return ""
        if "error" in parse_qs(query):
            return "mailgate was not given access. The terminal says more; you may close this window."
        return "Thank you. mailgate continues in the terminal; you may close this window."


def _answers(request: AuthorizationRequest, query: str) -> bool:
    try:
        fields = parse_qs(query, max_num_fields=50)
    except ValueError:
        return False
    return grant.is_answer(request, *fields.get("state", [""])[:1]) and bool({"code", "error"} & fields.keys())


def _handler(page: Callable[[str], str], answered: Callable[[str], None]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 10
        server_version, sys_version = "mailgate", ""

        def do_GET(self) -> None:
            query = urlsplit(self.path).query
            text = page(query)
            body = _PAGE.format(text=text or "This is not the page that mailgate waits for.").encode()
            with contextlib.suppress(OSError):
                self._respond(200 if text else 404, body)
            if text:  # last: the process may end at once
                answered(query)

        def _respond(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: Any) -> None:
            """Log nothing: the request has the authorization code in it."""

    return Handler
