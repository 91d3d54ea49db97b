"""What monitors hear: whether mail can be taken, and what was done."""

import json
import socket
import time

import pytest

from mailgate.process import running
from mailgate.serve import monitor
from mailgate.serve.figures import Figures, State

from .conftest import Served, wait_for
from .test_server import say, send


@pytest.fixture
def watched(idle: Served) -> Served:
    text = idle.config.read_text()
    idle.config.write_text(f'{text}web = "unix:{idle.folder}/web.sock"\n')
    idle.start()
    wait_for((idle.folder / "web.sock").exists)
    return idle


def get(served: Served, path: str, method: str = "GET") -> tuple[int, str]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(str(served.folder / "web.sock"))
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        octets = b""
        while chunk := connection.recv(65536):
            octets += chunk
    head, _, body = octets.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


def test_a_monitor_hears_what_was_done(watched: Served) -> None:
    assert get(watched, "/livez") == (200, "alive\n")
    assert get(watched, "/readyz?verbose") == (200, "ready\n")
    with watched.lmtp() as connection:
        say(connection, "LHLO x")
        assert send(connection, 1, "support@example.com")[0].startswith("250 ")
    wait_for(lambda: json.loads(get(watched, "/status")[1])["received"] == 1)
    status = json.loads(get(watched, "/status")[1])
    assert (status["ready"], status["outcomes"], status["commits"]) == (True, {"create": 1}, 1)
    assert status["slowest"][0]["number"] == 1
    code, metrics = get(watched, "/metrics")
    assert code == 200
    assert 'mailgate_serve_messages_total{outcome="create"} 1\n' in metrics
    assert 'mailgate_serve_commit_messages_bucket{le="1"} 1\n' in metrics
    assert "mailgate_serve_seconds_count 1\n" in metrics
    assert get(watched, "/metrics", "HEAD")[1] == ""
    assert get(watched, "/nothing")[0] == 404
    assert get(watched, "/readyz", "POST")[0] == 405
    assert watched.stop() == (0, b"")


def test_a_locked_store_is_not_ready_until_mail_is_taken_again(watched: Served) -> None:
    with watched.store.write():
        wait_for(lambda: get(watched, "/readyz") == (503, "the store is locked\n"), 60)
        assert get(watched, "/livez")[0] == 200
    wait_for(lambda: get(watched, "/readyz")[0] == 200)


def test_a_head_that_never_ends_holds_nobody_up(watched: Served) -> None:
    with socket.socket(socket.AF_UNIX) as endless:
        endless.connect(str(watched.folder / "web.sock"))
        begun = time.monotonic()
        assert get(watched, "/livez")[0] == 200
        endless.settimeout(30)
        endless.sendall(b"GET /livez HTTP/1.1\r\n" + b"x: y\r\n" * 20000)
        assert endless.recv(100) == b""
        assert time.monotonic() - begun < 25


def test_a_main_thread_that_stands_still_is_said() -> None:
    assert monitor.answer("GET /livez HTTP/1.1", State(Figures(), 0, (), 5.0)).code == "200 OK"
    dead = monitor.answer("GET /livez HTTP/1.1", State(Figures(), 0, (), 61.0))
    assert (dead.code, dead.body) == ("503 Service Unavailable", "nothing was done for 61 s\n")


def test_what_sends_the_queue_can_be_seen(idle: Served) -> None:
    path = str(idle.folder / "mailgate.db")
    assert not running.is_seen(path)
    idle.start()
    wait_for(lambda: running.is_seen(path))
    idle.stop()
    assert not running.is_seen(path)
    idle.start("--only", "lmtp,deliver")
    assert not running.is_seen(path)
