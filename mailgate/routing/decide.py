"""Decide, purely, what becomes of a message, and why.

`decide` asks the rules in order for each recipient, unites what they say, and settles how a refusal is told. Nothing
here reads a clock, a database or the environment.
"""

from collections.abc import Callable

from mailgate.mail import classify
from mailgate.mail.classify import Kind
from mailgate.mail.message import Message
from mailgate.reports.report import Report
from mailgate.routing import checks, permission, refusal, resolve, rules
from mailgate.routing import copies as relay
from mailgate.routing.context import Case, Common, Verdict
from mailgate.routing.decision import Decision, Outcome, Step
from mailgate.routing.state import State
from mailgate.values import status
from mailgate.values.outcome import Effect

SAW_LIMIT = 500
"""Characters of what a rule saw that are kept."""

Rule = Callable[[Case], Verdict]
FIRST: tuple[tuple[str, Rule], ...] = (
    ("duplicate", rules.duplicate),
    ("loop-mark", rules.loop_mark),
    ("report", rules.delivery_report),
    ("automatic", rules.automatic),
    ("sender", rules.sender),
    ("reply", rules.reply),
    ("catchall", rules.catchall),
    ("alias", rules.alias),
    ("fallback", rules.fallback),
    ("no-route", rules.no_route),
)
"""The rules that find out what a message is, in the order they are asked; the first with outcomes ends the asking."""
THEN = (("permission", checks.permission), ("rate", checks.rate))
"""The rules that every new record and every post must pass."""
ORDER = ("size", *(name for name, _ in FIRST), *(name for name, _ in THEN))


def decide(message: Message, state: State, told: Report | None = None) -> Decision:
    """The judgement of one message: the same for `deliver`, `route` and every other way in.

    `told` is what `report.read` found in it.
    """
    kind = classify.classify(message)
    if told and told.kind not in ("automatic", "other"):
        kind = Kind("report", told.because)
    if message.size > state.settings.max_size:
        return _too_large(message, state, kind)
    coming = classify.marks(
        message, state.signatures.secrets, permission.own_author(message, state) and kind.name != "report"
    )
    common = Common(message, state, told, kind, coming)
    steps, outcomes = _asked(common, [_size(message, state, "pass")])
    settled = refusal.settle(message, state, kind, coming, common.authentic, outcomes)
    sent_on = relay.relay(message, state, kind, settled.outcomes)
    silent = settled.status.exit == 75 or message.envelope.source == "file"
    copies = () if silent else sent_on.copies
    return Decision(
        kind.name, sent_on.outcomes, settled.outgoing + copies, steps, settled.status, common.authentic.result
    )


def _size(message: Message, state: State, word: str) -> Step:
    return Step("size", f"{message.size} of {state.settings.max_size} bytes", word)


def _too_large(message: Message, state: State, kind: Kind) -> Decision:
    """Refused by status; held when it was collected, because nobody is there to tell the sender."""
    names = [str(each) for each in message.envelope.recipients] or [""]
    if message.envelope.collected:
        note = f"larger than {state.settings.max_size} bytes"
        note += "; only its header was collected" if message.whole else ""
        held = tuple(state.repeated(Outcome("hold", "too-large", "size", name, note=note)) for name in names)
        return Decision(kind.name, held, (), (_size(message, state, "hold"),), status.OK)
    refused = tuple(Outcome("refuse", "too-large", "size", name, name, by_status=True) for name in names)
    return Decision(kind.name, refused, (), (_size(message, state, "refuse"),), status.refused("too-large", names[0]))


def _asked(common: Common, steps: list[Step]) -> tuple[tuple[Step, ...], tuple[Outcome, ...]]:
    """Ask about every recipient: the steps in the order of the rules, and what is said, one outcome an effect."""
    outcomes: dict[Effect, Outcome] = {}
    for recipient in resolve.recipients(common.message, common.state):
        taken, said = _judge(Case(common, recipient))
        steps += taken
        for outcome in said:  # of two ways to one effect the signed address says more about the author
            if outcome.effect not in outcomes or outcome.reason == "token":
                outcomes[outcome.effect] = outcome
    posted = {each.record for each in outcomes.values() if each.action == "post"}
    united = tuple(each for each in outcomes.values() if each.reason != "outsider" or each.record not in posted)
    return tuple(sorted(dict.fromkeys(steps), key=lambda step: ORDER.index(step.rule))), united


def _judge(case: Case) -> tuple[list[Step], tuple[Outcome, ...]]:
    """Ask the rules about one recipient: the steps taken, and the outcomes."""
    steps: list[Step] = []
    outcomes: tuple[Outcome, ...] = ()
    for name, rule in FIRST:
        verdict = rule(case)
        steps.append(_step(name, verdict.saw, verdict.word))
        if verdict.outcomes:
            outcomes = tuple(outcome._replace(rule=name) for outcome in verdict.outcomes)
            break
    outcomes = tuple(case.state.repeated(outcome) for outcome in outcomes)
    if all(outcome.repeated or outcome.action not in ("create", "post") for outcome in outcomes):
        return steps, outcomes
    for name, check in THEN:
        saw, word, judged = check(case, outcomes)
        steps.append(_step(name, saw, word))
        outcomes = tuple(
            outcome if outcome is old else case.state.repeated(outcome._replace(rule=name))
            for outcome, old in zip(judged, outcomes, strict=True)
        )
        if not any(outcome.action in ("create", "post") for outcome in outcomes):
            break
    return steps, outcomes


def _step(rule: str, saw: str, word: str) -> Step:
    """A step for the record: a message may name thousands of addresses, its explanation need not."""
    return Step(rule, _cut(saw), _cut(word))


def _cut(text: str) -> str:
    return text if len(text) <= SAW_LIMIT else text[: SAW_LIMIT - 1] + "…"
