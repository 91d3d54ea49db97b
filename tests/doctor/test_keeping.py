"""Backups that stop being made are a fault; none at all, or a single one, is not. A large store is mentioned."""

import pytest
from helpers.gateway import Gateway

from mailgate.doctor import keeping
from mailgate.store import changes

DAY = 86_400.0


def verdicts(gateway: Gateway, *days: float) -> list[tuple[str, str]]:
    """What is said after backups that were made so many days ago."""
    with gateway.store.write() as tx:
        for ago in days:
            changes.note(tx, "ann", "backup /b", gateway.now - ago * DAY)
        changes.note(tx, "ann", "backups x", gateway.now)
    return [(each.name, each.verdict) for each in keeping.check(gateway.store, gateway.config, gateway.now)]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ((), []),
        ((400,), []),
        ((400, 390), []),
        ((4, 3, 2, 1), [("backup", "ok")]),
        ((8, 7, 6, 5), [("backup", "wrong")]),
        ((30, 23, 16, 9), [("backup", "ok")]),
        ((60, 53, 46, 39), [("backup", "wrong")]),
        ((3, 2, 1, -9), [("backup", "ok")]),
    ],
)
def test_the_rhythm_of_backups_says_when_one_is_missing(
    gateway: Gateway, days: tuple[float, ...], said: list[tuple[str, str]]
) -> None:
    assert verdicts(gateway, *days) == said


def test_a_large_store_without_a_rule_is_mentioned(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LARGE", 1)
    assert verdicts(gateway) == [("retention", "ok")]
    gateway.config = gateway.config._replace(retention_raw="2y")
    assert verdicts(gateway) == []
