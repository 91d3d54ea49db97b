"""A process that stays: how it starts, what it tells its manager, how it ends, and what a locked store does to it."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import MESSAGE, Served, clean, wait_for

WIRE = MESSAGE.replace(b"\n", b"\r\n")


def say(connection: socket.socket, line: str) -> str:
    connection.sendall(line.encode() + b"\r\n")
    return connection.recv(1000).decode()


def send(connection: socket.socket, number: int, *recipients: str) -> list[str]:
    """A message over LMTP; the replies to its octets."""
    say(connection, f"MAIL FROM:<bob{number}@client.org>")
    for each in recipients:
        assert say(connection, f"RCPT TO:<{each}>").startswith("250 ")
    say(connection, "DATA")
    connection.sendall(WIRE.replace(b"<fire", b"<fire%d" % number).replace(b"bob", b"bob%d" % number) + b".\r\n")
    replies = ""
    while replies.count("\n") < len(recipients):
        replies += connection.recv(1000).decode()
    return replies.splitlines()


def test_lmtp_and_the_pipe_are_served_by_one_process(served: Served) -> None:
    with served.lmtp() as connection:
        say(connection, "LHLO x")
        assert [each[:3] for each in send(connection, 1, "support@example.com", "support+x@example.com")] == ["250"] * 2
    assert served.deliver("support@example.com") == (0, "", "")
    assert served.count("record") == 2
    assert served.stop() == (0, b"")
    assert not list(served.folder.glob("*.sock")), "the sockets are gone with it"


def test_commands_that_came_together_are_answered_in_their_order(served: Served) -> None:
    """A client that pipelines is a mail server: its recipients are looked up together."""
    with served.lmtp() as connection:
        names = [
            "support@example.com",
            "nobody@example.com",
            "closed@example.com",
            "bad",
            "ann@else.org",
            "support@example.com",
        ]
        lines = ["LHLO x", "MAIL FROM:<bob@client.org>", *(f"RCPT TO:<{each}>" for each in names), "RSET", "QUIT"]
        connection.sendall("".join(f"{line}\r\n" for line in lines).encode())
        replies = b""
        while chunk := connection.recv(4096):
            replies += chunk
    codes = [line[:3] for line in replies.decode().splitlines() if line[3] == " "]
    assert codes == ["250", "250", "250", "550", "250", "550", "250", "250", "250", "221"]


def test_a_locked_store_costs_each_client_no_more_than_its_own_limit(served: Served) -> None:
    """They waited one after the other, a minute and a half in all, and nobody was greeted."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.lmtp()) for _ in range(5)]
        for connection in clients:
            say(connection, "LHLO x")
            say(connection, "MAIL FROM:<bob@client.org>")
            assert say(connection, "RCPT TO:<support@example.com>").startswith("250 ")
            say(connection, "DATA")
        with served.store.write():
            begun = time.monotonic()
            for number, connection in enumerate(clients):
                connection.sendall(WIRE.replace(b"<fire", b"<%dfire" % number) + b".\r\n")
            time.sleep(0.5)
            stack.enter_context(served.lmtp())
            assert time.monotonic() - begun < 5, "a new client is greeted at once"
            replies = [connection.recv(1000).decode()[:9] for connection in clients]
        assert (replies, time.monotonic() - begun < 60) == (["451 4.3.0"] * 5, True)
        assert send(clients[0], 1, "support@example.com")[0].startswith("250 ")


def test_a_stop_sends_idle_clients_away_and_finishes_what_was_begun(served: Served) -> None:
    with served.lmtp() as idle, served.lmtp() as busy:
        say(idle, "LHLO x")
        say(busy, "LHLO x")
        say(busy, "MAIL FROM:<bob@client.org>")
        assert served.process
        served.process.terminate()
        assert idle.recv(100).startswith(b"421 4.3.2 ")
        assert say(busy, "RCPT TO:<support@example.com>").startswith("250 ")
        say(busy, "DATA")
        assert say(busy, WIRE.decode() + ".").startswith("250 2.0.0")
        assert busy.recv(100).startswith(b"421 4.3.2 ")
        with socket.socket(socket.AF_UNIX) as late, pytest.raises((ConnectionRefusedError, FileNotFoundError)):
            late.connect(str(served.folder / "lmtp.sock"))
    assert served.process.wait(30) == 0
    assert served.count("record") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_without_a_word(served: Served, number: signal.Signals) -> None:
    assert served.stop(number) == (0, b"")


class Manager:
    """What a service manager hears."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.heard: list[dict[str, str]] = []
        self.environ = {"NOTIFY_SOCKET": str(path)}

    def hears(self, name: str, seconds: float = 30.0) -> dict[str, str]:
        """The next news of this name."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and select.select([self.socket], [], [], end - time.monotonic())[0]:
            lines = self.socket.recv(4096).decode().splitlines()
            told = dict(line.split("=", 1) for line in lines)
            if name in told:
                return told
        pytest.fail(f"no {name}")


