"""Whether an address is one of ours."""

from collections.abc import Iterable

from mailgate.routing.resolve import spellings
from mailgate.store import domains
from mailgate.store.database import Transaction
from mailgate.values import address, token
from mailgate.values.address import Address
from mailgate.values.directory import RESERVED, Domain


def is_own(tx: Transaction, text: str) -> bool:
    """Whether mail to an address would come back to us: an alias, a catchall or bounce address, postmaster, abuse."""
    found = address.lenient(text)
    row = found and tx.execute("SELECT * FROM domain WHERE name = ?", (found.domain,)).fetchone()
    if not found or not row:
        return False
    domain = domains.from_row(tx, row)
    local = address.lower(found.local)
    known_as = spellings(local, domain.delimiter)
    if token.parse(local) or not _names(domain).isdisjoint(known_as):
        return True
    aliases = (
        tx.execute("SELECT 1 FROM alias WHERE domain = ? AND local = ?", (domain.canonical, each)).fetchone()
        for each in known_as
    )
    return any(each is not None for each in aliases)


def _names(domain: Domain) -> set[str]:
    return {*domain.catchalls, *domain.bounces, *domain.former_aliases, *RESERVED}


def takes_reports(tx: Transaction, addresses: Iterable[Address]) -> bool:
    """Whether one of these is a bounce address, as far as its name tells: today's, a retired one, or a signed one."""
    for host, locals_ in _by_domain(addresses).items():
        row = tx.execute("SELECT * FROM domain WHERE name = ?", (host,)).fetchone()
        if row is None:
            continue
        found = domains.from_row(tx, row)
        known_as = {name for local in locals_ for name in spellings(local, found.delimiter)}
        details = (token.parse(local) for local in locals_)
        if known_as.intersection(found.bounces) or any(each and each.purpose == token.BOUNCE for each in details):
            return True
    return False


def _by_domain(addresses: Iterable[Address]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in addresses:
        found.setdefault(each.domain, set()).add(address.lower(each.local))
    return found


def is_stranger(tx: Transaction, text: str) -> bool:
    """Whether an address lies in an own domain, and nobody is there."""
    found = address.lenient(text)
    ours = found and tx.execute("SELECT 1 FROM domain WHERE name = ?", (found.domain,)).fetchone()
    return bool(ours) and not is_own(tx, text)
