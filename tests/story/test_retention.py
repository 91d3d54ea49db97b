"""Old mail is deleted and what still comes about it is understood; a person is forgotten; a kill changes nothing."""

import signal
import subprocess
import sys

import pytest
from helpers.gateway import BOB, Gateway
from helpers.messages import mail
from helpers.reports import block, posted, standard

from mailgate.gateway import retention
from mailgate.store import changes, contacts, failures, held, outbox, purging, records
from mailgate.store.purging import Purge
from mailgate.values.directory import Contact
from mailgate.values.problem import NotFound
from mailgate.values.record import Ref

YEAR = 31_557_600.0
ONE = Ref("crm.lead", 1)


def purge(gateway: Gateway, kind: str = "messages", later: float = 2 * YEAR, **more: str | None) -> Purge:
    """Delete all mail that is older than a year, after `later` seconds."""
    gateway.now += later
    with gateway.store.write() as tx:
        number = purging.ask(tx, purging.wanted(kind, gateway.now - YEAR, gateway.now, **more))
    return retention.finish(gateway.store, number, gateway.now)


def rows(gateway: Gateway, table: str) -> int:
    with gateway.store.read() as tx:
        count: int = tx.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return count


def text(gateway: Gateway) -> str:
    """All that the store holds, as text."""
    with gateway.store.read() as tx:
        return "\n".join(tx.iterdump()).lower()


@pytest.fixture
def lead(gateway: Gateway) -> Gateway:
    """With crm.lead/1, made by message 1 of Bob's."""
    gateway(mail(message_id="<first@client.org>"), "info@example.com")
    return gateway


def test_a_purged_message_has_its_ids_and_nothing_that_a_person_can_read(lead: Gateway) -> None:
    done = purge(lead)
    assert (done.messages, done.done_at) == (1, lead.now)
    (stored,) = lead.messages()
    assert (stored.message_id, stored.records) == ("<first@client.org>", (ONE,))
    assert (stored.author, stored.subject, stored.author_text, stored.recipients) == (None, "", "", ())
    with pytest.raises(NotFound, match="the bytes of message 1 were deleted"):
        lead.raw(1)
    with pytest.raises(NotFound, match="the explanation of message 1 was deleted"):
        lead.why(1)
    assert purge(lead, later=0).messages == 0, "it is done"


def test_an_answer_to_a_purged_message_is_posted_on_its_record(lead: Gateway) -> None:
    purge(lead)
    lead(mail(message_id="<2@client.org>", in_reply_to="<first@client.org>"), "info@example.com")
    assert lead.records() == ["crm.lead/1"]
    assert lead.on("crm.lead/1") == [1, 2]


def test_a_copy_of_a_purged_message_is_a_duplicate(lead: Gateway) -> None:
    purge(lead)
    receipt = lead(mail(message_id="<first@client.org>"), "info@example.com")
    assert [outcome.reason for outcome in receipt.decision.outcomes] == ["duplicate"]
    assert lead.records() == ["crm.lead/1"]


def test_a_report_about_a_purged_message_finds_it(lead: Gateway) -> None:
    copy = posted(lead, BOB)[BOB]
    with lead.store.write() as tx:
        tx.execute("UPDATE outbox SET state = 'sent'")
    assert purge(lead).messages == 2
    lead(standard(block(BOB)), copy.reverse_path, reverse_path="")
    with lead.store.read() as tx:
        (failure,) = failures.listing(tx)
    assert (failure.message, failure.recipient, failure.record, failure.follower) == (2, BOB, ONE, BOB)


def test_an_answer_to_a_signed_address_of_a_purged_message_is_posted(lead: Gateway) -> None:
    copy = posted(lead, BOB)[BOB]
    with lead.store.write() as tx:
        tx.execute("UPDATE outbox SET state = 'sent'")
    purge(lead)
    lead(mail(to=copy.reply_to, message_id="<new@client.org>"), copy.reply_to)
    assert lead.on("crm.lead/1") == [1, 2, 3]


def test_what_is_on_no_record_is_deleted_as_a_whole(gateway: Gateway) -> None:
    gateway(mail(to="catchall@example.com"), "catchall@example.com")
    assert (rows(gateway, "message"), rows(gateway, "outbox")) == (1, 1)
    purge(gateway)
    assert rows(gateway, "message") == 1, "its answer is queued"
    with gateway.store.write() as tx:
        tx.execute("UPDATE outbox SET state = 'sent'")
    purge(gateway, later=1)
    assert {table: rows(gateway, table) for table in ("message", "raw", "effect", "held", "outbox", "purged")} == (
        dict.fromkeys(("message", "raw", "effect", "held", "outbox", "purged"), 0)
    )


