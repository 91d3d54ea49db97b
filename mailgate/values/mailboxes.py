"""Read the mailboxes in header fields: the author strictly, recipients leniently.

A wrong guess does different harm in the two. A wrong author gets rights that are not theirs, so `author` accepts the
grammar of RFC 5322 section 3.4 without its obsolete forms, and nothing that two readers could understand in two ways. A
recipient that is missed loses mail, so `read` accepts what mail programs write, such as a missing `>`.
"""

import re
from itertools import pairwise
from typing import NamedTuple

from mailgate.values.address import LIMIT, Address, has_control, lenient, parse, quoted, unescaped

FIELD_LIMIT = 65536
"""Characters of an address field that are read; a longer From names no author."""
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_WORD = re.compile(r'[^\x00-\x20()<>:;\\,"\x7f]+')


class Author(NamedTuple):
    """Who wrote a message, from its From field.

    `address` is None unless exactly one mailbox is named beyond doubt, and `defect` then says why. `name` is the
    display name, `text` the field as written.
    """

    address: Address | None
    name: str
    text: str
    defect: str = ""


def read(value: str, limit: int = 2000) -> list[Address]:
    """Every address in a To, Cc or Delivered-To value, read leniently, in order, at most `limit`."""
    addresses: list[Address] = []
    for mailbox in _split(value[:FIELD_LIMIT]):
        if len(addresses) >= limit:
            break
        if "<" in mailbox:
            address = lenient(mailbox[mailbox.rindex("<") + 1 :].partition(">")[0])
        else:
            address = lenient(mailbox)
            if address is None and "@" in mailbox:  # `Bob Ray bob@client.org`: words, one of them an address
                words = [lenient(word) for word in mailbox.split() if "@" in word]
                addresses.extend(word for word in words if word)
                continue
        if address:
            addresses.append(address)
    return addresses


def _split(value: str) -> list[str]:
    """The mailboxes of an address list, without comments and group names."""
    mailboxes: list[str] = []
    mailbox: list[str] = []
    in_quotes = escaped = in_brackets = False
    comments = 0  # that are open at this character
    for c in value:
        if escaped:
            escaped = False
            if not comments:
                mailbox.append(c)
            continue
        if c == "\\" and (in_quotes or comments):
            escaped = True
            if not comments:
                mailbox.append(c)
        elif in_quotes:
            mailbox.append(c)
            in_quotes = c != '"'
        elif comments:
            comments += (c == "(") - (c == ")")
        elif c == "(":
            comments = 1
        elif c == '"':
            in_quotes = True
            mailbox.append(c)
        elif c in ",;":  # also inside `<...`: a missing `>` must not swallow the next address
            mailboxes.append("".join(mailbox))
            mailbox, in_brackets = [], False
        elif c == ":" and not in_brackets and "@" not in mailbox:  # behind the name of a group
            mailbox = []
        else:
            in_brackets = c == "<" or (in_brackets and c != ">")
            mailbox.append(c)
    mailboxes.append("".join(mailbox))
    return mailboxes


def author(values: list[str]) -> Author:
    """The one mailbox of the one From field (RFC 5322 section 3.6.2), read strictly.

    `values` are the unfolded values of every From field. The author has no address when there are two fields, two
    mailboxes, a group, an address in front of the angle bracket, text behind it, a control character or anything else
    that two readers could understand in two ways.
    """
    text = ", ".join(values)
    if len(values) != 1:
        return Author(None, "", text, "no From field" if not values else "several From fields")
    if len(text) > FIELD_LIMIT:
        return Author(None, "", text[:FIELD_LIMIT], "From field too long")
    if has_control(text):
        return Author(None, "", text, "control character in From")
    address, name, defect = _mailbox(text)
    return Author(address, name, text, defect)


def _mailbox(text: str) -> tuple[Address | None, str, str]:
    """(address, display name, defect) of one mailbox."""
    tokens = _tokens(text)
    if tokens is None:
        return None, "", "unbalanced quote, comment or bracket in From"
    if any(kind == "c" and ("@" in part or "<" in part) for kind, part in tokens):
        return None, "", "an address in a comment in From"
    tokens = [(kind, part) for kind, part in tokens if kind != "c"]
    kinds = "".join(kind for kind, _ in tokens)
    name = " ".join(part for kind, part in tokens if kind in "wq")
    if "s" in kinds:
        return None, name, "several mailboxes in From"
    if kinds.count("a") == 1 and kinds.endswith("a"):
        if any(kind == "w" and "@" in part for kind, part in tokens):
            return None, name, "an address in front of the angle bracket in From"
        address = parse(tokens[-1][1])
    elif "a" in kinds:
        return None, name, "text behind the angle bracket in From"
    else:
        name = ""
        address = _bare(tokens)
    if address is None:
        return None, name, "no valid address in From"
    if "=?" in address.local:
        return None, name, "an encoded word in the address in From"
    if len(str(address).encode("utf-8", "replace")) > LIMIT:
        return None, name, "address too long in From"
    return address, name, ""


def _bare(tokens: list[tuple[str, str]]) -> Address | None:
    """A mailbox without angle brackets: comments and blanks may surround its `@` (RFC 5322 section 3.4.1) only."""
    parts = [quoted(part) if kind == "q" else part for kind, part in tokens]
    if not all(left.endswith("@") or right.startswith("@") for left, right in pairwise(parts)):
        return None
    return parse("".join(parts))


def _tokens(text: str) -> list[tuple[str, str]] | None:
    """(kind, text) of each token, None when the text is malformed.

    The kinds: `w` a word, `q` a quoted string (unescaped), `a` what angle brackets hold, `s` a separator, `c` a
    comment.
    """
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        c = text[at]
        if c in " \t":
            at += 1
        elif c == "(":
            end = _comment_end(text, at)
            if end is None:
                return None
            tokens.append(("c", text[at:end]))
            at = end
        elif c == '"':
            match = _QUOTED.match(text, at)
            if not match:
                return None
            tokens.append(("q", unescaped(match[1])))
            at = match.end()
        elif c == "<":
            close = text.find(">", at)
            if close < 0:
                return None
            tokens.append(("a", text[at + 1 : close].strip(" \t")))
            at = close + 1
        elif c in ",;:":
            tokens.append(("s", c))
            at += 1
        else:
            match = _WORD.match(text, at)
            if not match:
                return None
            tokens.append(("w", match[0]))
            at = match.end()
    return tokens


def _comment_end(text: str, at: int) -> int | None:
    """Where the comment that opens at `at` ends, None when it does not."""
    depth = 0
    while at < len(text):
        c = text[at]
        at += 2 if c == "\\" else 1
        depth += (c == "(") - (c == ")")
        if not depth:
            return at
    return None
