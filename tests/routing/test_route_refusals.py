"""Who may write, how a refusal is told, and when nothing may be said."""

from typing import Any

import pytest
from helpers.messages import (
    BOB,
    HOME,
    INFO,
    JOBS,
    OTHER,
    SALES,
    SECRET,
    but,
    decide,
    facts,
    known,
    mail,
    said,
    sent,
    state,
    stored,
    verdicts,
)

from mailgate.routing.state import State
from mailgate.values import token
from mailgate.values.directory import Alias, Contact
from mailgate.values.record import Ref

ONE, OWNER = Ref("crm.lead", 1), Ref("crm.team", 5)
CREATED = ["create alias crm.lead info@example.com"]
REFUSED = ["refuse policy info@example.com"]


def open_to(policy: str, **more: Any) -> Alias:
    return INFO._replace(policy=policy, **more)


@pytest.mark.parametrize(
    ("alias", "more", "taken"),
    [
        pytest.param(open_to("everyone"), {}, True, id="everyone-a-stranger"),
        pytest.param(open_to("contacts"), {}, False, id="contacts-a-stranger"),
        pytest.param(open_to("contacts"), {"contact": Contact(BOB)}, True, id="contacts-a-contact"),
        pytest.param(
            open_to("contacts"), {"contact": Contact(BOB, archived=True)}, False, id="contacts-an-archived-one"
        ),
        pytest.param(open_to("members"), {"contact": Contact(BOB)}, False, id="members-a-contact"),
        pytest.param(open_to("members"), {"contact": Contact(BOB, member=True)}, True, id="members-a-member"),
        pytest.param(
            open_to("members"),
            {"contact": Contact(BOB, member=True, archived=True)},
            False,
            id="members-an-archived-one",
        ),
        pytest.param(
            open_to("followers"), {"contact": Contact(BOB, member=True)}, False, id="followers-no-owner-record"
        ),
        pytest.param(
            open_to("followers", owner=OWNER), {"followed": frozenset({OWNER})}, True, id="followers-of-the-owner"
        ),
        pytest.param(
            open_to("followers", owner=OWNER), {"followed": frozenset({ONE})}, False, id="followers-of-another"
        ),
        pytest.param(
            open_to("followers", record=ONE, owner=OWNER),
            {"followed": frozenset({ONE}), "records": frozenset({ONE})},
            True,
            id="followers-of-the-forced-record",
        ),
        pytest.param(
            open_to("followers", record=ONE, owner=OWNER),
            {"followed": frozenset({OWNER}), "records": frozenset({ONE})},
            False,
            id="followers-of-the-owner-of-a-forced-record",
        ),
        pytest.param(open_to("everyone", authenticated=True), {}, True, id="everyone-needs-no-pass"),
        pytest.param(
            open_to("contacts", authenticated=True),
            {"contact": Contact(BOB)},
            False,
            id="contacts-authenticated-no-verdict",
        ),
    ],
)
def test_a_policy_takes_or_refuses_its_author(alias: Alias, more: dict[str, Any], taken: bool) -> None:
    wanted = (["post alias crm.lead/1"] if alias.record else CREATED) if taken else REFUSED
    assert said(decide(mail(), "info@example.com", given=state(alias, **more))) == wanted


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"from": "info@example.com"}, id="an-alias-as-author"),
        pytest.param({"from": "catchall@example.com"}, id="the-catchall-as-author"),
        pytest.param({"from": "postmaster@other.test"}, id="postmaster-as-author"),
        pytest.param({"from": "a@x.org, b@x.org"}, id="author-unknown"),
        pytest.param({"from": "bob@client.org <evil@x.org>"}, id="I7-author-in-doubt"),
    ],
)
def test_who_satisfies_no_policy_above_everyone(fields: dict[str, str | None]) -> None:
    contact = Contact("info@example.com", member=True)
    for policy in ("contacts", "members", "followers"):
        given = state(open_to(policy, owner=OWNER), contact=contact, followed=frozenset({OWNER}))
        found = decide(mail(**fields), "info@example.com", given=given)
        assert [(each.action, each.reason) for each in found.outcomes] in ([("refuse", "policy")], [("hold", "policy")])
    assert said(decide(mail(**fields), "info@example.com", given=state(INFO))) == CREATED


