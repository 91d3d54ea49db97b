"""The catchall takes answers, and tells everybody else where to write."""

import pytest
from helpers.messages import HOME, INFO, OTHER, decide, mail, said, sent, state

from mailgate.values.directory import Alias

REFUSED = ["refuse catchall catchall@example.com"]
LEAD = ["create alias crm.lead info@example.com"]


@pytest.mark.parametrize(
    ("recipient", "fields", "wanted"),
    [
        pytest.param("catchall", {"to": "catchall"}, REFUSED, id="alone"),
        pytest.param("catchall", {"to": "Catchall"}, REFUSED, id="in-any-case"),
        pytest.param("catchall+xyz", {"to": "catchall+xyz"}, REFUSED, id="with-a-detail-that-is-no-token"),
        pytest.param("catchall", {"to": "catchall, x@y.org"}, REFUSED, id="beside-strangers"),
        pytest.param("catchall", {"to": "catchall, nobody"}, REFUSED, id="beside-unknown-addresses"),
        pytest.param("catchall", {"to": "catchall, postmaster"}, REFUSED, id="postmaster-counts-like-unknown"),
        pytest.param("catchall", {"to": "catchall, info"}, LEAD, id="beside-an-alias-it-changes-nothing"),
        pytest.param("catchall", {"to": "catchall", "cc": "info"}, LEAD, id="alias-in-cc"),
        pytest.param("catchall", {"to": "catchall", "delivered_to": "info"}, LEAD, id="alias-anywhere"),
        pytest.param("info", {"to": "catchall"}, LEAD, id="alias-as-a-blind-copy"),
        pytest.param("catchall", {"to": "x@y.org"}, ["hold catchall catchall@example.com"], id="blind-copy-is-held"),
        pytest.param(
            "catchall", {"to": "nobody", "cc": "catchall"}, ["refuse no-route catchall@example.com"], id="only-in-cc"
        ),
        pytest.param("", {"to": "catchall"}, REFUSED, id="no-envelope"),
        pytest.param("gate@mx.lan", {"to": "catchall"}, REFUSED, id="transport-only"),
        pytest.param("catchall", {"to": "catchall, all@other.test"}, REFUSED, id="beside-another-catchall"),
    ],
)
def test_a_catchall_refuses_what_is_no_answer(recipient: str, fields: dict[str, str], wanted: list[str]) -> None:
    def full(names: str) -> list[str]:
        return [name if "@" in name else f"{name}@example.com" for name in names.replace(",", " ").split()]

    written: dict[str, str | None] = {name: ", ".join(full(value)) for name, value in fields.items()}
    assert said(decide(mail(**written), *full(recipient))) == wanted


def test_without_envelope_postmaster_beside_a_catchall_is_held_too() -> None:
    found = decide(mail(to="catchall@example.com, postmaster@example.com"))
    assert said(found) == ["hold postmaster postmaster@example.com", *REFUSED]


def test_a_refusal_of_a_catchall_names_it() -> None:
    found = decide(mail(to="catchall@example.com"), "catchall@example.com")
    assert sent(found) == ["catchall -> bob@client.org about catchall@example.com"]
    assert found.outgoing[0].domain == "example.com"
    assert (found.status.exit, found.status.line) == (0, "")
    assert found.has_effects


def test_retired_catchalls_are_refused_by_their_own_name() -> None:
    given = state(INFO, domains=(HOME._replace(retired=(("old", "catchall"),)), OTHER))
    found = decide(mail(to="OLD+x@example.com"), "old+x@example.com", given=given)
    assert said(found) == ["refuse catchall old@example.com"]


@pytest.mark.parametrize("spelling", ["catchall@example.com", "CatchAll@example.com", "catchall+1@example.com"])
def test_one_answer_however_the_catchall_is_spelled(spelling: str) -> None:
    given = state(answered=frozenset({("catchall", "catchall@example.com")}))
    assert decide(mail(to=spelling), spelling, given=given).outgoing == ()


def test_two_catchalls_are_two_reasons_to_answer() -> None:
    both = ("catchall@example.com", "all@other.test")
    found = decide(mail(to=", ".join(both)), *both)
    assert sorted(sent(found)) == [
        "catchall -> bob@client.org about all@other.test",
        "catchall -> bob@client.org about catchall@example.com",
    ]


def test_a_catchall_may_refuse_by_status() -> None:
    found = decide(mail(to="catchall@example.com"), "catchall@example.com", given=state(refusals_by="status"))
    assert (found.status.code, found.status.exit, found.outgoing, found.has_effects) == ("5.2.1", 77, (), False)
    assert "<catchall@example.com>" in found.status.line


def test_a_detected_alias_is_an_alias() -> None:
    given = state(Alias(1, "info", "example.com", "crm.lead", local_part=True))
    found = decide(mail(to="catchall@example.com, info@other.test"), "catchall@example.com", given=given)
    assert said(found) == LEAD
