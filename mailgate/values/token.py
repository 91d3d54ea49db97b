"""Sign and check the details mailgate puts into addresses and ids.

A mark is `mg1.KIND.RANDOM.MAC`: one letter for what carries it, 80 random bits, and 80 bits of HMAC-SHA256 over both,
in lower-case base32 because mail systems fold the case of what they do not own. It stands in the left part of every
Message-ID of ours (`<mg1.KIND.RANDOM.MAC@domain>`), in References, and in the field X-Mailgate-Loop. It says *this is
ours, and of this kind*; it never says who is writing.

A detail is `mg1PKKMAC...N`: a letter for the purpose, two for the key, 80 bits of HMAC-SHA256 (16 letters), and the
number of the delivery, in an address `local+detail@domain`. The MAC covers purpose, number, record and recipient. It
says which record is meant; whoever has it may have got it from the recipient.
"""

from typing import NamedTuple

REFUSAL = "r"
POST = "p"

REPLY = "r"
BOUNCE = "b"

_OCTETS = 10  # 80 bits of randomness, 80 bits of MAC
_PREFIX = "mg1."
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_DETAIL = r"mg1([rb])([a-z2-7]{2})([a-z2-7]{16})([a-z2-7]{1,12})"


class Mark(NamedTuple):
    """A checked mark: what kind of message of ours carries it."""

    kind: str
    text: str


class Detail(NamedTuple):
    """What looks like a signed detail in an address, not checked yet.

    `name` is what stands in front of the delimiter, `number` that of the delivery it names.
    """

    name: str
    purpose: str
    key: str
    mac: str
    number: int


def new(kind: str, secret: bytes, random: bytes) -> str:
    """A mark of `kind`, made from at least 10 random octets."""
    nonce = _base32(random[:_OCTETS])
    return f"{_PREFIX}{kind}.{nonce}.{_mac(secret, 'mark', kind, nonce)}"


def find(text: str, secrets: tuple[bytes, ...]) -> Mark | None:
    """The first mark in a header value or id that one of our keys signed."""
    if _PREFIX not in text.lower():  # nearly every mail: nothing is imported for it
        return None
    import hmac
    import re

    for match in re.finditer(r"mg1\.([a-z])\.([a-z2-7]{16})\.([a-z2-7]{16})", text[:65536].lower()):
        kind, nonce, mac = match.groups()
        if any(hmac.compare_digest(mac, _mac(secret, "mark", kind, nonce)) for secret in secrets):
            return Mark(kind, match[0])
    return None


def message_id(mark: str, domain: str) -> str:
    """The Message-ID (RFC 5322 section 3.6.4) that carries a mark."""
    return f"<{mark}@{domain}>"


def detail(purpose: str, secret: bytes, number: int, record: str, recipient: str) -> str:
    """The signed detail for one delivery: 23 characters, and one more for every factor of 32 in its number."""
    mac = _mac(secret, "detail", purpose, str(number), record, recipient)
    return f"mg1{purpose}{fingerprint(secret)}{mac}{_digits(number)}"


def split(local: str) -> Detail | None:
    """What a lower-case local part ends in, None when that is no detail of ours.

    Any one character that is neither letter nor digit delimits: the setting may have been another one once.
    """
    if "mg1" not in local:
        return None
    import re

    match = re.fullmatch(rf"(.+)[^a-z0-9]{_DETAIL}", local)
    if not match:
        return None
    name, purpose, key, mac, digits = match.groups()
    number = 0
    for digit in digits:
        number = 32 * number + _LETTERS.index(digit)
    return Detail(name, purpose, key, mac, number) if number < 1 << 62 else None


def doubt(found: Detail, secrets: tuple[bytes, ...], record: str, recipient: str) -> str:
    """Why a detail is none of ours for this record and recipient, `""` when one of our keys signed it."""
    import hmac

    keys = [secret for secret in secrets if fingerprint(secret) == found.key]
    if not keys:
        return "signed with a key that is not ours, or no longer"
    signed = ("detail", found.purpose, str(found.number), record, recipient)
    return "" if any(hmac.compare_digest(found.mac, _mac(secret, *signed)) for secret in keys) else "forged"


def fingerprint(secret: bytes) -> str:
    """Two letters that tell keys apart, and nothing about them."""
    return _mac(secret, "key")[:2]


def _digits(number: int) -> str:
    digits = _LETTERS[number % 32]
    while number := number // 32:
        digits = _LETTERS[number % 32] + digits
    return digits


def _mac(secret: bytes, *signed: str) -> str:
    import hmac

    return _base32(hmac.digest(secret, "\0".join(signed).encode("utf-8", "surrogateescape"), "sha256")[:_OCTETS])


def _base32(octets: bytes) -> str:
    from base64 import b32encode

    return b32encode(octets).decode("ascii").lower()
