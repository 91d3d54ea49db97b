"""LMTP as a process: one reply per recipient, strangers refused at RCPT, every fault temporary."""

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import pytest

from mailgate.gateway import group, receive, recipient
from mailgate.gateway.group import Result
from mailgate.inbound.lmtp import LmtpHandler
from mailgate.inbound.service import Limits
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.routing.facts import Facts
from mailgate.settings.config import Config
from mailgate.store import aliases, database, domains, messages, records, schema
from mailgate.store.database import Store
from mailgate.values.directory import Alias, Domain

MESSAGE = (
    b"From: Bob <bob@client.org>\r\nTo: support@example.com, closed@example.com\r\nMessage-ID: <%d@x>\r\n\r\n.dot\r\n"
)


class Dialog:
    """A client that says one line and reads as many replies as are due."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(60)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rb")
        self.replies()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def replies(self, count: int = 1) -> list[str]:
        found = []
        while len(found) < count:
            line = self.file.readline().decode()
            assert line, "the server closed the connection"
            if line[3] == " ":
                found.append(line.rstrip())
        return found

    def say(self, line: str | bytes, count: int = 1) -> list[str]:
        self.socket.sendall((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return self.replies(count)

    def send(self, message: bytes, *recipients: str, sender: str = "<bob@client.org>") -> list[str]:
        """A whole message; the replies to RCPT, then those to the end of DATA."""
        self.say("LHLO client")
        self.say(f"MAIL FROM:{sender}")
        rcpt = [self.say(f"RCPT TO:<{each}>")[0] for each in recipients]
        accepted = sum(each.startswith("2") for each in rcpt)
        if not accepted:
            return rcpt
        self.say("DATA")
        stuffed = message.replace(b"\r\n.", b"\r\n..")
        self.socket.sendall(stuffed + b".\r\n")
        return rcpt + self.replies(accepted)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "mailgate.db"
    (tmp_path / "mailgate.toml").write_text(
        f'[store]\nurl = "sqlite:///{path}"\n[submit]\nmethod = "none"\n'
        '[refusals]\nby = "status"\n[limits]\nmax_size = 9999\n'
    )
    with schema.open_or_create(path).write() as tx:
        domains.add(tx, Domain("example.com"))
        aliases.add(tx, "support@example.com", Alias(0, "", "", "ticket"))
        aliases.add(tx, "closed@example.com", Alias(0, "", "", "lead", policy="contacts"))
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Path]:
    path = folder / "lmtp.sock"
    command = [
        sys.executable,
        "-m",
        "mailgate",
        "-C",
        str(folder / "mailgate.toml"),
        "lmtp",
        "--listen",
        f"unix:{path}",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        for _ in range(600):
            if path.exists() and process.poll() is None:
                break
            time.sleep(0.05)
        yield path
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=30) == (None, b"")
    assert process.returncode == 0


def made(folder: Path) -> list[str]:
    with database.open_existing(folder / "mailgate.db").read() as tx:
        return [str(each.ref) for each in records.listing(tx)]


def test_one_reply_for_each_recipient(server: Path, folder: Path) -> None:
    with Dialog(server) as dialog:
        replies = dialog.send(MESSAGE % 1, "support@example.com", "nobody@example.com", "closed@example.com")
    assert [each.split()[1] for each in replies] == ["2.1.5", "5.1.1", "2.1.5", "2.0.0", "2.0.0"]
    assert made(folder) == ["ticket/1"]


def test_a_refusal_by_status_is_a_5xx_reply(server: Path, folder: Path) -> None:
    message = (MESSAGE % 2).replace(b"support@example.com, ", b"")
    with Dialog(server) as dialog:
        replies = dialog.send(message, "closed@example.com")
    assert replies[-1] == "550 5.7.1 <closed@example.com>: you may not write to this address"
    assert made(folder) == []


def test_the_bytes_are_kept_without_dot_stuffing(server: Path, folder: Path) -> None:
    with Dialog(server) as dialog:
        dialog.send(MESSAGE % 3, "support@example.com", sender="<>")
    with database.open_existing(folder / "mailgate.db").read() as tx:
        assert tx.execute("SELECT octets FROM raw").fetchone()[0] == MESSAGE % 3
        assert tx.execute("SELECT reverse_path FROM message").fetchone()[0] is None


def test_a_message_that_is_too_large_is_refused(server: Path) -> None:
    with Dialog(server) as dialog:
        replies = dialog.send(MESSAGE % 4 + b"x" * 12_000 + b"\r\n", "support@example.com")
    assert replies[-1].startswith("552 5.3.4 ")


def test_a_fault_is_temporary_for_each_and_the_server_goes_on(server: Path, folder: Path) -> None:
    with Dialog(server) as dialog:
        with database.open_existing(folder / "mailgate.db").write() as tx:
            tx.execute("ALTER TABLE raw RENAME TO away")
        replies = dialog.send(MESSAGE % 5, "support@example.com", "support+x@example.com")
        assert [each[:9] for each in replies] == ["250 2.1.5", "250 2.1.5", "451 4.3.0", "451 4.3.0"]
        with database.open_existing(folder / "mailgate.db").write() as tx:
            tx.execute("ALTER TABLE away RENAME TO raw")
        assert dialog.send(MESSAGE % 5, "support@example.com")[-1].startswith("250 2.0.0")
    assert made(folder) == ["ticket/1"]


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n"], ids=repr)
def test_no_second_message_is_smuggled(server: Path, folder: Path, end: bytes) -> None:
    evil = (
        MESSAGE % 6 + b"x" + end + b"MAIL FROM:<evil@x.org>\r\nRCPT TO:<support@example.com>\r\nDATA\r\n" + MESSAGE % 7
    )
    with Dialog(server) as dialog:
        dialog.send(evil, "support@example.com")
    with database.open_existing(folder / "mailgate.db").read() as tx:
        assert tx.execute("SELECT count(*) FROM message").fetchone()[0] <= 1


@pytest.mark.parametrize("bare", [b"\n", b"\r"], ids=repr)
def test_a_bare_line_end_in_a_command_is_refused_with_all_that_follows_it(
    server: Path, folder: Path, bare: bytes
) -> None:
    with Dialog(server) as dialog:
        dialog.say("LHLO client")
        dialog.say("MAIL FROM:<bob@client.org>")
        assert dialog.say(b"RCPT TO:<support@example.com>" + bare + b"DATA")[0].startswith("500 5.5.2 ")
        assert dialog.say("DATA")[0].startswith("503 ")
        assert dialog.send(MESSAGE % 1, "support@example.com")[-1].startswith("250 2.0.0")
    assert made(folder) == ["ticket/1"]


@pytest.mark.parametrize(("message", "noted"), [(b"a\nb\rc\r\n", True), (b"a\r\nb\r\n", False)], ids=["bare", "whole"])
def test_a_bare_line_end_in_a_message_is_kept_and_noted(
    server: Path, folder: Path, message: bytes, noted: bool
) -> None:
    with Dialog(server) as dialog:
        assert dialog.send(MESSAGE % 1 + message, "support@example.com")[-1].startswith("250 2.0.0")
    with database.open_existing(folder / "mailgate.db").read() as tx:
        assert tx.execute("SELECT octets FROM raw").fetchone()[0] == MESSAGE % 1 + message
        explained = messages.explanation(tx, 1)
    assert ("a CR or LF that is not part of a line end" in explained["message"]["defects"]) is noted


@pytest.mark.parametrize(
    "recipient",
    [f"{'a' * 70}@example.com", "a@b@example.com", "x y@example.com", "a@example.com@example.com", ""],
)
def test_a_recipient_that_is_no_address_is_refused_and_the_header_does_not_speak_for_it(
    server: Path, folder: Path, recipient: str
) -> None:
    with Dialog(server) as dialog:
        assert dialog.send(MESSAGE % 1, recipient)[-1].startswith("501 5.1.3 ")
        assert dialog.say("DATA")[0].startswith("503 ")
    assert made(folder) == []


@pytest.mark.parametrize("recipient", ["support+x@example.com", "support", "@relay.example:support@example.com"])
def test_a_recipient_in_every_form_is_taken(server: Path, folder: Path, recipient: str) -> None:
    with Dialog(server) as dialog:
        assert dialog.send(MESSAGE % 1, recipient)[-1].startswith("250 2.0.0")
    assert made(folder) == ["ticket/1"]


def test_a_command_without_an_end_is_given_up(server: Path) -> None:
    with Dialog(server) as hostile, Dialog(server) as other:
        with contextlib.suppress(OSError):
            for _ in range(80):
                hostile.socket.sendall(b"x" * 65_536)
        with contextlib.suppress(OSError, AssertionError):
            assert hostile.replies()[0].startswith("421 ")
        assert other.say("NOOP")[0].startswith("250 ")


def test_recipients_beyond_the_limit_come_with_the_next_transaction(server: Path) -> None:
    with Dialog(server) as dialog:
        dialog.say("LHLO client")
        dialog.say("MAIL FROM:<>")
        numbers = range(Limits().recipients + 1)
        replies = [dialog.say(f"RCPT TO:<support+{number}@example.com>")[0][:3] for number in numbers]
    assert replies == ["250"] * Limits().recipients + ["452"]


def test_connections_beyond_the_limit_are_sent_away_and_the_others_are_served(server: Path, folder: Path) -> None:
    with contextlib.ExitStack() as stack:
        first, *others = [stack.enter_context(Dialog(server)) for _ in range(Limits().connections)]
        with socket.socket(socket.AF_UNIX) as one_more:
            one_more.settimeout(60)
            one_more.connect(str(server))
            assert one_more.recv(100).startswith(b"421 4.3.2 ")
            assert one_more.recv(100) == b""
        assert others[-1].say("NOOP")[0].startswith("250 ")
        first.say("QUIT")
        assert first.socket.recv(100) == b""
        with Dialog(server) as dialog:
            assert dialog.send(MESSAGE % 1, "support@example.com")[-1].startswith("250 2.0.0")


def test_nothing_that_a_client_sends_reaches_the_terminal(server: Path) -> None:
    """The fixture reads an empty stderr at the end; the log of a library wrote commands there as they came."""
    with Dialog(server) as dialog:
        for line in (b"\x1b]52;c;ZXZpbA==\x07", b"MAIL FROM:<\x1b[2J>", b"\xff\xfe", b"LHLO \x1b[2J"):
            (reply,) = dialog.say(line)[-1:]
            assert reply.isprintable()
            assert "[" not in reply


def test_every_recipient_is_answered_when_a_message_is_too_large(server: Path, folder: Path) -> None:
    with Dialog(server) as dialog:
        large = MESSAGE % 1 + b"x" * 40_000 + b"\r\n"
        replies = dialog.send(large, "support@example.com", "support+x@example.com")
        assert [each[:9] for each in replies[2:]] == ["552 5.3.4"] * 2
        assert dialog.send(MESSAGE % 1, "support@example.com")[-1].startswith("250 2.0.0")
    assert made(folder) == ["ticket/1"]


def test_a_message_is_read_once_for_all_its_recipients(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten megabytes were read 400 times, while all others waited 71 seconds for a greeting."""
    read, count = receive.read, []

    def counted(incoming: Incoming) -> Facts:
        count.append(incoming)
        return read(incoming)

    monkeypatch.setattr(receive, "read", counted)
    handler = LmtpHandler(Direct(database.open_existing(folder / "mailgate.db")), None)
    recipients = ["support@example.com", "closed@example.com", "nobody@example.com"]
    replies = asyncio.run(handler.deliver(MESSAGE % 1, "bob@client.org", recipients))
    assert ([reply[:9] for reply in replies], len(count)) == (["250 2.0.0", "250 2.0.0", "550 5.1.1"], 1)


