"""Decide, purely, what becomes of a message, and why.

`decide` asks the rules in order for each recipient, unites what they say, and settles how a refusal is told. Nothing
here reads a clock, a database or the environment.
"""

from collections.abc import Callable

from mailgate.routing import answer, checks, copies, refusal, resolve, rules
from mailgate.routing import context as contexts
from mailgate.routing.context import Context, Verdict
from mailgate.routing.decision import Answer, Decision, Outcome, Step
from mailgate.routing.facts import Facts
from mailgate.routing.resolve import Resolved
from mailgate.routing.state import State
from mailgate.values import status
from mailgate.values.outcome import Effect

SAW_LIMIT = 500
"""Characters of what a rule saw that are kept."""
_LISTED = 10
"""Aliases in To and Cc that are asked about one by one; each says what all of them make of the message."""

Rule = Callable[[Context], Verdict]
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


def decide(facts: Facts, state: State) -> Decision:
    """The judgement of one message: the same for `deliver`, `route` and every other way in."""
    if facts.message.size > state.settings.max_size:
        return _too_large(facts, state)
    context = contexts.of(facts, state)
    steps, outcomes = _ask_all(context, [_size(facts, state, "pass")])
    settled = refusal.settle(context, outcomes)
    copied = copies.copied(context, settled.outcomes)
    silent = settled.status.exit == 75 or facts.message.envelope.source == "file"
    outgoing = settled.outgoing + (() if silent else copied.copies)
    answers = answered(facts, state, copied.outcomes)
    return Decision(copied.outcomes, outgoing, steps, settled.status, context.authentic.result, answers)


def answered(facts: Facts, state: State, outcomes: tuple[Outcome, ...]) -> Answer:
    """Where the author of a message is answered; Reply-To counts unless an alias that takes the mail ignores it."""
    aliases = (state.alias(outcome.alias) for outcome in outcomes if outcome.alias)
    return answer.answer(facts.message, state.ours, trust=all(map(answer.trusts, aliases)))


def failed(facts: Facts, state: State, version: str) -> Decision:
    """What becomes of a message that this version of the program cannot judge: it is held, whatever it is."""
    recipients = facts.message.envelope.recipients
    note = f"{facts.failure}; mailgate {version}"
    held = Outcome("hold", "failed", "failed", str(recipients[0]) if recipients else "", note=note)
    return Decision((state.copies.repeated(held),), (), (Step("failed", facts.failure, "hold"),))


def _size(facts: Facts, state: State, word: str) -> Step:
    return Step("size", f"{facts.message.size} of {state.settings.max_size} bytes", word)


def _too_large(facts: Facts, state: State) -> Decision:
    """Refused by status; held when it was collected, because nobody is there to tell the sender."""
    message = facts.message
    recipients = [str(address) for address in message.envelope.recipients] or [""]
    if message.envelope.collected:
        note = f"larger than {state.settings.max_size} bytes"
        note += "; only its header was collected" if message.full_size else ""
        held = [Outcome("hold", "too-large", "size", recipient, note=note) for recipient in recipients]
        return Decision(tuple(map(state.copies.repeated, held)), (), (_size(facts, state, "hold"),))
    refused = tuple(
        Outcome("refuse", "too-large", "size", recipient, recipient, by_status=True) for recipient in recipients
    )
    return Decision(refused, (), (_size(facts, state, "refuse"),), status.refused("too-large", recipients[0]))


def _ask_all(context: Context, steps: list[Step]) -> tuple[tuple[Step, ...], tuple[Outcome, ...]]:
    """Ask about every recipient: the steps in the order of the rules, and what is said, one outcome an effect."""
    outcomes: dict[Effect, Outcome] = {}
    asked = 0
    for recipient in resolve.recipients(context.facts.message.envelope, context.state.ours):
        listed = recipient is not None and _is_listed(recipient, context)
        if listed and asked >= _LISTED:
            continue
        taken, judged = _judge(context.for_recipient(recipient))
        if all(outcome.action in ("create", "post") or outcome.reason == "duplicate" for outcome in judged):
            asked += listed
        steps += taken
        for outcome in judged:  # of two ways to one effect the signed address says more about the author
            if outcome.effect not in outcomes or outcome.reason == "token":
                outcomes[outcome.effect] = outcome
    posted = {outcome.record for outcome in outcomes.values() if outcome.action == "post"}
    united = tuple(
        outcome for outcome in outcomes.values() if outcome.reason != "outsider" or outcome.record not in posted
    )
    return tuple(sorted(dict.fromkeys(steps), key=lambda step: ORDER.index(step.rule))), united


def _is_listed(recipient: Resolved, context: Context) -> bool:
    """Whether a recipient is an alias that To or Cc name: then the header fields say the same for all of these, and
    what makes records or posts for one of them does so for the others."""
    return recipient.kind == "alias" and not recipient.signed and recipient.address.key in context.header(False).written


def _judge(context: Context) -> tuple[list[Step], tuple[Outcome, ...]]:
    """Ask the rules about one recipient: the steps taken, and the outcomes."""
    repeated, completed = context.state.copies.repeated, context.state.copies.completed
    steps: list[Step] = []
    outcomes: tuple[Outcome, ...] = ()
    for name, rule in FIRST:
        verdict = rule(context)
        steps.append(_step(name, verdict.saw, verdict.word))
        if verdict.outcomes:
            outcomes = tuple(outcome._replace(rule=name) for outcome in verdict.outcomes)
            break
    outcomes = tuple(repeated(outcome) for outcome in outcomes)
    if all(outcome.repeated or outcome.action not in ("create", "post") for outcome in outcomes):
        return steps, outcomes
    for name, check in THEN:
        saw, word, judged = check(context, outcomes)
        steps.append(_step(name, saw, word))
        outcomes = tuple(
            outcome if outcome is old else repeated(outcome._replace(rule=name))
            for outcome, old in zip(judged, outcomes, strict=True)
        )
        if not any(outcome.action in ("create", "post") for outcome in outcomes):
            break
    return steps, tuple(map(completed, outcomes))


def _step(rule: str, saw: str, word: str) -> Step:
    """A step for the record: a message may name thousands of addresses, its explanation need not."""
    if len(saw) > SAW_LIMIT:
        saw = saw[: SAW_LIMIT - 1] + "…"
    if len(word) > SAW_LIMIT:
        word = word[: SAW_LIMIT - 1] + "…"
    return Step(rule, saw, word)
