"""Sign and check the details mailgate puts into addresses and ids.

A mark is `mg1.KIND.RANDOM.MAC`: one letter for what carries it, 80 random bits, and 80 bits of HMAC-SHA256 over both,
in lower-case base32 because mail systems fold the case of what they do not own. It stands in the left part of every
Message-ID of ours (`<mg1.KIND.RANDOM.MAC@domain>`), in References, and in the field X-Mailgate-Loop. It says *this is
ours, and of this kind*; it never says who is writing.
"""

from typing import NamedTuple

REFUSAL = "r"
POST = "p"

_OCTETS = 10  # 80 bits of randomness, 80 bits of MAC
_PREFIX = "mg1."


class Mark(NamedTuple):
    """A checked mark: what kind of message of ours carries it."""

    kind: str
    text: str


def new(kind: str, secret: bytes, random: bytes) -> str:
    """A mark of `kind`, made from at least 10 random octets."""
    nonce = _base32(random[:_OCTETS])
    return f"{_PREFIX}{kind}.{nonce}.{_mac(secret, kind, nonce)}"


def find(text: str, secrets: tuple[bytes, ...]) -> Mark | None:
    """The first mark in a header value or id that one of our keys signed."""
    if _PREFIX not in text.lower():  # nearly every mail: nothing is imported for it
        return None
    import hmac
    import re

    for match in re.finditer(r"mg1\.([a-z])\.([a-z2-7]{16})\.([a-z2-7]{16})", text[:65536].lower()):
        kind, nonce, mac = match.groups()
        if any(hmac.compare_digest(mac, _mac(secret, kind, nonce)) for secret in secrets):
            return Mark(kind, match[0])
    return None


def message_id(mark: str, domain: str) -> str:
    """The Message-ID (RFC 5322 section 3.6.4) that carries a mark."""
    return f"<{mark}@{domain}>"


def _mac(secret: bytes, kind: str, nonce: str) -> str:
    import hmac

    return _base32(hmac.digest(secret, f"mark\0{kind}\0{nonce}".encode(), "sha256")[:_OCTETS])


def _base32(octets: bytes) -> str:
    from base64 import b32encode

    return b32encode(octets).decode("ascii").lower()
