"""Break everything, at every point: connections, servers, ourselves; then count.

    python -m inbound.fetch.disruption [WHAT ...]        from the folder `tests`, as root

runs the full figures (the tests run a few of each) and prints them. WHAT: mixture, cuts, server, kills.
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from mailgate.gateway import receive
from mailgate.inbound import batch, fetch
from mailgate.mail.incoming import Incoming
from mailgate.settings import config
from mailgate.store import messages, servers
from mailgate.values.server import Secret, Server

from . import dovecot
from .conftest import Collector, mail
from .dovecot import Account, Dovecot, together
from .fake import Wire

DONE = {"imap": "move:Done", "pop": "delete"}
_HUGE = 300_000


def mixture(name: str, count: int, poison: int, huge: int, duplicates: int, reports: int) -> list[bytes]:
    """Messages in an order that chance, seeded by the name, has chosen; each can be told apart but the duplicates."""
    dice = random.Random(name)
    plain = [mail(f"{name}-{n}", body=f"Text {n}.\n") for n in range(count - poison - huge - duplicates - reports)]
    found = plain + [dice.choice(plain) for _ in range(duplicates)]
    found += [mail(f"{name}-huge-{n}", body=("x" * 70 + "\n") * (_HUGE // 71)) for n in range(huge)]
    found += [_report(f"{name}-{n}") for n in range(reports)]
    found += [_poison(f"{name}-poison-{n}", n) for n in range(poison)]
    dice.shuffle(found)
    return found


def _report(name: str) -> bytes:
    return (
        "Return-Path: <>\nReceived: from client.org by mx.box.example\nFrom: MAILER-DAEMON@client.org\n"
        f"To: bounce@example.com\nSubject: Undelivered\nMessage-ID: <report-{name}@client.org>\n"
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.client.org\n\n"
        f"Final-Recipient: rfc822; gone-{name}@client.org\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
    ).encode()


def _poison(name: str, kind: int) -> bytes:
    """What stops simpler programs: each is taken or held all the same."""
    whole = mail(name)
    return [
        whole.replace(b"From: ", b"From: \xff\xfe<<<\x01 "),
        whole.replace(b"Message-ID", b"X-Other"),
        whole.replace(b"\n\n", b'\nContent-Type: multipart/mixed; boundary="\n\n', 1),
        b"no header at all, " + name.encode() + b"\nand no end",
        whole.replace(b"Subject: ", b"Subject: =?unknown-9?q?=ff?= =?utf-8?b?////?= "),
        whole + b"\x80\x81" * 5000,
        whole.replace(b"To: ", b"To: " + b"a@b.example, " * 3000),
        b"\n\n" + whole,
        whole.replace(b"Return-Path: <", b"Return-Path: <<>> <"),
        whole.replace(b"\n\n", b"\nReferences: " + b"<a@b> " * 5000 + b"\n\n", 1),
    ][kind % 10]


class Expected:
    """What becomes of messages that are received one by one in peace, in a store of its own."""

    def __init__(self, collector: Collector, account: Account, sent: Iterable[bytes]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            calm = Collector(Path(folder))
            settings = config.load(str(collector.config), None, {})
            for each in together(sent):
                incoming = Incoming(each, source="fetch", mailbox=account.name)
                if len(each) > settings.max_size:
                    header = each.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                    incoming = incoming._replace(raw=header, full_size=len(each))
                receive.receive(calm.store, settings, incoming, time.time())
            self.found = Found(calm)
            calm.store.close()


class Found:
    """What is in a store, without what depends on the order of things."""

    def __init__(self, collector: Collector) -> None:
        self.raws = Counter(each.rstrip(b"\r\n") for each in together(collector.raws()))  # POP ends the last line
        with collector.store.read() as tx:
            rows = tx.execute("SELECT model, name, rate_key FROM record")
            self.records = Counter(tuple(row) for row in rows)
            rows = tx.execute("SELECT recipient, kind, state FROM failure")
            self.failures = Counter(tuple(row) for row in rows)
            self.held = Counter(row[0] for row in tx.execute("SELECT reason FROM held"))
            self.placements = tx.execute("SELECT count(*) FROM placement").fetchone()[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Found) and self.__dict__ == other.__dict__

    __hash__ = None

    def __str__(self) -> str:
        return (
            f"{sum(self.raws.values())} messages, {sum(self.records.values())} records, "
            f"{sum(self.failures.values())} failures, held {dict(self.held)}"
        )


def check(collector: Collector, account: Account, sent: list[bytes], speaks: str) -> str:
    """Nothing lost, nothing twice, and the mailbox as it should be; what was found, in a line."""
    expected = Expected(collector, account, sent).found
    found = Found(collector)
    assert found == expected, (str(found), str(expected), found.records - expected.records, expected.held)
    large = sum(len(each) > 200_000 for each in together(sent))
    assert len(account.files()) == large, "what is too large stays, and nothing else"
    if speaks == "imap":
        assert len(account.files("Done")) == len(sent) - large
        assert Counter(together(account.messages("Done"))) == Counter(
            each for each in together(sent) if len(each) <= 200_000
        )
    assert list(account.files("Private").values()) == ["T", ""], "nobody else's mail is touched"
    return str(found)


def bystander(account: Account) -> None:
    """A folder that is none of ours, with a message that its owner marked as deleted."""
    account.deliver(mail("private-1"), mail("private-2"), folder="Private")
    first = min((account.home / "Maildir/.Private/new").iterdir())
    first.rename(account.home / "Maildir/.Private/cur" / f"{first.name}:2,T")


def in_peace(collector: Collector, account: Account, speaks: str, sent: list[bytes]) -> str:
    """Everything over TLS, nothing broken."""
    bystander(account)
    account.deliver(*sent)
    collector.add("box", speaks, account, "--done", DONE[speaks], "--limit", "100000")
    collector.ok("fetch")
    return check(collector, account, sent, speaks)


def through_kills(
    collector: Collector, account: Account, speaks: str, waves: int, kills: int, size: int, seed: int
) -> str:
    """SIGKILL `fetch` at random points: in each wave of messages so many times, then let it come to its end."""
    bystander(account)
    collector.add("box", speaks, account, "--done", DONE[speaks], "--limit", "100000")
    started = time.monotonic()
    collector.ok("fetch")
    startup = time.monotonic() - started
    dice = random.Random(seed)
    sent: list[bytes] = []
    died = working = 0
    for wave in range(waves):
        fresh = mixture(f"wave{wave}", size, size // 20, 1, size // 20, size // 20)
        sent += fresh
        account.deliver(*fresh)
        for _ in range(kills):
            before = collector.rows("SELECT count(*) FROM collected WHERE state != 'pending'")[0][0]
            process = subprocess.Popen(
                collector.command("fetch"), env=collector.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                process.wait(dice.uniform(0.3 * startup, 1.5 * startup))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                died += 1
            process.wait()
            working += collector.rows("SELECT count(*) FROM collected WHERE state != 'pending'")[0][0] != before
        collector("fetch", "box")
    collector.ok("fetch", "box")
    collector.ok("fetch", "box")
    return f"{died} killed, {working} of them while messages were taken; {check(collector, account, sent, speaks)}"


def through_server_kills(collector: Collector, account: Account, speaks: str, kills: int, size: int, seed: int) -> str:
    """SIGKILL the server's process for this mailbox at random points while `fetch` runs."""
    bystander(account)
    collector.add("box", speaks, account, "--done", DONE[speaks], "--limit", "100000")
    dice = random.Random(seed)
    sent: list[bytes] = []
    killed = 0
    for turn in range(kills):
        fresh = mixture(f"turn{turn}", size, size // 20, 0, size // 20, size // 20)
        sent += fresh
        account.deliver(*fresh)
        process = subprocess.Popen(
            collector.command("fetch", "box"),
            env=collector.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < end:
            if hit := account.server.kill_sessions():
                killed += hit
                break
            time.sleep(dice.uniform(0.005, 0.05))
        process.wait()
    for _ in range(3):
        collector("fetch", "box")
    collector.ok("fetch", "box")
    return f"{killed} sessions killed; {check(collector, account, sent, speaks)}"


def through_cuts(
    collector: Collector, server: Dovecot, speaks: str, points: Iterable[int], size: int, both: bool
) -> str:
    """Cut the connection at the n-th line of the client, for every n: before the server has it, and in its answer
    (not `both`: in turn)."""
    settings = config.load(str(collector.config), None, {})
    wire = Wire(server.imap if speaks == "imap" else server.pop)
    before, batch.SIZE = batch.SIZE, 1
    cuts = count = 0
    try:
        for point in points:
            for early in (True, False) if both else (point % 2 == 0,):
                account = server.user()
                sent = [mail(f"{speaks}-{point}-{early}-{n}") for n in range(size)]
                account.deliver(*sent, sent[0])
                name = f"box{point}{'ab'[early]}"
                where = Server(name, speaks, "127.0.0.1", wire.port, account.name, _secret(collector), "none")
                with collector.store.write() as tx:
                    row = servers.add(tx, where._replace(done=DONE[speaks]))
                wire.arm(point, before=early)
                fetch.run(collector.store, settings, row)
                wire.arm(None, before=False)
                assert fetch.run(collector.store, settings, row).state == "ok", point
                _each_once(collector, account, f"{speaks}-{point}-{early}-", size, speaks)
                count += size + 1
        cuts = wire.cuts
    finally:
        batch.SIZE = before
        wire.close()
    return f"{cuts} connections cut, {count} messages, each once"


def _secret(collector: Collector) -> Secret:
    return Secret("password-file", str(collector.secret))


def _each_once(collector: Collector, account: Account, prefix: str, size: int, speaks: str) -> None:
    names = [each.removeprefix("Hello ") for each in collector.subjects()]
    mine = Counter(each for each in names if each.startswith(prefix))
    assert mine == Counter(f"{prefix}{n}" for n in range(size)), (prefix, mine)
    with collector.store.read() as tx:
        stored = [each for each in messages.listing(tx) if each.subject.startswith(f"Hello {prefix}")]
    assert len(stored) == size, prefix
    assert account.files() == {}, prefix
    if speaks == "imap":
        assert len(account.files("Done")) == size + 1, prefix
    assert collector.held() == [], prefix


def main(chosen: list[str]) -> None:
    """The full figures."""
    kinds: dict[str, Callable[[Collector, Dovecot, str], str]] = {
        "mixture": lambda collector, server, speaks: in_peace(
            collector, server.user(), speaks, mixture("all", 2000, 10, 5, 20, 30)
        ),
        "server": lambda collector, server, speaks: through_server_kills(collector, server.user(), speaks, 50, 40, 1),
        "kills": lambda collector, server, speaks: through_kills(collector, server.user(), speaks, 20, 10, 100, 1),
        "cuts": lambda collector, server, speaks: through_cuts(
            collector, server, speaks, range(1, 201), 96, both=False
        ),
    }
    with dovecot.running() as server:
        for name in chosen or kinds:
            for speaks in ("imap", "pop"):
                with tempfile.TemporaryDirectory() as folder:
                    started = time.monotonic()
                    said = kinds[name](Collector(Path(folder)), server, speaks)
                    print(f"{name} {speaks}, {time.monotonic() - started:.0f} s: {said}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
