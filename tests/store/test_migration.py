"""A store of schema 7 that holds some of everything becomes one of today, loses nothing, and goes on as it was.

`schema_7.sql` was written by the commands of the last version with that schema, and dumped with `sqlite3 .dump`.
"""

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.messages import mail
from helpers.queued import queued

from mailgate.gateway import held, receive
from mailgate.gateway.receive import Receipt
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.settings.config import Config
from mailgate.store import (
    aliases,
    collected,
    database,
    domains,
    failures,
    leases,
    messages,
    outbox,
    records,
    schema,
    servers,
)
from mailgate.store import held as held_mail
from mailgate.store.database import Store
from mailgate.values.problem import NotFound, Problem
from mailgate.values.record import Ref

SEVEN = Path(__file__).with_name("schema_7.sql").read_text("utf-8")
RENAMED: dict[str, dict[str, str]] = {
    "alias": {"assigned": "values_json"},
    "sender": {"verdict": "permission"},
    "signing_key": {"made": "created_at"},
    "record": {"assigned": "values_json", "sender": "rate_key", "made": "created_at"},
    "message": {"received": "received_at", "verdict": "action"},
    "held": {"since": "held_at"},
    "outbox": {"due": "due_at", "lease": "holder", "made": "created_at"},
    "failure": {"made": "created_at"},
    "notice": {"since": "created_at"},
    "collected": {"told": "acknowledged"},
    "login": {
        "expires": "expires_at",
        "ends": "ends_at",
        "begun": "begun_at",
        "granted": "granted_at",
        "refreshed": "refreshed_at",
        "held_until": "lease_until",
    },
    "server": {
        "user": "user_name",
        "assigned": "values_json",
        "most": "message_limit",
        "succeeded": "succeeded_at",
        "failing": "failing_since",
        "due": "due_at",
        "paused": "paused_at",
        "held_until": "lease_until",
    },
}
"""Table -> columns of schema 7 that have another name."""


ADDED: dict[str, dict[str, object]] = {
    "alias": {"lists": "[]", "calendar": "quiet", "reply_to": "trust", "cc": "ignore", "requester": "author"},
    "follower": {"name": ""},
    "delivery": {"revoked": 0, "signed_for": None},
    "failure": {"name": None, "quiet": 0},
    "record": {"closed_at": None},
    "held": {"withheld": 0},
}
"""Table -> columns that came since, with the value of an old row."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a store of schema 7."""
    found = tmp_path / "mailgate.db"
    with sqlite3.connect(found) as connection:
        connection.executescript(SEVEN)
    connection.close()
    found.chmod(0o600)
    return found


def dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        found = list(connection.iterdump())
    connection.close()
    return found


def rows(path: Path, query: str) -> list[dict[str, Any]]:
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute(query)]
    connection.close()
    return found


TABLES = sorted(re.findall(r"^CREATE TABLE (\w+)", SEVEN, re.MULTILINE))


def test_every_table_of_the_old_store_holds_something(path: Path) -> None:
    assert {table: len(rows(path, f"SELECT 1 FROM {table} LIMIT 1")) for table in TABLES} == dict.fromkeys(TABLES, 1)


