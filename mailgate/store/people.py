"""Who writes, and who would get a copy: what contacts, lists of senders, followers and failures say of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from mailgate.mail import classify
from mailgate.mail.message import Message
from mailgate.routing import resolve
from mailgate.routing.state import Copies, Follower, People, Standing
from mailgate.store import directory as directories
from mailgate.store.contacts import contact_from
from mailgate.store.database import Transaction, select_for, select_in
from mailgate.store.senders import listed
from mailgate.values import srs
from mailgate.values.address import lenient
from mailgate.values.directory import Directory
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref


def author(tx: Transaction, message: Message, copies: Copies, records: Collection[Ref]) -> Standing:
    """What is known of the author of a message, and of its reverse-path where a list of senders names it.

    Of what they follow: `records`, as far as they do, and some others, which say that they follow anything.
    """
    wrote, path = message.author.address, message.envelope.reverse_path
    original = srs.original(path) if path else None
    addresses = tuple(dict.fromkeys(address for address in (wrote, path, original) if address))
    entries = listed(tx, addresses)
    sender = wrote or original
    allowing = entries.get(sender) if sender else None
    standing = Standing(
        allowed=allowing is not None and allowing.verdict == "allow",
        blocked=next((entry.address for entry in entries.values() if entry.verdict == "block"), ""),
    )
    if wrote is None:
        return standing
    row = tx.execute("SELECT * FROM contact WHERE address = ?", (wrote.key,)).fetchone()
    made = _made_by(tx, copies)
    columns = ("address",) if classify.is_robot(wrote) else ("address", "author")  # a robot writes for everybody
    followed = []
    for column in columns:
        query = f"SELECT model, id FROM follower WHERE {column} = ? LIMIT ?"
        some = tx.execute(query, (wrote.key, len(made) + 1)).fetchall()
        if len(some) > len(made):  # there may be others
            named = "SELECT model, id FROM ({}) AS named CROSS JOIN follower WHERE model = column1 AND id = column2"
            some += select_for(tx, f"{named} AND {column} = ?", records, wrote.key)
        followed += some
    return standing._replace(
        contact=contact_from(row) if row else None,
        followed=frozenset(Ref(row["model"], row["id"]) for row in followed) - made,
    )


def _made_by(tx: Transaction, copies: Copies) -> frozenset[Ref]:
    """The records that copies of a message made: who follows them may do so because they wrote it."""
    made = {seen.message for seen in copies.seen if seen.effect.action == "create"}
    effects = {seen.effect for seen in copies.seen}
    rows = select_in(tx, "SELECT model, id FROM placement WHERE message IN ({})", sorted(made))
    records = {Ref(row["model"], row["id"]) for row in rows}
    return frozenset(record for record in records if Effect("post", str(record)) not in effects)


def to_copy(tx: Transaction, directory: Directory, records: Collection[Ref]) -> People:
    """The followers of some records, and those whom the aliases of a directory notify, as they stand today.

    An address that has become a local one is left out.
    """
    authors = _followers(tx, records) if records else {}
    followers = {record: list(of) for record, of in authors.items()}
    notified = {alias.number: alias.notify for alias in directory.aliases.values() if alias.notify}
    if not followers and not notified:
        return People()
    every = {text: lenient(text) for texts in (*followers.values(), *notified.values()) for text in texts}
    addresses = {text: address for text, address in every.items() if address}
    known = directories.extended(tx, directory, addresses.values())
    people = {text: address for text, address in addresses.items() if not resolve.is_local(address, known)}
    keys = {address.key for address in people.values()}
    of_records = {record: {people[text].key for text in texts if text in people} for record, texts in followers.items()}
    members, stops = _members(tx, keys), _stops(tx, of_records)

    def reachable(texts: Sequence[str], record: Ref | None) -> tuple[Follower, ...]:
        spelled = {people[text].key: text for text in texts if text in people}
        return tuple(
            Follower(
                *(key, key in members, stops.get((key, record), "") if record else "", text),
                authors[record][text] if record else "",
            )
            for key, text in spelled.items()
        )

    return People(
        {record: reachable(texts, record) for record, texts in followers.items()},
        {number: reachable(texts, None) for number, texts in notified.items()},
    )


def stops(tx: Transaction, record: Ref, keys: Collection[str]) -> dict[str, str]:
    """Why some of these people get no copies of a record's mail."""
    stopped = _stops(tx, {record: keys})
    return {key: why for key in keys if (why := stopped.get((key, record)))}


def complaining(tx: Transaction, record: Ref, keys: Collection[str]) -> frozenset[str]:
    """Who called our mail of a record spam, as a signature of ours proves, without anybody having seen to it yet."""
    return frozenset(key for key, why in stops(tx, record, keys).items() if why == COMPLAINED)


def _followers(tx: Transaction, records: Iterable[Ref]) -> dict[Ref, dict[str, str]]:
    """The followers of records in the order they came, as mail goes to them, and who writes as each of them.

    That is the `Address.key` of the author, empty where it is not known, or a robot's.
    """
    followers: dict[Ref, dict[str, str]] = {}
    query = (
        "SELECT model, id, spelled, author FROM ({}) AS named CROSS JOIN follower"
        " WHERE model = column1 AND id = column2 ORDER BY number"
    )
    for row in select_for(tx, query, records):
        author = lenient(row["author"]) if row["author"] else None
        wrote = row["author"] if author and not classify.is_robot(author) else ""
        followers.setdefault(Ref(row["model"], row["id"]), {})[row["spelled"]] = wrote
    return followers


def _members(tx: Transaction, keys: Iterable[str]) -> frozenset[str]:
    query = "SELECT address FROM contact WHERE member = 1 AND archived = 0 AND address IN ({})"
    return frozenset(row["address"] for row in select_in(tx, query, sorted(keys)))


COMPLAINED = "it complained"
"""Why a follower who called our mail spam gets no copies."""


def _stops(tx: Transaction, followers: Mapping[Ref, Iterable[str]]) -> Mapping[tuple[str, Ref], str]:
    """Why followers get no copies of a record's mail, as a signature of ours proves: one failure of many is enough."""
    complaint = "kind = 'complaint'"
    failing = (
        "EXISTS (SELECT 1 FROM failure WHERE failure.follower = column1 AND state = 'open'"
        " AND failure.model = column2 AND failure.id = column3 AND {})"
    )
    query = (
        "SELECT column1 AS follower, column2 AS model, column3 AS id,"
        f" {failing.replace('{}', complaint)} AS complained, {failing.replace('{}', 'permanent = 1')} AS failed"
        " FROM ({}) AS named"
    )
    stops: dict[tuple[str, Ref], str] = {}
    pairs = [(key, *record) for record, keys in followers.items() for key in sorted(keys)]
    for row in select_for(tx, query, pairs):
        if row["complained"] or row["failed"]:
            why = COMPLAINED if row["complained"] else "mail to it fails"
            stops[row["follower"], Ref(row["model"], row["id"])] = why
    return stops
