"""Receiving with a real store: copies in any order, redelivery, concurrency, and what is remembered."""

import itertools
import multiprocessing
import re
import time
from collections.abc import Callable, Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from helpers.gateway import NOW, Gateway
from helpers.messages import mail

from mailgate.gateway import receive
from mailgate.mail import header
from mailgate.mail.incoming import Incoming
from mailgate.process import bounds
from mailgate.routing import decide as route
from mailgate.routing import resolve
from mailgate.settings.config import Config
from mailgate.store import aliases, database, held, records, schema, senders
from mailgate.store.records import NewRecord
from mailgate.values.problem import StoreError

BOTH = "info@example.com, jobs@example.com"
TWO = ("info@example.com", "jobs@example.com")


def test_a_record_with_everything_on_it(gateway: Gateway) -> None:
    raw = mail("Hi.\r\n\0\xff".encode("latin-1"), subject="=?utf-8?q?Caf=C3=A9?=")
    receipt = gateway(raw, "info@example.com")
    (record,) = gateway.every_record()
    assert (str(record.ref), record.name, record.alias, record.domain) == (
        "crm.lead/1",
        "Café",
        "info@example.com",
        "example.com",
    )
    assert record.values == {"team": "sales", "email_from": "bob@client.org"}
    assert record.followers == ("bob@client.org",)
    assert receipt.number is not None
    assert gateway.raw(receipt.number) == raw
    assert gateway.on("crm.lead/1") == [receipt.number]
    why = gateway.why(receipt.number)
    assert why["outcomes"][0]["record"] == "crm.lead/1"
    assert why["mta"] == {"exit": 0, "status": "2.0.0", "text": ""}
    with gateway.store.read() as tx:
        assert aliases.get(tx, "info@example.com").status == "valid"


@pytest.mark.parametrize(
    ("values", "name"), [({}, "Hello"), ({"name": "Fixed"}, "Fixed")], ids=["from-the-subject", "from-the-alias"]
)
def test_a_record_is_named_after_the_subject_or_the_alias(gateway: Gateway, values: dict[str, str], name: str) -> None:
    gateway.change("info@example.com", values=values)
    gateway(mail(), "info@example.com")
    (record,) = gateway.every_record()
    assert (record.name, record.values) == (name, {"email_from": "bob@client.org"})


@pytest.mark.parametrize(
    ("fields", "followers"),
    [
        pytest.param({}, ("bob@client.org",), id="a-person"),
        pytest.param({"from": "Anna@Example.com"}, ("anna@example.com",), id="a-person-in-an-own-domain"),
        pytest.param({"from": '"Bob Ray"@client.org'}, ('"bob ray"@client.org',), id="a-quoted-local-part"),
        pytest.param({"from": "jobs@example.com"}, (), id="an-own-address"),
        pytest.param({"from": "a@x.org, b@x.org"}, (), id="author-unknown"),
        pytest.param({"list_id": "<x>"}, (), id="a-list"),
        pytest.param({"auto_submitted": "auto-generated"}, (), id="a-robot"),
    ],
)
def test_who_follows_a_new_record(gateway: Gateway, fields: dict[str, str | None], followers: tuple[str, ...]) -> None:
    gateway(mail(**fields), "info@example.com")
    (record,) = gateway.every_record()
    assert record.followers == followers


@pytest.mark.parametrize("to", [BOTH, "x@y.org", "info@example.com"], ids=["named", "blind", "one-named"])
@pytest.mark.parametrize("order", list(itertools.permutations((("info@example.com",), ("jobs@example.com",), TWO))))
def test_two_aliases_make_two_records_however_often_it_is_delivered(
    gateway: Gateway, to: str, order: Sequence[tuple[str, ...]]
) -> None:
    raw = mail(to=to)
    for recipients in (*order, *order):
        assert gateway(raw, *recipients).decision.status.exit == 0
    assert gateway.records() == ["crm.lead/1", "hr.job/1"]
    assert gateway.outbox() == []
    assert gateway.held() == []


def test_two_aliases_of_one_model_blind_and_with_references_to_a_thread_we_never_saw(gateway: Gateway) -> None:
    raw = mail(to="x@y.org", references="<elsewhere@x.org>")
    for recipient in ("info@example.com", "sales@example.com", "info@example.com"):
        gateway(raw, recipient)
    assert gateway.made() == ["crm.lead by info@example.com", "crm.lead by sales@example.com"]
    assert [len(gateway.on(each)) for each in gateway.records()] == [1, 1]


