"""Records and their followers: make, look up, change, close, follow, remove."""

import json
from collections.abc import Iterable, Mapping

from mailgate.store.contacts import key, spelled
from mailgate.store.database import Row, Transaction
from mailgate.store.directory import is_local
from mailgate.values.address import Address
from mailgate.values.light import NamedTuple
from mailgate.values.mailboxes import Author
from mailgate.values.names import model as model_name
from mailgate.values.problem import NotFound, Problem, command
from mailgate.values.record import Ref


class Followed(NamedTuple):
    """A follower as they are shown: the address they are answered at, the one they write from (None: not known), their
    name. Both addresses are an `Address.key`, `spelled` is the first one as mail goes to it."""

    address: str
    author: str | None
    name: str
    spelled: str


class Record(NamedTuple):
    """A record as it is shown. `alias` is the address of the alias that made it, None when no alias did; `details` say
    more of its followers. `closed_at`: None while it is open; times are epoch seconds.
    """

    ref: Ref
    name: str
    values: Mapping[str, str]
    alias: str | None
    domain: str | None
    created_at: float
    closed_at: float | None
    followers: tuple[str, ...]
    details: tuple["Followed", ...] = ()


class NewRecord(NamedTuple):
    """A record to make. `rate_key` is whose new records the loop guard counts together, None when no mail makes it;
    `rate_share` which mail of that sender."""

    model: str
    name: str
    values: Mapping[str, str]
    alias: str | None = None
    domain: str | None = None
    rate_key: str | None = None
    rate_share: str = ""


def make(tx: Transaction, new: NewRecord, now: float) -> Ref:
    """Make a record; ids count from 1 within a model and are never used twice. Raises Problem for a bad model."""
    row = tx.execute(
        "INSERT INTO model (name, last_id) VALUES (?, 1)"
        " ON CONFLICT (name) DO UPDATE SET last_id = model.last_id + 1 RETURNING last_id",
        (model_name(new.model),),
    ).fetchone()
    ref = Ref(new.model, row["last_id"])
    tx.execute(
        "INSERT INTO record (model, id, name, values_json, alias, domain, rate_key, rate_share, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(*ref, new.name, json.dumps(dict(new.values), ensure_ascii=False)),
            *(new.alias, new.domain, new.rate_key, new.rate_share, now),
        ),
    )
    return ref


def get(tx: Transaction, ref: Ref) -> Record:
    """One record. Raises NotFound."""
    row = tx.execute("SELECT * FROM record WHERE model = ? AND id = ?", ref).fetchone()
    if row is not None:
        return _from_row(tx, row)
    if into := merged_into(tx, ref):
        raise NotFound(f"`{ref}` was merged into {into}", command("mailgate record show {M/ID}", into))
    raise NotFound(f"no record `{ref}`", command("mailgate record list --model {MODEL}", ref.model))


def merged_into(tx: Transaction, ref: Ref) -> Ref | None:
    """The record that has what a record had before it was merged."""
    row = tx.execute("SELECT into_model, into_id FROM merged WHERE model = ? AND id = ?", ref).fetchone()
    return Ref(row["into_model"], row["into_id"]) if row else None


def listing(tx: Transaction, model: str | None = None, after: int = 0) -> list[Record]:
    """Records, oldest first; of one model, with an id above `after`, or all."""
    if model:
        query = "SELECT * FROM record WHERE model = ? AND id > ? ORDER BY id"
        rows = tx.execute(query, (model, after))
    else:
        rows = tx.execute("SELECT * FROM record ORDER BY created_at, model, id")
    return [_from_row(tx, row) for row in rows]


def unknown_model(tx: Transaction, model: str) -> list[str]:
    """The models there are, if there are some and this is not one of them."""
    names = [row["name"] for row in tx.execute("SELECT name FROM model ORDER BY name")]
    return [] if model in names else names


def created_by(tx: Transaction, alias: str) -> int:
    """How many records an alias created, by its address."""
    count: int = tx.execute("SELECT count(*) FROM record WHERE alias = ?", (alias,)).fetchone()[0]
    return count


def set_name(tx: Transaction, ref: Ref, name: str) -> None:
    """Give a record another name."""
    tx.execute("UPDATE record SET name = ? WHERE model = ? AND id = ?", (name, *ref))


def set_values(tx: Transaction, ref: Ref, values: Mapping[str, str]) -> None:
    """Give a record these values, and no others."""
    text = json.dumps(dict(values), ensure_ascii=False)
    tx.execute("UPDATE record SET values_json = ? WHERE model = ? AND id = ?", (text, *ref))


def close(tx: Transaction, ref: Ref, now: float) -> None:
    """Close a record. One that is closed keeps its time."""
    tx.execute("UPDATE record SET closed_at = coalesce(closed_at, ?) WHERE model = ? AND id = ?", (now, *ref))


def reopen(tx: Transaction, ref: Ref) -> None:
    """Open a record that was closed."""
    tx.execute("UPDATE record SET closed_at = NULL WHERE model = ? AND id = ? AND closed_at IS NOT NULL", ref)


def parse(text: str) -> Ref:
    """A typed `MODEL/ID`. Raises Problem."""
    ref = Ref.parse(text)
    if ref is None:
        raise Problem(f"`{text}` is not a record", advice="a record is written MODEL/ID, as in `crm.lead/7`")
    return ref


