"""Which message a report is about, for whom, what it proves, and what becomes of everything that is no failure."""

import json
from collections.abc import Callable

import pytest
from helpers.gateway import Gateway
from helpers.messages import BOB, SECRET, decide, known, mail, state, stored
from helpers.queued import queued
from helpers.reports import BOUNCE, Copy, block, complaint, multipart, notice, posted, receipt, standard

from mailgate.gateway import post
from mailgate.routing.decision import Outcome, Reported
from mailgate.routing.state import Delivery, Placement, State
from mailgate.store import domains, failures, held, keys, people, records
from mailgate.values import token
from mailgate.values.record import Ref

CARL, EVE = "carl@client.org", "eve@elsewhere.net"
ONE = Ref("crm.lead", 1)
NOTHING = mail("", message_id=None, **{"from": None, "to": None, "subject": "gone"}).decode()
"""A returned header that says nothing of use."""


@pytest.fixture
def sent(gateway: Gateway) -> dict[str, Copy]:
    """A post to Bob, who made crm.lead/1, and to Carl."""
    gateway(mail(), "info@example.com")
    return posted(gateway, CARL)


def come(gateway: Gateway, raw: bytes, recipient: str = BOUNCE) -> Outcome:
    """The one outcome of what a daemon sends."""
    (found,) = gateway(raw, recipient, reverse_path="").decision.outcomes
    return found


def one(outcome: Outcome) -> Reported:
    """The one finding of a report."""
    (found,) = outcome.reports
    return found


def entries(gateway: Gateway) -> list[tuple[str | None, str | None, str | None]]:
    """Recipient, record and stopped follower of every failure."""
    with gateway.store.read() as tx:
        listed = failures.listing(tx, acked=True)
    return [(each.recipient, each.record and str(each.record), each.follower) for each in listed]


Way = Callable[[Copy], tuple[bytes, str]]
"""How a report on Bob names his copy -> the report, and the address it is sent to."""

WAYS: dict[str, Way] = {
    "signed-return-address": lambda copy: (standard(block(BOB), original=NOTHING), copy.reverse_path),
    "signed-return-address-in-capitals": lambda copy: (
        standard(block(BOB), original=NOTHING),
        copy.reverse_path.upper(),
    ),
    "signed-return-address-in-to-alone": lambda copy: (
        standard(block(BOB), original=NOTHING, to=copy.reverse_path),
        BOUNCE,
    ),
    "message-id": lambda copy: (standard(block(BOB), original=copy.header()), BOUNCE),
    "message-id-in-a-header-alone": lambda copy: (
        multipart(
            ("text/plain", "No."), ("message/delivery-status", block(BOB)), ("text/rfc822-headers", copy.header())
        ),
        BOUNCE,
    ),
    "message-id-in-a-notice": lambda copy: (
        notice(f"<{BOB}>: 550 5.1.1 no\n\n--- Below this line is a copy of the message.\n\n{copy.header()}"),
        BOUNCE,
    ),
    "message-id-in-words": lambda copy: (
        notice(f"Message-ID: {copy.message_id}\n\ncould not be delivered to <{BOB}>: 550 5.1.1 unknown\n"),
        BOUNCE,
    ),
    **{
        f"{name}-of-a-provider": lambda copy, name=name: (
            standard(block(BOB), original=copy.header(**{name: copy.message_id, "message_id": "<other@provider.net>"})),
            BOUNCE,
        )
        for name in ("x_microsoft_original_message_id", "x_google_original_message_id", "x_original_message_id")
    },
    "in-reply-to-of-the-report": lambda copy: (
        standard(block(BOB), original=NOTHING, in_reply_to=copy.message_id),
        BOUNCE,
    ),
    "references-of-the-report": lambda copy: (
        standard(block(BOB), original=NOTHING, references=f"<x@y.org> {copy.message_id}"),
        BOUNCE,
    ),
    "return-path-that-comes-back": lambda copy: (
        standard(block(BOB), original=f"Return-Path: <{copy.reverse_path}>\n{NOTHING}"),
        BOUNCE,
    ),
    "reply-to-that-comes-back": lambda copy: (
        standard(block(BOB), original=f"Reply-To: {copy.reply_to}\n{NOTHING}"),
        BOUNCE,
    ),
    "to-the-reply-to": lambda copy: (standard(block(BOB), original=NOTHING), copy.reply_to),
    "to-an-alias": lambda copy: (
        standard(block(BOB), original=copy.header(), to="jobs@example.com"),
        "jobs@example.com",
    ),
    "to-the-catchall": lambda copy: (standard(block(BOB), original=copy.header()), "catchall@example.com"),
}


PROVING = {
    *("signed-return-address", "signed-return-address-in-capitals", "signed-return-address-in-to-alone"),
    "return-path-that-comes-back",
}
"""The ways that only the side of the one recipient has seen."""


