"""Failures: recorded once, bettered, counted, seen to; and what they stop."""

import itertools
from collections.abc import Callable

import pytest
from build import BOB, mail
from dialect import BOUNCE, DAEMON, Copy, block, complaint, multipart, notice, posted, standard
from gate import Gate

from mailgate.gateway import post
from mailgate.gateway.post import Text
from mailgate.routing.decision import Reported
from mailgate.store import contacts, failures, held, outbox, records
from mailgate.store.failures import Failure
from mailgate.values.directory import Contact
from mailgate.values.problem import NotFound, Problem
from mailgate.values.record import Ref

CARL, DORA = "carl@client.org", "dora@client.org"
ONE = Ref("crm.lead", 1)
_numbers = itertools.count(1)


@pytest.fixture
def sent(gate: Gate) -> dict[str, Copy]:
    """A post on crm.lead/1, which Bob made, to Bob and Carl, who follow it."""
    gate(mail(), "info@example.com")
    follow(gate, CARL)
    return posted(gate)


def follow(gate: Gate, address: str, record: Ref = ONE) -> None:
    with gate.store.write() as tx:
        records.follow(tx, record, address)


def come(gate: Gate, raw: bytes, recipient: str = BOUNCE) -> None:
    """A daemon sends a report; each is another message."""
    gate(raw.replace(b"<report.1@", f"<report.{next(_numbers)}@".encode()), recipient, reverse_path="")


def listed(gate: Gate, *, acked: bool = True) -> list[Failure]:
    with gate.store.read() as tx:
        return failures.listing(tx, acked=acked)


def entry(gate: Gate) -> Failure:
    """The only failure there is."""
    (found,) = listed(gate)
    return found


def ack(gate: Gate, number: int = 1) -> Failure:
    with gate.store.write() as tx:
        return failures.ack(tx, number)


def contact(gate: Gate, address: str) -> Contact:
    with gate.store.read() as tx:
        return contacts.contact(tx, address)


def copies(gate: Gate, raw: bytes, recipient: str = "info@example.com", reverse_path: str = BOB) -> list[str]:
    """To whom a message goes on."""
    with gate.store.read() as tx:
        before = {each.number for each in outbox.listing(tx)}
    gate(raw, recipient, reverse_path=reverse_path)
    with gate.store.read() as tx:
        return [each.recipient for each in outbox.listing(tx) if each.kind == "copy" and each.number not in before]


def answer(copy: Copy, author: str = BOB, **fields: str | None) -> bytes:
    """What a follower answers to the signed address."""
    given: dict[str, str | None] = {"from": author, "to": copy.reply_to, "references": copy.message_id}
    return mail("Yes.\n", message_id=f"<a{next(_numbers)}@client.org>", **(given | fields))


def test_an_entry_with_everything_in_it(gate: Gate, sent: dict[str, Copy]) -> None:
    said = "550 5.1.1 <bob@client.org>: user unknown"
    told = block(BOB, said=said) + "Remote-MTA: dns; mx.client.org\n"
    come(gate, standard(told, original=sent[BOB].header()), sent[BOB].reverse_path)
    report = gate.messages()[-1].number
    assert entry(gate) == Failure(
        number=1,
        recipient=BOB,
        message=sent[BOB].number,
        message_id=sent[BOB].message_id,
        record=ONE,
        follower=BOB,
        action="failed",
        status="5.1.1",
        kind="no-such-address",
        permanent=True,
        diagnostic=said,
        remote="mx.client.org",
        report=report,
        state="open",
        made=gate.now,
    )
    made = entry(gate)
    with gate.store.read() as tx:
        assert failures.get(tx, 1) == made
        assert failures.of_message(tx, sent[BOB].number) == [made]
        assert failures.of_message(tx, report) == []
        assert held.waiting(tx).failures == 1


WORDINGS: dict[str, Callable[[Copy], tuple[bytes, str]]] = {
    "report": lambda copy: (standard(block(BOB), original=copy.header()), copy.reverse_path),
    "report-without-the-message": lambda copy: (standard(block(BOB), original="\n"), copy.reverse_path),
    "other-code": lambda copy: (standard(block(BOB, status="5.7.1"), original=copy.header()), BOUNCE),
    "other-words": lambda copy: (standard(block(BOB, said="550 mailbox is full"), original=copy.header()), BOUNCE),
    "other-spelling": lambda copy: (standard(block("Bob@CLIENT.org"), original=copy.header()), BOUNCE),
    "notice": lambda copy: (
        notice(f"<{BOB}>:\nSorry, no mailbox here by that name.\n\n--- Below this line is a copy.\n\n{copy.header()}"),
        BOUNCE,
    ),
    "names-nobody": lambda copy: (
        multipart(("text/plain", "Could not be delivered."), ("message/rfc822", copy.header())),
        copy.reverse_path,
    ),
    "at-an-alias": lambda copy: (standard(block(BOB), original=copy.header(), subject="Again"), "info@example.com"),
}