def test_redelivery_of_a_message_that_mentions_a_thread_we_never_saw(gateway: Gateway) -> None:
    raw = mail(references="<elsewhere@x.org>")
    for _ in range(3):
        gateway(raw, "info@example.com")
    assert (gateway.records(), len(gateway.messages())) == (["crm.lead/1"], 1)


@pytest.mark.parametrize(
    "order", list(itertools.permutations(("info@example.com", "jobs@example.com", "help@other.test")))
)
def test_an_answer_to_either_of_the_records_finds_it(gateway: Gateway, order: Sequence[str]) -> None:
    for recipient in order:
        gateway(mail(to="x@y.org"), recipient)
    for address in order:
        gateway(mail(to=address, references="<m1@client.org>", message_id=f"<re-{address}>"), address)
    assert gateway.records() == ["crm.lead/1", "help.ticket/1", "hr.job/1"]
    assert [len(gateway.on(each)) for each in gateway.records()] == [2, 2, 2]


@pytest.mark.parametrize("together", [True, False], ids=["one-call", "two-calls"])
def test_what_a_copy_made_of_a_forged_stranger_changes_nothing(gateway: Gateway, together: bool) -> None:
    """The first makes him follow a record; he is nobody whom we know by that."""
    gateway.config = gateway.config._replace(authserv_ids=("mx.example.com",), border_strips=True)
    forged = ("Authentication-Results", "mx.example.com; dmarc=fail header.from=client.org")
    recipients = ["info@example.com", "jobs@example.com"]
    raw = mail("Hi.\n", forged, to="x@y.org")
    for each in [*([recipients] if together else [[one] for one in recipients]), recipients]:
        gateway(raw, *each)
    assert (gateway.records(), gateway.held(), len(gateway.messages())) == (
        ["crm.lead/1", "hr.job/1"],
        [],
        1 if together else 2,
    )


@pytest.mark.parametrize("order", [("log", "info"), ("info", "log"), ("log", "info", "log,info"), ("log,info",)])
def test_what_a_copy_made_of_its_author_makes_it_no_answer(gateway: Gateway, order: tuple[str, ...]) -> None:
    """It puts him on a record where somebody else named the id that he names."""
    with gateway.store.write() as tx:
        ref = records.make(tx, NewRecord("crm.lead", "Log", {}), NOW)
    gateway.alias("log@example.com", "crm.lead", record=ref)
    first = mail("One.\n", to="y@y.org", references="<r@x.org>", message_id="<1@x.org>", **{"from": "ann@x.org"})
    gateway(first, "log@example.com")
    raw = mail("Two.\n", to="x@y.org", references="<r@x.org>")
    for each in order:
        gateway(raw, *(f"{name}@example.com" for name in each.split(",")))
    assert (len(gateway.on("crm.lead/1")), len(gateway.on("crm.lead/2")), len(gateway.records())) == (2, 1, 2)


def test_another_route_and_other_line_ends_are_the_same_message(gateway: Gateway) -> None:
    gateway(mail(), "info@example.com")
    again = b"Received: by mx2\r\nDelivered-To: info@example.com\r\n" + mail().replace(b"\n", b"\r\n") + b"\r\n"
    receipt = gateway(again, "info@example.com")
    assert receipt.number is None
    assert receipt.decision.outcomes[0].seen == 1


def test_a_reused_message_id_is_accepted_and_flagged(gateway: Gateway) -> None:
    gateway(mail("One.\n"), "info@example.com")
    gateway(mail("Two.\n"), "info@example.com")
    assert gateway.records() == ["crm.lead/1", "crm.lead/2"]
    assert [each.flags for each in gateway.messages()] == [(), ("reused-id",)]
    gateway(mail(references="<m1@client.org>", message_id="<m2@client.org>"), "info@example.com")
    assert (len(gateway.on("crm.lead/1")), len(gateway.on("crm.lead/2"))) == (2, 1), "the squatter is no parent"


DATE = "Mon, 30 Nov 2026 10:00:00 +0000"
LISTED = mail("Do you sell pumps?\n-- \nfooter of the list\n", ("List-Id", "<l.x.org>"), subject="[l] Hello", date=DATE)
PLAIN = mail("Do you sell pumps?\n", date=DATE)


