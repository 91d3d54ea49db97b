"""Check what a copy of the store says against itself, and mend in the store what can be mended."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from typing import NamedTuple

from mailgate.store.database import Row, Store, Transaction, connect
from mailgate.values.problem import StoreError

_MOST = 100
"""Findings of one kind that are listed."""
_COUNTED = ("message", "delivery", "outbox", "failure")


class Finding(NamedTuple):
    """Something that is not as it should be. kind: one of `MENDED`, or one that cannot be mended; `row`: where."""

    kind: str
    text: str
    row: tuple[str | int, ...] = ()

    @property
    def mendable(self) -> bool:
        """Whether `mend` can do something about it."""
        return self.kind in _MENDING


def findings(path: str, digests: Callable[[bytes], Collection[str]]) -> Iterator[Finding]:
    """What is wrong in a copy that nobody writes to. `digests`: those of a message by which copies of it may be known.

    Raises StoreError where it cannot be read at all.
    """
    try:
        with closing(connect(path, 0, unchanging=True)) as copy:
            for row in copy.execute(f"PRAGMA integrity_check({_MOST})"):
                for line in str(row[0]).splitlines():
                    if line != "ok":
                        yield Finding("index" if _is_of_index(line) else "damage", line)
            for check in (_references, _octets, _places, _queue, _counters):
                yield from check(copy)
            yield from _digests(copy, digests)
    except sqlite3.Error as error:
        raise StoreError(f"the store is damaged: {error}", advice="restore a backup") from error


def _is_of_index(line: str) -> bool:
    return "missing from index" in line or "wrong # of entries in index" in line


def _references(copy: sqlite3.Connection) -> Iterator[Finding]:
    """Rows that refer to what is not there."""
    for row in copy.execute("PRAGMA foreign_key_check").fetchall()[:_MOST]:
        text = f"a row of `{row['table']}` refers to a row of `{row['parent']}` that is missing"
        kind = {"raw": "lost message", "placement": "reference", "follower": "reference"}.get(row["table"], "")
        if row["table"] in ("mention", "effect", "held", "delivery", "failure"):
            kind = "reference"
        yield Finding(kind or "dangling", text, (row["table"], row["rowid"] or 0))


def _octets(copy: sqlite3.Connection) -> Iterator[Finding]:
    """Messages without their bytes, or with more than came; of mail collected in part, a part is right."""
    query = (
        "SELECT number, size, length(octets) AS stored FROM message LEFT JOIN raw ON raw.message = number"
        f" WHERE (octets IS NULL AND number NOT IN (SELECT message FROM purged)) OR size < length(octets) LIMIT {_MOST}"
    )
    for row in copy.execute(query):
        stored = "no bytes" if row["stored"] is None else f"{row['stored']} bytes"
        yield Finding("bytes", f"message {row['number']} has {stored} of {row['size']}", (row["number"],))


def _places(copy: sqlite3.Connection) -> Iterator[Finding]:
    """Messages that were put on a record which is still there, and that are on none."""
    query = (
        "SELECT number, explanation FROM message WHERE action IN ('create', 'post') AND explanation != ''"
        " AND NOT EXISTS (SELECT 1 FROM placement WHERE placement.message = message.number)"
    )
    for row in copy.execute(query):
        for model, id_ in _records(row):
            if copy.execute("SELECT 1 FROM record WHERE model = ? AND id = ?", (model, id_)).fetchone():
                text = f"message {row['number']} was put on {model}/{id_}, and is not there"
                yield Finding("place", text, (row["number"], model, id_))


def _records(row: Row) -> Iterator[tuple[str, int]]:
    try:
        outcomes = json.loads(row["explanation"])["outcomes"]
    except (ValueError, KeyError, TypeError):
        return
    for outcome in outcomes:
        model, slash, number = str(outcome.get("record") or "").rpartition("/")
        if slash and number.isdecimal():
            yield model, int(number)


def _queue(copy: sqlite3.Connection) -> Iterator[Finding]:
    """Queued messages whose body is gone, and answers that `why` names and the queue does not."""
    query = (
        "SELECT number, message FROM outbox WHERE state = 'queued' AND body_at IS NOT NULL"
        f" AND NOT EXISTS (SELECT 1 FROM raw WHERE raw.message = outbox.message) LIMIT {_MOST}"
    )
    for row in copy.execute(query):
        text = f"outbox {row['number']} is queued, and the body of message {row['message']} is gone"
        yield Finding("queue", text, (row["number"],))
    query = (
        "SELECT number, message FROM outbox WHERE message IS NOT NULL"
        f" AND NOT EXISTS (SELECT 1 FROM message WHERE message.number = outbox.message) LIMIT {_MOST}"
    )
    for row in copy.execute(query):
        text = f"outbox {row['number']} comes from message {row['message']}, which is gone"
        yield Finding("origin", text, (row["number"],))


def _counters(copy: sqlite3.Connection) -> Iterator[Finding]:
    """Numbers that would be handed out twice, and a store that cannot sign."""
    for table in _COUNTED:
        highest = copy.execute(f"SELECT max(number) FROM {table}").fetchone()[0] or 0
        row = copy.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        if highest > (row["seq"] if row else 0):
            yield Finding("counter", f"the next number of `{table}` is one that was used", (table, highest))
    query = (
        "SELECT record.model AS model, max(id) AS highest FROM record LEFT JOIN model ON model.name = record.model"
        " GROUP BY record.model HAVING max(id) > coalesce(max(last_id), 0)"
    )
    for row in copy.execute(query):
        yield Finding("model", f"the next id of `{row['model']}` is one that was used", (row["model"], row["highest"]))
    if not copy.execute("SELECT 1 FROM signing_key").fetchone():
        yield Finding("key", "there is no signing key")


def _digests(copy: sqlite3.Connection, digests: Callable[[bytes], Collection[str]]) -> Iterator[Finding]:
    """Messages whose bytes are not those that were received."""
    query = (
        "SELECT raw.message AS number, CAST(octets AS BLOB) AS octets,"
        " (SELECT group_concat(DISTINCT digest) FROM effect WHERE effect.message = raw.message) AS digests"
        " FROM raw ORDER BY raw.message"
    )
    for row in copy.execute(query):
        if row["digests"] and not {*digests(row["octets"])} & {*row["digests"].split(",")}:
            yield Finding("digest", f"message {row['number']} is not as it was received", (row["number"],))


def mend(store: Store, found: Finding, now: float) -> str:
    """Mend one finding in the store, in a transaction of its own; what was done, empty for nothing.

    It may be gone by now, or never have been in the store but in the copy alone. Raises StoreError.
    """
    with store.write() as tx:
        return _MENDING[found.kind](tx, found.row, now)


def _reindex(tx: Transaction, row: tuple[str | int, ...], now: float) -> str:
    tx.execute("REINDEX")
    return "made all indexes anew"


def _drop_reference(tx: Transaction, row: tuple[str | int, ...], now: float) -> str:
    table, rowid = row
    for fault in tx.execute(f"PRAGMA foreign_key_check({table})"):
        if fault["rowid"] == rowid:
            tx.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))
            return f"removed the row from `{table}`"
    return ""


def _recover(tx: Transaction, row: tuple[str | int, ...], now: float) -> str:
    """Hold bytes without a message, so that a person sees them."""
    number = row[1]
    found = tx.execute("SELECT length(octets) AS size FROM raw WHERE message = ?", (number,)).fetchone()
    if found is None or tx.execute("SELECT 1 FROM message WHERE number = ?", (number,)).fetchone():
        return ""
    tx.execute(
        "INSERT INTO message (number, direction, kind, class, author_name, author_text, subject, date, recipients,"
        " flags, size, received_at, explanation, action, reason)"
        " VALUES (?, 'in', 'email', 'automatic', '', '', '', '', '[]', '[]', ?, ?, ?, 'hold', 'failed')",
        (number, found["size"], now, json.dumps(_FOUND)),
    )
    tx.execute(
        "INSERT INTO held (message, reason, note, quiet, refused, version, held_at)"
        " VALUES (?, 'failed', 'found by check-store without its row', 0, 0, '', ?)",
        (number, now),
    )
    return f"holds it as message {number}"


_FOUND: Mapping[str, object] = {"schema": 1, "steps": [], "outcomes": [], "outgoing": []}


def _place(tx: Transaction, row: tuple[str | int, ...], now: float) -> str:
    number, model, id_ = row
    if not tx.execute("SELECT 1 FROM record WHERE model = ? AND id = ?", (model, id_)).fetchone():
        return ""
    tx.execute("INSERT INTO placement (message, model, id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)
    return f"put message {number} back on {model}/{id_}"


def _fail(tx: Transaction, row: tuple[str | int, ...], now: float) -> str:
    done = tx.execute(
        "UPDATE outbox SET state = 'failed', error = 'its body is gone' WHERE number = ? AND state = 'queued'", row
    )
    return f"marked outbox {row[0]} as failed" if done.rowcount else ""


def _forget_origin(tx: Transaction, row: tuple[str | int, ...], now: float) -> str:
    tx.execute("UPDATE outbox SET message = NULL WHERE number = ? AND body_at IS NULL", row)
    return "removed the reference"


def _count_on(tx: Transaction, row: tuple[str | int, ...], now: float) -> str:
    table, highest = row
    if not tx.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (highest, table)).rowcount:
        tx.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, highest))
    return f"goes on after {highest}"


def _count_model_on(tx: Transaction, row: tuple[str | int, ...], now: float) -> str:
    tx.execute(
        "INSERT INTO model (name, last_id) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET last_id = max(last_id, excluded.last_id)",
        row,
    )
    return f"goes on after {row[1]}"


_MENDING: Mapping[str, Callable[[Transaction, tuple[str | int, ...], float], str]] = {
    "index": _reindex,
    "reference": _drop_reference,
    "lost message": _recover,
    "place": _place,
    "queue": _fail,
    "origin": _forget_origin,
    "counter": _count_on,
    "model": _count_model_on,
}
"""Kind of a finding -> what mends it in an open transaction, given its row, after another look."""
