"""Whether two mails with one Message-ID are copies of one mail, as a list or a gateway on the way leaves them.

Whoever knows a Message-ID can send it again with other words. So the content decides, and in doubt the two are
different: a mail that is kept twice is a nuisance, one that is taken for a copy of something else is lost.
"""

import re

from mailgate.mail import content
from mailgate.mail.header import Header, scan
from mailgate.values import charset, mailboxes

MOST_BEFORE = 5
"""Lines that a copy may have in front of the text: `[EXTERNAL]`, a warning of a gateway."""
MOST_BEHIND = 20
"""Lines that a copy may have behind the text: the footer of a list, a disclaimer."""
FEWEST_WORDS = 3
"""Words that the shorter text needs; a shorter one stands in too many others."""
_TAGS = re.compile(r"(?:(?:re|fwd?|aw|wg)\s*:\s*|\[[^\]]{0,60}\]\s*)*", re.IGNORECASE)
_TAG = re.compile(r"\[[^\]]{0,60}\]\s*")
_POSTING = re.compile(rb"<mailto:([^>?]{1,320})", re.IGNORECASE)


def are_copies(first: bytes, second: bytes) -> bool:
    """Whether two mails of one author and id are one mail: same date, subject, answer address, files and text.

    A list may put its tag before the subject, its posting address into Reply-To and itself into Sender; one of the two
    may have a block of lines more at its very start or at its very end.
    """
    headers = scan(first), scan(second)
    return _headers_agree(*headers) and _bodies_agree(first, second)


def has_text_of(copy: bytes, ours: bytes, *, added: bool) -> bool:
    """Whether a mail has the text of one that we sent, and no file but those of that one.

    added: it may have a block of lines more at its very start or at its very end.
    """
    (sent, sent_files), (came, came_files) = _body(ours), _body(copy)
    if not came_files <= sent_files:
        return False
    return sent == came or (added and _is_within(sent, came))


def more(copy: bytes, kept: bytes) -> tuple[str, ...]:
    """The lines of text that a copy of a mail has at its start or end, and the kept one does not; () for none."""
    (short, _), (long, _) = _body(kept), _body(copy)
    count = max(0, len(long) - len(short))
    return tuple(long[len(short) :] if long[: len(short)] == short else long[:count])


def date(raw: bytes) -> str:
    """The Date field of a mail or of its header, `""` without one."""
    return _line(scan(raw), "date")


def _headers_agree(first: Header, second: Header) -> bool:
    posting = _posting(first) | _posting(second)
    listed = any(name.startswith("list-") for header in (first, second) for name in header.fields)
    return (
        _line(first, "date") == _line(second, "date") != ""
        and _subject(first) == _subject(second)
        and _addresses(first, "reply-to") - posting == _addresses(second, "reply-to") - posting
        and (listed or _addresses(first, "sender") == _addresses(second, "sender"))
    )


def _bodies_agree(first: bytes, second: bytes) -> bool:
    (one, files), (other, other_files) = _body(first), _body(second)
    if not (files <= other_files or other_files <= files):
        return False
    short, long = sorted((one, other), key=len)
    return short == long or _is_within(short, long)


def _is_within(short: list[str], long: list[str]) -> bool:
    """Whether a text is another one with a block of lines more at its very start or at its very end."""
    if len(" ".join(short).split()) < FEWEST_WORDS:
        return False
    more = len(long) - len(short)
    if more < 0:
        return False
    return (long[: len(short)] == short and more <= MOST_BEHIND) or (long[more:] == short and more <= MOST_BEFORE)


def _body(raw: bytes) -> tuple[list[str], frozenset[str]]:
    """The lines of the text that say something, however they are spaced, and the digests of the files."""
    text, files = content.unopened(raw)
    return [line for line in (" ".join(line.split()) for line in text.splitlines()) if line], files


def _line(header: Header, name: str) -> str:
    values = header.fields.get(name)
    return " ".join(charset.decode_words(values[0]).split()) if values else ""


def _subject(header: Header) -> str:
    """The subject without the tags in brackets that stand before it or behind its `Re:`."""
    subject = _line(header, "subject")
    start = _TAGS.match(subject)
    assert start is not None
    return " ".join((_TAG.sub("", start[0]) + subject[start.end() :]).split())


def _addresses(header: Header, name: str) -> frozenset[str]:
    values = header.fields.get(name, ())
    return frozenset(address.key for value in values for address in mailboxes.read(value.decode("utf-8", "replace")))


def _posting(header: Header) -> frozenset[str]:
    """The posting addresses of the lists that a mail went through (RFC 2369 section 3.4)."""
    texts = [
        match[1].decode("utf-8", "replace")
        for value in header.fields.get("list-post", ())
        for match in _POSTING.finditer(value)
    ]
    return frozenset(address.key for text in texts for address in mailboxes.read(text))
