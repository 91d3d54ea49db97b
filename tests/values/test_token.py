"""Signed marks and details: made, found again wherever they stand, and not to be forged."""

import random
import re

import pytest

from mailgate.values import address, names, token
from mailgate.values.token import Mark, Token

KEY, OLD, FOREIGN = b"a" * 32, b"b" * 32, b"c" * 32
MARK = token.new_mark(token.REFUSAL, KEY, b"0123456789")


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
def test_a_mark_is_found_in_a_text(text: str) -> None:
    assert token.find_mark(text, (KEY,)) == Mark("r", MARK)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("mg1.", id="prefix-only"),
        pytest.param(MARK[:-1], id="cut"),
        pytest.param(MARK.replace("mg1.r.", "mg1.p."), id="another-kind"),
        pytest.param(MARK.replace("mg1.", "mg2."), id="another-version"),
        pytest.param(token.new_mark(token.REFUSAL, FOREIGN, b"0123456789"), id="another-key"),
    ],
)
def test_what_is_no_mark_of_ours_is_not_found(text: str) -> None:
    assert token.find_mark(text, (KEY,)) is None


def test_an_old_key_still_counts() -> None:
    assert token.find_mark(MARK, (OLD, KEY)) == Mark("r", MARK)
    assert token.find_mark(MARK, ()) is None


def test_a_mark_has_its_kind() -> None:
    found = token.find_mark(token.new_mark(token.POST, KEY, b"0123456789"), (KEY,))
    assert found
    assert found.kind == token.POST


def test_one_changed_character_is_enough() -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    for at in range(len("mg1.r."), len(MARK)):
        if MARK[at] != ".":
            other = alphabet[(alphabet.index(MARK[at]) + 1) % 32]
            assert token.find_mark(MARK[:at] + other + MARK[at + 1 :], (KEY,)) is None


def test_no_guess_is_accepted() -> None:
    guess = random.Random(7)
    for _ in range(10_000):
        nonce, mac = ("".join(guess.choices("abcdefghijklmnopqrstuvwxyz234567", k=16)) for _ in range(2))
        assert token.find_mark(f"mg1.r.{nonce}.{mac}", (KEY,)) is None


def test_a_mark_is_random_and_fits_a_local_part() -> None:
    assert token.new_mark("r", KEY, b"0123456789") != token.new_mark("r", KEY, b"9123456789")
    assert len(MARK) <= 64
    assert MARK.lower() == MARK


def test_a_message_id_carries_its_mark() -> None:
    assert token.message_id(MARK, "example.com") == f"<{MARK}@example.com>"


def test_a_huge_field_is_cut_not_searched_for_ever() -> None:
    assert token.find_mark("mg1." * 500_000, (KEY,)) is None


# --- details ---------------------------------------------------------------------------------------------------------

RECORD, BOB = "crm.lead/7", "bob@client.org"
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
DETAIL = token.sign(token.REPLY, KEY, 41, RECORD, BOB)
DELIMITERS = [chr(code) for code in range(128) if names.is_delimiter(chr(code))]


def doubt(
    text: str, *secrets: bytes, purpose: str = token.REPLY, number: int = 41, record: str = RECORD, to: str = BOB
) -> str:
    """Why `info+text` names nothing, asked for what this delivery was."""
    found = token.parse(f"info+{text}")
    if not found or found.purpose != purpose or found.number != number:
        return "another"
    return token.fault(found, secrets or (KEY,), record, to)


def test_a_detail_is_found_again() -> None:
    found = token.parse(f"info+{DETAIL}")
    assert found
    assert (found.local, found.purpose, found.key, found.number) == ("info", "r", token.fingerprint(KEY), 41)
    assert token.fault(found, (KEY,), RECORD, BOB) == ""


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_every_delimiter_that_a_domain_may_have(delimiter: str) -> None:
    found = token.parse(f"info{delimiter}{DETAIL}")
    assert found
    assert found == token.parse(f"info+{DETAIL}")
    assert address.parse(f"info{delimiter}{DETAIL}@example.com")


def test_the_delimiters_of_these_tests_are_those_of_the_program() -> None:
    assert set("+-=_.") < set(DELIMITERS)


def test_an_address_in_upper_case() -> None:
    folded = address.parse(f"INFO+{DETAIL.upper()}@EXAMPLE.COM")
    assert folded
    assert token.parse(address.lower(folded.local)) == token.parse(f"info+{DETAIL}")


@pytest.mark.parametrize("purpose", [token.REPLY, token.BOUNCE])
@pytest.mark.parametrize("number", [0, 1, 31, 32, 1023, 1 << 40, (1 << 60) - 1])
def test_a_token_carries_any_number(number: int, purpose: str) -> None:
    text = token.sign(purpose, KEY, number, RECORD, BOB)
    assert doubt(text, purpose=purpose, number=number) == ""