def test_what_is_open_is_never_purged(lead: Gateway) -> None:
    lead(mail(to="postmaster@example.com", message_id="<2@x>"), "postmaster@example.com")
    copy = posted(lead, BOB)[BOB]
    lead(standard(block(BOB)), copy.reverse_path, reverse_path="")
    assert purge(lead).messages == 1, "the first one alone"
    assert lead.raw(2)
    assert lead.raw(3)
    assert lead.raw(4)
    with lead.store.write() as tx:
        held.release(tx, 2)
        failures.ack(tx, 1)
        tx.execute("UPDATE outbox SET state = 'sent'")
    assert purge(lead, later=1).messages == 3


def test_only_old_mail_and_only_of_a_model(lead: Gateway) -> None:
    lead(mail(to="jobs@example.com", message_id="<2@x>"), "jobs@example.com")
    lead.now += 2 * YEAR
    lead(mail(message_id="<3@x>"), "info@example.com")
    assert purge(lead, later=1, model="hr.job").messages == 1
    assert [bool(each.subject) for each in lead.messages()] == [True, False, True]
    assert purge(lead, later=1).messages == 1
    assert lead.raw(3)


def test_raw_takes_the_bytes_alone_and_log_the_explanations(lead: Gateway) -> None:
    purge(lead, "raw")
    (stored,) = lead.messages()
    assert (stored.author, bool(stored.subject), rows(lead, "raw")) == (BOB, True, 0)
    assert lead.why(1)
    purge(lead, "log", later=1)
    with pytest.raises(NotFound):
        lead.why(1)
    assert lead.messages()[0].author == BOB
    assert purge(lead, later=1).messages == 1


def test_log_takes_what_nobody_looks_at_any_more(lead: Gateway) -> None:
    copy = posted(lead, BOB)[BOB]
    lead(standard(block(BOB)), copy.reverse_path, reverse_path="")
    with lead.store.write() as tx:
        failures.ack(tx, 1)
        tx.execute("UPDATE outbox SET state = 'sent'")
        changes.note(tx, "ann", "alias list", lead.now)
    purge(lead, "log")
    purge(lead, "log", later=1)
    assert [rows(lead, table) for table in ("failure", "outbox", "change")] == [0, 0, 0]
    assert [each.number for each in lead.messages()] == [1, 2], "the report stood nowhere any more"


@pytest.fixture
def ruled(lead: Gateway) -> Gateway:
    lead.config = lead.config._replace(retention_messages="1y")
    return lead


def test_work_purges_by_rule_once_a_day_and_says_so_in_the_log(ruled: Gateway) -> None:
    ruled.now += 2 * YEAR
    ruled(mail(message_id="<2@x>"), "info@example.com")
    ruled.now += 3 * 86_400
    assert retention.work(ruled.store, ruled.config, ruled.now) == 1
    with ruled.store.read() as tx:
        assert [(each.person, each.command) for each in changes.newest(tx, 5)] == [
            ("[retention]", "1 messages purged: messages older than 365d")
        ]
    assert retention.work(ruled.store, ruled.config, ruled.now + 3_600) == 0
    assert rows(ruled, "purge") == 1
    assert retention.work(ruled.store, ruled.config, ruled.now + 90_000) == 0
    assert rows(ruled, "purge") == 2


def test_a_clock_that_jumps_ahead_purges_nothing(ruled: Gateway) -> None:
    assert retention.work(ruled.store, ruled.config, ruled.now + 30 * YEAR) == 0
    assert rows(ruled, "purge") == 0
    ruled.now += 30 * YEAR
    ruled(mail(message_id="<2@x>"), "info@example.com")
    assert retention.work(ruled.store, ruled.config, ruled.now + 60) == 0
    assert ruled.raw(1)


def test_without_rules_nothing_is_purged(lead: Gateway) -> None:
    assert retention.work(lead.store, lead.config, lead.now + 30 * YEAR) == 0
    assert lead.raw(1)


KILLED = """
import os, signal, sys
from mailgate.gateway import retention
from mailgate.store import database

store, left = database.open_existing(sys.argv[1]), int(sys.argv[2])

def count(statement):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

store._connection.set_trace_callback(count)
with store.read() as tx:
    from mailgate.store import purging
    job = purging.unfinished(tx)
retention.finish(store, job.number, float(sys.argv[3]))
print("done")
"""


