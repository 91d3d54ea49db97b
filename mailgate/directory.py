"""Domains and aliases: edit, look up."""

import json
import sqlite3
from collections.abc import Iterable

from mailgate import address, names, token
from mailgate.address import Address
from mailgate.addressed import spellings
from mailgate.decision import Ref
from mailgate.people import key as person
from mailgate.people import spelled
from mailgate.problem import NotFound, Problem
from mailgate.state import RESERVED, Alias, Domain


def domains(tx: sqlite3.Connection) -> list[Domain]:
    """Every own domain, in the order they were added."""
    return [domain_from(tx, row) for row in tx.execute("SELECT * FROM domain ORDER BY position")]


def domain(tx: sqlite3.Connection, text: str) -> Domain:
    """One own domain. Raises NotFound."""
    row = tx.execute("SELECT * FROM domain WHERE name = ?", (domain_name(text),)).fetchone()
    if row is None:
        raise NotFound(f"no domain `{text}`", f"mailgate domain add {text}")
    return domain_from(tx, row)


def default_domain(tx: sqlite3.Connection) -> Domain | None:
    """The domain marked as default, else the first added; None while there is none."""
    row = _default_row(tx)
    return domain_from(tx, row) if row else None


def _default_row(tx: sqlite3.Connection) -> sqlite3.Row | None:
    row: sqlite3.Row | None = tx.execute("SELECT * FROM domain ORDER BY is_default DESC, position LIMIT 1").fetchone()
    return row


def domain_from(tx: sqlite3.Connection, row: sqlite3.Row) -> Domain:
    """The value of a row of `domain`, with its retired names."""
    retired = tx.execute("SELECT local, kind FROM retired WHERE domain = ? ORDER BY local", (row["name"],))
    default = _default_row(tx)
    return Domain(
        name=row["name"],
        catchall=row["catchall"],
        bounce=row["bounce"],
        company=row["company"],
        contact=row["contact"],
        language=row["language"],
        delimiter=row["delimiter"],
        details=bool(row["details"]),
        default=default is not None and default["name"] == row["name"],
        retired=tuple((each["local"], each["kind"]) for each in retired),
    )


def domain_name(text: str) -> str:
    """A domain as it is stored. Raises Problem when it is none."""
    found = address.domain(text)
    if found is None:
        raise Problem(f"`{text}` is no domain name", "a domain looks like `example.com`")
    return found


def add_domain(tx: sqlite3.Connection, new: Domain) -> Domain:
    """Add a domain. Raises Problem when it exists or when its names are in each other's way."""
    new = new._replace(name=domain_name(new.name))
    if tx.execute("SELECT 1 FROM domain WHERE name = ?", (new.name,)).fetchone():
        raise Problem(f"domain `{new.name}` already exists", f"mailgate domain set {new.name} ...")
    position = tx.execute("SELECT coalesce(max(position), 0) + 1 FROM domain").fetchone()[0]
    tx.execute(
        "INSERT INTO domain (name, position, catchall, bounce, company, contact, language, delimiter, details,"
        " is_default) VALUES (?, ?, '', '', '', NULL, '', '', 0, 0)",
        (new.name, position),
    )
    return _write_domain(tx, new)


def save_domain(tx: sqlite3.Connection, changed: Domain) -> Domain:
    """Write a domain as it is now; former catchall and bounce names keep working as retired ones."""
    old = domain(tx, changed.name)
    retired = dict(old.retired)
    for kind, before, after in (("catchall", old.catchall, changed.catchall), ("bounce", old.bounce, changed.bounce)):
        if before != after:
            if retired.get(after) == kind:
                del retired[after]
            retired[before] = kind
    return _write_domain(tx, changed._replace(retired=tuple(sorted(retired.items()))))


