"""Failures: recorded once, bettered, counted, seen to; and what they stop."""

import itertools
from collections.abc import Callable

import pytest
from helpers.gateway import Gateway
from helpers.messages import BOB, mail
from helpers.reports import BOUNCE, DAEMON, Copy, block, complaint, multipart, notice, posted, standard

from mailgate.gateway import post
from mailgate.gateway.post import Text
from mailgate.routing.decision import Reported
from mailgate.store import contacts, failures, outbox, records
from mailgate.store.failures import Failure
from mailgate.values.directory import Contact
from mailgate.values.problem import NotFound, Problem
from mailgate.values.record import Ref

CARL, DORA = "carl@client.org", "dora@client.org"
ONE = Ref("crm.lead", 1)
_numbers = itertools.count(1)


@pytest.fixture
def sent(gateway: Gateway) -> dict[str, Copy]:
    """A post on crm.lead/1, which Bob made, to Bob and Carl, who follow it."""
    gateway(mail(), "info@example.com")
    follow(gateway, CARL)
    return posted(gateway)


def follow(gateway: Gateway, address: str, record: Ref = ONE) -> None:
    with gateway.store.write() as tx:
        records.follow(tx, record, address)


def come(gateway: Gateway, raw: bytes, recipient: str = BOUNCE) -> None:
    """A daemon sends a report; each is another message."""
    gateway(raw.replace(b"<report.1@", f"<report.{next(_numbers)}@".encode()), recipient, reverse_path="")


def listed(gateway: Gateway, *, acked: bool = True) -> list[Failure]:
    with gateway.store.read() as tx:
        return failures.listing(tx, acked=acked)


def entry(gateway: Gateway) -> Failure:
    """The only failure there is."""
    (found,) = listed(gateway)
    return found


def ack(gateway: Gateway, number: int = 1) -> Failure:
    with gateway.store.write() as tx:
        return failures.ack(tx, number)


def contact(gateway: Gateway, address: str) -> Contact:
    with gateway.store.read() as tx:
        return contacts.get(tx, address)


def copies(gateway: Gateway, raw: bytes, recipient: str = "info@example.com", reverse_path: str = BOB) -> list[str]:
    """To whom a message goes on."""
    with gateway.store.read() as tx:
        before = {each.number for each in outbox.listing(tx)}
    gateway(raw, recipient, reverse_path=reverse_path)
    with gateway.store.read() as tx:
        return [each.recipient for each in outbox.listing(tx) if each.kind == "copy" and each.number not in before]


def answer(copy: Copy, author: str = BOB, **fields: str | None) -> bytes:
    """What a follower answers to the signed address."""
    given: dict[str, str | None] = {"from": author, "to": copy.reply_to, "references": copy.message_id}
    return mail("Yes.\n", message_id=f"<a{next(_numbers)}@client.org>", **(given | fields))


def test_an_entry_with_everything_in_it(gateway: Gateway, sent: dict[str, Copy]) -> None:
    said = "550 5.1.1 <bob@client.org>: user unknown"
    told = block(BOB, said=said) + "Remote-MTA: dns; mx.client.org\n"
    come(gateway, standard(told, original=sent[BOB].header()), sent[BOB].reverse_path)
    report = gateway.messages()[-1].number
    assert entry(gateway) == Failure(
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
        created_at=gateway.now,
    )
    made = entry(gateway)
    with gateway.store.read() as tx:
        assert failures.get(tx, 1) == made
        assert failures.of_message(tx, sent[BOB].number) == [made]
        assert failures.of_message(tx, report) == []
        assert failures.count_open(tx) == 1


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
def test_a_failure_is_recorded_once_in_whatever_wording(gateway: Gateway, sent: dict[str, Copy], first: str) -> None:
    gateway.contact(BOB)
    for _ in range(2):
        for way in (WORDINGS[first], *WORDINGS.values()):
            come(gateway, *way(sent[BOB]))
    assert [(each.recipient, each.message, each.follower) for each in listed(gateway)] == [(BOB, sent[BOB].number, BOB)]
    assert contact(gateway, BOB).bounces == 1


def test_the_same_report_counts_once(gateway: Gateway) -> None:
    """Although it names no message."""
    raw = standard(block(BOB), original="\n")
    for recipient in (BOUNCE, BOUNCE, "info@example.com"):
        gateway(raw, recipient, reverse_path="")
    assert len(listed(gateway)) == 1


def test_every_message_and_every_recipient_fails_for_itself(gateway: Gateway, sent: dict[str, Copy]) -> None:
    later = posted(gateway)
    for copy, address in itertools.product((sent[BOB], later[BOB]), (BOB, CARL)):
        come(gateway, standard(block(address), original=copy.header()))
    expected = [(copy[BOB].number, address) for copy in (sent, later) for address in (BOB, CARL)]
    assert [(each.message, each.recipient) for each in listed(gateway)] == expected


