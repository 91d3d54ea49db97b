"""`mailgate deliver` as a process: what goes in, and the one status that comes out."""

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.installed import unconfigured

from mailgate.inbound import pipe as deliver
from mailgate.store import database
from mailgate.values import status

from .conftest import MESSAGE, Pipe

BOB = "bob@client.org"
GUARD = Path(__file__).parents[2] / "examples" / "guard" / "mailgate-pipe"


def test_a_taken_message_is_silent(pipe: Pipe) -> None:
    assert pipe("-f", BOB, "support@example.com") == (0, "", "")
    assert pipe.count("record") == 1


def test_the_bytes_of_a_message_are_kept(pipe: Pipe) -> None:
    message = MESSAGE.replace(b"\n", b"\r\n") + b"\0\xff\r\n no end"
    pipe("-f", BOB, "support@example.com", message=message)
    assert pipe.one("SELECT octets FROM raw") == message


@pytest.mark.parametrize(
    "recipient",
    [f"{'a' * 70}@example.com", "a@b@example.com", "x y@example.com", f"{'a' * 70}+mg1r{'a' * 22}@example.com"],
)
def test_a_recipient_that_is_no_address_is_unknown_and_the_header_does_not_speak_for_it(
    pipe: Pipe, recipient: str
) -> None:
    answer = pipe("-f", BOB, recipient)
    assert (answer.exit, answer.out[:6], answer.err) == (67, "5.1.3 ", "")
    assert pipe.count("record") == 0
    assert pipe("-f", BOB, recipient, "support@example.com") == (0, "", "")
    assert pipe.count("record") == 1


@pytest.mark.parametrize(
    ("arguments", "message", "exit", "line"),
    [
        (["support@example.com"], MESSAGE, 0, ""),
        (["nobody@example.com"], MESSAGE, 67, "5.1.1 <nobody@example.com>: no such address here\n"),
        (
            ["support@example.com"],
            b"X: y\n\n" + b"a" * 60_000_000,
            65,
            "5.3.4 <support@example.com>: message too large\n",
        ),
        (["nobody@example.com", "none@example.com"], MESSAGE, 67, "5.1.1 <nobody@example.com>: no such address here\n"),
        (["support@example.com", "nobody@example.com"], MESSAGE, 0, ""),
        (["catchall@example.com"], MESSAGE.replace(b"support@", b"catchall@"), 0, ""),
    ],
    ids=["taken", "unknown", "too large", "all unknown", "some taken", "refused by a reply"],
)
def test_every_kind_of_mail_has_its_exit_status_and_line(
    pipe: Pipe, arguments: list[str], message: bytes, exit: int, line: str
) -> None:
    assert pipe("-f", BOB, *arguments, message=message) == (exit, line, "")


@pytest.mark.parametrize(
    ("recipient", "exit", "line"),
    [
        ("catchall@example.com", 77, "5.2.1 <catchall@example.com>: this address takes only answers to our mail\n"),
        ("closed@example.com", 77, "5.7.1 <closed@example.com>: you may not write to this address\n"),
    ],
)
def test_a_refusal_by_status_has_its_exit_status(pipe: Pipe, recipient: str, exit: int, line: str) -> None:
    pipe.config.write_text(pipe.config.read_text() + '[refusals]\nby = "status"\n')
    message = MESSAGE.replace(b"support@example.com", recipient.encode())
    assert pipe("-f", BOB, recipient, message=message) == (exit, line, "")
    assert pipe.count("message") == 0


def test_different_refusals_in_one_call_exit_with_77(pipe: Pipe) -> None:
    pipe.config.write_text(pipe.config.read_text() + '[refusals]\nby = "status"\n')
    message = MESSAGE.replace(b"support@", b"closed@")
    answer = pipe("-f", BOB, "nobody@example.com", "closed@example.com", message=message)
    assert answer == (77, "5.7.1 <closed@example.com>: you may not write to this address\n", "")


