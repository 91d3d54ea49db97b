"""Which of our addresses came and went lately, and whether one is there: what the mail server's tables follow."""

import os
from collections.abc import Iterable, Sequence

from mailgate.store.database import Transaction
from mailgate.values.light import NamedTuple

KEPT = 1_000
"""Changes that are kept: who fell further behind reads everything anew."""


class Mark(NamedTuple):
    """A place in the log of changes; the token says that it is the log of the same store."""

    number: int
    token: str


def note(tx: Transaction, domain: str = "", local: str = "") -> None:
    """Note that an address came or went; without a domain, that more than one may have."""
    statement = "INSERT INTO address_change (domain, local, token) VALUES (?, ?, ?) RETURNING number"
    number = tx.execute(statement, (domain, local, os.urandom(8).hex())).fetchone()[0]
    tx.execute("DELETE FROM address_change WHERE number <= ?", (number - KEPT,))


def newest(tx: Transaction) -> Mark | None:
    """The last change, None before the first one."""
    row = tx.execute("SELECT number, token FROM address_change ORDER BY number DESC LIMIT 1").fetchone()
    return Mark(row["number"], row["token"]) if row else None


def since(tx: Transaction, mark: Mark, limit: int) -> list[tuple[str, str]] | None:
    """The addresses (domain, local part) that changed after a mark, each once.

    None where that cannot be told: another store, more than `limit`, or a change of more than one address.
    """
    if tx.execute("SELECT 1 FROM address_change WHERE number = ? AND token = ?", mark).fetchone() is None:
        return None
    query = "SELECT domain, local FROM address_change WHERE number > ? ORDER BY number LIMIT ?"
    changed = [(row["domain"], row["local"]) for row in tx.execute(query, (mark.number, limit + 1))]
    if len(changed) > limit or not all(domain for domain, _ in changed):
        return None
    return list(dict.fromkeys(changed))


def names_of(tx: Transaction, domain: str) -> list[str]:
    """The name of a domain, and its other names, in the order in which they were added."""
    rows = tx.execute("SELECT name FROM domain WHERE name = ? OR same_as = ? ORDER BY position", (domain, domain))
    return [row["name"] for row in rows]


def delimiters(tx: Transaction) -> str:
    """Every character that separates a detail in one of the domains."""
    return "".join(row[0] for row in tx.execute("SELECT DISTINCT delimiter FROM domain WHERE delimiter != ''"))


def is_reached(tx: Transaction, local: str, delimiters: Iterable[str], domain: str = "") -> bool:
    """Whether an alias, a catchall or a bounce address has this local part, before a delimiter or altogether.

    Retired names count, and where a domain is named also local-part detection, which works in every domain.
    """
    values = (local, *(bound for each in delimiters for bound in (local + each, local + chr(ord(each) + 1))))
    names = (*_NAMES_IN, *_NAMES_DETECTED) if domain else _NAMES
    for tables, name, where in names:
        alike = " OR ".join([f"{name} = ?"] + [f"({name} >= ? AND {name} < ?)"] * (len(values) // 2))
        statement = f"SELECT 1 FROM {tables} WHERE {where} AND ({alike}) LIMIT 1"
        asked = (domain, *values) if "?" in where else values
        if tx.execute(statement, asked).fetchone():
            return True
    return False


_NAMES: Sequence[tuple[str, str, str]] = (
    ("alias", "local", "true"),
    ("retired", "local", "true"),
    *(("domain", column, "same_as IS NULL") for column in ("catchall", "bounce", "sender")),
)
"""Tables with names, the column of a name, and which of them count."""
_NAMES_IN = (
    ("alias", "local", "domain = ?"),
    ("retired", "local", "domain = ?"),
    *(("domain", column, "name = ?") for column in ("catchall", "bounce", "sender")),
)
_NAMES_DETECTED = (
    ("alias", "local", "local_part = 1"),
    ("retired JOIN alias ON alias.number = retired.alias", "retired.local", "local_part = 1"),
)


def beginning_with(tx: Transaction, character: str) -> list[str]:
    """Our addresses whose local part begins with a character."""
    bounds = (character, chr(ord(character) + 1))
    found: set[str] = set()
    for tables, name, where in _NAMES:
        domain = "name" if tables == "domain" else "domain"
        statement = f"SELECT {name} || '@' || {domain} FROM {tables} WHERE {where} AND {name} >= ? AND {name} < ?"
        found.update(row[0] for row in tx.execute(statement, bounds))
    return sorted(found)
