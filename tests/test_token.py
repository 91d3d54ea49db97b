"""Signed marks: made, found again wherever they stand, and not to be forged."""

import random

import pytest

from mailgate import token
from mailgate.token import Mark

KEY, OLD, FOREIGN = b"a" * 32, b"b" * 32, b"c" * 32
MARK = token.new(token.REFUSAL, KEY, b"0123456789")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(MARK, id="alone"),
        pytest.param(f"<{MARK}@example.com>", id="message-id"),
        pytest.param(f"<{MARK}@rewritten.by.provider>", id="another-domain"),
        pytest.param(MARK.upper(), id="I2-upper-case"),
        pytest.param(f"<a@b> <{MARK}@example.com> <c@d>", id="among-others"),
        pytest.param(f"mg1.r.aaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaa {MARK}", id="behind-a-false-one"),
    ],
)
def test_found(text: str) -> None:
    assert token.find(text, (KEY,)) == Mark("r", MARK)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("mg1.", id="prefix-only"),
        pytest.param(MARK[:-1], id="cut"),
        pytest.param(MARK.replace("mg1.r.", "mg1.p."), id="another-kind"),
        pytest.param(MARK.replace("mg1.", "mg2."), id="another-version"),
        pytest.param(token.new(token.REFUSAL, FOREIGN, b"0123456789"), id="another-key"),
    ],
)
def test_not_found(text: str) -> None:
    assert token.find(text, (KEY,)) is None


def test_an_old_key_still_counts() -> None:
    assert token.find(MARK, (OLD, KEY)) == Mark("r", MARK)
    assert token.find(MARK, ()) is None


def test_kind_is_said() -> None:
    found = token.find(token.new(token.POST, KEY, b"0123456789"), (KEY,))
    assert found
    assert found.kind == token.POST


def test_one_changed_character_is_enough() -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    for at in range(len("mg1.r."), len(MARK)):
        if MARK[at] != ".":
            other = alphabet[(alphabet.index(MARK[at]) + 1) % 32]
            assert token.find(MARK[:at] + other + MARK[at + 1 :], (KEY,)) is None


def test_no_guess_is_accepted() -> None:
    guess = random.Random(7)
    for _ in range(10_000):
        nonce, mac = ("".join(guess.choices("abcdefghijklmnopqrstuvwxyz234567", k=16)) for _ in range(2))
        assert token.find(f"mg1.r.{nonce}.{mac}", (KEY,)) is None


def test_a_mark_is_random_and_fits_a_local_part() -> None:
    assert token.new("r", KEY, b"0123456789") != token.new("r", KEY, b"9123456789")
    assert len(MARK) <= 64
    assert MARK.lower() == MARK


def test_message_id() -> None:
    assert token.message_id(MARK, "example.com") == f"<{MARK}@example.com>"


def test_a_huge_field_is_cut_not_searched_for_ever() -> None:
    assert token.find("mg1." * 500_000, (KEY,)) is None
