"""The addresses that make records: edit, look up."""

import json
from collections.abc import Iterable

from mailgate.routing import resolve
from mailgate.routing.state import Ours
from mailgate.store import address_changes, directory, domains, effects
from mailgate.store.contacts import key as person
from mailgate.store.contacts import spelled
from mailgate.store.database import Transaction, bound
from mailgate.store.directory import alias_from_row
from mailgate.values import names
from mailgate.values.address import Address
from mailgate.values.directory import Alias
from mailgate.values.problem import NotFound, Problem, command


def listing(tx: Transaction) -> list[Alias]:
    """Every alias, oldest first."""
    return [alias_from_row(row) for row in tx.execute("SELECT * FROM alias ORDER BY number")]


def numbered(tx: Transaction, number: int) -> Alias:
    """One alias by its number. Raises NotFound."""
    row = tx.execute("SELECT * FROM alias WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"no alias {number}", command("mailgate alias list"))
    return alias_from_row(row)


def get(tx: Transaction, text: str) -> Alias:
    """One alias by its address; without a domain, in the default domain. Raises NotFound."""
    local, host = _place(tx, text)
    row = tx.execute("SELECT * FROM alias WHERE local = ? AND domain = ?", (local, host)).fetchone()
    if row is None:
        if renamed := _renamed(tx, local, host):
            raise NotFound(
                f"`{local}@{host}` is a former name of alias `{renamed.address}`",
                command("mailgate alias show {ADDRESS}", renamed.address),
                command("mailgate domain forget {DOMAIN} {LOCAL}", host, local),
            )
        raise NotFound(
            f"no alias `{local}@{host}`",
            command("mailgate alias add {ADDRESS} --model MODEL", f"{local}@{host}"),
            command("mailgate alias list"),
        )
    return alias_from_row(row)


def exists(tx: Transaction, local: str, host: str) -> bool:
    """Whether there is an alias of this name, as it is stored."""
    return tx.execute("SELECT 1 FROM alias WHERE local = ? AND domain = ?", (local, host)).fetchone() is not None


def reached_by(tx: Transaction, text: str) -> Alias:
    """The alias that mail to a local address reaches, the first of those with local-part detection. Raises NotFound."""
    try:
        return get(tx, text)
    except NotFound:
        address = Address(*_place(tx, text))
        resolved = resolve.resolve(address, Ours(directory.load(tx, [address])))
        if not resolved.aliases:
            raise
        return resolved.aliases[0]


def _renamed(tx: Transaction, local: str, host: str) -> Alias | None:
    """The alias that once had a name."""
    row = tx.execute(
        "SELECT alias.* FROM retired JOIN alias ON alias.number = retired.alias"
        " WHERE retired.domain = ? AND retired.local = ?",
        (host, local),
    ).fetchone()
    return alias_from_row(row) if row else None


def renamed(tx: Transaction) -> set[int]:
    """The numbers of the aliases that have a former name."""
    return {row["alias"] for row in tx.execute("SELECT DISTINCT alias FROM retired WHERE alias IS NOT NULL")}


def former_names(tx: Transaction, alias: Alias) -> list[str]:
    """The addresses under which an alias is still reached though it was renamed."""
    rows = tx.execute("SELECT local, domain FROM retired WHERE alias = ? ORDER BY domain, local", (alias.number,))
    return [f"{row['local']}@{row['domain']}" for row in rows]


def add(tx: Transaction, text: str, new: Alias) -> Alias:
    """Add an alias under the address `text` (number, local part and domain of `new` are ignored). Raises Problem."""
    local, host = _place(tx, text)
    _is_new(tx, local, host)
    number = tx.execute("SELECT coalesce(max(number), 0) + 1 FROM alias").fetchone()[0]
    new = new._replace(number=number, local=local, domain=host)
    fields = {"number": number, "local": local, "domain": host, **_fields(new)}
    columns, marks = ", ".join(fields), ", ".join("?" * len(fields))
    tx.execute(f"INSERT INTO alias ({columns}) VALUES ({marks})", bound(fields.values()))
    tx.execute("DELETE FROM follower WHERE address = ?", (new.address,))  # local addresses never follow
    _refuse_local(tx, new.notify)
    _changed(tx, new)
    return _stored(tx, number)


def _changed(tx: Transaction, *versions: Alias) -> None:
    """Note that the address of an alias came or went: with local-part detection it is one in every domain."""
    for alias in versions:
        if alias.local_part:
            address_changes.note(tx)
        else:
            address_changes.note(tx, alias.domain, alias.local)


def _is_new(tx: Transaction, local: str, host: str) -> None:
    """Raise Problem for a name in use: by an alias, as catchall or bounce address, or as a retired name."""
    taken = tx.execute("SELECT model FROM alias WHERE local = ? AND domain = ?", (local, host)).fetchone()
    if taken:
        raise Problem(
            f"alias `{local}@{host}` already exists (creates {taken['model']})",
            command("mailgate alias set {ADDRESS} --help", f"{local}@{host}"),
            command("mailgate alias show {ADDRESS}", f"{local}@{host}"),
        )
    domain = tx.execute("SELECT catchall, bounce FROM domain WHERE name = ?", (host,)).fetchone()
    for kind in ("catchall", "bounce"):
        if local == domain[kind]:
            raise Problem(
                f"`{local}@{host}` is the {kind} address of {host}",
                command("mailgate domain set {DOMAIN} --catchall OTHER", host)
                if kind == "catchall"
                else command("mailgate domain set {DOMAIN} --bounce OTHER", host),
            )
    former = tx.execute("SELECT kind FROM retired WHERE domain = ? AND local = ?", (host, local)).fetchone()
    if former:
        word = "the former name of an alias" if former["kind"] == "alias" else f"a retired {former['kind']} address"
        raise Problem(
            f"`{local}@{host}` is {word} of {host}", command("mailgate domain forget {DOMAIN} {LOCAL}", host, local)
        )


def rename(tx: Transaction, text: str, to: str) -> Alias:
    """Give an alias another address; the old one keeps working until `domains.forget`. Raises Problem, NotFound.

    What the alias did under its old name is found under the new one: its records, copies that come again, answers sent.
    """
    old = get(tx, text)
    local, host = _place(tx, to)
    own_former = "SELECT 1 FROM retired WHERE domain = ? AND local = ? AND alias = ?"
    if tx.execute(own_former, (host, local, old.number)).fetchone():
        tx.execute("DELETE FROM retired WHERE domain = ? AND local = ?", (host, local))
    _is_new(tx, local, host)
    new = old._replace(local=local, domain=host)
    tx.execute(
        "INSERT INTO retired (domain, local, kind, alias) VALUES (?, ?, 'alias', ?)",
        (old.domain, old.local, old.number),
    )
    tx.execute("UPDATE alias SET local = ?, domain = ? WHERE number = ?", (local, host, old.number))
    tx.execute("UPDATE record SET alias = ? WHERE alias = ?", (new.address, old.address))
    tx.execute("UPDATE domain SET contact = ? WHERE contact = ?", (new.address, old.address))
    tx.execute("UPDATE outbox SET about = ? WHERE about = ?", (new.address, old.address))
    effects.rename(tx, old.address, new.address)
    _changed(tx, old, new)
    return new


def add_former(tx: Transaction, alias: Alias, text: str) -> None:
    """Let an unused address reach an alias, as if it had been its name. Raises Problem, NotFound."""
    local, host = _place(tx, text)
    _is_new(tx, local, host)
    tx.execute(
        "INSERT INTO retired (domain, local, kind, alias) VALUES (?, ?, 'alias', ?)", (host, local, alias.number)
    )
    _changed(tx, alias._replace(local=local, domain=host))


def save(tx: Transaction, changed: Alias) -> Alias:
    """Store a changed alias. Raises Problem for a bad model or address."""
    _refuse_local(tx, changed.notify)
    fields = _fields(changed)
    if _stored(tx, changed.number).local_part != changed.local_part:
        address_changes.note(tx)
    columns = ", ".join(f"{name} = ?" for name in fields)
    tx.execute(f"UPDATE alias SET {columns} WHERE number = ?", bound((*fields.values(), changed.number)))
    return _stored(tx, changed.number)


def _refuse_local(tx: Transaction, addresses: Iterable[str]) -> None:
    for address in sorted(directory.local_among(tx, addresses)):
        raise Problem(
            f"`{address}` is a local address: a copy to it would come back", advice="name the address of a person"
        )


def _fields(alias: Alias) -> dict[str, object]:
    """The columns of an alias but for its number and address. Raises Problem for a bad model, or a bad address."""
    notify = list({person(address): spelled(address) for address in alias.notify}.values())
    return {
        **{name: getattr(alias, name) for name in _SAME},
        "model": names.model(alias.model),
        "values_json": json.dumps(dict(alias.values)),
        "record": str(alias.record) if alias.record else None,
        "owner": str(alias.owner) if alias.owner else None,
        "notify": json.dumps(notify),
        "lists": json.dumps([person(address) for address in alias.lists]),
    }


_OTHERS = ("number", "local", "domain", "model", "values", "record", "owner", "notify", "lists")
_SAME = tuple(name for name in Alias._fields if name not in _OTHERS)
"""Fields that are stored as they are, under their own names."""


def _stored(tx: Transaction, number: int) -> Alias:
    return alias_from_row(tx.execute("SELECT * FROM alias WHERE number = ?", (number,)).fetchone())


def problems(tx: Transaction, alias: Alias) -> list[Problem]:
    """What is wrong with the records that an alias names, so that its mail would be held or refused."""
    listed = []
    for use, ref in (("record", alias.record), ("owner", alias.owner)):
        if ref and not tx.execute("SELECT 1 FROM record WHERE model = ? AND id = ?", ref).fetchone():
            create = command("mailgate record create {MODEL}", ref.model)
            listed.append(Problem(f"{use} {ref} does not exist", create))
    if alias.record and alias.record.model != alias.model:
        listed.append(Problem(f"record {alias.record} is not of the model {alias.model}"))
    if alias.policy == "followers" and not alias.owner and not alias.record:
        own = command("mailgate alias set {ADDRESS} --owner MODEL/ID", alias.address)
        listed.append(Problem("there is no owner record whose followers may write", own))
    return listed


TESTED = frozenset(("policy", "values", "model", "record", "owner"))
"""Fields of an alias whose change makes it `not-tested` again."""


def set_status(tx: Transaction, number: int, status: str) -> None:
    """Record whether an alias works: not-tested, valid or invalid."""
    tx.execute("UPDATE alias SET status = ? WHERE number = ? AND status != ?", (status, number, status))


def remove(tx: Transaction, text: str) -> Alias:
    """Delete an alias. The records it made stay, and its rules still hold for them. Raises NotFound."""
    alias = get(tx, text)
    tx.execute("UPDATE record SET policy = ? WHERE alias = ?", (_remains(alias), alias.address))
    for address in former_names(tx, alias):
        local, _, host = address.rpartition("@")
        _changed(tx, alias._replace(local=local, domain=host))
    _changed(tx, alias)
    tx.execute("DELETE FROM retired WHERE alias = ?", (alias.number,))
    tx.execute("DELETE FROM alias WHERE number = ?", (alias.number,))
    return alias


def _remains(gone: Alias) -> str:
    """The rules of a deleted alias that still hold for its records."""
    return json.dumps({name: getattr(gone, name) for name in _GOVERNING})


_GOVERNING = ("policy", "authenticated", "replies", "automatic", "spam", "calendar")


def remains(local: str, host: str, kept: str) -> Alias:
    """The alias whose rules hold for the records of a deleted one; earlier versions kept its policy alone."""
    rest = json.loads(kept) if kept.startswith("{") else {"policy": kept}
    return Alias(0, local, host, "", **rest)


def _place(tx: Transaction, text: str) -> tuple[str, str]:
    """Local part and local domain of a typed alias address, angle brackets allowed. Raises Problem, NotFound.

    An address under another name of a domain belongs to that domain.
    """
    text = text.rpartition("<")[2].rpartition(">")[0] if "<" in text and ">" in text else text
    local = names.local_part(text)
    host = text.strip().partition("@")[2].strip()
    if not host:
        default = domains.default(tx)
        if default is None:
            raise Problem("there is no local domain yet", command("mailgate domain add example.com"))
        return local, default.name
    return local, domains.canonical(tx, host)
