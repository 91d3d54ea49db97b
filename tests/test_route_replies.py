"""Answers: posted on their record, judged by the alias that governs it, or forwarded."""

import pytest
from build import BOB, HELP, INFO, JOBS, SALES, decide, known, mail, said, sent, state, stored

from mailgate.decision import Ref
from mailgate.state import Alias, Contact, Placement, State

ONE, TWO, JOB = Ref("crm.lead", 1), Ref("crm.lead", 2), Ref("hr.job", 1)
ANSWERED = known(stored(1, "<a@x>", ONE))


def answer(*recipients: str, given: State | None = None, **fields: str | None) -> list[str]:
    found = decide(mail(references="<a@x>", **fields), *recipients, given=given or state(known=ANSWERED))
    return said(found)


@pytest.mark.parametrize(
    "recipient",
    [
        "info@example.com",
        "sales@example.com",
        "catchall@example.com",
        "nobody@example.com",
        "all@other.test",
        "gate@mx.lan",
    ],
)
def test_a_reply_is_posted_whatever_address_it_was_sent_to(recipient: str) -> None:
    assert answer(recipient, to=recipient) == ["post reply crm.lead/1"]


def test_a_reply_without_envelope() -> None:
    assert answer(to="catchall@example.com") == ["post reply crm.lead/1"]


def test_what_is_posted_names_its_parent_and_the_governing_alias() -> None:
    found = decide(
        mail(references="<a@x>", to="catchall@example.com"), "catchall@example.com", given=state(known=ANSWERED)
    )
    (post,) = found.outcomes
    assert (post.parent, post.record, post.model, post.alias, post.rule) == ("<a@x>", ONE, "crm.lead", 1, "reply")
    assert (found.status.exit, found.outgoing) == (0, ())


def test_other_aliases_do_not_act_beside_a_reply() -> None:
    assert answer("info@example.com", to="info@example.com, sales@example.com", cc="jobs@example.com") == [
        "post reply crm.lead/1"
    ]


def test_a_forward_makes_a_record_and_posts_nothing() -> None:
    assert answer("info@example.com", to="info@example.com, jobs@example.com") == [
        "create alias hr.job jobs@example.com"
    ]


def test_a_reply_to_a_record_that_is_gone_is_new_mail() -> None:
    given = state(known=ANSWERED, records=frozenset())
    assert answer("info@example.com", given=given) == ["create alias crm.lead info@example.com"]


def test_a_reply_to_a_record_that_is_gone_at_the_catchall() -> None:
    given = state(known=ANSWERED, records=frozenset())
    assert answer("catchall@example.com", to="catchall@example.com", given=given) == [
        "refuse catchall catchall@example.com"
    ]


def test_a_subject_tag_is_no_route() -> None:
    assert said(decide(mail(subject="Re: [#1] crm.lead/1"), "info@example.com", given=state(known=ANSWERED))) == [
        "create alias crm.lead info@example.com"
    ]


def test_replies_are_never_blocked_by_the_rate() -> None:
    assert answer("info@example.com", given=state(known=ANSWERED, made={("crm.lead", BOB): 1000})) == [
        "post reply crm.lead/1"
    ]


CLOSED = INFO._replace(policy="contacts")
GOVERNED = known(stored(1, "<a@x>", ONE, by=CLOSED))


@pytest.mark.parametrize(
    ("recipient", "aliases"),
    [
        pytest.param("info@example.com", (CLOSED, JOBS), id="the-alias-itself"),
        pytest.param("catchall@example.com", (CLOSED, JOBS), id="D3-the-catchall"),
        pytest.param("sales@example.com", (CLOSED, SALES), id="D4-an-open-alias-of-the-same-model"),
        pytest.param("catchall@example.com", (JOBS,), id="D3-the-alias-is-not-loaded-by-its-address"),
    ],
)
@pytest.mark.parametrize("contact", [None, Contact(BOB)], ids=["a-stranger", "a-contact"])
def test_the_policy_of_the_governing_alias_counts(
    recipient: str, aliases: tuple[Alias, ...], contact: Contact | None
) -> None:
    given = state(*aliases, known=GOVERNED, contact=contact)
    wanted = "post reply crm.lead/1" if contact else "refuse policy info@example.com"
    assert answer(recipient, to=recipient, given=given) == [wanted]