@pytest.mark.parametrize("first", WORDINGS)
def test_a_failure_is_recorded_once_in_whatever_wording(gate: Gate, sent: dict[str, Copy], first: str) -> None:
    gate.contact(BOB)
    for _ in range(2):
        for way in (WORDINGS[first], *WORDINGS.values()):
            come(gate, *way(sent[BOB]))
    assert [(each.recipient, each.message, each.follower) for each in listed(gate)] == [(BOB, sent[BOB].number, BOB)]
    assert contact(gate, BOB).bounces == 1


def test_the_same_report_counts_once(gate: Gate) -> None:
    """Although it names no message."""
    raw = standard(block(BOB), original="\n")
    for recipient in (BOUNCE, BOUNCE, "info@example.com"):
        gate(raw, recipient, reverse_path="")
    assert len(listed(gate)) == 1


def test_every_message_and_every_recipient_fails_for_itself(gate: Gate, sent: dict[str, Copy]) -> None:
    later = posted(gate)
    for copy, address in itertools.product((sent[BOB], later[BOB]), (BOB, CARL)):
        come(gate, standard(block(address), original=copy.header()))
    expected = [(copy[BOB].number, address) for copy in (sent, later) for address in (BOB, CARL)]
    assert [(each.message, each.recipient) for each in listed(gate)] == expected


def test_reports_that_name_no_message_are_told_apart(gate: Gate) -> None:
    for _ in range(2):
        come(gate, standard(block(BOB), original="\n"))
    assert [(each.recipient, each.message, each.message_id) for each in listed(gate)] == [(BOB, None, None)] * 2


def test_reports_on_a_message_that_nobody_knows_are_one(gate: Gate) -> None:
    for _ in range(2):
        come(gate, standard(block(BOB)))
    assert (entry(gate).message, entry(gate).message_id) == (None, "<orig.1@example.com>")


UNKNOWN: dict[str, bytes] = {
    "no-reason": standard(block(BOB, status="5.9.9", said="xyzzy")),
    "no-recipient": multipart(("text/plain", "Your message could not be delivered.")),
    "nothing-but-words": notice("Your message could not be delivered, and nobody says why.\n"),
    "a-recipient-that-is-no-address": standard(block("ann@#client.org")),
}


@pytest.mark.parametrize("raw", UNKNOWN.values(), ids=UNKNOWN)
def test_what_cannot_be_understood_is_kept(gate: Gate, raw: bytes) -> None:
    come(gate, raw)
    assert (entry(gate).state, entry(gate).action, entry(gate).follower) == ("open", "failed", None)
    assert entry(gate).kind == ("no-such-address" if b"#client" in raw else "unknown")
    assert gate.raw(entry(gate).report)


FULL = block(BOB, status="4.2.2", said="452 4.2.2 mailbox full")
GONE = block(BOB, said="550 5.1.1 user unknown")
BETTERED = {
    "unknown-becomes-known": (block(BOB, status="5.0.0", said="xyzzy"), GONE, ("no-such-address", "5.1.1", True)),
    "known-stays-known": (GONE, block(BOB, status="5.0.0", said="xyzzy"), ("no-such-address", "5.1.1", True)),
    "the-first-reason-stays": (GONE, block(BOB, status="5.7.1", said="spam"), ("no-such-address", "5.1.1", True)),
    "transient-becomes-permanent": (FULL, GONE, ("no-such-address", "5.1.1", True)),
    "permanent-stays-permanent": (GONE, FULL, ("no-such-address", "5.1.1", True)),
    "permanent-and-unknown-stays-permanent": (
        block(BOB, status="5.9.9", said="xyzzy"),
        FULL,
        ("unknown", "5.9.9", True),
    ),
    "unknown-twice": (
        block(BOB, status="5.9.9", said="xyzzy"),
        block(BOB, status="5.0.0", said="plugh"),
        ("unknown", "5.9.9", True),
    ),
    "a-delay-says-nothing": (GONE, block(BOB, "delayed", "4.4.1"), ("no-such-address", "5.1.1", True)),
}


