"""Find the reverse-path behind one that a forwarder (SRS) or a bounce filter (BATV) rewrote."""

from mailgate.values.address import Address, lenient, lower
from mailgate.values.pattern import pattern

_REWRITTEN = (
    pattern(r"srs0[=+-][^=]*=[^=]*=(?P<host>[^=]+)=(?P<local>.+)"),
    pattern(r"srs1[=+-][^=]*=[^=]*=[=+-][^=]*=[^=]*=(?P<host>[^=]+)=(?P<local>.+)"),
    pattern(r"(?:ms)?prvs\d*=[^=]*=(?P<local>.+)"),
    pattern(r"btv1==[^=]*==(?P<local>.+)"),
)
_ROUNDS = 3
"""Rewritings that are undone, one after another."""


def original(address: Address) -> Address:
    """The reverse-path that was rewritten into this address; the address itself when none was.

    SRS is `SRS0=hash=day=domain=local`, or after a second forwarder `SRS1=hash=forwarder==hash=day=domain=local`; the
    first separator may also be `+` or `-`. BATV is `prvs=tag=local`, and Barracuda's form is `btv1==tag==local`.
    """
    for _ in range(_ROUNDS):
        if "=" not in address.local:  # every form has one, and hardly any other address
            break
        local = lower(address.local)
        match = next((match for pattern in _REWRITTEN if (match := pattern.fullmatch(local))), None)
        if not match:
            break
        host = match["host"] if "host" in match.re.groupindex else address.domain
        before = lenient(f"{address.local[match.start('local') :]}@{host}")
        if before is None:
            break
        address = before
    return address
