"""Mail that is decided about again, and what outlives an alias: nothing is done twice, and nothing opens by itself."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import BOB, mail

from mailgate.gateway import held as reconsider
from mailgate.gateway import post
from mailgate.gateway.post import Text
from mailgate.store import aliases, failures, held, messages, outbox, records
from mailgate.values.record import Ref

ONE = Ref("crm.lead", 1)
EVE = "eve@stranger.net"


def report(message_id: str, recipient: str, status: str = "5.1.1") -> bytes:
    """A report without any signature of ours."""
    text = (
        f"From: MAILER-DAEMON@client.org\nTo: bounce@example.com\nMessage-ID: <{recipient}{status}@client.org>\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nNo.\n--b\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.client.org\n\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: {status}\n--b\n"
        f"Content-Type: text/rfc822-headers\n\nMessage-ID: {message_id}\n--b--\n"
    )
    return text.encode()


def test_quiet_mail_that_a_report_names_can_go(gateway: Gateway) -> None:
    gateway(mail(to="catchall@example.com", precedence="bulk", message_id="<trap@x>"), "catchall@example.com")
    gateway(report("<trap@x>", BOB), "bounce@example.com", reverse_path="")
    gateway.now += 39 * held.DAY
    gateway(mail(message_id="<later@x>"), "info@example.com")
    done = reconsider.chores(gateway.store, gateway.config, gateway.now + held.DAY)
    assert done.dropped == 1
    with gateway.store.read() as tx:
        assert [(each.message, each.message_id) for each in failures.listing(tx, acked=True)] == [(None, "<trap@x>")]


def test_a_retry_repeats_nothing_that_was_taken(gateway: Gateway) -> None:
    gateway(mail(to="info@example.com, abuse@example.com"), "info@example.com", "abuse@example.com")
    assert (gateway.records(), gateway.held()) == (["crm.lead/1"], ["postmaster"])
    reconsider.retry(gateway.store, gateway.config, 1, gateway.now)
    assert (gateway.records(), gateway.held()) == (["crm.lead/1"], ["postmaster"])


def test_a_record_made_by_hand_is_governed_by_the_alias(gateway: Gateway) -> None:
    gateway.alias("closed@example.com", "ticket", policy="contacts", notify=("anna@team.org",))
    gateway(mail(to="abuse@example.com", x_spam_flag="YES"), "abuse@example.com")
    receipt = reconsider.route(gateway.store, gateway.config, 1, "closed@example.com", gateway.now)
    (made,) = gateway.every_record()
    assert (made.alias, made.followers) == ("closed@example.com", (BOB, "anna@team.org"))
    assert (receipt.queued, gateway.outbox()) == (True, ["alias anna@team.org"])


def test_what_is_judged_again_shows_the_new_judgement(gateway: Gateway) -> None:
    gateway(mail(message_id="<one@client.org>"), "info@example.com")
    gateway(
        mail(**{"from": EVE}, in_reply_to="<one@client.org>", x_spam_flag="YES", message_id="<2@x>"), "info@example.com"
    )
    gateway.change("info@example.com", spam="quiet")
    reconsider.retry(gateway.store, gateway.config, 2, gateway.now)
    found = gateway.messages()[1]
    assert (found.parent, found.flags, found.records) == ("<one@client.org>", ("outsider",), (ONE,))


def test_an_id_that_was_only_mentioned_leads_nobody_to_a_record_where_we_wrote(gateway: Gateway) -> None:
    gateway(mail(**{"from": EVE}, references="<m0@bigcorp.org>", message_id="<eve@x>"), "info@example.com")
    post.write(gateway.store, ONE, Text("Yes?\n"), (), gateway.now)
    carl = mail(**{"from": "carl@bigcorp.org"}, references="<m0@bigcorp.org>", message_id="<carl@x>")
    gateway(carl, "info@example.com")
    assert gateway.records() == ["crm.lead/1", "crm.lead/2"]


@pytest.mark.parametrize("forged_first", [True, False])
def test_a_report_without_proof_makes_a_proved_one_no_worse(gateway: Gateway, forged_first: bool) -> None:
    gateway.change("info@example.com", notify=("anna@team.org",))
    gateway(mail(message_id="<one@client.org>"), "info@example.com")
    with gateway.store.read() as tx:
        back = outbox.listing(tx)[0].reverse_path or ""
    forged = (report("<one@client.org>", "anna@team.org"), "bounce@example.com")
    proved = (report("<x@y>", "anna@team.org", "4.2.2"), back)
    for raw, recipient in (forged, proved) if forged_first else (proved, forged):
        gateway(raw, recipient, reverse_path="")
    gateway(mail(in_reply_to="<one@client.org>", message_id="<two@client.org>"), "info@example.com")
    assert gateway.outbox() == ["alias anna@team.org", "reply anna@team.org"]


def test_records_stay_as_closed_as_their_alias_was(gateway: Gateway) -> None:
    gateway.change("info@example.com", replies="participants")
    gateway(mail(message_id="<one@client.org>"), "info@example.com")
    with gateway.store.write() as tx:
        aliases.remove(tx, "info@example.com")
    answer = mail(**{"from": EVE}, to="catchall@example.com", in_reply_to="<one@client.org>", message_id="<eve@x>")
    gateway(answer, "catchall@example.com")
    assert (gateway.held(), gateway.on("crm.lead/1")) == (["outsider"], [1])


def test_a_report_finds_its_message_when_the_record_is_gone(gateway: Gateway) -> None:
    gateway(mail(), "info@example.com")
    post.write(gateway.store, ONE, Text("Yes?\n"), (), gateway.now)
    with gateway.store.write() as tx:
        back = outbox.listing(tx)[0].reverse_path or ""
        records.remove(tx, ONE)
    gateway(report("<x@y>", BOB), back, reverse_path="")
    with gateway.store.read() as tx:
        (found,) = failures.listing(tx)
        assert (found.message, found.record, found.follower) == (2, None, BOB)
        assert messages.stored(tx, 2).direction == "out"


class TestQuiet:
    """Quiet mail goes when its days have passed, and nothing else makes it go."""

    @pytest.fixture(autouse=True)
    def quiet(self, gateway: Gateway) -> None:
        gateway(mail(to="catchall@example.com", precedence="bulk", message_id="<trap@x>"), "catchall@example.com")
        gateway(mail(message_id="<same-day@x>"), "info@example.com")

    def dropped(self, gateway: Gateway, days: float, keep: int = 30) -> int:
        config = gateway.config._replace(keep_quiet=keep)
        return reconsider.chores(gateway.store, config, gateway.now + days * held.DAY).dropped

    @pytest.mark.parametrize("days", [0, 1, 31, 400])
    def test_a_clock_that_jumps_ahead_drops_nothing(self, gateway: Gateway, days: float) -> None:
        assert self.dropped(gateway, days + 0.2) == 0
        assert len(gateway.held()) == 1

    def test_days_in_which_mail_came_have_passed(self, gateway: Gateway) -> None:
        for _ in range(31):
            gateway.now += held.DAY
            gateway(mail(message_id=f"<{gateway.now}@x>"), "info@example.com")
        assert self.dropped(gateway, 0) == 1

    def test_days_in_which_no_mail_came_are_not_believed_until_some_comes(self, gateway: Gateway) -> None:
        for day in (1, 28):
            gateway(mail(message_id=f"<{day}@x>"), "info@example.com")
            gateway.now += day * held.DAY
        gateway.now += 3 * held.DAY
        assert self.dropped(gateway, 0) == 0
        gateway(mail(message_id="<at-last@x>"), "info@example.com")
        assert self.dropped(gateway, 0) == 1

    def test_zero_days_keep_it_for_ever(self, gateway: Gateway) -> None:
        for _ in range(40):
            gateway.now += held.DAY
            gateway(mail(message_id=f"<{gateway.now}@x>"), "info@example.com")
        assert self.dropped(gateway, 1, keep=0) == 0
