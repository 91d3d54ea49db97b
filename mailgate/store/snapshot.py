"""Read from the store the rows that one message needs, and nothing else."""

import json
from collections.abc import Iterable, Iterator, Mapping

from mailgate.mail.incoming import Fallback
from mailgate.mail.message import Message
from mailgate.reports.report import Report
from mailgate.routing import resolve
from mailgate.routing.permission import rate_key
from mailgate.routing.state import Delivery, Follower, Known, Placement, Seen, Settings, Signatures, State, Trust
from mailgate.settings.config import Config
from mailgate.store import aliases, deliveries, directory, effects, keys
from mailgate.store.contacts import contact_from, parameters
from mailgate.store.database import Row, Transaction, select_in
from mailgate.store.directory import alias_from_row
from mailgate.values import srs, token
from mailgate.values.address import Address, lenient, lower
from mailgate.values.directory import Alias, Contact, Directory
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref

_NONE = 0
"""A number that no message has: an empty `IN ()` is SQLite's alone."""
DAY, HOUR = 86_400.0, 3_600.0


def take(
    tx: Transaction,
    message: Message,
    config: Config,
    fallback: Fallback | None,
    now: float,
    told: Report | None = None,
    target: Ref | None = None,
    by: Alias | None = None,
) -> State:
    """The state for one message at `now` (seconds since the epoch), read in one transaction.

    `told`: what it reports; `target` and `by`: the record a person puts it on, the alias he lets act.
    """
    values = parameters(tx)
    settings = _settings(values, config, fallback)
    back = [srs.original(each) for text in (told.return_addresses if told else ()) if (each := lenient(text))]
    envelope = message.envelope
    meant = dict.fromkeys((*envelope.recipients, *envelope.alternatives, *message.header_addresses, *back))
    path = srs.original(envelope.reverse_path) if envelope.reverse_path else None
    people = list(dict.fromkeys(each for each in (message.author.address, envelope.reverse_path, path) if each))
    allowed = frozenset(filter(None, values["mail.catchall.domain.allowed"].split(",")))
    ours = directory.load(tx, (*meant, *people), allowed).with_aliases([by] if by else [])
    aliases = list({alias.number: alias for alias in ours.aliases.values()}.values())
    known = _known(tx, _ids(tx, (*message.references, *(told.message_ids if told else ()))))
    standing = any(one.placements and not one.reused for group in known.values() for one in group)
    seen, reused = effects.earlier(tx, message)
    copies = tuple(sorted({each.message for each in seen}))
    mentioned = {} if standing else _mentioned(tx, message.references, copies)
    signed = _signed(tx, meant)
    placements = [each for group in (*known.values(), *mentioned.values()) for one in group for each in one.placements]
    placements += [each.placement for each in signed.values()]
    records = {each.record for each in placements} | {alias.record for alias in aliases if alias.record}
    records |= {target} if target else set()
    followers = {ref: _followers(tx, ref) for ref in records}
    copied = (text for texts in (*followers.values(), *(alias.notify for alias in aliases)) for text in texts)
    ours = directory.extended(tx, ours, (found for text in copied if (found := lenient(text))))
    author = message.author.address.key if message.author.address else None
    window = now - 60 * settings.loop_minutes
    sender = path.key if path else ""
    return State(
        settings=settings,
        now=now,
        directory=ours,
        signatures=Signatures(keys.secrets(tx), signed),
        records=frozenset(ref for ref in records if _exists(tx, ref)),
        followed=frozenset(_followed(tx, author)) - _made_by(tx, seen) if author else frozenset(),
        contact=_contact(tx, author) if author else None,
        allowed_sender=_sender(tx, [author or sender], "allow") != "",
        blocked_sender=_sender(tx, [each.key for each in people], "block"),
        known=known,
        mentioned=mentioned,
        seen=seen,
        reused_id=reused,
        made=_made(tx, message, aliases, seen, window),
        answered=frozenset(
            (row["reason"], row["about"])
            for row in tx.execute(
                "SELECT reason, about FROM outbox WHERE created_at > ? AND person = ? AND kind = 'refusal'",
                (window, sender),
            )
        ),
        answered_today=_count(
            tx,
            "SELECT count(*) FROM outbox WHERE created_at > ? AND person = ? AND kind = 'refusal'",
            now - DAY,
            sender,
        ),
        answered_this_hour=_count(
            tx, "SELECT count(*) FROM outbox WHERE created_at > ? AND kind = 'refusal'", now - HOUR
        ),
        made_by_alias={each.address: _made_since(tx, now, each.address) for each in aliases}
        if settings.records_per_alias
        else {},
        made_in_all=_made_since(tx, now) if settings.records_in_all else 0,
        sent_to=_sent_to(tx, known, told) if told else {},
        followers={ref: _reachable(tx, ours, spelled, ref) for ref, spelled in followers.items()},
        notified={alias.number: _reachable(tx, ours, alias.notify) for alias in aliases if alias.notify},
        relayed={ref: _relayed(tx, ref, window, author or "") for ref in records},
        relayed_in_all={ref: _relayed(tx, ref, window) for ref in records},
    )