def test_reports_that_name_no_message_are_told_apart(gateway: Gateway) -> None:
    for _ in range(2):
        come(gateway, standard(block(BOB), original="\n"))
    assert [(each.recipient, each.message, each.message_id) for each in listed(gateway)] == [(BOB, None, None)] * 2


def test_reports_on_a_message_that_nobody_knows_are_one(gateway: Gateway) -> None:
    for _ in range(2):
        come(gateway, standard(block(BOB)))
    assert (entry(gateway).message, entry(gateway).message_id) == (None, "<orig.1@example.com>")


UNKNOWN: dict[str, bytes] = {
    "no-reason": standard(block(BOB, status="5.9.9", said="xyzzy")),
    "no-recipient": multipart(("text/plain", "Your message could not be delivered.")),
    "nothing-but-words": notice("Your message could not be delivered, and nobody says why.\n"),
    "a-recipient-that-is-no-address": standard(block("ann@#client.org")),
}


@pytest.mark.parametrize("raw", UNKNOWN.values(), ids=UNKNOWN)
def test_what_cannot_be_understood_is_kept(gateway: Gateway, raw: bytes) -> None:
    come(gateway, raw)
    assert (entry(gateway).state, entry(gateway).action, entry(gateway).follower) == ("open", "failed", None)
    assert entry(gateway).kind == ("no-such-address" if b"#client" in raw else "unknown")
    assert gateway.raw(entry(gateway).report)


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
    gateway: Gateway, sent: dict[str, Copy], first: str, second: str, expected: tuple[str, str, bool], acked: bool
) -> None:
    come(gateway, standard(first, original=sent[BOB].header()))
    made = entry(gateway)
    if acked:
        ack(gateway)
    come(gateway, standard(second, original=sent[BOB].header()))
    found = entry(gateway)
    assert (found.kind, found.status, found.permanent) == expected
    worse = found.permanent and not made.permanent  # what somebody has seen to was not this
    assert (found.state, found.created_at, found.report) == (
        *("acked" if acked and not worse else "open", made.created_at, made.report),
    )


@pytest.mark.parametrize("acked", [False, True], ids=["open", "acked"])
def test_a_later_proof_is_noted(gateway: Gateway, acked: bool) -> None:
    """The first report named only what another program sent."""
    gateway(mail(), "info@example.com")
    raw = mail(message_id="<erp.1@example.com>", to=BOB, **{"from": "info@example.com"})
    made = post.register(gateway.store, ONE, raw, (), gateway.now)
    come(gateway, standard(GONE, original="Message-ID: <erp.1@example.com>\n\n"))
    assert entry(gateway).follower is None
    if acked:
        ack(gateway)
    come(gateway, standard(GONE, original="\n"), made.reverse_path)
    assert (entry(gateway).follower, entry(gateway).state) == (BOB, "acked" if acked else "open")
    come(gateway, standard(GONE, original="Message-ID: <erp.1@example.com>\n\n"))
    assert entry(gateway).follower == BOB


def test_a_complaint_and_a_failure_are_two_entries(gateway: Gateway, sent: dict[str, Copy]) -> None:
    """Each is a matter of its own, whichever comes first, and stays one."""
    for raw in (complaint("", original=sent[BOB].header(to=BOB)), standard(GONE, original=sent[BOB].header())) * 2:
        come(gateway, raw)
    assert [(each.kind, each.recipient) for each in listed(gateway)] == [("complaint", BOB), ("no-such-address", BOB)]


def test_failures_are_counted_on_the_contact(gateway: Gateway, sent: dict[str, Copy]) -> None:
    """Every failed message counts, until the contact himself writes; a machine that answers for him is not he."""
    gateway.contact(BOB)
    gateway.contact(CARL)
    for copy in (sent[BOB], posted(gateway)[BOB]):
        come(gateway, standard(GONE, original=copy.header()))
        come(gateway, standard(block(BOB, "delayed", "4.4.1"), original=copy.header()))
    assert (contact(gateway, BOB).bounces, contact(gateway, CARL).bounces) == (2, 0)
    gateway(answer(sent[BOB], auto_submitted="auto-replied"), sent[BOB].reply_to)
    gateway(answer(sent[BOB]), sent[BOB].reply_to, reverse_path="")
    gateway(answer(sent[CARL], CARL), sent[CARL].reply_to, reverse_path=CARL)
    gateway(answer(sent[BOB]), BOUNCE)  # held
    assert contact(gateway, BOB).bounces == 2
    gateway(answer(sent[BOB], "Bob Ray <BOB@client.org>"), sent[BOB].reply_to)
    assert contact(gateway, BOB).bounces == 0
    come(gateway, standard(GONE, original=posted(gateway)[BOB].header()))
    assert contact(gateway, BOB).bounces == 1


