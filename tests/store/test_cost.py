"""What a delivery costs does not depend on what strangers, or many customers, have stored: counted, never timed."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from helpers import crowded
from helpers.crowded import CROWDS, Crowd
from helpers.gateway import Gateway

from mailgate.gateway import recipient

SOME, MANY = 200, 800
"""Rows of a crowd; both are more than any cap."""
_NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")


def sql(gateway: Gateway, work: Callable[[], object]) -> tuple[int, int]:
    """The statements that some work runs, and the tens of steps that SQLite takes for them."""
    connection: Any = gateway.store._connection
    statements, steps = [], []
    connection.set_trace_callback(statements.append)
    connection.set_progress_handler(lambda: steps.append(1), 10)
    work()
    connection.set_progress_handler(None, 10)
    connection.set_trace_callback(None)
    return sum(not statement.startswith(_NOT_COUNTED) for statement in statements), len(steps)


def filled(path: Path, crowd: Callable[..., None], n: int) -> Gateway:
    gateway = Gateway(path / f"{n}.db")
    with gateway.store.write() as tx:
        crowd(tx, n)
    return gateway


@pytest.mark.parametrize("name", CROWDS)
def test_a_delivery_costs_the_same_however_many_there_are(tmp_path: Path, name: str) -> None:
    crowd: Crowd = CROWDS[name]
    costs = []
    for n in (SOME, MANY):
        gateway = filled(tmp_path, crowd.fill, n)
        costs.append(sql(gateway, lambda gateway=gateway: gateway(crowd.mail, *crowd.recipients)))
        gateway.store.close()
    (statements, steps), (more_statements, more_steps) = costs
    assert more_statements == statements
    assert more_steps <= 1.1 * steps + 2


def known(gateway: Gateway) -> bool:
    with gateway.store.read() as tx:
        return recipient.is_known(tx, "nobody@example.com", None)


def test_a_recipient_is_known_or_not_at_the_same_cost_however_many_refusals_were_sent(tmp_path: Path) -> None:
    costs = []
    for n in (1, MANY):
        gateway = filled(tmp_path, crowded.refusals, n)
        costs.append(sql(gateway, partial(known, gateway)))
        gateway.store.close()
    assert costs[0] == costs[1]


def test_a_new_record_takes_few_statements(gateway: Gateway) -> None:
    statements, _ = sql(gateway, lambda: gateway(crowded.mail(), "info@example.com"))
    assert gateway.records() == ["crm.lead/1"]
    assert 10 < statements <= 30


def test_ten_times_the_aliases_are_ten_times_the_work(tmp_path: Path) -> None:
    calls = []
    for n in (40, 400):
        gateway = Gateway(tmp_path / f"{n}.db")
        names = [f"a{at}" for at in range(n)]
        with gateway.store.write() as tx:
            crowded.aliases(tx, ((name, "example.com") for name in names))
        addresses = [f"{name}@example.com" for name in names]
        count = [0]

        def called(_frame: FrameType, _event: str, _value: object, count: list[int] = count) -> None:
            count[0] += 1

        raw = crowded.mail(to=",\n ".join(addresses))
        sys.setprofile(called)
        try:
            gateway(raw, *addresses)
        finally:
            sys.setprofile(None)
        assert len(gateway.records()) == n
        calls.append(count[0])
        gateway.store.close()
    assert calls[1] < 12 * calls[0]
