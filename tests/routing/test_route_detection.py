"""Local-part detection and allowed domains: what an alias takes whose full address is written nowhere, and what not."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import HOME, INFO, JOBS, OTHER, but, decide, known, mail, said, sent, state, stored

from mailgate.routing.state import Follower, State
from mailgate.values.directory import Alias, Contact
from mailgate.values.record import Ref

ONE = Ref("crm.lead", 1)
OFF = Alias(5, "commercial", "example.com", "crm.team")
ON = OFF._replace(local_part=True)
TAKEN = "create alias crm.team commercial@example.com"
INFOS = "create alias crm.lead info@example.com"
NONE: frozenset[str] = frozenset()
PARTNER = frozenset({"partner.org"})


def given(alias: Alias, allowed: frozenset[str] = NONE, **more: object) -> State:
    return state(alias, INFO, JOBS, allowed_domains=allowed, **more)


RECIPIENT_FIELDS = ["to", "cc", "delivered_to", "x_original_to", "envelope_to", "resent_to", "resent_cc"]
OTHER_FIELDS = ["from", "sender", "reply_to", "bcc", "resent_from", "return_path", "subject", "x_to", "list_post"]
ENVELOPES = {"envelope": ["info@example.com"], "no-envelope": [], "transport": ["gate@mx.lan"]}


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize("field", [*RECIPIENT_FIELDS, *OTHER_FIELDS])
@pytest.mark.parametrize(
    ("alias", "allowed"),
    [
        pytest.param(OFF, NONE, id="off"),
        pytest.param(OFF, PARTNER, id="off-with-a-list"),
        pytest.param(OFF, frozenset({"else.org"}), id="off-though-it-is-on-the-list"),
        pytest.param(ON, PARTNER, id="on-with-another-domain-on-the-list"),
    ],
)
def test_somebody_elses_address_is_not_taken_for_the_alias(
    alias: Alias, allowed: frozenset[str], field: str, envelope: str
) -> None:
    """The false positives of Odoo's manual: a customer has a `commercial@` too, and it happens to stand somewhere."""
    fields: dict[str, str | None] = {"to": "info@example.com", field: "commercial@else.org"}
    if field == "to":
        fields["to"] = "info@example.com, commercial@else.org"
    found = decide(mail(**fields), *ENVELOPES[envelope], given=given(alias, allowed))
    assert said(found) == [INFOS]


@pytest.mark.parametrize("field", RECIPIENT_FIELDS)
@pytest.mark.parametrize(
    ("envelope", "wanted"), [("envelope", [INFOS]), ("no-envelope", [INFOS, TAKEN]), ("transport", [INFOS, TAKEN])]
)
def test_on_and_without_a_list_it_is_where_no_envelope_says_otherwise(
    field: str, envelope: str, wanted: list[str]
) -> None:
    fields: dict[str, str | None] = {"to": "info@example.com", field: "commercial@else.org"}
    if field == "to":
        fields["to"] = "info@example.com, commercial@else.org"
    assert said(decide(mail(**fields), *ENVELOPES[envelope], given=given(ON))) == wanted


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize("field", OTHER_FIELDS)
def test_a_field_that_names_no_recipient_never_counts(field: str, envelope: str) -> None:
    for domain in ("else.org", "partner.org", "other.test", "example.com"):
        raw = mail(**{field: f"commercial@{domain}"})
        for allowed in (NONE, PARTNER):
            found = decide(raw, *ENVELOPES[envelope], given=given(ON, allowed))
            assert [each for each in said(found) if "crm.team" in each] == []


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize("field", RECIPIENT_FIELDS)
@pytest.mark.parametrize("domain", ["partner.org", "other.test"], ids=["allowed", "own"])
def test_in_allowed_and_own_domains_it_is_taken_whatever_the_envelope(domain: str, field: str, envelope: str) -> None:
    fields: dict[str, str | None] = {"to": "info@example.com", field: f"commercial@{domain}"}
    if field == "to":
        fields["to"] = f"info@example.com, commercial@{domain}"
    assert said(decide(mail(**fields), *ENVELOPES[envelope], given=given(ON, PARTNER))) == [INFOS, TAKEN]