@pytest.mark.parametrize(
    "author", ["info@example.com", "catchall@example.com", "bounce@other.test", "abuse@example.com"]
)
def test_an_own_address_refuses_nothing_and_is_never_answered(author: str) -> None:
    given = state(INFO, open_to("contacts")._replace(number=2, local="closed"))
    raw = mail(**{"from": author, "to": "info@example.com, closed@example.com"})
    found = decide(raw, "info@example.com", given=given)
    assert (said(found), found.outgoing) == ([*CREATED, "hold policy closed@example.com"], ())


def test_an_unknown_name_in_an_own_domain_is_no_own_address() -> None:
    given = state(open_to("contacts"), contact=Contact("anna@example.com"))
    assert said(decide(mail(**{"from": "anna@example.com"}), "info@example.com", given=given)) == CREATED


CLOSED = state(open_to("contacts"), JOBS, SALES)


def test_the_answer_to_a_refusal_by_policy() -> None:
    given = state(open_to("contacts", refusal="Ask Anna."))
    found = decide(mail(), "info@example.com", given=given)
    (letter,) = found.outgoing
    assert (letter.kind, letter.reason, letter.to, letter.domain) == ("refusal", "policy", BOB, "example.com")
    assert (letter.about, letter.text) == (("info@example.com",), "Ask Anna.")
    assert (found.status.exit, found.status.line, found.has_effects) == (0, "", True)


def test_the_answer_goes_to_the_reverse_path() -> None:
    found = decide(mail(), "info@example.com", given=CLOSED, reverse_path="Return+1@Client.org")
    assert [each.to for each in found.outgoing] == ["Return+1@client.org"]


def test_an_answer_comes_from_the_domain_of_the_alias() -> None:
    given = state(Alias(4, "help", "other.test", "help.ticket", policy="contacts"))
    found = decide(mail(to="help@other.test"), "help@other.test", given=given)
    assert [each.domain for each in found.outgoing] == ["other.test"]


QUIET = True
OPEN = False


@pytest.mark.parametrize(
    ("fields", "more", "quiet"),
    [
        pytest.param({}, {"reverse_path": ""}, QUIET, id="D12-null-reverse-path"),
        pytest.param({}, {"reverse_path": "MAILER-DAEMON"}, QUIET, id="daemon-reverse-path"),
        pytest.param({"auto_submitted": "auto-replied"}, {}, QUIET, id="auto-submitted"),
        pytest.param({"precedence": "bulk"}, {}, QUIET, id="bulk"),
        pytest.param({"list_id": "<x>"}, {}, QUIET, id="list"),
        pytest.param({"from": "noreply@client.org"}, {}, QUIET, id="robot-author"),
        pytest.param({}, {"reverse_path": "owner-list@client.org"}, OPEN, id="robot-reverse-path"),
        pytest.param({"x_auto_response_suppress": "OOF"}, {}, OPEN, id="suppress"),
        pytest.param({"to": "x@y.org"}, {}, OPEN, id="blind-copy"),
        pytest.param(
            {"to": "x@y.org", "delivered_to": "info@example.com"}, {}, OPEN, id="blind-copy-with-delivered-to"
        ),
        pytest.param({}, {"reverse_path": "jobs@example.com"}, OPEN, id="own-address-as-reverse-path"),
        pytest.param({"from": "jobs@example.com"}, {}, OPEN, id="own-address-as-author"),
    ],
)
def test_a_refusal_that_may_not_be_answered_is_held(
    fields: dict[str, str | None], more: dict[str, Any], quiet: bool
) -> None:
    found = decide(mail(**fields), "info@example.com", given=CLOSED, **more)
    assert (said(found), found.outgoing, found.status.exit) == (["hold policy info@example.com"], (), 0)
    assert [each.quiet for each in found.outcomes] == [quiet]
    assert found.outcomes[0].note
    assert found.has_effects


