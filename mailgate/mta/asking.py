"""Run the programs of the mail server on this machine, and ask it at its port: the answers that checks are made of."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence

from mailgate.mta import session
from mailgate.mta.check import Greeting
from mailgate.mta.postfix_class import Route, Unanswered
from mailgate.mta.session import Endpoint, Silent
from mailgate.mta.stranger import Answer, Asked, Question

_PATHS = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/exim/bin")
_WAIT = 20.0
"""Seconds for one program."""
_LIMIT = 1 << 20
_ASKED = 20
"""Domains that the running server is asked about; its tables are asked about all."""
_NOTICED = 12.0
"""Seconds within which Postfix notices a new domain: trivial-rewrite(8) looks every ten."""
_TAKEN = Answer("taken", "")
_PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "smtps": 465, "lmtp": 24}
_SUBMISSION = ("submission", "submissions", "smtps", "465", "587")


def program(name: str) -> str | None:
    """The path of a program of the mail server."""
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *_PATHS)))


def run(name: str, *arguments: str, failing: bool = False, stdin: str = "") -> tuple[str | None, str]:
    """What a program of the mail server prints, or None and why it does not.

    `failing`: its exit status is ignored, and what it says on standard error is the second value.
    """
    words: Sequence[str] = [program(name) or name, *arguments]
    try:
        done = subprocess.run(  # noqa: S603 a program of the mail server, with words of ours
            words, capture_output=True, text=True, errors="replace", timeout=_WAIT, cwd="/", check=False, input=stdin
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"{name} cannot be run: {getattr(error, 'strerror', None) or error}"
    if done.returncode and not failing:
        return None, (done.stderr.strip().splitlines() or [f"{name} ended with status {done.returncode}"])[-1][:300]
    return done.stdout[:_LIMIT], done.stderr[:_LIMIT] if failing else ""


def postmap(table: str, keys: Sequence[str]) -> Mapping[str, str]:
    """What a table of Postfix says about some keys (`postfix_class.Lookup`). Raises Unanswered.

    A `proxy:` table is asked itself, which works without the server too.
    """
    if table.startswith("/"):
        try:
            with open(table, encoding="utf-8", errors="replace") as file:
                words = set(re.split(r"[\s,]+", file.read().lower()))
        except OSError as error:
            raise Unanswered(f"{table}: {error.strerror}") from error
        return {key: key for key in keys if key in words}
    printed, said = run("postmap", "-q", "-", table.removeprefix("proxy:"), failing=True, stdin="\n".join(keys) + "\n")
    faults = [line for line in said.splitlines() if re.match(r"postmap: (fatal|error|warning): ", line)]
    if printed is None or (faults and not printed):
        raise Unanswered(f"{table}: {(faults or [said])[-1].partition(': ')[2][:200]}")
    return dict(line.partition("\t")[::2] for line in printed.splitlines() if "\t" in line)


def of_routes(routes: Mapping[str, Route], ours: Iterable[str]) -> dict[str, Answer]:
    """What Postfix' settings and tables say. ours: the starts of the destinations that are ours."""
    answers = {}
    for address, route in routes.items():
        if route.unanswered:
            answers[address] = Answer("later" if os.geteuid() == 0 else "unclear", route.unanswered)
        elif route.refusal:
            answers[address] = Answer("refused", route.refusal)
        else:
            text = f"{route.class_ or 'its domain'} has it, and it goes to `{route.destination or 'nowhere'}`"
            answers[address] = Answer("taken", text, any(each in route.destination for each in ours))
    return answers


def asked(
    questions: Sequence[Question],
    ways: Sequence[Mapping[str, Answer]],
    endpoint: Endpoint | None,
    changed_at: float = 0.0,
) -> Asked:
    """The questions with their answers, and with those of the running server itself.

    `changed_at`: when the table of domains was written (epoch seconds); the server may need some seconds to notice.
    """
    if endpoint is None:
        return Asked(questions, ways, "the server has no port for mail from outside that can be asked")
    domains = list(dict.fromkeys(each.domain for each in questions))[:_ASKED]
    try:
        addresses = [each.address for each in questions if each.domain in domains]
        live = session.ask(endpoint, addresses)
        refused = any(live.get(each.address, _TAKEN).said != "taken" for each in questions if each.taken)
        if refused and 0 < (left := changed_at + _NOTICED - time.time()) <= _NOTICED:
            time.sleep(left)
            live = session.ask(endpoint, addresses)
    except Silent as error:
        return Asked(questions, ways, str(error), error.stopped)
    return Asked(questions, [*ways, live])


def postfix_endpoint(services: str, interfaces: str) -> Endpoint | None:
    """Where Postfix takes mail from outside. services: what `postconf -M` prints; interfaces: inet_interfaces."""
    for line in services.splitlines():
        words = line.split()
        if len(words) < 8 or words[1] != "inet" or words[7] not in ("smtpd", "postscreen") or words[0] in _SUBMISSION:
            continue
        host, _, port = words[0].rpartition(":")
        number = int(port) if port.isdecimal() else _PORTS.get(port)
        if number is None or number in (465, 587):
            continue
        first = next(iter(re.split(r"[,\s]+", interfaces.strip())), "")
        return Endpoint(_loopback(host.strip("[]") or first), number)
    return None


def exim_endpoint(interfaces: str, ports: str) -> Endpoint | None:
    """Where Exim listens. interfaces: local_interfaces; ports: daemon_smtp_ports."""
    port = next(iter(re.findall(r"\w+", ports)), "smtp")
    default = int(port) if port.isdecimal() else _PORTS.get(port, 25)
    items = (
        re.split(r"\s*;\s*", interfaces.strip()[2:]) if interfaces.strip().startswith("<;") else interfaces.split(" : ")
    )
    for item in filter(None, map(str.strip, items)):
        if match := re.fullmatch(r"\[?(\d+\.\d+\.\d+\.\d+)\]?(?:[.:](\d+))?", item):
            return Endpoint(_loopback(match[1]), int(match[2] or default))
    return Endpoint("127.0.0.1", default)


def _loopback(host: str) -> str:
    return "127.0.0.1" if host in ("", "all", "0.0.0.0", "loopback-only", "localhost", "::") else host  # noqa: S104


def lmtp(target: str, folder: str) -> Greeting | None:
    """What answers at an LMTP server's place, as a mail server writes it. folder: where relative sockets are."""
    kind, _, place = target.partition(":")
    if kind == "unix" and place:
        path = os.path.join(folder, place)
        named, endpoint = f"unix:{path}", Endpoint("", path=path)
    else:
        host, _, port = (place if kind == "inet" else target).rpartition(":")
        number = int(port) if port.isdecimal() else _PORTS.get(port)
        if not host or number is None:
            return None
        named, endpoint = f"{host}:{number}", Endpoint(host.strip("[]"), number)
    try:
        return Greeting(named, session.greeting(endpoint))
    except Silent as error:
        return Greeting(named, error=str(error).rpartition(": ")[2])
