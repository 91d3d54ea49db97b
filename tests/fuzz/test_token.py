"""Signed details and marks: what we write is found, and nothing else."""

from fuzz.strategies import ANYTHING, SOUP, fuzz
from hypothesis import given
from hypothesis import strategies as st

from mailgate.values import token
from mailgate.values.address import lower

KEYS = (b"a" * 32, b"b" * 32)
RECORD, RECIPIENT = "crm.lead/7", "ann@client.org"
PURPOSES = st.sampled_from([token.REPLY, token.BOUNCE])
NUMBERS = st.integers(0, (1 << 60) - 1) | st.integers(0, 40)  # twelve digits
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def signed(purpose: str, number: int, local: str = "info", delimiter: str = "+") -> str:
    return f"{local}{delimiter}{token.sign(purpose, KEYS[0], number, RECORD, RECIPIENT)}"


@st.composite
def changes(draw: st.DrawFn, text: str, start: int = 0) -> str:
    """A text with some letters changed, left out, put in or exchanged, from a place on."""
    letters = list(text[start:])
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(letters) - 1))
        match draw(st.sampled_from(["change", "drop", "insert", "swap", "raise"])):
            case "change":
                letters[at] = draw(st.sampled_from(LETTERS + "018_.-=\u0131\u212a\0"))
            case "drop" if len(letters) > 1:
                del letters[at]
            case "insert":
                letters.insert(at, draw(st.sampled_from(LETTERS + "+-=\0")))
            case "swap":
                letters[at - 1], letters[at] = letters[at], letters[at - 1]
            case "raise":
                letters[at] = letters[at].upper()
    return text[:start] + "".join(letters)


@fuzz
@given(PURPOSES, NUMBERS, SOUP.filter(bool), st.sampled_from("+-=_."))
def test_any_signed_token_is_found(purpose: str, number: int, local: str, delimiter: str) -> None:
    found = token.parse(lower(signed(purpose, number, lower(local), delimiter)))
    if "\n" in local:
        return
    assert found is not None
    assert (found.local, found.purpose, found.number) == (lower(local), purpose, number)
    assert token.fault(found, KEYS, RECORD, RECIPIENT) == ""
    assert token.fault(found, KEYS[::-1], RECORD, RECIPIENT) == ""


@fuzz
@given(PURPOSES, NUMBERS, SOUP, SOUP)
def test_a_token_counts_for_its_record_and_recipient_alone(
    purpose: str, number: int, record: str, recipient: str
) -> None:
    found = token.parse(signed(purpose, number))
    assert found
    assert token.fault(found, KEYS, record, RECIPIENT)
    assert token.fault(found, KEYS, RECORD, recipient)
    assert token.fault(found, KEYS, f"{RECORD}\0{RECIPIENT}", "")
    assert token.fault(found, KEYS[1:], RECORD, RECIPIENT)
    assert token.fault(found._replace(purpose="b" if purpose == "r" else "r"), KEYS, RECORD, RECIPIENT)
    assert token.fault(found._replace(number=number + 1), KEYS, RECORD, RECIPIENT)


@fuzz
@given(st.data(), PURPOSES, NUMBERS)
def test_no_changed_token_is_accepted(data: st.DataObject, purpose: str, number: int) -> None:
    text = signed(purpose, number)
    changed = lower(data.draw(changes(text, len("info+"))))
    found, original = token.parse(changed), token.parse(text)
    if found and found._replace(local="") != (original and original._replace(local="")):
        assert token.fault(found, KEYS, RECORD, RECIPIENT)


@fuzz
@given(SOUP | ANYTHING | st.text(st.sampled_from(LETTERS + "+mg1rb"), max_size=60))
def test_no_text_is_taken_for_a_token(text: str) -> None:
    for each in (text, f"info+mg1r{text}", f"info+mg1b{lower(text)}"):
        found = token.parse(each)
        assert found is None or token.fault(found, KEYS, RECORD, RECIPIENT)
    assert token.find_mark(text, KEYS) is None
    assert token.find_mark(f"mg1.r.{text}", KEYS) is None


@fuzz
@given(st.data(), SOUP, SOUP, st.binary(min_size=10, max_size=20))
def test_any_mark_is_found_between_other_text(data: st.DataObject, before: str, after: str, random: bytes) -> None:
    mark = token.new_mark(token.POST, KEYS[1], random)
    assert token.find_mark(f"{before}<{mark}@example.com>{after}", KEYS) == token.Mark(token.POST, mark)
    assert token.find_mark(f"{before} {mark.upper()} {after}", KEYS) == token.Mark(token.POST, mark)
    changed = data.draw(changes(mark))
    found = token.find_mark(changed, KEYS)
    assert found is None or found.text == mark
    assert token.find_mark(mark, KEYS[:1]) is None
