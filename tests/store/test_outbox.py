"""What is numbers: claims with a lease, growing delays, and that two workers never have the same entry."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgate.store import database, outbox, schema
from mailgate.store.database import Transaction
from mailgate.store.outbox import STUCK, Draft, Stuck
from mailgate.values.problem import NotFound, Problem

NOW = 1_700_000_000.0


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[database.Store]:
    found = schema.open_or_create(tmp_path / "mailgate.db")
    yield found
    found.close()


@pytest.fixture
def tx(opened: database.Store) -> Iterator[Transaction]:
    with opened.write() as transaction:
        yield transaction


def queue(tx: Transaction, recipient: str = "bob@client.org", now: float = NOW) -> int:
    draft = Draft("refusal", "catchall", "catchall@example.com", recipient, "Re: Hi", b"Subject: x\n\n")
    return outbox.queue(tx, draft, now)


def test_an_entry_is_claimed_and_sent_once(tx: Transaction) -> None:
    number = queue(tx)
    assert outbox.due(tx, NOW)
    entry = outbox.claim(tx, "a", NOW)
    assert entry is not None
    assert (entry.number, entry.tries, entry.reverse_path, outbox.octets(tx, number)) == (
        number,
        1,
        None,
        b"Subject: x\n\n",
    )
    assert outbox.claim(tx, "b", NOW) is None
    assert not outbox.due(tx, NOW)
    assert outbox.left(tx) == 1
    assert outbox.sent(tx, number, "a")
    assert outbox.get(tx, number).state == "sent"
    assert outbox.claim(tx, "a", NOW + 1e9) is None
    assert outbox.left(tx) == 0


def test_the_oldest_entry_comes_first_and_none_before_its_time(tx: Transaction) -> None:
    queue(tx, "late@client.org", NOW + 10)
    queue(tx, "first@client.org", NOW - 10)
    queue(tx, "second@client.org", NOW)
    claimed = [entry.recipient for _ in range(3) if (entry := outbox.claim(tx, "a", NOW))]
    assert claimed == ["first@client.org", "second@client.org"]


def test_delays_grow_and_never_end(tx: Transaction) -> None:
    number, now = queue(tx), NOW
    delays = []
    for _ in range(9):
        entry = outbox.claim(tx, "a", now)
        assert entry is not None
        assert outbox.put_off(tx, entry, "a", "nobody at home", now)
        found = outbox.get(tx, number)
        assert (found.state, found.error) == ("queued", "nobody at home")
        delays.append(found.due_at - now)
        assert outbox.claim(tx, "a", found.due_at - 1) is None
        now = found.due_at
    assert delays == [60, 300, 900, 3_600, 10_800, 21_600, 43_200, 43_200, 43_200]
    assert outbox.get(tx, number).tries == 9


def test_what_is_refused_stays_visible(tx: Transaction) -> None:
    number = queue(tx)
    outbox.claim(tx, "a", NOW)
    assert outbox.refuse(tx, number, "a", "550 no such user")
    found = outbox.get(tx, number)
    assert (found.state, found.error) == ("failed", "550 no such user")
    assert outbox.claim(tx, "a", NOW + 1e9) is None
    assert outbox.left(tx) == 0
    assert outbox.retry(tx, number, NOW).state == "queued"
    assert outbox.claim(tx, "a", NOW) is not None


def test_a_claim_of_a_dead_worker_runs_out(tx: Transaction) -> None:
    queue(tx)
    assert outbox.claim(tx, "dead", NOW) is not None
    assert outbox.claim(tx, "alive", NOW + outbox.LEASE - 1) is None
    entry = outbox.claim(tx, "alive", NOW + outbox.LEASE)
    assert entry is not None
    assert entry.tries == 2


@pytest.mark.parametrize("verdict", ["sent", "put_off", "refuse"])
def test_a_late_worker_does_not_disturb_the_new_one(tx: Transaction, verdict: str) -> None:
    number = queue(tx)
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


def test_a_late_worker_may_still_settle_what_nobody_took_over(tx: Transaction) -> None:
    number = queue(tx)
    outbox.claim(tx, "late", NOW)
    assert outbox.due(tx, NOW + outbox.LEASE)
    assert outbox.sent(tx, number, "late")


def test_retry_never_makes_a_message_go_out_twice(tx: Transaction) -> None:
    number = queue(tx)
    outbox.claim(tx, "a", NOW)
    with pytest.raises(Problem, match=f"outbox {number} is being sent") as raised:
        outbox.retry(tx, number, NOW + 1)
    assert raised.value.hints == (f"mailgate outbox show {number}",)
    assert outbox.retry(tx, number, NOW + outbox.LEASE).due_at == NOW + outbox.LEASE
    assert not outbox.sent(tx, number, "a")
    outbox.claim(tx, "b", NOW + outbox.LEASE)
    outbox.sent(tx, number, "b")
    with pytest.raises(Problem, match="was sent already"):
        outbox.retry(tx, number, NOW)


def test_retry_of_an_entry_that_was_put_off(tx: Transaction) -> None:
    number = queue(tx)
    entry = outbox.claim(tx, "a", NOW)
    assert entry is not None
    outbox.put_off(tx, entry, "a", "451", NOW)
    assert outbox.retry(tx, number, NOW).due_at == NOW


def test_entries_that_do_not_leave_are_listed(tx: Transaction) -> None:
    """Tried for an hour in vain, never tried at all, or failed for good: it needs a person all the same."""
    assert outbox.stuck(tx, NOW) == Stuck(0, 0)
    put_off, failed, sent, waits, fresh = (queue(tx, f"{n}@client.org", NOW + n * 1e-3) for n in range(5))
    for number in (put_off, failed, sent):
        entry = outbox.claim(tx, "a", NOW + 1)
        assert entry is not None
        assert entry.number == number
    outbox.put_off(tx, outbox.get(tx, put_off), "a", "451 later", NOW)
    outbox.refuse(tx, failed, "a", "550 never")
    outbox.sent(tx, sent, "a")
    assert outbox.stuck(tx, NOW + STUCK + 0.5e-3) == Stuck(1, 1)
    tx.execute("UPDATE outbox SET kind = 'notice' WHERE number = ?", (failed,))
    later = NOW + STUCK + 3.5e-3
    assert outbox.stuck(tx, later) == Stuck(1, 2)
    assert outbox.stuck(tx, later).total == 3
    assert outbox.stuck(tx, later, but="notice") == Stuck(0, 2)
    assert outbox.stuck(tx, later, sending=False) == Stuck(1, 0), "nothing is sent, so that nothing is late"
    first = outbox.first_overdue(tx, later)
    assert first is not None
    assert (first.number, first.error) == (put_off, "451 later")
    first = outbox.first_failed(tx)
    assert first is not None
    assert (first.number, first.error) == (failed, "550 never")
    assert outbox.due_before(tx, NOW + 1) == (2, NOW + 3e-3)
    assert outbox.due_before(tx, NOW) == (0, NOW)
    assert {waits, fresh} == {4, 5}


def test_an_unknown_entry_is_not_found(tx: Transaction) -> None:
    for call in (outbox.get, outbox.octets, outbox.drop):
        with pytest.raises(NotFound, match="number 7"):
            call(tx, 7)
    with pytest.raises(NotFound):
        outbox.retry(tx, 7, NOW)
    number = queue(tx)
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
        entry = outbox.claim(tx, sys.argv[2], float(sys.argv[3]))
    if entry is None:
        break
    print(entry.number)
"""


def test_no_entry_is_claimed_by_two_of_four_processes(opened: database.Store) -> None:
    with opened.write() as tx:
        numbers = [queue(tx) for _ in range(200)]
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
    assert sorted(int(number) for each in claimed for number in each) == numbers
    assert sum(map(bool, claimed)) > 1


def test_what_was_queued_while_the_clock_was_ahead_is_due(tx: Transaction) -> None:
    number = queue(tx, now=NOW + 365 * 86_400)
    assert outbox.due(tx, NOW)
    entry = outbox.claim(tx, "a", NOW)
    assert entry is not None
    assert entry.number == number
    assert outbox.claim(tx, "b", NOW) is None, "it is claimed for as long as any other"
    assert outbox.sent(tx, number, "a")


def test_a_claim_that_was_made_while_the_clock_was_ahead_has_run_out(tx: Transaction) -> None:
    number = queue(tx)
    assert outbox.claim(tx, "dead", NOW + 365 * 86_400) is not None
    entry = outbox.claim(tx, "a", NOW)
    assert entry is not None
    assert outbox.sent(tx, number, "a")