REFUSED = "refuse no-route"


@pytest.mark.parametrize(
    ("recipient", "alias", "allowed", "wanted"),
    [
        pytest.param("commercial@else.org", ON, NONE, TAKEN, id="any-domain"),
        pytest.param("COMMERCIAL@Else.org", ON, NONE, TAKEN, id="any-case"),
        pytest.param("commercial+x@else.org", ON, NONE, TAKEN, id="with-a-detail"),
        pytest.param("commercial@else.org", OFF, NONE, f"{REFUSED} commercial@else.org", id="off"),
        pytest.param("commercial@else.org", ON, PARTNER, f"{REFUSED} commercial@else.org", id="not-on-the-list"),
        pytest.param("commercial@partner.org", ON, PARTNER, TAKEN, id="on-the-list"),
        pytest.param("commercial@PARTNER.org", ON, PARTNER, TAKEN, id="on-the-list-in-any-case"),
        pytest.param("commercial@partner.org", OFF, PARTNER, f"{REFUSED} commercial@partner.org", id="list-but-off"),
        pytest.param(
            "commercial@x.partner.org", ON, PARTNER, f"{REFUSED} commercial@x.partner.org", id="I11-below-the-list"
        ),
        pytest.param("commercial@org", ON, PARTNER, f"{REFUSED} commercial@org", id="above-the-list"),
        pytest.param(
            "commercial@xpartner.org", ON, PARTNER, f"{REFUSED} commercial@xpartner.org", id="I11-a-longer-name"
        ),
        pytest.param("commercial@bücher.example", ON, frozenset({"xn--bcher-kva.example"}), TAKEN, id="u-label"),
        pytest.param("commercial@other.test", ON, PARTNER, TAKEN, id="own-domain-beside-a-list"),
        pytest.param("commercial@other.test", ON, NONE, TAKEN, id="own-domain-without-a-list"),
        pytest.param("commercial@other.test", OFF, NONE, f"{REFUSED} commercial@other.test", id="own-domain-off"),
        pytest.param("commercials@else.org", ON, NONE, f"{REFUSED} commercials@else.org", id="a-longer-local-part"),
        pytest.param("ommercial@else.org", ON, NONE, f"{REFUSED} ommercial@else.org", id="a-shorter-one"),
        pytest.param("commercial@example.com", ON, PARTNER, TAKEN, id="its-own-address"),
        pytest.param("commercial@example.com", OFF, PARTNER, TAKEN, id="a-list-never-restricts-full-addresses"),
    ],
)
def test_an_envelope_recipient_is_detected_as_the_list_allows(
    recipient: str, alias: Alias, allowed: frozenset[str], wanted: str
) -> None:
    found = decide(mail(to="x@y.org"), recipient, given=given(alias, allowed))
    assert said(found) == [wanted]


TWIN = Alias(6, "commercial", "other.test", "help.ticket")
TWINS = "create alias help.ticket commercial@other.test"