@pytest.mark.parametrize("field", ["to", "cc", "resent_to", "resent_cc"])
def test_an_address_in_to_cc_or_resent_is_no_blind_copy(field: str) -> None:
    fields: dict[str, str | None] = {"to": "x@y.org", field: "Info+x@Example.com"}
    assert len(decide(mail(**fields), "info@example.com", given=CLOSED).outgoing) == 1


def test_a_detected_alias_that_is_named_is_no_blind_copy() -> None:
    given = state(open_to("contacts", local_part=True))
    assert len(decide(mail(to="info@else.org"), "info@else.org", given=given).outgoing) == 1


SPAM_AND_CLOSED = state(open_to("contacts", spam="quiet"))


def test_spam_taken_quietly_is_never_answered() -> None:
    found = decide(mail(x_spam_flag="YES"), "info@example.com", given=SPAM_AND_CLOSED)
    assert (said(found), found.outgoing) == (["hold policy info@example.com"], ())


@pytest.mark.parametrize(
    ("more", "answered"),
    [
        pytest.param({}, True, id="the-first"),
        pytest.param({"answered": frozenset({("policy", "info@example.com")})}, False, id="one-per-alias-and-reason"),
        pytest.param({"answered": frozenset({("policy", "jobs@example.com")})}, True, id="another-alias"),
        pytest.param({"answered": frozenset({("rate-limit", "info@example.com")})}, True, id="another-reason"),
        pytest.param({"answered_today": 4}, True, id="the-fifth-of-the-day"),
        pytest.param({"answered_today": 5}, False, id="the-sixth-of-the-day"),
        pytest.param({"answered_this_hour": 99}, True, id="the-hundredth-of-the-hour"),
        pytest.param({"answered_this_hour": 100}, False, id="one-more"),
    ],
)
def test_answers_have_limits(more: dict[str, Any], answered: bool) -> None:
    found = decide(mail(), "info@example.com", given=but(CLOSED, **more))
    of_the_window = "answered" in more  # they were told minutes ago; what another limit swallows is held
    wanted = REFUSED if answered or of_the_window else ["hold policy info@example.com"]
    assert (said(found), bool(found.outgoing)) == (wanted, answered)
    assert found.has_effects, "kept, answered or not"


def test_the_limit_of_a_day_holds_within_one_message() -> None:
    given = state(open_to("contacts"), JOBS._replace(policy="contacts"), answered_today=4)
    found = decide(mail(to="info@example.com, jobs@example.com"), "info@example.com", given=given)
    assert (len(found.outcomes), len(found.outgoing)) == (2, 1)


@pytest.mark.parametrize(
    ("given", "recipients", "fields", "code", "exit_"),
    [
        pytest.param(CLOSED, ["info"], {}, "5.7.1", 77, id="policy"),
        pytest.param(CLOSED, ["catchall"], {"to": "catchall@example.com"}, "5.2.1", 77, id="catchall"),
        pytest.param(state(made={("crm.lead", BOB): 20}), ["info"], {}, "5.7.28", 77, id="rate-limit"),
        pytest.param(CLOSED, ["nobody"], {"to": "x@y.org"}, "5.1.1", 67, id="no-route"),
        pytest.param(
            CLOSED, ["info"], {"auto_submitted": "auto-replied"}, "5.7.1", 77, id="where-no-answer-may-be-sent"
        ),
        pytest.param(CLOSED, ["info"], {"to": "x@y.org"}, "5.7.1", 77, id="where-it-is-a-blind-copy"),
        pytest.param(CLOSED, ["info", "nobody"], {}, "5.7.1", 77, id="mixed-is-77-with-its-line"),
        pytest.param(CLOSED, ["nobody", "else"], {"to": "x@y.org"}, "5.1.1", 67, id="all-67"),
    ],
)
def test_refusals_by_status_have_a_code_and_an_exit_status(
    given: State, recipients: list[str], fields: dict[str, str | None], code: str, exit_: int
) -> None:
    settings = given.settings._replace(refusals_by="status")
    found = decide(
        mail(**fields), *(f"{each}@example.com" for each in recipients), given=given._replace(settings=settings)
    )
    assert (found.status.code, found.status.exit, found.outgoing) == (code, exit_, ())
    assert found.status.line.startswith(code)
    assert not found.has_effects, "no number and no bytes"