def test_no_row_and_no_value_is_lost(path: Path) -> None:
    before = {table: rows(path, f"SELECT * FROM {table}") for table in TABLES}
    assert schema.migrate(path)[0] == 7
    after = {table: rows(path, f"SELECT * FROM {table}") for table in TABLES}
    for table in TABLES:
        wanted = [{RENAMED.get(table, {}).get(name, name): row[name] for name in row} for row in before[table]]
        if table == "effect":
            for row in wanted:
                effect = row.pop("effect")
                action, *rest = effect.split(":", 2 if effect.startswith(("refuse", "bounce")) else 1)
                row |= {"action": action, "place": rest[-1] if rest else "", "reason": rest[0] if rest[1:] else ""}
        for row in wanted:
            row |= ADDED.get(table, {})
            row |= {"author": row["address"]} if table == "follower" else {}
        if table == "outbox":
            for row in wanted:
                row["host"] = str(row["person"]).rpartition("@")[2]
                row["lease_until"] = row["due_at"] if row["holder"] else 0.0
        if table == "record":
            for row in wanted:  # its first mail came by its author's domain, or by a list
                host = str(row["rate_key"] or "").rpartition("@")[2]
                by_list = row["name"] == "To the list"
                row["rate_share"] = "@lists.org" if by_list else f"@{host}" if host else ""
        assert sorted(map(repr, (sorted(row.items()) for row in after[table]))) == sorted(
            map(repr, (sorted(row.items()) for row in wanted))
        ), table
    assert rows(path, "PRAGMA foreign_key_check") == []
    assert rows(path, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_a_migrated_store_is_built_like_a_new_one(path: Path, tmp_path: Path) -> None:
    """But for the comment on `raw`, whose octets are not copied."""
    query = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"
    schema.migrate(path)
    schema.migrate(tmp_path / "new.db")
    old, new = rows(path, query), rows(tmp_path / "new.db", query)
    assert "--" in next(row["sql"] for row in new if row["name"] == "raw")
    for row in (*old, *new):
        if row["name"] == "raw":
            row["sql"] = " ".join(re.sub(r"--.*", "", row["sql"]).split())
    assert old == new


KILLED = """
import os, signal, sqlite3, sys
from mailgate.store import schema
connect, left = schema.connect, [int(sys.argv[2])]

def counted(path, wait):
    connection = connect(path, wait)
    def count(statement):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
    connection.set_trace_callback(count)
    return connection

schema.connect = counted
for turn in range(int(sys.argv[3])):
    left[0] = int(sys.argv[2]) + turn
    child = os.fork()
    if not child:
        schema.migrate(sys.argv[1])
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else "done", flush=True)
    if not os.WIFSIGNALED(status):
        break
    connection = sqlite3.connect(sys.argv[1])
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 7, turn
    assert "\\n".join(connection.iterdump()) == open(sys.argv[4]).read(), turn
    connection.close()
"""


def test_killed_at_any_statement_it_is_the_old_store_and_can_be_tried_again(path: Path, tmp_path: Path) -> None:
    before = "\n".join(dump(path))
    (tmp_path / "before.sql").write_text(before)
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), "1", "1000", str(tmp_path / "before.sql")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    *kills, last = ran.stdout.split()
    assert last == "done"
    assert len(kills) > 100
    assert set(kills) == {str(int(signal.SIGKILL))}
    newest = len(database.scripts())
    assert schema.migrate(path) == (newest, newest)


