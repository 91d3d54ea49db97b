"""What came and went lately, as far as a limit counts it."""

from collections import Counter
from collections.abc import Collection, Iterable

from mailgate.mail.message import Message
from mailgate.routing.permission import rate_key, rate_share, share_of
from mailgate.routing.state import Counts, State
from mailgate.store.database import Transaction, select_for, select_in
from mailgate.store.held import PILED_UP
from mailgate.store.window import Window, around, within
from mailgate.values import srs
from mailgate.values.address import lenient, mailbox
from mailgate.values.directory import Alias
from mailgate.values.record import Ref

Wrote = tuple[str, str]
"""An author (`Address.key`, `""`: unknown) and which mail of theirs is counted together (`permission.rate_share`)."""

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
    made = _made(tx, message, state, recent)
    relayed = _relayed(tx, records, recent, _RELAYED * settings.loop_threshold) if records else {}
    share = share_of(message, settings.trust)
    wrote = (author.key if author else "", share)
    return Counts(
        made={key: by_share.get(share, 0) for key, by_share in made.items()},
        made_by_author={key: sum(by_share.values()) for key, by_share in made.items()},
        made_by_alias=_made_by_aliases(tx, aliases, hour) if settings.records_per_alias else {},
        made_in_all=_made_in_all(tx, hour) if settings.records_in_all else 0,
        answered=frozenset((reason, about) for reason, about, at in answers if at in recent),
        answered_today=answered_today,
        answered_domain_today=of_domain,
        answered_this_hour=in_all,
        still_open=_still_open(tx, today, path.domain if path else ""),
        relayed={record: of.get(wrote, 0) for record, of in relayed.items()},
        relayed_in_all={record: sum(of.values()) for record, of in relayed.items()},
    )


def _made(tx: Transaction, message: Message, state: State, window: Window) -> dict[tuple[str, str], Counter[str]]:
    """New records by model and sender, of each share of them, without those that copies of this message made."""
    keys = {rate_key(message, alias.address) for alias in state.ours.directory.aliases.values()}
    copies = sorted({seen.message for seen in state.copies.seen if seen.effect.action == "create"})
    query = (
        "SELECT rate_key, rate_share, model, count(*) AS made FROM record WHERE rate_key IN ({})" + f" AND {_CREATED}"
    )
    if copies:
        marks = ", ".join("?" * len(copies))
        query += (
            " AND NOT EXISTS (SELECT 1 FROM placement WHERE placement.model = record.model"
            f" AND placement.id = record.id AND message IN ({marks}))"
        )
    query += " GROUP BY rate_key, rate_share, model"
    made: dict[tuple[str, str], Counter[str]] = {}
    for row in select_in(tx, query, sorted(keys | {rate_key(message, "")}), *window, *copies):
        made.setdefault((row["model"], row["rate_key"]), Counter())[row["rate_share"]] += row["made"]
    return made


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


def _still_open(tx: Transaction, window: Window, domain: str) -> tuple[int, int]:
    """How much mail waits openly that strangers can pile up: of senders in a domain, and in all, 100 at most."""
    query = (
        "SELECT reverse_path FROM held JOIN message ON message.number = held.message WHERE refused = 0 AND quiet = 0"
        f" AND held.reason IN ({PILED_UP}) AND {within('held_at')} LIMIT 100"
    )
    domains = [(row["reverse_path"] or "").rpartition("@")[2] for row in tx.execute(query, window)]
    return domains.count(domain), len(domains)


def _relayed(tx: Transaction, records: Iterable[Ref], window: Window, most: int) -> dict[Ref, Counter[Wrote]]:
    """Messages on records that were sent on, by author and share; of each record the newest ones.

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
        " SELECT sent.model, sent.id, author, reverse_path, instr(flags, '\"authenticated\"') > 0 AS verified,"
        " count(*) AS messages"
        f" FROM sent JOIN message ON message.number = sent.message WHERE direction = 'in' AND {within('received_at')}"
        " GROUP BY sent.model, sent.id, author, reverse_path, verified"
    )
    relayed: dict[Ref, Counter[Wrote]] = {}
    for row in select_for(tx, query, records, most, window.begin, *window):
        author, path = (lenient(text) if (text := row[name]) else None for name in ("author", "reverse_path"))
        wrote = (author.key if author else "", rate_share(author, path, verified=bool(row["verified"])))
        relayed.setdefault(Ref(row["model"], row["id"]), Counter())[wrote] += row["messages"]
    return relayed