class TestEnvelope:
    """Arguments, else the environment, else the trace fields."""

    def path(self, pipe: Pipe) -> object:
        return pipe.one("SELECT reverse_path FROM message ORDER BY number DESC LIMIT 1")

    def recipients(self, pipe: Pipe) -> object:
        return json.loads(str(pipe.one("SELECT recipients FROM message ORDER BY number DESC LIMIT 1")))

    @pytest.mark.parametrize("null", ["", "<>", "MAILER-DAEMON", "<MAILER-DAEMON>"])
    def test_the_null_reverse_path(self, pipe: Pipe, null: str) -> None:
        assert pipe("-f", null, "support@example.com").exit == 0
        assert self.path(pipe) is None

    @pytest.mark.parametrize(
        "sender",
        [
            *("-oops@client.org", "--help@client.org", "-C@client.org", "a'b`c$d@client.org", "-I@client.org"),
            *("--config=/etc/shadow@client.org", "--db=/tmp/x@client.org", "-f@client.org", "--@client.org"),
        ],
    )
    def test_a_sender_is_never_an_option(self, pipe: Pipe, sender: str) -> None:
        for arguments in (["-f", sender], [f"-f{sender}"]):
            assert pipe(*arguments, "--", "support@example.com") == (0, "", "")
            assert self.path(pipe) == sender

    @pytest.mark.parametrize("null", ["", "<>", "MAILER-DAEMON"])
    def test_an_empty_sender_swallows_no_recipient(self, pipe: Pipe, null: str) -> None:
        assert pipe("-f", null, "--", "support@example.com").exit == 0
        assert (self.path(pipe), self.recipients(pipe)) == (None, ["support@example.com"])

    @pytest.mark.parametrize("local", ["-x", "--help", "-C", "--db=", "-f", "-I", "--"])
    def test_a_recipient_is_never_an_option(self, pipe: Pipe, local: str) -> None:
        answer = pipe("-f", BOB, "--", f"{local}@example.com")
        assert answer == (67, f"5.1.1 <{local}@example.com>: no such address here\n", "")
        assert pipe("-f", BOB, "--", "support@example.com", f"{local}@example.com").exit == 0, "one more, no option"
        assert self.recipients(pipe) == ["support@example.com", f"{local}@example.com"]

    @pytest.mark.parametrize("between", ["\n", ",", ", ", " ", "\r\n", "\t", ";"])
    @pytest.mark.parametrize("name", ["RECIPIENT", "ORIGINAL_RECIPIENT", "LOCAL_PART", "argument"])
    def test_several_addresses_in_one_argument_are_no_recipient(self, pipe: Pipe, name: str, between: str) -> None:
        """One value is one address, or none at all: what a sender writes into one adds no other."""
        value = f"support@example.com{between}closed@example.com"
        environ = {"SENDER": BOB, "RECIPIENT": "x@example.com", "DOMAIN": "example.com", name: value}
        if name != "LOCAL_PART":
            del environ["DOMAIN"]
        message = MESSAGE.replace(b"To: support@example.com\n", b"")
        answer = pipe(*([value] if name == "argument" else []), message=message, environ=environ)
        assert answer.exit in (0, 67)
        assert answer.out.count("\n") == (answer.exit == 67)
        assert pipe.count("record") + pipe.count("outbox") <= 1
        assert pipe.count("message") == 0 or len(json.loads(str(pipe.one("SELECT recipients FROM message")))) <= 1

    def test_the_environment_of_local_8_names_the_recipient(self, pipe: Pipe) -> None:
        environ = {"SENDER": BOB, "RECIPIENT": "pipe@mx.test", "ORIGINAL_RECIPIENT": "support@example.com"}
        assert pipe(environ=environ).exit == 0
        assert (self.path(pipe), self.recipients(pipe)) == (BOB, ["support@example.com"])

    def test_an_empty_sender_of_local_8_is_the_null_reverse_path(self, pipe: Pipe) -> None:
        pipe(environ={"SENDER": "", "RECIPIENT": "support@example.com"})
        assert self.path(pipe) is None

    def test_the_environment_of_exim_names_the_recipient(self, pipe: Pipe) -> None:
        environ = {
            "SENDER": BOB,
            "LOCAL_PART": "support",
            "LOCAL_PART_SUFFIX": "+x",
            "DOMAIN": "example.com",
            "RECIPIENT": "nobody@example.com",
        }
        assert pipe(environ=environ).exit == 0
        assert self.recipients(pipe) == ["support+x@example.com"]

    def test_exim_with_many_recipients_at_once_tells_none(self, pipe: Pipe) -> None:
        environ = {"SENDER": BOB, "LOCAL_PART": "NULL", "DOMAIN": "example.com", "RECIPIENT": "@example.com"}
        assert pipe(environ=environ).exit == 0
        assert self.recipients(pipe) == []
        assert pipe.count("record") == 1

    def test_the_return_path_above_received_beats_the_environment(self, pipe: Pipe) -> None:
        message = b"Return-Path: <real@client.org>\nReceived: by mx\nReturn-Path: <forged@client.org>\n" + MESSAGE
        pipe(message=message, environ={"SENDER": "re_al@client.org", "RECIPIENT": "support@example.com"})
        assert self.path(pipe) == "real@client.org"