def test_the_manager_is_told_what_it_asks_for(idle: Served) -> None:
    manager = Manager(idle.folder / "notify")
    with contextlib.closing(manager.socket):
        idle.start(environ={**manager.environ, "WATCHDOG_USEC": "400000"})
        assert manager.hears("READY")["READY"] == "1"
        manager.hears("WATCHDOG")
        assert idle.deliver("support@example.com") == (0, "", "")
        wait_for(lambda: manager.hears("WATCHDOG")["STATUS"].startswith("1 received, 0 deferred"))
        idle.config.write_text(idle.config.read_text() + "[limits]\nmax_size = 10\n")
        assert idle.process
        idle.process.send_signal(signal.SIGHUP)
        assert manager.hears("RELOADING")["MONOTONIC_USEC"].isdecimal()
        manager.hears("READY")
        assert idle.deliver("support@example.com").exit == 65, "the new limit holds"
        idle.config.write_text("[store\n")
        idle.process.send_signal(signal.SIGHUP)
        manager.hears("READY")
        assert idle.deliver("support@example.com").exit == 65, "what cannot be read changes nothing"
        assert idle.stop() == (0, b"")
        assert manager.hears("STOPPING")["STOPPING"] == "1"


def test_sockets_of_the_manager_are_taken_and_left(idle: Served) -> None:
    """Clients can connect while nobody serves: the kernel keeps them waiting."""
    with contextlib.ExitStack() as stack:
        listening = []
        for name, kind in (("lmtp", socket.SOCK_STREAM), ("deliver", socket.SOCK_SEQPACKET)):
            each = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
            each.bind(str(idle.folder / f"{name}.sock"))
            each.listen()
            listening.append(each)
        early = subprocess.Popen(idle.client("support@example.com"), stdin=subprocess.PIPE, env=clean())
        script = (
            "import os, sys; [os.dup2(int(fd), 3 + at) for at, fd in enumerate(sys.argv[1:3])];"
            "[os.set_inheritable(3 + at, True) for at in range(2)];"
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2', LISTEN_FDNAMES='lmtp:deliver');"
            "os.execv(sys.executable, [sys.executable, '-I', '-m', 'mailgate', *sys.argv[3:]])"
        )
        numbers = [str(os.dup(each.fileno()) + 0) for each in listening]
        for number in numbers:
            stack.callback(os.close, int(number))
        command = [sys.executable, "-I", "-c", script, *numbers, "-C", str(idle.config), "serve"]
        idle.process = subprocess.Popen(
            command, env=clean(), stderr=subprocess.PIPE, pass_fds=[int(number) for number in numbers]
        )
        early.communicate(MESSAGE, timeout=60)
        assert early.returncode == 0
        with idle.lmtp() as connection:
            say(connection, "LHLO x")
            assert send(connection, 1, "support@example.com")[0].startswith("250 ")
        assert idle.stop() == (0, b"")
        assert (idle.folder / "lmtp.sock").exists(), "they are not its own"
    assert idle.count("record") == 2


def test_queued_mail_is_sent_at_once(idle: Served) -> None:
    sendmail = idle.folder / "sendmail"
    sendmail.write_text(f"#!/bin/sh\ncat >> {idle.folder}/sent\n")
    sendmail.chmod(0o755)
    text = idle.config.read_text().replace('method = "none"', f'method = "sendmail"\nsendmail = "{sendmail}"')
    idle.config.write_text(text)
    idle.start()
    wait_for(lambda: not children(idle))
    assert idle.deliver(
        "-f", "bob@client.org", "closed@example.com", message=MESSAGE.replace(b"support", b"closed")
    ) == (
        0,
        "",
        "",
    )
    wait_for((idle.folder / "sent").exists)
    wait_for(lambda: not children(idle))
    assert idle.stop() == (0, b"")


def children(served: Served) -> list[str]:
    assert served.process
    number = served.process.pid
    return Path(f"/proc/{number}/task/{number}/children").read_text().split()


@pytest.mark.parametrize(
    ("configuration", "arguments", "exit", "text"),
    [
        ("", (), 1, "[serve]"),
        ('[serve]\nlmtp = "nowhere"\n', (), 1, "is not a valid listen address"),
        ('[serve]\nlmtp = "0.0.0.0:0"\n', (), 1, "open to other machines"),
        (
            '[serve]\nlmtp = "127.0.0.1:0"\ngroup = "nobodys-group"\n',
            ("--only", "lmtp,mail"),
            2,
            "`mail` is not a part",
        ),
        ('[serve]\ndeliver = "/nowhere/at/all"\n', ("--only", "deliver"), 1, "cannot listen on"),
        ("[serve]\nlmtp = 3\n", (), 75, "serve.lmtp must be a text"),
    ],
)
def test_what_cannot_be_served_is_said(
    idle: Served, configuration: str, arguments: tuple[str, ...], exit: int, text: str
) -> None:
    begun = idle.config.read_text().partition("[serve]")[0]
    idle.config.write_text(begun + configuration)
    command = [sys.executable, "-I", "-m", "mailgate", "-C", str(idle.config), "serve", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=clean())
    assert (done.returncode, text in done.stderr) == (exit, True), done.stderr


def test_without_a_store_it_does_not_start(idle: Served) -> None:
    (idle.folder / "mailgate.db").unlink()
    command = [sys.executable, "-I", "-m", "mailgate", "-C", str(idle.config), "serve"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=clean())
    assert done.returncode == 75
    assert not (idle.folder / "mailgate.db").exists()
