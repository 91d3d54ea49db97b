"""Who is meant: aliases, unknown addresses, postmaster, the fallback; in any order and any number of calls."""

import itertools

import pytest
from helpers.messages import (
    BOB,
    HELP,
    HOME,
    INFO,
    JOBS,
    OTHER,
    SALES,
    decide,
    effects,
    incoming,
    known,
    mail,
    remembered,
    said,
    sent,
    state,
    stored,
    verdicts,
)

from mailgate.routing import decide as route
from mailgate.routing import facts as reading
from mailgate.routing import resolve as addressed
from mailgate.routing.decision import Decision
from mailgate.routing.state import State
from mailgate.values.directory import Alias
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref

ONE = Ref("crm.lead", 1)
LEAD = "create alias crm.lead info@example.com"
JOB = "create alias hr.job jobs@example.com"
SALE = "create alias crm.lead sales@example.com"
TICKET = "create alias help.ticket help@other.test"
NO_ROUTE = "refuse no-route nobody@example.com"


def full(names: str) -> list[str]:
    return [name if "@" in name else f"{name}@example.com" for name in names.split()]


@pytest.mark.parametrize(
    ("recipients", "fields", "wanted"),
    [
        pytest.param("info", {}, [LEAD], id="one-alias"),
        pytest.param("info", {"to": "INFO@Example.COM"}, [LEAD], id="D7-in-any-case"),
        pytest.param("info+x", {"to": "info+x@example.com"}, [LEAD], id="with-a-detail-that-is-no-token"),
        pytest.param("info", {"to": "x@y.org"}, [LEAD], id="blind-copy"),
        pytest.param("info", {"to": "info@example.com", "cc": "jobs@example.com"}, [JOB, LEAD], id="alias-in-cc-acts"),
        pytest.param("info jobs", {"to": "info@example.com, jobs@example.com"}, [JOB, LEAD], id="two-aliases"),
        pytest.param("info jobs", {"to": "x@y.org"}, [JOB, LEAD], id="two-aliases-blind"),
        pytest.param(
            "info", {"to": "info@example.com, info@example.com, info+a@example.com"}, [LEAD], id="named-thrice"
        ),
        pytest.param("info sales", {"to": "info@example.com, sales@example.com"}, [LEAD, SALE], id="two-of-one-model"),
        pytest.param("info help@other.test", {"to": "x@y.org"}, [LEAD, TICKET], id="two-domains"),
        pytest.param("", {"to": "info@example.com"}, [LEAD], id="no-envelope"),
        pytest.param("", {"to": "x@y.org", "delivered_to": "info@example.com"}, [LEAD], id="no-envelope-delivered-to"),
        pytest.param("", {"to": "x@y.org", "resent_to": "info@example.com"}, [LEAD], id="no-envelope-resent-to"),
        pytest.param("gate@mx.lan", {}, [LEAD], id="transport-only-so-the-headers-speak"),
        pytest.param("nobody", {"to": "nobody@example.com"}, [NO_ROUTE], id="unknown"),
        pytest.param("nobody", {"to": "info@example.com"}, [NO_ROUTE], id="unknown-whatever-the-headers-name"),
        pytest.param("nobody", {"to": "catchall@example.com"}, [NO_ROUTE], id="unknown-with-a-catchall-in-the-headers"),
        pytest.param("gate@mx.lan", {"to": "x@y.org"}, ["refuse no-route gate@mx.lan"], id="nobody-is-named"),
        pytest.param("", {"to": "x@y.org"}, ["refuse no-route"], id="nobody-is-named-no-envelope"),
        pytest.param("", {"to": None}, ["refuse no-route"], id="no-recipient-field"),
        pytest.param("", {"to": "nobody@example.com"}, ["refuse no-route"], id="no-envelope-unknown-in-to"),
        pytest.param(
            "postmaster", {"to": "postmaster@example.com"}, ["hold postmaster postmaster@example.com"], id="postmaster"
        ),
        pytest.param("abuse", {"to": "x@y.org"}, ["hold postmaster abuse@example.com"], id="abuse-blind"),
        pytest.param(
            "Postmaster",
            {"to": "info@example.com"},
            [LEAD, "hold postmaster postmaster@example.com"],
            id="postmaster-beside-an-alias",
        ),
        pytest.param("", {"to": "abuse@example.com"}, ["hold postmaster abuse@example.com"], id="abuse-no-envelope"),
        pytest.param(
            "", {"to": "abuse@example.com, info@example.com"}, [LEAD], id="abuse-no-envelope-but-an-alias-acts"
        ),
        pytest.param(
            "", {"to": "x@y.org", "cc": "abuse@example.com"}, ["refuse no-route"], id="abuse-no-envelope-only-in-cc"
        ),
        pytest.param(
            "postmaster@mx.lan", {"to": "x@y.org"}, ["refuse no-route postmaster@mx.lan"], id="foreign-postmaster"
        ),
    ],
)
def test_each_address_makes_what_its_alias_says(
    recipients: str, fields: dict[str, str | None], wanted: list[str]
) -> None:
    assert said(decide(mail(**fields), *full(recipients))) == sorted(wanted)