@pytest.mark.parametrize(("first", "second", "expected"), BETTERED.values(), ids=BETTERED)
@pytest.mark.parametrize("acked", [False, True], ids=["open", "acked"])
def test_a_better_report_betters_the_entry(
    gate: Gate, sent: dict[str, Copy], first: str, second: str, expected: tuple[str, str, bool], acked: bool
) -> None:
    come(gate, standard(first, original=sent[BOB].header()))
    made = entry(gate)
    if acked:
        ack(gate)
    come(gate, standard(second, original=sent[BOB].header()))
    found = entry(gate)
    assert (found.kind, found.status, found.permanent) == expected
    worse = found.permanent and not made.permanent  # what somebody has seen to was not this
    assert (found.state, found.made, found.report) == (
        *("acked" if acked and not worse else "open", made.made, made.report),
    )


@pytest.mark.parametrize("acked", [False, True], ids=["open", "acked"])
def test_a_later_proof_is_noted(gate: Gate, acked: bool) -> None:
    """The first report named only what another program sent."""
    gate(mail(), "info@example.com")
    raw = mail(message_id="<erp.1@example.com>", to=BOB, **{"from": "info@example.com"})
    made = post.register(gate.store, ONE, raw, (), gate.now)
    come(gate, standard(GONE, original="Message-ID: <erp.1@example.com>\n\n"))
    assert entry(gate).follower is None
    if acked:
        ack(gate)
    come(gate, standard(GONE, original="\n"), made.reverse_path)
    assert (entry(gate).follower, entry(gate).state) == (BOB, "acked" if acked else "open")
    come(gate, standard(GONE, original="Message-ID: <erp.1@example.com>\n\n"))
    assert entry(gate).follower == BOB


def test_a_complaint_beside_a_failure(gate: Gate, sent: dict[str, Copy]) -> None:
    """Each is a matter of its own, whichever comes first, and stays one."""
    for raw in (complaint("", original=sent[BOB].header(to=BOB)), standard(GONE, original=sent[BOB].header())) * 2:
        come(gate, raw)
    assert [(each.kind, each.recipient) for each in listed(gate)] == [("complaint", BOB), ("no-such-address", BOB)]


def test_counts_on_contacts(gate: Gate, sent: dict[str, Copy]) -> None:
    """Every failed message counts, until the contact himself writes; a machine that answers for him is not he."""
    gate.contact(BOB)
    gate.contact(CARL)
    for copy in (sent[BOB], posted(gate)[BOB]):
        come(gate, standard(GONE, original=copy.header()))
        come(gate, standard(block(BOB, "delayed", "4.4.1"), original=copy.header()))
    assert (contact(gate, BOB).bounces, contact(gate, CARL).bounces) == (2, 0)
    gate(answer(sent[BOB], auto_submitted="auto-replied"), sent[BOB].reply_to)
    gate(answer(sent[BOB]), sent[BOB].reply_to, reverse_path="")
    gate(answer(sent[CARL], CARL), sent[CARL].reply_to, reverse_path=CARL)
    gate(answer(sent[BOB]), BOUNCE)  # held
    assert contact(gate, BOB).bounces == 2
    gate(answer(sent[BOB], "Bob Ray <BOB@client.org>"), sent[BOB].reply_to)
    assert contact(gate, BOB).bounces == 0
    come(gate, standard(GONE, original=posted(gate)[BOB].header()))
    assert contact(gate, BOB).bounces == 1


def test_a_new_record_resets_the_count_as_well(gate: Gate, sent: dict[str, Copy]) -> None:
    gate.contact(BOB)
    come(gate, standard(GONE, original=sent[BOB].header()))
    gate(mail(message_id="<new@client.org>"), "jobs@example.com")
    assert contact(gate, BOB).bounces == 0
    assert entry(gate).state == "open"


STOPS = {
    "permanent-and-proved": (GONE, True, []),
    "permanent-and-unproved": (GONE, False, [CARL]),
    "transient-and-proved": (FULL, True, [CARL]),
    "delayed": (block(BOB, "delayed", "5.4.1"), True, [CARL]),
}


