"""Figures: every message received counts once."""

import sqlite3
import tempfile
from pathlib import Path

from helpers.gateway import Gateway
from helpers.messages import mail
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.gateway import held
from mailgate.store import database, schema, stats

TO = {
    "info@example.com": "create",
    "catchall@example.com": "refuse",
    "postmaster@example.com": "hold",
    "bounce@example.com": "hold",
}


def figures(gateway: Gateway, hours: int = 24) -> stats.Figures:
    with gateway.store.read() as tx:
        return stats.figures(tx, hours, gateway.now)


def test_each_counts_under_the_most_it_led_to(gateway: Gateway) -> None:
    gateway(mail(message_id="<1@x>"), "info@example.com", "jobs@example.com")
    gateway(mail(message_id="<2@x>", to="catchall@example.com"), "catchall@example.com")
    gateway(mail(message_id="<3@x>", to="postmaster@example.com"), "postmaster@example.com")
    gateway(mail(message_id="<4@x>", references="<1@x>"), "info@example.com")
    gateway(mail(message_id="<5@x>", to="nobody@example.com"), "nobody@example.com")
    gateway(mail(message_id="<6@x>", to="catchall@example.com"), "catchall@example.com", "info@example.com")
    found = figures(gateway)
    counts = {name: count for name, count in found.outcomes.items() if count}
    assert found.received == len(gateway.messages()) == sum(counts.values())
    assert counts == {"create": 2, "post": 1, "refuse": 1, "hold": 1}
    assert found.refusals == {"catchall": 1}
    assert found.holds == {"postmaster": 1}
    assert found.aliases == {"info@example.com": 3, "jobs@example.com": 1}
    assert found.outbox.queued == 1


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(sorted(TO)), st.integers(0, 5_000), st.booleans()), max_size=25))
def test_the_counts_add_up_to_the_mail_received(mails: list[tuple[str, int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(Path(folder) / "mailgate.db")
        for number, (to, later, again) in enumerate(mails):
            gateway.now += later
            for _ in range(1 + again):
                gateway(mail(message_id=f"<{number}@x>", to=to, subject=str(number)), to)
        found = figures(gateway, hours=60)
        with gateway.store.read() as tx:
            totals = stats.totals(tx)
            lines = list(stats.lines(tx, 0))
        gateway.store.close()
    assert found.received == len(mails) == sum(each.received for each in found.hours) == sum(totals.values())
    assert len(lines) == len(mails)
    for name, count in found.outcomes.items():
        assert count == sum(TO[to] == name for to, _, _ in mails) == sum(each.counts[name] for each in found.hours)
    assert sum(found.refusals.values()) == found.outcomes["refuse"]
    assert sum(found.holds.values()) == found.outcomes["hold"]


def test_hours_begin_where_clocks_say(gateway: Gateway) -> None:
    gateway.now = 1_700_002_800.0 - 2  # a second before a full hour, when it is received
    gateway(mail(message_id="<1@x>"), "info@example.com")
    gateway(mail(message_id="<2@x>"), "info@example.com")
    found = figures(gateway, hours=2)
    assert [(each.start, each.received) for each in found.hours] == [(1_699_999_200.0, 1), (1_700_002_800.0, 1)]
    assert figures(gateway, hours=1).received == 1


def test_what_is_placed_by_hand_counts_where_it_went(gateway: Gateway) -> None:
    gateway(mail(to="postmaster@example.com"), "postmaster@example.com")
    held.route(gateway.store, gateway.config, 1, "info@example.com", gateway.now)
    assert {name for name, count in figures(gateway).outcomes.items() if count} == {"create"}


def test_the_age_of_the_outbox_is_that_of_its_oldest_entry(gateway: Gateway) -> None:
    gateway(mail(to="catchall@example.com"), "catchall@example.com")
    gateway.now += 600
    assert figures(gateway).outbox == stats.Outbox(1, 0, 600.0)


def test_an_older_store_is_counted_too(gateway: Gateway, tmp_path: Path) -> None:
    """What the columns say after the migration is what they say when a message is received today."""
    for number, to in enumerate(TO):
        gateway(mail(message_id=f"<{number}@x>", to=to), to)
    gateway(mail(message_id="<9@x>"), "info@example.com", "catchall@example.com")
    with gateway.store.read() as tx:
        wanted = [tuple(row) for row in tx.execute("SELECT number, action, reason FROM message ORDER BY number")]
        stored = [tuple(row) for row in tx.execute(f"SELECT {SAME}, received_at FROM message")]
    older = tmp_path / "older.db"
    with sqlite3.connect(older) as connection:
        for script in sorted(Path(database.MIGRATIONS).glob("*.sql"))[:5]:
            connection.executescript(script.read_text("utf-8"))
        marks = ", ".join("?" * len(stored[0]))
        connection.executemany(f"INSERT INTO message ({SAME}, received) VALUES ({marks})", stored)
        connection.execute("PRAGMA user_version = 5")
    connection.close()
    schema.migrate(older)
    with database.open_existing(older).read() as tx:
        assert [
            tuple(row) for row in tx.execute("SELECT number, action, reason FROM message ORDER BY number")
        ] == wanted


SAME = (
    "number, direction, kind, class, message_id, parent, reverse_path, author, author_name, author_text, subject, date,"
    " recipients, flags, size, explanation"
)
"""Columns that messages have had since the first schema."""


def test_the_totals_are_counted_without_reading_a_message(gateway: Gateway) -> None:
    statements: list[str] = []
    with gateway.store.read() as tx:
        gateway.store._connection.set_trace_callback(statements.append)
        stats.totals(tx)
        gateway.store._connection.set_trace_callback(None)
        (plan,) = tx.execute(f"EXPLAIN QUERY PLAN {statements[0]}").fetchall()
    assert "COVERING INDEX message_by_outcome" in plan["detail"]
