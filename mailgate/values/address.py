"""Parse, normalise, compare and print one mailbox.

Two readers, because a wrong guess costs differently: `author` is strict (RFC 5322 section 3.4 without the obsolete
forms; whatever is left over means *unknown*), `mailboxes` is lenient (recipients: a missing `>` is fine). Both are
linear and never raise. Identity is never folded further than this: ASCII letters of a local part compare without
case, a domain compares as lower-case A-labels, nothing else is equal to anything else.
"""

import re
from itertools import pairwise
from typing import NamedTuple

# atext (RFC 5322 section 3.2.3, with UTF-8 as RFC 6532 has it), by what it leaves out: that compiles ten times faster
_NOT_ATEXT = r'\x00-\x20()<>\[\]:;@\\,."\x7f'
_DOT_ATOM = re.compile(rf"[^{_NOT_ATEXT}]+(?:\.[^{_NOT_ATEXT}]+)*")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_ASCII_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ASCII_LOWER = {c: c + 32 for c in range(ord("A"), ord("Z") + 1)}

LIMIT = 254
"""Octets of an address that anybody can send to (RFC 5321 section 4.5.3.1.3, less the angle brackets)."""
LOCAL_LIMIT = 64
FIELD_LIMIT = 65536
"""Characters of one address field that are read; a longer From is nobody's."""


class Address(NamedTuple):
    """One mailbox: the local part as it means (unquoted, case kept) and the domain as lower-case A-labels."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.printed_local}@{self.domain}"

    @property
    def printed_local(self) -> str:
        """The local part as it may be written, quoted where RFC 5321 section 4.1.2 asks for it."""
        return _printed(self.local)

    @property
    def key(self) -> str:
        """What two spellings of one mailbox share, itself an address that `parse` takes."""
        return f"{_printed(lower(self.local))}@{self.domain}"


class Author(NamedTuple):
    """Who wrote a message: `address` is None when the From fields do not name exactly one mailbox without doubt."""

    address: Address | None
    name: str
    text: str
    defect: str = ""


def lower(text: str) -> str:
    """Lower-case ASCII letters only: U+212A is not `k`, and a Turkish dotless i is not `i`."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def domain(text: str) -> str | None:
    """A domain name as lower-case A-labels (RFC 5890), or None when it is not one.

    U-labels are encoded without any mapping beyond lower case: what only a mapping would make valid (a soft hyphen,
    a full-width dot, a Kelvin sign) is refused, so that no two names that look different become one.
    """
    text = lower(text.strip()).removesuffix(".")
    if not text or len(text) > 253:
        return None
    labels = []
    for label in text.split("."):
        encoded = label if label.isascii() else _a_label(label)
        if not encoded or not _LABEL.fullmatch(encoded):
            return None
        labels.append(encoded)
    return ".".join(labels)


def _a_label(label: str) -> str | None:
    import unicodedata

    lowered = "".join(c if c.isascii() else c.lower() for c in label)
    if len(lowered) != len(label) or any(a.isascii() != b.isascii() for a, b in zip(label, lowered, strict=True)):
        return None
    if unicodedata.normalize("NFKC", lowered) != lowered:
        return None
    if not all(c in "-_" or unicodedata.category(c)[0] in "LMN" for c in lowered):
        return None
    return "xn--" + lowered.encode("punycode").decode("ascii")


def _has_control(text: str) -> bool:
    """C0 (but the tab), DEL, C1, the Unicode line ends, half a surrogate pair, or what is no character."""
    if _ASCII_CONTROL.search(text):
        return True
    return not text.isascii() and any(
        "\x80" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" or c in "\u2028\u2029\ufffe\uffff" for c in text
    )


def parse(text: str) -> Address | None:
    """One addr-spec (RFC 5322 section 3.4.1, 6532), angle brackets allowed, read strictly; None when it is not one."""
    text = text.strip()
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    if _has_control(text) or len(text) > 2 * LIMIT:
        return None
    local, _, host = text.rpartition("@")
    if local.startswith('"'):
        unquoted = _unquote(local)
        if unquoted is None:
            return None
        local = unquoted
    elif not _DOT_ATOM.fullmatch(local):
        return None
    return _address(local, host)