@pytest.mark.parametrize("copies", [(LISTED, PLAIN), (PLAIN, LISTED), (LISTED, PLAIN, LISTED, PLAIN)])
def test_a_lists_copy_and_a_plain_copy_are_one(gateway: Gateway, copies: Sequence[bytes]) -> None:
    for raw in copies:
        gateway(raw, "info@example.com")
    assert gateway.records() == ["crm.lead/1"]
    assert [each.flags for each in gateway.messages()] == [(), ()]
    assert [gateway.raw(each.number) for each in gateway.messages()] == list(copies[:2]), "nothing is ignored unkept"
    completes = copies[0] == LISTED  # a person's mail is on the record, whatever came before it
    assert gateway.on("crm.lead/1") == ([1, 2] if completes else [1])


@pytest.mark.parametrize("forged_first", [True, False])
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        pytest.param("Yes, I agree.\n", {}, id="other-words"),
        pytest.param("Do you sell pumps?\n", {"reply_to": "eve@evil.org"}, id="another-answer-address"),
        pytest.param("Do you sell pumps?\n", {"date": "Tue, 1 Dec 2026 10:00:00 +0000"}, id="another-date"),
        pytest.param("Do you sell pumps?\n", {"subject": "[l] Invoice"}, id="another-subject"),
        pytest.param("Do you sell pumps?\n" + "Buy here.\n" * 21, {}, id="too-much-behind"),
        pytest.param("Buy here.\n" * 6 + "Do you sell pumps?\n", {}, id="too-much-before"),
        pytest.param("Say no to: do\nDo you sell\npumps?\n", {}, id="text-in-the-middle"),
    ],
)
def test_what_only_looks_like_a_lists_copy_hides_no_mail(
    gateway: Gateway, body: str, fields: dict[str, str], forged_first: bool
) -> None:
    """Whoever knows a Message-ID, or guesses it, can send it first with the fields of a list."""
    forged = mail(body, ("List-Id", "<l.x.org>"), **{"date": DATE, **fields})
    for raw in (forged, PLAIN) if forged_first else (PLAIN, forged):
        gateway(raw, "info@example.com")
    assert gateway.records() == ["crm.lead/1", "crm.lead/2"]
    assert [each.flags for each in gateway.messages()] == [(), ("reused-id",)]


def test_a_copy_that_a_gateway_marked_is_the_same_mail(gateway: Gateway) -> None:
    gateway(
        mail("[EXTERNAL] Take care.\n\nDo you sell pumps?\n", subject="[EXTERNAL] Hello", date=DATE), "info@example.com"
    )
    gateway(PLAIN, "info@example.com")
    gateway(PLAIN, "info@example.com")
    assert (gateway.records(), len(gateway.messages())) == (["crm.lead/1"], 2)


def test_a_lists_copy_has_the_effects_the_plain_one_had_not(gateway: Gateway) -> None:
    gateway(PLAIN, "info@example.com")
    gateway(LISTED, "info@example.com", "jobs@example.com")
    assert gateway.records() == ["crm.lead/1", "hr.job/1"]


def test_a_refusal_repeated_is_not_answered_twice(gateway: Gateway) -> None:
    raw = mail(to="catchall@example.com")
    receipts = [gateway(raw, "catchall@example.com") for _ in range(3)]
    assert {each.decision.status.exit for each in receipts} == {0}
    assert gateway.outbox() == ["catchall bob@client.org"]
    assert (gateway.held(), gateway.held(refused=True), len(gateway.messages())) == ([], ["catchall"], 1)


def test_a_second_refusal_within_the_window_is_not_answered_but_kept(gateway: Gateway) -> None:
    for spelling in ("catchall@example.com", "CATCHALL@example.com", "catchall+x@example.com"):
        gateway(mail(to=spelling, message_id=f"<{spelling}>"), spelling)
    assert gateway.outbox() == ["catchall bob@client.org"]
    assert gateway.held(refused=True) == ["catchall"] * 3
    gateway.now += 121 * 60
    gateway(mail(to="catchall@example.com", message_id="<later>"), "catchall@example.com")
    assert len(gateway.outbox()) == 2


def test_a_sender_gets_at_most_five_refusals_a_day_in_any_case_of_letters(gateway: Gateway) -> None:
    for number in range(8):
        gateway.now += 121 * 60
        sender = "".join(c.upper() if number >> at & 1 else c for at, c in enumerate("bob")) + "@client.org"
        gateway(mail(to="catchall@example.com", message_id=f"<{number}>"), "catchall@example.com", reverse_path=sender)
    assert len(gateway.outbox()) == 5


