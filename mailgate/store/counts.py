"""What came and went lately, as far as a limit counts it."""

from collections.abc import Iterable

from mailgate.mail.message import Message
from mailgate.routing.permission import rate_key
from mailgate.routing.state import Counts, State
from mailgate.store.database import Transaction, select_for, select_in
from mailgate.values import srs
from mailgate.values.directory import Alias
from mailgate.values.record import Ref

DAY, HOUR = 86_400.0, 3_600.0


def lately(tx: Transaction, message: Message, state: State, records: Iterable[Ref]) -> Counts:
    """The counts for one message; `state` is what is known so far, `records` those on which it may be posted."""
    settings, now = state.settings, state.now
    window = now - 60 * settings.loop_minutes
    aliases = {alias.number: alias for alias in state.ours.directory.aliases.values()}.values()
    author, path = message.author.address, message.envelope.reverse_path
    answers = _answers(tx, srs.original(path).key if path else "", min(window, now - DAY))
    relayed = _relayed(tx, records, window)
    return Counts(
        made=_made(tx, message, state, window),
        made_by_alias=_made_by_aliases(tx, aliases, now - HOUR) if settings.records_per_alias else {},
        made_in_all=_made_in_all(tx, now - HOUR) if settings.records_in_all else 0,
        answered=frozenset((reason, about) for reason, about, at in answers if at > window),
        answered_today=sum(at > now - DAY for _, _, at in answers),
        answered_this_hour=_answered(tx, now - HOUR),
        relayed={record: of.get(author.key if author else "", 0) for record, of in relayed.items()},
        relayed_in_all={record: sum(of.values()) for record, of in relayed.items()},
    )


def _made(tx: Transaction, message: Message, state: State, since: float) -> dict[tuple[str, str], int]:
    """New records by model and sender, without those that copies of this message made."""
    keys = {rate_key(message, alias.address) for alias in state.ours.directory.aliases.values()}
    copies = sorted({seen.message for seen in state.copies.seen if seen.effect.action == "create"})
    query = "SELECT rate_key, model, count(*) AS made FROM record WHERE rate_key IN ({}) AND created_at > ?"
    if copies:
        marks = ", ".join("?" * len(copies))
        query += (
            " AND NOT EXISTS (SELECT 1 FROM placement WHERE placement.model = record.model"
            f" AND placement.id = record.id AND message IN ({marks}))"
        )
    rows = select_in(tx, f"{query} GROUP BY rate_key, model", sorted(keys | {rate_key(message, "")}), since, *copies)
    return {(row["model"], row["rate_key"]): row["made"] for row in rows}


def _made_by_aliases(tx: Transaction, aliases: Iterable[Alias], since: float) -> dict[str, int]:
    """Records that mail made, by the alias that made them."""
    query = (
        "SELECT alias, count(*) AS made FROM record WHERE alias IN ({}) AND created_at > ? AND rate_key IS NOT NULL"
        " GROUP BY alias"
    )
    rows = select_in(tx, query, [alias.address for alias in aliases], since)
    return {row["alias"]: row["made"] for row in rows}


def _made_in_all(tx: Transaction, since: float) -> int:
    """Records that mail made."""
    count: int = tx.execute(
        "SELECT count(*) FROM record WHERE created_at > ? AND rate_key IS NOT NULL", (since,)
    ).fetchone()[0]
    return count


def _answers(tx: Transaction, sender: str, since: float) -> list[tuple[str, str, float]]:
    """Reason, addresses and time (epoch seconds) of the refusals that went to a sender."""
    query = "SELECT reason, about, created_at FROM outbox WHERE person = ? AND created_at > ? AND kind = 'refusal'"
    return [(row["reason"], row["about"], row["created_at"]) for row in tx.execute(query, (sender, since))]


def _answered(tx: Transaction, since: float) -> int:
    """Refusals that went to anybody."""
    count: int = tx.execute(
        "SELECT count(*) FROM outbox WHERE created_at > ? AND kind = 'refusal'", (since,)
    ).fetchone()[0]
    return count


def _relayed(tx: Transaction, records: Iterable[Ref], since: float) -> dict[Ref, dict[str, int]]:
    """Messages on records that were sent on, by their author (`""`: unknown)."""
    query = (
        "SELECT delivery.model, delivery.id, coalesce(author, '') AS author, count(DISTINCT message.number) AS messages"
        " FROM delivery JOIN message ON message.number = delivery.message"
        " WHERE (delivery.model, delivery.id) IN ({}) AND direction = 'in' AND received_at > ?"
        " GROUP BY delivery.model, delivery.id, coalesce(author, '')"
    )
    found: dict[Ref, dict[str, int]] = {}
    for row in select_for(tx, query, records, since):
        found.setdefault(Ref(row["model"], row["id"]), {})[row["author"]] = row["messages"]
    return found
