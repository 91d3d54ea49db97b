"""Parse, normalise, compare and print one address.

Two addresses are equal when their local parts are equal but for the case of ASCII letters, and their domains are equal
as lower-case A-labels. Nothing else is folded, so that two people never become one. Everything here is linear, and
nothing raises.
"""

import re

from mailgate.values.light import NamedTuple
from mailgate.values.pattern import pattern

# atext (RFC 5322 section 3.2.3, with UTF-8 as in RFC 6532) by what it leaves out, which compiles ten times faster
_NOT_ATEXT = r'\x00-\x20()<>\[\]:;@\\,."\x7f'
_DOT_ATOM = pattern(rf"[^{_NOT_ATEXT}]+(?:\.[^{_NOT_ATEXT}]+)*")
_LABEL = pattern(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_ASCII_CONTROL = pattern(r"[\x00-\x08\x0a-\x1f\x7f]")
_ASCII_LOWER = {c: c + 32 for c in range(ord("A"), ord("Z") + 1)}

LIMIT = 254
"""Octets of an address that can be sent to (RFC 5321 section 4.5.3.1.3, less the angle brackets)."""
LOCAL_LIMIT = 64
"""Octets of a local part (RFC 5321 section 4.5.3.1.1)."""
DOMAIN_LIMIT = 253
"""Characters of a domain name (RFC 1035 section 2.3.4, less the length octets of the first label and the root)."""


class Address(NamedTuple):
    """One address: the local part without its quotes, as written, and the domain as lower-case A-labels."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{_printed(self.local)}@{self.domain}"

    @property
    def printed_local(self) -> str:
        """The local part as a header field has it, quoted where RFC 5321 section 4.1.2 asks for it."""
        return _printed(self.local)

    @property
    def key(self) -> str:
        """The text that all spellings of one address share; itself an address that `parse` takes."""
        return f"{_printed(lower(self.local))}@{self.domain}"


_SAME_DOMAIN = {
    "googlemail.com": "gmail.com",
    **dict.fromkeys(("me.com", "mac.com"), "icloud.com"),
    **dict.fromkeys(("protonmail.com", "protonmail.ch", "pm.me"), "proton.me"),
    **dict.fromkeys(("ya.ru", "yandex.com", "yandex.by", "yandex.kz"), "yandex.ru"),
}
"""Domains of a provider in which every name is the mailbox of that name in another one."""
_NO_DOTS = ("gmail.com", "proton.me")
"""Providers that ignore dots in a local part."""


def mailbox(address: Address) -> Address:
    """The mailbox behind an address, as far as its provider is known: without detail and the dots that say nothing.

    It compares addresses of one person and is nothing to send to.
    """
    host = _SAME_DOMAIN.get(address.domain, address.domain)
    local = lower(address.local).partition("+")[0]
    if host in _NO_DOTS:
        local = local.replace(".", "")
    return Address(local or address.local, host)


def same_domains(host: str) -> tuple[str, ...]:
    """The domains in which `mailbox` finds the same mailboxes as in this one, itself among them."""
    same = _SAME_DOMAIN.get(host, host)
    return tuple(dict.fromkeys((host, same, *(name for name, other in _SAME_DOMAIN.items() if other == same))))


def lower(text: str) -> str:
    """Lower-case ASCII letters only: U+212A is not `k`, and a Turkish dotless i is not `i`."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def domain(text: str) -> str | None:
    """A domain name as lower-case A-labels (RFC 5890), or None when it is not one.

    U-labels are lowered and encoded, never mapped. A label that only a mapping makes valid (a soft hyphen, a full-width
    dot, a Kelvin sign) is refused, so that two names that look different never become one.
    """
    text = lower(text.strip()).removesuffix(".")
    if not text or len(text) > DOMAIN_LIMIT:
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


def decoded(name: str) -> str | None:
    """A domain name with U-labels for its A-labels; None where `domain` would not make these A-labels of them.

    Such a label stands for a surrogate, a line end, a change of direction, or for nothing: no table can hold that.
    """
    labels = []
    for label in name.split("."):
        if label.startswith("xn--"):
            try:
                text = label[4:].encode("ascii").decode("punycode")
            except (ValueError, OverflowError):
                return None
            if text.isascii() or _a_label(text) != label:
                return None
            label = text
        labels.append(label)
    return ".".join(labels)


def has_control(text: str) -> bool:
    """Whether a text has a C0 control (other than tab), DEL, C1, a Unicode line end, a surrogate or a noncharacter."""
    if _ASCII_CONTROL.search(text):
        return True
    return not text.isascii() and any(
        "\x80" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" or c in "\u2028\u2029\ufffe\uffff" for c in text
    )


def parse(text: str) -> Address | None:
    """One addr-spec (RFC 5322 section 3.4.1, RFC 6532), angle brackets allowed, read strictly; None for other text.

    A blank that is not ASCII and a dot at the end are none of the grammar: other readers see another address there.
    """
    text = text.strip(" \t\r\n")
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    if has_control(text) or len(text) > 2 * LIMIT:
        return None
    local, _, host = text.rpartition("@")
    if host.strip().endswith(".") or (not text.isascii() and any(c.isspace() and c > "\x7f" for c in text)):
        return None
    if local.startswith('"'):
        unquoted = _unquoted(local)
        if unquoted is None:
            return None
        local = unquoted
    elif not _DOT_ATOM.fullmatch(local):
        return None
    return _address(local, host)


def lenient(text: str) -> Address | None:
    """An address in a recipient field: what `parse` takes, and `a..b@x`, `.a@x` and a stray quote or bracket."""
    text = text.strip(" \t<>")
    for opening, closing in ("''", '""', "[]"):  # around the whole address, as some programs write it
        if text.startswith(opening) and text.endswith(closing) and len(text) > 2:
            text = text[1:-1]
    address = parse(text)
    if address or has_control(text):
        return address
    local, at, host = text.rpartition("@")
    local = local.strip().strip('"')
    return _address(local, host.strip()) if at and local and not re.search(r"[\s<>@\"]", local) else None


def _address(local: str, host: str) -> Address | None:
    name = domain(host) if not host.startswith("[") else _literal(host)
    if not local or name is None or "\t" in local:  # RFC 5321 section 4.1.2 allows no tab, not even in quotes
        return None
    if len(local.encode("utf-8", "replace")) > LOCAL_LIMIT:
        return None
    return Address(local, name)


def _literal(host: str) -> str | None:
    return lower(host) if re.fullmatch(r"\[[A-Za-z0-9:.]{3,60}\]", host) else None


def is_null(text: str) -> bool:
    """Whether a written reverse-path means `<>` (RFC 5321 section 4.5.5)."""
    bare = lower(text.strip().strip("<>").strip())
    return not bare or bare == "mailer-daemon"


def _printed(local: str) -> str:
    return local if _DOT_ATOM.fullmatch(local) else quoted(local)


def quoted(text: str) -> str:
    """A text as a quoted string (RFC 5322 section 3.2.4)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(text: str) -> str | None:
    if len(text) < 2 or not text.endswith('"') or not re.fullmatch(r'"(?:[^"\\]|\\.)*"', text):
        return None
    return unescaped(text[1:-1])


def unescaped(text: str) -> str:
    """The content of a quoted string without its backslashes."""
    return re.sub(r"\\(.)", r"\1", text)