def test_by_status_means_nothing_to_a_mailbox_that_is_fetched() -> None:
    given = CLOSED._replace(settings=CLOSED.settings._replace(refusals_by="status"))
    found = decide(mail(), "info@example.com", given=given, source="fetch")
    assert (said(found), len(found.outgoing), found.status.exit) == (REFUSED, 1, 0)


MIXED = state(INFO, SALES._replace(policy="contacts"))


@pytest.mark.parametrize(
    ("recipients", "fields", "outcomes", "answers"),
    [
        pytest.param(
            ["info", "nobody"],
            {},
            [*CREATED, "refuse no-route nobody@example.com"],
            ["no-route -> bob@client.org about nobody@example.com"],
            id="one-taken-one-unknown",
        ),
        pytest.param(
            ["info", "nobody", "else"],
            {},
            [*CREATED, "refuse no-route else@example.com", "refuse no-route nobody@example.com"],
            ["no-route -> bob@client.org about nobody@example.com,else@example.com"],
            id="two-unknown-share-one",
        ),
        pytest.param(
            ["sales", "nobody"],
            {"to": "sales@example.com"},
            ["refuse no-route nobody@example.com", "refuse policy sales@example.com"],
            ["policy -> bob@client.org about sales@example.com", "no-route -> bob@client.org about nobody@example.com"],
            id="a-refusal-by-reply-counts-as-taken",
        ),
        pytest.param(
            ["info", "nobody"],
            {"auto_submitted": "auto-replied"},
            [*CREATED, "hold no-route nobody@example.com"],
            [],
            id="held-where-no-answer-may-be-sent",
        ),
    ],
)
def test_a_message_taken_for_some_recipients_is_refused_by_reply_for_the_others(
    recipients: list[str], fields: dict[str, str | None], outcomes: list[str], answers: list[str]
) -> None:
    found = decide(mail(**fields), *(f"{each}@example.com" for each in recipients), given=MIXED)
    assert (said(found), sorted(sent(found)), found.status.exit) == (sorted(outcomes), sorted(answers), 0)


def test_shared_reply_by_status_names_no_blind_copy() -> None:
    given = MIXED._replace(settings=MIXED.settings._replace(refusals_by="status"))
    found = decide(mail(), "info@example.com", "sales@example.com", "nobody@example.com", given=given)
    assert said(found) == [*CREATED, "hold policy sales@example.com", "refuse no-route nobody@example.com"]
    assert sent(found) == ["no-route -> bob@client.org about nobody@example.com"]


def test_shared_reply_by_status() -> None:
    given = MIXED._replace(settings=MIXED.settings._replace(refusals_by="status"))
    raw = mail(to="info@example.com, sales@example.com")
    found = decide(raw, "info@example.com", "sales@example.com", "nobody@example.com", given=given)
    assert said(found) == [*CREATED, "refuse no-route nobody@example.com", "refuse policy sales@example.com"]
    (letter,) = found.outgoing
    assert (letter.reason, sorted(letter.about)) == ("no-route", ["nobody@example.com", "sales@example.com"])


BLOCKED = state(blocked=BOB)


def test_blocked_is_held_quietly() -> None:
    found = decide(mail(), "info@example.com", given=BLOCKED)
    assert [(each.action, each.reason, each.quiet) for each in found.outcomes] == [("hold", "blocked", True)]
    assert (found.outgoing, found.status.exit) == ((), 0)


