"""Contacts, allowed and blocked senders, and the parameters of the gateway: edit and look up."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from mailgate.routing.permission import NOBODY
from mailgate.store import window
from mailgate.store.database import Row, Transaction, bound
from mailgate.values import address, mailboxes
from mailgate.values.address import Address
from mailgate.values.directory import Contact
from mailgate.values.problem import NotFound, Problem, command

DEFAULTS: Mapping[str, str] = {
    "mail.gateway.loop.minutes": "120",
    "mail.gateway.loop.threshold": "20",
    "mail.catchall.domain.allowed": "",
}
"""The parameters, by Odoo's names, with their defaults."""


class Sender(NamedTuple):
    """An address, or `@domain`, on the allow-list of the loop guard or on the block list. verdict: allow or block."""

    address: str
    verdict: str


def key(text: str) -> str:
    """The form in which the address of a person is stored and compared. Raises Problem for other text."""
    return _parsed(text).key


def spelled(text: str) -> str:
    """The address as mail is sent to it: local parts keep their case (RFC 5321 section 2.4). Raises Problem."""
    return str(_parsed(text))


def _parsed(text: str) -> Address:
    parsed = address.parse(text.strip().removesuffix(".")) or mailboxes.author([text]).address
    if parsed is None:
        raise Problem(f"`{text}` is not a mail address", advice="an address looks like `bob@client.org`")
    return parsed


def contacts(tx: Transaction) -> list[Contact]:
    """Every contact, oldest first."""
    return [contact_from(row) for row in tx.execute("SELECT * FROM contact ORDER BY number")]


def contact(tx: Transaction, text: str) -> Contact:
    """One contact. Raises NotFound."""
    row = tx.execute("SELECT * FROM contact WHERE address = ?", (key(text),)).fetchone()
    if row is None:
        raise NotFound(f"no contact `{text}`", command("mailgate contact add {ADDRESS}", text))
    return contact_from(row)


def add_contact(tx: Transaction, text: str, name: str, member: bool) -> Contact:
    """Add a contact, or restore an archived one. Raises Problem when there is one."""
    row = tx.execute("SELECT * FROM contact WHERE address = ?", (key(text),)).fetchone()
    if row and not row["archived"]:
        raise Problem(
            f"contact `{row['address']}` already exists",
            command("mailgate contact set {ADDRESS} --name NAME", row["address"]),
        )
    return save_contact(tx, Contact(key(text), name or (row["name"] if row else ""), member))


def save_contact(tx: Transaction, changed: Contact) -> Contact:
    """Write a contact as it is now."""
    tx.execute(
        "INSERT INTO contact (address, name, member, archived, bounces) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        bound(changed),
    )
    tx.execute(
        "UPDATE contact SET name = ?, member = ?, archived = ? WHERE address = ?",
        bound((changed.name, changed.member, changed.archived, changed.address)),
    )
    return changed


def remove_contact(tx: Transaction, text: str) -> None:
    """Delete a contact; an archived one would be kept. Raises NotFound."""
    tx.execute("DELETE FROM contact WHERE address = ?", (contact(tx, text).address,))


def heard_from(tx: Transaction, address: str) -> None:
    """A person wrote, so earlier failures of mail to them no longer count."""
    tx.execute("UPDATE contact SET bounces = 0 WHERE address = ? AND bounces > 0", (address,))


def contact_from(row: Row) -> Contact:
    """The value of a row of `contact`."""
    return Contact(row["address"], row["name"], bool(row["member"]), bool(row["archived"]), row["bounces"])


def senders(tx: Transaction) -> list[Sender]:
    """Allow-list and block list, oldest first."""
    return [Sender(row["address"], row["permission"]) for row in tx.execute("SELECT * FROM sender ORDER BY number")]


class Counted(NamedTuple):
    """A sender near the limit of new records: `made` of them in a model within the window, of `threshold` allowed."""

    address: str
    model: str
    made: int
    threshold: int


def near_limit(tx: Transaction, now: float) -> list[Counted]:
    """Senders that have used half of the limit of new records or more, the nearest first."""
    values = parameters(tx)
    threshold = int(values["mail.gateway.loop.threshold"])
    recent = window.around(now, 60 * int(values["mail.gateway.loop.minutes"]))
    rows = tx.execute(
        f"SELECT rate_key, model, count(*) AS made FROM record WHERE {window.within('created_at')} AND rate_key != ''"
        " AND rate_key NOT IN (SELECT address FROM sender WHERE permission = 'allow')"
        " GROUP BY rate_key, model HAVING count(*) * 2 >= ? ORDER BY count(*) DESC, rate_key, model",
        (*recent, threshold),
    )
    return [Counted(row["rate_key"], row["model"], row["made"], threshold) for row in rows]


def counted_as(text: str) -> str:
    """The key under which new records are counted: an address, or the word for an unknown one. Raises Problem."""
    return text if text == NOBODY else key(text)


def reset_sender(tx: Transaction, text: str) -> int:
    """Stop counting the records that a sender made so far; how many there were. Raises Problem for a bad address."""
    return tx.execute("UPDATE record SET rate_key = '' WHERE rate_key = ?", (counted_as(text),)).rowcount