@pytest.mark.parametrize(
    ("twin", "recipient", "wanted"),
    [
        pytest.param(TWIN, "commercial@other.test", [TWINS], id="D6-an-exact-alias-beats-detection"),
        pytest.param(TWIN, "commercial-x@other.test", [TWINS], id="also-with-a-detail"),
        pytest.param(TWIN, "commercial@example.com", [TAKEN], id="each-its-own"),
        pytest.param(TWIN, "commercial@else.org", [TAKEN], id="elsewhere-the-one-with-detection"),
        pytest.param(TWIN._replace(local_part=True), "commercial@other.test", [TWINS], id="both-detect-exact-wins"),
        pytest.param(TWIN._replace(local_part=True), "commercial@else.org", [TAKEN, TWINS], id="both-detect-elsewhere"),
    ],
)
def test_an_exact_address_beats_detection(twin: Alias, recipient: str, wanted: list[str]) -> None:
    assert said(decide(mail(to=recipient), recipient, given=state(ON, twin))) == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        pytest.param("all", "refuse catchall all@other.test", id="catchall"),
        pytest.param("postmaster", "hold postmaster postmaster@other.test", id="postmaster"),
        pytest.param("returns", "hold bounce-address", id="bounce"),
    ],
)
def test_what_a_domain_has_itself_beats_detection(name: str, wanted: str) -> None:
    alias = Alias(5, name, "example.com", "crm.team", local_part=True)
    address = f"{name}@other.test"
    assert said(decide(mail(to=address), address, given=state(alias, domains=(HOME, OTHER)))) == [wanted]


def test_a_detected_alias_beside_a_catchall() -> None:
    raw = mail(to="catchall@example.com, commercial@other.test")
    assert said(decide(raw, "catchall@example.com", given=given(ON))) == [TAKEN]
    assert said(decide(raw, "catchall@example.com", given=given(OFF))) == ["refuse catchall catchall@example.com"]


@pytest.mark.parametrize(
    ("alias", "wanted"),
    [
        pytest.param(ON, [TAKEN], id="on-is-a-forward"),
        pytest.param(OFF, ["post reply crm.lead/1"], id="off-is-an-answer"),
    ],
)
def test_an_answer_whose_to_names_it(alias: Alias, wanted: list[str]) -> None:
    raw = mail(to="info@example.com, commercial@partner.org", references="<a@x>")
    found = decide(raw, "info@example.com", given=given(alias, PARTNER, known=known(stored(1, "<a@x>", ONE))))
    assert said(found) == wanted


@pytest.mark.parametrize("to", ["commercial@else.org", "info@example.com, commercial@else.org"])
def test_an_answer_that_goes_to_a_customer_as_well_is_no_forward(to: str) -> None:
    raw = mail(to=to, references="<a@x>")
    found = decide(raw, "info@example.com", given=given(ON, known=known(stored(1, "<a@x>", ONE))))
    assert said(found) == ["post reply crm.lead/1"]


# --- the customer himself --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [NONE, PARTNER], ids=["no-list", "another-list"])
@pytest.mark.parametrize("path", [True, False], ids=["reverse-path-too", "author-only"])
def test_a_customer_of_that_name_is_a_person_like_any_other(allowed: frozenset[str], path: bool) -> None:
    raw = mail(**{"from": "commercial@else.org"})
    reverse_path = "commercial@else.org" if path else "bob@client.org"
    closed = INFO._replace(policy="contacts")
    known_as = Contact("commercial@else.org")
    found = decide(raw, "info@example.com", given=state(ON, closed, allowed_domains=allowed), reverse_path=reverse_path)
    assert sent(found) == [f"policy -> {reverse_path} about info@example.com"]
    found = decide(raw, "info@example.com", given=state(ON, closed, allowed_domains=allowed, contact=known_as))
    assert said(found) == [INFOS]


@pytest.mark.parametrize("allowed", [PARTNER, NONE], ids=["allowed", "any"])
def test_who_writes_from_an_allowed_domain_is_not_one_of_ours(allowed: frozenset[str]) -> None:
    """Mail to such an address is taken; it lies in no domain of ours all the same, and somebody reads it there."""
    raw = mail(**{"from": "commercial@partner.org"})
    known_as = Contact("commercial@partner.org")
    closed = state(ON, INFO._replace(policy="contacts"), allowed_domains=allowed, contact=known_as)
    assert said(decide(raw, "info@example.com", given=closed)) == [INFOS]
    closed = but(closed, contact=None)
    for sender, path in ((None, "commercial@partner.org"), ("commercial@partner.org", "bob@client.org")):
        raw = mail(**({"from": sender} if sender else {}))
        found = decide(raw, "info@example.com", given=closed, reverse_path=path)
        assert sent(found) == [f"policy -> {path} about info@example.com"]


