"""What is ours, read as one `Directory`: the local domains and the aliases that some addresses ask for."""

import json
from collections.abc import Container, Iterable, Iterator, Sequence

from mailgate.routing import resolve
from mailgate.store.database import Row, Transaction, select_for, select_in
from mailgate.values import address, names
from mailgate.values.address import Address, lower
from mailgate.values.directory import LANGUAGES, Alias, Directory, Domain
from mailgate.values.problem import StoreError
from mailgate.values.record import Ref

_COLUMNS = "SELECT alias.*, '' AS retired_as FROM"
_RETIRED_COLUMNS = "SELECT alias.*, retired.local || '@' || retired.domain AS retired_as FROM"
_OF_RETIRED = "alias ON alias.number = retired.alias"
_EVERY = f"{_COLUMNS} alias UNION ALL {_RETIRED_COLUMNS} retired JOIN {_OF_RETIRED} ORDER BY number"
_EVERY_NAME = _EVERY.replace("alias.*", "alias.number, alias.local, alias.domain, alias.local_part")
_NAMED_SO = (
    f"{_COLUMNS} ({{}}) AS named CROSS JOIN alias WHERE alias.local = column1 AND alias.domain = column2"
    f" UNION ALL {_RETIRED_COLUMNS} ({{}}) AS named CROSS JOIN retired JOIN {_OF_RETIRED}"
    " WHERE retired.local = column1 AND retired.domain = column2"
)
_DETECTED = (
    f"{_COLUMNS} alias WHERE local IN ({{}}) AND local_part = 1"
    f" UNION ALL {_RETIRED_COLUMNS} retired JOIN {_OF_RETIRED} WHERE retired.local IN ({{}}) AND local_part = 1"
)

SHARED = "if its domain has mailboxes on the mail server, name the domain in [maps] shared"
"""What helps where an address that `unread` finds is read all the same."""


def load(tx: Transaction, addresses: Iterable[Address], allowed: frozenset[str] = frozenset()) -> Directory:
    """The default domain, and what these addresses ask for: their local domains, and the aliases that are found by
    name, by a retired name or by local part. No domain at all is found where none is local.

    `allowed`: the domains outside in which local-part detection works (parameter mail.catchall.domain.allowed).
    """
    asked = tuple(addresses)
    names = {"", *(address.domain for address in asked)}
    directory = Directory(_domains(tx, f"{_NAMED} OR domain.name = ({_FIRST})", names), allowed=allowed)
    directory = _with_contacts(tx, directory, asked)
    return _with_aliases(tx, directory, asked)


def extended(tx: Transaction, directory: Directory, addresses: Iterable[Address]) -> Directory:
    """The same with what further addresses ask for, as far as they are in local domains."""
    asked = tuple(addresses)
    directory = with_domains(tx, directory, (address.domain for address in asked))
    return _with_aliases(tx, directory, (address for address in asked if directory.domain_of(address)))


def with_domains(tx: Transaction, directory: Directory, names: Iterable[str]) -> Directory:
    """The same with the local domains that have these names."""
    missing = {name for name in names if name and name not in directory.domains}
    more = _domains(tx, _NAMED, missing) if missing else {}
    return directory._replace(domains={**directory.domains, **more}) if more else directory


def everything(tx: Transaction) -> Directory:
    """All local domains and all aliases."""
    rows = tx.execute(_EVERY).fetchall()
    return _added(Directory(domains(tx)), rows)


def names_alone(tx: Transaction) -> Directory:
    """All local domains, and of all aliases the names, and whether they have local-part detection."""
    current, retired = [], []
    for row in tx.execute(_EVERY_NAME):
        alias = Alias(row["number"], row["local"], row["domain"], "", local_part=bool(row["local_part"]))
        if row["retired_as"]:
            retired.append((row["retired_as"], alias))
        else:
            current.append(alias)
    return Directory(domains(tx)).with_aliases(current, retired)


def _with_contacts(tx: Transaction, directory: Directory, addresses: Sequence[Address]) -> Directory:
    """The same with the domains whose contact one of these addresses is."""
    meant = {f"{local}@{host}" for address in addresses for local, host in _pairs(address, directory)}
    meant |= {address.key for address in addresses}
    query = "SELECT name FROM domain WHERE contact IN ({})"
    return with_domains(tx, directory, [row["name"] for row in select_in(tx, query, sorted(meant))])