def test_commands_are_taken_in_their_order_alone(server: Path) -> None:
    with Dialog(server) as dialog:
        lines = ("MAIL FROM:<a@b.c>", "RCPT TO:<support@example.com>", "DATA", "EHLO x", "LHLO", "LHLO x")
        assert [dialog.say(line)[0][:3] for line in lines] == ["503", "503", "503", "500", "501", "250"]
        lines = ("MAIL <a@b.c>", "MAIL FROM:<a@b.c> SIZE=999999", "MAIL FROM:<a@b.c> X=1")
        assert [dialog.say(line)[0][:3] for line in lines] == ["501", "552", "555"]
        lines = ("MAIL FROM:<a@b.c> SIZE=99 BODY=8BITMIME SMTPUTF8", "MAIL FROM:<a@b.c>", "RSET", "RCPT TO:<a@b.c>")
        assert [dialog.say(line)[0][:3] for line in lines] == ["250", "503", "250", "503"]


def test_a_client_that_only_makes_mistakes_is_given_up(server: Path) -> None:
    with Dialog(server) as dialog:
        assert [dialog.say("GET / HTTP/1.1")[0][:3] for _ in range(21)] == ["500"] * 20 + ["421"]
        assert dialog.socket.recv(100) == b""


class Direct:
    """Takes responsibility at once, in the thread that asks."""

    def __init__(self, opened: Store) -> None:
        self.opened = opened

    async def known(self, addresses: Sequence[str], fallback: Fallback | None) -> list[bool | Exception]:
        with self.opened.read() as tx:
            return [recipient.is_known(tx, address, fallback) for address in addresses]

    async def receive(self, messages: Sequence[Incoming]) -> list[Result]:
        return group.receive_group(self.opened, Config(None, self.opened.path), messages, time.time())