def test_a_new_record_resets_the_count_as_well(gateway: Gateway, sent: dict[str, Copy]) -> None:
    gateway.contact(BOB)
    come(gateway, standard(GONE, original=sent[BOB].header()))
    gateway(mail(message_id="<new@client.org>"), "jobs@example.com")
    assert contact(gateway, BOB).bounces == 0
    assert entry(gateway).state == "open"


STOPS = {
    "permanent-and-proved": (GONE, True, []),
    "permanent-and-unproved": (GONE, False, [CARL]),
    "transient-and-proved": (FULL, True, [CARL]),
    "delayed": (block(BOB, "delayed", "5.4.1"), True, [CARL]),
}


@pytest.mark.parametrize(("told", "proved", "expected"), STOPS.values(), ids=STOPS)
def test_a_proved_permanent_failure_stops_copies(
    gateway: Gateway, sent: dict[str, Copy], told: str, proved: bool, expected: list[str]
) -> None:
    told = told.replace(BOB, CARL)
    come(gateway, standard(told, original="\n"), sent[CARL].reverse_path if proved else BOUNCE)
    assert copies(gateway, answer(sent[BOB]), sent[BOB].reply_to) == expected


def test_ack_frees_the_follower(gateway: Gateway, sent: dict[str, Copy]) -> None:
    come(gateway, standard(GONE.replace(BOB, CARL), original="\n"), sent[CARL].reverse_path)
    assert copies(gateway, answer(sent[BOB]), sent[BOB].reply_to) == []
    assert ack(gateway).state == "acked"
    assert (listed(gateway, acked=False), len(listed(gateway))) == ([], 1)
    with gateway.store.read() as tx:
        assert failures.count_open(tx) == 0
    assert copies(gateway, answer(sent[BOB]), sent[BOB].reply_to) == [CARL]
    come(
        gateway, standard(GONE.replace(BOB, CARL), original="\n"), sent[CARL].reverse_path
    )  # the same failure once more
    assert copies(gateway, answer(sent[BOB]), sent[BOB].reply_to) == [CARL]
    later = posted(gateway)  # but the next message that fails is another failure
    come(gateway, standard(GONE.replace(BOB, CARL), original="\n"), later[CARL].reverse_path)
    assert copies(gateway, answer(sent[BOB]), sent[BOB].reply_to) == []


@pytest.mark.parametrize(("alias", "record"), [("jobs@example.com", "hr.job/1"), ("sales@example.com", "crm.lead/2")])
def test_a_failure_stops_copies_on_its_record_alone(
    gateway: Gateway, sent: dict[str, Copy], alias: str, record: str
) -> None:
    gateway(mail(message_id="<two@client.org>"), alias)
    other = Ref.parse(record)
    assert other
    follow(gateway, CARL, other)
    come(gateway, standard(GONE.replace(BOB, CARL), original="\n"), sent[CARL].reverse_path)
    assert copies(gateway, answer(sent[BOB]), sent[BOB].reply_to) == []
    copy = posted(gateway, record=record)
    assert copies(gateway, answer(copy[BOB]), copy[BOB].reply_to) == [CARL]


def test_a_forwarders_report_stops_copies_to_the_follower(gateway: Gateway, sent: dict[str, Copy]) -> None:
    come(gateway, standard(block("carl@elsewhere.net"), original="\n"), sent[CARL].reverse_path)
    assert (entry(gateway).recipient, entry(gateway).name) == (CARL, "carl@elsewhere.net")
    assert entry(gateway).follower == CARL
    assert copies(gateway, answer(sent[BOB]), sent[BOB].reply_to) == []


@pytest.mark.parametrize(
    "told", [lambda: standard(block(DORA), original="\n"), complaint], ids=["failure", "complaint"]
)
def test_two_followers_who_forward_to_one_address_fail_separately(
    gateway: Gateway, sent: dict[str, Copy], told: Callable[[], bytes]
) -> None:
    """Each is stopped for himself, once."""
    follow(gateway, "eric@client.org")
    copy = posted(gateway)
    raw = told().replace(b"ann@client.org", DORA.encode())
    for address in (CARL, "eric@client.org", CARL, "eric@client.org"):
        come(gateway, raw, copy[address].reverse_path)
    come(gateway, raw.replace(b"<orig.1@example.com>", copy[BOB].message_id.encode()))  # and once more, proving nobody
    assert [(each.recipient, each.name, each.follower) for each in listed(gateway)[:2]] == [
        (CARL, DORA, CARL),
        ("eric@client.org", DORA, "eric@client.org"),
    ]
    assert copies(gateway, answer(copy[BOB]), copy[BOB].reply_to) == []