def test_blocked_by_status() -> None:
    given = BLOCKED._replace(settings=BLOCKED.settings._replace(blocked_by="status"))
    found = decide(mail(auto_submitted="auto-replied"), "info@example.com", given=given)
    assert (found.status.code, found.status.exit, found.has_effects) == ("5.7.1", 77, False)


def test_a_blocked_author_cannot_reply() -> None:
    given = but(BLOCKED, known=known(stored(1, "<a@x>", ONE)), records=frozenset({ONE}))
    assert said(decide(mail(references="<a@x>"), "info@example.com", given=given)) == ["hold blocked"]


@pytest.mark.parametrize(
    ("aliases", "fields", "wanted"),
    [
        pytest.param((INFO,), {"x_spam_flag": "YES"}, ["hold spam"], id="held-by-default"),
        pytest.param((INFO,), {"x_spam_status": "Yes, score=9"}, ["hold spam"], id="x-spam-status"),
        pytest.param((INFO,), {"x_spam": "Yes"}, ["hold spam"], id="x-spam"),
        pytest.param((INFO,), {"x_spam_flag": "NO"}, CREATED, id="no-spam"),
        pytest.param((INFO._replace(spam="quiet"),), {"x_spam_flag": "YES"}, CREATED, id="taken-quietly"),
        pytest.param(
            (INFO._replace(spam="quiet"), JOBS),
            {"x_spam_flag": "YES", "cc": "jobs@example.com"},
            [*CREATED, "hold spam jobs@example.com"],
            id="each-alias-its-own-way",
        ),
        pytest.param(
            (INFO,), {"x_spam_flag": "YES", "to": "catchall@example.com"}, ["hold spam"], id="never-refused-as-catchall"
        ),
    ],
)
def test_spam_is_held_unless_its_alias_takes_it_quietly(
    aliases: tuple[Alias, ...], fields: dict[str, str | None], wanted: list[str]
) -> None:
    raw = mail(**fields)
    recipient = str(facts(raw).to[0])
    found = decide(raw, recipient, given=state(*aliases))
    assert (said(found), found.outgoing, found.status.exit) == (wanted, (), 0)


MARK = token.new_mark(token.REFUSAL, SECRET, b"0123456789")
POST = token.new_mark(token.POST, SECRET, b"0123456789")


@pytest.mark.parametrize(
    ("fields", "recipient", "wanted"),
    [
        pytest.param({"message_id": f"<{MARK}@example.com>"}, "info@example.com", ["hold loop"], id="our-refusal"),
        pytest.param({"message_id": f"<{POST}@example.com>"}, "info@example.com", ["hold loop"], id="our-post"),
        pytest.param({"x_mailgate_loop": POST}, "info@example.com", ["hold loop"], id="our-post-with-a-new-id"),
        pytest.param({"message_id": f"<{POST}@example.com>"}, "nobody@example.com", ["hold loop"], id="to-nobody"),
        pytest.param(
            {"in_reply_to": f"<{MARK}@x>", "auto_submitted": "auto-replied"},
            "info@example.com",
            ["hold loop"],
            id="vacation",
        ),
        pytest.param({"references": f"<{MARK}@x>", "list_id": "<x>"}, "info@example.com", ["hold loop"], id="a-list"),
        pytest.param({"in_reply_to": f"<{MARK}@x>"}, "info@example.com", ["hold loop info@example.com"], id="a-person"),
        pytest.param(
            {"in_reply_to": f"<{MARK}@x>", "to": "catchall@example.com"},
            "catchall@example.com",
            ["hold loop catchall@example.com"],
            id="a-person-at-the-catchall",
        ),
        pytest.param(
            {"in_reply_to": f"<{MARK}@x>", "to": "office@example.com"},
            "office@example.com",
            ["create alias crm.lead office@example.com"],
            id="a-person-at-the-contact-address",
        ),
        pytest.param(
            {"references": f"<a@x> <{MARK}@x>", "to": "Office+x@example.com"},
            "Office+x@example.com",
            ["create alias crm.lead office@example.com"],
            id="as-new-mail-though-a-stored-id-is-named",
        ),
        pytest.param(
            {"in_reply_to": f"<{MARK}@x>", "to": "boss@other.test"},
            "boss@other.test",
            ["create alias crm.lead boss@other.test"],
            id="contact-address-in-another-domain",
        ),
    ],
)
def test_a_mark_of_ours_with_another_text_is_held(
    fields: dict[str, str | None], recipient: str, wanted: list[str]
) -> None:
    third = HOME._replace(name="third.test", contact="boss@other.test")
    given = state(
        INFO,
        Alias(5, "office", "example.com", "crm.lead"),
        Alias(6, "boss", "other.test", "crm.lead"),
        domains=(HOME, OTHER, third),
        known=known(stored(1, "<a@x>", ONE)),
        allowed=True,
    )
    found = decide(mail(**fields), recipient, given=given)
    assert (said(found), found.outgoing, found.status.exit) == (wanted, (), 0)


