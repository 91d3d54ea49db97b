"""Everybody on a record is on holiday, and every mailbox answers: whatever it answers, the outbox falls quiet."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from helpers.correspondents import (
    ANNA,
    CARL,
    ONE,
    TAME,
    WINDOW,
    Answer,
    Habit,
    Letter,
    Mailbox,
    copies,
    exchange,
    leaving,
    marked,
    redirecting,
    relayed,
    remembering,
    settle,
    silent,
    worst,
    worst_to_from,
    worst_to_the_return_path,
)
from helpers.gateway import NOW, Gateway
from helpers.messages import BOB, mail

from mailgate.gateway import post
from mailgate.gateway.post import Text
from mailgate.settings.config import Config
from mailgate.store import domains, records, schema
from mailgate.store.records import NewRecord
from mailgate.values.directory import Domain


def follow_by_hand(gateway: Gateway) -> None:
    """A record of info@ that Anna and Carl follow."""
    with gateway.store.write() as tx:
        records.make(tx, NewRecord("crm.lead", "Offer", {}, alias="info@example.com", domain="example.com"), NOW)
        for each in (ANNA, CARL):
            records.follow(tx, ONE, each)


def we_post(gateway: Gateway) -> None:
    """Two followers, and all begins with a message to both."""
    follow_by_hand(gateway)
    post.write(gateway.store, ONE, Text("Where are you all?\n"), (), gateway.now)


def anna_answers(gateway: Gateway) -> None:
    """Two followers, and all begins with one of them, who answers before anybody's program did."""
    we_post(gateway)
    letters = [leaving(gateway), leaving(gateway)]
    to = next(Letter("", each.octets).address("Reply-To") for each in letters if each and each.recipient == ANNA)
    gateway(mail(to=to, message_id="<start@team.org>", **{"from": ANNA}), to, reverse_path=ANNA)


def a_customer_writes(gateway: Gateway) -> None:
    """A customer whose mail makes a record, and two followers who get a copy of it."""
    gateway.change("info@example.com", notify=(ANNA, CARL))
    gateway(mail(message_id="<start@client.org>"), "info@example.com")


Start = Callable[[Gateway], None]
STARTS: dict[Start, tuple[str, ...]] = {
    we_post: (ANNA, CARL),
    anna_answers: (ANNA, CARL),
    a_customer_writes: (ANNA, CARL, BOB),
}


def starts(*habits: Habit) -> list[ParameterSet]:
    """Every start, with every choice of habits for its people."""
    return [
        pytest.param(start, chosen, id="-".join(each.__name__ for each in (start, *chosen)))
        for start, people in STARTS.items()
        for chosen in itertools.product(habits, repeat=len(people))
    ]


def boxes(start: Start, habits: Sequence[Habit]) -> list[Mailbox]:
    """The mailboxes of the people of a start."""
    return [Mailbox(address, habit) for address, habit in zip(STARTS[start], habits, strict=False)]


# --- what must hold --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "habits"), starts(*TAME))
def test_mail_marked_as_automatic_is_copied_to_nobody(
    gateway: Gateway, start: Start, habits: tuple[Habit, ...]
) -> None:
    start(gateway)
    began = copies(gateway)
    people = boxes(start, habits)
    settle([gateway], *people)
    assert copies(gateway) == began
    assert gateway.records() == ["crm.lead/1"]
    for each in people:
        asked = each.got and (start is we_post or each.habit is not exchange)  # a copy asks not to be answered
        assert bool(each.sent) == bool(asked)


@pytest.mark.parametrize(("start", "habits"), starts(remembering))
def test_an_unmarked_vacation_reply_is_copied_once(gateway: Gateway, start: Start, habits: tuple[Habit, ...]) -> None:
    start(gateway)
    began = Counter(author for author, _, _ in set(copies(gateway)))
    people = boxes(start, habits)
    settle([gateway], *people)
    assert relayed(gateway) - began == {each.address: 1 for each in people if each.sent}
    assert gateway.records() == ["crm.lead/1"]


@pytest.mark.parametrize("threshold", [1, 3, 20])
@pytest.mark.parametrize("start", STARTS)
def test_a_robot_that_looks_like_a_person_is_stopped_by_the_threshold(
    gateway: Gateway, start: Start, threshold: int
) -> None:
    gateway.parameter("mail.gateway.loop.threshold", str(threshold))
    start(gateway)
    settle([gateway], *boxes(start, [worst] * 3))
    assert relayed(gateway) == dict.fromkeys(STARTS[start], threshold)
    assert gateway.records() == ["crm.lead/1"]


@pytest.mark.parametrize("start", STARTS)
def test_it_stays_quiet_until_somebody_writes_again(gateway: Gateway, start: Start) -> None:
    gateway.parameter("mail.gateway.loop.threshold", "3")
    start(gateway)
    people = boxes(start, [worst] * 3)
    settle([gateway], *people)
    ended = copies(gateway)
    for _ in range(3):
        gateway.now += WINDOW + 1
        settle([gateway], *people)
    assert copies(gateway) == ended
    post.write(gateway.store, ONE, Text("Anybody back?\n"), (), gateway.now)
    settle([gateway], *people)
    again = Counter(author for author, _, _ in set(copies(gateway)) - set(ended))
    assert again == dict.fromkeys(STARTS[start], 3)


@pytest.mark.parametrize("details", [True, False], ids=["signed", "details-off"])
@pytest.mark.parametrize(("start", "habits"), starts(marked, worst, worst_to_from))
def test_vacation_replies_always_end(gateway: Gateway, start: Start, habits: tuple[Habit, ...], details: bool) -> None:
    gateway.parameter("mail.gateway.loop.threshold", "3")
    with gateway.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(details=details))
    start(gateway)
    people = boxes(start, habits)
    settle([gateway], *people)
    assert max(relayed(gateway).values(), default=0) <= 3
    new = [each for each in people if each.habit is worst_to_from or (each.habit is worst and not details)]
    assert len(gateway.records()) <= 2 + 3 * len(new), "new records are for the loop guard to stop"