def _write_domain(tx: sqlite3.Connection, new: Domain) -> Domain:
    new = new._replace(
        catchall=names.local_part(new.catchall),
        bounce=names.local_part(new.bounce),
        contact=person(new.contact) if new.contact else None,
    )
    if new.delimiter and not names.is_delimiter(new.delimiter):
        raise Problem(f"`{new.delimiter}` cannot separate a detail", 'one character such as `+` or `-`, or "" for none')
    used = [*new.catchalls, *new.bounces]
    if new.contact and address.lower(new.contact) in {f"{name}@{new.name}" for name in used}:
        raise Problem(
            f"`{new.contact}` takes no new mail, so nobody can be sent there", "name an alias, or an address elsewhere"
        )
    for name in used:
        if name in RESERVED:
            raise Problem(f"`{name}@{new.name}` always exists for people who report faults", "choose another name")
        if used.count(name) > 1:
            raise Problem(
                f"`{name}@{new.name}` would be catchall and bounce address at once, or one of them and a retired name",
                f"mailgate domain show {new.name}",
            )
        taken = tx.execute("SELECT model FROM alias WHERE local = ? AND domain = ?", (name, new.name)).fetchone()
        if taken:
            raise Problem(
                f"`{name}@{new.name}` is an alias (creates {taken['model']})",
                f"mailgate alias remove {name}@{new.name}",
            )
    tx.execute(
        "UPDATE domain SET catchall = ?, bounce = ?, company = ?, contact = ?, language = ?, delimiter = ?,"
        " details = ?, is_default = ? WHERE name = ?",
        (
            *(new.catchall, new.bounce, new.company, new.contact, new.language, new.delimiter),
            *(new.details, new.default, new.name),
        ),
    )
    tx.executemany(  # own addresses never follow
        "DELETE FROM follower WHERE address = ?", [(f"{local}@{new.name}",) for local in (new.catchall, new.bounce)]
    )
    if new.default:
        tx.execute("UPDATE domain SET is_default = 0 WHERE name != ?", (new.name,))
    tx.execute("DELETE FROM retired WHERE domain = ?", (new.name,))
    tx.executemany(
        "INSERT INTO retired (domain, local, kind) VALUES (?, ?, ?)", [(new.name, *each) for each in new.retired]
    )
    return domain(tx, new.name)


def forget(tx: sqlite3.Connection, name: str, local: str) -> Domain:
    """End a retired catchall or bounce name. Raises NotFound, Problem."""
    found, local = domain(tx, name), names.local_part(local)
    if local not in dict(found.retired):
        raise NotFound(f"`{local}@{found.name}` is no retired name", f"mailgate domain show {found.name}")
    tx.execute("DELETE FROM retired WHERE domain = ? AND local = ?", (found.name, local))
    return domain(tx, name)


def remove_domain(tx: sqlite3.Connection, name: str) -> None:
    """Remove a domain. Raises Problem while aliases use it."""
    found = domain(tx, name)
    used = tx.execute("SELECT count(*) AS n, min(local) AS local FROM alias WHERE domain = ?", (found.name,)).fetchone()
    if used["n"]:
        raise Problem(
            f"domain `{found.name}` is used by {used['n']} alias{'es' if used['n'] > 1 else ''}",
            f"mailgate alias remove {used['local']}@{found.name}",
        )
    tx.execute("DELETE FROM retired WHERE domain = ?", (found.name,))
    tx.execute("DELETE FROM domain WHERE name = ?", (found.name,))


def aliases(tx: sqlite3.Connection) -> list[Alias]:
    """Every alias, oldest first."""
    return [alias_from(row) for row in tx.execute("SELECT * FROM alias ORDER BY number")]


def alias(tx: sqlite3.Connection, text: str) -> Alias:
    """One alias by its address; without a domain, in the default domain. Raises NotFound."""
    local, host = _place(tx, text)
    row = tx.execute("SELECT * FROM alias WHERE local = ? AND domain = ?", (local, host)).fetchone()
    if row is None:
        raise NotFound(
            f"no alias `{local}@{host}`", f"mailgate alias add {local}@{host} --model MODEL", "mailgate alias list"
        )
    return alias_from(row)


def alias_for(tx: sqlite3.Connection, text: str) -> Alias:
    """The alias that an address reaches, also with a detail. Raises NotFound."""
    try:
        return alias(tx, text)
    except NotFound:
        local, host = _place(tx, text)
        for name in spellings(local, domain(tx, host).delimiter):
            if tx.execute("SELECT 1 FROM alias WHERE local = ? AND domain = ?", (name, host)).fetchone():
                return alias(tx, f"{name}@{host}")
        raise


