"""What is made of a provider that is slow, broken, foreign or hostile, and what is known of the two large ones."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mailgate.oauth import authorize, endpoint
from mailgate.oauth.authorize import by_device
from mailgate.oauth.discovery import Endpoints, discover
from mailgate.oauth.grant import Client
from mailgate.oauth.tokens import Denied
from mailgate.store import logins
from mailgate.store.logins import Login
from mailgate.values import provider
from mailgate.values.problem import Problem
from mailgate.values.server import Secret, Server

from .issuer import CLIENT, Issuer

DAY = 86_400.0


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """A provider."""
    found = Issuer("info@box.example", {})
    yield found
    found.close()


def client(url: str) -> Client:
    """We, at that provider."""
    secret = Secret("login", url, CLIENT, scope="mail offline_access")
    return Client(Server("box", "imap", "imap.example.com", 993, "info@box.example", secret))


def endpoints(url: str) -> Endpoints:
    """The endpoints of a provider."""
    we = client(url)
    return discover(we.server, we.provider)


def fails(issuer: Issuer) -> Problem:
    """The problem that a refresh ends with."""
    with pytest.raises(Problem) as caught:
        client(issuer.url).refresh(f"{issuer.url}/token", "refresh-secret")
    assert "refresh-secret" not in str(caught.value) + "".join(caught.value.hints)
    assert str(caught.value).isprintable()
    return caught.value


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ((200, "text/html", b"<html>Log in to our wireless network</html>"), "status 200 and text/html"),
        ((502, "text/html", b"<html>\x1b[31mBad gateway</html>"), "status 502 and text/html"),
        ((200, "application/json", b'["access_token"]'), "not with a JSON object"),
        ((200, "application/json", b"[" * 100_000), "not with a JSON object"),
        ((200, "application/json", b'{"access_token": "' + b"x" * 300_000 + b'"}'), "more than 256 KB"),
        ((200, "application/json", b"{}"), "without a token"),
        ((200, "application/json", b'{"access_token": ["a"]}'), "an invalid token"),
        ((200, "application/json", b'{"access_token": "a", "scope": {"b": 1}}'), "without a token"),
        ((200, "application/json", b'{"access_token": "a\\u0001b"}'), "an invalid token"),
        ((200, "application/json", b'{"access_token": "a", "expires_in": "soon"}'), "without a token"),
        ((200, "application/json", b'{"access_token": "a", "token_type": "DPoP"}'), "of type DPoP"),
        ((500, "application/json", b'{"message": "refresh-secret"}'), "status 500"),
        ((307, "application/json", b""), "status 307"),
        ((400, "application/json", b'{"error": {"code": 1}, "error_description": [2]}'), "{'code': 1}: [2]"),
    ],
)
def test_an_answer_without_a_usable_token_is_an_error(issuer: Issuer, says: tuple[int, str, bytes], told: str) -> None:
    issuer.says = says
    assert told in str(fails(issuer))
    assert issuer.asked == [], "a redirect is not followed"


def test_an_error_is_decoded_and_clean(issuer: Issuer) -> None:
    issuer.refuses = ("invalid_grant", "Token\n \x1b[31mrefresh-secret was \u202erevoked.")
    problem = fails(issuer)
    assert isinstance(problem, Denied)
    assert problem.code == "invalid_grant"
    assert str(problem) == "127.0.0.1: invalid_grant: Token \ufffd[31m*** was <U+202E>revoked."
    assert problem.hints == ("mailgate server login box",)


def test_a_server_that_is_silent_or_too_slow_is_given_up(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "TIME", 0.4)
    issuer.slow = 3.0
    assert "does not answer within" in str(fails(issuer))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def trickle() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                for _ in range(100):
                    try:
                        connection.sendall(b"X: y\r\n")
                    except OSError:
                        return
                    threading.Event().wait(0.02)

        thread = threading.Thread(target=trickle)
        thread.start()
        with pytest.raises(Problem, match="does not answer within"):
            client(issuer.url).refresh(f"http://127.0.0.1:{listening.getsockname()[1]}/", "refresh-secret")
        thread.join()


def test_an_unreachable_server_is_an_error_with_its_name(issuer: Issuer) -> None:
    issuer.close()
    assert "127.0.0.1: Connection refused" in str(fails(issuer))


@pytest.mark.parametrize(
    "url",
    ["http://login.example.com/token", "https://a@login.example.com/", "ftp://127.0.0.1/", "https:///x", "file:///x",
     "http://127.0.0.1.example.com/", "http://localhost:0/", "https://x/\x1b", "https://x:99999/"],
)  # fmt: skip
def test_a_secret_is_sent_over_https_only(issuer: Issuer, url: str) -> None:
    assert not provider.is_safe(url)
    with pytest.raises(Problem, match="no secret is sent there"):
        endpoint.ask(url, "refresh_token=x", "")
    issuer.metadata["token_endpoint"] = url
    with pytest.raises(Problem, match="would have secrets sent"):
        endpoints(issuer.url)


def test_a_remote_issuer_sends_no_secret_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A blind POST to any service on loopback, in the name of the issuer."""
    remote = provider.Provider("https://login.example.com", "mail")
    fields = {"issuer": remote.issuer, "token_endpoint": "http://127.0.0.1:8080/admin"}
    monkeypatch.setattr(endpoint, "ask", lambda url, body, ca: endpoint.Answer(200, fields))
    with pytest.raises(Problem, match="would have secrets sent"):
        discover(client(remote.issuer).server, remote)
    fields["token_endpoint"] = "https://login.example.com/token"
    assert discover(client(remote.issuer).server, remote).token == fields["token_endpoint"]


