"""Which of our addresses a message means: exact names, details, detection by local part, who is directly addressed."""

import pytest
from helpers.messages import HOME, INFO, JOBS, OTHER, facts, mail, meant, state

from mailgate.routing import resolve
from mailgate.routing.resolve import Addressed
from mailgate.routing.state import State
from mailgate.values.address import lenient
from mailgate.values.directory import Alias

RETIRED = HOME._replace(retired=(("old", "catchall"), ("oldbounce", "bounce")))
DETAILED = Alias(9, "info+press", "example.com", "press.item")
DASHED = Alias(8, "help", "other.test", "help.ticket")
ACCENT = Alias(7, "info", "xn--bcher-kva.de", "crm.lead")
PLAIN = state(INFO, JOBS, DETAILED, DASHED, ACCENT, domains=(RETIRED, OTHER, HOME._replace(name="xn--bcher-kva.de")))
OFF = state(INFO, domains=(HOME._replace(delimiter=""),))
OWN_POSTMASTER = state(INFO, Alias(5, "postmaster", "example.com", "it.ticket"))


def what(text: str, given: State, *, envelope: bool = True, alone: bool = False) -> str:
    address = lenient(text)
    assert address
    own = resolve.resolve(address, given.ours, envelope=envelope, alone=alone)
    return " ".join([own.kind, *(alias.address for alias in own.aliases)])


@pytest.mark.parametrize(
    ("address", "given", "wanted"),
    [
        pytest.param("info@example.com", PLAIN, "alias info@example.com", id="alias"),
        pytest.param("INFO@Example.COM", PLAIN, "alias info@example.com", id="D7-any-case"),
        pytest.param("info@bücher.de", PLAIN, "alias info@xn--bcher-kva.de", id="u-label"),
        pytest.param("info+x@example.com", PLAIN, "alias info@example.com", id="detail"),
        pytest.param("info+@example.com", PLAIN, "alias info@example.com", id="empty-detail"),
        pytest.param("info+x+y@example.com", PLAIN, "alias info@example.com", id="two-details"),
        pytest.param(
            "info+press@example.com", PLAIN, "alias info+press@example.com", id="alias-with-that-detail-first"
        ),
        pytest.param("Info+Press@example.com", PLAIN, "alias info+press@example.com", id="in-any-case"),
        pytest.param("info-x@example.com", PLAIN, "unknown", id="another-delimiter-is-no-detail"),
        pytest.param("help-x@other.test", PLAIN, "alias help@other.test", id="delimiter-per-domain"),
        pytest.param("help+x@other.test", PLAIN, "unknown", id="plus-where-the-delimiter-is-a-dash"),
        pytest.param("info+x@example.com", OFF, "unknown", id="delimiter-off"),
        pytest.param("+x@example.com", PLAIN, "unknown", id="only-a-detail"),
        pytest.param("catchall@example.com", PLAIN, "catchall", id="catchall"),
        pytest.param("Catchall+x@example.com", PLAIN, "catchall", id="catchall-with-detail"),
        pytest.param("old@example.com", PLAIN, "catchall", id="retired-catchall"),
        pytest.param("bounce@example.com", PLAIN, "bounce", id="bounce"),
        pytest.param("bounce+tok@example.com", PLAIN, "bounce", id="bounce-with-detail"),
        pytest.param("oldbounce@example.com", PLAIN, "bounce", id="retired-bounce"),
        pytest.param("all@other.test", PLAIN, "catchall", id="catchall-of-another-domain"),
        pytest.param("all@example.com", PLAIN, "unknown", id="catchall-name-of-another-domain"),
        pytest.param("postmaster@example.com", PLAIN, "reserved", id="postmaster"),
        pytest.param("Abuse@other.test", PLAIN, "reserved", id="abuse"),
        pytest.param("postmaster+x@example.com", PLAIN, "reserved", id="postmaster-with-detail"),
        pytest.param("postmaster@example.com", OWN_POSTMASTER, "alias postmaster@example.com", id="alias-postmaster"),
        pytest.param("nobody@example.com", PLAIN, "unknown", id="unknown"),
        pytest.param("infos@example.com", PLAIN, "unknown", id="longer-name"),
        pytest.param("info@sub.example.com", PLAIN, "foreign", id="subdomain"),
        pytest.param("info@badexample.com", PLAIN, "foreign", id="I11-longer-domain"),
        pytest.param("info@gmail.com", PLAIN, "foreign", id="foreign"),
        pytest.param("postmaster@gmail.com", PLAIN, "foreign", id="foreign-postmaster"),
    ],
)
def test_an_address_means_what_the_directory_says(address: str, given: State, wanted: str) -> None:
    assert what(address, given) == wanted


