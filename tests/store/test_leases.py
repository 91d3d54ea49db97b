"""Leases: one process at a time, of whichever table, and none for ever."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgate.store import leases, outbox, schema, servers
from mailgate.store.database import Transaction
from mailgate.store.leases import Leased
from mailgate.store.outbox import Draft
from mailgate.values.server import Secret, Server

ELSEWHERE = "elsewhere 1 1"


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Transaction]:
    opened = schema.open_or_create(tmp_path / "mailgate.db")
    with opened.write() as transaction:
        outbox.queue(transaction, Draft("refusal", "catchall", "", "bob@client.org", "Hi", b"\n"), 0)
        servers.add(transaction, Server("inbox", "imap", "h.net", 993, "me", Secret("password-file", "/x")))
        transaction.execute(
            "INSERT INTO login (server, token_url, access, expires_at, refresh, begun_at, granted_at, refreshed_at)"
            " VALUES (1, '', '', 0, '', 0, 0, 0)"
        )
        yield transaction
    opened.close()


@pytest.fixture(params=[leases.OUTBOX, leases.SERVER, leases.LOGIN], ids=lambda what: str(what.table))
def what(request: pytest.FixtureRequest) -> Leased:
    found: Leased = request.param
    return found


def test_a_living_holder_keeps_others_away_until_its_time_is_over(tx: Transaction, what: Leased) -> None:
    me = leases.myself()
    assert leases.holder(tx, what, 1, 0) == ""
    assert leases.take(tx, what, 1, me, 100, 0) == ""
    assert leases.holder(tx, what, 1, 50) == me
    assert leases.take(tx, what, 1, ELSEWHERE, 150, 50) is None
    assert leases.holds(tx, what, 1, me)
    assert leases.take(tx, what, 1, ELSEWHERE, 200, 100) == me, "who has it next hears who had it"
    assert not leases.holds(tx, what, 1, me)
    assert (leases.holder(tx, what, 1, 200), leases.holder(tx, what, 1)) == ("", ELSEWHERE)


def test_a_dead_holder_keeps_nobody_away(tx: Transaction, what: Leased) -> None:
    dead = leases.myself() + "9"
    assert leases.take(tx, what, 1, dead, 100, 0) == ""
    assert (leases.holder(tx, what, 1, 1), leases.holder(tx, what, 1)) == ("", "")
    assert leases.take(tx, what, 1, ELSEWHERE, 100, 1) == dead


def test_a_row_that_is_gone_cannot_be_leased(tx: Transaction, what: Leased) -> None:
    assert leases.take(tx, what, 2, ELSEWHERE, 100, 0) is None
    assert leases.holder(tx, what, 2) == ""
    assert not leases.renew(tx, what, 2, ELSEWHERE, 100)


def test_a_lease_is_renewed_by_its_holder_and_never_shortened(tx: Transaction, what: Leased) -> None:
    leases.take(tx, what, 1, ELSEWHERE, 100, 0)
    assert leases.renew(tx, what, 1, ELSEWHERE, 200)
    assert leases.renew(tx, what, 1, ELSEWHERE, 150)
    assert leases.holder(tx, what, 1, 199) == ELSEWHERE
    assert not leases.renew(tx, what, 1, "other 2 2", 900)
    assert leases.holder(tx, what, 1, 200) == ""


def test_only_the_holder_settles(tx: Transaction, what: Leased) -> None:
    leases.take(tx, what, 1, ELSEWHERE, 100, 0)
    query = f"SELECT error, holder, lease_until FROM {what.table}"
    assert not leases.settle(tx, what, 1, "other 2 2", error="late")
    assert tuple(tx.execute(query).fetchone()) == ("", ELSEWHERE, 100)
    assert leases.settle(tx, what, 1, ELSEWHERE, error="mine")
    assert tuple(tx.execute(query).fetchone()) == ("mine", None, 0)
    assert not leases.settle(tx, what, 1, ELSEWHERE, error="twice")


def test_what_is_taken_can_change_with_the_lease(tx: Transaction) -> None:
    assert leases.take(tx, leases.OUTBOX, 1, ELSEWHERE, 100, 0, tries=7) == ""
    assert outbox.get(tx, 1).tries == 7


def test_a_lease_can_be_ended(tx: Transaction, what: Leased) -> None:
    leases.take(tx, what, 1, ELSEWHERE, 100, 0)
    leases.void(tx, what, 1)
    assert leases.holder(tx, what, 1) == ""


@pytest.mark.parametrize("name", ["9f86d081884c7d65", ELSEWHERE, ""], ids=["a worker", "another host", "empty"])
def test_of_other_names_nothing_is_known(name: str) -> None:
    assert not leases.is_dead(name)
    assert not leases.is_dead(leases.myself())


def test_a_process_is_shown_by_its_number() -> None:
    assert leases.described(leases.myself()) == leases.myself().split(" ")[1]
    assert leases.described("elsewhere 17 1") == "17 on elsewhere"