def test_a_permanent_failure_leaves_posts_alone(gateway: Gateway, sent: dict[str, Copy]) -> None:
    """Who writes by hand may try again."""
    come(gateway, standard(GONE.replace(BOB, CARL), original="\n"), sent[CARL].reverse_path)
    assert set(posted(gateway)) == {BOB, CARL}


def test_a_proved_complaint_stops_copies_and_posts(gateway: Gateway, sent: dict[str, Copy]) -> None:
    come(gateway, complaint(f"Original-Mail-From: <{sent[CARL].reverse_path}>\n", original="\n"), "abuse@example.com")
    assert (entry(gateway).kind, entry(gateway).recipient, entry(gateway).follower) == ("complaint", CARL, CARL)
    assert copies(gateway, answer(sent[BOB]), sent[BOB].reply_to) == []
    assert set(posted(gateway)) == {BOB}
    for to in (CARL, "CARL@client.org", f"Carl <{CARL}>"):
        with pytest.raises(Problem) as problem:
            post.write(gateway.store, ONE, Text("Again.\n"), (DORA, to), gateway.now)
        assert CARL in str(problem.value).lower()
        assert any("bounce ack" in hint for hint in problem.value.hints)
    assert set(posted(gateway, DORA)) == {BOB, DORA}
    ack(gateway)
    assert copies(gateway, answer(sent[BOB]), sent[BOB].reply_to) == [CARL]
    assert set(posted(gateway, CARL)) == {BOB, CARL}


def complains(gateway: Gateway, copy: Copy) -> None:
    come(gateway, complaint(f"Original-Mail-From: <{copy.reverse_path}>\n", original="\n"), "abuse@example.com")


def test_a_complaint_stops_that_record_alone(gateway: Gateway, sent: dict[str, Copy]) -> None:
    gateway(mail(message_id="<two@client.org>"), "jobs@example.com")
    follow(gateway, CARL, Ref("hr.job", 1))
    complains(gateway, sent[CARL])
    assert set(posted(gateway)) == {BOB}
    assert set(posted(gateway, record="hr.job/1")) == {BOB, CARL}
    other = posted(gateway, record="hr.job/1")
    assert copies(gateway, answer(other[BOB]), other[BOB].reply_to) == [CARL]


def test_who_complained_gets_copies_of_new_records(gateway: Gateway, sent: dict[str, Copy]) -> None:
    gateway.change("jobs@example.com", notify=(CARL, DORA))
    complains(gateway, sent[CARL])
    assert copies(gateway, mail(message_id="<two@client.org>"), "jobs@example.com") == [CARL, DORA]


def test_when_everybody_complained_nobody_is_left_to_write_to(gateway: Gateway) -> None:
    gateway(mail(), "info@example.com")
    copy = posted(gateway)[BOB]
    complains(gateway, copy)
    with pytest.raises(Problem, match="nobody would get it"):
        post.write(gateway.store, ONE, Text("Again.\n"), (), gateway.now)


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
def test_a_complaint_that_nothing_proves_stops_nothing(gateway: Gateway, sent: dict[str, Copy], told: str) -> None:
    come(gateway, complaint(told), "abuse@example.com")
    assert (entry(gateway).kind, entry(gateway).recipient, entry(gateway).follower) == ("complaint", CARL, None)
    assert copies(gateway, answer(sent[BOB]), sent[BOB].reply_to) == [CARL]
    assert set(posted(gateway, CARL)) == {BOB, CARL}


def test_the_report_of_a_failure_is_kept(gateway: Gateway, sent: dict[str, Copy]) -> None:
    """Its bytes can be shown as long as the failure stands."""
    raw = standard(GONE, original=sent[BOB].header())
    gateway(raw, BOUNCE, reverse_path="")
    stored = gateway.messages()[-1]
    assert (stored.number, stored.classed, stored.author_text) == (entry(gateway).report, "report", DAEMON)
    assert gateway.raw(stored.number) == raw


def test_an_unknown_number_is_not_found(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        for act in (failures.get, failures.ack):
            with pytest.raises(NotFound, match="no failure 7"):
                act(tx, 7)


def test_an_acknowledged_failure_can_be_acknowledged_again(gateway: Gateway, sent: dict[str, Copy]) -> None:
    come(gateway, standard(GONE, original=sent[BOB].header()))
    assert ack(gateway) == ack(gateway)


def test_what_is_noted_without_a_recipient(gateway: Gateway, sent: dict[str, Copy]) -> None:
    """Kept apart from those on a recipient of the same message."""
    found = Reported(None, "failed", "5.0.0", "", "", "unknown", True, "<x@y.org>")
    with gateway.store.write() as tx:
        numbers = [
            failures.note(tx, sent[BOB].number, each, gateway.now)
            for each in (found, found._replace(recipient=BOB), found, found._replace(recipient=BOB))
        ]
    assert numbers == [1, 2, 1, 2]