def _with_aliases(tx: Transaction, directory: Directory, addresses: Iterable[Address]) -> Directory:
    asked = tuple(addresses)
    pairs = {pair for address in asked for pair in _pairs(address, directory)}
    rows = list(select_for(tx, _NAMED_SO, sorted(pairs)))
    names = {name for address in asked for name in _names(address, directory)}
    rows += select_in(tx, _DETECTED, sorted(names))
    rows.sort(key=lambda row: row["number"])
    return with_domains(tx, _added(directory, rows), {row["domain"] for row in rows})


def _names(asked: Address, directory: Directory) -> tuple[str, ...]:
    """The local parts under which an address may be known: as it is, and without its detail."""
    domain = _domain_meant(asked, directory)
    return resolve.spellings(lower(asked.local), domain.delimiter if domain else "+")


def _pairs(asked: Address, directory: Directory) -> Iterator[tuple[str, str]]:
    """The same with the name of the local domain under which they are stored; none elsewhere."""
    domain = _domain_meant(asked, directory)
    for name in _names(asked, directory) if domain else ():
        yield name, domain.canonical if domain else ""


def _domain_meant(asked: Address, directory: Directory) -> Domain | None:
    """The local domain of an address; mail servers complete one without a domain."""
    return directory.domain_of(asked) if asked.domain else directory.default


def _added(directory: Directory, rows: Iterable[Row]) -> Directory:
    current, retired = [], []
    for row in rows:
        alias = alias_from_row(row)
        if row["retired_as"]:
            retired.append((row["retired_as"], alias))
        else:
            current.append(alias)
    return directory.with_aliases(current, retired) if current or retired else directory


_NAMED = "domain.name IN ({})"
_FIRST = "SELECT name FROM domain WHERE same_as IS NULL ORDER BY is_default DESC, position LIMIT 1"
"""The default domain: the one that is marked so, else the one that was added first."""


def domains(tx: Transaction) -> dict[str, Domain]:
    """Every local domain by each of its names, in the order they were added."""
    rows = tx.execute(_DOMAINS.format("1")).fetchall()
    return _read(rows, tx.execute("SELECT domain, local, kind FROM retired"))


def _domains(tx: Transaction, where: str, names: Iterable[str]) -> dict[str, Domain]:
    """The domains for which a condition on names holds, without the retired names of aliases."""
    rows = list(select_in(tx, _DOMAINS.format(where), sorted(names)))
    hosts = {row["canonical"] for row in rows}
    retired = "SELECT domain, local, kind FROM retired WHERE domain IN ({}) AND kind IN ('catchall', 'bounce')"
    return _read(rows, select_in(tx, retired, sorted(hosts)))


_DOMAINS = (
    "SELECT domain.name AS own_name, domain.same_as IS NOT NULL AS is_other, canonical.name AS canonical, canonical.*,"
    f" canonical.name = ({_FIRST}) AS is_first"
    " FROM domain JOIN domain AS canonical ON canonical.name = coalesce(domain.same_as, domain.name)"
    " WHERE {} ORDER BY domain.position"
)


def _read(rows: Iterable[Row], retired: Iterable[Row]) -> dict[str, Domain]:
    names: dict[str, list[tuple[str, str]]] = {}
    for row in sorted(retired, key=lambda row: row["local"]):
        names.setdefault(row["domain"], []).append((row["local"], row["kind"]))
    return {row["own_name"]: _domain(row, names.get(row["canonical"], ())) for row in rows}


def _domain(row: Row, retired: Sequence[tuple[str, str]]) -> Domain:
    """A domain under one of its names. Raises StoreError for a row that is not ours."""
    name, other = row["own_name"], bool(row["is_other"])
    locals_ = [row["catchall"], row["bounce"], *([row["sender"]] if row["sender"] else [])]
    locals_ += [local for local, _ in retired]
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
        default=not other and bool(row["is_first"]),
        retired=tuple(retired),
        same_as=row["canonical"] if other else "",
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
        lists=tuple(json.loads(row["lists"])),
    )


_ENCODED = ("values", "record", "owner", "local_part", "authenticated", "notify", "lists")
_SAME = tuple(name for name in Alias._fields if name not in _ENCODED)
"""The fields of an alias that its row has as they are."""


def is_local(tx: Transaction, text: str) -> bool:
    """Whether mail to an address would come back to us, as far as its name tells."""
    return bool(local_among(tx, [text]))


def local_among(tx: Transaction, texts: Iterable[str]) -> frozenset[str]:
    """Those of some addresses to which mail would come back to us."""
    parsed = {text: known for text in texts if (known := address.lenient(text))}
    directory = load(tx, parsed.values()) if parsed else Directory()
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
