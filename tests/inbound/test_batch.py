"""Messages in batches, and the one at fault among them: what every way in shares that takes many at once."""

from collections.abc import Sequence

import pytest

from mailgate.inbound import batch
from mailgate.inbound.lease import LeaseLost
from mailgate.inbound.suspects import MessageKey, Suspects
from mailgate.values.problem import StoreError

POISON = 3


@pytest.mark.parametrize(
    ("sizes", "alone", "batches"),
    [
        ([1] * 5, "", ["01234"]),
        ([1] * 5, "2", ["01", "2", "34"]),
        ([1] * 5, "04", ["0", "123", "4"]),
        ([1] * 5, "23", ["01", "2", "3", "4"]),
        ([1, 1, batch.OCTETS, 1, 1], "", ["01", "2", "34"]),
        ([batch.OCTETS // 2] * 5, "", ["01", "23", "4"]),
        ([], "", []),
    ],
    ids=["together", "one-alone", "first-and-last-alone", "neighbours-alone", "a-large-one", "octets-together", "none"],
)
def test_messages_are_split_in_their_order(sizes: list[int], alone: str, batches: list[str]) -> None:
    ids = [str(number) for number in range(len(sizes))]
    split = batch.split(ids, dict(zip(ids, sizes, strict=True)), set(alone))
    assert ["".join(part) for part in split] == batches


def test_a_batch_has_a_limit_of_messages() -> None:
    ids = [str(number) for number in range(batch.SIZE * 2 + 1)]
    assert [len(part) for part in batch.split(ids, dict.fromkeys(ids, 1), ())] == [batch.SIZE, batch.SIZE, 1]


def test_the_item_at_fault_fails_alone() -> None:
    taken: list[int] = []
    failed: list[tuple[int, str]] = []

    def take(items: Sequence[int]) -> None:
        if POISON in items:
            raise ZeroDivisionError("a mistake")
        taken.extend(items)

    batch.isolate([1, 2, POISON, 4], take, lambda item, error: failed.append((item, error)))
    assert (taken, failed) == ([1, 2, 4], [(POISON, "ZeroDivisionError: a mistake")])


@pytest.mark.parametrize("error", [LeaseLost(), StoreError("the disk is full"), OSError(28, "No space")])
def test_a_fault_of_the_machine_is_no_fault_of_an_item(error: Exception) -> None:
    calls: list[Sequence[int]] = []

    def take(items: Sequence[int]) -> None:
        calls.append(items)
        raise error

    with pytest.raises(type(error)):
        batch.isolate([1, 2], take, lambda item, text: pytest.fail(f"{item} failed: {text}"))
    assert calls == [[1, 2]]


def test_a_message_is_convicted_when_others_came_through_or_the_second_time() -> None:
    key, other = MessageKey(1, "7"), MessageKey(2, "7")
    suspects = Suspects(careful=False)
    assert suspects.convict(others_came_through=True) is None, "it broke while nothing was fetched alone"
    suspects.broke_at(key)
    assert suspects.convict(others_came_through=False) is None, "the server may be at fault"
    assert suspects.suspicion(key) == (1, False)
    assert not suspects.is_put_off(key)
    suspects.broke_at(other)
    assert suspects.convict(others_came_through=True) == other
    suspects.broke_at(key)
    assert suspects.convict(others_came_through=False) == key
    assert suspects.is_put_off(key)
    assert suspects.convict(others_came_through=True) is None, "one break is blamed once"


def test_messages_of_a_broken_batch_are_suspect_and_others_are_not() -> None:
    suspects = Suspects(careful=False)
    suspects.broke_together([MessageKey(1, "7"), MessageKey(1, "8")])
    assert [suspects.is_suspect(MessageKey(*key)) for key in ((1, "7"), (1, "8"), (1, "9"), (2, "7"))] == [
        True,
        True,
        False,
        False,
    ]