@pytest.mark.parametrize("name", WAYS)
def test_the_message_is_found_and_only_the_signed_return_address_proves(
    gateway: Gateway, sent: dict[str, Copy], name: str
) -> None:
    raw, recipient = WAYS[name](sent[BOB])
    outcome = come(gateway, raw, recipient)
    assert (outcome.action, outcome.reason, outcome.report, outcome.record) == ("bounce", "report", "failed", ONE)
    found = one(outcome)
    assert (found.stored, found.message) == (sent[BOB].number, sent[BOB].message_id)
    assert (found.recipient, found.kind, found.permanent, found.quiet) == (BOB, "no-such-address", True, False)
    assert entries(gateway) == [(BOB, "crm.lead/1", BOB if name in PROVING else None)]


def followers(gateway: Gateway) -> list[tuple[str, str]]:
    """The followers of crm.lead/1, and why they get no copies."""
    with gateway.store.read() as tx:
        keys = records.spellings(tx, ONE)
        return [(key, people.stops(tx, ONE, keys).get(key, "")) for key in keys]


def test_who_got_one_mail_of_a_record_silences_nobody_else(gateway: Gateway, sent: dict[str, Copy]) -> None:
    """F1: all recipients of a post see its one Message-ID."""
    come(gateway, standard(block(CARL), original=sent[BOB].header()))
    come(gateway, complaint(f"Original-Rcpt-To: {CARL}\n", original=sent[BOB].header()))
    assert [follower for _, _, follower in entries(gateway)] == [None, None]
    assert set(posted(gateway, CARL)) == {BOB, CARL}


def test_who_got_one_mail_of_a_record_speaks_for_themselves_alone(gateway: Gateway, sent: dict[str, Copy]) -> None:
    """F1: with their own signed return address they name somebody else."""
    come(gateway, standard(block(CARL), original=sent[BOB].header()), sent[BOB].reverse_path)
    assert entries(gateway) == [(BOB, "crm.lead/1", BOB)]
    assert followers(gateway) == [(BOB, "mail to it fails")]


def test_a_signed_address_for_answers_proves_no_failure_and_no_complaint(
    gateway: Gateway, sent: dict[str, Copy]
) -> None:
    """F2: it stands in To of whatever is answered to all."""
    come(gateway, standard(block(None), original=NOTHING), sent[CARL].reply_to)
    come(gateway, complaint("", original=NOTHING), sent[CARL].reply_to)
    assert entries(gateway) == [(CARL, "crm.lead/1", None)] * 2, "recorded and shown, for it finds the message"
    assert set(posted(gateway, CARL)) == {BOB, CARL}


def test_a_report_that_names_nothing_of_ours_is_quiet_and_at_most_ten_failures(gateway: Gateway) -> None:
    """F18: strangers pile up no open failures."""
    come(gateway, standard(*(block(f"u{n}@x.org") for n in range(900))))
    with gateway.store.read() as tx:
        assert (failures.listing(tx), failures.count_open(tx)) == ([], 0)
        assert [each.quiet for each in failures.listing(tx, acked=True)] == [True] * 10


def test_a_report_that_names_a_message_of_ours_opens_failures_for_its_recipients_alone(
    gateway: Gateway, sent: dict[str, Copy]
) -> None:
    strangers = (block(f"u{n}@x.org") for n in range(50))
    come(gateway, standard(*strangers, block(BOB), block(CARL), original=sent[BOB].header()))
    with gateway.store.read() as tx:
        assert [each.recipient for each in failures.listing(tx)] == [BOB, CARL]
        assert len(failures.listing(tx, acked=True)) == 12


def test_a_quiet_failure_that_is_reported_again_with_proof_is_open(gateway: Gateway, sent: dict[str, Copy]) -> None:
    raw = standard(block(BOB), block(EVE), original=sent[CARL].header())
    later = standard(block(BOB), original=NOTHING, message_id="<report.2@mx.client.org>")
    with gateway.store.write() as tx:
        tx.execute("DELETE FROM delivery WHERE recipient = ? AND number = -1", (BOB,))
    come(gateway, raw)
    come(gateway, later, sent[BOB].reverse_path)
    with gateway.store.read() as tx:
        assert [(each.recipient, each.follower) for each in failures.listing(tx)] == [(BOB, BOB)]


def test_the_signed_return_address_wins_over_every_id(gateway: Gateway, sent: dict[str, Copy]) -> None:
    later = posted(gateway, CARL)
    raw = standard(
        block(BOB), original=later[BOB].header(reply_to=later[BOB].reply_to), references=later[BOB].message_id
    )
    assert one(come(gateway, raw, sent[BOB].reverse_path)).stored == sent[BOB].number
    assert one(come(gateway, raw.replace(b"report.1", b"report.2"))).stored == later[BOB].number


def test_the_address_a_report_comes_to_wins_over_those_in_it(gateway: Gateway, sent: dict[str, Copy]) -> None:
    raw = standard(block(None), original=f"Return-Path: <{sent[CARL].reverse_path}>\n{NOTHING}")
    assert one(come(gateway, raw, sent[BOB].reverse_path)).follower == BOB