@pytest.mark.parametrize(
    ("recipients", "fields", "wanted"),
    [
        pytest.param(
            "nobody", {"to": "nobody@example.com"}, ["create fallback ticket"], id="unknown-goes-to-the-fallback"
        ),
        pytest.param("nobody else", {"to": "x@y.org"}, ["create fallback ticket"], id="two-unknown-one-record"),
        pytest.param("nobody", {"to": "info@example.com"}, [LEAD], id="an-alias-in-the-headers-then-acts"),
        pytest.param("nobody info", {"to": "x@y.org"}, ["create fallback ticket", LEAD], id="each-recipient-alone"),
        pytest.param(
            "nobody", {"to": "catchall@example.com"}, ["refuse catchall catchall@example.com"], id="rules-are-asked"
        ),
        pytest.param("", {"to": "x@y.org"}, ["create fallback ticket"], id="no-envelope"),
        pytest.param("gate@mx.lan", {"to": "x@y.org"}, ["create fallback ticket"], id="transport-only"),
        pytest.param("info", {}, [LEAD], id="not-beside-an-alias"),
        pytest.param("abuse", {"to": "abuse@example.com"}, ["hold postmaster abuse@example.com"], id="abuse-is-held"),
        pytest.param(
            "",
            {"to": "abuse@example.com"},
            ["create fallback ticket", "hold postmaster abuse@example.com"],
            id="abuse-no-envelope",
        ),
    ],
)
def test_the_fallback_takes_what_no_alias_takes(
    recipients: str, fields: dict[str, str | None], wanted: list[str]
) -> None:
    given = state(fallback="ticket")
    assert said(decide(mail(**fields), *full(recipients), given=given)) == sorted(wanted)


def test_fetched_mail_without_a_route_is_held() -> None:
    found = decide(mail(to="x@y.org"), source="fetch", reverse_path=None)
    assert [(each.action, each.reason, each.quiet) for each in found.outcomes] == [("hold", "unrouted", False)]
    assert found.status.exit == 0


def test_unknown_is_refused_by_status_even_when_refusals_are_replies() -> None:
    found = decide(mail(), "nobody@example.com", given=state(refusals_by="reply"))
    assert (found.status.code, found.status.exit, found.outgoing) == ("5.1.1", 67, ())
    assert found.status.line.startswith("5.1.1 <nobody@example.com>: ")
    assert not found.has_effects


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        pytest.param({"to": "nobody@example.com"}, "post reply crm.lead/1", id="a-reply-to-a-wrong-address-is-posted"),
        pytest.param({"to": "x@y.org"}, "post reply crm.lead/1", id="a-blind-one-too"),
        pytest.param(
            {"to": "nobody@example.com", "cc": "jobs@example.com"}, "post reply crm.lead/1", id="cc-does-not-count"
        ),
        pytest.param({"to": "jobs@example.com"}, NO_ROUTE, id="a-forward-is-no-reply"),
    ],
)
def test_reply_to_an_unknown_address(fields: dict[str, str | None], wanted: str) -> None:
    given = state(known=known(stored(1, "<a@x>", ONE)))
    assert said(decide(mail(references="<a@x>", **fields), "nobody@example.com", given=given)) == [wanted]


def test_what_an_alias_sets_is_in_the_outcome() -> None:
    (outcome,) = decide(mail(), "info@example.com").outcomes
    assert (outcome.values, outcome.alias, outcome.model, outcome.rule) == ({"team": "sales"}, 1, "crm.lead", "alias")


FORCED = Alias(9, "forced", "example.com", "crm.lead", record=ONE)


def test_forced_record_is_posted_to() -> None:
    given = state(INFO, FORCED, records=frozenset({ONE}))
    assert said(decide(mail(to="forced@example.com"), "forced@example.com", given=given)) == ["post alias crm.lead/1"]


def test_forced_record_gone_is_our_own_fault_and_stops_nobody_else() -> None:
    found = decide(mail(to="forced@example.com, info@example.com"), "forced@example.com", given=state(INFO, FORCED))
    assert said(found) == [LEAD, "hold misconfigured forced@example.com"]
    (held,) = (each for each in found.outcomes if each.action == "hold")
    assert (held.alias, held.quiet, found.outgoing, found.status.exit) == (9, False, (), 0)