def alias_from(row: sqlite3.Row) -> Alias:
    """The value of a row of `alias`."""
    return Alias(
        number=row["number"],
        local=row["local"],
        domain=row["domain"],
        model=row["model"],
        values=json.loads(row["assigned"]),
        policy=row["policy"],
        record=Ref.parse(row["record"]) if row["record"] else None,
        owner=Ref.parse(row["owner"]) if row["owner"] else None,
        local_part=bool(row["local_part"]),
        authenticated=bool(row["authenticated"]),
        refusal=row["refusal"],
        spam=row["spam"],
        status=row["status"],
        notify=tuple(json.loads(row["notify"])),
        automatic=row["automatic"],
        replies=row["replies"],
    )


def is_own(tx: sqlite3.Connection, text: str) -> bool:
    """Whether mail to an address would come back to us: an alias, a catchall or bounce address, postmaster, abuse."""
    found = address.lenient(text)
    row = found and tx.execute("SELECT * FROM domain WHERE name = ?", (found.domain,)).fetchone()
    if not found or not row:
        return False
    domain = domain_from(tx, row)
    local = address.lower(found.local)
    known_as = spellings(local, domain.delimiter)
    if token.split(local) or not {*domain.catchalls, *domain.bounces, *RESERVED}.isdisjoint(known_as):
        return True
    aliases = (
        tx.execute("SELECT 1 FROM alias WHERE domain = ? AND local = ?", (domain.name, each)).fetchone()
        for each in known_as
    )
    return any(each is not None for each in aliases)


def takes_reports(tx: sqlite3.Connection, addresses: Iterable[Address]) -> bool:
    """Whether one of these is a bounce address, as far as its name tells: today's, a retired one, or a signed one."""
    for host, locals_ in _by_domain(addresses).items():
        row = tx.execute("SELECT * FROM domain WHERE name = ?", (host,)).fetchone()
        if row is None:
            continue
        found = domain_from(tx, row)
        known_as = {name for local in locals_ for name in spellings(local, found.delimiter)}
        details = (token.split(local) for local in locals_)
        if known_as.intersection(found.bounces) or any(each and each.purpose == token.BOUNCE for each in details):
            return True
    return False


