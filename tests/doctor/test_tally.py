"""Figures: every message received counts once."""

import sqlite3
import tempfile
from pathlib import Path

from build import mail
from gate import Gate
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.gateway import held
from mailgate.store import database, stats

TO = {
    "info@example.com": "create",
    "catchall@example.com": "refuse",
    "postmaster@example.com": "hold",
    "bounce@example.com": "hold",
}


def figures(gate: Gate, hours: int = 24) -> stats.Figures:
    with gate.store.read() as tx:
        return stats.figures(tx, hours, gate.now)


def test_each_counts_under_the_most_it_led_to(gate: Gate) -> None:
    gate(mail(message_id="<1@x>"), "info@example.com", "jobs@example.com")
    gate(mail(message_id="<2@x>", to="catchall@example.com"), "catchall@example.com")
    gate(mail(message_id="<3@x>", to="postmaster@example.com"), "postmaster@example.com")
    gate(mail(message_id="<4@x>", references="<1@x>"), "info@example.com")
    gate(mail(message_id="<5@x>", to="nobody@example.com"), "nobody@example.com")
    gate(mail(message_id="<6@x>", to="catchall@example.com"), "catchall@example.com", "info@example.com")
    found = figures(gate)
    counts = {name: count for name, count in found.outcomes.items() if count}
    assert found.received == len(gate.messages()) == sum(counts.values())
    assert counts == {"create": 2, "post": 1, "refuse": 1, "hold": 1}
    assert found.refusals == {"catchall": 1}
    assert found.holds == {"postmaster": 1}
    assert found.aliases == {"info@example.com": 3, "jobs@example.com": 1}
    assert found.outbox.queued == 1


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(sorted(TO)), st.integers(0, 5_000), st.booleans()), max_size=25))
def test_the_sums_are_the_mail_received(mails: list[tuple[str, int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        gate = Gate(Path(folder) / "mailgate.db")
        for number, (to, later, again) in enumerate(mails):
            gate.now += later
            for _ in range(1 + again):
                gate(mail(message_id=f"<{number}@x>", to=to, subject=str(number)), to)
        found = figures(gate, hours=60)
        with gate.store.read() as tx:
            totals = stats.totals(tx)
            lines = list(stats.lines(tx, 0))
        gate.store.close()
    assert found.received == len(mails) == sum(each.received for each in found.hours) == sum(totals.values())
    assert len(lines) == len(mails)
    for name, count in found.outcomes.items():
        assert count == sum(TO[to] == name for to, _, _ in mails) == sum(each.counts[name] for each in found.hours)
    assert sum(found.refusals.values()) == found.outcomes["refuse"]
    assert sum(found.holds.values()) == found.outcomes["hold"]


def test_hours_begin_where_clocks_say(gate: Gate) -> None:
    gate.now = 1_700_002_800.0 - 2  # a second before a full hour, when it is received
    gate(mail(message_id="<1@x>"), "info@example.com")
    gate(mail(message_id="<2@x>"), "info@example.com")
    found = figures(gate, hours=2)
    assert [(each.start, each.received) for each in found.hours] == [(1_699_999_200.0, 1), (1_700_002_800.0, 1)]
    assert figures(gate, hours=1).received == 1


def test_what_is_placed_by_hand_counts_where_it_went(gate: Gate) -> None:
    gate(mail(to="postmaster@example.com"), "postmaster@example.com")
    held.route(gate.store, gate.config, 1, "info@example.com", gate.now)
    assert {name for name, count in figures(gate).outcomes.items() if count} == {"create"}


def test_the_age_of_the_outbox(gate: Gate) -> None:
    gate(mail(to="catchall@example.com"), "catchall@example.com")
    gate.now += 600
    assert figures(gate).outbox == stats.Outbox(1, 0, 600.0)


def test_an_older_store_is_counted_too(gate: Gate, tmp_path: Path) -> None:
    """What the columns say after the migration is what they say when a message is received today."""
    for number, to in enumerate(TO):
        gate(mail(message_id=f"<{number}@x>", to=to), to)
    gate(mail(message_id="<9@x>"), "info@example.com", "catchall@example.com")
    query = "SELECT number, verdict, reason FROM message ORDER BY number"
    with gate.store.read() as tx:
        wanted = [tuple(row) for row in tx.execute(query)]
    gate.store.close()
    with sqlite3.connect(gate.path) as connection:
        connection.executescript(
            "DROP INDEX message_by_received; ALTER TABLE message DROP COLUMN verdict;"
            "ALTER TABLE message DROP COLUMN reason; DROP TABLE notice; DROP TABLE login;"
            "ALTER TABLE server DROP COLUMN client; ALTER TABLE server DROP COLUMN client_secret_file;"
            "ALTER TABLE server DROP COLUMN scope; PRAGMA user_version = 5;"
        )
    connection.close()
    database.migrate(gate.path)
    gate.store = database.open_existing(gate.path)
    with gate.store.read() as tx:
        assert [tuple(row) for row in tx.execute(query)] == wanted