def test_the_gateway_sends_at_most_a_hundred_refusals_an_hour(gateway: Gateway) -> None:
    for number in range(103):
        sender = f"u{number}@client{number}.org"
        gateway(mail(to="catchall@example.com", message_id=f"<{number}>"), "catchall@example.com", reverse_path=sender)
    assert len(gateway.outbox()) == 100
    assert (len(gateway.held(refused=True)), gateway.held()) == (100, ["catchall"] * 3)


def test_a_refusal_that_is_opened_later_is_acted_on(gateway: Gateway) -> None:
    gateway.change("info@example.com", policy="contacts")
    gateway(mail(), "info@example.com")
    assert (gateway.records(), gateway.outbox()) == ([], ["policy bob@client.org"])
    gateway.contact("bob@client.org")
    gateway(mail(), "info@example.com")
    assert gateway.records() == ["crm.lead/1"]


def test_refused_by_status_leaves_nothing(gateway: Gateway) -> None:
    receipt = gateway(mail(to="x@y.org"), "nobody@example.com")
    assert (receipt.decision.status.exit, receipt.number) == (67, None)
    assert gateway.messages() == []


def test_the_record_answered_speaks_with_the_domain_and_text_of_its_alias(gateway: Gateway) -> None:
    gateway.change("help@other.test", policy="contacts", refusal="Please telephone.")
    gateway.contact("anna@x.org")
    gateway(mail(to="help@other.test", **{"from": "anna@x.org"}), "help@other.test")
    receipt = gateway(
        mail(to="catchall@example.com", references="<m1@client.org>", message_id="<2>"), "catchall@example.com"
    )
    (letter,) = receipt.decision.outgoing
    assert (letter.domain, letter.about, letter.text) == ("other.test", ("help@other.test",), "Please telephone.")
    with gateway.store.read() as tx:
        (octets,) = tx.execute("SELECT octets FROM outbox").fetchone()
    assert b"returns@other.test" in octets
    assert b"Please telephone." in octets


def test_the_rate_counts_only_what_mail_made_of_this_sender(gateway: Gateway) -> None:
    gateway.parameter("mail.gateway.loop.threshold", "3")
    with gateway.store.write() as tx:
        for _ in range(5):
            records.make(tx, NewRecord("crm.lead", "by hand", {"email_from": "bob@client.org"}), gateway.now)
    for number in range(5):
        gateway(mail(message_id=f"<{number}>"), "info@example.com")
    gateway(mail(message_id="<eve>", **{"from": "eve@client.org"}), "info@example.com")
    gateway(mail(message_id="<job>", to="jobs@example.com"), "jobs@example.com")
    assert len(gateway.every_record()) == 5 + 3 + 1 + 1
    assert gateway.held(refused=True) == ["rate-limit"] * 2
    gateway.now += 121 * 60
    gateway(mail(message_id="<later>"), "info@example.com")
    assert len(gateway.every_record()) == 11


@pytest.mark.parametrize(
    "calls", [[("info@example.com", "sales@example.com")], [("info@example.com",), ("sales@example.com",)]]
)
def test_the_rate_is_the_same_in_one_call_and_in_two(gateway: Gateway, calls: list[tuple[str, ...]]) -> None:
    gateway.parameter("mail.gateway.loop.threshold", "2")
    gateway(mail(message_id="<first>"), "info@example.com")
    for recipients in (*calls, *calls):
        gateway(mail(to="x@y.org", message_id="<second>"), *recipients)
    assert gateway.records() == ["crm.lead/1", "crm.lead/2", "crm.lead/3"]
    gateway(mail(to="x@y.org", message_id="<third>"), "info@example.com")
    assert len(gateway.records()) == 3


def test_the_fallback_is_counted_too(gateway: Gateway) -> None:
    gateway.parameter("mail.gateway.loop.threshold", "2")
    for number in range(4):
        gateway(mail(message_id=f"<{number}>", to="x@example.com"), "x@example.com", fallback="ticket")
    assert gateway.records() == ["ticket/1", "ticket/2"]