@pytest.mark.parametrize("start", STARTS)
def test_the_return_path_takes_answers_and_is_silent(gateway: Gateway, start: Start) -> None:
    start(gateway)
    began = copies(gateway)
    people = boxes(start, [worst_to_the_return_path] * 3)
    settle([gateway], *people)
    assert copies(gateway) == began
    assert gateway.held() == ["bounce-address"] * sum(len(each.sent) for each in people)
    assert gateway.held()


# --- mail that comes back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dropped", "to"),
    [
        pytest.param(dropped, to, id=f"{name}-{to.partition('@')[0]}")
        for name, dropped in {
            "as-it-is": (),
            "another-id": (b"Message-ID",),
            "no-mark": (b"X-",),
            "another-id-and-no-mark": (b"Message-ID", b"X-"),
        }.items()
        for to in ("info@example.com", "catchall@example.com", "jobs@example.com")
    ],
)
@pytest.mark.parametrize("start", STARTS)
def test_a_follower_who_redirects_his_mail_to_us(
    gateway: Gateway, start: Start, dropped: tuple[bytes, ...], to: str
) -> None:
    start(gateway)
    began = copies(gateway)
    people = boxes(start, [redirecting(to, *dropped)] * 3)
    settle([gateway], *people)
    assert copies(gateway) == began
    assert gateway.records() == ["crm.lead/1"]
    assert any(each.sent for each in people)


# --- two gateways ----------------------------------------------------------------------------------------------------


class There(Gateway):
    """Another gateway, there.net with list@ (ticket) and desk@ (task)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = Config(path=None, store=str(path))
        self.store = schema.open_or_create(path)
        self.now = NOW
        with self.store.write() as tx:
            domains.add(tx, Domain("there.net"))
        self.alias("list@there.net", "ticket")
        self.alias("desk@there.net", "task")


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Gateway]:
    made = There(tmp_path / "there.db")
    yield made
    made.store.close()


def notifying(gateway: Gateway, addresses: Sequence[str], *whom: str) -> None:
    for each in addresses:
        gateway.change(each, notify=whom)


def one_record_behind(gateway: Gateway, addresses: Sequence[str], *whom: str) -> None:
    """Like a mailing list: whatever comes to one of the addresses is posted on one record."""
    with gateway.store.write() as tx:
        ref = records.make(
            tx, NewRecord("list", "List", {}, alias=addresses[0], domain=addresses[0].partition("@")[2]), NOW
        )
        for each in whom:
            records.follow(tx, ref, each)
    for each in addresses:
        gateway.change(each, record=ref)


@pytest.mark.parametrize("details", [True, False], ids=["signed", "details-off"])
@pytest.mark.parametrize("arrange", [notifying, one_record_behind])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param(("info",), ("list",), id="each-others-alias"),
        pytest.param(("info", "sales"), ("list",), id="two-of-one-model"),
        pytest.param(("info", "jobs"), ("list",), id="two-of-two-models"),
        pytest.param(("info", "jobs"), ("list", "desk"), id="two-and-two"),
    ],
)
def test_two_gateways_that_follow_each_other(
    gateway: Gateway,
    there: Gateway,
    arrange: Callable[..., None],
    ours: Sequence[str],
    theirs: Sequence[str],
    details: bool,
) -> None:
    here, far = [f"{each}@example.com" for each in ours], [f"{each}@there.net" for each in theirs]
    arrange(gateway, here, *far, ANNA, BOB)
    arrange(there, far, *here, CARL)
    for each, name in ((gateway, "example.com"), (there, "there.net")):
        each.parameter("mail.gateway.loop.threshold", "3")
        with each.store.write() as tx:
            domains.save(tx, domains.get(tx, name)._replace(details=details))
    people = [Mailbox(ANNA, silent), Mailbox(CARL, silent)]
    gateway(mail(), "info@example.com")
    settle([gateway, there], *people)
    assert [bool(each.got) for each in people] == [True, True]
    for each, strangers in ((gateway, {*far, BOB}), (there, set(here))):
        authors = relayed(each)
        assert set(authors) <= strangers
        assert max(authors.values()) <= 3
        assert len(each.records()) <= 1 + 2 * 3 * len(strangers), "threshold, for each model and author"
    began = copies(gateway), copies(there)
    for each in (gateway, there):
        each.now += WINDOW + 1
    settle([gateway, there], *people)
    assert (copies(gateway), copies(there)) == began


@pytest.mark.parametrize("start", STARTS)
def test_a_new_name_for_every_letter_does_not_go_on_for_ever(gateway: Gateway, start: Start) -> None:
    def many_names(box: Mailbox, letter: Letter) -> Answer:
        name = f"ticket+{len(box.sent)}.{box.address}"
        return box.away(letter.address("Reply-To"), name, **{"from": name})

    gateway.parameter("mail.gateway.loop.threshold", "3")
    start(gateway)
    settle([gateway], *boxes(start, [many_names] * 3))
    assert len({message for _, _, message in copies(gateway)}) <= 5 * 3
    assert len(gateway.records()) == 1


def test_an_out_of_office_stands_on_the_record_it_answers(gateway: Gateway) -> None:
    we_post(gateway)
    people = boxes(we_post, [marked] * 2)
    settle([gateway], *people)
    assert len(gateway.on("crm.lead/1")) == 1 + sum(len(each.sent) for each in people) == 3
    assert gateway.held() == []