def deliver(opened: Store, message: bytes) -> str:
    handler = LmtpHandler(Direct(opened), None)
    (reply,) = asyncio.run(handler.deliver(message, "bob@client.org", ["support@example.com"]))
    return reply


def test_a_reader_that_outlasts_a_commit_costs_one_451(folder: Path) -> None:
    """The transaction stayed open, and every later mail was 451, by LMTP and by the pipe, until the server ended."""
    opened = database.open_existing(folder / "mailgate.db", wait=0.2)
    with contextlib.closing(sqlite3.connect(folder / "mailgate.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM message").fetchone()
        assert deliver(opened, MESSAGE % 1).startswith("451 ")
    for number in (1, 2):
        assert deliver(opened, MESSAGE % number).startswith("250 ")
    other = database.open_existing(folder / "mailgate.db", wait=0.2)
    with other.write() as tx:
        assert tx.execute("SELECT count(*) FROM record").fetchone()[0] == 2


def test_a_store_that_is_replaced_is_used_by_the_next_mail(folder: Path) -> None:
    opened = database.open_existing(folder / "mailgate.db")
    (folder / "copy.db").write_bytes((folder / "mailgate.db").read_bytes())
    assert deliver(opened, MESSAGE % 1).startswith("250 ")
    (folder / "copy.db").replace(folder / "mailgate.db")
    assert deliver(opened, MESSAGE % 2).startswith("250 ")
    assert len(made(folder)) == 1


def test_a_left_over_socket_is_replaced_and_a_file_is_not(folder: Path) -> None:
    precious = folder / "precious"
    precious.write_text("keep me")
    command = [sys.executable, "-m", "mailgate", "-C", str(folder / "mailgate.toml"), "lmtp", "--listen"]
    done = subprocess.run([*command, f"unix:{precious}"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, "is not a socket" in done.stderr, precious.read_text()) == (1, True, "keep me")
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(folder / "lmtp.sock"))
    left.close()
    process = subprocess.Popen([*command, f"unix:{folder}/lmtp.sock"])
    for _ in range(600):
        try:
            Dialog(folder / "lmtp.sock").__exit__()
            break
        except (ConnectionRefusedError, FileNotFoundError):
            time.sleep(0.05)
    process.terminate()
    assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("listen", "text", "exit"),
    [
        ("nowhere", "is not a valid listen address", 1),
        ("unix:/nowhere/at/all", "cannot listen on", 1),
        ("127.0.0.1:0", "cannot open the store", 75),
    ],
)
def test_a_server_that_cannot_start_says_why(folder: Path, listen: str, text: str, exit: int) -> None:
    os.unlink(folder / "mailgate.db")
    command = [sys.executable, "-m", "mailgate", "-C", str(folder / "mailgate.toml"), "lmtp", "--listen", listen]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == exit
    assert text in done.stderr