def test_metadata_is_read_from_both_places_and_must_name_the_issuer(issuer: Issuer) -> None:
    assert endpoints(issuer.url).device == f"{issuer.url}/device"
    issuer.place = "/.well-known/oauth-authorization-server/realm"
    issuer.metadata["issuer"] = f"{issuer.url}/realm"
    assert endpoints(f"{issuer.url}/realm").token == f"{issuer.url}/token"
    issuer.metadata["issuer"] = "https://evil.example"
    with pytest.raises(Problem, match=r"says that it is https://evil\.example"):
        endpoints(f"{issuer.url}/realm")
    with pytest.raises(Problem, match=r"has no metadata \(status 404\)"):
        endpoints(issuer.url)


class Time:
    """A clock that runs only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Pass time."""
        self.slept.append(seconds)
        self.now += seconds


def entered(issuer: Issuer, time: Time) -> Any:
    """What came of a device code."""
    we = client(issuer.url)
    device = we.device(f"{issuer.url}/device")
    return by_device(we, f"{issuer.url}/token", device, time.sleep, lambda: time.now)


def test_polling_waits_as_long_as_the_server_asks(issuer: Issuer) -> None:
    issuer.polls = ["authorization_pending", "slow_down", "authorization_pending", "slow_down"]
    time = Time()
    assert entered(issuer, time).access in issuer.secrets
    assert time.slept == [1, 1, 6, 6, 11]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("access_denied", "127.0.0.1: access_denied"),
        ("authorization_declined", "127.0.0.1: authorization_declined"),
        ("expired_token", "the code was not entered in time"),
    ],
)
def test_polling_ends_when_the_server_refuses(issuer: Issuer, said: str, told: str) -> None:
    issuer.polls = ["authorization_pending", said]
    with pytest.raises(Problem, match=told):
        entered(issuer, Time())
    assert len(issuer.asked) == 2


def test_a_device_code_that_is_not_entered_expires(issuer: Issuer) -> None:
    issuer.polls = ["authorization_pending"] * 100
    time = Time()
    we = client(issuer.url)
    device = we.device(f"{issuer.url}/device")._replace(interval=9.0)
    with pytest.raises(Problem, match="in time"):
        by_device(we, f"{issuer.url}/token", device, time.sleep, lambda: time.now)
    assert 590 < time.now <= 600, "as long as the code is good"
    assert authorize.PATIENCE > 600


def test_polling_survives_a_short_outage_but_not_a_long_one(issuer: Issuer) -> None:
    time = Time()
    we = client(issuer.url)
    device = we.device(f"{issuer.url}/device")
    issuer.says = (503, "text/html", b"")

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        if len(time.slept) == 3:
            issuer.says = None

    assert by_device(we, f"{issuer.url}/token", device, sleep, lambda: time.now).access
    assert time.slept == [1, 2, 4]
    issuer.says = (503, "text/html", b"")
    with pytest.raises(Problem, match="status 503"):
        by_device(we, f"{issuer.url}/token", device, time.sleep, lambda: time.now)


