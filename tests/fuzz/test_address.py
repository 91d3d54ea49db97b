"""Addresses: whatever is read prints to something that is read the same."""

from fuzz.strategies import ADDRESSES, ANYTHING, SOUP, WORDS, fuzz
from hypothesis import assume, given
from hypothesis import strategies as st

from mailgate.values import address, charset, mailboxes
from mailgate.values.address import Address


def plain(found: Address) -> bool:
    """Whether it has no angle bracket in quotes: what stands in brackets is what lenient readers take."""
    return not {"<", ">"} & {*found.local}


def holds(found: Address) -> None:
    """What is true of every address, whoever read it."""
    text = str(found)
    assert address.parse(text) == found
    assert address.lenient(text) == found
    assert mailboxes.read(text) == [found] or not plain(found)
    assert mailboxes.author([text]).address == (None if "=?" in found.local or len(text.encode()) > 254 else found)
    key = address.parse(found.key)
    assert key is not None
    assert key.key == found.key == found._replace(local=address.lower(found.local)).key
    assert charset.clean(text) == text
    assert not any(c < " " or c in "\x7f\x85\u2028\u2029" for c in text)
    assert address.domain(found.domain) in (found.domain, None if found.domain.startswith("[") else found.domain)
    assert found.domain == found.domain.lower()
    assert found.domain.isascii()
    assert len(found.local.encode()) <= address.LOCAL_LIMIT


@fuzz
@given(SOUP | ANYTHING)
def test_what_is_read_prints_to_itself(text: str) -> None:
    found = [address.parse(text), address.lenient(text), mailboxes.author([text]).address, *mailboxes.read(text)]
    for each in found:
        if each:
            holds(each)


@fuzz
@given(SOUP | ANYTHING, SOUP)
def test_a_strict_reader_and_a_lenient_one_agree(text: str, name: str) -> None:
    strict = address.parse(text)
    assert strict is None or address.lenient(text) == strict
    author = mailboxes.author([f"{name}<{text}>"]).address
    assert author is None or author in mailboxes.read(f"{name}<{text}>")


@fuzz
@given(ADDRESSES)
def test_any_mailbox_survives(found: Address) -> None:
    holds(found)


@fuzz
@given(st.lists(ADDRESSES.filter(plain), max_size=8), st.sampled_from([", ", ",", " ; ", ",\t"]))
def test_a_list_is_read_as_it_was_printed(every: list[Address], between: str) -> None:
    assert mailboxes.read(between.join(map(str, every))) == every
    named = between.join(f'"{at}, (x" (a "comment) <{each}>' for at, each in enumerate(every))
    assert mailboxes.read(named) == every


@fuzz
@given(ADDRESSES.filter(plain), WORDS)
def test_a_name_says_nothing_about_the_author(found: Address, name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    author = mailboxes.author([f'"{quoted}" <{found}>'])
    if author.address:
        assert (author.address, author.name) == (found, name)
    else:
        assert "=?" in found.local or len(str(found).encode()) > address.LIMIT


@fuzz
@given(ADDRESSES, ADDRESSES, st.sampled_from([", ", "; ", " ", "<", ">", " <x> ", ": ", '" "', "\0"]))
def test_nobody_wrote_what_two_did(one: Address, two: Address, between: str) -> None:
    assume(one.key != two.key)  # the same twice leaves no doubt
    found = mailboxes.author([f"{one}{between}{two}"]).address
    assert found not in (one, two)
    assert mailboxes.author([str(one), str(two)]).address is None


@fuzz
@given(SOUP | ANYTHING)
def test_a_domain_is_its_own_normal_form(text: str) -> None:
    found = address.domain(text)
    assert found is None or address.domain(found) == found