def test_a_row_that_refers_to_nothing_stops_the_migration(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE held SET message = 999 WHERE message = 16")
    connection.close()
    before = dump(path)
    with pytest.raises(Problem, match="a row of `held` refers to a row of `message` that is missing"):
        schema.migrate(path)
    assert dump(path) == before


def test_a_place_on_a_record_that_is_gone_is_forgotten(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM record WHERE model = 'crm.lead' AND id = 2")
    connection.close()
    schema.migrate(path)
    with database.open_existing(path).read() as tx:
        assert messages.stored(tx, 2).records == (Ref("hr.job", 1),)


@pytest.mark.parametrize(
    ("stored", "effect"),
    [
        ("create:info@example.com", ("create", "", "info@example.com")),
        ('create:"a:b"@example.com', ("create", "", '"a:b"@example.com')),
        ("post:crm.lead/1", ("post", "", "crm.lead/1")),
        ('hold:"a:b"@example.com', ("hold", "", '"a:b"@example.com')),
        ("hold:", ("hold", "", "")),
        ('refuse:policy:":"@example.com', ("refuse", "policy", '":"@example.com')),
        ("bounce:report:crm.lead/1", ("bounce", "report", "crm.lead/1")),
        ("ignore:loop:", ("ignore", "loop", "")),
        ("sent", ("sent", "", "")),
    ],
)
def test_an_effect_is_taken_apart_once_and_for_all(path: Path, stored: str, effect: tuple[str, str, str]) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM effect")
        connection.execute("INSERT INTO effect VALUES ('d', ?, NULL, 0, 1, 1)", (stored,))
    connection.close()
    schema.migrate(path)
    assert [tuple(row.values()) for row in rows(path, "SELECT action, reason, place FROM effect")] == [effect]


class Migrated:
    """The store after it was migrated, and its gateway, some seconds after its last message."""

    def __init__(self, path: Path) -> None:
        schema.migrate(path)
        self.path = path
        self.store: Store = database.open_existing(path)
        self.config = Config(None, str(path))
        self.now = rows(path, "SELECT max(received_at) AS at FROM message")[0]["at"] + 60

    def __call__(self, raw: bytes, *to: str, path: str = "bob@client.org", fallback: str | None = None) -> Receipt:
        self.now += 1
        made = Fallback(fallback) if fallback else None
        return receive.receive(self.store, self.config, Incoming(raw, path, to, {}, made, "pipe"), self.now)

    def again(self, number: int) -> Receipt:
        """The bytes of a stored message once more, to the same recipients."""
        with self.store.read() as tx:
            raw, stored = messages.raw(tx, number), messages.stored(tx, number)
        return self(raw, *stored.recipients, path=stored.reverse_path or "", fallback="lead")


@pytest.fixture
def migrated(path: Path) -> Iterator[Migrated]:
    found = Migrated(path)
    yield found
    found.store.close()


def outcomes(receipt: Receipt) -> list[str]:
    return [f"{each.action} {each.reason}" for each in receipt.decision.outcomes]


def test_what_is_shown_is_what_was_stored(path: Path) -> None:
    explained = {row["number"]: row["explanation"] for row in rows(path, "SELECT * FROM message")}
    store = Migrated(path).store
    with store.read() as tx:
        for number, explanation in explained.items():
            if explanation:
                assert messages.explanation(tx, number) == json.loads(explanation)
        lead = records.get(tx, Ref("crm.lead", 1))
        assert (lead.name, lead.alias, lead.followers) == (
            *("Forty chairs", "info@example.com"),
            ("bob@client.org", "ann.lee@partner.org"),
        )
        assert lead.values == {"team": "sales", "email_from": "bob@client.org"}
        assert records.spellings(tx, lead.ref)["ann.lee@partner.org"] == "Ann.Lee@partner.org"
        assert [each.number for each in messages.listing(tx, lead.ref)] == [1, 8, 9, 10, 11]
        assert [each.message for each in held_mail.listing(tx)] == [16, 17, 18, 19, 20, 24]
        assert [(each.recipient, each.state) for each in failures.listing(tx, acked=True)] == [
            ("bob@client.org", "open"),
            ("ann.lee@partner.org", "acked"),
            ("kim@client.org", "open"),
        ]
        other = domains.get(tx, "other.test")
        assert (other.catchall, other.retired) == ("alles", (("alle", "catchall"),))
        assert domains.get(tx, "example.net").same_as == "example.com"
        assert aliases.reached_by(tx, "old@example.com").address == "new@example.com"
        inbox = servers.get(tx, "inbox")
        assert (inbox.user, inbox.folders, inbox.values, inbox.most) == (
            *("box@client.net", ("INBOX", "Archive")),
            *({"team": "imap"}, 1_000),
        )
        assert servers.health(tx, inbox.number, 2e9).state == "failing"
        assert leases.holder(tx, leases.SERVER, 2) == "elsewhere 1 1"
        assert [each.state for each in collected.known(tx, 1).values()].count("pending") == 1
    store.close()


def test_copies_of_what_came_before_are_duplicates(migrated: Migrated) -> None:
    assert outcomes(migrated.again(1)) == ["ignore duplicate"]
    assert outcomes(migrated.again(2)) == ["ignore duplicate"] * 2
    assert outcomes(migrated.again(11)) == ["ignore duplicate"]
    assert outcomes(migrated.again(20)) == ["ignore duplicate"], "it is held already"
    refused = migrated.again(14)
    assert (outcomes(refused), refused.number, refused.decision.outgoing) == (["refuse catchall"], None, ())


def test_held_mail_whose_address_has_a_colon_is_released_by_its_copy(migrated: Migrated) -> None:
    with migrated.store.read() as tx:
        raw = messages.raw(tx, 19).replace(b"X-Spam-Flag: YES\n", b"")
    assert outcomes(migrated(raw, '"a:b"@example.com', path="eve@client.org", fallback="lead")) == ["create fallback"]
    with migrated.store.read() as tx, pytest.raises(NotFound):
        held_mail.get(tx, 19)


def test_answers_find_their_record_by_what_was_sent_before(migrated: Migrated) -> None:
    with migrated.store.read() as tx:
        letter = next(each for each in queued(tx) if each.kind == "post" and each.recipient == "bob@client.org")
    reply_to = re.search(rb"^Reply-To: (.*)", letter.octets, re.MULTILINE)
    sent = re.search(rb"^Message-ID: (.*)", letter.octets, re.MULTILINE)
    assert reply_to
    assert sent
    signed = reply_to[1].decode()
    ways: list[tuple[str, dict[str, str | None]]] = [
        (signed, {}),
        ("info@example.com", {"in_reply_to": sent[1].decode()}),
        ("info@example.com", {"references": "<chairs@client.org>"}),
    ]
    for number, (to, fields) in enumerate(ways):
        receipt = migrated(mail(to=to, message_id=f"<later{number}@client.org>", **fields), to)
        assert outcomes(receipt)[0].startswith("post")
        assert receipt.decision.outcomes[0].record == Ref("crm.lead", 1)


def test_a_late_joiner_finds_the_record_by_an_id_that_was_only_mentioned(migrated: Migrated) -> None:
    raw = mail(message_id="<joins@client.org>", references="<ancient@client.org>", **{"from": "carol@client.org"})
    receipt = migrated(raw, "info@example.com", path="carol@client.org")
    assert receipt.decision.outcomes[0].record == Ref("crm.lead", 2)


def test_reports_find_the_delivery_that_failed(migrated: Migrated) -> None:
    report = mail(
        to="REPORT",
        subject="Undelivered Mail Returned to Sender",
        message_id="<dsn9@mx.client.org>",
        content_type="multipart/report; report-type=delivery-status; boundary=b",
        **{"from": "MAILER-DAEMON@mx.client.org"},
    ).partition(b"\n\n")[0] + (
        b"\n\n--b\nContent-Type: text/plain\n\nIt failed.\n--b\nContent-Type: message/delivery-status\n\n"
        b"Reporting-MTA: dns; mx.client.org\n\nFinal-Recipient: rfc822; ann.lee@partner.org\nAction: failed\n"
        b"Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n--b--\n"
    )
    back = rows(migrated.path, "SELECT reverse_path FROM outbox WHERE number = 2")[0]["reverse_path"]
    assert outcomes(migrated(report.replace(b"REPORT", back.encode()), back, path="")) == ["bounce report"]
    with migrated.store.read() as tx:
        failure = failures.listing(tx)[-1]
    assert (failure.record, failure.follower, failure.message) == (Ref("crm.lead", 2), "ann.lee@partner.org", 2)


def test_limits_count_what_came_before(migrated: Migrated) -> None:
    """Three new records of one sender before, of four; one refusal to one person before."""

    def new(number: int, path: str, to: str) -> list[str]:
        raw = mail(to=to, message_id=f"<limit{number}@client.org>", **{"from": path})
        return outcomes(migrated(raw, to, path=path))

    assert new(1, "rita@client.org", "info@example.com") == ["create alias"]
    assert new(2, "rita@client.org", "info@example.com") == ["refuse rate-limit"]
    assert new(3, "uma@client.org", "info@example.com") == ["create alias"]
    before = rows(migrated.path, "SELECT count(*) AS n FROM outbox WHERE kind = 'refusal'")[0]["n"]
    assert new(4, "zoe@client.org", "catchall@example.com") == ["refuse catchall"]
    assert rows(migrated.path, "SELECT count(*) AS n FROM outbox WHERE kind = 'refusal'")[0]["n"] == before


def test_rules_of_old_aliases_and_senders_hold(migrated: Migrated) -> None:
    def new(number: int, path: str, to: str, **fields: str) -> list[str]:
        raw = mail(to=to, message_id=f"<rule{number}@client.org>", **{"from": path, **fields})
        return outcomes(migrated(raw, to, path=path))

    assert new(1, "spam@evil.org", "info@example.com") == ["hold blocked"]
    assert new(2, "carol@client.org", "jobs@example.com") == ["create alias"]
    assert new(3, "erin@client.org", "jobs@example.com") == ["refuse policy"], "an archived contact"
    assert new(4, "dave@client.org", "club@other.test") == ["create alias"]
    member, stranger = "dave@client.org", "otto@else.org"
    assert new(5, member, "catchall@example.com", in_reply_to="<dave@client.org>") == ["post reply"]
    assert new(6, stranger, "catchall@example.com", in_reply_to="<dave@client.org>") == ["refuse policy"]


def test_numbers_go_on_and_none_comes_twice(migrated: Migrated) -> None:
    receipt = migrated(
        mail(to="catchall@example.com", **{"from": "ute@client.org"}), "catchall@example.com", path="ute@client.org"
    )
    with migrated.store.read() as tx:
        numbers = [entry.number for entry in outbox.listing(tx)]
    assert receipt.number == 32
    assert numbers[-2:] == [16, 18], "17 was dropped"


def test_the_outbox_goes_on(migrated: Migrated) -> None:
    with migrated.store.write() as tx:
        assert outbox.get(tx, 10).error == "no such user"
        with pytest.raises(Problem, match="being sent"):
            outbox.retry(tx, 16, migrated.now)
        assert outbox.retry(tx, 16, migrated.now + 1e4).state == "queued"
        entry = outbox.claim(tx, "w", migrated.now + 1e4)
        assert entry is not None
        assert (entry.number, entry.tries) == (1, 2)
        assert outbox.octets(tx, 1).endswith(b"\n\nHello.\n")


def test_held_mail_is_tried_again(migrated: Migrated) -> None:
    assert outcomes(held.retry(migrated.store, migrated.config, 16, migrated.now)) == ["hold postmaster"]
    assert outcomes(held.route(migrated.store, migrated.config, 17, "crm.lead/3", migrated.now)) == ["post held"]
    with migrated.store.read() as tx:
        assert messages.stored(tx, 17).records == (Ref("crm.lead", 3),)