def _by_domain(addresses: Iterable[Address]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in addresses:
        found.setdefault(each.domain, set()).add(address.lower(each.local))
    return found


def is_stranger(tx: sqlite3.Connection, text: str) -> bool:
    """Whether an address lies in an own domain, and nobody is there."""
    found = address.lenient(text)
    ours = found and tx.execute("SELECT 1 FROM domain WHERE name = ?", (found.domain,)).fetchone()
    return bool(ours) and not is_own(tx, text)


def add_alias(tx: sqlite3.Connection, text: str, new: Alias) -> Alias:
    """Add an alias under the address `text` (number, local part and domain of `new` are ignored). Raises Problem."""
    local, host = _place(tx, text)
    taken = tx.execute("SELECT model FROM alias WHERE local = ? AND domain = ?", (local, host)).fetchone()
    if taken:
        raise Problem(
            f"alias `{local}@{host}` already exists (creates {taken['model']})",
            f"mailgate alias set {local}@{host} --model {new.model}",
            f"mailgate alias show {local}@{host}",
        )
    found = domain(tx, host)
    for kind, own in (("catchall", found.catchalls), ("bounce", found.bounces)):
        if local in own:
            word = "the" if local in (found.catchall, found.bounce) else "a retired"
            raise Problem(
                f"`{local}@{host}` is {word} {kind} address of {host}",
                f"mailgate domain set {host} --{kind} OTHER"
                if word == "the"
                else f"mailgate domain forget {host} {local}",
            )
    number = tx.execute("SELECT coalesce(max(number), 0) + 1 FROM alias").fetchone()[0]
    tx.execute(
        "INSERT INTO alias (number, local, domain, model, assigned, policy, record, owner, local_part, authenticated,"
        " refusal, spam, status, notify) VALUES (?, ?, ?, '', '{}', '', NULL, NULL, 0, 0, '', '', '', '[]')",
        (number, local, host),
    )
    tx.execute("DELETE FROM follower WHERE address = ?", (f"{local}@{host}",))  # own addresses never follow
    return save_alias(tx, new._replace(number=number, local=local, domain=host))


def save_alias(tx: sqlite3.Connection, changed: Alias) -> Alias:
    """Write an alias as it is now. Raises Problem for a model or an address that cannot be."""
    for each in changed.notify:
        if is_own(tx, each):
            raise Problem(f"`{each}` is an own address: a copy to it would come back", "name the address of a person")
    tx.execute(
        "UPDATE alias SET model = ?, assigned = ?, policy = ?, record = ?, owner = ?, local_part = ?,"
        " authenticated = ?, refusal = ?, spam = ?, automatic = ?, replies = ?, status = ?, notify = ?"
        " WHERE number = ?",
        (
            *(names.model(changed.model), json.dumps(dict(changed.values)), changed.policy),
            *(str(changed.record) if changed.record else None, str(changed.owner) if changed.owner else None),
            *(changed.local_part, changed.authenticated, changed.refusal, changed.spam, changed.automatic),
            *(changed.replies, changed.status),
            *(json.dumps(list({person(each): spelled(each) for each in changed.notify}.values())), changed.number),
        ),
    )
    return alias_from(tx.execute("SELECT * FROM alias WHERE number = ?", (changed.number,)).fetchone())


def doubts(tx: sqlite3.Connection, found: Alias) -> list[str]:
    """What is wrong with where an alias points, so that its mail would be held or refused."""
    said = []
    for use, ref in (("record", found.record), ("owner", found.owner)):
        if ref and not tx.execute("SELECT 1 FROM record WHERE model = ? AND id = ?", ref).fetchone():
            said.append(f"{use} {ref} does not exist: mailgate record create {ref.model}")
    if found.record and found.record.model != found.model:
        said.append(f"record {found.record} is none of the model {found.model}")
    if found.policy == "followers" and not found.owner and not found.record:
        said.append(f"nobody follows an owner record yet: mailgate alias set {found.address} --owner MODEL/ID")
    return said


def set_status(tx: sqlite3.Connection, number: int, status: str) -> None:
    """Note whether an alias works: not-tested, valid or invalid."""
    tx.execute("UPDATE alias SET status = ? WHERE number = ? AND status != ?", (status, number, status))


def remove_alias(tx: sqlite3.Connection, text: str) -> Alias:
    """Remove an alias; the records it made stay, and stay as closed as they were. Raises NotFound."""
    found = alias(tx, text)
    tx.execute("UPDATE record SET policy = ? WHERE alias = ?", (_remains(found), found.address))
    tx.execute("DELETE FROM alias WHERE number = ?", (found.number,))
    return found


def _remains(gone: Alias) -> str:
    """What of a removed alias still governs its records: who may write, and what machines' mail and spam become."""
    return json.dumps({name: getattr(gone, name) for name in _GOVERNING})


_GOVERNING = ("policy", "authenticated", "replies", "automatic", "spam")


def remains(local: str, host: str, kept: str) -> Alias:
    """The alias that a record of a removed one is governed by; earlier versions kept its policy alone."""
    rest = json.loads(kept) if kept.startswith("{") else {"policy": kept}
    return Alias(0, local, host, "", **rest)


def _place(tx: sqlite3.Connection, text: str) -> tuple[str, str]:
    """Local part and own domain of a typed alias address, angle brackets allowed. Raises Problem, NotFound."""
    text = text.rpartition("<")[2].rpartition(">")[0] if "<" in text and ">" in text else text
    local = names.local_part(text)
    host = text.strip().partition("@")[2].strip()
    if not host:
        default = default_domain(tx)
        if default is None:
            raise Problem("there is no own domain yet", "mailgate domain add example.com")
        return local, default.name
    return local, domain(tx, host).name
