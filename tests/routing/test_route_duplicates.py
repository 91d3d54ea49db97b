"""What was seen before: effects, refusals, ids used again, a list's copy and a plain one."""

import pytest
from helpers.messages import BOB, INFO, JOBS, but, decide, effects, mail, remembered, said, sent, state, verdicts

from mailgate.routing.state import Seen
from mailgate.values.outcome import Effect

CLOSED = state(INFO._replace(policy="contacts"), JOBS)


def test_an_accepted_effect_makes_the_copy_a_duplicate() -> None:
    given = state()
    first = decide(mail(), "info@example.com", given=given)
    again = decide(mail(), "info@example.com", given=remembered(given, first, 7))
    assert [(each.action, each.reason, each.seen) for each in again.outcomes] == [("ignore", "duplicate", 7)]
    assert (again.status.exit, again.status.line, again.outgoing, again.has_effects) == (0, "", (), False)
    assert "7" in next(step.saw for step in again.steps if step.rule == "duplicate")


def test_only_the_effect_that_was_had_is_one() -> None:
    given = remembered(state(), decide(mail(to="x@y.org"), "info@example.com"), 7)
    found = decide(mail(to="x@y.org"), "info@example.com", "jobs@example.com", given=given)
    assert said(found) == ["create alias hr.job jobs@example.com", "ignore duplicate crm.lead"]
    assert found.has_effects


def test_a_duplicate_is_asked_for_no_policy_and_no_rate() -> None:
    given = but(remembered(state(), decide(mail(), "info@example.com"), 7), made={("crm.lead", BOB): 20})
    again = decide(mail(), "info@example.com", given=given)
    assert said(again) == ["ignore duplicate crm.lead"]
    assert "rate" not in verdicts(again)


def test_a_refusal_that_comes_again_is_the_same_refusal_answered_once() -> None:
    first = decide(mail(), "info@example.com", given=CLOSED)
    again = decide(mail(), "info@example.com", given=remembered(CLOSED, first, 7))
    assert said(again) == said(first) == ["refuse policy info@example.com"]
    assert (again.status, again.outgoing, again.has_effects) == (first.status, (), False)
    assert len(first.outgoing) == 1


def test_a_refusal_that_comes_again_and_is_none_any_more_is_acted_on() -> None:
    given = remembered(CLOSED, decide(mail(), "info@example.com", given=CLOSED), 7)
    opened = given._replace(ours=state().ours)
    found = decide(mail(), "info@example.com", given=opened)
    assert said(found) == ["create alias crm.lead info@example.com"]
    assert found.has_effects


def test_a_refusal_that_comes_again_for_another_reason_is_acted_on() -> None:
    given = remembered(CLOSED, decide(mail(), "info@example.com", given=CLOSED), 7)
    opened = but(given, ours=state().ours, made={("crm.lead", BOB): 20})
    found = decide(mail(), "info@example.com", given=opened)
    assert said(found) == ["refuse rate-limit info@example.com"]
    assert sent(found) == ["rate-limit -> bob@client.org about info@example.com"]


def test_a_refusal_by_status_that_comes_again() -> None:
    given = CLOSED._replace(settings=CLOSED.settings._replace(refusals_by="status"))
    first = decide(mail(), "info@example.com", given=given)
    again = decide(mail(), "info@example.com", given=remembered(given, first, 7))
    assert remembered(given, first, 7) == given, "no number and no bytes"
    assert again.status == first.status


def test_a_held_refusal_that_comes_again_is_a_duplicate() -> None:
    raw = mail(auto_submitted="auto-replied")
    given = remembered(CLOSED, decide(raw, "info@example.com", given=CLOSED), 7)
    again = decide(raw, "info@example.com", given=given)
    assert [(each.action, each.reason, each.seen) for each in again.outcomes] == [("ignore", "duplicate", 7)]


@pytest.mark.parametrize("recipients", [("info", "nobody"), ("nobody", "info")])
def test_a_shared_refusal_that_comes_again(recipients: tuple[str, str]) -> None:
    names = [f"{each}@example.com" for each in recipients]
    first = decide(mail(), *names)
    again = decide(mail(), *names, given=remembered(state(), first, 7))
    assert len(first.outgoing) == 1
    assert (again.status.exit, again.outgoing, again.has_effects) == (0, (), False)


def test_held_mail_that_comes_again_is_a_duplicate() -> None:
    given = state(blocked=BOB)
    again = decide(
        mail(), "info@example.com", given=remembered(given, decide(mail(), "info@example.com", given=given), 7)
    )
    assert (said(again), again.has_effects) == (["ignore duplicate"], False)


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        pytest.param(
            Seen(Effect("create", "info@example.com"), 7, True, False), "ignore duplicate crm.lead", id="accepted"
        ),
        pytest.param(
            Seen(Effect("create", "jobs@example.com"), 7, True, False),
            "create alias crm.lead info@example.com",
            id="other-effect",
        ),
        pytest.param(
            Seen(Effect("refuse", "info@example.com", "policy"), 7, False, False),
            "create alias crm.lead info@example.com",
            id="refused",
        ),
    ],
)
def test_a_lists_copy_and_a_plain_one_are_one_effect(seen: Seen, wanted: str) -> None:
    assert said(decide(mail(list_id="<x>"), "info@example.com", given=state(seen=(seen,)))) == [wanted]


def test_a_plain_copy_of_a_refused_list_copy_is_answered() -> None:
    given = but(CLOSED, seen=(Seen(Effect("refuse", "info@example.com", "policy"), 7, False, False),))
    assert len(decide(mail(), "info@example.com", given=given).outgoing) == 1


def test_an_id_used_again_is_accepted_and_said() -> None:
    found = decide(mail("Other content.\n"), "info@example.com", given=state(reused_id=True))
    assert said(found) == ["create alias crm.lead info@example.com"]
    assert verdicts(found)["duplicate"] == "reused-id"


def test_effects_say_what_a_copy_would_repeat() -> None:
    assert effects(decide(mail(), "info@example.com")) == {Effect("create", "info@example.com")}
    assert effects(decide(mail(), "info+x@example.com")) == {Effect("create", "info@example.com")}
    assert effects(decide(mail(to="x@y.org"), "nobody@example.com", given=state(fallback="ticket"))) == {
        Effect("create", "ticket")
    }
