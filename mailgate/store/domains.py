"""Local domains: edit, look up."""

from mailgate.store import address_changes, directory
from mailgate.store.contacts import key as person
from mailgate.store.database import Transaction, bound
from mailgate.values import address, names
from mailgate.values.directory import RESERVED, Domain
from mailgate.values.problem import NotFound, Problem, command


def listing(tx: Transaction) -> list[Domain]:
    """Every local domain under each of its names, in the order they were added."""
    return list(directory.domains(tx).values())


def get(tx: Transaction, text: str) -> Domain:
    """One local domain. Raises NotFound."""
    domain = directory.domains(tx).get(name_of(text))
    if domain is None:
        raise NotFound(f"no domain `{text}`", command("mailgate domain add {DOMAIN}", text))
    return domain


def canonical(tx: Transaction, text: str) -> str:
    """The name under which the addresses of a local domain are stored. Raises NotFound."""
    name = name_of(text)
    row = tx.execute("SELECT coalesce(same_as, name) AS name FROM domain WHERE name = ?", (name,)).fetchone()
    return row["name"] if row else get(tx, text).canonical


def default(tx: Transaction) -> Domain | None:
    """The domain marked as default, else the first added; None while there is none."""
    return next((domain for domain in listing(tx) if domain.default), None)


def name_of(text: str) -> str:
    """A domain as it is stored. Raises Problem for other text."""
    name = address.domain(text)
    if name is None:
        raise Problem(f"`{text}` is not a domain name", advice="a domain looks like `example.com`")
    return name


def add(tx: Transaction, new: Domain) -> Domain:
    """Add a domain. Raises Problem when it exists or when its names conflict."""
    new = new._replace(name=name_of(new.name))
    if "_" in new.name:
        raise Problem(
            f"`{new.name}` cannot be a mail domain: a host name has no `_`", advice="use letters, digits, `-` and `.`"
        )
    if address.decoded(new.name) is None:
        raise Problem(
            f"`{new.name}` is not a domain name: no letters stand for it", advice="spell it in its own script"
        )
    if tx.execute("SELECT 1 FROM domain WHERE name = ?", (new.name,)).fetchone():
        raise Problem(f"domain `{new.name}` already exists", command("mailgate domain set {DOMAIN} --help", new.name))
    same_as = get(tx, new.same_as).canonical if new.same_as else None
    position = tx.execute("SELECT coalesce(max(position), 0) + 1 FROM domain").fetchone()[0]
    tx.execute(
        "INSERT INTO domain (name, position, catchall, bounce, company, contact, language, delimiter, details,"
        " is_default, same_as) VALUES (?, ?, '', '', '', NULL, '', '', 0, 0, ?)",
        (new.name, position, same_as),
    )
    if same_as:
        address_changes.note(tx)
        return get(tx, new.name)
    return _write(tx, new)


def save(tx: Transaction, changed: Domain) -> Domain:
    """Store a changed domain; its earlier catchall, sender and bounce names keep working as retired names.

    Raises Problem for another name of a domain, which has no settings of its own.
    """
    old = get(tx, changed.name)
    changed = _normalised(changed)
    if old.same_as:
        raise Problem(
            f"`{old.name}` is another name of {old.same_as}, and shares all it has",
            command("mailgate domain set {DOMAIN} --help", old.same_as),
        )
    retired = {**dict(old.retired), **dict(changed.retired)}
    for kind, before, after in (
        ("catchall", old.catchall, changed.catchall),
        ("catchall", old.sender, changed.sender),
        ("bounce", old.bounce, changed.bounce),
    ):
        if before != after:
            if retired.get(after) == kind:
                del retired[after]
            if before:
                retired.setdefault(before, kind)
    used = {changed.catchall, changed.sender} | ({old.sender} if _alias_model(tx, old.sender, old.name) else set())
    kept = {local: kind for local, kind in retired.items() if kind != "catchall" or local not in used}
    return _write(tx, changed._replace(retired=tuple(sorted(kept.items()))))


def _alias_model(tx: Transaction, local: str, name: str) -> str:
    """The model of the alias of a name, `""` where there is none."""
    row = tx.execute("SELECT model FROM alias WHERE local = ? AND domain = ?", (local, name)).fetchone()
    return row["model"] if row else ""


def _normalised(new: Domain) -> Domain:
    return new._replace(
        catchall=names.local_part(new.catchall),
        bounce=names.local_part(new.bounce),
        sender=names.local_part(new.sender) if new.sender else "",
        contact=person(new.contact) if new.contact else None,
    )


