"""An OAuth2 server on loopback: device codes, redirects with PKCE, refresh tokens that are good once.

Who shows a spent refresh token loses the whole login, as with the providers that look for stolen ones.
"""

import base64
import hashlib
import http.server
import json
import threading
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

CLIENT = "client-4711"


class Issuer:
    """The server. What it does next is set in its fields; `asked` is what it was asked at the token endpoint."""

    def __init__(self, user: str, valid: dict[str, str]) -> None:
        """`valid`: access token -> user, which the mail server looks into."""
        self.user, self.valid = user, valid
        self.client_secret: str | None = None
        self.metadata: dict[str, Any] = {}  # in place of what is true
        self.place = "/.well-known/openid-configuration"
        self.device_error = ""
        self.polls: list[str] = []  # what is said of a device code before it was entered
        self.refuses: tuple[str, str] | None = None  # what the token endpoint says: error, description
        self.says: tuple[int, str, bytes] | None = None  # status, type, body of every answer to a form
        self.access_life: object = 3600
        self.told: dict[str, object] = {}  # more in an answer with tokens
        self.gives_refresh = self.rotates = True
        self.slow = 0.0
        self.asked: list[dict[str, str]] = []
        self.secrets: set[str] = set()
        self._count = 0
        self._codes: dict[str, dict[str, str]] = {}
        self._families: dict[str, int] = {}  # refresh token -> its login
        self._spent: set[str] = set()
        self._lock = threading.Lock()
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == issuer.place:
                    self.answer(200, "application/json", json.dumps(issuer.described()).encode())
                elif parts.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", issuer.authorized(dict(parse_qsl(parts.query))))
                    self.end_headers()
                else:
                    self.answer(404, "text/html", b"<html>no such page</html>")

            def do_POST(self) -> None:
                form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                if issuer.says:
                    self.answer(*issuer.says)
                    return
                with issuer._lock:
                    found = issuer.device(form) if self.path == "/device" else issuer.token(form)
                time.sleep(issuer.slow)
                self.answer(400 if "error" in found else 200, "application/json", json.dumps(found).encode())

            def answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if 300 <= status < 400:
                    self.send_header("Location", f"{issuer.url}/token")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *values: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def refreshes(self) -> int:
        """How often somebody came with a refresh token."""
        return sum(each["grant_type"] == "refresh_token" for each in self.asked)

    def options(self) -> list[str]:
        """How a server is added that has its login here."""
        return ["--login", self.url, "--client-id", CLIENT, "--scope", "mail offline_access"]

    def described(self) -> dict[str, Any]:
        """RFC 8414."""
        names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token"}
        names["device_authorization_endpoint"] = "/device"
        return {"issuer": self.url, **{name: self.url + path for name, path in names.items()}, **self.metadata}

    def authorized(self, asked: dict[str, str]) -> str:
        """Where the browser of somebody who agrees is sent."""
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert asked["scope"] == "mail offline_access"
        said = {"state": asked["state"]}
        if self.refuses:
            said |= {"error": self.refuses[0], "error_description": self.refuses[1]}
        else:
            said["code"] = self._new("code")
            self._codes[said["code"]] = asked
        return f"{asked['redirect_uri']}/?{urlencode(said)}"

    def device(self, form: dict[str, str]) -> dict[str, object]:
        """RFC 8628 section 3.2."""
        if self.device_error:
            return {"error": self.device_error, "error_description": "not for mail"}
        assert form["scope"] == "mail offline_access"
        code = self._new("device")
        self._codes[code] = {"client_id": form["client_id"]}
        where = {"verification_uri": f"{self.url}/enter", "user_code": "ABCD-EFGH"}
        return {"device_code": code, **where, "expires_in": 600, "interval": 1}

    def token(self, form: dict[str, str]) -> dict[str, object]:
        """RFC 6749 section 5."""
        self.asked.append(form)
        if self.refuses:
            return {"error": self.refuses[0], "error_description": self.refuses[1]}
        if form.get("client_id") != CLIENT or form.get("client_secret") != self.client_secret:
            return {"error": "invalid_client", "error_description": f"not {form.get('client_secret')}"}
        if form["grant_type"] == "refresh_token":
            return self._refreshed(form["refresh_token"])
        if form["grant_type"].endswith("device_code"):
            if self.polls:
                return {"error": self.polls.pop(0)}
            self._codes.pop(form["device_code"])
        else:
            asked = self._codes.pop(form["code"])
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            assert asked["redirect_uri"] == form["redirect_uri"]
            self.secrets.add(form["code_verifier"])
        self._count += 1
        return self._given(self._count)

    def _refreshed(self, token: str) -> dict[str, object]:
        family = self._families.get(token)
        if token in self._spent:
            self.revoke()
        if family is None or token not in self._families:
            return {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        if self.rotates:
            self._spent.add(token)
        return self._given(family, again=not self.rotates)

    def _given(self, family: int, *, again: bool = False) -> dict[str, object]:
        access = self._new("access")
        self.valid[access] = self.user
        said: dict[str, object] = {"access_token": access, "token_type": "Bearer", "expires_in": self.access_life}
        if self.gives_refresh and not again:
            refresh = self._new("refresh")
            self._families[refresh] = family
            said["refresh_token"] = refresh
        return {**said, **self.told}

    def _new(self, kind: str) -> str:
        self._count += 1
        found = f"{kind}-{self._count}-{hashlib.sha256(f'{self.url}{self._count}'.encode()).hexdigest()[:24]}"
        self.secrets.add(found)
        return found

    def expire(self) -> None:
        """Every access token is over."""
        for each in [token for token, user in self.valid.items() if user == self.user]:
            del self.valid[each]

    def revoke(self) -> None:
        """Everything that was given is over."""
        self.expire()
        self._families.clear()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