def test_the_best_id_that_is_ours_wins_over_one_that_is_not(gateway: Gateway, sent: dict[str, Copy]) -> None:
    found = one(come(gateway, standard(block(BOB), references=f"<m1@client.org> {sent[BOB].message_id}")))
    assert (found.message, found.stored, found.follower) == (sent[BOB].message_id, sent[BOB].number, None)


VAGUE: dict[str, Callable[[str], bytes]] = {
    "report": lambda original: standard(block(None), original=original),
    "words": lambda original: multipart(
        ("text/plain", "It could not be delivered."), ("message/rfc822", original), kind="report"
    ),
    "complaint": lambda original: complaint("", original=original),
}


@pytest.mark.parametrize("told", VAGUE.values(), ids=VAGUE)
def test_a_report_that_names_nobody_means_the_signed_recipient(
    gateway: Gateway, sent: dict[str, Copy], told: Callable[[str], bytes]
) -> None:
    found = one(come(gateway, told(NOTHING), sent[CARL].reverse_path))
    assert (found.recipient, found.follower, found.stored) == (CARL, CARL, sent[CARL].number)


def test_a_report_that_names_nobody_means_the_only_recipient_of_the_id(gateway: Gateway) -> None:
    gateway(mail(), "info@example.com")
    alone = posted(gateway)
    found = one(come(gateway, standard(block(None), original=alone[BOB].header())))
    assert (found.recipient, found.follower, found.quiet) == (BOB, None, False)


def test_a_report_that_names_nobody_of_several_is_kept_without_a_recipient(
    gateway: Gateway, sent: dict[str, Copy]
) -> None:
    found = one(come(gateway, standard(block(None), original=sent[BOB].header())))
    assert (found.recipient, found.follower, found.stored) == (None, None, sent[BOB].number)
    assert entries(gateway) == [(None, "crm.lead/1", None)]


def test_a_forwarder_names_another_address_and_stops_ours(gateway: Gateway, sent: dict[str, Copy]) -> None:
    found = one(come(gateway, standard(block(EVE), original=NOTHING), sent[BOB].reverse_path))
    assert (found.recipient, found.name, found.follower, found.record) == (BOB, EVE, BOB, ONE)


def test_words_that_name_another_address_stop_nobody(gateway: Gateway, sent: dict[str, Copy]) -> None:
    """It may be one to write to instead."""
    found = one(come(gateway, notice(f"<{EVE}>: 550 5.1.1 unknown\n"), sent[BOB].reverse_path))
    assert (found.recipient, found.name, found.follower, found.record) == (BOB, EVE, None, ONE)


def test_words_that_name_ours_stop_ours(gateway: Gateway, sent: dict[str, Copy]) -> None:
    found = one(come(gateway, notice(f"<{BOB}>: 550 5.1.1 unknown\n"), sent[BOB].reverse_path))
    assert (found.recipient, found.follower, found.permanent) == (BOB, BOB, True)


GUESSES = {
    "a-robot": notice(f"Your mail to <{BOB}> was rejected: 5.1.1\n", **{"from": "scanner@client.org"}),
    "a-language-nobody-speaks": notice(f"Skeytið komst ekki til skila:\n\n  {BOB}\n", subject="Skeyti"),
    "and-nobody-named": notice("Skeytið komst ekki til skila.\n", subject="Skeyti"),
}


@pytest.mark.parametrize("raw", GUESSES.values(), ids=GUESSES)
def test_a_guess_is_recorded_and_stops_nobody(gateway: Gateway, sent: dict[str, Copy], raw: bytes) -> None:
    outcome = come(gateway, raw, sent[BOB].reverse_path)
    found = one(outcome)
    assert (outcome.action, found.recipient, found.record, found.follower) == ("bounce", BOB, ONE, None)