def _settings(values: Mapping[str, str], config: Config, fallback: Fallback | None) -> Settings:
    return Settings(
        max_size=config.max_size,
        refusals_by=config.refusals_by,
        blocked_by=config.blocked_by,
        loop_minutes=int(values["mail.gateway.loop.minutes"]),
        loop_threshold=int(values["mail.gateway.loop.threshold"]),
        fallback=fallback,
        trust=Trust(frozenset(config.authserv_ids), config.border_strips, config.own_hops),
        records_per_alias=config.records_per_alias,
        records_in_all=config.records_in_all,
    )


def _ids(tx: Transaction, references: tuple[str, ...]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    query = "SELECT number, message_id, direction, flags FROM message WHERE message_id IN ({})"
    for row in select_in(tx, query, references):
        found.setdefault(row["message_id"], []).append(row)
    copies = (
        "SELECT DISTINCT number, message_id, 'out' AS direction, '[]' AS flags FROM ("
        "SELECT message AS number, message_id FROM delivery WHERE message_id IN ({})) AS copy"
    )
    for row in select_in(tx, copies, references):
        if row["number"] not in {each["number"] for each in found.get(row["message_id"], ())}:
            found.setdefault(row["message_id"], []).append(row)
    return found


def _signed(tx: Transaction, addresses: Iterable[Address]) -> dict[int, Delivery]:
    """The deliveries that signed details in addresses name, not checked yet."""
    numbers = {detail.number for each in addresses if (detail := token.parse(lower(each.local)))}
    return {each.number: each for each in _deliveries(tx, "number IN ({})", sorted(numbers))} if numbers else {}


def _sent_to(tx: Transaction, known: dict[str, tuple[Known, ...]], told: Report) -> dict[int, tuple[Delivery, ...]]:
    """The deliveries to those whom a report names, of our messages that it names; two where it names nobody."""
    ours = {one.number for each in told.message_ids for one in known.get(each, ()) if one.outgoing}
    named = {lenient(each.recipient) for each in told.findings if each.recipient}
    keys = sorted({each.key for each in named if each})
    found: dict[int, tuple[Delivery, ...]] = {}
    for number in ours:
        sent = list(_deliveries(tx, f"message = {number} AND recipient IN ({{}})", keys))
        if any(each.recipient is None for each in told.findings):
            sent += _deliveries(tx, f"message = {number} AND 1 IN ({{}}) LIMIT 2", [1])
        found[number] = tuple({each.number: each for each in sent}.values())
    return found


def _deliveries(tx: Transaction, where: str, names: Iterable[object]) -> Iterator[Delivery]:
    query = (
        "SELECT number, message, delivery.message_id, delivery.model, delivery.id, recipient, alias, policy,"
        " record.id IS NULL AS gone"
        " FROM delivery LEFT JOIN record ON record.model = delivery.model AND record.id = delivery.id WHERE " + where
    )
    for row in select_in(tx, query, names):
        alias = _governing(tx, row["alias"], row["policy"])
        placement = Placement(Ref(row["model"], row["id"]), alias)
        yield Delivery(row["number"], row["message"], row["message_id"], placement, row["recipient"], bool(row["gone"]))


def _followers(tx: Transaction, ref: Ref) -> tuple[str, ...]:
    """The followers of a record, as mail goes to them."""
    rows = tx.execute("SELECT spelled FROM follower WHERE model = ? AND id = ? ORDER BY number", ref)
    return tuple(row["spelled"] for row in rows)


def _reachable(
    tx: Transaction, ours: Directory, addresses: Iterable[str], ref: Ref | None = None
) -> tuple[Follower, ...]:
    """People to copy, as they stand today; an address that has become a local one is left out."""
    found = {text: lenient(text) for text in addresses}
    people = {known.key: text for text, known in found.items() if known and not resolve.is_local(known, ours)}
    members = {
        row["address"]
        for row in select_in(
            tx, "SELECT address FROM contact WHERE member = 1 AND archived = 0 AND address IN ({})", people
        )
    }
    stops = deliveries.stops(tx, ref, people)
    return tuple(Follower(key, key in members, stops.get(key, ""), spelled) for key, spelled in people.items())


def _relayed(tx: Transaction, ref: Ref, since: float, author: str | None = None) -> int:
    """Messages on a record that were sent on since then: those of one author (`""`: unknown), or all."""
    query = (
        "SELECT count(DISTINCT message) FROM delivery JOIN message ON message.number = delivery.message"
        " WHERE model = ? AND id = ? AND direction = 'in' AND received_at > ?"
    )
    if author is None:
        return _count(tx, query, *ref, since)
    return _count(tx, f"{query} AND coalesce(author, '') = ?", *ref, since, author)


def _known(tx: Transaction, rows: dict[str, list[Row]]) -> dict[str, tuple[Known, ...]]:
    return {key: tuple(_known_from(tx, row, None) for row in group) for key, group in rows.items()}


def _mentioned(tx: Transaction, references: tuple[str, ...], copies: tuple[int, ...]) -> dict[str, tuple[Known, ...]]:
    query = (
        "SELECT mention.message_id AS mentioned, number, message.message_id, direction, flags"
        " FROM mention JOIN message ON message.number = mention.message WHERE mention.message_id IN ({})"
    )
    found: dict[str, tuple[Known, ...]] = {}
    for row in select_in(tx, query, references):
        found[row["mentioned"]] = (*found.get(row["mentioned"], ()), _known_from(tx, row, copies))
    return found


def _known_from(tx: Transaction, row: Row, copies: tuple[int, ...] | None) -> Known:
    """A stored message; `copies`: with the people of its records, but for what these messages made of them."""

    def people(ref: Ref) -> frozenset[str]:
        return frozenset() if copies is None else _participants(tx, ref, copies)

    placed = tx.execute(
        "SELECT placement.model, placement.id, alias, policy FROM placement"
        " LEFT JOIN record ON record.model = placement.model AND record.id = placement.id"
        " WHERE message = ? ORDER BY placement.number",
        (row["number"],),
    ).fetchall()
    return Known(
        number=row["number"],
        message_id=row["message_id"] or "",
        outgoing=row["direction"] == "out",
        reused="reused-id" in json.loads(row["flags"]),
        placements=tuple(
            Placement(ref, _governing(tx, each["alias"], each["policy"]), people(ref))
            for each in placed
            for ref in (Ref(each["model"], each["id"]),)
        ),
    )


def _governing(tx: Transaction, address: str | None, policy: str | None) -> Alias | None:
    """The alias that made a record; when it was removed, what is left of it: its policy."""
    local, _, domain = (address or "").rpartition("@")
    row = tx.execute("SELECT * FROM alias WHERE local = ? AND domain = ?", (local, domain)).fetchone()
    if row:
        return alias_from_row(row)
    return aliases.remains(local, domain, policy) if policy else None


def _participants(tx: Transaction, ref: Ref, copies: tuple[int, ...]) -> frozenset[str]:
    copies = copies or (_NONE,)
    people = tx.execute(
        "SELECT address FROM follower WHERE model = ? AND id = ?"
        " UNION SELECT author FROM message JOIN placement ON placement.message = message.number"
        " WHERE model = ? AND id = ? AND author IS NOT NULL AND direction = 'in'"
        f" AND message.number NOT IN ({', '.join('?' * len(copies))})",
        (*ref, *ref, *copies),
    )
    return frozenset(row["address"] for row in people)


def _exists(tx: Transaction, ref: Ref) -> bool:
    return tx.execute("SELECT 1 FROM record WHERE model = ? AND id = ?", ref).fetchone() is not None


def _followed(tx: Transaction, author: str) -> Iterator[Ref]:
    for row in tx.execute("SELECT model, id FROM follower WHERE address = ?", (author,)):
        yield Ref(row["model"], row["id"])


def _made_by(tx: Transaction, seen: tuple[Seen, ...]) -> frozenset[Ref]:
    """The records that copies of a message made: whoever follows them may do so because he wrote it."""
    made = {each.message for each in seen if each.effect.action == "create"}
    posted = {each.effect for each in seen}
    rows = select_in(tx, "SELECT model, id FROM placement WHERE message IN ({})", sorted(made))
    return frozenset(ref for row in rows if Effect("post", str(ref := Ref(row["model"], row["id"]))) not in posted)


def _contact(tx: Transaction, author: str) -> Contact | None:
    row = tx.execute("SELECT * FROM contact WHERE address = ?", (author,)).fetchone()
    return contact_from(row) if row else None


def _sender(tx: Transaction, keys: list[str], permission: str) -> str:
    rows = select_in(tx, "SELECT address, permission FROM sender WHERE address IN ({})", keys)
    return next((row["address"] for row in rows if row["permission"] == permission), "")


def _made(
    tx: Transaction, message: Message, aliases: list[Alias], seen: tuple[Seen, ...], since: float
) -> dict[tuple[str, str], int]:
    """New records by model and sender, without those that copies of this message made."""
    keys = {rate_key(message, alias.address) for alias in aliases} | {rate_key(message, "")}
    copies = sorted({each.message for each in seen if each.effect.action == "create"}) or [_NONE]
    query = (
        "SELECT rate_key, model, count(*) AS made FROM record WHERE rate_key IN ({}) AND created_at > ?"
        " AND NOT EXISTS (SELECT 1 FROM placement WHERE placement.model = record.model AND placement.id = record.id"
        f" AND message IN ({', '.join('?' * len(copies))})) GROUP BY rate_key, model"
    )
    return {(row["model"], row["rate_key"]): row["made"] for row in select_in(tx, query, sorted(keys), since, *copies)}


def _made_since(tx: Transaction, now: float, alias: str | None = None) -> int:
    """Records that mail made within the last hour, those of one alias or all."""
    query = "SELECT count(*) FROM record WHERE created_at > ? AND rate_key IS NOT NULL"
    if alias is None:
        return _count(tx, query, now - HOUR)
    return _count(tx, f"{query} AND alias = ?", now - HOUR, alias)


def _count(tx: Transaction, query: str, *values: object) -> int:
    count: int = tx.execute(query, values).fetchone()[0]
    return count