def follow(tx: Transaction, ref: Ref, text: str) -> None:
    """Make an address follow a record, if it does not yet. Raises NotFound; Problem for a local address.

    It is compared as `Address.key`, and written to as it was spelled (RFC 5321 section 2.4).
    """
    get(tx, ref)
    if is_local(tx, text):
        raise Problem(
            f"`{text}` is a local address: a copy to it would come back", advice="name the address of a person"
        )
    add_follower(tx, ref, text)


def add_follower(tx: Transaction, ref: Ref, text: str) -> None:
    """Make an address follow a record in its own right; the record exists and the address is not local."""
    tx.execute(
        "INSERT INTO follower (model, id, address, spelled, author) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (model, id, address) DO UPDATE SET author = excluded.author",
        (*ref, key(text), spelled(text), key(text)),
    )


def add_author(tx: Transaction, ref: Ref, author: Author, answers: Iterable[Address]) -> None:
    """Make the author of a message follow a record, answered at these addresses; the unknown one by them alone.

    Who follows by an address already does so still, in their own right.
    """
    for address in answers:
        tx.execute(
            "INSERT INTO follower (model, id, address, spelled, author, name) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (*ref, address.key, str(address), author.address.key if author.address else None, author.name),
        )


def answered_at(tx: Transaction, ref: Ref, author: Address) -> tuple[str, ...]:
    """The addresses at which an author who follows a record is answered, by `Address.key`."""
    query = "SELECT address FROM follower WHERE author = ? AND model = ? AND id = ? ORDER BY number"
    return tuple(row["address"] for row in tx.execute(query, (author.key, *ref)))


def answer_at(tx: Transaction, ref: Ref, author: Author, answers: Iterable[Address]) -> None:
    """Answer an author who follows a record at other addresses from now on."""
    assert author.address is not None
    where = "author = ? AND model = ? AND id = ?"
    tx.execute(f"DELETE FROM follower WHERE {where}", (author.address.key, *ref))
    add_author(tx, ref, author, answers)


def written_for(tx: Transaction, ref: Ref) -> dict[str, str]:
    """The followers of a record who are answered elsewhere than they write from: address -> who they are."""
    query = (
        "SELECT address, author FROM follower WHERE model = ? AND id = ? AND author IS NOT NULL AND author != address"
    )
    return {row["address"]: row["author"] for row in tx.execute(query, ref)}


def spellings(tx: Transaction, ref: Ref) -> dict[str, str]:
    """The followers of a record, oldest first: address -> the spelling that mail is sent to."""
    rows = tx.execute("SELECT address, spelled FROM follower WHERE model = ? AND id = ? ORDER BY number", ref)
    return {row["address"]: row["spelled"] for row in rows}


def move_followers(tx: Transaction, source: Ref, target: Ref) -> None:
    """Make the followers of a record follow another one, as they are answered there."""
    tx.execute(
        "INSERT INTO follower (model, id, address, spelled, author, name) SELECT ?, ?, address, spelled, author, name"
        " FROM follower WHERE model = ? AND id = ? ORDER BY number ON CONFLICT DO NOTHING",
        (*target, *source),
    )


def unfollow(tx: Transaction, ref: Ref, text: str) -> None:
    """Stop an address from following a record, and revoke its signed addresses. Raises NotFound."""
    get(tx, ref)
    if not _unfollowed(tx, ref, text):
        raise NotFound(f"`{text}` does not follow {ref}", command("mailgate record show {MODEL/ID}", ref))
    _revoked(tx, ref, text)


def revoke(tx: Transaction, ref: Ref, text: str) -> None:
    """Take from an address what mail of a record gave it: it no longer follows, its signed addresses give no rights.

    Raises NotFound where it neither follows nor was written to.
    """
    get(tx, ref)
    followed, written_to = _unfollowed(tx, ref, text), _revoked(tx, ref, text)
    if not followed and not written_to:
        raise NotFound(
            f"`{text}` neither follows {ref} nor was written to on it", command("mailgate record show {MODEL/ID}", ref)
        )


def _unfollowed(tx: Transaction, ref: Ref, text: str) -> bool:
    where = "model = ? AND id = ? AND (address = ? OR author = ?)"
    named = (*ref, key(text), key(text))
    for row in tx.execute(f"SELECT address FROM follower WHERE {where}", named).fetchall():
        _revoked(tx, ref, row["address"])
    return bool(tx.execute(f"DELETE FROM follower WHERE {where}", named).rowcount)


def _revoked(tx: Transaction, ref: Ref, text: str) -> bool:
    from mailgate.store import deliveries  # a delivery revokes nothing

    return bool(deliveries.revoke(tx, key(text), ref))


def remove(tx: Transaction, ref: Ref) -> None:
    """Delete a record; its messages stay in `message list`. Raises NotFound."""
    get(tx, ref)
    tx.execute("DELETE FROM merged WHERE into_model = ? AND into_id = ?", ref)
    for table in ("follower", "placement", "record"):
        tx.execute(f"DELETE FROM {table} WHERE model = ? AND id = ?", ref)


def _from_row(tx: Transaction, row: Row) -> Record:
    ref = Ref(row["model"], row["id"])
    rows = tx.execute("SELECT * FROM follower WHERE model = ? AND id = ? ORDER BY number", ref)
    details = tuple(
        Followed(follower["address"], follower["author"], follower["name"], follower["spelled"]) for follower in rows
    )
    return Record(
        ref=ref,
        name=row["name"],
        values=json.loads(row["values_json"]),
        alias=row["alias"],
        domain=row["domain"],
        created_at=row["created_at"],
        closed_at=row["closed_at"],
        followers=tuple(follower.address for follower in details),
        details=details,
    )
