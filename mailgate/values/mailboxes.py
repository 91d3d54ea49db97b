"""Read the mailboxes in header fields: the author strictly, recipients leniently.

A wrong guess does different harm in the two. A wrong author gets rights that are not theirs, so `author` accepts the
grammar of RFC 5322 section 3.4 without its obsolete forms, and nothing that two readers could understand in two ways. A
recipient that is missed loses mail, so `read` accepts what mail programs write, such as a missing `>`.
"""

import re
from itertools import pairwise

from mailgate.values.address import LIMIT, Address, has_control, lenient, lower, parse, quoted, unescaped
from mailgate.values.light import NamedTuple
from mailgate.values.pattern import pattern

FIELD_LIMIT = 65536
"""Characters of an address field that are read; a longer From names no author."""
_QUOTED = pattern(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_WORD = pattern(r'[^\x00-\x20()<>:;\\,"\x7f]+')
_ENCODED_WORD = pattern(r"=\?[^?]+\?[bqBQ]\?[^?]*\?=")
_BETWEEN = pattern(r'[\s<>()\[\],;:"\\]+')
_NAMED_LIMIT = 2000
"""Characters of an address field in which `named` looks."""


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
            behind = mailbox[mailbox.rfind('"') + 1 :]  # what a quoted name says is no address
            for text in behind.split("<")[1:] or [mailbox[mailbox.rindex("<") + 1 :]]:
                address = lenient(_without_scheme(text.partition(">")[0]))
                addresses.extend([address] if address else [])
            continue
        address = lenient(mailbox)
        if address is None and "@" in mailbox:  # `Bob Ray bob@client.org`: words, one of them an address
            words = [lenient(word) for word in mailbox.split() if "@" in word]
            addresses.extend(word for word in words if word)
            continue
        if address:
            addresses.append(address)
    return addresses[:limit]


def _without_scheme(text: str) -> str:
    """An address of a recipient without the scheme that some programs copy from a link (RFC 6068)."""
    return text[len("mailto:") :] if lower(text[: len("mailto:")]) == "mailto:" else text


def named(text: str) -> tuple[Address, ...]:
    """The addresses that stand in an address field at all, however it is written, each once.

    What a quoted string or an encoded word holds is text. A field of more than 2,000 characters names none.
    """
    if len(text) > _NAMED_LIMIT:
        return ()
    text = _QUOTED.sub(lambda match: match[0] if text[match.end() : match.end() + 1] == "@" else " ", text)
    words = (word for word in _BETWEEN.split(text) if "@" in word and not _ENCODED_WORD.fullmatch(word))
    addresses = {address.key: address for word in words if (address := lenient(word))}
    return tuple(addresses.values())


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
    mailboxes, another address in front of the angle bracket, text behind it, a control character or anything else that
    two readers could understand in two ways. Where one address stands in the whole field, these leave no doubt: commas
    in the name, the address as its own name, a comma or semicolon at the end, a group of one, the same field twice.
    """
    text = ", ".join(values)
    if len(dict.fromkeys(values)) != 1:
        return Author(None, "", text, "no From field" if not values else "several From fields")
    text = values[0]
    if len(text) > FIELD_LIMIT:
        return Author(None, "", text[:FIELD_LIMIT], "From field too long")
    if has_control(text):
        return Author(None, "", text, "control character in From")
    address, name, defect = _mailbox(text)
    return Author(address, name, text, defect)


class _Token(NamedTuple):
    """A part of an address field. kind: `w` a word, `q` a quoted string (unescaped), `a` what angle brackets hold, `s`
    a separator, `c` a comment. `at`: its offset."""

    kind: str
    text: str
    at: int


def _mailbox(text: str) -> tuple[Address | None, str, str]:
    """(address, display name, defect) of one mailbox."""
    every = _tokens(text)
    if every is None:
        return None, "", "unbalanced quote, comment or bracket in From"
    if any(token.kind == "c" and ("@" in token.text or "<" in token.text) for token in every):
        return None, "", "an address in a comment in From"
    tokens = _alone([token for token in every if token.kind != "c"])
    kinds = "".join(token.kind for token in tokens)
    has_commas = "s" in kinds
    if has_commas and not _is_phrase(tokens):
        return None, "", "several mailboxes in From"
    name = " ".join(token.text for token in tokens if token.kind in "wq")
    if has_commas and "q" not in kinds:  # as it is written: a comma may stand inside an encoded word
        name = text[tokens[0].at : tokens[-1].at].strip(" \t")
    if kinds.count("a") == 1 and kinds.endswith("a"):
        address = parse(tokens[-1].text)
        words = [token.text for token in tokens if token.kind == "w" and "@" in token.text]
        if any(not _says(word, address) for word in words):
            return None, name, "an address in front of the angle bracket in From"
    elif "a" in kinds:
        return None, name, "text behind the angle bracket in From"
    else:  # `bob@client.org (Bob Ray)`, the older form
        name = unescaped(every[-1].text[1:-1].strip(" \t")) if every and every[-1].kind == "c" else ""
        address = _bare(tokens)
    if address is None:
        return None, name, "no valid address in From"
    if "=?" in address.local:
        return None, name, "an encoded word in the address in From"
    if len(str(address).encode("utf-8", "replace")) > LIMIT:
        return None, name, "address too long in From"
    return address, name, ""


def _alone(tokens: list[_Token]) -> list[_Token]:
    """The tokens of a mailbox without commas and semicolons at the end, and without a group around it."""
    end = len(tokens)
    while end and tokens[end - 1].text in (",", ";") and tokens[end - 1].kind == "s":
        end -= 1
    closes = any(token.text == ";" for token in tokens[end:])
    kept = tokens[:end]
    colons = [at for at, token in enumerate(kept) if token.kind == "s" and token.text == ":"]
    if closes and len(colons) == 1 and all(token.kind in "wq" and "@" not in token.text for token in kept[: colons[0]]):
        return kept[colons[0] + 1 :]
    return kept


def _is_phrase(tokens: list[_Token]) -> bool:
    """Whether the separators are commas in the name before the one address that stands in the field at all."""
    *phrase, last = tokens
    return last.kind == "a" and all(
        token.text == "," if token.kind == "s" else token.kind in "wq" and "@" not in token.text for token in phrase
    )


def _says(word: str, address: Address | None) -> bool:
    """Whether a word of a name is only text, or says the address itself."""
    if _ENCODED_WORD.fullmatch(word):
        return True
    said = parse(word) or (parse(word[1:-1]) if word[:1] == word[-1:] == "'" else None)
    return said is not None and address is not None and said.key == address.key


def _bare(tokens: list[_Token]) -> Address | None:
    """A mailbox without angle brackets: comments and blanks may surround its `@` (RFC 5322 section 3.4.1) only."""
    parts = [quoted(token.text) if token.kind == "q" else token.text for token in tokens]
    if not all(left.endswith("@") or right.startswith("@") for left, right in pairwise(parts)):
        return None
    return parse("".join(parts))


def _tokens(text: str) -> list[_Token] | None:
    """The tokens of an address field, None when it is malformed."""
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        c = text[at]
        if c in " \t":
            at += 1
        elif c == "(":
            end = _comment_end(text, at)
            if end is None:
                return None
            tokens.append(_Token("c", text[at:end], at))
            at = end
        elif c == '"':
            match = _QUOTED.match(text, at)
            if not match:
                return None
            tokens.append(_Token("q", unescaped(match[1]), at))
            at = match.end()
        elif c == "<":
            close = text.find(">", at)
            if close < 0:
                return None
            tokens.append(_Token("a", text[at + 1 : close].strip(" \t"), at))
            at = close + 1
        elif c in ",;:":
            tokens.append(_Token("s", c, at))
            at += 1
        else:
            match = _WORD.match(text, at)
            if not match:
                return None
            tokens.append(_Token("w", match[0], at))
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