def test_the_allow_list_exempts_from_the_rate(gateway: Gateway) -> None:
    gateway.parameter("mail.gateway.loop.threshold", "1")
    with gateway.store.write() as tx:
        senders.put(tx, "BOB@client.org", "allow")
    for number in range(3):
        gateway(mail(message_id=f"<{number}>"), "info@example.com")
    assert len(gateway.records()) == 3


@pytest.mark.parametrize(
    "sender", [{"from": "bob@client.org"}, {"from": "eve@else.org"}], ids=["author", "reverse-path"]
)
def test_the_mail_of_a_blocked_sender_is_held(gateway: Gateway, sender: dict[str, str | None]) -> None:
    with gateway.store.write() as tx:
        senders.put(tx, "bob@client.org", "block")
    gateway(mail(**sender), "info@example.com")
    assert (gateway.held(), gateway.records(), gateway.outbox()) == (["blocked"], [], [])


def test_a_forced_record_that_is_gone_makes_the_alias_invalid(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        ref = records.make(tx, NewRecord("project", "p", {}), NOW)
    gateway.alias("forced@example.com", "project", record=ref)
    gateway(mail(to="forced@example.com"), "forced@example.com")
    assert gateway.on("project/1") == [1]
    with gateway.store.write() as tx:
        records.remove(tx, ref)
    raw = mail(to="forced@example.com, info@example.com", message_id="<2>")
    gateway(raw, "forced@example.com", "info@example.com")
    assert (gateway.records(), gateway.held()) == (["crm.lead/1"], ["misconfigured"])
    with gateway.store.read() as tx:
        assert aliases.get(tx, "forced@example.com").status == "invalid"


def test_a_late_joiner_finds_the_thread_by_a_mentioned_id(gateway: Gateway) -> None:
    gateway(mail(references="<outside@x.org>"), "info@example.com")
    gateway(mail(references="<outside@x.org>", message_id="<2>"), "info@example.com")
    gateway(mail(references="<outside@x.org>", message_id="<3>", **{"from": "eve@else.org"}), "info@example.com")
    assert (gateway.on("crm.lead/1"), gateway.on("crm.lead/2")) == ([1, 2], [3])


def test_an_answer_at_the_catchall_to_a_refused_message_is_no_reply(gateway: Gateway) -> None:
    gateway(mail(to="catchall@example.com"), "catchall@example.com")
    raw = mail(to="catchall@example.com", references="<m1@client.org>", message_id="<2>", **{"from": "eve@x.org"})
    receipt = gateway(raw, "catchall@example.com", reverse_path="eve@x.org")
    assert [each.reason for each in receipt.decision.outcomes] == ["catchall"]


def test_our_refusal_that_comes_back_is_ignored(gateway: Gateway) -> None:
    gateway(mail(to="catchall@example.com"), "catchall@example.com")
    with gateway.store.read() as tx:
        (octets,) = tx.execute("SELECT octets FROM outbox").fetchone()
    receipt = gateway(octets, "info@example.com", reverse_path="")
    assert [(each.action, each.reason) for each in receipt.decision.outcomes] == [("ignore", "loop")]
    assert (gateway.records(), len(gateway.outbox())) == ([], 1)


@pytest.mark.parametrize(
    "broken",
    [
        lambda patch: patch.setattr(header, "scan", _raise),
        lambda patch: patch.setattr(route, "decide", _raise),
        lambda patch: patch.setattr(resolve, "spelled", _raise),
        lambda patch: (
            patch.setattr(route, "decide", _use_all_memory),
            patch.setattr(bounds, "has_used_memory", lambda: True),
        ),
        lambda patch: (patch.setattr(header, "scan", _never_end), patch.setattr(receive, "READING", 0.05)),
        lambda patch: (patch.setattr(route, "decide", _never_end), patch.setattr(receive, "JUDGING", 0.05)),
    ],
    ids=["reading", "deciding", "resolving", "memory", "time-to-read", "time-to-decide"],
)
def test_what_our_judgement_cannot_take_is_held(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, broken: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """So that it poisons no queue: it is tried once, not for five days."""
    broken(monkeypatch)
    receipts = [gateway(mail(), "info@example.com") for _ in range(2)]
    assert {each.decision.status.exit for each in receipts} == {0}
    assert gateway.held() == ["failed"]
    assert gateway.raw(1) == mail()
    assert re.match("(RecursionError|MemoryError|Overrun): ", gateway.why(1)["outcomes"][0]["note"])


def test_a_busy_machine_is_no_fault_of_a_message(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that passes without work counts for the deadline of the process, which defers, and for no verdict."""
    monkeypatch.setattr(receive, "READING", 0.05)
    monkeypatch.setattr(receive, "JUDGING", 0.05)
    scan, decide = header.scan, route.decide
    monkeypatch.setattr(header, "scan", lambda raw: (time.sleep(0.2), scan(raw))[1])
    monkeypatch.setattr(route, "decide", lambda *given: (time.sleep(0.2), decide(*given))[1])
    gateway(mail(), "info@example.com")
    assert (gateway.records(), gateway.held()) == (["crm.lead/1"], [])


def _raise(*_: object) -> None:
    raise RecursionError("deep")


def _use_all_memory(*_: object) -> None:
    raise MemoryError


def _never_end(*_: object) -> None:
    while True:
        pass


def test_a_store_without_a_domain_defers(tmp_path: Path) -> None:
    empty = schema.open_or_create(tmp_path / "empty.db")
    with pytest.raises(StoreError):
        receive.receive(empty, Config(None, str(tmp_path / "empty.db")), Incoming(mail(), "b@x.org", ("a@x.org",)), NOW)
    empty.close()


def test_a_preview_writes_nothing(gateway: Gateway) -> None:
    incoming = Incoming(mail(), "bob@client.org", ("info@example.com",))
    receipt = receive.preview(gateway.store, gateway.config, incoming, NOW)
    assert [each.action for each in receipt.decision.outcomes] == ["create"]
    assert (gateway.messages(), gateway.records()) == ([], [])


def deliver(path: str, raw: bytes, recipients: tuple[str, ...], barrier: Barrier) -> None:
    """One process of many, released together."""
    opened = database.open_existing(path)
    barrier.wait(30)
    receipt = receive.receive(opened, Config(None, path), Incoming(raw, "bob@client.org", recipients), NOW)
    assert receipt.decision.status.exit == 0


def at_once(gateway: Gateway, jobs: list[tuple[bytes, tuple[str, ...]]]) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(jobs))
    workers = [context.Process(target=deliver, args=(str(gateway.path), *job, barrier)) for job in jobs]
    gateway.store.close()  # a connection must not be carried across a fork
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    gateway.store = database.open_existing(gateway.path)
    assert [worker.exitcode for worker in workers] == [0] * len(jobs)


@pytest.mark.parametrize("to", [BOTH, "x@y.org"], ids=["named", "blind"])
def test_eight_processes_make_the_two_records_once(gateway: Gateway, to: str) -> None:
    raw = mail(to=to)
    at_once(
        gateway, [(raw, recipients) for recipients in (*((each,) for each in TWO), TWO, TWO[::-1]) for _ in range(2)]
    )
    assert gateway.records() == ["crm.lead/1", "hr.job/1"]


def test_eight_processes_send_one_refusal(gateway: Gateway) -> None:
    at_once(gateway, [(mail(to="catchall@example.com"), ("catchall@example.com",))] * 8)
    assert gateway.outbox() == ["catchall bob@client.org"]


def test_eight_processes_keep_to_the_rate(gateway: Gateway) -> None:
    gateway.parameter("mail.gateway.loop.threshold", "3")
    at_once(gateway, [(mail(message_id=f"<{number}>"), ("info@example.com",)) for number in range(8)])
    assert gateway.records() == ["crm.lead/1", "crm.lead/2", "crm.lead/3"]


def test_a_persons_copy_is_not_hidden_behind_a_quiet_one_of_a_list(gateway: Gateway) -> None:
    gateway.change("info@example.com", policy="contacts")
    one = {"to": "info@example.com", "message_id": "<one@client.org>"}
    plain = mail("Hello.\n", ("X-Auto-Response-Suppress", "All"), **one)
    listed = mail("Hello, list.\n", ("List-Id", "<l.org>"), **one)
    for raw in (listed, plain, plain):
        gateway(raw, "info@example.com")
    with gateway.store.read() as tx:
        assert [each.quiet for each in held.listing(tx)] == [True, False]


def test_an_explanation_stays_short(gateway: Gateway) -> None:
    to = "info@example.com, " + ", ".join(f"catchall+{n}@example.com" for n in range(1000))
    steps = gateway(mail(to=to)).decision.steps
    assert max(len(step.saw) for step in steps) == route.SAW_LIMIT
