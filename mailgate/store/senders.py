"""The table of senders: the allow-list of the rate limit and the block list, and who is near the limit."""

from collections.abc import Collection

from mailgate.routing.permission import NOBODY, SHARES
from mailgate.store import contacts, parameters, window
from mailgate.store.database import Transaction
from mailgate.values import address
from mailgate.values.address import Address
from mailgate.values.light import NamedTuple
from mailgate.values.problem import NotFound, Problem, command


class Sender(NamedTuple):
    """An address, or `@domain`, on the allow-list of the loop guard or on the block list. verdict: allow or block."""

    address: str
    verdict: str


def listing(tx: Transaction) -> list[Sender]:
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
    values = parameters.listing(tx)
    threshold = int(values["mail.gateway.loop.threshold"])
    recent = window.around(now, 60 * int(values["mail.gateway.loop.minutes"]))
    rows = tx.execute(
        "SELECT rate_key, model, max(made) AS made, sum(made) AS in_all FROM (SELECT rate_key, model, count(*) AS made"
        f" FROM record WHERE {window.within('created_at')} AND rate_key != ''"
        " AND rate_key NOT IN (SELECT address FROM sender WHERE permission = 'allow')"
        " GROUP BY rate_key, rate_share, model) AS by_share GROUP BY rate_key, model"
        " HAVING 2 * max(made) >= ? OR 2 * sum(made) >= ?",
        (*recent, threshold, SHARES * threshold),
    ).fetchall()
    counted = [
        Counted(row["rate_key"], row["model"], row["in_all"], SHARES * threshold)
        if row["in_all"] > SHARES * row["made"]
        else Counted(row["rate_key"], row["model"], row["made"], threshold)
        for row in rows
    ]
    return sorted(counted, key=lambda each: (-each.made, each.address, each.model))


def counted_as(text: str) -> str:
    """The key under which new records are counted: an address, or the word for an unknown one. Raises Problem."""
    return text if text == NOBODY else contacts.key(text)


def reset(tx: Transaction, text: str) -> int:
    """Stop counting the records that a sender made so far; how many there were. Raises Problem for a bad address."""
    return tx.execute("UPDATE record SET rate_key = '' WHERE rate_key = ?", (counted_as(text),)).rowcount


def key(text: str) -> str:
    """The form in which a list of senders has an address, or all of a domain: `@client.org`. Raises Problem.

    `*@client.org`, as people type it, is all of the domain: nobody has such an address.
    """
    host = text.strip().removeprefix("*")
    if not host.startswith("@"):
        return contacts.key(text)
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
    ends = " OR ".join(["substr(address, -length(?)) = ?"] * len(hosts))  # SQLite prepares a LIKE anew for each value
    values = [f"@{host}" for host in sorted(hosts) for _ in range(2)]
    rows = tx.execute(f"SELECT address, permission FROM sender WHERE {ends}", values)
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


def put(tx: Transaction, text: str, verdict: str) -> Sender:
    """Put an address, or `@domain`, on the allow-list or the block list, and take it off the other."""
    sender = Sender(key(text), verdict)
    tx.execute("INSERT INTO sender (address, permission) VALUES (?, ?) ON CONFLICT DO NOTHING", sender)
    tx.execute("UPDATE sender SET permission = ? WHERE address = ?", (verdict, sender.address))
    if verdict == "block":
        from mailgate.store import deliveries  # a delivery blocks nobody

        revoke = deliveries.revoke_all_of if sender.address.startswith("@") else deliveries.revoke
        revoke(tx, sender.address)
    return sender


def remove(tx: Transaction, text: str) -> None:
    """Take an address, or `@domain`, off its list. Raises NotFound."""
    if not tx.execute("DELETE FROM sender WHERE address = ?", (key(text),)).rowcount:
        raise NotFound(f"`{text}` is neither allowed nor blocked", command("mailgate sender list"))