@pytest.mark.parametrize(("told", "proved", "expected"), STOPS.values(), ids=STOPS)
def test_a_proved_permanent_failure_stops_copies(
    gate: Gate, sent: dict[str, Copy], told: str, proved: bool, expected: list[str]
) -> None:
    told = told.replace(BOB, CARL)
    come(gate, standard(told, original="\n"), sent[CARL].reverse_path if proved else BOUNCE)
    assert copies(gate, answer(sent[BOB]), sent[BOB].reply_to) == expected


def test_ack_frees_the_follower(gate: Gate, sent: dict[str, Copy]) -> None:
    come(gate, standard(GONE.replace(BOB, CARL), original="\n"), sent[CARL].reverse_path)
    assert copies(gate, answer(sent[BOB]), sent[BOB].reply_to) == []
    assert ack(gate).state == "acked"
    assert (listed(gate, acked=False), len(listed(gate))) == ([], 1)
    with gate.store.read() as tx:
        assert held.waiting(tx).failures == 0
    assert copies(gate, answer(sent[BOB]), sent[BOB].reply_to) == [CARL]
    come(gate, standard(GONE.replace(BOB, CARL), original="\n"), sent[CARL].reverse_path)  # the same failure once more
    assert copies(gate, answer(sent[BOB]), sent[BOB].reply_to) == [CARL]
    later = posted(gate)  # but the next message that fails is another failure
    come(gate, standard(GONE.replace(BOB, CARL), original="\n"), later[CARL].reverse_path)
    assert copies(gate, answer(sent[BOB]), sent[BOB].reply_to) == []


@pytest.mark.parametrize(("alias", "record"), [("jobs@example.com", "hr.job/1"), ("sales@example.com", "crm.lead/2")])
def test_a_failure_stops_copies_on_its_record_alone(gate: Gate, sent: dict[str, Copy], alias: str, record: str) -> None:
    gate(mail(message_id="<two@client.org>"), alias)
    other = Ref.parse(record)
    assert other
    follow(gate, CARL, other)
    come(gate, standard(GONE.replace(BOB, CARL), original="\n"), sent[CARL].reverse_path)
    assert copies(gate, answer(sent[BOB]), sent[BOB].reply_to) == []
    copy = posted(gate, record=record)
    assert copies(gate, answer(copy[BOB]), copy[BOB].reply_to) == [CARL]


def test_a_forwarders_report_stops_copies_to_the_follower(gate: Gate, sent: dict[str, Copy]) -> None:
    come(gate, standard(block("carl@elsewhere.net"), original="\n"), sent[CARL].reverse_path)
    assert (entry(gate).recipient, entry(gate).follower) == ("carl@elsewhere.net", CARL)
    assert copies(gate, answer(sent[BOB]), sent[BOB].reply_to) == []


@pytest.mark.parametrize(
    "told", [lambda: standard(block(DORA), original="\n"), complaint], ids=["failure", "complaint"]
)
def test_two_followers_who_forward_to_one_address(gate: Gate, sent: dict[str, Copy], told: Callable[[], bytes]) -> None:
    """Each is stopped for himself, once."""
    follow(gate, "eric@client.org")
    copy = posted(gate)
    raw = told().replace(b"ann@client.org", DORA.encode())
    for address in (CARL, "eric@client.org", CARL, "eric@client.org"):
        come(gate, raw, copy[address].reverse_path)
    come(gate, raw.replace(b"<orig.1@example.com>", copy[BOB].message_id.encode()))  # and once more, proving nobody
    assert [(each.recipient, each.follower) for each in listed(gate)[:2]] == [(DORA, CARL), (DORA, "eric@client.org")]
    assert copies(gate, answer(copy[BOB]), copy[BOB].reply_to) == []


def test_a_permanent_failure_leaves_posts_alone(gate: Gate, sent: dict[str, Copy]) -> None:
    """Who writes by hand may try again."""
    come(gate, standard(GONE.replace(BOB, CARL), original="\n"), sent[CARL].reverse_path)
    assert set(posted(gate)) == {BOB, CARL}


def test_a_proved_complaint_stops_copies_and_posts(gate: Gate, sent: dict[str, Copy]) -> None:
    come(gate, complaint(f"Original-Mail-From: <{sent[CARL].reverse_path}>\n", original="\n"), "abuse@example.com")
    assert (entry(gate).kind, entry(gate).recipient, entry(gate).follower) == ("complaint", CARL, CARL)
    assert copies(gate, answer(sent[BOB]), sent[BOB].reply_to) == []
    assert set(posted(gate)) == {BOB}
    for to in (CARL, "CARL@client.org", f"Carl <{CARL}>"):
        with pytest.raises(Problem) as problem:
            post.write(gate.store, ONE, Text("Again.\n"), (DORA, to), gate.now)
        assert CARL in str(problem.value).lower()
        assert any("bounce ack" in hint for hint in problem.value.hints)
    assert set(posted(gate, DORA)) == {BOB, DORA}
    ack(gate)
    assert copies(gate, answer(sent[BOB]), sent[BOB].reply_to) == [CARL]
    assert set(posted(gate, CARL)) == {BOB, CARL}


