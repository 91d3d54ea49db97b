"""The mail in which a provider asks whether a forwarding is wanted: recognised, and what there is to open."""

import time

import pytest
from helpers.messages import BOB, HOME, OTHER, but, decide, facts, mail, said, state

from mailgate.routing import confirmation
from mailgate.values.address import Address, parse

GMAIL = "Gmail Team <forwarding-noreply@google.com>"
FROM_GMAIL = {"from": GMAIL}


def named(author: str, subject: str) -> str:
    return confirmation.provider(facts(mail(subject=subject, **{"from": author})))


@pytest.mark.parametrize(
    ("author", "subject", "provider"),
    [
        (GMAIL, "(#123456789) Gmail Forwarding Confirmation - Receive Mail from x@gmail.com", "Gmail"),
        (GMAIL, "转发确认", "Gmail"),
        ("Zoho <noreply@zohomail.com>", "Verify your forwarding address", "Zoho"),
        ("Cloudflare <noreply@notify.cloudflare.com>", "Verify Email Routing address", "Cloudflare"),
        ("WEB.DE <noreply@web.de>", "Bitte bestätigen Sie Ihre Weiterleitung", "WEB.DE"),
        ("Bob <bob@web.de>", "Bitte bestätigen Sie den Termin", ""),  # a customer of theirs
        ("Zoho <noreply@zohomail.com>", "Our new prices", ""),
        ("Zoho <noreply@notzoho.com>", "Verify your forwarding address", ""),
        ("Zoho <noreply@zoho.com.evil.example>", "Verify your forwarding address", ""),
        ("forwarding-noreply@google.com <eve@evil.example>", "Forwarding confirmation", ""),
    ],
)
def test_a_confirmation_is_known_by_author_and_subject(author: str, subject: str, provider: str) -> None:
    assert named(author, subject) == provider


def test_it_is_held_at_a_catchall_and_at_a_bounce_address_and_nowhere_else() -> None:
    for recipient in ("catchall@example.com", "bounce@example.com"):
        decision = decide(mail(to=recipient, **FROM_GMAIL), recipient)
        assert said(decision) == [f"hold capture {recipient}"]
        assert not any(each.quiet for each in decision.outcomes)
        assert decision.outgoing == ()
    assert said(decide(mail(**FROM_GMAIL), "info@example.com")) == ["create alias crm.lead info@example.com"]
    assert said(decide(mail(**FROM_GMAIL, to="nobody@example.com"), "nobody@example.com")) == [
        "refuse no-route nobody@example.com"
    ]


def test_a_domain_does_not_capture_for_a_year_because_the_clock_was_ahead() -> None:
    to = "catchall@example.com"
    to = HOME.catchall + "@" + HOME.name
    for until, captures in ((0.5, False), (1.0 + 86_400, True), (1.0 + 86_401, False)):
        given = state(domains=(HOME._replace(capture_until=until), OTHER), now=1.0)
        assert (said(decide(mail(to=to), to, given=given)) == [f"hold capture {to}"]) is captures


def test_a_domain_that_captures_refuses_nothing_at_its_catchall() -> None:
    given = state(domains=(HOME._replace(capture_until=2.0), OTHER), now=1.0)
    to = "catchall@example.com"
    assert said(decide(mail(to=to), to, given=given)) == [f"hold capture {to}"]
    assert said(decide(mail(to="bounce@example.com"), "bounce@example.com", given=given)) == [
        "hold capture bounce@example.com"
    ]
    assert said(decide(mail(to="all@other.test"), "all@other.test", given=given)) == ["refuse catchall all@other.test"]
    assert said(decide(mail(), "info@example.com", given=given)) == ["create alias crm.lead info@example.com"]
    assert said(decide(mail(to=to), to, given=given._replace(now=2.0))) == [f"refuse catchall {to}"]
    blocked = but(given, blocked=BOB)
    assert said(decide(mail(to=to), to, given=blocked)) == ["hold blocked"]


AUTHOR = parse("noreply@notify.provider.co.uk")


def urls(text: str = "", html: str = "") -> list[str]:
    return [each.url for each in confirmation.links(text, html, AUTHOR)]


def test_links_of_text_and_html_what_confirms_first() -> None:
    text = "See https://provider.co.uk/about, then (https://provider.co.uk/confirm?t=1)."
    html = (
        "<a HREF='https://provider.co.uk/verify?a=1&amp;b=2'>x</a> <a href=\"https://provider.co.uk/unsubscribe\">y</a>"
    )
    assert urls(text, html) == [
        "https://provider.co.uk/confirm?t=1",
        "https://provider.co.uk/verify?a=1&b=2",
        "https://provider.co.uk/about",
    ]


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://provider.co.uk@evil.example/confirm",
        "https://user:secret@provider.co.uk/confirm",
        "https://",
        "https://[::1/confirm",
        "https://exa\u202emple.com/confirm",
        "https://evil\u200b.example/confirm",
        "https://a..b/confirm",
    ],
)
def test_what_only_looks_like_a_link_is_ignored(link: str) -> None:
    assert urls(link, f'<a href="{link}">x</a>') == []


@pytest.mark.parametrize(
    ("host", "kin"),
    [
        ("provider.co.uk", True),
        ("www.provider.co.uk", True),
        ("PROVIDER.CO.UK", True),
        ("other.co.uk", False),
        ("provider.co.uk.evil.example", False),
        ("notprovider.co.uk", False),
        ("pr\u043evider.co.uk", False),  # a Cyrillic o
    ],
)
def test_to_whom_a_link_belongs(host: str, kin: bool) -> None:
    (link,) = confirmation.links(f"https://{host}/confirm", "", AUTHOR)
    assert link.kin is kin
    assert link.host.isascii()


def test_a_link_of_an_unknown_author_belongs_to_nobody() -> None:
    assert [each.kin for each in confirmation.links("https://a.example/confirm", "", None)] == [False]


def test_numbers_that_are_called_a_code() -> None:
    assert confirmation.codes("Confirmation code: 123456789\nYour PIN is 4711, call 0800123456.") == [
        "123456789",
        "4711",
    ]


def test_links_cost_time_in_proportion() -> None:
    for piece in ("https://", "href=", "href='", '<a href="https://a.example/x', "code ", "https://a.b/?"):
        started = time.process_time()
        confirmation.links(piece * 100_000, piece * 100_000, Address("a", "b.example"))
        confirmation.codes(piece * 100_000)
        assert time.process_time() - started < 10, piece  # hangs only
