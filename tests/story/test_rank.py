"""A message with several outcomes counts once, under the same one everywhere."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail

from mailgate.inbound.progress import counts_as
from mailgate.store import stats
from mailgate.values.outcome import ACTIONS, foremost, rank


def test_fetch_log_and_stats_count_it_under_the_same_outcome(gateway: Gateway) -> None:
    receipt = gateway(mail(to="catchall@example.com, postmaster@example.com"), source="fetch")
    assert [outcome.action for outcome in receipt.decision.outcomes] == ["refuse", "hold"]
    assert counts_as(receipt) == "held"
    with gateway.store.read() as tx:
        (line,) = stats.lines(tx, 0)
        figures = stats.figures(tx, 1, gateway.now)
    assert (line.verdict, line.reason) == ("hold", "postmaster")
    assert {action: count for action, count in figures.outcomes.items() if count} == {"hold": 1}
    assert figures.holds == {"postmaster": 1}


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        pytest.param([("refuse", "policy"), ("hold", "spam")], ("hold", "spam"), id="what-waits-for-a-person"),
        pytest.param([("ignore", "loop"), ("refuse", "policy")], ("refuse", "policy"), id="a-refusal-before-nothing"),
        pytest.param([("post", "reply"), ("create", "alias")], ("create", "alias"), id="a-new-record-first"),
        pytest.param([("hold", "spam"), ("hold", "postmaster")], ("hold", "spam"), id="the-first-of-equals"),
        pytest.param([("defer", "ceiling"), ("ignore", "loop")], ("ignore", "loop"), id="what-is-not-stored-last"),
        pytest.param([], ("", ""), id="nothing"),
    ],
)
def test_the_foremost_outcome(outcomes: list[tuple[str, str]], expected: tuple[str, str]) -> None:
    assert foremost(outcomes) == expected


def test_every_action_has_its_own_rank() -> None:
    assert [rank(action) for action in ACTIONS] == list(range(len(ACTIONS)))
    assert rank("defer") == len(ACTIONS)