@pytest.mark.parametrize("sender", ["commercial@other.test", "commercial@example.com"])
def test_who_writes_from_a_local_domain_is_one_of_ours(sender: str) -> None:
    closed = state(ON, INFO._replace(policy="contacts"), contact=Contact(sender, member=True))
    found = decide(mail(**{"from": sender}), "info@example.com", given=closed)
    assert (said(found), sent(found)) == (["hold policy info@example.com"], [])


def test_a_customer_of_that_name_gets_copies_and_sends_them_on() -> None:
    more = {"followed": frozenset({ONE}), "known": known(stored(1, "<a@x>", ONE))}
    people = {ONE: (Follower("commercial@else.org"), Follower("anna@team.org"))}
    raw = mail(references="<a@x>", **{"from": "commercial@else.org"})
    found = decide(
        raw, "info@example.com", given=given(ON, followers=people, **more), reverse_path="commercial@else.org"
    )
    assert [each.to for each in found.outgoing] == ["anna@team.org"]
    found = decide(mail(references="<a@x>"), "info@example.com", given=given(ON, followers=people, **more))
    assert [each.to for each in found.outgoing] == ["commercial@else.org", "anna@team.org"]


# --- with a store ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "allowed", "to", "envelope", "wanted"),
    [
        pytest.param(True, "", "commercial@else.org", True, ["crm.team/1"], id="envelope"),
        pytest.param(True, "", "commercial@else.org", False, ["crm.team/1"], id="headers-alone"),
        pytest.param(False, "", "commercial@else.org", True, [], id="off"),
        pytest.param(True, "partner.org", "commercial@else.org", True, [], id="not-on-the-list"),
        pytest.param(True, "partner.org", "commercial@else.org", False, [], id="not-on-the-list-headers-alone"),
        pytest.param(True, "a.org, Partner.ORG", "commercial@partner.org", True, ["crm.team/1"], id="on-the-list"),
        pytest.param(True, "partner.org", "commercial@partner.org", False, ["crm.team/1"], id="on-the-list-headers"),
        pytest.param(False, "partner.org", "commercial@partner.org", True, [], id="on-the-list-but-off"),
        pytest.param(True, "partner.org", "commercial@other.test", True, ["crm.team/1"], id="own-domain"),
        pytest.param(True, "bücher.example", "commercial@bücher.example", True, ["crm.team/1"], id="u-label"),
        pytest.param(True, "", "Commercial+x@else.org", True, ["crm.team/1"], id="case-and-detail"),
    ],
)
def test_detection_depends_on_the_parameter_and_the_alias(
    gateway: Gateway, on: bool, allowed: str, to: str, envelope: bool, wanted: list[str]
) -> None:
    gateway.alias("commercial@example.com", "crm.team", local_part=on)
    gateway.parameter("mail.catchall.domain.allowed", allowed)
    gateway(mail(to=to), *([to] if envelope else []))
    assert gateway.records() == wanted


def test_a_list_that_is_cleared_restricts_nothing(gateway: Gateway) -> None:
    gateway.alias("commercial@example.com", "crm.team", local_part=True)
    for number, (allowed, records) in enumerate((("partner.org", 0), ("", 1), ("partner.org", 1))):
        gateway.parameter("mail.catchall.domain.allowed", allowed)
        gateway(mail(to="x@y.org", message_id=f"<{number}>"), "commercial@else.org")
        assert len(gateway.records()) == records


def test_a_blind_copy_of_what_a_customer_got_is_the_envelopes_alone(gateway: Gateway) -> None:
    """The manual's example: `commercial@` of a customer stands in To, the mail comes to another alias of ours."""
    gateway.alias("commercial@example.com", "crm.team", local_part=True)
    gateway(mail(to="commercial@else.org", cc="commercial@client.org"), "info@example.com")
    assert gateway.made() == ["crm.lead by info@example.com"]
