"""A service among other users of the machine: who may connect, and what a hostile client cannot do to the others."""

import asyncio
import contextlib
import grp
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgate.inbound import listen
from mailgate.inbound.listen import Access
from mailgate.inbound.service import BadLine, Hopeless, Input, Limits, Memory, Received
from mailgate.values.problem import Problem

ROOT = os.geteuid() == 0


@pytest.fixture
def opened() -> Iterator[contextlib.ExitStack]:
    """Closes what a test opens."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that belongs to the owner of the store in it: another user, where root runs the tests."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if ROOT:
            os.chown(folder, 65534, 65534)
        yield folder


def bound(path: Path, access: Access, opened: contextlib.ExitStack, store: Path | None = None) -> os.stat_result:
    for each in listen.sockets(f"unix:{path}", access, str(store or path.parent / "mailgate.db")):
        opened.enter_context(each)
    return path.lstat()


def test_a_socket_is_open_to_its_owner_and_group_alone(tmp_path: Path, opened: contextlib.ExitStack) -> None:
    """It was 0666: every local user could speak as the mail server, with forged Authentication-Results."""
    assert stat.S_IMODE(bound(tmp_path / "s", Access(), opened).st_mode) == 0o660


def test_anyone_may_connect_when_the_administrator_says_so(tmp_path: Path, opened: contextlib.ExitStack) -> None:
    assert stat.S_IMODE(bound(tmp_path / "s", Access(anyone=True), opened).st_mode) == 0o666


def test_a_group_may_connect(tmp_path: Path, opened: contextlib.ExitStack) -> None:
    groups = [group for group in grp.getgrall() if ROOT or group.gr_gid in os.getgroups()]
    group = groups[-1]
    assert bound(tmp_path / "s", Access(group.gr_name), opened).st_gid == group.gr_gid


def test_an_unknown_group_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="there is no group `nobodys-group`"):
        listen.sockets(f"unix:{tmp_path}/s", Access("nobodys-group"), f"{tmp_path}/mailgate.db")


def test_no_path_is_changed_after_the_socket_has_its_name(
    tmp_path: Path, opened: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """chmod by root of a path that another user had replaced by a link made any file writable for all."""
    steps: list[str] = []
    rename = os.rename

    def renamed(old: str, new: str) -> None:
        assert stat.S_IMODE(os.lstat(old).st_mode) == 0o660
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(old)  # whoever finds it is not refused
        rename(old, new)
        steps.append("named")

    def forbidden(*_: object, **__: object) -> None:
        pytest.fail("a path is changed")

    monkeypatch.setattr(os, "rename", renamed)
    monkeypatch.setattr(os, "chmod", forbidden)
    bound(tmp_path / "s", Access(), opened)
    assert steps == ["named"]


def test_root_works_as_the_owner_in_a_folder_of_others(shared: Path, opened: contextlib.ExitStack) -> None:
    expected = (65534, 65534) if ROOT else (os.geteuid(), os.getegid())
    info = bound(shared / "s", Access(), opened)
    assert (info.st_uid, info.st_gid) == expected
    assert (os.geteuid(), os.getegid()) == ((0, 0) if ROOT else expected), "the process is what it was"


def test_a_folder_of_others_is_not_private(shared: Path, tmp_path: Path) -> None:
    below = shared / "below"
    below.mkdir()
    (tmp_path / "link").symlink_to("/")
    tmp_path.chmod(0o700)
    assert not any(listen.is_private(str(folder)) for folder in (shared, below, "/tmp", tmp_path / "link"))
    assert listen.is_private(str(tmp_path)) is ROOT
    assert listen.is_private("/")
    tmp_path.chmod(0o770)
    assert not listen.is_private(str(tmp_path))


def test_a_socket_that_another_process_listens_on_is_not_taken_away(
    tmp_path: Path, opened: contextlib.ExitStack
) -> None:
    bound(tmp_path / "s", Access(), opened)
    with pytest.raises(Problem, match="another process listens"):
        bound(tmp_path / "s", Access(), opened)


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", ""], ids=["ipv4", "ipv6", "all"])
def test_other_machines_cannot_connect_unless_the_administrator_says_so(
    host: str, opened: contextlib.ExitStack
) -> None:
    with pytest.raises(Problem, match="open to other machines"):
        listen.sockets(f"{host}:0", Access(), "/store/mailgate.db")


def test_with_anyone_other_machines_can_connect(opened: contextlib.ExitStack) -> None:
    (each,) = listen.sockets("0.0.0.0:0", Access(anyone=True), "/store/mailgate.db")
    opened.enter_context(each)
    with socket.create_connection(("127.0.0.1", each.getsockname()[1]), timeout=10):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_can_connect(host: str, opened: contextlib.ExitStack) -> None:
    for each in listen.sockets(f"{host}:0", Access(), "/store/mailgate.db"):
        opened.enter_context(each)
        assert each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def test_a_port_that_is_no_port_is_an_error() -> None:
    with pytest.raises(Problem, match="is not a valid listen address"):
        listen.sockets("127.0.0.1:65536", Access(), "/store/mailgate.db")


NOW = Limits(command=100, idle=0.01)


def commands(*chunks: bytes) -> list[bytes | type[Exception]]:
    """What a client that sends these octets and hangs up has said, command by command."""

    async def read() -> list[bytes | type[Exception]]:
        reader = asyncio.StreamReader()
        given = Input(reader, NOW, Memory(1000))
        said: list[bytes | type[Exception]] = []
        for chunk in (*chunks, b""):
            reader.feed_data(chunk) if chunk else reader.feed_eof()
            with contextlib.suppress(TimeoutError):
                while True:
                    try:
                        said.append(await given.command())
                    except BadLine:
                        said.append(BadLine)
                    except (EOFError, Hopeless) as end:
                        return [*said, type(end)]
        raise AssertionError("no end")

    return asyncio.run(read())


@pytest.mark.parametrize(
    "line", [b"RCPT\nDATA\r\n", b"RCPT\rDATA\r\n", b"RCPT\n\r\n", b"RCPT\r\r\n", b"\rRCPT\r\n"], ids=repr
)
def test_a_bare_line_end_makes_one_bad_command_of_all_up_to_the_next_line_end(line: bytes) -> None:
    assert commands(line + b"NOOP\r\n") == [BadLine, b"NOOP", EOFError]


def test_nothing_of_a_bad_command_is_carried_out_when_it_comes_in_pieces() -> None:
    assert commands(b"RCPT\n", b"DATA\r", b"\nNOOP\r\n") == [BadLine, BadLine, b"NOOP", EOFError]


def test_commands_come_in_any_pieces() -> None:
    assert commands(b"LH", b"LO x\r", b"\nMAIL\r\nRCPT", b"\r\n") == [b"LHLO x", b"MAIL", b"RCPT", EOFError]


def test_a_long_command_is_refused_and_not_kept() -> None:
    assert commands(b"x" * 99 + b"\r\nNOOP\r\n") == [BadLine, b"NOOP", EOFError]
    assert commands(b"x" * 98 + b"\r\nNOOP\r\n") == [b"x" * 98, b"NOOP", EOFError]
    assert commands(*[b"x" * 50_000] * 30)[-1] is Hopeless


def message(*chunks: bytes, most: int = 100, memory: Memory | None = None) -> tuple[Received, bytes]:
    """A message in these pieces, and the command after it."""

    async def read() -> tuple[Received, bytes]:
        reader = asyncio.StreamReader()
        given = Input(reader, NOW, memory or Memory(1000))
        task = asyncio.ensure_future(given.message(most))
        for chunk in chunks:
            reader.feed_data(chunk)
            await asyncio.sleep(0)
        received = await task
        reader.feed_data(b"\r\n")
        rest = await given.command()
        given.release()
        return received, rest

    return asyncio.run(read())


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n"], ids=repr)
def test_only_a_dot_between_line_ends_ends_a_message(end: bytes) -> None:
    received, rest = message(b"a" + end + b"DATA\r\n.\r\nNOOP")
    assert (received.octets, rest) == (b"a" + end.replace(b"\r\n.", b"\r\n") + b"DATA\r\n", b"NOOP")


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_dots_come_off_in_any_pieces(size: int) -> None:
    sent = b"..a\r\n...\r\n.b\r\n\r\n..\r\n.\r\n"
    received, _ = message(*(sent[at : at + size] for at in range(0, len(sent), size)))
    assert received.octets == b".a\r\n..\r\nb\r\n\r\n.\r\n"
    assert message(b".\r\n")[0].octets == b""


def test_a_large_message_is_not_kept_and_its_end_is_found() -> None:
    memory = Memory(1000)
    assert message(*[b"x" * 60] * 40, b"\r\n", b".\r\nNOOP", memory=memory) == (Received(None, "large"), b"NOOP")
    assert memory.left == 1000


def test_all_messages_together_fit_into_memory() -> None:
    memory = Memory(1000)
    assert memory.take(950)
    assert message(*[b"x" * 30] * 3, b"\r\n.\r\nNOOP", memory=memory) == (Received(None, "memory"), b"NOOP")
    assert memory.left == 50
    memory.give(950)
    assert message(*[b"x" * 30] * 3, b"\r\n.\r\nNOOP", memory=memory) == (Received(b"x" * 90 + b"\r\n"), b"NOOP")
    assert memory.left == 1000
