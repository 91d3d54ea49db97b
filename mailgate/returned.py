"""What a report gives back of the original message: its ids, and whom it was for.

Providers replace a Message-ID on the way and keep the sender's in a field of their own; both are candidates.
"""

import re
from typing import NamedTuple

from mailgate import address, charset

LIMIT = 64 * 1024
"""Characters of a returned header that are looked at."""

_ID_FIELDS = (
    *("message-id", "x-microsoft-original-message-id", "x-google-original-message-id", "x-original-message-id"),
    *("x-original-messageid", "original-message-id", "x-message-id", "resent-message-id"),
)
"""Fields that carry an id of the message, the best first."""
_FIELD = re.compile(
    rf"^[ \t>|]*({'|'.join(_ID_FIELDS)}|to)[ \t]*:[ \t]*([^\n]*(?:\n[ \t]+[^\n]*)*)", re.MULTILINE | re.IGNORECASE
)
_ID = re.compile(r"<[^<>\s]{1,900}>")
_BARE = re.compile(r"[^\s<>@]{1,400}@[^\s<>@]{1,400}")


class Returned(NamedTuple):
    """Ids with their angle brackets, best first, and the addresses in To."""

    ids: tuple[str, ...] = ()
    to: tuple[str, ...] = ()


def read(text: str) -> Returned:
    """The ids and recipients in a text that holds header fields."""
    ids: list[tuple[int, str]] = []
    to: list[str] = []
    for name, value in _FIELD.findall(text[:LIMIT]):
        key = name.lower()
        if key == "to":
            to = to or [str(each) for each in address.mailboxes(charset.line(value, 4000), 50)]
        elif found := one_id(value):
            ids.append((_ID_FIELDS.index(key), found))
    return Returned(tuple(dict.fromkeys(each for _, each in sorted(ids, key=lambda pair: pair[0]))), tuple(to))


def one_id(value: str) -> str | None:
    """The Message-ID in a value, with angle brackets; also one that lost them."""
    found = _ID.search(value)
    if found:
        return charset.line(found[0], 1000)
    bare = _BARE.search(value)
    return f"<{charset.line(bare[0], 998)}>" if bare else None