def _write(tx: Transaction, new: Domain) -> Domain:
    new = _normalised(new)
    if new.delimiter and not names.is_delimiter(new.delimiter):
        raise Problem(
            f"`{new.delimiter}` cannot separate a detail",
            advice='one of `+`, `-`, `=`, `_`, `.`, `~`, `#`, or "" for none',
        )
    used = [new.catchall, new.bounce, *(local for local, _ in new.retired)]
    if new.sender in (new.bounce, *RESERVED):
        raise Problem(f"`{new.sender}@{new.name}` takes no answers", advice="choose another sender, or an alias")
    hosts = [row["name"] for row in tx.execute("SELECT name FROM domain WHERE ? IN (name, same_as)", (new.name,))]
    without_alias = [name for name in (*new.catchalls, *new.bounces) if not _alias_model(tx, name, new.name)]
    closed = {f"{name}@{host}" for name in without_alias for host in hosts}
    if new.contact and address.lower(new.contact) in closed:
        raise Problem(
            f"`{new.contact}` takes no new mail, so refusals cannot name it",
            advice="name an alias, or an address elsewhere",
        )
    for name in used:
        if name in RESERVED:
            raise Problem(
                f"`{name}@{new.name}` always exists for people who report faults", advice="choose another name"
            )
        if used.count(name) > 1:
            raise Problem(
                f"`{name}@{new.name}` would be catchall and bounce address at once, or one of them and a retired name",
                command("mailgate domain show {DOMAIN}", new.name),
            )
        model = _alias_model(tx, name, new.name)
        if model:
            raise Problem(
                f"`{name}@{new.name}` is an alias (creates {model})",
                command("mailgate alias remove {ADDRESS}", f"{name}@{new.name}"),
            )
    tx.execute(
        "UPDATE domain SET catchall = ?, bounce = ?, company = ?, contact = ?, language = ?, delimiter = ?,"
        " details = ?, is_default = ?, sender = ?, signature = ?, capture_until = ? WHERE name = ?",
        bound(
            (
                *(new.catchall, new.bounce, new.company, new.contact, new.language, new.delimiter, new.details),
                *(new.default, new.sender, new.signature, new.capture_until, new.name),
            )
        ),
    )
    tx.executemany(  # local addresses never follow
        "DELETE FROM follower WHERE address = ?",
        [(f"{local}@{new.name}",) for local in (new.catchall, new.bounce, new.sender)],
    )
    if new.default:
        tx.execute("UPDATE domain SET is_default = 0 WHERE name != ?", (new.name,))
    tx.execute("DELETE FROM retired WHERE domain = ? AND kind != 'alias'", (new.name,))
    tx.executemany(
        "INSERT INTO retired (domain, local, kind) VALUES (?, ?, ?)",
        [(new.name, local, kind) for local, kind in new.retired if kind != "alias"],
    )
    address_changes.note(tx)
    return get(tx, new.name)


def forget(tx: Transaction, name: str, local: str) -> Domain:
    """End a retired name. Raises NotFound, Problem."""
    domain, local = get(tx, name), names.local_part(local)
    if local not in dict(domain.retired):
        raise NotFound(
            f"`{local}@{domain.name}` is not a retired name", command("mailgate domain show {DOMAIN}", domain.name)
        )
    detected = "SELECT 1 FROM retired JOIN alias ON number = alias WHERE retired.local = ? AND local_part = 1"
    if tx.execute(detected, (local,)).fetchone():
        address_changes.note(tx)
    address_changes.note(tx, domain.canonical, local)
    tx.execute("DELETE FROM retired WHERE domain = ? AND local = ?", (domain.canonical, local))
    return get(tx, name)


def capture(tx: Transaction, name: str, until: float) -> Domain:
    """Let a domain capture mail until then (epoch seconds; 0: no longer). Raises NotFound."""
    tx.execute("UPDATE domain SET capture_until = ? WHERE name = ?", (until, get(tx, name).canonical))
    return get(tx, name)


def remove(tx: Transaction, name: str) -> None:
    """Remove a domain. Raises Problem while aliases use it, or other names."""
    domain = get(tx, name)
    used = tx.execute(
        "SELECT count(*) AS n, min(local) AS local FROM alias WHERE domain = ?", (domain.name,)
    ).fetchone()
    if used["n"]:
        raise Problem(
            f"domain `{domain.name}` is used by {used['n']} alias{'es' if used['n'] > 1 else ''}",
            command("mailgate alias remove {ADDRESS}", f"{used['local']}@{domain.name}"),
        )
    namesake = tx.execute("SELECT name FROM domain WHERE same_as = ?", (domain.name,)).fetchone()
    if namesake:
        raise Problem(
            f"`{namesake['name']}` is another name of {domain.name}",
            command("mailgate domain remove {DOMAIN}", namesake["name"]),
        )
    tx.execute("DELETE FROM retired WHERE domain = ?", (domain.name,))
    tx.execute("DELETE FROM domain WHERE name = ?", (domain.name,))
    address_changes.note(tx)
