"""Sign and check the marks and tokens that mailgate puts into ids and addresses.

Both are lower-case base32 (RFC 4648 section 6), because mail systems change the case of what they do not own. Both are
signed with HMAC-SHA256, cut to 80 bits (16 letters), over their content joined by NUL octets. `mailgate key list` shows
the keys: the newest one signs, the others are still accepted.

Mark: mg1.KIND.RANDOM.MAC

    mg1.p.gaytemzugu3doobz.kiktt5gc2cvdixll
        | |                |
        | |                MAC of "mark", KIND, RANDOM
        | 80 random bits
        KIND: r a refusal, p a post or a notice

    A mark is the left part of every Message-ID that mailgate creates (<MARK@example.com>). References and the field
    X-Mailgate-Loop repeat it. It says that mailgate wrote the message, and which kind of message it is; it does not say
    who sends it.

Token: mg1, then PURPOSE, KEY, MAC, NUMBER

    info+mg1reolchiv35m7fzdfabnbj@example.com
            || |               |
            || |               NUMBER of the delivery: base32 digits, most significant first, at most 12
            || MAC of "detail", PURPOSE, NUMBER, the record, the recipient
            |KEY: the fingerprint of the key, 2 letters
            PURPOSE: r an answer, b a bounce

    An address with a token behind its delimiter is a signed address. The token names one delivery, and with it the
    record and the recipient. It does not prove who writes: the recipient may have passed the address on.
"""

from mailgate.values.light import NamedTuple

REFUSAL = "r"
POST = "p"

REPLY = "r"
BOUNCE = "b"

_OCTETS = 10  # 80 bits of randomness, 80 bits of MAC
_PREFIX = "mg1."
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PATTERN = r"mg1([rb])([a-z2-7]{2})([a-z2-7]{16})([a-z2-7]{1,12})"
_NUMBER_LIMIT = 1 << 62
"""Numbers of deliveries are smaller, so that SQLite takes them."""


class Mark(NamedTuple):
    """A mark with a valid signature: the kind of the message that carries it, and its text."""

    kind: str
    text: str


class Token(NamedTuple):
    """A signed address taken apart; `fault` checks the signature.

    `local` is the local part in front of the delimiter, `number` the number of the delivery.
    """

    local: str
    purpose: str
    key: str
    mac: str
    number: int


def new_mark(kind: str, secret: bytes, random: bytes) -> str:
    """A mark of `kind`, made from at least 10 random octets."""
    nonce = _base32(random[:_OCTETS])
    return f"{_PREFIX}{kind}.{nonce}.{_mac(secret, 'mark', kind, nonce)}"


def find_mark(text: str, secrets: tuple[bytes, ...]) -> Mark | None:
    """The first mark in a header value or id that one of the keys signed."""
    if _PREFIX not in text.lower():  # nearly every message: nothing is imported for it
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


def sign(purpose: str, secret: bytes, number: int, record: str, recipient: str) -> str:
    """The token of one delivery: 23 characters, and one more for every factor of 32 in its number."""
    mac = _mac(secret, "detail", purpose, str(number), record, recipient)
    return f"mg1{purpose}{fingerprint(secret)}{mac}{_digits(number)}"


def parse(local: str) -> Token | None:
    """The token at the end of a lower-case local part, None when there is none.

    The delimiter may be any character that is neither a letter nor a digit: the setting may have changed since.
    """
    if "mg1" not in local:
        return None
    import re

    match = re.fullmatch(rf"(.+)[^a-z0-9]{_PATTERN}", local)
    if not match:
        return None
    base, purpose, key, mac, digits = match.groups()
    number = 0
    for digit in digits:
        number = 32 * number + _LETTERS.index(digit)
    return Token(base, purpose, key, mac, number) if number < _NUMBER_LIMIT else None


def fault(token: Token, secrets: tuple[bytes, ...], record: str, recipient: str) -> str:
    """Why a token is not valid for this record and recipient, `""` when one of the keys signed it."""
    import hmac

    keys = [secret for secret in secrets if fingerprint(secret) == token.key]
    if not keys:
        return "signed with a key that is not ours, or no longer"
    signed = ("detail", token.purpose, str(token.number), record, recipient)
    return "" if any(hmac.compare_digest(token.mac, _mac(secret, *signed)) for secret in keys) else "forged"


def fingerprint(secret: bytes) -> str:
    """Two letters that tell keys apart and reveal nothing about them."""
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
