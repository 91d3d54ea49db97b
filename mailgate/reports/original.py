"""What a report gives back of the original message: its ids, and where a report or an answer to it would have gone.

Providers replace a Message-ID on the way and keep the sender's in a field of their own; both are candidates.
"""

import re
from typing import NamedTuple

from mailgate.values import charset, mailboxes

LIMIT = 64 * 1024
"""Characters of a returned header that are looked at."""
ADDRESSES_LIMIT = 10
"""Addresses of one text that are kept."""

_ID_FIELDS = (
    *("message-id", "x-microsoft-original-message-id", "x-google-original-message-id", "x-original-message-id"),
    *("x-original-messageid", "original-message-id", "x-message-id", "resent-message-id"),
)
"""Fields that carry an id of the message, the best first."""
_ADDRESS_FIELDS = ("return-path", "reply-to")
"""Fields that say where to return or answer it, the best first."""
_FIELD = re.compile(  # folded lines; but a copy that is indented as a whole has a field in each
    rf"^[ \t>|]*({'|'.join((*_ID_FIELDS, *_ADDRESS_FIELDS)).replace('-', '[- ]')})[ \t]*:[ \t]*"
    r"([^\n]*(?:\n[ \t]++(?![\w-]{1,60}:)[^\n]*)*)",
    re.MULTILINE | re.IGNORECASE,
)
_END = re.compile(r"\n[ \t\r>|]*\n")
_ID = re.compile(r"<[^<>\s]{1,900}>")
_BARE = re.compile(r"[^\s<>@]{1,400}@[^\s<>@]{1,400}")


class Returned(NamedTuple):
    """Ids with their angle brackets, and the addresses in Return-Path and Reply-To; both the best first."""

    ids: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def read(text: str) -> Returned:
    """The ids and return addresses in a text that holds header fields.

    An id may stand anywhere. Addresses count only in the header that comes first: the body may quote the header of
    another message, and that one's addresses lead to another conversation.
    """
    text = text[:LIMIT]
    ids: list[tuple[int, str]] = []
    addresses: list[tuple[int, str]] = []
    end = -1
    for match in _FIELD.finditer(text):
        name, value = match[1].lower().replace(" ", "-"), match[2]
        if end < 0:
            blank = _END.search(text, match.start())
            end = blank.start() if blank else len(text)
        if name not in _ADDRESS_FIELDS:
            if found := one_id(value):
                ids.append((_ID_FIELDS.index(name), found))
        elif match.start() <= end:
            named = mailboxes.read(charset.line(value, 4000), ADDRESSES_LIMIT)
            addresses += [(_ADDRESS_FIELDS.index(name), str(each)) for each in named]
    return Returned(_ranked(ids), _ranked(addresses)[:ADDRESSES_LIMIT])


def _ranked(found: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for _, each in sorted(found, key=lambda pair: pair[0])))


def one_id(value: str) -> str | None:
    """The Message-ID in a value, with angle brackets; also one that lost them."""
    found = _ID.search(value)
    if found:
        return charset.line(found[0], 1000)
    bare = _BARE.search(value)
    return f"<{charset.line(bare[0], 998)}>" if bare else None
