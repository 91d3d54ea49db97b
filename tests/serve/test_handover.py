"""The pipe hands over to a process that stays: the same answers as without it, and mail waits when it dies."""

import array
import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mailgate.gateway.group import Result
from mailgate.inbound import client
from mailgate.inbound.handover import Handover
from mailgate.inbound.service import Memory
from mailgate.mail import envelope
from mailgate.mail.incoming import Incoming
from mailgate.mta import guard
from mailgate.mta.maps import Maps
from mailgate.mta.plan import Plan
from mailgate.settings.config import Config
from mailgate.store import directory

from .conftest import CLIENT, MESSAGE, Served, clean, run

LATER = "4.3.0 mailgate: the server gave no answer, try again\n"


def test_a_message_is_taken_by_the_server(served: Served) -> None:
    answer = served.deliver("-f", "bob@client.org", "support@example.com")
    assert answer == (0, "", "")
    assert served.count("record") == 1
    assert served.stop() == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (("-f", "bob@client.org", "nobody@example.com"), {}),
        (("-f", "bob@client.org", "a b"), {}),
        (("-f", "", "support@example.com"), {}),
        (("-f", "bob@client.org", "closed@example.com", "nobody@example.com"), {}),
        ((), {"SENDER": "bob@client.org", "RECIPIENT": "nobody@example.com"}),
        ((), {"LOCAL_PART": "nobody", "DOMAIN": "example.com", "RECIPIENT": "support@example.com"}),
        (("-f", "bob@client.org", "--fallback-model", "lead", "nobody@example.com"), {}),
        (("--fallback-model", "no model!", "support@example.com"), {}),
        (("--no-such-option",), {}),
        (("-f",), {}),
        (("--help",), {}),
        (("--", "support@example.com"), {}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else ",".join(value),
)
def test_every_answer_is_that_of_the_pipe_alone(
    idle: Served, arguments: tuple[str, ...], environ: dict[str, str]
) -> None:
    """`closed` refuses by reply, which is a success; the odd command lines are judged by the pipe itself."""
    expected = idle.alone(*arguments, environ=environ, message=MESSAGE.replace(b"<fire", b"<alone"))
    idle.start()
    assert idle.deliver(*arguments, environ=environ) == expected


@pytest.mark.parametrize("message", [b"", b"x", b"\0" * 100, MESSAGE * 2000], ids=["none", "one", "nul", "large"])
def test_every_message_gets_the_same_answer(idle: Served, message: bytes) -> None:
    expected = idle.alone("-f", "bob@client.org", "nobody@example.com", message=message)
    idle.start()
    assert idle.deliver("-f", "bob@client.org", "nobody@example.com", message=message) == expected


def test_a_message_beyond_the_largest_size_is_refused(idle: Served) -> None:
    idle.config.write_text(idle.config.read_text() + "[limits]\nmax_size = 1000\n")
    idle.start()
    answer = idle.deliver("support@example.com", message=MESSAGE + b"x" * 1000)
    assert (answer.exit, answer.out[:5]) == (65, "5.3.4")


def test_where_nobody_listens_the_pipe_does_the_work(idle: Served) -> None:
    assert idle.deliver("-f", "bob@client.org", "support@example.com") == (0, "", "")
    left = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    left.bind(str(idle.folder / "deliver.sock"))
    left.close()
    answer = idle.deliver("support@example.com", message=MESSAGE.replace(b"fire", b"water"))
    assert answer == (0, "", "")
    assert idle.count("record") == 2


def test_another_configuration_is_not_the_servers_matter(served: Served, tmp_path: Path) -> None:
    """It must not end in the store of this one."""
    other = Served(folder := tmp_path / "other") if not (tmp_path / "other").mkdir() else None
    assert other
    (folder / "deliver.sock").symlink_to(served.folder / "deliver.sock")
    assert other.deliver("support@example.com") == (0, "", "")
    assert (other.count("record"), served.count("record")) == (1, 0)
    other.store.close()


def test_the_names_in_the_environment_are_those_that_the_envelope_is_read_from() -> None:
    assert tuple(name.decode() for name in client._NAMES) == envelope.ENVIRONMENT


