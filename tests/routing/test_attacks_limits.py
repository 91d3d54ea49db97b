"""A limit that a forger uses up takes no person's mail out of sight (F15, F16)."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail

from mailgate.store import held, senders


def refused(gateway: Gateway, who: str, number: int) -> str:
    """What became of a mail to a closed address; every one is another, to another closed address."""
    to = f"closed{number % 40}@example.com"
    raw = mail(**{"from": who}, message_id=f"<{number}@client.org>", to=to)
    (outcome,) = gateway(raw, to, reverse_path=who).decision.outcomes
    return f"{outcome.action} {outcome.reason}{' quiet' if outcome.quiet else ''}"


@pytest.fixture
def closed(gateway: Gateway) -> Gateway:
    for number in range(40):
        gateway.alias(f"closed{number}@example.com", "ticket", policy="contacts")
    return gateway


@pytest.mark.parametrize("spelled", ["victim+{}@client.org", "VICTIM+{}@client.org"])
def test_one_mailbox_gets_five_answers_a_day_however_it_is_spelled(closed: Gateway, spelled: str) -> None:
    for number in range(30):
        refused(closed, spelled.format(number), number)
    assert len(closed.outbox()) == 5


def test_dots_are_nothing_where_the_provider_ignores_them(closed: Gateway) -> None:
    for number, name in enumerate(("victim", "v.ictim", "vi.ctim", "vic.tim", "vict.im", "victi.m", "v.i.ctim")):
        refused(closed, f"{name}@gmail.com", number)
        refused(closed, f"{name}@client.org", number + 20)
    assert len([line for line in closed.outbox() if "gmail" in line]) == 5
    assert len([line for line in closed.outbox() if "client" in line]) == 7, "the control: other people"


def test_what_the_limits_of_answers_swallow_stands_open(closed: Gateway) -> None:
    for number in range(100):
        assert refused(closed, f"forged{number}@client{number}.org", number) == "refuse policy"
    assert refused(closed, "ann@partner.org", 100) == "hold policy"
    with closed.store.read() as tx:
        assert held.still_open(tx).total == 1


def test_what_an_attack_leaves_open_is_capped(closed: Gateway) -> None:
    for number in range(100):
        refused(closed, f"forged{number}@client{number}.org", number)
    said = [refused(closed, f"more{number}@evil.org", 100 + number) for number in range(25)]
    assert said == ["hold policy"] * 20 + ["hold policy quiet"] * 5
    assert refused(closed, "ann@partner.org", 200) == "hold policy", "others still stand open"


def test_who_was_answered_minutes_ago_is_refused_without_another_answer(closed: Gateway) -> None:
    """The control: the window alone holds nothing."""
    assert [refused(closed, "ann@partner.org", number) for number in (0, 40, 80)] == ["refuse policy"] * 3
    assert (len(closed.outbox()), closed.held()) == (1, [])


AUTH = "Authentication-Results"


def answer(gateway: Gateway, path: str, author: str, result: str = "") -> bool:
    """Whether what the sender wrote goes back to a reverse-path; the border server's result stands on top."""
    trusted = gateway.config._replace(authserv_ids=("mx.example.com",), border_strips=True)
    gateway.config = trusted if result else gateway.config
    fields = {AUTH: f"mx.example.com; {result}"} if result else {}
    raw = mail(**{"from": author, **fields}, message_id=f"<{len(gateway.messages())}@x.org>", to="closed1@example.com")
    (letter,) = gateway(raw, "closed1@example.com", reverse_path=path).decision.outgoing
    return letter.vouched