AWAYS: dict[str, dict[str, str | None]] = {
    "outlook": {"auto_submitted": "auto-generated", "x_ms_exchange_inbox_rules_loop": BOB},
    "replied": {"auto_submitted": "auto-replied"},
    "precedence": {"precedence": "auto_reply"},
    "autoreply": {"x_autoreply": "yes"},
    "zarafa": {"x_post_messageclass": "9; Autoresponder"},
    "no-field-at-all": {},
}
TEXTS = {
    "en": f"I cannot be reached until Monday. In urgent cases please write to {EVE}.\n",
    "en-disabled": f"My mailbox {BOB} has been disabled; my address is now {EVE}.\n",
    "de": f"Ich bin bis Montag nicht erreichbar. Bitte schreiben Sie an\n\n  {EVE}\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("header", AWAYS.values(), ids=AWAYS)
@pytest.mark.parametrize("to", ["reverse_path", "reply_to"])
def test_a_vacation_reply_stops_nobody(
    gateway: Gateway, sent: dict[str, Copy], header: dict[str, str | None], text: str, to: str
) -> None:
    """Wherever it goes, and whatever it says; what came to the address for answers is on the record."""
    copy = sent[BOB]
    address = getattr(copy, to)
    raw = mail(
        text,
        **(
            {"from": f"Bob <{BOB}>", "to": address, "subject": "Automatic reply", "message_id": "<away@client.org>"}
            | {"in_reply_to": copy.message_id}
            | header
        ),
    )
    outcome = come(gateway, raw, address)
    assert not [each.follower for each in outcome.reports if each.follower]
    assert not [follower for _, _, follower in entries(gateway) if follower]
    if header:
        assert entries(gateway) == []
        assert outcome.action == ("hold" if to == "reverse_path" else "post")


ENDED_WELL: dict[str, bytes] = {
    "success-in-words": notice(
        f"Your message was successfully delivered to <{BOB}>. You may still receive error reports.\n", subject="Receipt"
    ),
    "success-of-a-login": standard(
        f"Final-Recipient: LOCAL; bob\n{block(None, 'delivered', '2.0.0')}",
        words=f"Your message was delivered to {BOB}. Otherwise you may receive notifications of delivery errors.\n",
    ),
    "delay-in-words": notice(
        f"There was a temporary problem delivering your message to {BOB}. We will retry for 46 more hours. You'll be "
        "notified if the delivery fails permanently.\n"
    ),
}


@pytest.mark.parametrize("raw", ENDED_WELL.values(), ids=ENDED_WELL)
def test_what_arrived_or_may_arrive_stops_nobody(gateway: Gateway, sent: dict[str, Copy], raw: bytes) -> None:
    outcome = come(gateway, raw, sent[BOB].reverse_path)
    assert (outcome.action, outcome.reason) == ("ignore", "report")
    assert entries(gateway) == []


def test_an_event_that_names_our_return_address_is_proved(gateway: Gateway, sent: dict[str, Copy]) -> None:
    """Amazon SES tells of the envelope sender, to whatever address subscribed."""
    told = {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": BOB, "status": "5.1.1"}]}
    text = json.dumps({"notificationType": "Bounce", "bounce": told, "mail": {"source": sent[BOB].reverse_path}})
    raw = mail(text, x_amz_sns_message_id="1", **{"from": "no-reply@sns.amazonaws.example"})
    (outcome,) = gateway(raw, "info@example.com", reverse_path="1@amazonses.example").decision.outcomes
    assert (outcome.action, one(outcome).follower) == ("bounce", BOB)


SEVERAL = {
    "both-failed": ("failed", "failed", [(BOB, BOB), (EVE, None)]),
    "ours-failed-the-other-not": ("failed", "delivered", [(BOB, BOB), (EVE, None)]),
    "ours-delivered-the-other-not": ("delivered", "failed", [(BOB, BOB), (EVE, None)]),
    "ours-expanded-and-a-member-failed": ("expanded", "failed", [(BOB, BOB), (EVE, None)]),
    "ours-relayed-the-other-delayed": ("relayed", "delayed", [(BOB, BOB), (EVE, None)]),
}


@pytest.mark.parametrize(("ours", "other", "expected"), SEVERAL.values(), ids=SEVERAL)
def test_of_several_recipients_the_signed_one_is_proved(
    gateway: Gateway, sent: dict[str, Copy], ours: str, other: str, expected: list[tuple[str, str | None]]
) -> None:
    raw = standard(block(BOB, ours), block(EVE, other), original=NOTHING)
    outcome = come(gateway, raw, sent[BOB].reverse_path)
    assert [(each.recipient, each.follower) for each in outcome.reports] == expected
    counted = [(recipient, "crm.lead/1", follower) for recipient, follower in expected]
    assert entries(gateway) == [each for each, action in zip(counted, (ours, other), strict=True) if action == "failed"]


def test_two_strangers_are_not_the_signed_recipient(gateway: Gateway, sent: dict[str, Copy]) -> None:
    raw = standard(block(EVE), block("dora@elsewhere.net", "delivered"), original=NOTHING)
    assert [each.follower for each in come(gateway, raw, sent[BOB].reverse_path).reports] == [None, None]


def test_an_id_opens_failures_only_for_those_it_was_sent_to(gateway: Gateway, sent: dict[str, Copy]) -> None:
    raw = standard(block(BOB), block(CARL), block(EVE), original=sent[BOB].header())
    found = come(gateway, raw).reports
    assert [(each.recipient, each.follower, each.record, each.quiet) for each in found] == [
        (BOB, None, ONE, False),
        (CARL, None, ONE, False),
        (EVE, None, ONE, True),
    ]


def forged(copy: Copy) -> str:
    """The signed return address with another signature."""
    local, _, host = copy.reverse_path.partition("@")
    at = len("bounce+mg1bxx")
    return f"{local[:at]}{'a' if local[at] != 'a' else 'b'}{local[at + 1 :]}@{host}"


UNPROVED: dict[str, Callable[[Copy], tuple[bytes, str]]] = {
    "plain-bounce-address": lambda copy: (standard(block(BOB), original=NOTHING), BOUNCE),
    "forged": lambda copy: (standard(block(BOB), original=NOTHING), forged(copy)),
    "of-a-key-that-is-not-ours": lambda copy: (
        standard(block(BOB), original=NOTHING),
        f"bounce+{token.sign(token.BOUNCE, SECRET, 1, 'crm.lead/1', BOB)}@example.com",
    ),
    "in-a-domain-that-is-not-ours": lambda copy: (
        standard(block(BOB), original=f"Return-Path: <{copy.reverse_path.replace('example.com', 'evil.net')}>\n\n"),
        BOUNCE,
    ),
    "an-id-nobody-knows": lambda copy: (standard(block(BOB), original="Message-ID: <x@example.com>\n\n"), BOUNCE),
    "an-id-signed-but-never-sent": lambda copy: (
        standard(block(BOB), original=f"Message-ID: {copy.message_id.replace('@', '@mail.')}\n\n"),
        BOUNCE,
    ),
    "the-id-of-what-bob-wrote": lambda copy: (standard(block(BOB), original="Message-ID: <m1@client.org>\n\n"), BOUNCE),
}


@pytest.mark.parametrize("way", UNPROVED.values(), ids=UNPROVED)
def test_what_proves_nothing_is_recorded_all_the_same(gateway: Gateway, sent: dict[str, Copy], way: Way) -> None:
    raw, recipient = way(sent[BOB])
    found = one(come(gateway, raw, recipient))
    assert (found.recipient, found.follower) == (BOB, None)
    assert [(recipient, follower) for recipient, _, follower in entries(gateway)] == [(BOB, None)]


def test_a_key_that_was_rotated_twice_proves_nothing_any_more(gateway: Gateway, sent: dict[str, Copy]) -> None:
    raw = standard(block(BOB), original=NOTHING)
    for proved in (BOB, BOB, None):
        assert (
            one(come(gateway, raw.replace(b"report.1", f"r.{gateway.now}".encode()), sent[BOB].reverse_path)).follower
            == proved
        )
        with gateway.store.write() as tx:
            keys.rotate(tx, gateway.now)


@pytest.mark.parametrize(
    ("message_id", "to", "follower"),
    [
        pytest.param("<erp.1@example.com>", "bounce", None, id="its-own-id"),
        pytest.param(None, "bounce", None, id="an-id-of-ours"),
        pytest.param("<erp.1@example.com>", "signed", BOB, id="its-own-id-but-our-return-address"),
    ],
)
def test_a_report_about_what_another_program_sent_finds_its_message(
    gateway: Gateway, message_id: str | None, to: str, follower: str | None
) -> None:
    """Its own id is found, but everybody may write it; what we signed proves."""
    gateway(mail(), "info@example.com")
    raw = mail(message_id=message_id, to=BOB, **{"from": "info@example.com"})
    made = post.register(gateway.store, ONE, raw, (), gateway.now)
    original = f"Message-ID: {made.message_id}\n\n" if to == "bounce" else NOTHING
    found = one(come(gateway, standard(block(BOB), original=original), BOUNCE if to == "bounce" else made.reverse_path))
    assert (found.stored, found.record, found.follower) == (made.number, ONE, follower)


def test_what_another_program_sent_to_several_proves_nobody(gateway: Gateway) -> None:
    gateway(mail(), "info@example.com")
    raw = mail(message_id=None, to=f"{BOB}, {CARL}", **{"from": "info@example.com"})
    made = post.register(gateway.store, ONE, raw, (), gateway.now)
    found = one(come(gateway, standard(block(BOB), original=NOTHING), made.reverse_path))
    assert (found.stored, found.recipient, found.follower, found.quiet) == (made.number, BOB, None, False)
    again = standard(block(EVE), original=NOTHING, message_id="<report.2@mx.client.org>")
    assert one(come(gateway, again, made.reverse_path)).quiet, "to whom it did not go"


def test_a_report_about_a_copy_finds_its_recipient(gateway: Gateway) -> None:
    """Its id is ours, its message is the one that the person wrote."""
    gateway.change("info@example.com", notify=(CARL,))
    received = gateway(mail(), "info@example.com")
    with gateway.store.read() as tx:
        (copy,) = queued(tx)
    mark = next(row for row in copy.octets.decode().splitlines() if row.startswith("Message-ID:"))
    found = one(come(gateway, standard(block(CARL), original=f"{mark}\n\n")))
    assert (found.stored, found.record, found.recipient, found.quiet) == (received.number, ONE, CARL, False)


def test_a_report_about_a_record_that_is_gone_is_recorded(gateway: Gateway, sent: dict[str, Copy]) -> None:
    with gateway.store.write() as tx:
        records.remove(tx, ONE)
    found = one(come(gateway, standard(block(BOB), original=sent[BOB].header()), sent[BOB].reverse_path))
    assert (found.stored, found.record) == (sent[BOB].number, None)


def judged(raw: bytes, given: State, recipient: str = BOUNCE) -> tuple[Reported, ...]:
    """What a report says, without a store."""
    (outcome,) = decide(raw, recipient, given=given, reverse_path="").outcomes
    return outcome.reports


def test_of_one_id_our_own_message_is_meant() -> None:
    """A provider brought it back, or somebody used it: that copy is no message of ours."""
    ours = token.message_id(token.new_mark(token.POST, SECRET, b"0123456789"), "example.com")
    delivery = Delivery(1, 7, ours, Placement(ONE, None), BOB)
    given = state(known=known(stored(5, ours, ONE), stored(7, ours, ONE, outgoing=True)), sent_to={7: (delivery,)})
    (found,) = judged(standard(block(BOB), original=f"Message-ID: {ours}\n\n"), given)
    assert (found.stored, found.quiet) == (7, False)


def test_an_id_alone_makes_no_forwarder() -> None:
    """What came back may have come from anybody; only a return address has one recipient."""
    ours = token.message_id(token.new_mark(token.POST, SECRET, b"0123456789"), "example.com")
    delivery = Delivery(1, 7, ours, Placement(ONE, None), BOB)
    given = state(known=known(stored(7, ours, ONE, outgoing=True)), sent_to={7: (delivery,)})
    (found,) = judged(standard(block(EVE), original=f"Message-ID: {ours}\n\n"), given)
    assert (found.recipient, found.stored, found.follower) == (EVE, 7, None)


COMPLAINTS: dict[str, Callable[[Copy], bytes]] = {
    "original-mail-from": lambda copy: complaint(f"Original-Mail-From: <{copy.reverse_path}>\n", original=NOTHING),
    "reply-to-that-comes-back": lambda copy: complaint("", original=f"Reply-To: {copy.reply_to}\n{NOTHING}"),
    "return-path-that-comes-back": lambda copy: complaint(
        "", original=f"Return-Path: <{copy.reverse_path}>\n{NOTHING}"
    ),
    "redacted-recipient": lambda copy: complaint(
        f"Original-Mail-From: <{copy.reverse_path}>\nOriginal-Rcpt-To: redacted@provider.invalid\n",
        original=f"To: undisclosed\n{NOTHING}",
    ),
    "named-recipient-and-id": lambda copy: complaint(f"Original-Rcpt-To: {BOB}\n", original=copy.header()),
    "recipient-in-the-header-and-id": lambda copy: complaint("", original=copy.header(to=BOB)),
}


PROVED_COMPLAINTS = {"original-mail-from", "return-path-that-comes-back", "redacted-recipient"}


@pytest.mark.parametrize("name", COMPLAINTS)
@pytest.mark.parametrize("recipient", ["abuse@example.com", "info@example.com", BOUNCE])
def test_a_complaint_is_recorded_and_proved_by_the_signed_return_address(
    gateway: Gateway, sent: dict[str, Copy], name: str, recipient: str
) -> None:
    outcome = come(gateway, COMPLAINTS[name](sent[BOB]), recipient)
    assert (outcome.action, outcome.report, outcome.record) == ("bounce", "feedback", ONE)
    found = one(outcome)
    assert (found.recipient, found.action, found.kind) == (BOB, "complaint", "complaint")
    assert (found.follower, found.quiet) == (BOB if name in PROVED_COMPLAINTS else None, False)


def test_a_complaint_about_nothing_of_ours_is_listed(gateway: Gateway, sent: dict[str, Copy]) -> None:
    found = one(come(gateway, complaint(f"Original-Rcpt-To: {BOB}\n")))
    assert (found.recipient, found.message, found.stored, found.follower) == (BOB, "<orig.1@example.com>", None, None)
    assert entries(gateway) == [(BOB, None, None)]


AWAY = mail("I am away.\n", auto_submitted="auto-replied", message_id="<away@client.org>")
TLS = multipart(("text/plain", "See"), ("application/tlsrpt+gzip", "x"), subject="Report", **{"from": "tls@client.org"})
KINDS: dict[str, tuple[bytes, str, str, str, str]] = {
    "failed": (standard(), "bounce", "report", "failed", "report"),
    "failed-in-words": (notice("<ann@client.org>: 550 5.1.1 no\n"), "bounce", "report", "failed", "report"),
    "delayed": (standard(block(action="delayed", status="4.4.1")), "ignore", "report", "delayed", "report"),
    "delivered": (standard(block(action="delivered", status="2.0.0")), "ignore", "report", "delivered", "report"),
    "relayed": (standard(block(action="relayed", status="2.0.0")), "ignore", "report", "delivered", "report"),
    "expanded": (standard(block(action="expanded", status="2.0.0")), "ignore", "report", "delivered", "report"),
    "disposition": (receipt(), "ignore", "report", "disposition", "report"),
    "feedback": (complaint(), "bounce", "report", "feedback", "report"),
    "feedback-that-praises": (
        complaint().replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam"),
        "ignore",
        "report",
        "feedback",
        "report",
    ),
    "automatic": (AWAY, "hold", "bounce-address", "automatic", "automatic"),
    "other": (TLS, "hold", "bounce-address", "other", "report"),
}


@pytest.mark.parametrize(("raw", "action", "reason", "kind", "classed"), KINDS.values(), ids=KINDS)
def test_only_failures_and_complaints_are_bounces(
    gateway: Gateway, raw: bytes, action: str, reason: str, kind: str, classed: str
) -> None:
    """RULES of the gateway: only what failed, and complaints, are recorded; all of it is nobody's record."""
    receipt = gateway(raw, BOUNCE, reverse_path="")
    (found,) = receipt.decision.outcomes
    assert (found.action, found.reason, found.report, found.rule) == (action, reason, kind, "report")
    assert receipt.facts.class_.name == classed
    assert len(entries(gateway)) == (action == "bounce")
    assert (gateway.records(), gateway.outbox()) == ([], [])
    assert gateway.held() == ([reason] if action == "hold" else [])
    assert receipt.decision.status.exit == 0


@pytest.mark.parametrize("name", KINDS)
def test_a_step_summarises_a_report(gateway: Gateway, name: str) -> None:
    """The keys that scripts rely on, and one entry for each recipient."""
    raw, action, reason, kind, _ = KINDS[name]
    receipt = gateway(raw, BOUNCE, reverse_path="")
    assert receipt.number
    (found,) = json.loads(json.dumps(gateway.why(receipt.number)))["outcomes"]
    assert (found["action"], found["reason"], found["report"]) == (action, reason, kind)
    if action == "bounce":
        (told,) = found["reports"]
        assert {"recipient", "action", "status", "diagnostic", "kind", "permanent", "message"} <= set(told)
        assert (told["recipient"], told["proved"]) == ("ann@client.org", False)


def test_one_failure_among_delays_and_successes_is_a_bounce(gateway: Gateway) -> None:
    raw = standard(block("a@x.org", "delayed", "4.4.1"), block("b@x.org"), block("c@x.org", "delivered", "2.0.0"))
    outcome = come(gateway, raw)
    assert (outcome.action, outcome.report, len(outcome.reports)) == ("bounce", "failed", 3)
    assert entries(gateway) == [("b@x.org", None, None)]


QUIET: dict[str, tuple[bytes, str, str]] = {
    "person": (mail("Hello?\n"), BOB, "other"),
    "person-who-answers": (mail("Yes.\n", references="MESSAGE-ID"), BOB, "other"),
    "auto-reply": (AWAY, BOB, "automatic"),
    "auto-reply-from-nowhere": (AWAY, "", "automatic"),
    "list": (mail("Hello.\n", list_id="<l.client.org>"), BOB, "automatic"),
    "nobody": (mail("Hello.\n"), "", "automatic"),
}


@pytest.mark.parametrize(("raw", "reverse_path", "kind"), QUIET.values(), ids=QUIET)
@pytest.mark.parametrize("signed", [False, True], ids=["plain", "signed"])
def test_what_is_no_report_is_held_quietly(
    gateway: Gateway, sent: dict[str, Copy], raw: bytes, reverse_path: str, kind: str, signed: bool
) -> None:
    before = gateway.outbox()
    to = sent[BOB].reverse_path if signed else BOUNCE
    raw = raw.replace(b"To: info@example.com", f"To: {to}".encode()).replace(b"<m1@client.org>", b"<m2@client.org>")
    raw = raw.replace(b"MESSAGE-ID", sent[BOB].message_id.encode())
    (found,) = gateway(raw, to, reverse_path=reverse_path).decision.outcomes
    assert (found.action, found.reason, found.report, found.quiet) == ("hold", "bounce-address", kind, True)
    with gateway.store.read() as tx:
        (entry,) = held.listing(tx)
        assert held.still_open(tx).total == 0
    assert entry.quiet
    assert (gateway.records(), gateway.outbox(), entries(gateway)) == (["crm.lead/1"], before, [])


OWN: dict[str, Callable[[Copy], bytes]] = {
    "report": lambda copy: standard(
        block(BOB), original=copy.header(), references=copy.message_id, **{"from": "postmaster@example.com"}
    ),
    "notice": lambda copy: notice(
        f"<{BOB}>: 550 5.1.1 unknown\n", references=copy.message_id, **{"from": "postmaster@example.com"}
    ),
    "report-in-reply": lambda copy: standard(
        block(BOB), original=copy.header(), in_reply_to=copy.message_id, **{"from": "MAILER-DAEMON@example.com"}
    ),
    "complaint-by-abuse": lambda copy: complaint(
        f"Original-Rcpt-To: {BOB}\n",
        original=copy.header(),
        references=copy.message_id,
        **{"from": "abuse@example.com"},
    ),
}


@pytest.mark.parametrize("told", OWN.values(), ids=OWN)
def test_a_report_of_our_own_mail_server_is_a_report(
    gateway: Gateway, sent: dict[str, Copy], told: Callable[[Copy], bytes]
) -> None:
    """It names our id, and its author is a local address: our own message coming back looks like that, too."""
    outcome = come(gateway, told(sent[BOB]))
    assert (outcome.action, outcome.reason, one(outcome).recipient) == ("bounce", "report", BOB)


def refused(gateway: Gateway) -> bytes:
    """A refusal of ours."""
    gateway(mail(to="catchall@example.com", message_id="<zoe@client.org>"), "catchall@example.com")
    with gateway.store.read() as tx:
        return queued(tx)[-1].octets


ANSWERS_IT = "report-that-answers-it"
REFUSALS: dict[str, tuple[Callable[[str], bytes], str]] = {
    "itself": (lambda octets: octets.encode(), "loop"),
    "itself-under-another-id": (
        lambda octets: octets.replace("Message-ID: <mg1", "Message-ID: <x", 1).encode(),
        "loop",
    ),
    "report-about-it": (lambda octets: standard(block(BOB), original=octets), "report"),
    "header-about-it": (
        lambda octets: standard(block(BOB), original=octets.partition("\n\n")[0] + "\n\n"),
        "report",
    ),
    "notice-about-it": (
        lambda octets: notice(f"<{BOB}>: unknown user\n\n--- Below this line is a copy of the message.\n\n{octets}"),
        "report",
    ),
    ANSWERS_IT: (
        lambda octets: standard(
            block(BOB), original=NOTHING, references=octets.partition("Message-ID: ")[2].split()[0]
        ),
        "loop",
    ),
}


@pytest.mark.parametrize(("told", "reason"), REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("recipient", [BOUNCE, "info@example.com"])
def test_of_a_refusal_nobody_waits_for_a_report(
    gateway: Gateway, told: Callable[[str], bytes], reason: str, recipient: str
) -> None:
    octets = refused(gateway).decode().replace("\r\n", "\n")
    before = gateway.outbox()
    outcome = come(gateway, told(octets), recipient)
    assert (outcome.action, outcome.reason) == ("hold" if told is REFUSALS[ANSWERS_IT][0] else "ignore", reason)
    assert not gateway.held() or outcome.quiet
    assert (gateway.records(), gateway.outbox(), entries(gateway)) == ([], before, [])


def test_a_refusal_named_beside_a_signed_address_does_not_hide_the_failure(
    gateway: Gateway, sent: dict[str, Copy]
) -> None:
    octets = refused(gateway).decode().replace("\r\n", "\n")
    found = one(come(gateway, standard(block(BOB), original=octets), sent[BOB].reverse_path))
    assert (found.stored, found.follower) == (sent[BOB].number, BOB)


def test_a_report_makes_nothing_of_an_alias(gateway: Gateway) -> None:
    """Whatever policy it has: it is not asked."""
    gateway.change("info@example.com", policy="members")
    assert come(gateway, standard(to="info@example.com"), "info@example.com").action == "bounce"
    assert (gateway.records(), gateway.outbox(), gateway.held(refused=True)) == ([], [], [])


@pytest.mark.parametrize("author", [BOB, "MAILER-DAEMON@client.org"])
def test_a_null_reverse_path_without_a_report_goes_on_as_automatic(gateway: Gateway, author: str) -> None:
    receipt = gateway(mail("Ticket 7 waits.\n", **{"from": author}), "info@example.com", reverse_path="")
    assert receipt.facts.class_.name == "automatic"
    assert gateway.records() == ["crm.lead/1"]
    assert gateway.every_record()[0].followers == ()


def test_a_report_to_a_retired_bounce_name_with_another_delimiter_is_proved(
    gateway: Gateway, sent: dict[str, Copy]
) -> None:
    """What was signed yesterday comes back tomorrow."""
    with gateway.store.write() as tx:
        home = domains.get(tx, "example.com")
        domains.save(tx, home._replace(bounce="returned", delimiter="-"))
    found = one(come(gateway, standard(block(BOB), original=NOTHING), sent[BOB].reverse_path))
    assert found.follower == BOB
    new = posted(gateway)[BOB]
    assert new.reverse_path.startswith("returned-mg1b")
    raw = standard(block(BOB), original=NOTHING, message_id="<report.2@mx.client.org>")
    assert one(come(gateway, raw, new.reverse_path)).stored == new.number


def test_without_details_nothing_proves(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(details=False))
    gateway(mail(), "info@example.com")
    copy = posted(gateway)[BOB]
    assert copy.reverse_path == BOUNCE
    found = one(come(gateway, standard(block(BOB), original=copy.header())))
    assert (found.recipient, found.follower, found.quiet) == (BOB, None, False)


@pytest.mark.parametrize("turn", range(3))
def test_the_same_report_at_several_addresses_of_ours(gateway: Gateway, sent: dict[str, Copy], turn: int) -> None:
    """One process each, or one for all, in any order: one failure."""
    raw = standard(block(BOB), original=sent[BOB].header())
    ways = [[sent[BOB].reverse_path], ["info@example.com"], [sent[BOB].reverse_path, "info@example.com"]]
    for recipients in (*ways[turn:], *ways[:turn]):
        assert gateway(raw, *recipients, reverse_path="").decision.status.exit == 0
    assert entries(gateway) == [(BOB, "crm.lead/1", BOB)]
    assert gateway.records() == ["crm.lead/1"]


def test_a_report_names_more_than_is_known() -> None:
    """Whatever it names, ten recipients are kept, and nothing raises."""
    raw = standard(*(block(f"u{n}@x.org") for n in range(300)), block(None), block("ann@#x.org"), block("|/usr/bin/x"))
    found = judged(raw, state())
    assert len({each.recipient for each in found}) == len(found) == 10
    assert not [each for each in found if each.follower or each.stored]
