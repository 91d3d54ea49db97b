"""What the schema promises to people and to other databases: comments, fixed words, names, views."""

import json
from pathlib import Path

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail
from manual import schema

from mailgate.manual import pages
from mailgate.store import database, outbox
from mailgate.values import directory, outcome
from mailgate.values.server import SECURITY, TYPES

_WORDS = """
all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like
limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary
references returning right select session_user similar some symmetric system_user table tablesample then to
trailing true union unique user using variadic verbose when where window with
"""
RESERVED = frozenset(_WORDS.split())
"""Words that PostgreSQL 18 reserves (its documentation, appendix C)."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return schema.new_store(tmp_path_factory.mktemp("store"))


def test_every_table_column_and_view_has_a_comment(path: Path) -> None:
    tables, views = schema.read(path)
    assert len(tables) == 30
    assert [item.name for item in (*tables, *views) if not item.comment] == []
    bare = [f"{table.name}.{column.name}" for table in tables for column in table.columns if not column.comment]
    assert bare == []


def test_every_column_is_read_from_the_text_of_its_table(path: Path) -> None:
    opened = database.open_existing(path)
    with opened.read() as tx:
        for table in schema.read(path)[0]:
            names = [row["name"] for row in tx.execute(f"PRAGMA table_info({table.name})")]
            assert [column.name for column in table.columns] == names
    opened.close()


def test_the_page_of_the_manual_says_what_the_store_says(path: Path) -> None:
    assert pages.source("schema") == schema.page(path), "python tests/manual/schema.py > mailgate/manual/schema.md"


def test_no_name_is_reserved_elsewhere(path: Path) -> None:
    tables, views = schema.read(path)
    names = {item.name for item in (*tables, *views)} | {column.name for table in tables for column in table.columns}
    assert not names & RESERVED


def test_times_are_double_and_flags_are_checked(path: Path) -> None:
    for table in schema.read(path)[0]:
        for column in table.columns:
            if column.name.endswith(("_at", "_since", "_until")) and column.name != "body_at":
                assert "DOUBLE PRECISION" in column.sql, column
            assert " REAL" not in column.sql, column
            if "whether" in column.comment and "one of" not in column.comment and "INTEGER" in column.sql:
                assert "IN (0, 1)" in column.sql, column


WORDS = {
    ("alias", "policy"): directory.POLICIES,
    ("alias", "spam"): directory.SPAM,
    ("alias", "automatic"): directory.AUTOMATIC,
    ("alias", "replies"): directory.REPLIES,
    ("message", "action"): ("", *outcome.ACTIONS, "defer"),
    ("effect", "action"): (*outcome.ACTIONS, "defer", "sent"),
    ("server", "type"): TYPES,
    ("server", "security"): SECURITY,
}


@pytest.mark.parametrize(("table", "column"), WORDS, ids=".".join)
def test_checked_words_are_those_of_the_program(path: Path, table: str, column: str) -> None:
    (found,) = (each for each in schema.read(path)[0] if each.name == table)
    (text,) = (each.sql for each in found.columns if each.name == column)
    words = text.partition(" IN (")[2].partition(")")[0]
    assert sorted(json.loads(f"[{words}]".replace("'", '"'))) == sorted(WORDS[table, column])


def test_views_show_times_that_people_read(gateway: Gateway) -> None:
    gateway(mail(), "info@example.com", "jobs@example.com")
    gateway(mail(to="catchall@example.com", message_id="<2@x>"), "catchall@example.com")
    with gateway.store.write() as tx:
        tx.execute(
            "INSERT INTO failure (recipient, model, id, action, status, kind, permanent, diagnostic, remote, report,"
            " state, created_at)"
            " VALUES ('bob@client.org', 'crm.lead', 1, 'failed', '5.1.1', 'x', 1, '', '', 1, 'open', 0)"
        )
        messages = [dict(row) for row in tx.execute("SELECT * FROM messages")]
        (failure,) = (dict(row) for row in tx.execute("SELECT * FROM open_failures"))
        (queued,) = (dict(row) for row in tx.execute("SELECT * FROM queue"))
    assert [(row["received"], row["action"], row["record"]) for row in messages] == [
        ("2023-11-14T22:13:21Z", "create", "crm.lead/1"),
        ("2023-11-14T22:13:22Z", "refuse", None),
    ]
    assert (failure["created"], failure["record"]) == ("1970-01-01T00:00:00Z", "crm.lead/1")
    assert (queued["created"], queued["due"], queued["recipient"]) == (
        *("2023-11-14T22:13:22Z", "2023-11-14T22:13:22Z"),
        "bob@client.org",
    )
    with gateway.store.write() as tx:
        entry = outbox.claim(tx, "w", gateway.now)
        assert entry is not None
        outbox.sent(tx, entry.number, "w")
        assert tx.execute("SELECT * FROM queue").fetchall() == []