def test_one_alias_refused_stops_nobody_else() -> None:
    given = state(INFO, JOBS._replace(policy="contacts"))
    found = decide(mail(to="info@example.com, jobs@example.com"), "info@example.com", given=given)
    assert said(found) == [LEAD, "refuse policy jobs@example.com"]
    assert sent(found) == ["policy -> bob@client.org about jobs@example.com"]


SCENES: dict[str, tuple[State, str, dict[str, str | None]]] = {
    "aliases-in-to": (
        state(),
        "info jobs help@other.test",
        {"to": "info@example.com, jobs@example.com, help@other.test"},
    ),
    "aliases-blind": (state(), "info jobs help@other.test", {"to": "x@y.org"}),
    "aliases-of-one-model": (state(), "info sales jobs", {"to": "info@example.com", "cc": "sales@example.com"}),
    "beside-an-unknown": (state(), "info nobody jobs", {"to": "info@example.com"}),
    "unknown-with-a-fallback": (state(fallback="x"), "info nobody else", {"to": "x@y.org"}),
    "beside-a-transport": (state(), "info gate@mx.lan jobs", {"to": "info@example.com, sales@example.com"}),
    "unknown-beside-a-transport": (state(), "nobody gate@mx.lan", {"to": "info@example.com"}),
    "beside-a-catchall": (state(), "info catchall", {"to": "info@example.com, catchall@example.com"}),
    "catchalls": (state(), "catchall all@other.test", {"to": "catchall@example.com, all@other.test"}),
    "catchall-blind": (state(), "info catchall", {"to": "x@y.org"}),
    "postmaster": (state(), "info postmaster abuse", {"to": "info@example.com"}),
    "bounce": (state(), "info bounce", {"to": "info@example.com"}),
    "reply": (state(known=known(stored(1, "<a@x>", ONE))), "info sales nobody catchall", {"references": "<a@x>"}),
    "forward": (
        state(known=known(stored(1, "<a@x>", ONE))),
        "info jobs help@other.test",
        {"references": "<a@x>", "to": "info@example.com, jobs@example.com", "cc": "help@other.test"},
    ),
    "forward-blind": (
        state(known=known(stored(1, "<a@x>", ONE))),
        "info jobs",
        {"references": "<a@x>", "to": "x@y.org"},
    ),
    "policies": (
        state(INFO, JOBS._replace(policy="contacts"), SALES._replace(policy="members")),
        "info jobs sales",
        {"to": "info@example.com, jobs@example.com", "cc": "sales@example.com"},
    ),
    "spam": (
        state(INFO, JOBS._replace(spam="quiet"), SALES),
        "info jobs sales",
        {"to": "info@example.com, jobs@example.com", "x_spam_flag": "YES"},
    ),
    "blocked": (state(blocked=BOB), "info jobs nobody", {}),
    "loop-threshold-reached": (
        state(made={("crm.lead", BOB): 20}),
        "info sales jobs",
        {"to": "info@example.com, sales@example.com"},
    ),
    "one-below-the-threshold": (
        state(made={("crm.lead", BOB): 19}),
        "info sales",
        {"to": "info@example.com, sales@example.com"},
    ),
    "detected": (
        state(INFO._replace(local_part=True), JOBS, Alias(7, "info", "other.test", "help.ticket")),
        "info info@other.test info@else.org jobs",
        {"to": "info@else.org"},
    ),
}


@pytest.mark.parametrize(("given", "recipients", "fields"), SCENES.values(), ids=SCENES)
def test_order_of_recipients_is_irrelevant(given: State, recipients: str, fields: dict[str, str | None]) -> None:
    raw = mail(**fields)
    decisions = [decide(raw, *order, given=given) for order in itertools.permutations(full(recipients))]
    assert len({tuple(said(each)) for each in decisions}) == 1
    assert len({tuple(sorted(sent(each))) for each in decisions}) == 1
    assert len({each.status.exit for each in decisions}) == 1
    assert len({tuple(dict.fromkeys(step.rule for step in each.steps)) for each in decisions}) == 1


def one_by_one(given: State, raw: bytes, order: tuple[str, ...]) -> list[Decision]:
    """A copy each, one after the other, each judged with what the copies before it did; twice over."""
    made = []
    for number, recipient in enumerate((*order, *order), 1):
        decision = decide(raw, recipient, given=given)
        given = remembered(given, decision, 100 + number)
        made.append(decision)
    return made


