"""Facts: the same for the same message, however it was carried."""

import re

from fuzz.checks import clean
from fuzz.strategies import fuzz, letters, soups
from helpers.messages import facts
from hypothesis import given
from hypothesis import strategies as st

from mailgate.mail import message
from mailgate.mail.message import Message


def said(found: Message) -> tuple[object, ...]:
    """What a message says, without where its bytes lie."""
    kept = ("message_id", "references", "subject", "author", "to", "cc", "resent", "transport", "digest", "defects")
    return tuple(getattr(found, each) for each in kept)


@fuzz
@given(soups())
def test_any_bytes_give_clean_facts(raw: bytes) -> None:
    found = facts(raw, "info@example.com")
    assert found.raw == raw
    assert 0 <= found.body_at <= len(raw)
    assert re.fullmatch("[0-9a-f]{64}", found.digest)
    clean((found.message_id, found.references, found.subject, found.author.name, found.defects), "the facts")
    clean([found.author.address and str(found.author.address), found.field("date")], "the author")
    clean([str(each) for each in found.header_addresses], "the addresses")
    clean([value for name in found.fields for value in found.plain(name)], "the fields")
    assert all(each.startswith("<") and each.endswith(">") for each in found.references)
    assert found.message_id not in found.references
    assert found == facts(raw, "info@example.com")


@fuzz
@given(letters(), st.sampled_from([b"\r\n", b"\r"]), st.integers(0, 3))
def test_line_ends_say_nothing(raw: bytes, end: bytes, blank: int) -> None:
    assert said(facts(raw.replace(b"\n", end) + end * blank)) == said(facts(raw))


@fuzz
@given(letters(), st.data())
def test_folding_says_nothing(raw: bytes, data: st.DataObject) -> None:
    head, blank, body = raw.partition(b"\n\n")
    folds = st.sampled_from([b" ", b" ", b"\n ", b"\r\n\t", b"\n  "])
    folded = re.sub(rb"(?<=[^\n:]) (?=[^\n ])", lambda match: data.draw(folds), head)
    assert said(facts(folded + blank + body)) == said(facts(raw))


@fuzz
@given(
    letters(), st.permutations([b"Received: by mx\n", b"Delivered-To: x@y.z\n", b"X-Spam-Flag: NO\n"]), st.booleans()
)
def test_what_servers_add_on_the_way_is_not_digested(raw: bytes, added: list[bytes], mbox: bool) -> None:
    carried = b"From bob@client.org Mon Sep 14 09:00:00 2026\n" * mbox + b"".join(added) + raw
    assert facts(carried).digest == facts(raw).digest


@fuzz
@given(letters(), st.integers(0, 10_000), st.integers(1, 255))
def test_what_a_sender_writes_is_digested(raw: bytes, at: int, by: int) -> None:
    """Any byte of the body; not line ends, which servers change."""
    start = raw.index(b"\n\n") + 2
    places = [each for each in range(start, len(raw)) if raw[each] not in b"\r\n" and raw[each] ^ by not in b"\r\n"]
    if places:
        place = places[at % len(places)]
        changed = raw[:place] + bytes([raw[place] ^ by]) + raw[place + 1 :]
        assert facts(changed).digest != facts(raw).digest


@fuzz
@given(soups())
def test_a_message_that_could_not_be_read_keeps_its_bytes(raw: bytes) -> None:
    envelope = facts(raw).envelope
    found = message.unread(raw, envelope, "why")
    assert (found.raw, found.envelope, found.references, found.to) == (raw, envelope, (), ())