def sender_key(text: str) -> str:
    """The form in which a list of senders has an address, or all of a domain: `@client.org`. Raises Problem.

    `*@client.org`, as people type it, is all of the domain: nobody has such an address.
    """
    host = text.strip().removeprefix("*")
    if not host.startswith("@"):
        return key(text)
    domain = address.domain(host.removeprefix("@"))
    if domain is None:
        raise Problem(f"`{text}` is not a domain", advice="all senders of a domain are `@client.org`")
    return f"@{domain}"


def listed(tx: Transaction, wrote: Collection[Address]) -> dict[Address, Sender]:
    """The entry for each of some addresses that is on a list: its own, else that of its mailbox, else of its domain.

    The entry of a mailbox blocks alone: an allowance holds for an address as it is written.
    """
    hosts = {host for wrote_by in wrote for host in address.same_domains(wrote_by.domain)}
    if not hosts:
        return {}
    like = " OR ".join(["address LIKE ?"] * len(hosts))
    rows = tx.execute(f"SELECT address, permission FROM sender WHERE {like}", [f"%@{host}" for host in sorted(hosts)])
    entries = {row["address"]: Sender(row["address"], row["permission"]) for row in rows}
    blocked = [(entry, address.lenient(entry.address)) for entry in entries.values() if entry.verdict == "block"]
    mailboxes_ = {address.mailbox(parsed): entry for entry, parsed in blocked if parsed}
    by_address = {}
    for wrote_by in wrote:
        domains = (entries.get(f"@{host}") for host in address.same_domains(wrote_by.domain))
        candidates = (entries.get(wrote_by.key), mailboxes_.get(address.mailbox(wrote_by)), *domains)
        entry = next((entry for entry in candidates if entry), None)
        if entry:
            by_address[wrote_by] = entry
    return by_address


def set_sender(tx: Transaction, text: str, verdict: str) -> Sender:
    """Put an address, or `@domain`, on the allow-list or the block list, and take it off the other."""
    sender = Sender(sender_key(text), verdict)
    tx.execute("INSERT INTO sender (address, permission) VALUES (?, ?) ON CONFLICT DO NOTHING", sender)
    tx.execute("UPDATE sender SET permission = ? WHERE address = ?", (verdict, sender.address))
    if verdict == "block":
        from mailgate.store import deliveries  # a delivery blocks nobody

        revoke = deliveries.revoke_all_of if sender.address.startswith("@") else deliveries.revoke
        revoke(tx, sender.address)
    return sender


def remove_sender(tx: Transaction, text: str) -> None:
    """Take an address, or `@domain`, off its list. Raises NotFound."""
    if not tx.execute("DELETE FROM sender WHERE address = ?", (sender_key(text),)).rowcount:
        raise NotFound(f"`{text}` is neither allowed nor blocked", command("mailgate sender list"))


def parameters(tx: Transaction) -> dict[str, str]:
    """Every parameter with the value that applies."""
    stored = {row["key"]: row["value"] for row in tx.execute("SELECT * FROM parameter")}
    return {**DEFAULTS, **stored}


def parameter(tx: Transaction, name: str) -> str:
    """The value of one parameter. Raises NotFound."""
    return parameters(tx)[known_parameter(name)]


def set_parameter(tx: Transaction, name: str, value: str) -> str:
    """Set a parameter; the value as it is stored. Raises NotFound, and Problem as `understood`."""
    value = understood(name, value)
    reset_parameter(tx, name)
    tx.execute("INSERT INTO parameter (key, value) VALUES (?, ?)", (name, value))
    return value


def understood(name: str, value: str) -> str:
    """The value that a parameter would have. Raises NotFound, and Problem for a value that makes no sense."""
    if known_parameter(name) == "mail.catchall.domain.allowed":
        return _allowed_domains(value)
    if not value.strip().isdecimal() or not 0 < int(value) < 10**6:
        raise Problem(
            f"{name} must be a whole number above 0, not `{value}`",
            command("mailgate param set {NAME} {WORD}", name, DEFAULTS[name]),
        )
    return str(int(value))


def reset_parameter(tx: Transaction, name: str) -> None:
    """Give a parameter its default again."""
    tx.execute("DELETE FROM parameter WHERE key = ?", (name,))


def known_parameter(name: str) -> str:
    """The name of a parameter. Raises NotFound."""
    if name not in DEFAULTS:
        raise NotFound(f"no parameter `{name}`", command("mailgate param list"))
    return name


def allowed_domains(parameters: Mapping[str, str]) -> frozenset[str]:
    """The domains outside in which local-part detection works; none: in every domain."""
    return frozenset(filter(None, parameters["mail.catchall.domain.allowed"].split(",")))


def _allowed_domains(value: str) -> str:
    if not value.strip():
        return ""
    names = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        domain = address.domain(part)
        if domain is None:
            raise Problem(f"`{part}` is not a domain name", advice="name domains, separated by commas")
        names.append(domain)
    if not names:
        raise Problem(
            "only commas, no domain; an empty text clears the list",
            command('mailgate param set mail.catchall.domain.allowed ""'),
        )
    return ",".join(dict.fromkeys(names))