class TestDeferred:
    """Whatever is no decision leaves the mail with the mail server: 75, one line that starts with 4."""

    def check(self, answer: tuple[int, str, str], code: str = "4.3.5") -> None:
        exit, out, err = answer
        assert (exit, err) == (75, "")
        assert out.startswith(code)
        assert out[6:].startswith("mailgate: ")
        assert out.count("\n") == 1
        assert len(out) < 500

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--fallback-model", "a b/c"],
            ["--fallback-model", ""],
            ["--frobnicate"],
            ["-f"],
            ["--fallback-model"],
            ["-x", "support@example.com"],
            ["--from=x"],
        ],
        ids=" ".join,
    )
    def test_a_bad_option_defers(self, pipe: Pipe, arguments: list[str]) -> None:
        self.check(pipe(*arguments))

    def test_an_empty_standard_input_defers(self, pipe: Pipe) -> None:
        self.check(pipe("-f", BOB, "support@example.com", message=b""))

    @pytest.mark.parametrize("text", [None, "", "[store\n", "[store]\nurl = 3\n", '[store]\nurl = "postgresql://x"\n'])
    def test_a_missing_or_broken_configuration_defers(self, pipe: Pipe, text: str | None) -> None:
        if text is None:
            pipe.config.unlink()
        else:
            pipe.config.write_text(text)
        self.check(pipe("-f", BOB, "support@example.com", environ={"HOME": str(pipe.folder / "nobody")}))

    def test_without_any_configuration_mail_is_deferred(self, pipe: Pipe) -> None:
        command = unconfigured("deliver", "--db", str(pipe.path), "support@example.com")
        self.check(pipe(command=command, environ={"HOME": str(pipe.folder / "nobody")}))

    def test_no_store_is_made(self, pipe: Pipe) -> None:
        pipe.path.unlink()
        self.check(pipe("-f", BOB, "support@example.com"))
        assert not pipe.path.exists()

    def test_a_store_of_another_schema_defers(self, pipe: Pipe) -> None:
        with pipe.store.write() as tx:
            tx.execute("PRAGMA user_version = 999")
        self.check(pipe("-f", BOB, "support@example.com"))

    def test_a_store_without_a_domain_defers(self, pipe: Pipe) -> None:
        with pipe.store.write() as tx:
            tx.execute("DELETE FROM alias")
            tx.execute("DELETE FROM domain")
        self.check(pipe("-f", BOB, "support@example.com"))

    def test_a_damaged_store_defers(self, pipe: Pipe) -> None:
        data = bytearray(pipe.path.read_bytes())
        data[4096:] = os.urandom(len(data) - 4096)
        pipe.path.write_bytes(data)
        self.check(pipe("-f", BOB, "support@example.com"), "4.3.")

    def test_a_module_that_cannot_be_imported_defers(self, pipe: Pipe, tmp_path: Path) -> None:
        broken = tmp_path / "copy"
        package = Path(deliver.__file__).parents[1]
        shutil.copytree(package, broken / "mailgate", ignore=shutil.ignore_patterns("__pycache__"))
        (broken / "mailgate" / "gateway" / "receive.py").write_text("raise ImportError('half an upgrade')\n")
        self.check(pipe("-f", BOB, "support@example.com", environ={"PYTHONPATH": str(broken)}), "4.3.0")

    def test_a_signal_defers(self, pipe: Pipe) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM, signal.SIGXCPU):
            process = subprocess.Popen(
                pipe.command("-f", BOB, "support@example.com"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            assert process.stdin
            process.stdin.write(MESSAGE)
            process.stdin.flush()
            wait_until_caught(process, signal.SIGIO)  # the last one that gets its handler
            process.send_signal(number)
            out, _ = process.communicate(timeout=30)
            self.check((process.returncode, out.decode(), ""), "4.3.0")
        assert pipe.count("message") == 0

    def test_a_delivery_past_its_deadline_is_deferred(self, pipe: Pipe) -> None:
        """A lock that nobody lets go of: the watchdog ends the wait, here after two seconds instead of thirty."""
        command = self.in_two_seconds(pipe)
        with database.locked(str(pipe.path), 1.0):
            self.check(pipe(command=command), "4.3.0")
        assert pipe.count("message") == 0
        assert pipe("-f", BOB, "support@example.com").exit == 0

    def in_two_seconds(self, pipe: Pipe) -> list[str]:
        program = "import sys; from mailgate.inbound import pipe; pipe.DEADLINE = 2.0; pipe.main(sys.argv[1:])"
        return [sys.executable, "-c", program, "-C", str(pipe.config), "-f", BOB, "support@example.com"]

    def test_a_message_that_never_ends_is_deferred(self, pipe: Pipe) -> None:
        command = self.in_two_seconds(pipe)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin
            assert process.stdout
            process.stdin.write(MESSAGE)
            process.stdin.flush()
            assert process.wait(30) == 75
            self.check((75, process.stdout.read().decode(), ""), "4.3.0")
        assert pipe.count("message") == 0

    def test_a_status_in_a_message_never_reaches_the_answer(self, pipe: Pipe) -> None:
        """Postfix takes a status at the start of the output for ours."""
        message = MESSAGE.replace(b"Subject: ", b"Subject: 5.1.1 gone ")
        with pipe.store.write() as tx:
            tx.execute("ALTER TABLE raw RENAME TO away")
        self.check(pipe("-f", "5.1.1@client.org", "--", "support@example.com", message=message), "4.3.0")

    def test_output_that_cannot_be_written_changes_nothing(self, pipe: Pipe) -> None:
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                pipe.command("-f", BOB, "nobody@example.com"), input=MESSAGE, stdout=full, stderr=full, timeout=60
            )
        assert done.returncode == 67
        done = subprocess.run(
            ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *pipe.command("-f", BOB, "support@example.com")],
            input=MESSAGE,
            timeout=60,
        )
        assert done.returncode == 0

    def test_a_closed_standard_input_defers(self, pipe: Pipe) -> None:
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *pipe.command("-f", BOB, "support@example.com")]
        self.check(pipe(command=command), "4.3.0")