def test_a_complaint_holds_on_every_record(gate: Gate, sent: dict[str, Copy]) -> None:
    gate(mail(message_id="<two@client.org>"), "jobs@example.com")
    follow(gate, CARL, Ref("hr.job", 1))
    come(gate, complaint("", original=f"Reply-To: {sent[CARL].reply_to}\n\n"), "abuse@example.com")
    assert set(posted(gate, record="hr.job/1")) == {BOB}
    other = posted(gate, record="hr.job/1")
    assert copies(gate, answer(other[BOB]), other[BOB].reply_to) == []


@pytest.mark.parametrize("notified", [False, True], ids=["follows", "notified"])
def test_who_complained_gets_no_copy_of_what_makes_a_record(gate: Gate, sent: dict[str, Copy], notified: bool) -> None:
    gate.change("jobs@example.com", notify=(CARL, DORA) if notified else (DORA,))
    come(gate, complaint("", original=f"Reply-To: {sent[CARL].reply_to}\n\n"), "abuse@example.com")
    assert copies(gate, mail(message_id="<two@client.org>"), "jobs@example.com") == [DORA]


def test_when_everybody_complained_nobody_is_left_to_write_to(gate: Gate) -> None:
    gate(mail(), "info@example.com")
    copy = posted(gate)[BOB]
    come(gate, complaint("", original=f"Reply-To: {copy.reply_to}\n\n"), "abuse@example.com")
    with pytest.raises(Problem, match="nobody would get it"):
        post.write(gate.store, ONE, Text("Again.\n"), (), gate.now)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(f"Original-Rcpt-To: {CARL}\n", id="by-address-alone"),
        pytest.param(f"Original-Mail-From: <bounce@example.com>\nOriginal-Rcpt-To: {CARL}\n", id="unsigned"),
        pytest.param(
            f"Original-Mail-From: <bounce+mg1bxx{'a' * 16}b@example.com>\nOriginal-Rcpt-To: {CARL}\n", id="forged"
        ),
    ],
)
def test_a_complaint_that_nothing_proves_stops_nothing(gate: Gate, sent: dict[str, Copy], told: str) -> None:
    come(gate, complaint(told), "abuse@example.com")
    assert (entry(gate).kind, entry(gate).recipient, entry(gate).follower) == ("complaint", CARL, None)
    assert copies(gate, answer(sent[BOB]), sent[BOB].reply_to) == [CARL]
    assert set(posted(gate, CARL)) == {BOB, CARL}


def test_the_report_of_a_failure_is_kept(gate: Gate, sent: dict[str, Copy]) -> None:
    """Its bytes can be shown as long as the failure stands."""
    raw = standard(GONE, original=sent[BOB].header())
    gate(raw, BOUNCE, reverse_path="")
    stored = gate.messages()[-1]
    assert (stored.number, stored.classed, stored.author_text) == (entry(gate).report, "report", DAEMON)
    assert gate.raw(stored.number) == raw


def test_a_number_that_is_none(gate: Gate) -> None:
    with gate.store.write() as tx:
        for act in (failures.get, failures.ack):
            with pytest.raises(NotFound, match="no failure 7"):
                act(tx, 7)


def test_ack_twice(gate: Gate, sent: dict[str, Copy]) -> None:
    come(gate, standard(GONE, original=sent[BOB].header()))
    assert ack(gate) == ack(gate)


def test_what_is_noted_without_a_recipient(gate: Gate, sent: dict[str, Copy]) -> None:
    """Kept apart from those on a recipient of the same message."""
    found = Reported(None, "failed", "5.0.0", "", "", "unknown", True, "<x@y.org>")
    with gate.store.write() as tx:
        numbers = [
            failures.note(tx, sent[BOB].number, each, gate.now)
            for each in (found, found._replace(recipient=BOB), found, found._replace(recipient=BOB))
        ]
    assert numbers == [1, 2, 1, 2]