FLAGGED = INFO._replace(local_part=True)
TWIN = Alias(6, "info", "other.test", "help.ticket")
ANY = state(FLAGGED, JOBS)
LISTED = state(FLAGGED, JOBS, allowed_domains=frozenset({"partner.org"}))


@pytest.mark.parametrize(
    ("address", "given", "how", "wanted"),
    [
        pytest.param("info@other.test", ANY, "envelope", True, id="envelope-own-domain"),
        pytest.param("info@else.org", ANY, "envelope", True, id="envelope-any-domain-while-no-list"),
        pytest.param("info+x@else.org", ANY, "envelope", True, id="envelope-any-domain-with-detail"),
        pytest.param("INFO@else.org", ANY, "envelope", True, id="envelope-any-case"),
        pytest.param("info@other.test", ANY, "header", True, id="header-own-domain"),
        pytest.param("info@else.org", ANY, "header", False, id="header-any-domain-beside-an-envelope"),
        pytest.param("info@else.org", ANY, "alone", True, id="header-any-domain-without-envelope"),
        pytest.param("info@partner.org", LISTED, "envelope", True, id="envelope-allowed-domain"),
        pytest.param("info@else.org", LISTED, "envelope", False, id="envelope-domain-not-allowed"),
        pytest.param("info@partner.org", LISTED, "header", True, id="header-allowed-domain"),
        pytest.param("info@else.org", LISTED, "alone", False, id="header-not-allowed-without-envelope"),
        pytest.param("info@other.test", LISTED, "header", True, id="own-domains-are-always-allowed"),
        pytest.param("info@x.partner.org", LISTED, "envelope", False, id="I11-subdomain-of-an-allowed-one"),
        pytest.param("jobs@other.test", ANY, "envelope", False, id="alias-without-the-flag"),
        pytest.param("jobs@else.org", ANY, "envelope", False, id="alias-without-the-flag-any-domain"),
    ],
)
def test_detection_depends_on_domain_and_envelope(address: str, given: State, how: str, wanted: bool) -> None:
    found = what(address, given, envelope=how == "envelope", alone=how == "alone")
    assert found.startswith("alias") is wanted


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        pytest.param("info@other.test", "alias info@other.test", id="D6-exact-alias-beats-detection"),
        pytest.param("info-x@other.test", "alias info@other.test", id="exact-with-detail-beats-detection"),
        pytest.param("info@example.com", "alias info@example.com", id="flagged-alias-at-home"),
        pytest.param("info@else.org", "alias info@example.com info@other.test", id="both-flagged-elsewhere"),
    ],
)
def test_exact_beats_detection(address: str, wanted: str) -> None:
    assert what(address, state(FLAGGED, TWIN._replace(local_part=True))) == wanted


def test_a_catchall_beats_detection() -> None:
    assert what("all@other.test", state(Alias(1, "all", "example.com", "x", local_part=True))) == "catchall"


def who(found: Addressed) -> tuple[list[str], list[str]]:
    return sorted(str(own.address) for own in found.all), sorted(str(own.address) for own in found.direct)


