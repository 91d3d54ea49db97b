"""Decisions: one verdict for each effect, and the same one however a message comes."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from fuzz.broken_mail import Delivery, Figures, Site
from fuzz.checks import REASONS, check_receipt, clean
from fuzz.prepared import CONFIGS, prepared_store
from fuzz.strategies import RECIPIENTS, REVERSE_PATHS, fuzz, letters, soups
from helpers.messages import INFO, decide, known, remembered, state, stored
from hypothesis import given
from hypothesis import strategies as st

from mailgate.gateway import receive
from mailgate.mail.incoming import Incoming
from mailgate.routing.decide import ORDER
from mailgate.routing.decision import Decision
from mailgate.routing.state import State
from mailgate.values import status
from mailgate.values.directory import Contact
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref

LEAD = Ref("crm.lead", 1)
STATES: dict[str, State] = {
    "empty": state(),
    "thread": state(known=known(stored(1, "<a@client.org>", LEAD), stored(2, "<m1@client.org>", LEAD, outgoing=True))),
    "strict": state(
        INFO._replace(policy="members", automatic="refuse"), contact=Contact("ann@client.org", member=True)
    ),
    "by-status": state(refusals_by="status", blocked_by="status", blocked="bob@client.org"),
    "full": state(made={("crm.lead", "bob@client.org"): 20}, answered_today=5),
    "fallback": state(fallback="misc.mail", max_size=300),
}
ENVELOPES = st.lists(RECIPIENTS, max_size=3, unique=True)


def kept(decision: Decision) -> set[Effect]:
    """What is made of a message; how the rest is told depends on what stands beside it."""
    return {each.effect for each in decision.outcomes if each.action in ("create", "post", "bounce")}


def holds(decision: Decision) -> None:
    """What is true of every decision."""
    assert decision.outcomes
    assert decision.status.exit in status.EXITS
    places = [ORDER.index(step.rule) for step in decision.steps]
    assert places == sorted(places)
    assert decision.steps[0].rule == "size"
    for each in decision.outcomes:
        assert each.reason in REASONS[each.action]
        assert each.rule in ORDER
    effects = [each.effect for each in decision.outcomes]
    assert len(set(effects)) == len(effects)
    clean([step._asdict() for step in decision.steps], "the steps")
    clean([each.note for each in decision.outcomes], "a note")
    clean([decision.status.line, decision.status.smtp], "the status")
    assert (decision.status.exit == 0) == any(each.taken for each in decision.outcomes)


@fuzz
@given(soups() | letters(), ENVELOPES, REVERSE_PATHS, st.sampled_from(list(STATES)))
def test_any_message_gets_one_verdict_for_each_effect(raw: bytes, to: list[str], sender: str | None, name: str) -> None:
    decision = decide(raw, *to, reverse_path=sender, given=STATES[name])
    holds(decision)
    assert decision == decide(raw, *to, reverse_path=sender, given=STATES[name])


@fuzz
@given(soups() | letters(), ENVELOPES, REVERSE_PATHS, st.sampled_from(list(STATES)))
def test_a_copy_of_any_message_has_no_effect(raw: bytes, to: list[str], sender: str | None, name: str) -> None:
    first = decide(raw, *to, reverse_path=sender, given=STATES[name])
    if first.has_effects:
        again = decide(raw, *to, reverse_path=sender, given=remembered(STATES[name], first, 9))
        holds(again)
        assert not again.outgoing
        assert again.status == first.status
        assert all(each.repeated or each.action == "ignore" for each in again.outcomes)


@fuzz
@given(letters(), ENVELOPES.filter(bool), st.sampled_from(list(STATES)), st.randoms())
def test_recipients_together_or_one_by_one_have_the_same_effects(
    raw: bytes, to: list[str], name: str, random: Random
) -> None:
    together = kept(decide(raw, *to, given=STATES[name]))
    random.shuffle(to)
    assert kept(decide(raw, *to, given=STATES[name])) == together
    given_, apart = STATES[name], set()
    for at, each in enumerate(to):
        decision = decide(raw, each, given=given_)
        apart |= kept(decision)
        given_ = remembered(given_, decision, at + 5)
    assert apart == together


@fuzz
@given(letters(), ENVELOPES, st.sampled_from(list(STATES)), st.sampled_from([b"\r\n", b"\r"]))
def test_line_ends_do_not_change_a_decision(raw: bytes, to: list[str], name: str, end: bytes) -> None:
    given_ = STATES[name]._replace(settings=STATES[name].settings._replace(max_size=1 << 20))
    one, two = decide(raw, *to, given=given_), decide(raw.replace(b"\n", end), *to, given=given_)
    assert (one.outcomes, one.outgoing, one.status) == (two.outcomes, two.outgoing, two.status)


@pytest.fixture(scope="module", params=list(CONFIGS))
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway with a store, in which something has happened."""
    folder: Path = tmp_path_factory.mktemp("site")
    made = Site(prepared_store(folder), folder / "site.db", request.param, Random(1))
    yield made
    made.store.close()


@fuzz
@given(raw=soups() | letters(), to=ENVELOPES, sender=REVERSE_PATHS)
def test_any_message_passes_through_the_whole_gateway(
    site: Site, raw: bytes, to: list[str], sender: str | None
) -> None:
    """And once more at once, which must be a duplicate."""
    sender = sender.replace("\0", "") if sender else sender
    incoming = Incoming(raw, sender, tuple(to))
    site.deliver(Delivery(incoming, "", ""), Figures())
    again = receive.receive(site.store, site.config, incoming, site.now)
    check_receipt(again)
    assert again.number is None
    assert all(each.repeated or not each.taken or each.action == "ignore" for each in again.decision.outcomes)