def test_killed_at_any_point_it_goes_on(gateway: Gateway) -> None:
    """Sampled statements; after each kill the store is sound, and no message is half there."""
    for number in range(45):
        to = "catchall@example.com" if number % 3 == 0 else "info@example.com"
        gateway(mail(to=to, message_id=f"<{number}@x>", date=None), to)
    gateway.store._connection.execute("UPDATE outbox SET state = 'sent'")
    gateway.now += 2 * YEAR
    with gateway.store.write() as tx:
        number = purging.ask(tx, purging.wanted("messages", gateway.now - YEAR, gateway.now))
    kills = 0
    for point in (3, 9, 23, 41, 77, 120, 160, 203, 5, 310, 9_000):
        command = [sys.executable, "-c", KILLED, str(gateway.path), str(point), str(gateway.now)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
        kills += ran.returncode == -signal.SIGKILL
        with gateway.store.read() as tx:
            assert tx.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            assert tx.execute("PRAGMA foreign_key_check").fetchall() == []
            half = "SELECT 1 FROM message WHERE (subject = '') = EXISTS (SELECT 1 FROM raw WHERE message = number)"
            assert tx.execute(half).fetchall() == []
    assert ran.stdout == "done\n"
    assert kills >= 5
    with gateway.store.read() as tx:
        assert purging.get(tx, number).messages == 45
    assert [rows(gateway, table) for table in ("raw", "message", "purged")] == [0, 20, 20], (
        "the rest was refused: too many from one sender"
    )


def forget(gateway: Gateway, address: str) -> purging.Kept:
    with gateway.store.write() as tx:
        number = purging.ask(tx, purging.wanted("person", gateway.now + YEAR, gateway.now, address=address))
    retention.finish(gateway.store, number, gateway.now)
    with gateway.store.read() as tx:
        return purging.kept(tx, address)


def test_a_person_is_forgotten_wherever_they_were(lead: Gateway) -> None:
    lead.contact(BOB, name="Bob Ray")
    copies = posted(lead, BOB)
    lead(mail(to="catchall@example.com", message_id="<2@x>"), "catchall@example.com")
    lead(standard(block(BOB)), copies[BOB].reverse_path, reverse_path="")
    with lead.store.write() as tx:
        failures.ack(tx, 1)
        tx.execute("UPDATE outbox SET state = 'sent'")
        changes.note(tx, "ann", f"record follow crm.lead/1 {BOB}", lead.now)
        purging.remove(tx, 4, lead.now)
    assert forget(lead, BOB) == purging.Kept((), (), (), "", ())
    left = [line for line in text(lead).splitlines() if BOB in line and 'insert into "raw"' not in line]
    assert left == []
    lead(
        mail(message_id="<9@client.org>", in_reply_to="<first@client.org>", **{"from": "eve@else.org"}),
        "info@example.com",
    )
    assert lead.records() == ["crm.lead/1"], "an answer still finds the record"
    lead(mail(to=copies[BOB].reply_to, message_id="<10@x>"), copies[BOB].reply_to)
    assert lead.messages()[-1].flags == ("bad-detail",), "the signed address gives no rights"


def test_what_is_open_of_a_person_is_kept_and_named(lead: Gateway) -> None:
    lead(mail(to="postmaster@example.com", message_id="<2@x>"), "postmaster@example.com")
    copy = posted(lead, BOB)[BOB]
    lead(standard(block(BOB)), copy.reverse_path, reverse_path="")
    lead.change("info@example.com", notify=(BOB,))
    kept = forget(lead, BOB)
    assert (kept.held, kept.outbox, kept.failures, kept.aliases) == ((2,), (1,), (1,), ("info@example.com",))
    with lead.store.read() as tx:
        assert records.get(tx, ONE).followers == ()
        assert outbox.listing(tx)[0].state == "queued"


def test_others_lose_nothing_when_a_person_is_forgotten(lead: Gateway) -> None:
    lead(mail(message_id="<2@x>", **{"from": "eve@else.org"}), "info@example.com")
    lead.contact("eve@else.org")
    before = lead.raw(2)
    forget(lead, BOB)
    assert lead.raw(2) == before
    assert lead.messages()[1].author == "eve@else.org"
    with lead.store.read() as tx:
        assert contacts.listing(tx) == [Contact("eve@else.org", "")]
        assert records.get(tx, Ref("crm.lead", 2)).followers == ("eve@else.org",)