@pytest.mark.parametrize(
    ("recipient", "fields", "everything", "direct"),
    [
        pytest.param("info", {"To": "info"}, "info", "info", id="in-to"),
        pytest.param("info", {"To": "jobs"}, "info jobs", "info jobs", id="blind-copy"),
        pytest.param("info", {"To": "jobs", "Cc": "info"}, "info jobs", "jobs", id="in-cc-is-not-direct"),
        pytest.param("info", {"To": "info", "Cc": "jobs"}, "info jobs", "info", id="another-in-cc"),
        pytest.param("info", {"To": "x@y.org"}, "info", "info", id="to-a-stranger"),
        pytest.param("info", {"Resent-To": "jobs"}, "info jobs", "info", id="resent"),
        pytest.param("info", {"Delivered-To": "jobs"}, "info jobs", "info", id="delivered-to"),
        pytest.param("info", {"X-Original-To": "jobs"}, "info jobs", "info", id="x-original-to"),
        pytest.param("info", {"Envelope-To": "jobs"}, "info jobs", "info", id="envelope-to"),
        pytest.param("info", {"Resent-Cc": "jobs"}, "info jobs", "info", id="resent-cc"),
        pytest.param("info", {"Bcc": "jobs"}, "info", "info", id="bcc-field-says-nothing"),
        pytest.param("nobody", {"To": "nobody, jobs"}, "jobs", "jobs", id="unknown-is-no-own-address"),
        pytest.param(
            "info", {"To": "catchall, postmaster"}, "catchall info postmaster", "catchall info postmaster", id="kinds"
        ),
        pytest.param(None, {"To": "info", "Cc": "jobs"}, "info jobs", "info", id="no-envelope"),
        pytest.param(None, {"Delivered-To": "jobs"}, "jobs", "", id="no-envelope-delivered-to"),
        pytest.param(
            "gate@mx.lan", {"To": "info", "Cc": "jobs"}, "info jobs", "info", id="transport-counts-for-nothing"
        ),
    ],
)
def test_the_addresses_that_count_come_from_recipient_and_header(
    recipient: str | None, fields: dict[str, str], everything: str, direct: str
) -> None:
    def full(names: str) -> list[str]:
        return sorted(name if "@" in name else f"{name}@example.com" for name in names.split())

    written = [(name, ", ".join(full(value.replace(",", " ")))) for name, value in fields.items()]
    given = state()
    message = facts(mail("", *written, to=None), *(full(recipient) if recipient else []))
    assert who(meant(message, given)) == (full(everything), full(direct))


def test_a_recipient_in_other_case_stands_in_cc() -> None:
    message = facts(mail("", ("Cc", "INFO@Example.com"), to="jobs@example.com"), "info@example.com")
    assert who(meant(message, state()))[1] == ["jobs@example.com"]


@pytest.mark.parametrize(
    ("recipients", "wanted"),
    [
        pytest.param([], [None], id="none"),
        pytest.param(["info@example.com"], ["info@example.com"], id="one"),
        pytest.param(
            ["info@example.com", "x@example.com"], ["info@example.com", "x@example.com"], id="unknown-is-asked"
        ),
        pytest.param(["gate@mx.lan"], ["gate@mx.lan"], id="transport-is-asked-too"),
        pytest.param(["gate@mx.lan", "info@example.com"], ["gate@mx.lan", "info@example.com"], id="beside-an-own-one"),
    ],
)
def test_each_recipient_is_decided_alone(recipients: list[str], wanted: list[str | None]) -> None:
    found = resolve.recipients(facts(mail(), *recipients).envelope, state().ours)
    assert [str(own.address) if own else None for own in found] == wanted


@pytest.mark.parametrize(
    ("recipients", "wanted"),
    [
        pytest.param([], "info@example.com", id="no-envelope"),
        pytest.param(["gate@mx.lan"], "info@example.com", id="an-envelope-that-only-transports"),
        pytest.param(["jobs@example.com"], "jobs@example.com", id="an-envelope-of-ours"),
    ],
)
def test_detection_in_headers_only_when_the_headers_speak_alone(recipients: list[str], wanted: str) -> None:
    message = facts(mail(to="info@else.org"), *recipients)
    found = resolve.aliases(meant(message, ANY).all)
    assert [alias.address for alias, _ in found] == [wanted]


def test_aliases_once_and_exact_ones_first() -> None:
    given = state(FLAGGED, JOBS)
    message = facts(
        mail(to="info@other.test, jobs@example.com, info@example.com, info+x@example.com"), "jobs@example.com"
    )
    found = resolve.aliases(meant(message, given).all)
    assert sorted((alias.address, str(own.address)) for alias, own in found) == [
        ("info@example.com", "info@example.com"),
        ("jobs@example.com", "jobs@example.com"),
    ]