def test_a_person_who_answers_a_refusal_is_never_answered() -> None:
    office = Alias(5, "office", "example.com", "crm.lead", policy="contacts")
    found = decide(mail(in_reply_to=f"<{MARK}@x>", to="office@example.com"), "office@example.com", given=state(office))
    assert (said(found), found.outgoing) == (["hold policy office@example.com"], ())


@pytest.mark.parametrize(
    ("fields", "more", "recipient", "because"),
    [
        pytest.param({"content_type": "multipart/report"}, {}, "info", "multipart/report", id="dsn"),
        pytest.param({}, {}, "bounce", "bounce@example.com", id="a-persons-mail-to-a-bounce-address"),
        pytest.param({"to": "bounce@example.com"}, {}, "nobody", "bounce@example.com", id="bounce-address-in-to"),
        pytest.param({}, {}, "bounce+abc", "bounce+abc@example.com", id="bounce-with-a-detail"),
    ],
)
def test_what_comes_as_a_report_and_is_none_is_held(
    fields: dict[str, str | None], more: dict[str, Any], recipient: str, because: str
) -> None:
    found = decide(mail(**fields), f"{recipient}@example.com", **more)
    quiet = recipient != "info"  # what comes to an alias is for somebody to see
    assert [(each.action, each.reason, each.quiet) for each in found.outcomes] == [("hold", "bounce-address", quiet)]
    assert found.outcomes[0].report
    assert because in next(step.saw for step in found.steps if step.rule == "report")
    assert (found.outgoing, found.status.exit) == ((), 0)


def test_a_bounce_address_beside_an_alias_keeps_nothing_from_it() -> None:
    raw = mail(to="info@example.com, bounce@example.com")
    assert said(decide(raw, "info@example.com")) == ["create alias crm.lead info@example.com"]
    assert said(decide(raw, "bounce@example.com")) == ["hold bounce-address"]
    assert said(decide(raw, "info@example.com", "bounce@example.com")) == [
        *("create alias crm.lead info@example.com", "hold bounce-address")
    ]


def test_an_automatic_reply_joins_the_thread() -> None:
    raw = mail("I am away.\n", auto_submitted="auto-replied", cc="bounce@example.com")
    assert said(decide(raw, "info@example.com")) == ["create alias crm.lead info@example.com"]


@pytest.mark.parametrize(
    ("fields", "more"),
    [
        pytest.param({}, {"reverse_path": ""}, id="null-reverse-path-alone"),
        pytest.param({"from": "MAILER-DAEMON@x.org"}, {}, id="daemon-with-a-reverse-path"),
        pytest.param({"cc": "bounce@example.com"}, {}, id="bounce-address-only-in-cc"),
    ],
)
def test_what_only_opens_the_gate_goes_on(fields: dict[str, str | None], more: dict[str, Any]) -> None:
    found = decide(mail(**fields), "info@example.com", **more)
    assert said(found) == CREATED
    assert verdicts(found)["report"] == "pass"
