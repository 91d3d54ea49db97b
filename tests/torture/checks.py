"""The checks: each returns its figures, with the violations that it found."""

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from torture import rig
from torture.rig import Answer, Gate

SINGLE = 1
"""How often a message is kept."""
ERRORS = ("ENOSPC", "EIO", "EMFILE", "ENOMEM", "EACCES")


class Figures(NamedTuple):
    """How often something was tried, how often it hit, and what was wrong afterwards."""

    check: str
    tried: int
    hit: int
    violations: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        return {**self._asdict(), "violations": len(self.violations), "first": list(self.violations[:5])}


def kill(most: int, control: str = "") -> Figures:
    """SIGKILL before every system call of the pipe, then the same message again: it is kept once, whole."""
    return _disturbed("kill", most, control, ["signal=KILL"])


def faults(most: int, control: str = "") -> Figures:
    """Every system call of the pipe fails once: the answer is 0 or 75, and 0 only where the message is kept."""
    return _disturbed("faults", most, control, [f"error={error}" for error in ERRORS])


def _disturbed(name: str, most: int, control: str, injections: list[str]) -> Figures:
    violations, hit = [], 0
    with rig.gate(control) as gate:
        kept = gate.folder / "kept"
        shutil.copy(gate.path, kept)
        message = rig.mail(1)
        points = rig.calls(gate, gate.deliver(), message, "mailgate.toml")
        tries = [(point, each) for point in points for each in injections]
        step = max(1.0, len(tries) / most)
        chosen = [tries[int(at * step)] for at in range(min(most, len(tries)))]
        for (call, number), injection in chosen:
            gate.reset(kept)
            trace = ["strace", "-o", "/dev/null", "-e", f"trace={call}"]
            inject = [*trace, "-e", f"inject={call}:{injection}:when={number}"]
            where = f"{call} {number} {injection}"
            answer = rig.run([*inject, *gate.deliver()], message)
            hit += answer.exit != 0
            if answer.exit not in (None, 0, 75):
                violations.append(f"{where}: exit {answer.exit} {answer.line}")
            if answer.exit == 0 and not _is_kept(gate, message):
                violations.append(f"{where}: answered 0 and not kept")
            again = rig.run(gate.deliver(), message)
            if again.exit != 0 or not _is_kept(gate, message):
                violations.append(f"{where}: the second try: {again}, {len(gate.messages())} kept")
    return Figures(name, len(chosen), hit, tuple(violations))


def _is_kept(gate: Gate, *messages: bytes) -> bool:
    """Whether exactly these messages are kept, each on one record, byte for byte."""
    found = gate.messages()
    return Counter(octets for *_, octets in found) == Counter(messages) and all(
        records == SINGLE for _, records, _ in found
    )


def served(most: int, control: str = "") -> Figures:
    """The server is killed at calls that write, while clients hand over: what was answered 0 is kept, once.

    Messages come together, so that they share commits. Each is then delivered again.
    """
    violations, hit, number = [], 0, 0
    points = [(call, at) for at in range(1, most + 1) for call in ("pwrite64", "fdatasync", "unlink", "sendto")]
    for call, at in points[:most]:
        with rig.gate(control) as gate:
            inject = ("strace", "-f", "-o", "/dev/null", "-e", f"trace={call}")
            with gate.served(*inject, "-e", f"inject={call}:signal=KILL:when={at}") as process:
                messages = [rig.mail(number + each) for each in range(6)]
                number += len(messages)
                answers = _together([gate.deliver("client") for _ in messages], messages)
                hit += process.poll() is not None
                _end(process)
            violations += _judged(gate, f"{call} {at}", messages, answers)
    return Figures("served", most, hit, tuple(violations))


