"""What is owed: claims with a lease, growing delays, and that two workers never have the same debt."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgate.store import database, outbox
from mailgate.values.problem import NotFound, Problem

NOW = 1_700_000_000.0


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[database.Store]:
    found = database.open_or_create(tmp_path / "mailgate.db")
    yield found
    found.close()


@pytest.fixture
def tx(opened: database.Store) -> Iterator[sqlite3.Connection]:
    with opened.write() as transaction:
        yield transaction


def owe(tx: sqlite3.Connection, recipient: str = "bob@client.org", now: float = NOW) -> int:
    return outbox.queue(
        tx, "refusal", "catchall", "catchall@example.com", recipient, None, "Re: Hi", b"Subject: x\n\n", None, now
    )


def test_a_debt_is_claimed_and_sent_once(tx: sqlite3.Connection) -> None:
    number = owe(tx)
    assert outbox.due(tx, NOW)
    debt = outbox.claim(tx, "a", NOW)
    assert debt is not None
    assert (debt.number, debt.tries, debt.reverse_path, debt.octets) == (number, 1, None, b"Subject: x\n\n")
    assert outbox.claim(tx, "b", NOW) is None
    assert not outbox.due(tx, NOW)
    assert outbox.left(tx) == 1
    assert outbox.sent(tx, number, "a")
    assert outbox.get(tx, number).state == "sent"
    assert outbox.claim(tx, "a", NOW + 1e9) is None
    assert outbox.left(tx) == 0


def test_the_oldest_debt_comes_first_and_none_before_its_time(tx: sqlite3.Connection) -> None:
    owe(tx, "late@client.org", NOW + 10)
    owe(tx, "first@client.org", NOW - 10)
    owe(tx, "second@client.org", NOW)
    claimed = [debt.recipient for _ in range(3) if (debt := outbox.claim(tx, "a", NOW))]
    assert claimed == ["first@client.org", "second@client.org"]


def test_delays_grow_and_never_end(tx: sqlite3.Connection) -> None:
    number, now = owe(tx), NOW
    delays = []
    for _ in range(9):
        debt = outbox.claim(tx, "a", now)
        assert debt is not None
        assert outbox.put_off(tx, debt, "a", "nobody at home", now)
        found = outbox.get(tx, number)
        assert (found.state, found.error) == ("queued", "nobody at home")
        delays.append(found.due - now)
        assert outbox.claim(tx, "a", found.due - 1) is None
        now = found.due
    assert delays == [60, 300, 900, 3_600, 10_800, 21_600, 43_200, 43_200, 43_200]
    assert outbox.get(tx, number).tries == 9


def test_what_is_refused_stays_visible(tx: sqlite3.Connection) -> None:
    number = owe(tx)
    outbox.claim(tx, "a", NOW)
    assert outbox.refuse(tx, number, "a", "550 no such user")
    found = outbox.get(tx, number)
    assert (found.state, found.error) == ("failed", "550 no such user")
    assert outbox.claim(tx, "a", NOW + 1e9) is None
    assert outbox.left(tx) == 0
    assert outbox.retry(tx, number, NOW).state == "queued"
    assert outbox.claim(tx, "a", NOW) is not None


def test_a_claim_of_a_dead_worker_runs_out(tx: sqlite3.Connection) -> None:
    owe(tx)
    assert outbox.claim(tx, "dead", NOW) is not None
    assert outbox.claim(tx, "alive", NOW + outbox.LEASE - 1) is None
    debt = outbox.claim(tx, "alive", NOW + outbox.LEASE)
    assert debt is not None
    assert debt.tries == 2


@pytest.mark.parametrize("verdict", ["sent", "put_off", "refuse"])
def test_a_late_worker_does_not_disturb_the_new_one(tx: sqlite3.Connection, verdict: str) -> None:
    number = owe(tx)
    late = outbox.claim(tx, "late", NOW)
    assert late is not None
    later = NOW + outbox.LEASE

    def settle() -> bool:
        if verdict == "sent":
            return outbox.sent(tx, number, "late")
        if verdict == "refuse":
            return outbox.refuse(tx, number, "late", "550")
        return outbox.put_off(tx, late, "late", "451", later)

    assert outbox.claim(tx, "new", later) is not None
    before = outbox.get(tx, number)
    assert not settle()
    assert outbox.get(tx, number) == before
    assert outbox.sent(tx, number, "new")
    assert not settle()
    assert outbox.get(tx, number).state == "sent"


def test_a_late_worker_may_still_settle_what_nobody_took_over(tx: sqlite3.Connection) -> None:
    number = owe(tx)
    outbox.claim(tx, "late", NOW)
    assert outbox.due(tx, NOW + outbox.LEASE)
    assert outbox.sent(tx, number, "late")


def test_retry_never_makes_a_message_go_out_twice(tx: sqlite3.Connection) -> None:
    number = owe(tx)
    outbox.claim(tx, "a", NOW)
    with pytest.raises(Problem, match=f"outbox {number} is being sent") as raised:
        outbox.retry(tx, number, NOW + 1)
    assert raised.value.hints == (f"mailgate outbox show {number}",)
    assert outbox.retry(tx, number, NOW + outbox.LEASE).due == NOW + outbox.LEASE
    assert not outbox.sent(tx, number, "a")
    outbox.claim(tx, "b", NOW + outbox.LEASE)
    outbox.sent(tx, number, "b")
    with pytest.raises(Problem, match="was sent already"):
        outbox.retry(tx, number, NOW)


def test_retry_of_a_debt_that_was_put_off(tx: sqlite3.Connection) -> None:
    number = owe(tx)
    debt = outbox.claim(tx, "a", NOW)
    assert debt is not None
    outbox.put_off(tx, debt, "a", "451", NOW)
    assert outbox.retry(tx, number, NOW).due == NOW


def test_what_does_not_exist(tx: sqlite3.Connection) -> None:
    for call in (outbox.get, outbox.drop):
        with pytest.raises(NotFound, match="number 7"):
            call(tx, 7)
    with pytest.raises(NotFound):
        outbox.retry(tx, 7, NOW)
    number = owe(tx)
    outbox.drop(tx, number)
    assert outbox.listing(tx) == []


CLAIMING = """
import sys
from mailgate.store import database, outbox
opened = database.open_existing(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
while True:
    with opened.write() as tx:
        debt = outbox.claim(tx, sys.argv[2], float(sys.argv[3]))
    if debt is None:
        break
    print(debt.number)
"""


def test_no_debt_is_claimed_by_two_of_four_processes(opened: database.Store) -> None:
    with opened.write() as tx:
        owed = [owe(tx) for _ in range(200)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMING, opened.path, f"worker {number}", str(NOW)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    claimed = [worker.communicate(timeout=60)[0].split() for worker in workers]
    assert sorted(int(number) for each in claimed for number in each) == owed
    assert sum(map(bool, claimed)) > 1