@pytest.mark.parametrize(
    ("path", "author", "result", "expected"),
    [
        ("ann@client.org", "ann@client.org", "", False),
        ("ann@client.org", "ann@client.org", "spf=pass smtp.mailfrom=ann@client.org", True),
        ("ann@client.org", "ann@client.org", "spf=pass smtp.mailfrom=client.org", True),
        ("ann@client.org", "ann@client.org", "spf=pass smtp.mailfrom=evil.org", False),
        ("ann@client.org", "ann@client.org", "spf=softfail smtp.mailfrom=ann@client.org", False),
        ("ann@client.org", "ann@client.org", "spf=pass smtp.helo=client.org", False),
        ("ann@client.org", "eve@evil.org", "dmarc=pass header.from=evil.org", False),
        ("b@bounces.client.org", "ann@client.org", "dmarc=pass header.from=client.org", True),
        ("b@notclient.org", "ann@client.org", "dmarc=pass header.from=client.org", False),
        (
            "ann@client.org",
            "ann@client.org",
            "dmarc=fail header.from=client.org; spf=pass smtp.mailfrom=client.org",
            None,
        ),
    ],
)
def test_what_a_stranger_wrote_goes_back_where_a_server_vouches_for_the_path(
    closed: Gateway, path: str, author: str, result: str, expected: bool | None
) -> None:
    if expected is None:  # a forged author is not answered at all
        with pytest.raises(ValueError, match="not enough values"):
            answer(closed, path, author, result)
        return
    assert answer(closed, path, author, result) is expected


def test_one_domain_that_nothing_vouches_for_gets_twenty_answers_a_day(closed: Gateway) -> None:
    said = [refused(closed, f"victim{number}@client.org", number) for number in range(30)]
    assert said == ["refuse policy"] * 20 + ["hold policy"] * 10
    assert refused(closed, "ann@partner.org", 31) == "refuse policy", "the control: another domain"


def written(gateway: Gateway, author: str, path: str, number: int, result: str = "") -> str:
    """What became of a mail to an open alias, with what the border server says of its author."""
    fields = {AUTH: f"mx.example.com; {result}"} if result else {}
    raw = mail(**{"from": author, **fields}, message_id=f"<{number}@x.org>", to="info@example.com")
    (outcome,) = gateway(raw, "info@example.com", reverse_path=path).decision.outcomes
    return f"{outcome.action} {outcome.reason}"


@pytest.fixture
def trusting(gateway: Gateway) -> Gateway:
    gateway.config = gateway.config._replace(authserv_ids=("mx.example.com",), border_strips=True)
    return gateway


def test_a_forger_uses_up_the_records_of_nobody_else(trusting: Gateway) -> None:
    """Twenty forged mails of another domain: the author himself writes on, and the forger does not."""
    said = [written(trusting, "ann@client.org", "eve@evil.org", number) for number in range(21)]
    assert said == ["create alias"] * 20 + ["refuse rate-limit"]
    assert written(trusting, "ann@client.org", "ann@client.org", 30) == "create alias"
    assert written(trusting, "ann@client.org", "eve@evil.org", 31) == "refuse rate-limit", "the control"


def test_who_can_be_verified_shares_nothing_with_a_forger_of_the_same_domain(trusting: Gateway) -> None:
    for number in range(20):
        written(trusting, "ann@client.org", "ann@client.org", number)
    assert written(trusting, "ann@client.org", "ann@client.org", 30) == "refuse rate-limit"
    passed = "dmarc=pass header.from=client.org"
    assert written(trusting, "ann@client.org", "ann@client.org", 31, passed) == "create alias"


def test_one_author_has_five_shares_over_all_domains(trusting: Gateway) -> None:
    said = [written(trusting, "ann@client.org", f"eve@evil{number % 10}.org", number) for number in range(101)]
    assert said == ["create alias"] * 100 + ["refuse rate-limit"]
    with trusting.store.read() as tx:
        (near,) = senders.near_limit(tx, trusting.now)
    assert near == ("ann@client.org", "crm.lead", 100, 100)


def test_a_forger_uses_up_the_copies_of_nobody_else(trusting: Gateway) -> None:
    """Twenty forged answers: what the author himself answers still goes on to the others."""
    trusting.change("info@example.com", notify=("bob@partner.org",))

    def answer(number: int, path: str) -> list[str]:
        raw = mail(**{"from": "ann@client.org"}, message_id=f"<{number}@x.org>", in_reply_to="<1@x.org>" * (number > 1))
        receipt = trusting(raw, "info@example.com", reverse_path=path)
        return [letter.to for letter in receipt.decision.outgoing]

    assert answer(1, "ann@client.org") == ["bob@partner.org"]
    assert [answer(number, "eve@evil.org") for number in range(2, 23)] == [["bob@partner.org"]] * 20 + [[]]
    assert answer(23, "ann@client.org") == ["bob@partner.org"]
    assert answer(24, "eve@evil.org") == [], "the control"
