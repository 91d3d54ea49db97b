"""Find what a report gives back of the original message: its ids, and its addresses for reports and answers.

Providers replace a Message-ID on the way, and keep the sender's in a field of their own. Both are candidates.
"""

import re
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from mailgate.values import charset, mailboxes

LIMIT = 64 * 1024
"""Characters of a returned header that are read."""
ADDRESSES_LIMIT = 10
"""Addresses of one text that are kept."""

_ID_FIELDS = (
    *("message-id", "x-microsoft-original-message-id", "x-google-original-message-id", "x-original-message-id"),
    *("x-original-messageid", "original-message-id", "x-message-id", "resent-message-id"),
)
"""Fields that carry an id of the message, the best first."""
_ADDRESS_FIELDS = ("return-path", "reply-to")
"""Fields that say where to return or answer it, the best first."""
_FIELD = re.compile(  # with folded lines; but each line of a copy that is indented as a whole is a field
    rf"^[ \t>|]*({'|'.join((*_ID_FIELDS, *_ADDRESS_FIELDS)).replace('-', '[- ]')})[ \t]*:[ \t]*"
    r"([^\n]*(?:\n[ \t]++(?![\w-]{1,60}:)[^\n]*)*)",
    re.MULTILINE | re.IGNORECASE,
)
_END = re.compile(r"\n[ \t\r>|]*\n")
_ID = re.compile(r"<[^<>\s]{1,900}>")
_BARE = re.compile(r"[^\s<>@]{1,400}@[^\s<>@]{1,400}")


class Original(NamedTuple):
    """Candidates for the ids of the original message, with angle brackets, and for the addresses it came from.

    The addresses are those in Return-Path and Reply-To. Both have the best candidate first.
    """

    ids: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    def completed(self, other: "Original") -> "Original":
        """With the ids and the addresses of another place where this one has none."""
        return Original(self.ids or other.ids, self.addresses or other.addresses)


def read(texts: Iterable[str]) -> Original:
    """The ids and return addresses in texts that have header fields."""
    originals = [_read(text) for text in texts]
    ids = dict.fromkeys(message_id for original in originals for message_id in original.ids)
    addresses = dict.fromkeys(address for original in originals for address in original.addresses)
    return Original(tuple(ids), tuple(addresses))


def _read(text: str) -> Original:
    """The ids and return addresses in one text.

    Ids count anywhere. Addresses count only in the header at its start: the body may quote the header of another
    message, whose addresses lead to another conversation.
    """
    text = text[:LIMIT]
    ids: list[tuple[int, str]] = []
    addresses: list[tuple[int, str]] = []
    end = -1  # of the header
    for match in _FIELD.finditer(text):
        name, value = match[1].lower().replace(" ", "-"), match[2]
        if end < 0:
            blank = _END.search(text, match.start())
            end = blank.start() if blank else len(text)
        if name not in _ADDRESS_FIELDS:
            if message_id := one_id(value):
                ids.append((_ID_FIELDS.index(name), message_id))
        elif match.start() <= end:
            rank = _ADDRESS_FIELDS.index(name)
            named = mailboxes.read(charset.line(value, 4000), ADDRESSES_LIMIT)
            addresses += [(rank, str(address)) for address in named]
    return Original(_ranked(ids), _ranked(addresses)[:ADDRESSES_LIMIT])


def _ranked(candidates: list[tuple[int, str]]) -> tuple[str, ...]:
    """The texts of (rank, text), by rank, without repetition."""
    return tuple(dict.fromkeys(text for _, text in sorted(candidates, key=itemgetter(0))))


def one_id(value: str) -> str | None:
    """The Message-ID in a value, with angle brackets, which it may lack."""
    match = _ID.search(value)
    if match:
        return charset.line(match[0], 1000)
    bare = _BARE.search(value)
    return f"<{charset.line(bare[0], 998)}>" if bare else None