def test_a_verification_page_must_be_a_web_page(issuer: Issuer) -> None:
    issuer.says = (200, "application/json", b'{"device_code": "a", "user_code": "b", "verification_uri": "run:this"}')
    with pytest.raises(Problem, match="no code to enter"):
        client(issuer.url).device(f"{issuer.url}/device")


# What is known


def test_google_gets_its_endpoints_and_scope() -> None:
    found = provider.resolve("google", "imap")
    assert (found.issuer, found.scope) == ("https://accounts.google.com", "https://mail.google.com/")
    assert not found.device, "its device flow knows no right to read mail"
    secret = Secret("login", "google", CLIENT)
    we = Client(Server("box", "imap", "imap.gmail.com", 993, "info@example.com", secret))
    asked = we.request("https://accounts.google.com/o/oauth2/v2/auth", 8765).address
    for each in ("access_type=offline", "prompt=consent", "redirect_uri=http%3A%2F%2F127.0.0.1%3A8765", "S256"):
        assert each in asked
    assert "login_hint=info%40example.com" in asked


def test_microsoft_gets_its_endpoints_and_scope() -> None:
    found = provider.resolve("microsoft", "imap")
    assert found.issuer == "https://login.microsoftonline.com/common/v2.0"
    assert found.scope == "https://outlook.office.com/IMAP.AccessAsUser.All offline_access"
    assert provider.resolve("microsoft", "pop").scope.startswith("https://outlook.office.com/POP.AccessAsUser.All ")
    assert (found.device, found.exact, found.loopback) == (True, False, "localhost")
    tenant = provider.resolve("https://login.microsoftonline.com/example.com/v2.0", "imap")
    assert tenant == found._replace(issuer="https://login.microsoftonline.com/example.com/v2.0")


def test_another_provider_needs_its_url_and_scope() -> None:
    assert provider.resolve("https://login.example.com/realms/a", "imap", "mail").exact
    with pytest.raises(Problem, match="unknown scope for mail"):
        provider.resolve("https://login.example.com/realms/a", "imap")
    with pytest.raises(Problem, match="`gogle` is not a provider"):
        provider.resolve("gogle", "imap", "mail")


# How long it lasts


def login(**more: Any) -> Login:
    """A login that began at 0."""
    return Login("https://x/token", "a", 3600, "r", None, 0, 0, 0)._replace(**more)


@pytest.mark.parametrize(
    ("found", "quiet", "warned"),
    [
        (login(ends_at=90 * DAY), 82.9 * DAY, 83.1 * DAY),
        (login(ends_at=7 * DAY), 6.2 * DAY, 6.4 * DAY),
        (login(begun_at=100 * DAY, ends_at=101 * DAY), 100.8 * DAY, 100.95 * DAY),
        (login(), 74.9 * DAY, 75.1 * DAY),
        (login(refresh=""), 3000, 3400),
    ],
    ids=["seven-days-before", "the-last-tenth", "a-life-that-moves", "long-unused", "without-refresh"],
)
def test_a_login_that_will_expire_is_announced(found: Login, quiet: float, warned: float) -> None:
    assert logins.warning(found, quiet) == ""
    assert logins.warning(found, warned) != ""
    assert logins.warning(found._replace(error="revoked"), warned) == "", "that is more than a warning"


def test_a_refresh_keeps_what_the_answer_does_not_change() -> None:
    old = login(ends_at=90 * DAY)
    assert logins.renewed(old, "b", 7200, "", None, DAY) == old._replace(access="b", expires_at=7200, refreshed_at=DAY)
    same = logins.renewed(old, "b", 7200, "", 90 * DAY + 1, DAY)
    assert same.begun_at == 0, "Google tells the seconds that are left"
    moved = logins.renewed(old, "b", 7200, "s", 91 * DAY, DAY)
    assert (moved.refresh, moved.ends_at, moved.begun_at) == ("s", 91 * DAY, DAY)
    assert logins.renewed(old, "b", 7200, "s", None, DAY).ends_at is None, "another token, of which nobody told an end"


def test_a_login_shows_no_secret() -> None:
    assert "r" not in repr(login(refresh="rrr")).replace("Login(...)", "")
