"""The guard alone, with a stand-in for Python: nothing but mailgate's own answers passes."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .faults import GUARD, PYTHON, replaced
from .machine import Machine
from .polling import until
from .servers import Server

pytestmark = pytest.mark.mta

# Run as: python -I -m mailgate deliver STATUS TEXT
SAYS = """\
#!/bin/sh
shift 4
printf '%b' "$2"
exit $1
"""
WAITS = """\
#!/bin/sh
: >/var/tmp/started
while [ ! -e /var/tmp/go ]; do sleep 0.02; done
echo 5.1.1 no
exit 67
"""
ECHOES = """\
#!/bin/sh
printf 4.0.0
printf '<%s>' "$@"
tr '\\0' N
exit 77
"""
OWN = (0, 65, 67, 75, 77)


@contextmanager
def _instead_of_python(server: Server, script: str) -> Iterator[Machine]:
    with replaced(server.machine, PYTHON, script):
        yield server.machine


def _run(machine: Machine, *argv: str, stdin: str = "") -> tuple[int, str]:
    done = machine.run(GUARD, *argv, user="mailgate", stdin=stdin, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_only_the_own_statuses_pass(postfix: Server) -> None:
    every = f'n=0; while [ $n -lt 256 ]; do {GUARD} $n "5.0.0 said"; echo "= $?"; n=$((n + 1)); done'
    with _instead_of_python(postfix, SAYS) as machine:
        answers = machine.run("sh", "-c", every, user="mailgate").stdout.split("= ")
    statuses = [int(a.partition("\n")[0]) for a in answers[1:]]
    assert statuses == [n if n in OWN else 75 for n in range(256)]


def test_a_refusal_keeps_its_text(postfix: Server) -> None:
    with _instead_of_python(postfix, SAYS) as machine:
        said = "5.1.1 <x@example.com>: no such address here\n"
        assert _run(machine, "67", said) == (67, said)
        assert _run(machine, "75", "4.3.0 later\n") == (75, "4.3.0 later\n")


def test_success_is_silent(postfix: Server) -> None:
    with _instead_of_python(postfix, SAYS) as machine:
        assert _run(machine, "0", "5.1.1 stray output\n") == (0, "")


@pytest.mark.parametrize("status", ["1", "75", "78", "127"])
def test_no_stray_status_leads_the_output_of_a_failure(postfix: Server, status: str) -> None:
    """Postfix would believe it, and bounce the mail."""
    with _instead_of_python(postfix, SAYS) as machine:
        code, output = _run(machine, status, "5.1.1 first\n5.1.2 second\n")
    assert code == 75
    assert output == f"4.3.0 mailgate-pipe: mailgate ended with status {status}: 5.1.2 second\n"


def test_much_output_is_cut(postfix: Server) -> None:
    """Postfix closes the pipe after 4096 bytes; Exim kills after 20 KB."""
    with _instead_of_python(postfix, SAYS) as machine:
        code, output = _run(machine, "1", "x" * 100_000)
    assert code == 75
    assert output.startswith("4.3.0 ")
    assert len(output.encode()) < 500


@pytest.mark.parametrize("signal", [1, 2, 6, 9, 11, 13, 14, 15])
def test_death_by_a_signal_is_a_failure(postfix: Server, signal: int) -> None:
    with _instead_of_python(postfix, f"#!/bin/sh\nkill -{signal} $$\n") as machine:
        code, output = _run(machine)
    assert code == 75
    assert output.startswith("4.3.0 ")


def test_no_process_to_be_had_is_a_failure(postfix: Server) -> None:
    """A shell that cannot fork ends with a status that Postfix bounces."""
    one_process = ("prlimit", "--nproc=1:1", "--", GUARD)
    assert postfix.machine.run(*one_process, user="mailgate", check=False).returncode == 75


def test_arguments_and_input_pass_unchanged(postfix: Server) -> None:
    argv = ["-f", "", "--", "a b", "$(id)", "`id`", "'\"", "*", "-x", "jörg@example.org", "new\nline"]
    stdin = "From: x\r\n\0\x7f\n\nno newline at the end"
    with _instead_of_python(postfix, ECHOES) as machine:
        code, output = _run(machine, *argv, stdin=stdin)
    assert code == 77
    called = "".join(f"<{a}>" for a in ["-I", "-m", "mailgate", "deliver", *argv])
    assert output == f"4.0.0{called}{stdin}\n".replace("\0", "N").replace("\r\n", "\n")


def test_a_signal_to_the_guard_does_not_hide_the_answer(postfix: Server) -> None:
    """A shell that dies here would bounce the mail behind Exim."""
    with _instead_of_python(postfix, WAITS) as machine:
        command = machine.command("sh", "-c", f"echo $$ >/var/tmp/pid; exec {GUARD}")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/") as guard:
            until(machine.path("/var/tmp/started").exists, "the stand-in to start")
            for signal in ("-HUP", "-INT", "-TERM"):
                machine.run("kill", signal, machine.path("/var/tmp/pid").read_text().strip())
            machine.path("/var/tmp/go").touch()
            output, _ = guard.communicate()
    assert (guard.returncode, output) == (67, "5.1.1 no\n")