def test_b3_nothing_in_a_message_is_run_or_handed_to_a_program(pipe: Pipe, tmp_path: Path) -> None:
    """Not even as a variable: a program gets its arguments, and the message on standard input."""
    seen, program = tmp_path / "seen", tmp_path / "sendmail"
    noted = f'printf "%s\\n" "$@" >{seen}.part; env >>{seen}.part; mv {seen}.part {seen}'
    program.write_text(f"#!/bin/sh\ncat >/dev/null\n{noted}\n")
    program.chmod(0o755)
    pipe.config.write_text(f'[store]\nurl = "sqlite:///{pipe.path}"\n[submit]\nsendmail = "{program}"\n')
    evil = "$(touch ran) `touch ran` ;touch ran; |touch ran & ${IFS}"
    message = MESSAGE.replace(b"support@", b"catchall@").replace(b"Subject: ", f"Subject: {evil} ".encode())
    message = message.replace(b"Bob Ray", f'"{evil}"'.encode()).replace(b"<fire@", f"<{evil}@".encode())
    environ = {"SENDER": f'"{evil}"@client.org', "RECIPIENT": "catchall@example.com", "EXTENSION": evil}
    assert pipe(message=message, environ=environ).exit == 0
    for _ in range(300):
        if seen.exists():
            break
        time.sleep(0.1)
    assert not list(tmp_path.rglob("ran"))
    assert [line for line in seen.read_text().splitlines() if "touch" in line] == [environ["SENDER"]], "its recipient"