def _address(local: str, host: str) -> Address | None:
    name = domain(host) if not host.startswith("[") else _literal(host)
    if not local or name is None or "\t" in local:  # RFC 5321 section 4.1.2 has none, not even in quotes
        return None
    if len(local.encode("utf-8", "replace")) > LOCAL_LIMIT:
        return None
    return Address(local, name)


def _literal(host: str) -> str | None:
    return lower(host) if re.fullmatch(r"\[[A-Za-z0-9:.]{3,60}\]", host) else None


def _printed(local: str) -> str:
    return local if _DOT_ATOM.fullmatch(local) else _quoted(local)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquote(text: str) -> str | None:
    if len(text) < 2 or not text.endswith('"') or not re.fullmatch(r'"(?:[^"\\]|\\.)*"', text):
        return None
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def lenient(text: str) -> Address | None:
    """An address out of a recipient field: what `parse` takes, and `a..b@x`, `.a@x` and a stray quote or bracket."""
    text = text.strip(" \t<>")
    for mark in ("''", '""', "[]"):  # around the whole address, as some programs write it
        if text.startswith(mark[0]) and text.endswith(mark[1]) and len(text) > 2:
            text = text[1:-1]
    strict = parse(text)
    if strict or _has_control(text):
        return strict
    local, at, host = text.rpartition("@")
    local = local.strip().strip('"')
    return _address(local, host.strip()) if at and local and not re.search(r"[\s<>@\"]", local) else None


def rewritten(found: Address) -> Address:
    """The reverse-path that a forwarder or a bounce filter rewrote into this one; the address itself where none did.

    SRS: `SRS0=hash=day=domain=local`, with a second forwarder `SRS1=hash=forwarder==hash=day=domain=local`; its
    separators may be `=`, `+` or `-`. BATV: `prvs=tag=local`, and Barracuda's `btv1==tag==local`.
    """
    for _ in range(3):
        local = lower(found.local)
        match = next((match for each in _REWRITTEN if (match := each.fullmatch(local))), None)
        host = match["host"] if match and "host" in match.re.groupindex else found.domain
        inner = lenient(f"{found.local[match.start('local') :]}@{host}") if match else None
        if inner is None:
            break
        found = inner
    return found


_REWRITTEN = (
    re.compile(r"srs0[=+-][^=]*=[^=]*=(?P<host>[^=]+)=(?P<local>.+)"),
    re.compile(r"srs1[=+-][^=]*=[^=]*=[=+-][^=]*=[^=]*=(?P<host>[^=]+)=(?P<local>.+)"),
    re.compile(r"(?:ms)?prvs\d*=[^=]*=(?P<local>.+)"),
    re.compile(r"btv1==[^=]*==(?P<local>.+)"),
)


def is_null(text: str) -> bool:
    """Whether a written reverse-path means `<>` (RFC 5321 section 4.5.5)."""
    bare = lower(text.strip().strip("<>").strip())
    return not bare or bare == "mailer-daemon"


def mailboxes(value: str, limit: int = 2000) -> list[Address]:
    """Every address in a To, Cc or Delivered-To value, read leniently, in order, at most `limit`."""
    found: list[Address] = []
    for piece in _split(value[:FIELD_LIMIT]):
        if len(found) >= limit:
            break
        if "<" in piece:
            inner = piece[piece.rindex("<") + 1 :]
            address = lenient(inner.partition(">")[0])
        else:
            address = lenient(piece)
            if address is None and "@" in piece:  # `Bob Ray bob@client.org`: words, one of them an address
                words = [lenient(word) for word in piece.split() if "@" in word]
                found.extend(word for word in words if word)
                continue
        if address:
            found.append(address)
    return found


