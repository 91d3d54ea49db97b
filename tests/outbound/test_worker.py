"""Sending what is queued: a fake sendmail, a small SMTP server, real workers that are killed."""

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedRWPair
from pathlib import Path

import pytest

from mailgate.outbound import submit, worker
from mailgate.outbound.submit import Result, Sendmail, Smtp
from mailgate.outbound.worker import Tally
from mailgate.settings.config import Config, Submit
from mailgate.store import database, outbox, schema
from mailgate.store.database import Store, Transaction
from mailgate.store.outbox import Draft, QueueEntry
from mailgate.values.problem import StoreError

NOW = 1_700_000_000.0
LETTER = b"From: MAILER-DAEMON <bounce@example.com>\nSubject: Re:\n\n.\nFrom here\n"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    found = schema.open_or_create(tmp_path / "mailgate.db")
    yield found
    found.close()


def queue(opened: Store, *recipients: str, reverse_path: str | None = None, octets: bytes = LETTER) -> list[int]:
    about = "catchall@example.com"
    with opened.write() as tx:
        return [
            outbox.queue(tx, Draft("refusal", "catchall", about, each, "Re:", octets, reverse_path=reverse_path), NOW)
            for each in recipients
        ]


def entries(opened: Store) -> list[QueueEntry]:
    with opened.read() as tx:
        return outbox.listing(tx)


def states(opened: Store) -> list[str]:
    return [entry.state for entry in entries(opened)]


def at(moment: float) -> Callable[[], float]:
    return lambda: moment


# --- sendmail --------------------------------------------------------------------------------------------------------


class Program:
    """A sendmail that notes arguments and message in files numbered by call, then runs a few lines of shell."""

    def __init__(self, folder: Path, then: str = "") -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.path = folder / "sendmail"
        self.path.write_text(
            f"#!/bin/sh\nf=$(mktemp {folder}/call.XXXXXX)\ncat > $f.message\n"
            f'for each in "$@"; do printf \'%s\\n\' "$each"; done > $f.arguments\n'
            f'for recipient; do :; done\necho "$recipient" >> {folder}/log\n{then}\n'
        )
        self.path.chmod(0o755)

    @property
    def log(self) -> list[str]:
        found = self.folder / "log"
        return found.read_text().split() if found.exists() else []

    @property
    def arguments(self) -> list[list[str]]:
        return [path.read_text().split("\n")[:-1] for path in sorted(self.folder.glob("*.arguments"))]

    @property
    def messages(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.folder.glob("*.message"))]

    def config(self, opened: Store) -> Config:
        return Config(None, opened.path, Submit("sendmail", str(self.path)))


def test_sendmail_gets_one_recipient_and_the_octets(opened: Store, tmp_path: Path) -> None:
    program = Program(tmp_path / "bin")
    queue(opened, "bob@client.org")
    assert worker.work(opened, program.config(opened), at(NOW)) == Tally(sent=1)
    assert program.arguments == [["-i", "-f", "<>", "--", "bob@client.org"]]
    assert program.messages == [LETTER]
    assert states(opened) == ["sent"]
    assert worker.work(opened, program.config(opened), at(NOW + 1e6)) == Tally()
    assert len(program.arguments) == 1


@pytest.mark.parametrize("recipient", ["-oQ/tmp/x@client.org", '"a b; $(touch x)"@client.org', "jörg@client.org"])
def test_sendmail_takes_any_recipient_as_an_argument(opened: Store, tmp_path: Path, recipient: str) -> None:
    program = Program(tmp_path / "bin")
    queue(opened, recipient, reverse_path="bounce+1@example.com", octets=b"A: 1\r\n\r\nx\r\n")
    assert worker.work(opened, program.config(opened), at(NOW)) == Tally(sent=1)
    assert program.arguments == [["-i", "-f", "bounce+1@example.com", "--", recipient]]
    assert program.messages == [b"A: 1\n\nx\n"]


def test_a_failure_puts_off_with_the_words_of_the_program_and_stops_nobody(opened: Store, tmp_path: Path) -> None:
    program = Program(tmp_path / "bin", "case $recipient in bad*) printf 'no \\033[31mqueue\\n' >&2; exit 75;; esac")
    queue(opened, "a@client.org", "bad@client.org", "c@client.org")
    assert worker.work(opened, program.config(opened), at(NOW)) == Tally(sent=2, put_off=1, left=1)
    bad = entries(opened)[1]
    assert (bad.state, bad.tries, bad.due_at) == ("queued", 1, NOW + 60)
    assert bad.error == f"{program.path}: exit status 75: no �[31mqueue"


