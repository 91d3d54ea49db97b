"""The table of contacts: known senders, whether they are members, and what bounced; the spelling of a person."""

from mailgate.store.database import Row, Transaction, bound
from mailgate.values import address, mailboxes
from mailgate.values.address import Address
from mailgate.values.directory import Contact
from mailgate.values.problem import NotFound, Problem, command


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


def listing(tx: Transaction) -> list[Contact]:
    """Every contact, oldest first."""
    return [contact_from(row) for row in tx.execute("SELECT * FROM contact ORDER BY number")]


def get(tx: Transaction, text: str) -> Contact:
    """One contact. Raises NotFound."""
    row = tx.execute("SELECT * FROM contact WHERE address = ?", (key(text),)).fetchone()
    if row is None:
        raise NotFound(f"no contact `{text}`", command("mailgate contact add {ADDRESS}", text))
    return contact_from(row)


def add(tx: Transaction, text: str, name: str, member: bool) -> Contact:
    """Add a contact, or restore an archived one. Raises Problem when there is one, and for a pattern."""
    if text.strip().startswith("*@"):
        raise Problem(f"`{text.strip()}` would match nobody: a contact is one address", advice="add each address")
    row = tx.execute("SELECT * FROM contact WHERE address = ?", (key(text),)).fetchone()
    if row and not row["archived"]:
        raise Problem(
            f"contact `{row['address']}` already exists",
            command("mailgate contact set {ADDRESS} --name NAME", row["address"]),
        )
    return save(tx, Contact(key(text), name or (row["name"] if row else ""), member))


def save(tx: Transaction, changed: Contact) -> Contact:
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


def remove(tx: Transaction, text: str) -> None:
    """Delete a contact; an archived one would be kept. Raises NotFound."""
    tx.execute("DELETE FROM contact WHERE address = ?", (get(tx, text).address,))


def heard_from(tx: Transaction, address: str) -> None:
    """A person wrote, so earlier failures of mail to them no longer count."""
    tx.execute("UPDATE contact SET bounces = 0 WHERE address = ? AND bounces > 0", (address,))


def contact_from(row: Row) -> Contact:
    """The value of a row of `contact`."""
    return Contact(row["address"], row["name"], bool(row["member"]), bool(row["archived"]), row["bounces"])