def test_the_client_imports_nothing_that_has_to_be_looked_for() -> None:
    command = [sys.executable, "-I", "-S", "-X", "importtime", str(CLIENT), "/nowhere", "--help"]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=60)
    before = done.stderr.split(b"mailgate")[0].decode()
    names = {line.rpartition("|")[2].strip() for line in before.splitlines() if line.startswith("import time:")}
    bare = subprocess.run([sys.executable, "-I", "-S", "-X", "importtime", "-c", "pass"], capture_output=True)
    known = {line.rpartition("|")[2].strip() for line in bare.stderr.decode().splitlines()}
    assert "_socket" in names
    assert "socket" not in names
    if known:
        assert len(names - known) < 70, "the pipe's own imports follow after exec, with those of a bare interpreter"


@contextlib.contextmanager
def rude(path: Path, answer: bytes | None) -> Iterator[None]:
    """A server that takes one message, reads some of it, and answers so or goes away."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(str(path))
    listening.listen()

    def serve() -> None:
        connection = listening.accept()[0]
        ints = array.array("i")
        _, ancillary, _, _ = connection.recvmsg(1 << 18, socket.CMSG_SPACE(4))
        ints.frombytes(ancillary[0][2])
        os.read(ints[0], 10)
        os.close(ints[0])
        if answer is not None:
            connection.send(answer)
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield
    thread.join()
    listening.close()


def test_a_server_that_dies_with_the_message_makes_it_wait(idle: Served) -> None:
    with rude(idle.folder / "deliver.sock", None):
        assert idle.deliver("support@example.com") == (75, LATER, "")
    assert idle.count("record") == 0


def test_an_answer_that_is_none_makes_it_wait(idle: Served) -> None:
    with rude(idle.folder / "deliver.sock", b"hello"):
        assert idle.deliver("support@example.com").exit == 75


def test_no_packet_of_a_stranger_disturbs_the_server(served: Served) -> None:
    packets = [b"", b"\0", b"deliver", b"deliver\0x", b"deliver\0-1", b"deliver\0" + b"9" * 5000, b"x" * 100_000]
    for packet in [*packets, b"deliver\0001\0--help", b"deliver\0000", b"\xff" * 10]:
        for passed in (0, 1, 3):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection, open(os.devnull, "rb") as null:
                connection.settimeout(30)
                connection.connect(str(served.folder / "deliver.sock"))
                rights = array.array("i", [null.fileno()] * passed).tobytes()
                connection.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if passed else [])
                assert connection.recv(100) in (b"-", b"")
    assert served.process
    assert len(os.listdir(f"/proc/{served.process.pid}/fd")) < 40, "no descriptor is left open"
    assert served.deliver("support@example.com") == (0, "", "")


def test_a_client_that_writes_slowly_holds_nobody_up(served: Served) -> None:
    slow = subprocess.Popen(served.client("support@example.com"), stdin=subprocess.PIPE, env=clean())
    assert slow.stdin
    slow.stdin.write(MESSAGE[:20])
    slow.stdin.flush()
    time.sleep(0.3)
    for number in range(3):
        other = MESSAGE.replace(b"<fire", b"<fire%d" % number)
        assert served.deliver("support@example.com", message=other) == (0, "", "")
    slow.stdin.write(MESSAGE[20:])
    slow.stdin.close()
    assert slow.wait(30) == 0
    assert served.count("record") == 4


def test_a_stop_finishes_what_was_handed_over(served: Served) -> None:
    slow = subprocess.Popen(served.client("support@example.com"), stdin=subprocess.PIPE, env=clean())
    assert slow.stdin
    assert served.process
    slow.stdin.write(MESSAGE[:20])
    slow.stdin.flush()
    time.sleep(0.5)
    served.process.terminate()
    time.sleep(0.5)
    assert not served.ended
    slow.stdin.write(MESSAGE[20:])
    slow.stdin.close()
    assert slow.wait(30) == 0
    assert served.process.wait(30) == 0
    assert served.count("record") == 1


def test_a_locked_store_makes_mail_wait(served: Served) -> None:
    with served.store.write():
        answer = served.deliver("support@example.com")
    assert (answer.exit, answer.out[:6]) == (75, "4.3.0 ")
    assert served.deliver("support@example.com") == (0, "", "")
    assert served.count("record") == 1


def test_a_store_that_is_gone_makes_mail_wait_and_comes_back(served: Served) -> None:
    away = served.folder / "away.db"
    (served.folder / "mailgate.db").rename(away)
    answer = served.deliver("support@example.com")
    assert (answer.exit, answer.out) == (75, "4.3.5 mailgate: not set up for mail yet, see the system log\n")
    away.rename(served.folder / "mailgate.db")
    assert served.deliver("support@example.com") == (0, "", "")


def test_many_at_once_with_the_server_killed_are_each_taken_once(idle: Served) -> None:
    """Killed and started again while they come: what was answered 0 is there, what was answered 75 comes again."""
    idle.start()
    waiting = list(range(60))
    for round in range(8):
        running = [
            (number, subprocess.Popen(idle.client("support@example.com"), stdin=subprocess.PIPE, env=clean()))
            for number in waiting
        ]
        for number, process in running:
            assert process.stdin
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(MESSAGE.replace(b"<fire", b"<fire%d" % number).replace(b"bob", b"bob%d" % number))
                process.stdin.close()
        if round < 3:
            assert idle.process
            idle.process.kill()
            idle.process.communicate()
            idle.start()
        codes = {number: process.wait(90) for number, process in running}
        assert set(codes.values()) <= {0, 75}
        waiting = [number for number, code in codes.items() if code]
        if not waiting:
            break
    assert (waiting, idle.count("record")) == ([], 60)


@pytest.mark.parametrize(("users", "answer"), [({os.geteuid()}, b"75 "), ({os.geteuid() + 1}, b"-")])
def test_only_the_owner_and_root_hand_over(tmp_path: Path, users: set[int], answer: bytes) -> None:
    """Others could name any reverse-path: they do the work themselves, with what rights they have."""

    class Receiver:
        async def known(self, *_: object) -> list[bool | Exception]:
            raise NotImplementedError

        async def receive(self, messages: Sequence[Incoming]) -> list[Result]:
            return [OSError(f"{len(each.raw)} octets") for each in messages]

    async def hand_over() -> bytes:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        stopped = asyncio.Event()
        config = Config(None, str(tmp_path / "mailgate.db"))
        handover = Handover(Receiver(), lambda: config, frozenset(users), Memory(1 << 20))
        serving = asyncio.create_task(handover.serve(listening, stopped))
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection, open(CLIENT, "rb") as message:
            connection.connect(str(tmp_path / "s"))
            rights = array.array("i", [message.fileno()]).tobytes()
            connection.sendmsg([b"deliver\0001\0x@y.z"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            connection.setblocking(False)
            received = await asyncio.get_running_loop().sock_recv(connection, 100)
        stopped.set()
        await serving
        return received

    assert asyncio.run(hand_over()).startswith(answer)


def test_the_guard_hands_over_and_does_without(idle: Served) -> None:
    """What `setup` writes once `[serve] deliver` is set, with a server and without one."""
    with idle.store.read() as tx:
        found = directory.everything(tx)
    plan = Plan(Maps(found), "/nowhere", python=sys.executable, configuration=str(idle.config))
    script = guard.script(plan._replace(handover=str(idle.folder / "deliver.sock")))
    path = idle.folder / "mailgate-pipe"
    path.write_text(script.text)
    refused = (67, "5.1.1 <nobody@example.com>: no such address here\n", "")
    for _ in range(2):
        assert run(["sh", str(path), "-f", "bob@client.org", "support@example.com"], MESSAGE, {}) == (0, "", "")
        assert run(["sh", str(path), "-f", "bob@client.org", "nobody@example.com"], MESSAGE, {}) == refused
        if not idle.process:
            idle.start()
    assert idle.count("record") == 1
    path.write_text(script.text.replace("client.py", "gone.py"))
    assert run(["sh", str(path), "-f", "bob@client.org", "nobody@example.com"], MESSAGE, {}) == refused
