"""Let a person give us access at a provider: by a code on any device, or by a browser that comes back to us."""

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
from mailgate.oauth.grant import Client, Denied, Device, Request, Tokens
from mailgate.values.problem import Problem, command

PATIENCE = 900.0
"""Seconds that a person may take."""
_SLOWER = 5.0
"""Seconds that the provider's `slow_down` adds to the interval (RFC 8628 section 3.5)."""
_BROKEN = 3
"""Questions in a row without an answer after which polling ends."""
_PAGE = """\
<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>mailgate</title>
<body style="font-family: sans-serif; margin: 3em"><p>{text}</p></body></html>
"""


def by_device(
    client: Client,
    url: str,
    device: Device,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Tokens:
    """Ask at the token endpoint until the code was entered. Raises Problem, Denied."""
    end, interval, broken = clock() + min(device.seconds, PATIENCE), device.interval, 0
    late = Problem("nobody entered the code in time", command("mailgate server login {NAME}", client.server.name))
    while clock() + interval < end:
        sleep(interval)
        try:
            return client.poll(url, device.device_code)
        except Denied as denied:
            broken = 0
            if denied.code == "expired_token":
                raise late from denied
            if denied.code == "slow_down":
                interval += _SLOWER
            elif denied.code != "authorization_pending":
                raise
        except Problem:
            broken += 1
            if broken == _BROKEN:
                raise
            interval *= 2
    raise late


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


class Listener:
    """A port of this machine that a browser comes back to; it listens as long as the block runs."""

    def __init__(self, port: int) -> None:
        """Raises Problem when the port cannot be had."""
        self._request: Request | None = None
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        try:
            self._server = _Server(("127.0.0.1", port), _handler(self._told, self._answers.put))
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

    def _told(self, query: str) -> str:
        """What a browser is told that came with such a query; others than the one we sent out are not heard."""
        if self._request is None or not _answers(self._request, query):
            return ""
        if "error" in parse_qs(query):
            return "You gave mailgate no access. The terminal says more; you may close this window."
        return "Thank you. mailgate goes on in the terminal; you may close this window."

    def expect(self, request: Request) -> None:
        """Hear the answer to this request, before anybody is shown it."""
        self._request = request

    def answer(self, request: Request, typed: Callable[[], str | None], complain: Callable[[str], None]) -> str:
        """The query that the browser came back with, or that of an address which was typed. Raises Problem."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(queue.Empty):
                return self._answers.get(timeout=0.2)
            line = typed()
            if line is None:
                continue
            with contextlib.suppress(ValueError):
                query = urlsplit(line.strip()).query
                if _answers(request, query):
                    return query
            complain(f"that is not where the browser ended: the address begins with {request.redirect}")
        raise Problem("no browser came back in time")


def _answers(request: Request, query: str) -> bool:
    try:
        found = parse_qs(query, max_num_fields=50)
    except ValueError:
        return False
    return grant.is_answer(request, *found.get("state", [""])[:1]) and bool({"code", "error"} & found.keys())


def _handler(told: Callable[[str], str], came: Callable[[str], None]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 10
        server_version, sys_version = "mailgate", ""

        def do_GET(self) -> None:
            query = urlsplit(self.path).query
            text = told(query)
            body = _PAGE.format(text=text or "This is not what mailgate waits for.").encode()
            with contextlib.suppress(OSError):
                self._answer(200 if text else 404, body)
            if text:  # only now: then the process may end at once
                came(query)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: Any) -> None:
            """The request has the code in it: nobody shall read it in a log."""

    return Handler