def test_b4_neither_the_folder_nor_a_variable_decides_what_is_imported(pipe: Pipe) -> None:
    """As the guard runs it."""
    for name in ("sqlite3", "mailgate", "tomllib", "sitecustomize", "usercustomize"):
        (pipe.folder / f"{name}.py").write_text(f"open({str(pipe.folder / 'ran')!r}, 'w')\nraise SystemExit(1)\n")
    environ = {"PYTHONPATH": str(pipe.folder), "PYTHONSTARTUP": str(pipe.folder / "sqlite3.py"), "PYTHONHOME": "/none"}
    command = [sys.executable, "-I", *pipe.command("-f", BOB, "--", "support@example.com")[1:]]
    assert pipe(command=command, environ=environ) == (0, "", "")
    assert not (pipe.folder / "ran").exists()
    assert "/bin/python -I -m mailgate deliver" in (GUARD.read_text())


def test_help_never_swallows_a_mail(pipe: Pipe) -> None:
    answer = pipe("--help")
    assert answer.exit == 75
    assert answer.out.startswith("usage: mailgate deliver")


def test_no_message_leads_to_an_exit_status_outside_the_table() -> None:
    assert {status.Status(code).exit for code in status.REFUSED.values()} <= set(status.EXITS)
    assert status.temporary().exit == status.misconfigured("x").exit == 75


