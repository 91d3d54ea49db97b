"""A clock that was ahead for a while, and is right again: what it wrote costs nothing later."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail

from mailgate.store import senders

DAY = 86_400.0


def ahead(gateway: Gateway, days: float, count: int, *, sender: str = "", to: str = "info@example.com") -> list[str]:
    """The first reason of so many mails, each of another sender unless one is named, while the clock is ahead."""
    right = gateway.now
    gateway.now += days * DAY
    reasons = [arrived(gateway, f"ahead-{number}", sender or f"u{number}@client.org", to) for number in range(count)]
    gateway.now = right
    return reasons


def arrived(gateway: Gateway, message_id: str, sender: str = "bob@client.org", to: str = "info@example.com") -> str:
    raw = mail(to=to, **{"from": sender}, message_id=f"<{message_id}@x>")
    return gateway(raw, to, reverse_path=sender).decision.outcomes[0].reason


@pytest.mark.parametrize("limit", ["records_in_all", "records_per_alias"])
@pytest.mark.parametrize("days", [30, 365])
def test_a_ceiling_is_open_again(gateway: Gateway, limit: str, days: float) -> None:
    gateway.config = gateway.config._replace(**{limit: 3})
    assert ahead(gateway, days, 3) == ["alias"] * 3
    assert arrived(gateway, "right") == "alias"
    gateway.now += days * DAY / 3
    assert arrived(gateway, "later") == "alias"


def test_a_ceiling_holds_for_what_is_a_little_ahead(gateway: Gateway) -> None:
    """Another process took its time a little later, and was first."""
    gateway.config = gateway.config._replace(records_in_all=3)
    ahead(gateway, 20 / DAY, 3)
    assert arrived(gateway, "right") != "alias"


def test_a_sender_is_not_refused_for_what_lies_ahead(gateway: Gateway) -> None:
    ahead(gateway, 30, 20, sender="bob@client.org")
    assert arrived(gateway, "right") == "alias"
    with gateway.store.read() as tx:
        assert senders.near_limit(tx, gateway.now) == []


def test_a_refusal_is_sent_although_one_was_sent_ahead(gateway: Gateway) -> None:
    ahead(gateway, 365, 6, sender="bob@client.org", to="catchall@example.com")
    before = len(gateway.outbox())
    arrived(gateway, "right", to="catchall@example.com")
    assert len(gateway.outbox()) == before + 1