def is_of_nobody(effect: Effect) -> bool:
    """Whether it is about an address that does not exist: a refusal by status, or what became of one by reply."""
    return (effect.action, effect.reason) == ("refuse", "no-route") or (
        effect.action == "hold" and effect.place.startswith("nobody")
    )


@pytest.mark.parametrize(("given", "recipients", "fields"), SCENES.values(), ids=SCENES)
def test_a_copy_each_does_what_one_copy_for_all_does(
    given: State, recipients: str, fields: dict[str, str | None]
) -> None:
    raw, everybody = mail(**fields), full(recipients)
    together = effects(decide(raw, *everybody, given=given))
    for order in itertools.permutations(everybody):
        singles = one_by_one(given, raw, order)
        each_once = [effect for decision in singles for effect in effects(decision) if not is_of_nobody(effect)]
        assert set(each_once) == {effect for effect in together if not is_of_nobody(effect)}
        assert len(each_once) == len(set(each_once)), "an effect that came twice"
        assert all(decision.outgoing == () for decision in singles[len(order) :]), "an answer to a copy"


def test_a_copy_for_all_after_a_copy_each_does_nothing_new() -> None:
    given = state()
    raw = mail(to="x@y.org")
    for number, recipient in enumerate(("info@example.com", "jobs@example.com"), 1):
        given = remembered(given, decide(raw, recipient, given=given), number)
    found = decide(raw, "jobs@example.com", "info@example.com", given=given)
    assert {each.reason for each in found.outcomes} == {"duplicate"}
    assert not found.has_effects
    assert found.status.exit == 0


@pytest.mark.parametrize(
    ("size", "exit_", "outcome"),
    [(1000, 0, [LEAD]), (1001, 65, ["refuse too-large info@example.com"])],
    ids=["just-fits", "one-too-many"],
)
def test_a_message_above_the_limit_is_refused(size: int, exit_: int, outcome: list[str]) -> None:
    raw = mail("")
    raw += b"x" * (size - len(raw))
    found = decide(raw, "info@example.com", given=state(max_size=1000))
    assert (said(found), found.status.exit) == (outcome, exit_)
    assert next(iter(verdicts(found))) == "size"


def test_too_large_is_asked_first_of_all() -> None:
    found = decide(mail("x" * 2000), "info@example.com", given=state(max_size=1000, blocked=BOB))
    assert (found.status.exit, list(verdicts(found))) == (65, ["size"])
    assert not found.has_effects


@pytest.mark.parametrize(
    ("recipients", "fields", "rules"),
    [
        pytest.param(
            "info",
            {},
            "size duplicate loop-mark report automatic sender reply catchall alias permission rate",
            id="a-record",
        ),
        pytest.param(
            "nobody",
            {},
            "size duplicate loop-mark report automatic sender reply catchall alias fallback no-route",
            id="no-route",
        ),
        pytest.param(
            "catchall",
            {"to": "catchall@example.com"},
            "size duplicate loop-mark report automatic sender reply catchall",
            id="catchall",
        ),
        pytest.param("bounce", {}, "size duplicate loop-mark report", id="report"),
    ],
)
def test_steps_are_the_rules_asked_in_order(recipients: str, fields: dict[str, str | None], rules: str) -> None:
    found = decide(mail(**fields), *full(recipients))
    assert [step.rule for step in found.steps] == rules.split()
    assert all(step.saw and step.verdict for step in found.steps)


def test_the_order_of_the_rules() -> None:
    assert " ".join(route.ORDER) == (
        "size duplicate loop-mark report automatic sender reply catchall alias fallback no-route permission rate"
    )


def test_the_judgement_is_pure() -> None:
    given, facts = state(), reading.read(incoming(mail(), "info@example.com"))
    assert route.decide(facts, given) == route.decide(facts, given)
    assert given == state()


def test_names_of_the_other_domain_are_nobodys() -> None:
    assert said(decide(mail(), "help@example.com", given=state(INFO, HELP, domains=(HOME, OTHER)))) == [
        "refuse no-route help@example.com"
    ]


def test_many_recipients_and_a_long_header_cost_their_sum_not_their_product(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    resolve = addressed.resolve
    monkeypatch.setattr(addressed, "resolve", lambda *args, **more: asked.append(args) or resolve(*args, **more))
    to = ", ".join(f"u{number}@example.com" for number in range(500))
    found = decide(mail(to=to), *(f"x{n}@y.org" for n in range(200)))
    assert {(each.action, each.reason) for each in found.outcomes} == {("refuse", "no-route")}
    assert len(asked) < 5_000
