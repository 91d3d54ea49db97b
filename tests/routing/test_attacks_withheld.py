"""What a limit keeps from the followers of a record, and what a stranger wrote whom nobody sees, waits for a person."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail

from mailgate.gateway import held as reconsider
from mailgate.gateway.receive import Receipt
from mailgate.store import held, messages, records
from mailgate.values.problem import NotFound, Problem

ANN, BOB, EVE = "ann@client.org", "bob@partner.org", "eve@evil.org"


@pytest.fixture
def asked(gateway: Gateway) -> Gateway:
    """A lead that Ann made and Bob follows; each of them may write two answers on it."""
    gateway.parameter("mail.gateway.loop.threshold", "2")
    (made,) = write(gateway, 1, ANN, answers=None).records
    with gateway.store.write() as tx:
        records.add_follower(tx, made, BOB)
    return gateway


def write(gateway: Gateway, number: int, author: str, answers: int | None = 1, path: str = "") -> Receipt:
    """A mail with this number in its id, to the alias; it answers the mail with another number."""
    named = {"in_reply_to": f"<{answers}@client.org>"} if answers else {}
    raw = mail(**{"from": author}, message_id=f"<{number}@client.org>", body=f"This is number {number}.\n", **named)
    return gateway(raw, "info@example.com", reverse_path=path or author)


def waiting(gateway: Gateway) -> list[tuple[int, str, bool]]:
    with gateway.store.read() as tx:
        return [(entry.message, entry.reason, entry.quiet) for entry in held.listing(tx) if entry.withheld]


def to(receipt: Receipt) -> list[str]:
    return [letter.to for letter in receipt.decision.outgoing]


def test_what_the_limit_keeps_from_the_followers_waits(asked: Gateway) -> None:
    assert [to(write(asked, number, ANN)) for number in (2, 3)] == [[BOB], [BOB]]
    receipt = write(asked, 4, ANN)
    (outcome,) = receipt.decision.outcomes
    assert (outcome.action, outcome.withheld, to(receipt)) == ("post", "rate-limit", [])
    assert waiting(asked) == [(receipt.number, "rate-limit", False)]
    with asked.store.read() as tx:
        assert held.still_open(tx).total == 1
        assert [str(ref) for ref in messages.stored(tx, receipt.number or 0).records] == ["crm.lead/1"]


def test_a_person_lets_the_copies_go_once(asked: Gateway) -> None:
    for number in (2, 3):
        write(asked, number, ANN)
    number = write(asked, 4, ANN).number or 0
    before = len(asked.outbox())
    sent = reconsider.retry(asked.store, asked.config, number, asked.now)
    assert (to(sent), sent.queued, len(asked.outbox()) - before) == ([BOB], True, 1)
    assert waiting(asked) == []
    with asked.store.read() as tx:
        tree = messages.explanation(tx, number)
    assert tree["steps"][-1] == {"rule": "held", "saw": "rate-limit; copies sent by hand", "verdict": "1 copy"}
    assert [letter["to"] for letter in tree["outgoing"]] == [BOB]
    with pytest.raises(NotFound):
        reconsider.retry(asked.store, asked.config, number, asked.now)


def test_who_has_a_copy_gets_no_second_one(asked: Gateway) -> None:
    """Somebody who follows since then gets it, its author and those who had it do not."""
    number = write(asked, 2, EVE).number or 0
    assert waiting(asked) == [(number, "outsider", False)]
    reconsider.retry(asked.store, asked.config, number, asked.now)
    with asked.store.write() as tx:
        message = messages.stored(tx, number)
        held.keep(tx, held.Held(number, "outsider", "", False, False, "1", asked.now, withheld=True))
    assert message.flags == ("outsider",)
    assert to(reconsider.retry(asked.store, asked.config, number, asked.now)) == []


def test_what_a_stranger_wrote_waits_where_nobody_gets_it(asked: Gateway) -> None:
    receipt = write(asked, 2, EVE)
    assert [outcome.withheld for outcome in receipt.decision.outcomes] == ["outsider"]
    sent = reconsider.retry(asked.store, asked.config, receipt.number or 0, asked.now)
    assert sorted(to(sent)) == [ANN, BOB]


def test_what_a_stranger_wrote_does_not_wait_where_a_member_gets_it(asked: Gateway) -> None:
    """The control."""
    asked.contact(BOB, member=True)
    assert to(write(asked, 2, EVE)) == [BOB]
    assert waiting(asked) == []


def test_where_nobody_else_follows_nothing_waits(gateway: Gateway) -> None:
    """The control: what has no copies withholds none."""
    gateway.parameter("mail.gateway.loop.threshold", "2")
    write(gateway, 1, ANN, answers=None)
    for number in range(2, 6):
        write(gateway, number, ANN)
    assert waiting(gateway) == []


def test_a_machine_s_mail_withholds_nothing(asked: Gateway) -> None:
    """The control: automatic mail is sent on to nobody in any case."""
    raw = mail(
        **{"from": EVE, "auto-submitted": "auto-replied"}, message_id="<9@client.org>", in_reply_to="<1@client.org>"
    )
    asked(raw, "info@example.com", reverse_path=EVE)
    assert waiting(asked) == []


def test_dropping_sends_nothing_and_keeps_the_message(asked: Gateway) -> None:
    receipt = write(asked, 2, EVE)
    with asked.store.write() as tx:
        reconsider.drop(tx, receipt.number or 0)
    assert waiting(asked) == []
    with asked.store.read() as tx:
        assert b"number 2" in messages.raw(tx, receipt.number or 0)
    assert asked.outbox() == []


def test_it_cannot_be_routed_elsewhere(asked: Gateway) -> None:
    receipt = write(asked, 2, EVE)
    with pytest.raises(Problem, match="is on a record, and only its copies wait"):
        reconsider.route(asked.store, asked.config, receipt.number or 0, "info@example.com", asked.now)


def test_what_an_attack_piles_up_is_capped(asked: Gateway) -> None:
    """Twenty of one domain stand open, the rest is listed quietly; another domain's still stands open."""
    for number in range(2, 27):
        write(asked, number, f"e{number}@evil.org")
    assert [quiet for _, _, quiet in waiting(asked)] == [False] * 20 + [True] * 5
    write(asked, 40, "carl@other.org")
    assert waiting(asked)[-1][1:] == ("outsider", False)


def test_quiet_ones_leave_the_list_and_stay_on_their_record(asked: Gateway) -> None:
    for number in range(2, 24):
        write(asked, number, f"e{number}@evil.org")
    quiet = [number for number, _, is_quiet in waiting(asked) if is_quiet]
    asked.now += 40 * held.DAY
    write(asked, 50, "new@other.org", answers=None)
    asked.now += 60
    chores = reconsider.chores(asked.store, asked.config, asked.now)
    assert (len(quiet), chores.dropped) == (2, 2)
    with asked.store.read() as tx:
        assert [bool(messages.raw(tx, number)) for number in quiet] == [True, True]