@pytest.mark.parametrize(
    ("number", "length"), [(0, 23), (31, 23), (32, 24), (1023, 24), (1024, 25), ((1 << 60) - 1, 34)]
)
def test_a_token_is_as_short_as_its_number_allows(number: int, length: int) -> None:
    text = token.sign(token.REPLY, KEY, number, RECORD, BOB)
    assert len(text) == length
    assert re.fullmatch("[a-z0-9]+", text)


@pytest.mark.parametrize("at", range(len(DETAIL)))
def test_one_changed_character_of_a_detail_is_enough(at: int) -> None:
    for other in LETTERS + "0189":
        changed = DETAIL[:at] + other + DETAIL[at + 1 :]
        assert (doubt(changed) == "") == (other == DETAIL[at])


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"record": "crm.lead/8"}, id="record"),
        pytest.param({"record": "crm.lead/77"}, id="record-longer"),
        pytest.param({"to": "eve@client.org"}, id="recipient"),
        pytest.param({"to": ""}, id="no-recipient"),
        pytest.param({"record": RECORD[:-1], "to": RECORD[-1] + BOB}, id="moved-border"),
        pytest.param({"record": f"{RECORD}\0{BOB}", "to": ""}, id="border-inside"),
    ],
)
def test_a_detail_is_for_one_record_and_recipient(asked: dict[str, str]) -> None:
    assert doubt(DETAIL, **asked) == "forged"


@pytest.mark.parametrize(
    "swapped",
    [
        pytest.param(DETAIL.replace("mg1r", "mg1b"), id="purpose"),
        pytest.param(f"{DETAIL[:-1]}k", id="number"),
        pytest.param(f"{DETAIL}a", id="number-32-times"),
        pytest.param(DETAIL[:6] + token.sign(token.REPLY, KEY, 42, RECORD, BOB)[6:-2] + DETAIL[-2:], id="mac-of-42"),
        pytest.param(DETAIL[:4] + token.fingerprint(FOREIGN) + DETAIL[6:], id="key"),
    ],
)
def test_a_detail_put_together_from_pieces(swapped: str) -> None:
    found = token.parse(f"info+{swapped}")
    assert found
    assert token.fault(found, (KEY, FOREIGN), RECORD, BOB) == "forged"


def test_keys_are_told_apart_by_two_letters() -> None:
    assert len({token.fingerprint(each) for each in (KEY, OLD, FOREIGN)}) == 3
    old = token.sign(token.REPLY, OLD, 41, RECORD, BOB)
    assert doubt(old, KEY, OLD) == ""
    assert "no longer" in doubt(old, KEY)
    assert "no longer" in token.fault(Token("info", "r", token.fingerprint(OLD), "a" * 16, 41), (), RECORD, BOB)
    assert doubt(old[:-3] + ("a" if old[-3] != "a" else "b") + old[-2:], KEY, OLD) == "forged"


def test_two_keys_of_one_name_are_tried_both() -> None:
    other = next(key for n in range(100_000) if token.fingerprint(key := b"%032d" % n) == token.fingerprint(KEY))
    assert doubt(DETAIL, other, KEY) == ""
    assert doubt(DETAIL, other) == "forged"


def test_no_guessed_detail_is_accepted() -> None:
    guess = random.Random(7)
    for _ in range(10_000):
        mac = "".join(guess.choices(LETTERS, k=16))
        text = f"mg1r{token.fingerprint(KEY)}{mac}{''.join(guess.choices(LETTERS, k=2))}"
        found = token.parse(f"info+{text}")
        assert found
        assert token.fault(found, (KEY,), RECORD, BOB) == "forged"


@pytest.mark.parametrize(
    "local",
    [
        pytest.param("info", id="none"),
        pytest.param("mg1", id="prefix"),
        pytest.param(DETAIL, id="no-name"),
        pytest.param(f"+{DETAIL}", id="empty-name"),
        pytest.param(f"info{DETAIL}", id="no-delimiter"),
        pytest.param(f"info+{DETAIL[:22]}", id="no-number"),
        pytest.param(f"info+{DETAIL[:22]}{'b' * 13}", id="number-too-long"),
        pytest.param(f"info+{DETAIL}+x", id="more-behind"),
        pytest.param(f"info+{DETAIL}\n", id="line-end-behind"),
        pytest.param(f"info+{DETAIL[:10]}+{DETAIL[10:]}", id="delimiter-inside"),
        pytest.param(f"info+{DETAIL.replace('mg1', 'mg2')}", id="another-version"),
        pytest.param(f"info+{DETAIL.replace('mg1r', 'mg1x')}", id="another-purpose"),
        pytest.param(f"info+{DETAIL.upper()}", id="upper-case-is-folded-before"),
        pytest.param("info+" + "mg1r" * 100_000, id="huge"),
    ],
)
def test_what_is_no_token_is_not_parsed(local: str) -> None:
    assert token.parse(local) is None


@pytest.mark.parametrize("name", ["info", "in+fo", "a.b-c", '"q uoted', "é", "info+mg1r", f"info+{DETAIL}"])
def test_the_name_before_a_detail(name: str) -> None:
    found = token.parse(f"{name}+{DETAIL}")
    assert found
    assert found.local == name
