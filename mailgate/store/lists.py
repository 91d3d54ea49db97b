"""Read long lists page by page: filtered, from a certain time on, or only the last entries.

Every page is a short read of its own, at most `PAGE` rows, so that no delivery waits for a list. A row is filtered
here, not in SQL: only so is case ignored in every alphabet, and does no statement go through a whole table.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mailgate.store.database import Row, Store, Transaction
from mailgate.values.record import Ref

PAGE = 2_000
"""Rows that one transaction reads."""

Key = tuple[str | int | float, ...]
"""What a list is ordered by: the number of an entry, or the columns that identify it."""


class Wanted(NamedTuple):
    """What a list is narrowed to. Times are epoch seconds, both ends included; texts are parts of what is looked for,
    empty for anything; `state` has to be equal. `limit`: only the last so many, None for all."""

    since: float | None = None
    until: float | None = None
    sender: str = ""
    to: str = ""
    subject: str = ""
    state: str = ""
    limit: int | None = None


class Source(NamedTuple):
    """A list: its tables, the columns of its key, a condition with its values, and SQL for what is looked for.

    `at` is the time of an entry; an expression that is empty cannot be looked for.
    """

    tables: str
    key: tuple[str, ...]
    at: str
    sender: str = ""
    to: str = ""
    subject: str = ""
    state: str = ""
    where: str = "1 = 1"
    values: tuple[str | int, ...] = ()


_MAIL = Source(
    "message",
    ("message.number",),
    at="message.received_at",
    sender="coalesce(message.author, '') || ' ' || message.author_name || ' ' || message.author_text || ' '"
    " || coalesce(message.reverse_path, '')",
    to="message.recipients",
    subject="message.subject",
    state="CASE message.direction WHEN 'out' THEN 'sent' ELSE message.action END",
)


def messages(ref: Ref | None = None, after: int = 0) -> Source:
    """Messages with a number above `after`, on a record or anywhere; the state is what became of them, or `sent`."""
    if ref is None:
        return _MAIL._replace(where="message.number > ?", values=(after,))
    return _MAIL._replace(
        tables="placement CROSS JOIN message ON message.number = placement.message",
        where="placement.model = ? AND placement.id = ? AND message.number > ?",
        values=(*ref, after),
    )


def held(*, refused: bool = False, quiet: bool = False) -> Source:
    """Held mail, or the refused mail that is kept; with `quiet` only what nobody is told of. The state is why."""
    return _MAIL._replace(
        tables="held JOIN message ON message.number = held.message",
        key=("held.message",),
        state="held.reason",
        where="held.refused = ? AND held.quiet >= ?",
        values=(int(refused), int(quiet)),
    )


def records(model: str | None = None, after: int = 0) -> Source:
    """Records, oldest first; of one model, with an id above `after`, or all. The state is open or closed."""
    every = Source(
        "record",
        ("created_at", "model", "id"),
        at="created_at",
        to="coalesce(alias, '')",
        subject="name",
        state="CASE WHEN closed_at IS NULL THEN 'open' ELSE 'closed' END",
    )
    if model is None:
        return every
    return every._replace(key=("model", "id"), where="model = ? AND id > ?", values=(model, after))


def outbox(*, sent: bool = True) -> Source:
    """Outgoing messages; without `sent`, those that are queued or failed."""
    return Source(
        "outbox",
        ("number",),
        at="created_at",
        sender="coalesce(reverse_path, '')",
        to="recipient",
        subject="subject",
        state="state",
        where="1 = 1" if sent else "state IN ('queued', 'failed')",
    )


def failures(*, acked: bool = False) -> Source:
    """Open failures that are not quiet, with `acked` all of them."""
    return Source(
        "failure",
        ("number",),
        at="created_at",
        to="coalesce(recipient, '') || ' ' || coalesce(name, '')",
        state="state",
        where="1 = 1" if acked else "state = 'open' AND quiet = 0",
    )


def aliases() -> Source:
    """Aliases; when they were added is not stored."""
    return Source("alias", ("number",), at="NULL")


def changes(after: int = 0) -> Source:
    """Commands that changed the store; the sender is who ran them, and the subject is the command."""
    return Source(
        "change", ("number",), "changed_at", sender="person", subject="command", where="number > ?", values=(after,)
    )


def pages(store: Store, source: Source, wanted: Wanted) -> Iterator[list[Key]]:
    """The keys of the entries that are wanted, oldest first, page by page. No transaction is open between pages."""
    at, end = _window(store, source, wanted)
    if wanted.limit is not None:
        at = _before_last(store, source, wanted, wanted.limit, at, end)
    more = True
    while more:
        with store.read() as tx:
            rows = _page(tx, source, at, end, back=False)
        more = len(rows) == PAGE
        if rows:
            at = _key(source, rows[-1])
        if keys := [_key(source, row) for row in rows if _is_wanted(wanted, row)]:
            yield keys


def _window(store: Store, source: Source, wanted: Wanted) -> tuple[Key | None, Key | None]:
    """The keys between which the wanted times are: after the first, up to the second; None where there is no bound.

    Only a list by number looks them up: its times have an index, or it is short.
    """
    if len(source.key) > 1:
        return None, None
    (number,) = source.key
    begin: Key | None = None
    end: Key | None = None
    query = f"SELECT {{}}({number}) FROM {source.tables} WHERE {source.where} AND {source.at} {{}} ?"
    with store.read() as tx:
        if wanted.since is not None:
            first = tx.execute(query.format("min", ">="), (*source.values, wanted.since)).fetchone()[0]
            begin = (first - 1,) if first is not None else (2**63 - 1,)
        if wanted.until is not None:
            last = tx.execute(query.format("max", "<="), (*source.values, wanted.until)).fetchone()[0]
            end = (last if last is not None else -1,)
    return begin, end


def _before_last(
    store: Store, source: Source, wanted: Wanted, count: int, begin: Key | None, end: Key | None
) -> Key | None:
    """The key after which the last `count` wanted entries come: `begin` if there are no more than these."""
    inclusive, at = end, None
    while True:
        with store.read() as tx:
            rows = _page(tx, source, begin, inclusive, back=True, before=at)
        for row in rows:
            if _is_wanted(wanted, row):
                if count == 0:
                    return _key(source, row)
                count -= 1
        if len(rows) < PAGE:
            return begin
        at = _key(source, rows[-1])


def _page(
    tx: Transaction, source: Source, begin: Key | None, end: Key | None, *, back: bool, before: Key | None = None
) -> list[Row]:
    names = ", ".join(source.key)
    marks = ", ".join("?" * len(source.key))
    bounds: list[tuple[str, Sequence[str | int | float]]] = [
        (f"AND ({names}) {sign} ({marks})", key) for sign, key in ((">", begin), ("<=", end), ("<", before)) if key
    ]
    wants = {"at": source.at, "sender": source.sender, "recipient": source.to, "subject": source.subject}
    columns = ", ".join(f"{sql or 'NULL'} AS wanted_{name}" for name, sql in {**wants, "state": source.state}.items())
    keys = ", ".join(f"{name} AS key_{at}" for at, name in enumerate(source.key))
    direction = " DESC" if back else ""
    order = ", ".join(name + direction for name in source.key)
    statement = (
        f"SELECT {keys}, {columns} FROM {source.tables} WHERE {source.where} {' '.join(sql for sql, _ in bounds)}"
        f" ORDER BY {order} LIMIT {PAGE}"
    )
    values = [*source.values, *(value for _, key in bounds for value in key)]
    rows: list[Row] = tx.execute(statement, values).fetchall()
    return rows


def _key(source: Source, row: Row) -> Key:
    return tuple(row[f"key_{at}"] for at in range(len(source.key)))


def _is_wanted(wanted: Wanted, row: Row) -> bool:
    if wanted.since is not None and row["wanted_at"] < wanted.since:
        return False
    if wanted.until is not None and row["wanted_at"] > wanted.until:
        return False
    if wanted.state and row["wanted_state"] != wanted.state:
        return False
    texts = (("sender", wanted.sender), ("recipient", wanted.to), ("subject", wanted.subject))
    return all(text.casefold() in (row[f"wanted_{name}"] or "").casefold() for name, text in texts if text)