def test_an_error_text_is_capped(opened: Store, tmp_path: Path) -> None:
    program = Program(tmp_path / "bin", "yes x | head -c 1000000; exit 1")
    queue(opened, "bob@client.org")
    worker.work(opened, program.config(opened), at(NOW))
    assert 400 < len(entries(opened)[0].error) <= 500


def test_each_failure_waits_longer(opened: Store, tmp_path: Path) -> None:
    program = Program(tmp_path / "bin", "exit 75")
    queue(opened, "bob@client.org")
    now, waits = NOW, []
    for _ in range(4):
        assert worker.work(opened, program.config(opened), at(now)) == Tally(put_off=1, left=1)
        assert worker.work(opened, program.config(opened), at(now + 1)) == Tally(left=1)
        waits.append(entries(opened)[0].due_at - now)
        now = entries(opened)[0].due_at
    assert waits == [60, 300, 900, 3600]
    Program(tmp_path / "bin")
    assert worker.work(opened, program.config(opened), at(now)) == Tally(sent=1)
    assert entries(opened)[0].error == ""


@pytest.mark.parametrize("mode", [None, 0o644], ids=["missing", "not executable"])
def test_a_program_that_cannot_run_costs_one_try_a_run(opened: Store, tmp_path: Path, mode: int | None) -> None:
    path = tmp_path / "sendmail"
    if mode:
        path.touch(mode)
    config = Config(None, opened.path, Submit("sendmail", str(path)))
    queue(opened, "a@client.org", "b@client.org", "c@client.org")
    assert worker.work(opened, config, at(NOW)) == Tally(put_off=1, left=3)
    assert entries(opened)[0].error == f"{path}: {'Permission denied' if mode else 'No such file or directory'}"
    assert entries(opened)[1].tries == 0


@pytest.mark.parametrize("step", ["close", "seek"])
def test_a_file_that_fails_after_the_program_has_the_message_sends_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    program = Program(tmp_path)
    temporary = tempfile.TemporaryFile

    class Failing:
        """A temporary file that fails once the program has run."""

        def __init__(self) -> None:
            self.file = temporary()

        def __enter__(self) -> "Failing":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()
            if step == "close":
                raise OSError(5, "Input/output error")

        def __getattr__(self, name: str) -> object:
            if name == step and program.log:
                raise OSError(5, "Input/output error")
            return getattr(self.file, name)

    monkeypatch.setattr(tempfile, "TemporaryFile", Failing)
    assert Sendmail(str(program.path)).submit(None, "bob@client.org", LETTER) == Result("sent")


def test_without_a_temporary_file_a_message_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    result = Sendmail(str(Program(tmp_path).path)).submit(None, "bob@client.org", LETTER)
    assert result == Result("later", "temporary file: No space left on device", down=True)


def test_a_program_that_never_ends_is_killed_with_its_children(tmp_path: Path) -> None:
    program = Program(tmp_path / "bin", f"sleep 600 & echo $! > {tmp_path}/child; sleep 600")
    started = time.monotonic()
    result = Sendmail(str(program.path), limit=1.0).submit(None, "bob@client.org", LETTER)
    assert result == Result("later", f"{program.path}: no end after 1 s", down=True)
    assert time.monotonic() - started < 10
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not alive(child):
            break
        time.sleep(0.05)
    assert not alive(child)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_server_that_delivers_in_the_background_is_not_waited_for(opened: Store, tmp_path: Path) -> None:
    program = Program(tmp_path / "bin", f"sleep 60 & echo $! > {tmp_path}/child")
    queue(opened, "bob@client.org")
    started = time.monotonic()
    assert worker.work(opened, program.config(opened), at(NOW)) == Tally(sent=1)
    assert time.monotonic() - started < 10
    child = int((tmp_path / "child").read_text())
    assert alive(child)
    os.kill(child, 9)


def test_a_program_ended_by_a_signal_puts_off(opened: Store, tmp_path: Path) -> None:
    program = Program(tmp_path / "bin", "kill -9 $$")
    queue(opened, "bob@client.org")
    assert worker.work(opened, program.config(opened), at(NOW)) == Tally(put_off=1, left=1)
    assert "ended by signal 9" in entries(opened)[0].error