def _together(commands: list[list[str]], messages: list[bytes]) -> list[Answer]:
    answers: list[Answer] = [Answer(None)] * len(messages)

    def one(at: int) -> None:
        answers[at] = rig.run(commands[at], messages[at])

    threads = [threading.Thread(target=one, args=(at,)) for at in range(len(messages))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _end(process: "subprocess.Popen[bytes]") -> None:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for child in children.read_text().split() if children.exists() else ():
        try:
            Path(f"/proc/{child}/stat").read_text()
            subprocess.run(["kill", "-9", child], check=False, stderr=subprocess.DEVNULL)
        except OSError:
            continue
    process.kill()
    process.wait()


def _judged(gate: Gate, where: str, messages: list[bytes], answers: list[Answer]) -> list[str]:
    wrong = [f"{where}: {answer}" for answer in answers if answer.exit not in (0, 75)]
    kept = Counter(octets for *_, octets in gate.messages())
    for message, answer in zip(messages, answers, strict=True):
        if answer.exit == 0 and not kept[message]:
            wrong.append(f"{where}: answered 0 and not kept")
    again = [rig.run(gate.deliver(), message) for message in messages]
    if any(answer.exit != 0 for answer in again) or not _is_kept(gate, *messages):
        wrong.append(f"{where}: after the second try {len(gate.messages())} of {len(messages)} kept")
    return wrong


def crowd(most: int, control: str = "") -> Figures:
    """Many processes at once, a third of them killed at any moment, and each message until it is answered 0."""
    violations: list[str] = []
    hit = 0
    with rig.gate(control) as gate:
        messages = [rig.mail(number) for number in range(most)]
        for start in range(0, most, 20):
            batch = messages[start : start + 20]
            processes = [
                subprocess.Popen(gate.deliver(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) for _ in batch
            ]
            for process, message in zip(processes, batch, strict=True):
                assert process.stdin
                process.stdin.write(message)
                process.stdin.close()
            for at, process in enumerate(processes[::3]):
                time.sleep(0.01 * (at % 7))
                process.send_signal(signal.SIGKILL)
            for process, message in zip(processes, batch, strict=True):
                if process.wait(60) != 0:
                    hit += 1
                    if rig.run(gate.deliver(), message).exit != 0:
                        violations.append("a message was not taken")
        if not _is_kept(gate, *messages):
            violations.append(f"{len(gate.messages())} kept of {most}")
    return Figures("crowd", most, hit, tuple(violations))


def lmtp(most: int, control: str = "") -> Figures:
    """The server is killed while clients speak LMTP; each sends its message until it hears 250. It is kept once."""
    violations: list[str] = []
    hit = [0]
    with rig.gate(control) as gate:
        messages = [rig.mail(number) for number in range(most)]
        left = iter(range(most))
        lock = threading.Lock()

        def talk() -> None:
            while True:
                with lock:
                    at = next(left, None)
                if at is None:
                    return
                end = time.monotonic() + 60
                while not _sent(gate, messages[at]):
                    hit[0] += 1
                    if time.monotonic() > end:
                        violations.append("a message was not taken")
                        return
                    time.sleep(0.05)

        threads = [threading.Thread(target=talk) for _ in range(10)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            with gate.served() as process:
                time.sleep(0.7)
                if any(thread.is_alive() for thread in threads):
                    process.kill()
        for thread in threads:
            thread.join()
        if not _is_kept(gate, *map(_on_the_wire, messages)):
            violations.append(f"{len(gate.messages())} kept of {most}")
    return Figures("lmtp", most, hit[0], tuple(violations))


def _on_the_wire(message: bytes) -> bytes:
    return message.replace(b"\n", b"\r\n")


def _sent(gate: Gate, message: bytes) -> bool:
    """One transaction; whether it ended with 250."""
    lines = (b"LHLO x", b"MAIL FROM:<bob@client.org>", b"RCPT TO:<support@example.com>", b"DATA")
    try:
        with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rb") as replies:
            connection.settimeout(20)
            connection.connect(str(gate.folder / "lmtp.sock"))
            replies.readline()
            for line in lines:
                connection.sendall(line + b"\r\n")
                while (reply := replies.readline())[3:4] == b"-":
                    pass
                if reply[:1] not in (b"2", b"3"):
                    return False
            connection.sendall(_on_the_wire(message) + b".\r\n")
            return replies.readline().startswith(b"250")
    except OSError:
        return False