def _split(value: str) -> list[str]:
    """The pieces of an address list between top-level separators, without comments and group names."""
    pieces: list[str] = []
    piece: list[str] = []
    quoted = escaped = False
    depth = angle = 0
    for c in value:
        if escaped:
            escaped = False
            if not depth:
                piece.append(c)
            continue
        if c == "\\" and (quoted or depth):
            escaped = True
            if not depth:
                piece.append(c)
        elif quoted:
            piece.append(c)
            quoted = c != '"'
        elif depth:
            depth += (c == "(") - (c == ")")
        elif c == "(":
            depth = 1
        elif c == '"':
            quoted = True
            piece.append(c)
        elif c in ",;":  # also inside `<...`: a missing `>` must not swallow the next address
            pieces.append("".join(piece))
            piece, angle = [], 0
        elif c == ":" and not angle and "@" not in piece:
            piece = []
        else:
            angle = 1 if c == "<" else 0 if c == ">" else angle
            piece.append(c)
    pieces.append("".join(piece))
    return pieces


def author(fields: list[str], name: str = "") -> Author:
    """The one mailbox of the one From field (RFC 5322 section 3.6.2), read strictly.

    `fields` are the unfolded values of every From field, `name` replaces the display name (decoded elsewhere). Two
    fields, two mailboxes, a group, an address in front of the angle bracket, text behind it, a control character or
    anything else that two readers could understand in two ways give an author without an address.
    """
    text = ", ".join(fields)
    if len(fields) != 1:
        return Author(None, name, text, "no From field" if not fields else "several From fields")
    if len(text) > FIELD_LIMIT:
        return Author(None, name, text[:FIELD_LIMIT], "From field too long")
    if _has_control(text):
        return Author(None, name, text, "control character in From")
    address, words, defect = _mailbox(text)
    return Author(address, name or words, text, defect)


def _mailbox(text: str) -> tuple[Address | None, str, str]:
    """address, display name, defect of one mailbox."""
    tokens = _tokens(text)
    if tokens is None:
        return None, "", "unbalanced quote, comment or bracket in From"
    kinds = "".join(kind for kind, _ in tokens)
    words = " ".join(part for kind, part in tokens if kind in "wq")
    if any(kind == "s" for kind, _ in tokens):
        return None, words, "several mailboxes in From"
    if kinds.count("a") == 1 and kinds.endswith("a"):
        if any(kind == "w" and "@" in part for kind, part in tokens):
            return None, words, "an address in front of the angle bracket in From"
        address = parse(tokens[-1][1])
    elif "a" in kinds:
        return None, words, "text behind the angle bracket in From"
    else:
        words = ""
        address = _bare(tokens)
    if address is None:
        return None, words, "no valid address in From"
    if "=?" in address.local:
        return None, words, "an encoded word in the address in From"
    if len(str(address).encode("utf-8", "replace")) > LIMIT:
        return None, words, "address too long in From"
    return address, words, ""


def _bare(tokens: list[tuple[str, str]]) -> Address | None:
    """A mailbox without angle brackets: comments and blanks may stand around its `@` (RFC 5322 3.4.1), nowhere else."""
    parts = [_quoted(part) if kind == "q" else part for kind, part in tokens]
    if not all(left.endswith("@") or right.startswith("@") for left, right in pairwise(parts)):
        return None
    return parse("".join(parts))


def _tokens(text: str) -> list[tuple[str, str]] | None:
    """Words `w`, quoted strings `q` (unescaped), angle contents `a`, separators `s`, no comments; None if broken."""
    tokens: list[tuple[str, str]] = []
    at, end = 0, len(text)
    while at < end:
        c = text[at]
        if c in " \t":
            at += 1
        elif c == "(":
            depth = 0
            while at < end:
                c = text[at]
                at += 2 if c == "\\" else 1
                depth += (c == "(") - (c == ")")
                if not depth:
                    break
            if depth or at > end:
                return None
        elif c == '"':
            match = _QUOTED.match(text, at)
            if not match:
                return None
            tokens.append(("q", re.sub(r"\\(.)", r"\1", match[1])))
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


_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_WORD = re.compile(r'[^\x00-\x20()<>:;\\,"\x7f]+')
