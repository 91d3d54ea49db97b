"""What is ours, read as one `Directory`: all local domains, and the aliases that some addresses ask for."""

import json
from collections.abc import Container, Iterable

from mailgate.routing import resolve
from mailgate.store.database import Row, Transaction, select_in
from mailgate.values import address, names
from mailgate.values.address import Address, lower
from mailgate.values.directory import LANGUAGES, Alias, Directory, Domain
from mailgate.values.problem import StoreError
from mailgate.values.record import Ref

_ALIASES = (
    "SELECT alias.*, '' AS retired_as FROM alias{0} UNION ALL"
    " SELECT alias.*, retired.local || '@' || retired.domain AS retired_as"
    " FROM retired JOIN alias ON alias.number = retired.alias{1} ORDER BY number"
)


def load(tx: Transaction, addresses: Iterable[Address], allowed: frozenset[str] = frozenset()) -> Directory:
    """All local domains, and the aliases that these addresses ask for by name, by a retired name or by local part.

    `allowed`: the domains outside in which local-part detection works (parameter mail.catchall.domain.allowed).
    """
    local = Directory(domains(tx), allowed=allowed)
    return _with_aliases(tx, local, addresses)


def extended(tx: Transaction, directory: Directory, addresses: Iterable[Address]) -> Directory:
    """The same with the aliases that further addresses in local domains ask for."""
    return _with_aliases(tx, directory, (address for address in addresses if directory.domain_of(address)))


def everything(tx: Transaction) -> Directory:
    """All local domains and all aliases."""
    rows = tx.execute(_ALIASES.format("", "")).fetchall()
    return _added(Directory(domains(tx)), rows)


def _with_aliases(tx: Transaction, directory: Directory, addresses: Iterable[Address]) -> Directory:
    names = {name for address in addresses for name in _names(address, directory.domain_of(address))}
    if not names:
        return directory
    rows = select_in(tx, _ALIASES.format(" WHERE local IN ({})", " WHERE retired.local IN ({})"), sorted(names))
    return _added(directory, rows)


def _names(address: Address, domain: Domain | None) -> tuple[str, ...]:
    """The local parts under which an address may be known: as it is, and without its detail."""
    return resolve.spellings(lower(address.local), domain.delimiter if domain else "+")


def _added(directory: Directory, rows: Iterable[Row]) -> Directory:
    current, retired = [], []
    for row in rows:
        alias = alias_from_row(row)
        if row["retired_as"]:
            retired.append((row["retired_as"], alias))
        else:
            current.append(alias)
    return directory.with_aliases(current, retired) if current or retired else directory


def domains(tx: Transaction) -> dict[str, Domain]:
    """Every local domain by each of its names, in the order they were added."""
    rows = {row["name"]: row for row in tx.execute("SELECT * FROM domain ORDER BY position")}
    retired: dict[str, list[tuple[str, str]]] = {}
    for row in tx.execute("SELECT domain, local, kind FROM retired ORDER BY local"):
        retired.setdefault(row["domain"], []).append((row["local"], row["kind"]))
    first = [name for name, row in rows.items() if row["same_as"] is None]
    default = next((name for name in first if rows[name]["is_default"]), first[0] if first else "")
    return {
        name: _domain(name, rows[row["same_as"] or name], retired, default=name == default)
        for name, row in rows.items()
    }


def _domain(name: str, row: Row, retired: dict[str, list[tuple[str, str]]], *, default: bool) -> Domain:
    """A domain under one of its names; `row` is that of its first one. Raises StoreError for a row that is not ours."""
    locals_ = [row["catchall"], row["bounce"], *([row["sender"]] if row["sender"] else [])]
    locals_ += [local for local, _ in retired.get(row["name"], ())]
    if (
        address.domain(name) != name
        or not all(map(names.is_local_part, locals_))
        or (row["delimiter"] and not names.is_separator(row["delimiter"]))
        or row["language"] not in LANGUAGES
    ):
        raise StoreError(f"the domain {name!a} is not one that mailgate stored: a program changed the store")
    return Domain(
        name=name,
        catchall=row["catchall"],
        bounce=row["bounce"],
        company=row["company"],
        contact=row["contact"],
        language=row["language"],
        delimiter=row["delimiter"],
        details=bool(row["details"]),
        default=default,
        retired=tuple(retired.get(row["name"], ())),
        same_as=row["name"] if row["name"] != name else "",
        sender=row["sender"],
        signature=row["signature"],
        capture_until=row["capture_until"],
    )


def alias_from_row(row: Row) -> Alias:
    """The value of a row of `alias`. Raises StoreError for a row that is not ours."""
    if not names.is_local_part(row["local"]) or not names.is_model(row["model"]):
        name = ascii(f"{row['local']}@{row['domain']}")
        raise StoreError(f"the alias {name} is not one that mailgate stored: a program changed the store")
    return Alias(
        **{name: row[name] for name in _SAME},
        values=json.loads(row["values_json"]),
        record=Ref.parse(row["record"]) if row["record"] else None,
        owner=Ref.parse(row["owner"]) if row["owner"] else None,
        local_part=bool(row["local_part"]),
        authenticated=bool(row["authenticated"]),
        notify=tuple(json.loads(row["notify"])),
    )


_ENCODED = ("values", "record", "owner", "local_part", "authenticated", "notify")
_SAME = tuple(name for name in Alias._fields if name not in _ENCODED)
"""The fields of an alias that its row has as they are."""


def is_local(tx: Transaction, text: str) -> bool:
    """Whether mail to an address would come back to us, as far as its name tells."""
    return bool(local_among(tx, [text]))


def local_among(tx: Transaction, texts: Iterable[str]) -> frozenset[str]:
    """Those of some addresses to which mail would come back to us."""
    domains_alone = Directory(domains(tx))
    parsed = {text: known for text in texts if (known := address.lenient(text)) and domains_alone.domain_of(known)}
    directory = _with_aliases(tx, domains_alone, parsed.values())
    return frozenset(text for text, known in parsed.items() if resolve.is_local(known, directory))


def is_stranger(tx: Transaction, text: str) -> bool:
    """Whether an address lies in a local domain where nobody has it."""
    parsed = address.lenient(text)
    return parsed is not None and resolve.is_stranger(parsed, load(tx, [parsed]))


def unread(tx: Transaction, texts: Iterable[str], shared: Container[str]) -> tuple[str, ...]:
    """Those of some addresses that nobody reads: no address of ours, in a local domain without mailboxes of its own.

    Mail to them comes back to us. `shared`: the local domains that have mailboxes of their own on the mail server.
    """
    parsed = {text: known for text in texts if (known := address.lenient(text)) and known.domain not in shared}
    directory = load(tx, parsed.values())
    return tuple(text for text, known in parsed.items() if resolve.is_stranger(known, directory))