def test_a_delivery_killed_between_commit_and_answer_is_not_repeated(pipe: Pipe) -> None:
    """The mail server never got our 0, so it delivers again: one record all the same."""
    program = (
        "import os, signal, sys; from mailgate.inbound import pipe as deliver\n"
        "deliver._leave = lambda code, line: os.kill(os.getpid(), signal.SIGKILL)\n"
        "deliver.main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, "-C", str(pipe.config), "-f", BOB, "support@example.com"]
    assert pipe(command=command).exit == -signal.SIGKILL
    assert pipe.count("record") == 1
    assert pipe("-f", BOB, "support@example.com").exit == 0
    assert (pipe.count("record"), pipe.count("message")) == (1, 1)


def test_a_delivery_killed_anywhere_and_repeated_is_taken_once(pipe: Pipe) -> None:
    """SIGKILL after a growing delay, then the redelivery: exactly one record for each message."""
    for turn in range(12):
        message = MESSAGE.replace(b"<fire@", b"<fire%d@" % turn)
        process = subprocess.Popen(pipe.command("-f", BOB, "support@example.com"), stdin=subprocess.PIPE)
        assert process.stdin
        process.stdin.write(message)
        process.stdin.close()
        time.sleep(0.02 * turn)
        process.kill()
        process.wait()
        assert pipe("-f", BOB, "support@example.com", message=message).exit == 0
        assert pipe.count("record") == turn + 1
    assert pipe.one("PRAGMA integrity_check") == "ok"


def test_many_deliveries_at_once_are_all_taken(pipe: Pipe) -> None:
    """Copies of one message for two aliases, all at once: two records."""
    with pipe.store.write() as tx:
        tx.execute("UPDATE alias SET policy = 'everyone'")
    message = MESSAGE.replace(b"To: support@example.com", b"To: support@example.com, closed@example.com")
    crowd = []
    for n in range(12):
        recipient = ("support@example.com", "closed@example.com")[n % 2]
        process = subprocess.Popen(pipe.command("-f", BOB, recipient), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin
        process.stdin.write(message)
        process.stdin.flush()
        crowd.append(process)
    assert [(process.communicate(timeout=90)[0], process.returncode) for process in crowd] == [(b"", 0)] * 12
    assert (pipe.count("record"), pipe.count("message")) == (2, 1)


def test_a_huge_message_costs_little_memory(pipe: Pipe) -> None:
    """Fifty megabytes: less than three times that, on top of the interpreter."""
    program = (
        "import os, re, sys; from mailgate.inbound import pipe as deliver\n"
        "def leave(code, line):\n"  # the high-water mark of this process alone; getrusage counts its parent's too
        "    peak = re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]\n"
        "    os.write(2, peak.encode()); os._exit(code)\n"
        "deliver._leave = leave\n"
        "deliver.main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, "-C", str(pipe.config), "-f", BOB, "support@example.com"]
    message = MESSAGE + (b"x" * 99 + b"\n") * 500_000
    answer = pipe(command=command, message=message)
    assert answer.exit == 0
    assert int(answer.err) * 1024 < 3 * len(message) + 40_000_000


def test_every_message_and_every_deferral_leaves_a_line_in_syslog(pipe: Pipe, tmp_path: Path) -> None:
    """One line a message and the cause of every deferral; the text of a mail cannot forge a line."""
    if os.geteuid() != 0 or os.path.exists("/dev/log"):
        pytest.skip("needs root and a free /dev/log")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind("/dev/log")
    try:
        listener.settimeout(20)
        pipe("-f", BOB, "support@example.com", message=MESSAGE.replace(b"<fire@", b"<fi\x1bre-in-the-log@"))
        line = heard(listener, "re-in-the-log@")
        assert line.startswith("<22>")
        assert "create alias ticket" in line
        assert "to=<support@example.com> id=<fi\ufffdre-in-the-log@client.org>" in line
        pipe.config.write_text("[store\n")
        pipe("-f", BOB, "support@example.com")
        assert str(pipe.config) in heard(listener, "deferred: ConfigError:")
    finally:
        listener.close()
        os.unlink("/dev/log")


@contextlib.contextmanager
def full_log(path: Path) -> Iterator[None]:
    """A system log that nobody reads any more: its queue is full."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as writer, contextlib.suppress(BlockingIOError):
            writer.setblocking(False)
            writer.connect(str(path))
            while True:
                writer.send(b"x" * 512)
        yield


def test_a_deferral_is_logged_with_the_message(pipe: Pipe, tmp_path: Path) -> None:
    """By these it is found in the mail server's queue."""
    path = tmp_path / "log"
    here = f"from mailgate.process import syslog; syslog.SOCKET = {str(path)!r}"
    message = MESSAGE.replace(b"<fire@", b"<waits@")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(20)
        stopped = "from mailgate.gateway import receive\ndef stop(*_): raise OSError('disk')\nreceive.judge = stop"
        assert pipe(command=changed(pipe, f"{here}\n{stopped}"), message=message).exit == 75
        line = heard(listener, "deferred: OSError: disk")
        named = f"- from=<{BOB}> to=<support@example.com> id=<waits@client.org> queue=- size={len(message)}"
        assert f"{named}: deferred" in line
        pipe.config.write_text("[store\n")
        assert pipe(command=changed(pipe, here), message=message).exit == 75
        line = heard(listener, "deferred: ConfigError: ")
        assert f"- from=<{BOB}> to=<support@example.com> id=- queue=- size=-: deferred" in line


class TestSizeOfFiles:
    """Postfix' local(8) starts its commands with a limit of the size of a file (mailbox_size_limit), which the store
    meets one day."""

    CURE = "postconf -e mailbox_size_limit=0 && postfix reload"

    def command(self, pipe: Pipe, path: Path, bound: int) -> list[str]:
        limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({bound}, {bound}))"
        return changed(pipe, f"{limit}; from mailgate.process import syslog; syslog.SOCKET = {str(path)!r}")

    def lines(self, pipe: Pipe, tmp_path: Path, bound: int, exit: int) -> str:
        path = tmp_path / "log"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(path))
            listener.setblocking(False)
            try:
                assert pipe(command=self.command(pipe, path, bound)).exit == exit
                return b"\n".join(iter(lambda: received(listener), b"")).decode()
            finally:
                path.unlink()

    def test_a_store_as_large_as_it_may_be_is_said_with_the_cure(self, pipe: Pipe, tmp_path: Path) -> None:
        for _ in range(2):  # the journal that is left behind cannot be rolled back either
            said = self.lines(pipe, tmp_path, pipe.path.stat().st_size // 2, 75)
            assert "deferred: " in said
            assert "could not be written" in said
            assert self.CURE in said

    def test_a_store_that_is_nearly_as_large_is_said_too(self, pipe: Pipe, tmp_path: Path) -> None:
        size = pipe.path.stat().st_size
        said = self.lines(pipe, tmp_path, int(size * 1.2), 0)
        assert "and the store has " in said
        assert self.CURE in said

    def test_a_store_with_room_says_nothing(self, pipe: Pipe, tmp_path: Path) -> None:
        assert "files of at most" not in self.lines(pipe, tmp_path, pipe.path.stat().st_size * 2, 0)

    def test_another_failure_is_not_blamed_on_it(self, pipe: Pipe, tmp_path: Path) -> None:
        with pipe.store.write() as tx:
            tx.execute("PRAGMA user_version = 99")
        assert "files of at most" not in self.lines(pipe, tmp_path, 1 << 40, 75)


def received(listener: socket.socket) -> bytes:
    """The next line, nothing when there is none."""
    try:
        return listener.recv(4096)
    except BlockingIOError:
        return b""


def changed(pipe: Pipe, statements: str) -> list[str]:
    """The command of a delivery in a process that begins with some statements."""
    program = f"import sys; from mailgate.inbound import pipe\n{statements}\npipe.main(sys.argv[1:])"
    return [sys.executable, "-c", program, "-C", str(pipe.config), "-f", BOB, "support@example.com"]


def test_a_system_log_that_nobody_reads_delays_no_answer(pipe: Pipe, tmp_path: Path) -> None:
    path = tmp_path / "log"
    with full_log(path):
        began = time.monotonic()
        here = f"from mailgate.process import syslog; syslog.SOCKET = {str(path)!r}; pipe.DEADLINE = 20.0"
        assert pipe(command=changed(pipe, here)) == (0, "", "")
        assert time.monotonic() - began < 15, "it waited for the log"
    assert pipe.count("record") == 1


@pytest.mark.parametrize("end", ["time.sleep(60)", "os.kill(os.getpid(), signal.SIGTERM)", "sys.exit(3)"])
def test_what_happens_after_the_commit_changes_no_answer(pipe: Pipe, end: str) -> None:
    """The deadline, a signal, whatever ends the process: the mail server hears what was committed."""
    here = "import os, signal, time; from mailgate.gateway import log; pipe.DEADLINE = 3.0"
    assert pipe(command=changed(pipe, f"{here}\nlog.delivered = lambda receipt: {end}")) == (0, "", "")
    assert pipe.count("record") == 1


class TestWithoutAThread:
    """A process that may have no other thread (RLIMIT_NPROC, a control group) is no reason to bounce mail."""

    NONE = (
        "import _thread\n"
        'def none(*more): raise RuntimeError("can\'t start new thread")\n'
        "_thread.start_new_thread = none\n"
    )

    def test_mail_is_taken(self, pipe: Pipe) -> None:
        assert pipe(command=changed(pipe, self.NONE)) == (0, "", "")
        assert pipe.count("record") == 1

    def test_the_deadline_holds(self, pipe: Pipe) -> None:
        command = changed(pipe, f"{self.NONE}pipe.DEADLINE = 2.0")
        with database.locked(str(pipe.path), 1.0):
            answer = pipe(command=command)
        assert (answer.exit, answer.out[:6]) == (75, "4.3.0 ")


class TestFaultOfTheMachine:
    """What the machine cannot do for a moment defers: mail was held as `failed`, and its answer was never sent."""

    REPORT = (
        MESSAGE.replace(b"support@", b"bounce@")
        .replace(
            b"Subject:",
            b'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\nSubject:',
        )
        .replace(
            b"Please come.\n",
            b"--b\n\nNo.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.client.org\n\n"
            b"Final-Recipient: rfc822; jane@client.org\nAction: failed\nStatus: 5.1.1\n--b--\n",
        )
    )

    @pytest.mark.parametrize("module", ["mailgate.reports.dsn", "mailgate.reports.body"])
    def test_a_module_that_is_away_for_a_moment(self, pipe: Pipe, module: str) -> None:
        command = [*changed(pipe, f"sys.modules[{module!r}] = None")[:-1], "bounce@example.com"]
        assert pipe(command=command, message=self.REPORT).exit == 75
        assert pipe.count("message") == 0
        assert pipe("-f", "", "bounce@example.com", message=self.REPORT).exit == 0
        assert (pipe.count("failure"), pipe.count("held")) == (1, 0)

    def test_a_codec_that_cannot_be_loaded(self, pipe: Pipe) -> None:
        message = MESSAGE.replace(b"Subject: The", b"Subject: =?iso-8859-1?q?caf=E9?= The")
        broken = "import encodings; encodings._cache['cp1252'] = None"
        assert pipe(command=changed(pipe, broken), message=message).exit == 75
        assert pipe.count("message") == 0


def wait_until_caught(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Wait until a process has its handler for a signal: the interpreter's first moments are nobody's."""
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        if int(caught.split()[1], 16) >> (number - 1) & 1:
            return
        time.sleep(0.02)


def heard(listener: socket.socket, text: str) -> str:
    """The next line with a text; other programs log too."""
    while True:
        line = listener.recv(4096).decode()
        if text in line:
            return line


def test_the_worker_holds_nothing_of_the_pipe(pipe: Pipe, tmp_path: Path) -> None:
    """A refusal starts a worker; the mail server must not have to wait for it."""
    slow = tmp_path / "sendmail"
    slow.write_text(f"#!/bin/sh\ncat > {tmp_path}/sent\nsleep 5\ntouch {tmp_path}/done\n")
    slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
    pipe.config.write_text(
        f'[store]\nurl = "sqlite:///{pipe.path}"\n[submit]\nmethod = "sendmail"\nsendmail = "{slow}"\n'
    )
    message = MESSAGE.replace(b"support@", b"catchall@")
    assert pipe("-f", BOB, "catchall@example.com", message=message) == (0, "", "")
    assert not (tmp_path / "done").exists()
    for _ in range(300):
        if pipe.one("SELECT state FROM outbox") == "sent":
            break
        time.sleep(0.1)
    assert pipe.one("SELECT state FROM outbox") == "sent"
    assert (tmp_path / "sent").read_bytes().startswith(b"From: MAILER-DAEMON <bounce@example.com>")
