"""Who may report: programs that answer for a person are none, whatever they call themselves."""

import pytest
from helpers.messages import facts, mail, report_in
from helpers.reports import RETURNED, multipart

HEADERS: dict[str, dict[str, str | None]] = {
    "replied": {"auto_submitted": "auto-replied"},
    "outlook": {"auto_submitted": "auto-generated", "x_ms_exchange_inbox_rules_loop": "bob@client.org"},
    "generated": {"auto_submitted": "auto-generated"},
    "precedence": {"precedence": "auto_reply"},
    "bulk": {"precedence": "bulk"},
    "autoreply": {"x_autoreply": "yes"},
    "zarafa": {"x_post_messageclass": "9; Autoresponder"},
}
AWAY = {
    "en": "I cannot be reached until Monday. In urgent cases please write to eve@client.org.",
    "en-left": "Bob's mailbox has been disabled; his mail could not be delivered. Write to eve@client.org.",
    "en-not-delivered": "Your message has not been delivered to anybody else; please send it to eve@client.org.",
    "de": "Ich bin bis Montag nicht erreichbar. Bitte wenden Sie sich an\n\n  eve@client.org",
    "fr": "Votre message n'a pas été lu. Écrivez à eve@client.org",
    "es": "Su mensaje no ha sido entregado. Escriba a eve@client.org",
}


@pytest.mark.parametrize("text", AWAY.values(), ids=AWAY)
@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_an_answer_for_a_person_is_no_report(header: dict[str, str | None], text: str) -> None:
    raw = mail(text + "\n", **({"from": "Bob <bob@client.org>", "subject": "Automatic reply"} | header))
    assert report_in(facts(raw, reverse_path="")) is None
    found = report_in(facts(raw, reverse_path=""), expected=True)
    assert found
    assert (found.kind, found.findings) == ("automatic", ())


def test_an_answer_for_a_person_that_gives_the_message_back_proves_nothing() -> None:
    words = ("text/plain", "Your mail could not be delivered to <ann@client.org>.\n")
    raw = multipart(
        words,
        ("message/rfc822", RETURNED),
        kind="mixed",
        auto_submitted="auto-generated",
        **{"from": "Bob <bob@client.org>"},
    )
    found = report_in(facts(raw, reverse_path=""), expected=True)
    assert found
    assert [(each.recipient, each.basis) for each in found.findings] == [("ann@client.org", "guess")]


@pytest.mark.parametrize("text", [AWAY["en"], AWAY["de"]])
def test_a_postmaster_who_is_away_proves_nothing(text: str) -> None:
    raw = mail(text + "\n", auto_submitted="auto-replied", **{"from": "postmaster@client.org"})
    found = report_in(facts(raw, reverse_path=""), expected=True)
    assert found
    assert {each.basis for each in found.findings} <= {"guess"}


def test_a_robot_that_says_so_in_its_subject_still_reports() -> None:
    fields = {"from": "Mail Guard <guard@client.org>", "subject": "Undeliverable mail", "precedence": "bulk"}
    found = report_in(facts(mail("The mailbox <ann@client.org> is full.\n", **fields), reverse_path=""))
    assert found
    assert [(each.recipient, each.basis) for each in found.findings] == [("ann@client.org", "guess")]


def test_a_robot_with_a_path_of_its_own_still_reports_at_a_bounce_address() -> None:
    raw = mail(
        "Could not be delivered to: <ann@client.org>\n",
        auto_submitted="auto-generated",
        **{"from": "scanner@client.org"},
    )
    found = report_in(facts(raw, reverse_path="scanner@client.org"), expected=True)
    assert found
    assert [each.recipient for each in found.findings] == ["ann@client.org"]
