"""What came and went lately, as far as a limit counts it."""

from collections.abc import Collection, Iterable

from mailgate.mail.message import Message
from mailgate.routing.permission import rate_key
from mailgate.routing.state import Counts, State
from mailgate.store.database import Transaction, select_for, select_in
from mailgate.store.window import Window, around, within
from mailgate.values import srs
from mailgate.values.address import mailbox
from mailgate.values.directory import Alias
from mailgate.values.record import Ref

DAY, HOUR = 86_400.0, 3_600.0
_CREATED = within("created_at")
_RELAYED = 10
"""Times the threshold of the loop guard that messages which were sent on are counted, more than any limit asks for."""


def lately(tx: Transaction, message: Message, state: State, records: Collection[Ref]) -> Counts:
    """The counts for one message; `state` is what is known so far, `records` those on which it may be posted."""
    settings, now = state.settings, state.now
    recent, today, hour = around(now, 60 * settings.loop_minutes), around(now, DAY), around(now, HOUR)
    aliases = {alias.number: alias for alias in state.ours.directory.aliases.values()}.values()
    author, path = message.author.address, message.envelope.reverse_path
    person = mailbox(srs.original(path)).key if path else ""
    answers = _answers(tx, person, min(recent, today))
    answered_today = sum(at in today for _, _, at in answers)
    of_domain, in_all = _answered(tx, person.rpartition("@")[2], today, hour, settings.per_domain)
    at_a_limit = answered_today >= settings.per_day or of_domain >= settings.per_domain or in_all >= settings.per_hour
    relayed = _relayed(tx, records, recent, _RELAYED * settings.loop_threshold) if records else {}
    return Counts(
        made=_made(tx, message, state, recent),
        made_by_alias=_made_by_aliases(tx, aliases, hour) if settings.records_per_alias else {},
        made_in_all=_made_in_all(tx, hour) if settings.records_in_all else 0,
        answered=frozenset((reason, about) for reason, about, at in answers if at in recent),
        answered_today=answered_today,
        answered_domain_today=of_domain,
        answered_this_hour=in_all,
        unanswered=_unanswered(tx, today, path.domain if path else "") if at_a_limit else (0, 0),
        relayed={record: of.get(author.key if author else "", 0) for record, of in relayed.items()},
        relayed_in_all={record: sum(of.values()) for record, of in relayed.items()},
    )


def _made(tx: Transaction, message: Message, state: State, window: Window) -> dict[tuple[str, str], int]:
    """New records by model and sender, without those that copies of this message made."""
    keys = {rate_key(message, alias.address) for alias in state.ours.directory.aliases.values()}
    copies = sorted({seen.message for seen in state.copies.seen if seen.effect.action == "create"})
    query = "SELECT rate_key, model, count(*) AS made FROM record WHERE rate_key IN ({})" + f" AND {_CREATED}"
    if copies:
        marks = ", ".join("?" * len(copies))
        query += (
            " AND NOT EXISTS (SELECT 1 FROM placement WHERE placement.model = record.model"
            f" AND placement.id = record.id AND message IN ({marks}))"
        )
    rows = select_in(tx, f"{query} GROUP BY rate_key, model", sorted(keys | {rate_key(message, "")}), *window, *copies)
    return {(row["model"], row["rate_key"]): row["made"] for row in rows}


def _made_by_aliases(tx: Transaction, aliases: Iterable[Alias], window: Window) -> dict[str, int]:
    """Records that mail made, by the alias that made them."""
    query = (
        f"SELECT alias, count(*) AS made FROM record WHERE alias IN ({{}}) AND {_CREATED} AND rate_key IS NOT NULL"
        " GROUP BY alias"
    )
    rows = select_in(tx, query, [alias.address for alias in aliases], *window)
    return {row["alias"]: row["made"] for row in rows}


def _made_in_all(tx: Transaction, window: Window) -> int:
    """Records that mail made."""
    count: int = tx.execute(
        f"SELECT count(*) FROM record WHERE {_CREATED} AND rate_key IS NOT NULL", window
    ).fetchone()[0]
    return count


def _answers(tx: Transaction, sender: str, window: Window) -> list[tuple[str, str, float]]:
    """Reason, addresses and time (epoch seconds) of the refusals that went to a sender."""
    query = f"SELECT reason, about, created_at FROM outbox WHERE person = ? AND {_CREATED} AND kind = 'refusal'"
    return [(row["reason"], row["about"], row["created_at"]) for row in tx.execute(query, (sender, *window))]


def _answered(tx: Transaction, domain: str, today: Window, hour: Window, most: int) -> tuple[int, int]:
    """Refusals that went to a domain today, at most so many, and that went to anybody within the hour."""
    row = tx.execute(
        f"SELECT (SELECT count(*) FROM (SELECT 1 FROM outbox WHERE host = ? AND {_CREATED} AND kind = 'refusal'"
        f" LIMIT ?) AS some) AS of_domain, count(*) AS in_all FROM outbox WHERE {_CREATED} AND kind = 'refusal'",
        (domain, *today, most, *hour),
    ).fetchone()
    return row["of_domain"], row["in_all"]


def _unanswered(tx: Transaction, window: Window, domain: str) -> tuple[int, int]:
    """Refusals that wait openly because they could not be answered: of senders in a domain, and in all."""
    query = (
        "SELECT reverse_path FROM held JOIN message ON message.number = held.message WHERE refused = 0 AND quiet = 0"
        f" AND held.reason IN ('catchall', 'policy', 'rate-limit', 'no-route') AND {within('held_at')} LIMIT 100"
    )
    domains = [(row["reverse_path"] or "").rpartition("@")[2] for row in tx.execute(query, window)]
    return domains.count(domain), len(domains)


def _relayed(tx: Transaction, records: Iterable[Ref], window: Window, most: int) -> dict[Ref, dict[str, int]]:
    """Messages on records that were sent on, by their author (`""`: unknown); of each record the newest ones.

    The messages with a delivery are gone through from the newest one back, until one is older than the window, or until
    there are `most`.
    """
    newest = "SELECT max(message) FROM delivery WHERE delivery.model = {0} AND delivery.id = {1}"
    query = (
        "WITH RECURSIVE sent (model, id, message, place) AS ("
        f"SELECT column1, column2, ({newest.format('column1', 'column2')}), 1 FROM ({{}}) AS named"
        f" UNION ALL SELECT sent.model, sent.id, ({newest.format('sent.model', 'sent.id')}"
        " AND delivery.message < sent.message), place + 1 FROM sent JOIN message ON message.number = sent.message"
        " WHERE place < ? AND received_at > ?)"
        " SELECT sent.model, sent.id, coalesce(author, '') AS author, count(*) AS messages"
        f" FROM sent JOIN message ON message.number = sent.message WHERE direction = 'in' AND {within('received_at')}"
        " GROUP BY sent.model, sent.id, coalesce(author, '')"
    )
    relayed: dict[Ref, dict[str, int]] = {}
    for row in select_for(tx, query, records, most, window.begin, *window):
        relayed.setdefault(Ref(row["model"], row["id"]), {})[row["author"]] = row["messages"]
    return relayed