def test_d4_a_closed_alias_does_not_close_the_record_of_an_open_one() -> None:
    closed = SALES._replace(policy="members")
    assert answer("sales@example.com", to="sales@example.com", given=state(INFO, closed, known=ANSWERED)) == [
        "post reply crm.lead/1"
    ]


def test_a_record_that_no_alias_made_takes_every_answer() -> None:
    given = state(known=known(stored(1, "<a@x>", ONE, by=None)))
    assert answer("catchall@example.com", to="catchall@example.com", given=given) == ["post reply crm.lead/1"]


@pytest.mark.parametrize(
    ("to", "recipient"),
    [
        pytest.param("catchall@example.com", "catchall@example.com", id="at-the-catchall-it-was-written-to"),
        pytest.param("info@example.com", "info@example.com", id="at-the-alias"),
        pytest.param("nobody@example.com, catchall@example.com", "nobody@example.com", id="at-a-wrong-address-beside"),
    ],
)
def test_a_refused_reply_is_answered_when_it_was_written_to_us_openly(to: str, recipient: str) -> None:
    text = CLOSED._replace(refusal="Please call us.")
    given = state(JOBS, known=known(stored(1, "<a@x>", ONE, by=text)))
    found = decide(mail(references="<a@x>", to=to), recipient, given=given)
    assert sent(found) == ["policy -> bob@client.org about info@example.com"]
    assert [(each.text, each.domain) for each in found.outgoing] == [("Please call us.", "example.com")]
    assert found.status.exit == 0


def test_a_refused_reply_in_a_blind_copy_is_held() -> None:
    found = decide(mail(references="<a@x>", to="x@y.org"), "catchall@example.com", given=state(JOBS, known=GOVERNED))
    assert (said(found), found.outgoing) == (["hold policy info@example.com"], ())


@pytest.mark.parametrize(
    ("policy", "follows", "wanted"),
    [
        ("followers", True, "post reply crm.lead/1"),
        ("followers", False, "refuse policy info@example.com"),
    ],
)
def test_followers_are_those_of_the_record_answered(policy: str, follows: bool, wanted: str) -> None:
    alias = INFO._replace(policy=policy, owner=TWO)
    given = state(alias, known=known(stored(1, "<a@x>", ONE, by=alias)), followed=frozenset({ONE if follows else TWO}))
    assert answer("info@example.com", given=given) == [wanted]


def test_each_record_by_its_own_alias() -> None:
    spread = stored(1, "<a@x>", Placement(ONE, CLOSED), Placement(TWO, SALES))
    given = state(CLOSED, SALES, known=known(spread))
    assert answer("info@example.com", to="info@example.com, sales@example.com", given=given) == [
        "post reply crm.lead/2",
        "refuse policy info@example.com",
    ]


def test_duplicate_of_a_reply_is_one_post() -> None:
    given = state(known=known(stored(1, "<a@x>", ONE), stored(2, "<b@x>", JOB, by=JOBS)))
    found = decide(mail(references="<a@x>"), "info@example.com", "sales@example.com", "nobody@example.com", given=given)
    assert said(found) == ["post reply crm.lead/1"]


@pytest.mark.parametrize(
    ("mark", "governor", "wanted"),
    [
        pytest.param("YES", HELP, "hold spam", id="held-by-default"),
        pytest.param("YES", HELP._replace(spam="quiet"), "post reply help.ticket/1", id="taken-quietly"),
        pytest.param("YES", None, "hold spam", id="no-alias-so-held"),
        pytest.param("NO", HELP, "post reply help.ticket/1", id="no-spam"),
    ],
)
def test_spam_goes_by_the_governing_alias(mark: str, governor: Alias | None, wanted: str) -> None:
    given = state(INFO._replace(spam="quiet"), known=known(stored(1, "<a@x>", Ref("help.ticket", 1), by=governor)))
    found = answer("catchall@example.com", to="catchall@example.com", x_spam_flag=mark, given=given)
    assert [each.removesuffix(" help@other.test") for each in found] == [wanted]
