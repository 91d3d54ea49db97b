"""Too many new records from one sender in one model: the next is refused."""

from typing import Any

import pytest
from helpers.messages import BOB, HELP, INFO, JOBS, SALES, decide, facts, known, mail, said, sent, state, stored

from mailgate.routing import permission
from mailgate.values.record import Ref

CREATED = ["create alias crm.lead info@example.com"]
REFUSED = ["refuse rate-limit info@example.com"]


@pytest.mark.parametrize(
    ("made", "more", "wanted"),
    [
        pytest.param({}, {}, CREATED, id="the-first"),
        pytest.param({("crm.lead", BOB): 19}, {}, CREATED, id="the-20th"),
        pytest.param({("crm.lead", BOB): 20}, {}, REFUSED, id="the-21st"),
        pytest.param({("crm.lead", BOB): 500}, {}, REFUSED, id="far-beyond"),
        pytest.param({("hr.job", BOB): 20}, {}, CREATED, id="another-model"),
        pytest.param({("crm.lead", "bob2@client.org"): 20}, {}, CREATED, id="D10-another-sender-by-substring"),
        pytest.param({("crm.lead", "b_b@client.org"): 20}, {}, CREATED, id="D10-no-wildcards"),
        pytest.param({("crm.lead", BOB): 20}, {"allowed": True}, CREATED, id="on-the-allow-list"),
        pytest.param({("crm.lead", BOB): 4}, {"loop_threshold": 5}, CREATED, id="threshold-5-the-5th"),
        pytest.param({("crm.lead", BOB): 5}, {"loop_threshold": 5}, REFUSED, id="threshold-5-the-6th"),
    ],
)
def test_a_sender_at_the_threshold_makes_no_new_record(
    made: dict[tuple[str, str], int], more: dict[str, Any], wanted: list[str]
) -> None:
    assert said(decide(mail(), "info@example.com", given=state(made=made, **more))) == wanted


def test_the_refusal_is_answered_and_says_so() -> None:
    found = decide(mail(), "info@example.com", given=state(made={("crm.lead", BOB): 20}))
    assert sent(found) == ["rate-limit -> bob@client.org about info@example.com"]
    assert "20 of 20" in next(step.saw for step in found.steps if step.rule == "rate")


def test_one_looping_model_does_not_stop_another() -> None:
    given = state(INFO, JOBS, SALES, HELP, made={("crm.lead", BOB): 20})
    found = decide(mail(to="info@example.com, jobs@example.com"), "info@example.com", given=given)
    assert said(found) == ["create alias hr.job jobs@example.com", *REFUSED]


def test_d9_the_fallback_counts_too() -> None:
    given = state(fallback="ticket", made={("ticket", BOB): 20})
    found = decide(mail(to="nobody@example.com"), "nobody@example.com", given=given)
    assert said(found) == ["refuse rate-limit nobody@example.com"]


def test_d9_a_record_made_for_a_reply_to_a_gone_one_counts_too() -> None:
    given = state(
        known=known(stored(1, "<a@x>", Ref("crm.lead", 1))), records=frozenset(), made={("crm.lead", BOB): 20}
    )
    assert said(decide(mail(references="<a@x>"), "info@example.com", given=given)) == REFUSED


def test_a_forced_record_is_no_new_one() -> None:
    one = Ref("crm.lead", 1)
    given = state(INFO._replace(record=one), records=frozenset({one}), made={("crm.lead", BOB): 20})
    assert said(decide(mail(), "info@example.com", given=given)) == ["post alias crm.lead/1"]


@pytest.mark.parametrize(
    ("sender", "reverse_path", "key"),
    [
        pytest.param("Bob <BOB@Client.ORG>", "x@y.org", BOB, id="the-author-normalised"),
        pytest.param("a@x.org, b@x.org", "Path@Y.org", "path@y.org", id="author-unknown-so-the-reverse-path"),
        pytest.param("a@x.org, b@x.org", "", "info@example.com", id="neither-so-the-alias"),
    ],
)
def test_whose_records_are_counted(sender: str, reverse_path: str, key: str) -> None:
    message = facts(mail(**{"from": sender}), "info@example.com", reverse_path=reverse_path)
    assert permission.rate_key(message, "info@example.com") == key
    found = decide(
        mail(**{"from": sender}),
        "info@example.com",
        reverse_path=reverse_path,
        given=state(made={("crm.lead", key): 20}),
    )
    assert [each.reason for each in found.outcomes] == ["rate-limit"]


def test_a_refused_policy_is_not_asked_for_its_rate() -> None:
    closed = INFO._replace(policy="contacts")
    found = decide(mail(), "info@example.com", given=state(closed, made={("crm.lead", BOB): 20}))
    assert said(found) == ["refuse policy info@example.com"]
    assert "rate" not in [step.rule for step in found.steps]