def test_a_message_that_raises_an_exception_stops_no_other(opened: Store, tmp_path: Path) -> None:
    program = Program(tmp_path / "bin")
    queue(opened, "a\0b@client.org", "c@client.org")
    assert worker.work(opened, program.config(opened), at(NOW)) == Tally(sent=1, put_off=1, left=1)
    assert entries(opened)[0].error == "ValueError: embedded null byte"


# --- none, the lock, the store ---------------------------------------------------------------------------------------


def test_with_method_none_everything_waits(opened: Store) -> None:
    queue(opened, "a@client.org", "b@client.org")
    before = entries(opened)
    assert worker.work(opened, Config(None, opened.path, Submit("none")), at(NOW)) == Tally(left=2)
    assert entries(opened) == before


def test_a_second_worker_goes_away_at_once(opened: Store, tmp_path: Path) -> None:
    program = Program(tmp_path / "bin")
    queue(opened, "bob@client.org")
    with open(f"{opened.path}.work", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert worker.work(opened, program.config(opened), at(NOW)) == Tally(left=1)
    assert program.log == []
    assert worker.work(opened, program.config(opened), at(NOW)) == Tally(sent=1)


def test_the_lock_is_private(opened: Store, tmp_path: Path) -> None:
    worker.work(opened, Program(tmp_path / "bin").config(opened), at(NOW))
    assert stat.S_IMODE(os.stat(f"{opened.path}.work").st_mode) == 0o600


def test_a_message_committed_while_the_lock_is_let_go_is_sent(
    opened: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(tmp_path / "bin")
    alone = worker._alone
    late = ["late@client.org"]

    @contextmanager
    def slow(path: str) -> Iterator[bool]:
        with alone(path) as free:
            yield free
            if late:  # its own worker would find the lock held now, and go away
                queue(opened, late.pop())

    monkeypatch.setattr(worker, "_alone", slow)
    queue(opened, "bob@client.org")
    assert worker.work(opened, program.config(opened), at(NOW)) == Tally(sent=2)
    assert program.log == ["bob@client.org", "late@client.org"]


def test_nothing_is_locked_during_a_submission(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Looking:
        def submit(self, reverse_path: str | None, recipient: str, octets: bytes) -> Result:
            other = database.open_existing(opened.path, wait=0.0)
            with other.write() as tx:
                outbox.queue(tx, Draft("refusal", "catchall", "", "later@client.org", "", b""), NOW + 3_600)
            other.close()
            return Result("sent")

        def close(self) -> None:
            pass

    monkeypatch.setattr(submit, "way", lambda settings: Looking())
    queue(opened, "bob@client.org")
    assert worker.work(opened, Config(None, opened.path), at(NOW)) == Tally(sent=1, left=1)


def test_a_store_that_fails_raises_nothing(opened: Store, tmp_path: Path) -> None:
    program = Program(tmp_path / "bin")
    queue(opened, "a@client.org")
    busy = database.open_existing(opened.path, wait=0.1)
    with opened.write():
        assert worker.work(busy, program.config(opened), at(NOW)) == Tally()
    busy.close()
    assert program.log == []
    assert worker.work(opened, program.config(opened), at(NOW)) == Tally(sent=1)


# --- real workers ----------------------------------------------------------------------------------------------------

WORKER = """
import sys
from mailgate.store import database
from mailgate.outbound import worker
from mailgate.settings.config import Config, Submit
opened = database.open_existing(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[3])):
    print(*worker.work(opened, Config(None, sys.argv[1], Submit("sendmail", sys.argv[2]))))
"""


def start(opened: Store, program: Program, rounds: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, opened.path, str(program.path), str(rounds)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_two_workers_with_200_messages_send_none_twice(opened: Store, tmp_path: Path) -> None:
    program = Program(tmp_path / "bin")
    recipients = [f"{number}@client.org" for number in range(200)]
    queue(opened, *recipients)
    workers = [start(opened, program, 20) for _ in range(2)]
    for process in workers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=100)[0].splitlines() for process in workers]
    assert sum(int(line.split()[0]) for lines in said for line in lines) == 200
    assert sorted(program.log) == sorted(recipients)
    assert set(states(opened)) == {"sent"}


def test_a_worker_killed_between_claim_and_settle_costs_a_lease_and_no_message(opened: Store, tmp_path: Path) -> None:
    program = Program(tmp_path / "bin", "kill -9 $PPID; sleep 0.1")
    queue(opened, "bob@client.org")
    process = start(opened, program, 1)
    process.communicate("go\n", timeout=30)
    assert process.returncode == -9
    assert program.log == ["bob@client.org"]
    assert entries(opened)[0].state == "queued"
    healthy = Program(tmp_path / "healthy")
    assert worker.work(opened, healthy.config(opened), time.time) == Tally(left=1)
    later = time.time() + outbox.LEASE + 1
    assert worker.work(opened, healthy.config(opened), at(later)) == Tally(sent=1)
    assert healthy.log == ["bob@client.org"]
    assert entries(opened)[0].tries == 2


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)])
def test_a_worker_that_is_asked_to_stop_records_what_it_handed_over(
    opened: Store, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    program = Program(tmp_path / "bin", f"kill -{number} $PPID; sleep 0.5")
    queue(opened, "bob@client.org", "jane@client.org")
    process = start(opened, program, 1)
    process.communicate("go\n", timeout=30)
    assert process.returncode == status
    assert program.log == ["bob@client.org"]
    assert states(opened) == ["sent", "queued"]


def test_a_second_interrupt_ends_a_worker_at_once(opened: Store, tmp_path: Path) -> None:
    program = Program(tmp_path / "bin", "kill -INT $PPID; sleep 0.5; kill -INT $PPID; sleep 3")
    queue(opened, "bob@client.org")
    process = start(opened, program, 1)
    process.communicate("go\n", timeout=30)
    assert process.returncode == -signal.SIGINT
    assert states(opened) == ["queued"]


def test_what_was_not_handed_over_is_given_back(opened: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    octets = outbox.octets

    def stopped(tx: Transaction, number: int) -> bytes:
        signal.raise_signal(signal.SIGINT)
        return octets(tx, number)

    program = Program(tmp_path / "bin")
    queue(opened, "bob@client.org")
    before = entries(opened)
    monkeypatch.setattr(outbox, "octets", stopped)
    with pytest.raises(KeyboardInterrupt):
        worker.work(opened, program.config(opened), at(NOW))
    assert entries(opened) == before
    assert program.log == []
    monkeypatch.setattr(outbox, "octets", octets)
    assert worker.work(opened, program.config(opened), at(NOW)) == Tally(sent=1), "no lease has to run out"


def test_what_could_not_be_read_is_given_back(opened: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(tx: Transaction, number: int) -> bytes:
        raise StoreError("disk I/O error")

    queue(opened, "bob@client.org")
    before = entries(opened)
    monkeypatch.setattr(outbox, "octets", fails)
    assert worker.work(opened, Program(tmp_path / "bin").config(opened), at(NOW)) == Tally()
    assert entries(opened) == before


def test_a_record_that_fails_is_made_again(opened: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader holds the store while COMMIT waits: it fails, and was tried once before; the message went out twice."""
    monkeypatch.setattr(worker, "_PAUSES", (0.05,))
    program = Program(tmp_path / "bin", f"touch {tmp_path}/taken; while [ ! -e {tmp_path}/held ]; do sleep 0.02; done")
    queue(opened, "bob@client.org")
    impatient = database.open_existing(opened.path, wait=0.1)

    def reader() -> None:
        while not (tmp_path / "taken").exists():
            time.sleep(0.02)
        other = database.open_existing(opened.path)
        with other.read() as tx:
            outbox.left(tx)
            (tmp_path / "held").touch()
            time.sleep(1.0)
        other.close()

    thread = threading.Thread(target=reader)
    thread.start()
    assert worker.work(impatient, program.config(opened), at(NOW)) == Tally(sent=1)
    thread.join()
    impatient.close()
    assert program.log == ["bob@client.org"]
    assert states(opened) == ["sent"]


# --- SMTP ------------------------------------------------------------------------------------------------------------

Answers = dict[str, str]


class Server:
    """An SMTP server that answers by a table: first words of a line -> reply; "" hangs up."""

    def __init__(self, answers: Answers, greeting: str = "220 sink ESMTP", ehlo: tuple[str, ...] = ("sink",)) -> None:
        self.answers, self.greeting, self.ehlo = answers, greeting, ehlo
        self.lines: list[str] = []
        self.messages: list[bytes] = []
        self.connections = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection, connection.makefile("rwb") as stream, suppress(OSError):
                self._talk(stream)

    def _talk(self, stream: BufferedRWPair) -> None:
        def say(*lines: str) -> None:
            stream.write("".join(f"{line}\r\n" for line in lines).encode())
            stream.flush()

        say(self.greeting)
        while line := stream.readline().decode("utf-8").rstrip("\r\n"):
            verb, space, rest = line.partition(" ")
            verb = verb.upper()
            line = f"{verb}{space}{rest}"
            self.lines.append(line)
            reply = next((reply for start, reply in self.answers.items() if line.startswith(start)), None)
            if reply == "":
                return
            if reply is not None:
                say(reply)
            elif verb == "EHLO":
                *first, last = self.ehlo
                say(*(f"250-{each}" for each in first), f"250 {last}")
            elif verb == "DATA":
                say("354 go on")
                body = b""
                while (chunk := stream.readline()) not in (b".\r\n", b""):
                    body += chunk.removeprefix(b".")
                self.messages.append(body)
                say(self.answers.get("<body>", "250 2.0.0 taken"))
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def config(self, opened: Store) -> Config:
        return Config(None, opened.path, Submit("smtp", host="127.0.0.1", port=self.port))


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(answers: Answers | None = None, **more: object) -> Server:
        servers.append(Server(answers or {}, **more))
        return servers[-1]

    yield make
    for server in servers:
        server.socket.close()


def test_smtp_sends_with_a_null_reverse_path(opened: Store, serve: Callable[..., Server]) -> None:
    server = serve()
    queue(opened, "bob@client.org")
    assert worker.work(opened, server.config(opened), at(NOW)) == Tally(sent=1)
    assert server.lines[1:] == ["MAIL FROM:<>", "RCPT TO:<bob@client.org>", "DATA", "QUIT"]
    assert server.messages == [LETTER.replace(b"\n", b"\r\n")]
    assert states(opened) == ["sent"]


def test_smtp_uses_one_connection_for_all(opened: Store, serve: Callable[..., Server]) -> None:
    server = serve()
    queue(opened, "a@client.org", '"a b"@client.org', reverse_path="bounce+1@example.com")
    assert worker.work(opened, server.config(opened), at(NOW)) == Tally(sent=2)
    assert server.connections == 1
    assert [line for line in server.lines if line.startswith("RCPT")] == [
        "RCPT TO:<a@client.org>",
        'RCPT TO:<"a b"@client.org>',
    ]
    assert "MAIL FROM:<bounce+1@example.com>" in server.lines


def test_smtp_connects_again_when_the_server_has_hung_up(opened: Store, serve: Callable[..., Server]) -> None:
    server = serve({"RSET": ""})
    queue(opened, "a@client.org", "b@client.org", "c@client.org")
    assert worker.work(opened, server.config(opened), at(NOW)) == Tally(sent=3)
    assert server.connections == 3


@pytest.mark.parametrize(
    ("answers", "tally", "error"),
    [
        ({"RCPT TO:<b@": "550 5.1.1 no such user"}, Tally(sent=2, refused=1), "RCPT: 550 5.1.1 no such user"),
        ({"RCPT TO:<b@": "451 4.7.1 greylisted"}, Tally(sent=2, put_off=1, left=1), "RCPT: 451 4.7.1 greylisted"),
    ],
)
def test_smtp_what_is_said_about_one_recipient_stops_nobody(
    opened: Store, serve: Callable[..., Server], answers: Answers, tally: Tally, error: str
) -> None:
    server = serve(answers)
    queue(opened, "a@client.org", "b@client.org", "c@client.org")
    assert worker.work(opened, server.config(opened), at(NOW)) == tally
    assert entries(opened)[1].error == f"127.0.0.1:{server.port}: {error}"
    assert entries(opened)[1].state == ("failed" if tally.refused else "queued")
    assert len(server.messages) == 2


@pytest.mark.parametrize(
    ("answers", "tally", "error"),
    [
        ({"MAIL": "451 later"}, Tally(put_off=2, left=2), "MAIL: 451 later"),
        ({"MAIL": "530 5.7.0 log in first"}, Tally(put_off=2, left=2), "MAIL: 530 5.7.0 log in first"),
        ({"DATA": "554 no"}, Tally(refused=2), "DATA: 554 no"),
        ({"DATA": "451 not now"}, Tally(put_off=2, left=2), "DATA: 451 not now"),
        ({"<body>": "550 5.7.1 spam"}, Tally(refused=2), "DATA: 550 5.7.1 spam"),
        ({"<body>": "452 4.3.1 full"}, Tally(put_off=2, left=2), "DATA: 452 4.3.1 full"),
        ({"MAIL": "421 going down"}, Tally(put_off=1, left=2), "MAIL: 421 going down"),
        ({"MAIL": ""}, Tally(put_off=1, left=2), "Connection unexpectedly closed"),
        ({"EHLO": "", "HELO": ""}, Tally(put_off=1, left=2), "Connection unexpectedly closed"),
    ],
)
def test_an_smtp_answer_sends_puts_off_or_fails_a_message(
    opened: Store, serve: Callable[..., Server], answers: Answers, tally: Tally, error: str
) -> None:
    server = serve(answers)
    queue(opened, "a@client.org", "b@client.org")
    assert worker.work(opened, server.config(opened), at(NOW)) == tally
    assert entries(opened)[0].error == f"127.0.0.1:{server.port}: {error}"


def test_smtp_a_server_that_is_down_costs_one_try_a_run(opened: Store, serve: Callable[..., Server]) -> None:
    server = serve(greeting="554 no service")
    queue(opened, "a@client.org", "b@client.org", "c@client.org")
    assert worker.work(opened, server.config(opened), at(NOW)) == Tally(put_off=1, left=3)
    assert entries(opened)[0].error == f"127.0.0.1:{server.port}: 554 no service"
    server.socket.shutdown(socket.SHUT_RDWR)
    server.socket.close()
    assert worker.work(opened, server.config(opened), at(NOW)) == Tally(put_off=1, left=3)
    assert entries(opened)[1].error == f"127.0.0.1:{server.port}: Connection refused"
    assert [entry.tries for entry in entries(opened)] == [1, 1, 0]


def test_smtp_a_server_that_says_nothing_is_given_up(serve: Callable[..., Server]) -> None:
    server = serve()
    server.socket.close()
    silent = socket.create_server(("127.0.0.1", 0))
    with silent:
        way = Smtp("127.0.0.1", silent.getsockname()[1], limit=0.3)
        result = way.submit(None, "bob@client.org", LETTER)
        way.close()
    assert (result.verdict, result.down) == ("later", True)
    assert result.error.endswith(": timed out")


def test_smtp_a_recipient_beyond_ascii_needs_smtputf8(opened: Store, serve: Callable[..., Server]) -> None:
    octets = "To: jörg@client.org\n\nx\n".encode()
    server = serve(ehlo=("sink", "8BITMIME", "SMTPUTF8"))
    queue(opened, "jörg@client.org", octets=octets)
    assert worker.work(opened, server.config(opened), at(NOW)) == Tally(sent=1)
    assert server.lines[1:3] == ["MAIL FROM:<> BODY=8BITMIME SMTPUTF8", "RCPT TO:<jörg@client.org>"]
    old = serve(ehlo=("sink", "8BITMIME"))
    queue(opened, "jörg@client.org", "bob@client.org", octets=octets)
    assert worker.work(opened, old.config(opened), at(NOW)) == Tally(sent=1, refused=1)
    failed = entries(opened)[1]
    assert failed.state == "failed"
    assert "<jörg@client.org> needs SMTPUTF8 (RFC 6531), which this server does not offer" in failed.error
    assert old.lines[2:4] == ["MAIL FROM:<> BODY=8BITMIME", "RCPT TO:<bob@client.org>"]


def test_smtp_a_plain_server_is_asked_for_nothing(opened: Store, serve: Callable[..., Server]) -> None:
    server = serve({"EHLO": "502 what?"})
    queue(opened, "bob@client.org", octets="X: ü\n\nü\n".encode())
    assert worker.work(opened, server.config(opened), at(NOW)) == Tally(sent=1)
    assert "MAIL FROM:<>" in server.lines


def test_smtp_no_recipient_adds_a_command(opened: Store, serve: Callable[..., Server]) -> None:
    server = serve()
    queue(opened, "a@client.org>\r\nRCPT TO:<b@client.org", "c@client.org")
    assert worker.work(opened, server.config(opened), at(NOW)) == Tally(sent=1, put_off=1, left=1)
    assert [line for line in server.lines if "RCPT" in line] == ["RCPT TO:<c@client.org>"]
