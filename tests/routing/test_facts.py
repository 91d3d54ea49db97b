"""What a message says by itself, and what it says where its addresses mean something."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import HOME, OTHER, SECRET, decide, facts, incoming, mail, said, state, stored
from helpers.reports import block, standard

from mailgate.mail import classify, message
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.reports import report
from mailgate.routing import facts as reading
from mailgate.routing.state import Delivery, Placement
from mailgate.store import domains
from mailgate.values import token
from mailgate.values.address import Address
from mailgate.values.record import Ref

ONE = Ref("crm.lead", 1)
DAEMON = {"from": "MAILER-DAEMON@mx.client.org", "subject": "Hello", "message_id": "<b1@client.org>"}
GONE = "Your message to zed@client.org gone.\n"
FORGED = f"returns+{token.sign(token.BOUNCE, b'another key', 7, str(ONE), 'zed@client.org')}@example.com"


@pytest.mark.parametrize(
    ("recipient", "wanted", "exit_"),
    [
        pytest.param(FORGED, "refuse no-route", 67, id="a-forged-token-at-no-name-of-ours"),
        pytest.param("bounce@example.com", "bounce report", 0, id="today"),
        pytest.param("oldbounce+x@example.com", "bounce report", 0, id="retired"),
        pytest.param("returns@other.test", "bounce report", 0, id="another-domain"),
        pytest.param("nobody@example.com", "refuse no-route", 67, id="nobody"),
    ],
)
def test_the_judge_of_the_unit_tests_reads_reports_as_the_gateway_does(
    gateway: Gateway, recipient: str, wanted: str, exit_: int
) -> None:
    """Only a bounce address of today, a retired one, or a validly signed one makes more of a message than it says."""
    raw = mail(GONE, to=recipient, **DAEMON)
    retired = HOME._replace(retired=(("oldbounce", "bounce"),))
    judged = decide(raw, recipient, given=state(domains=(retired, OTHER)), reverse_path="")
    with gateway.store.write() as tx:
        home = domains.get(tx, "example.com")
        domains.save(tx, home._replace(bounce="oldbounce"))
        domains.save(tx, domains.get(tx, "example.com")._replace(bounce="bounce"))
    receipt = gateway(raw, recipient, reverse_path="")
    for decision in (judged, receipt.decision):
        assert [f"{outcome.action} {outcome.reason}" for outcome in decision.outcomes] == [wanted]
        assert decision.status.exit == exit_


def test_a_valid_token_makes_any_local_address_a_bounce_address() -> None:
    delivery = Delivery(7, 3, "<p@example.com>", Placement(ONE, None), "zed@client.org")
    signed = f"gone+{token.sign(token.BOUNCE, SECRET, 7, str(ONE), 'zed@client.org')}@example.com"
    given = state(deliveries={7: delivery}, records=frozenset({ONE}))
    assert said(decide(mail(GONE, to=signed, **DAEMON), signed, given=given, reverse_path="")) == [
        "bounce report crm.lead/1"
    ]


def test_the_report_and_its_class_are_found_while_reading() -> None:
    found = reading.read(incoming(standard(block("ann@client.org")), "info@example.com", reverse_path=""))
    assert found.report is not None
    assert (found.class_.name, found.class_.because, found.report.kind) == ("report", "multipart/report", "failed")


def test_the_class_is_asked_once(monkeypatch: pytest.MonkeyPatch, gateway: Gateway) -> None:
    asked, classed = [], classify.classify
    monkeypatch.setattr(classify, "classify", lambda found: asked.append(found) or classed(found))
    gateway(mail(auto_submitted="auto-replied"), "info@example.com", reverse_path="")
    gateway(mail(GONE, to="bounce@example.com", **DAEMON), "bounce@example.com", reverse_path="")
    assert len(asked) == 2


def test_a_body_is_read_again_only_where_a_bounce_address_is_meant(
    monkeypatch: pytest.MonkeyPatch, gateway: Gateway
) -> None:
    asked, read = [], report.read

    def counted(*args: object, expected: bool) -> object:
        asked.append(expected)
        return read(*args, expected=expected)

    monkeypatch.setattr(report, "read", counted)
    gateway(mail(), "info@example.com")
    gateway(mail(to=FORGED, message_id="<m2@b>"), FORGED)
    assert asked == [False, False]
    gateway(mail(to="bounce@example.com", message_id="<m3@b>"), "bounce@example.com")
    assert asked[2:] == [False, True]
    gateway(standard(block("ann@client.org")), "bounce@example.com", reverse_path="")
    assert asked[4:] == [False], "a report by itself needs no bounce address"


def test_addresses_are_whole_where_the_default_domain_is_known() -> None:
    came = Incoming(mail(), "bob", ("info",), fallback=Fallback("lead"))
    by_itself = reading.read(came)
    assert by_itself.message.envelope.recipients == (Address("info", ""),)
    placed = by_itself.qualified("example.com")
    assert placed.message.envelope.recipients == (Address("info", "example.com"),)
    assert placed.message.envelope.reverse_path == Address("bob", "example.com")
    assert placed.report is None


@pytest.mark.parametrize("failing", ["read", "judge"])
def test_what_we_fail_on_counts_as_a_persons(failing: str, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **more: object) -> None:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(*((message, "read") if failing == "read" else (reading, "placed")), broken)
    receipt = gateway(mail(precedence="list"), "info", reverse_path="bob@client.org")
    assert (receipt.facts.class_.name, gateway.held()) == ("person", ["failed"])
    assert receipt.decision.outcomes[0].note.startswith("ValueError: a mistake of ours; mailgate ")
    assert [str(address) for address in receipt.facts.message.envelope.recipients] == ["info@example.com"]


def test_an_unread_message_has_its_envelope_and_its_bytes() -> None:
    raw = mail()
    found = reading.unread(Incoming(raw, "bob@client.org", ("info@example.com",), full_size=len(raw) + 1), "why")
    assert (found.message.raw, found.message.size, found.failure) == (raw, len(raw) + 1, "why")
    assert found.message.envelope == facts(raw, "info@example.com").envelope
    assert found.class_ == classify.PERSON


def test_known_messages_do_not_change_what_a_message_says() -> None:
    given = state(known={"<a@x>": (stored(1, "<a@x>", ONE),)})
    assert said(decide(mail(references="<a@x>"), "info@example.com", given=given)) == ["post reply crm.lead/1"]
