"""Decide, purely, what becomes of a message, and why.

`decide` runs the rules of RULES in order for each recipient, unites what they say, and settles how a refusal is told.
A rule looks at the case and answers with what it saw, a verdict in a word, and the outcomes when it decides. Nothing
here reads a clock, a database or the environment.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

from mailgate.judgement import addressed, answer, authentication, bounced, confirmation, policy, relay, thread
from mailgate.judgement.addressed import Addressed, Own
from mailgate.judgement.decision import Decision, Outcome, Step
from mailgate.judgement.state import Alias, State
from mailgate.judgement.thread import Answered
from mailgate.mail import loop
from mailgate.mail.loop import Coming, Kind
from mailgate.mail.message import Message
from mailgate.reports import report
from mailgate.reports.report import Report
from mailgate.values import status

SAW_LIMIT = 500
"""Characters of what a rule saw that are kept."""


class Common:
    """What all recipients of one message share, found out once, however many there are."""

    def __init__(self, message: Message, state: State, told: Report | None, kind: Kind, coming: Coming) -> None:
        self.message = message
        self.state = state
        self.told = told
        self.kind = kind
        self.coming = coming
        self.authentic = authentication.verdict(message, state.settings.trust)
        self.named = functools.cache(lambda alone: addressed.named(message, state, alone=alone))
        self.answered = (
            Answered(None, "an answer to a refusal is new mail") if coming.refusal else thread.answered(message, state)
        )


class Case:
    """One message for one recipient while it is judged: the facts, and what earlier rules found out.

    `recipient` is None where the header fields speak alone; `recipient_text` is the envelope recipient as it is shown.
    """

    def __init__(self, common: Common, recipient: Own | None) -> None:
        self.message = common.message
        self.state = common.state
        self.kind = common.kind
        self.coming = common.coming
        self.told = common.told
        self.authentic = common.authentic
        meant = addressed.counts(recipient)
        self.addressed: Addressed = addressed.addressed(meant, common.named(meant is None))
        self.recipient = self.addressed.recipient
        self.recipient_text = str(recipient.address) if recipient else ""
        self.acting = addressed.aliases(self.addressed.all)
        self.spam = loop.spam_mark(self.message)
        self.replies = thread.parents(common.answered, self.addressed)

    @property
    def nobody(self) -> bool:
        """Whether the recipient lies in an own domain, exists nowhere, and no fallback takes it."""
        return self.recipient is not None and self.recipient.kind == "unknown" and not self.state.settings.fallback

    def governing(self, proposal: Outcome) -> Alias | None:
        """The alias whose policy decides: the one that acts, or the one that governs the record answered."""
        answered = [each.alias for each in self.replies.posts if each.record == proposal.record]
        acting = [alias for alias, _ in self.acting if alias.number == proposal.alias]
        return next(iter(answered if proposal.reason in ("reply", "token") else acting), None)

    def outcome(self, action: str, reason: str, address: str = "", *, quiet: bool = False, note: str = "") -> Outcome:
        """An outcome for this recipient."""
        return Outcome(action, reason, "", self.recipient_text, address, quiet=quiet, note=note)

    def creation(self, reason: str, model: str, alias: Alias | None, address: str = "") -> Outcome:
        """A new record of `model`, made by an alias or as the fallback."""
        return self.outcome("create", reason, alias.address if alias else address)._replace(
            model=model,
            alias=alias.number if alias else None,
            values=alias.values if alias else self.state.settings.fallback_values,
        )

    def acts(self, alias: Alias) -> Outcome:
        """What an alias makes of the message: a new record, or a post on its one record."""
        if not alias.record:
            return self.creation("alias", alias.model, alias)
        if alias.record in self.state.records:
            posted = self.outcome("post", "alias", alias.address)
            return posted._replace(record=alias.record, model=alias.record.model, alias=alias.number)
        note = f"alias {alias.address} posts on {alias.record}, which is gone"
        return self.outcome("hold", "misconfigured", alias.address, note=note)._replace(alias=alias.number)


class Verdict(NamedTuple):
    """What a rule says. Empty outcomes: go on to the next rule."""

    saw: str
    word: str = "pass"
    outcomes: tuple[Outcome, ...] = ()


def duplicate(case: Case) -> Verdict:
    """Seen before? Notes it; which effects are repeated is asked of each outcome."""
    same = next((seen.message for seen in case.state.seen if seen.same_content), None)
    if same is not None:
        return Verdict(f"content seen before, message {same}", "seen")
    if case.state.seen:
        return Verdict(f"a list's copy of the same message is message {case.state.seen[0].message}", "seen")
    if case.state.reused_id:
        return Verdict("id seen before with other content", "reused-id")
    return Verdict("content new, id new" if case.message.message_id else "content new, no id")


def loop_mark(case: Case) -> Verdict:
    """One of our own messages or refusals coming back?"""
    if case.coming.back:
        return Verdict("our own message, by its signed mark", "ignore", (case.outcome("ignore", "loop"),))
    sent = next((seen.message for seen in case.state.seen if seen.effect == "sent" and seen.same_content), None)
    if sent is not None:
        return Verdict(f"what was sent as message {sent}", "ignore", (case.outcome("ignore", "loop"),))
    if not case.coming.refusal:
        return Verdict("no mark of ours")
    if case.kind.name != "person":
        saw = f"{case.kind.name} mail that answers a refusal of ours"
        return Verdict(saw, "ignore", (case.outcome("ignore", "loop"),))
    own = case.recipient or next(iter(case.addressed.direct), None)
    if own and (own.address.key in case.state.contacts or own.name in case.state.contacts):
        return Verdict(f"a person answers a refusal of ours, at the contact address {own.address}")
    address = str(own.address) if own else ""
    return Verdict("a person answers a refusal of ours", "hold", (case.outcome("hold", "loop", address),))


def delivery_report(case: Case) -> Verdict:
    """A delivery report, or addressed to a bounce address?"""
    told, here = case.told, _bounce_address(case)
    if here is None and (told is None or told.kind == "automatic"):
        return Verdict("no report")
    if told is None or told.kind in ("automatic", "other"):
        kind = told.kind if told else "other" if case.kind.name == "person" else "automatic"
        saw = told.because if told else f"{here.address} is a bounce address" if here else ""
        if here and (why := _awaited(case, here)):
            captured = case.outcome("hold", "capture", here.name, note=why)._replace(report=kind)
            return Verdict(f"{saw}: no report of a delivery; {why}", "hold", (captured,))
        held = case.outcome("hold", "bounce-address", quiet=here is not None)._replace(report=kind)
        return Verdict(f"{saw}: no report of a delivery", "hold", (held,))
    found = bounced.findings(told, case.addressed, case.state)
    saw = f"{told.because}: {report.summary(told)}"
    if any(each.counts for each in found):
        first = next((each.record for each in found if each.record), None)
        failed = Outcome("bounce", "report", "", case.recipient_text, record=first, report=told.kind, reports=found)
        return Verdict(saw, "bounce", (failed,))
    return Verdict(saw, "ignore", (case.outcome("ignore", "report")._replace(report=told.kind, reports=found),))


def _bounce_address(case: Case) -> Own | None:
    """The bounce address that a message came to; where an alias is meant beside it, only as the recipient itself."""
    if case.recipient and case.recipient.kind == "bounce":
        return case.recipient
    return None if case.acting else next((own for own in case.addressed.direct if own.kind == "bounce"), None)


def _awaited(case: Case, own: Own) -> str:
    """Why a person waits for mail that a catchall or bounce address takes from nobody; `""` when nobody does."""
    if own.domain and own.domain.canonical in case.state.capturing:
        return f"{own.domain.canonical} captures"
    provider = confirmation.provider(case.message) if case.authentic.result != "fail" else ""
    return f"{provider} asks to confirm a forwarding" if provider else ""


def automatic(case: Case) -> Verdict:
    """Person, automatic, list or report? No verdict; later rules use it."""
    return Verdict(case.kind.because or "no field of a robot or a list", case.kind.name)


def sender(case: Case) -> Verdict:
    """Blocked? Spam? One of our own addresses? Who vouches for the author?"""
    if case.state.blocked_sender:
        saw = f"{case.state.blocked_sender} is on the block list"
        if case.state.settings.blocked_by == "status" and not case.message.envelope.collected:
            refused = case.outcome("refuse", "blocked", case.recipient_text)._replace(by_status=True)
            return Verdict(saw, "refuse", (refused,))
        return Verdict(saw, "hold", (case.outcome("hold", "blocked", quiet=True),))
    if case.authentic.result == "fail" and (known := policy.standing(case.state)):
        saw = f"{case.message.author.address} is {known}; {case.authentic.because}"
        return Verdict(saw, "hold", (case.outcome("hold", "unverified"),))
    if case.spam:
        governing = [placement.alias for placement in case.replies.posts]
        takers = governing or [acting for acting, _ in case.acting]
        if not any(taker and taker.spam == "quiet" for taker in takers):
            return Verdict(case.spam, "hold", (case.outcome("hold", "spam"),))
        return Verdict(case.spam, "spam")
    own = policy.own_sender(case.message, case.state)
    if own:
        return Verdict(f"{own} is an own address", "own")
    author = case.message.author
    saw = str(author.address) if author.address else f"author unknown: {author.defect}"
    if not case.state.settings.trust.authserv_ids:
        return Verdict(saw, "no verdict")
    if case.authentic.result == "none":
        return Verdict(f"{saw}; {case.authentic.because}", "no verdict")
    return Verdict(f"{saw}; {case.authentic.because}", case.authentic.result)


def reply(case: Case) -> Verdict:
    """Does it answer a stored message, or carry a signed detail?"""
    found = case.replies
    if not found.posts:
        return Verdict(found.saw)
    posts = tuple(
        case.outcome("post", "token" if found.signed else "reply", place.alias.address if place.alias else "")._replace(
            record=place.record,
            model=place.record.model,
            parent=found.parent,
            alias=place.alias.number if place.alias else None,
        )
        for place in found.posts
    )
    beside = tuple(case.acts(each) for each, _ in case.acting if each.number in found.beside)
    return Verdict(found.saw, ", ".join(str(each.record or each.model) for each in (*posts, *beside)), posts + beside)


def catchall(case: Case) -> Verdict:
    """Only catchall addresses meant, and no reply?"""
    meant = [own for own in case.addressed.direct if own.kind in ("alias", "catchall", "bounce")]
    if case.nobody:
        return Verdict(f"{case.recipient_text} is nobody's")
    if case.recipient and case.recipient.kind == "reserved":
        return Verdict(f"{case.recipient_text} always exists")
    if not meant or case.acting or any(own.kind != "catchall" for own in meant):
        return Verdict(", ".join(str(own.address) for own in meant) or "no own address directly addressed")
    own = case.recipient if case.recipient and case.recipient.kind == "catchall" else meant[0]
    if why := _awaited(case, own):
        return Verdict(f"{own.address}: {why}", "hold", (case.outcome("hold", "capture", own.name, note=why),))
    refused = case.outcome("refuse", "catchall", own.name)
    return Verdict(f"{own.address} takes only answers", "refuse", (refused, *_postmaster(case)))


def alias(case: Case) -> Verdict:
    """Which aliases are addressed? Each acts, none stops the others."""
    if case.nobody:
        return Verdict(f"{case.recipient_text} is nobody's", "none")
    acting = case.acting
    if case.replies.forward:
        acting = [(each, own) for each, own in acting if each.number in case.replies.forward]
    outcomes = [case.acts(each) for each, _ in acting]
    if case.recipient and case.recipient.kind == "reserved":
        outcomes.append(case.outcome("hold", "postmaster", case.recipient.name))
    if not outcomes:
        return Verdict(_nobody(case), "none")
    saw = ", ".join(_meant(each, own) for each, own in acting)
    words = ", ".join(
        str(outcome.record or outcome.model) if outcome.action != "hold" else outcome.reason for outcome in outcomes
    )
    return Verdict(saw or case.recipient_text, words, tuple(outcomes))


def _meant(alias: Alias, own: Own) -> str:
    """An alias as it was meant: by its local part, under another name of its domain, by a name it had before."""
    if own.detected:
        return f"{own.address} ({alias.address} by its local part)"
    there = own.domain and own.domain.name == alias.domain
    return alias.address if there and own.name == alias.address else f"{own.address} is {alias.address}"


def fallback(case: Case) -> Verdict:
    """A fallback model given?"""
    model = case.state.settings.fallback
    if not model:
        return Verdict("no fallback model given", "none")
    created = case.creation("fallback", model, None)
    return Verdict(f"fallback model {model}", model, (created, *_postmaster(case)))


def no_route(case: Case) -> Verdict:
    """Nothing above: refuse, or hold what was collected from a mailbox."""
    held = _postmaster(case)
    if held:
        return Verdict(held[0].address, "hold", held)
    saw = _nobody(case)
    if case.message.envelope.collected:
        return Verdict(saw, "hold", (case.outcome("hold", "unrouted"),))
    refused = case.outcome("refuse", "no-route", case.recipient_text)._replace(by_status=True)
    return Verdict(saw, "refuse", (refused,))


def permission(case: Case, proposals: tuple[Outcome, ...]) -> tuple[str, str, tuple[Outcome, ...]]:
    """May this author write there? The policy of the alias that acts, or that governs the record answered.

    The same alias says whether machines and lists, and the answers of outsiders, are taken.
    """
    saw, judged = [], []
    for proposal in proposals:
        if proposal.action not in ("create", "post") or proposal.repeated:
            judged.append(proposal)
            continue
        ruling = case.governing(proposal)
        if case.spam and (ruling is None or ruling.spam == "hold"):
            judged.append(case.outcome("hold", "spam", proposal.address))
            continue
        allowed, why = policy.permits(ruling, proposal.record, case.message, case.state, case.authentic)
        kept = _kept_out(case, ruling, proposal) if allowed else None
        if kept:
            saw.append(f"{proposal.address or proposal.record}: {kept.note}")
            judged.append(kept)
            continue
        saw.append(f"{proposal.address or proposal.record or proposal.model}: {why}")
        if allowed:
            judged.append(proposal)
        else:
            refused = case.outcome("refuse", "policy", proposal.address, note=why)
            judged.append(refused._replace(alias=proposal.alias, parent=proposal.parent))
    return "; ".join(saw), _word(proposals, judged), tuple(judged)


def _kept_out(case: Case, ruling: Alias | None, proposal: Outcome) -> Outcome | None:
    """What becomes of mail that its author may write, but that the alias does not take so; None when it does."""
    if ruling is None:
        return None
    if case.kind.name in ("automatic", "list") and ruling.automatic in ("hold", "refuse"):
        note = f"{case.kind.name} mail ({case.kind.because}), which {ruling.address} does not take"
        if ruling.automatic == "hold":
            return case.outcome("hold", "automatic", proposal.address, note=note)._replace(alias=proposal.alias)
        refused = case.outcome("refuse", "policy", proposal.address, note=note)
        return refused._replace(alias=proposal.alias, by_status=not case.message.envelope.collected)
    outsider = proposal.reason == "reply" and relay.is_outsider(proposal, case.message, case.state)
    if ruling.replies == "participants" and outsider:
        note = f"{case.message.author.text} does not follow {proposal.record}, and used no signed address"
        held = case.outcome("hold", "outsider", proposal.address, note=note)
        return held._replace(alias=proposal.alias, record=proposal.record)
    return None


def rate(case: Case, proposals: tuple[Outcome, ...]) -> tuple[str, str, tuple[Outcome, ...]]:
    """Too many new records from this sender in this model within the window?

    Every record that one message makes is judged alike, so that it does not matter in which order, or in how many
    deliveries, its aliases are served.
    """
    settings = case.state.settings
    saw, judged = [], []
    for proposal in proposals:
        if proposal.action != "create" or proposal.repeated or proposal.model is None:
            judged.append(proposal)
            continue
        key = (proposal.model, policy.rate_key(case.message, proposal.address))
        count = case.state.made.get(key, 0)
        saw.append(f"{key[1]} made {count} of {settings.loop_threshold} {key[0]} in {settings.loop_minutes} min")
        if case.message.envelope.source == "file":
            saw[-1] = "kept mail, out of a file, is not counted"
            judged.append(proposal)
            continue
        if case.state.allowed_sender:
            saw[-1] = f"{key[1]} is on the allow-list"
        elif count >= settings.loop_threshold:
            address = proposal.address or (case.recipient_text if case.recipient else "")
            judged.append(case.outcome("refuse", "rate-limit", address)._replace(alias=proposal.alias))
            continue
        if full := _ceiling(case.state, proposal):
            saw.append(full)
            judged.append(case.outcome("defer", "ceiling", proposal.address, note=full)._replace(alias=proposal.alias))
            continue
        judged.append(proposal)
    return "; ".join(saw) or "no new record", _word(proposals, judged), tuple(judged)


def _ceiling(state: State, proposal: Outcome) -> str:
    """Which ceiling a new record would break, `""` when none; such mail waits where it is."""
    settings = state.settings
    made = state.made_by_alias.get(proposal.address, 0)
    if settings.records_per_alias and made >= settings.records_per_alias:
        return f"{proposal.address} made {made} records within the hour, the most it may"
    if settings.records_in_all and state.made_in_all >= settings.records_in_all:
        return f"{state.made_in_all} records were made within the hour, the most there may be"
    return ""


def _step(rule: str, saw: str, word: str) -> Step:
    """A step for the record: a message may name thousands of addresses, its explanation need not."""
    return Step(rule, _cut(saw), _cut(word))


def _cut(text: str) -> str:
    return text if len(text) <= SAW_LIMIT else text[: SAW_LIMIT - 1] + "…"


def _word(before: tuple[Outcome, ...], after: list[Outcome]) -> str:
    changed = {new.action for old, new in zip(before, after, strict=True) if new.action != old.action}
    return "pass" if not changed else sorted(changed)[-1]


def _postmaster(case: Case) -> tuple[Outcome, ...]:
    """With no envelope known, mail directly addressed to postmaster or abuse is held as well."""
    if case.recipient:
        return ()
    return tuple(
        case.outcome("hold", "postmaster", own.name) for own in case.addressed.direct if own.kind == "reserved"
    )


def _nobody(case: Case) -> str:
    if case.recipient_text:
        return f"{case.recipient_text}: no such address"
    return "no own address is named"


Rule = Callable[[Case], Verdict]
FIRST: tuple[tuple[str, Rule], ...] = (
    ("duplicate", duplicate),
    ("loop-mark", loop_mark),
    ("report", delivery_report),
    ("automatic", automatic),
    ("sender", sender),
    ("reply", reply),
    ("catchall", catchall),
    ("alias", alias),
    ("fallback", fallback),
    ("no-route", no_route),
)
"""The rules that find out what a message is, in the order they are asked; the first with outcomes ends the asking."""
THEN = (("permission", permission), ("rate", rate))
"""The rules that every new record and every post must pass."""
ORDER = ("size", *(name for name, _ in FIRST), *(name for name, _ in THEN))


def decide(message: Message, state: State, told: Report | None = None) -> Decision:
    """The judgement of one message: the same for `deliver`, `route` and every other way in.

    `told` is what `report.read` found in it.
    """
    kind = loop.classify(message)
    if told and told.kind not in ("automatic", "other"):
        kind = Kind("report", told.because)
    limit = state.settings.max_size
    size = Step("size", f"{message.size} of {limit} bytes", "refuse" if message.size > limit else "pass")
    if message.size > limit:
        names = [str(each) for each in message.envelope.recipients] or [""]
        if message.envelope.collected:  # nobody is there to tell the sender
            note = f"larger than {limit} bytes" + ("; only its header was collected" if message.whole else "")
            held = tuple(state.repeated(Outcome("hold", "too-large", "size", name, note=note)) for name in names)
            return Decision(kind.name, held, (), (size._replace(verdict="hold"),), status.OK)
        refused = tuple(Outcome("refuse", "too-large", "size", name, name, by_status=True) for name in names)
        return Decision(kind.name, refused, (), (size,), status.refused("too-large", names[0]))
    coming = loop.marks(message, state.secrets, policy.own_author(message, state) and kind.name != "report")
    common = Common(message, state, told, kind, coming)
    steps: dict[Step, None] = {size: None}
    outcomes: dict[str, Outcome] = {}
    for recipient in addressed.recipients(message, state):
        taken, said = _judge(Case(common, recipient))
        steps.update(dict.fromkeys(taken))
        for outcome in said:  # of two ways to one effect the signed address says more about the author
            if outcome.effect not in outcomes or outcome.reason == "token":
                outcomes[outcome.effect] = outcome
    posted = {each.record for each in outcomes.values() if each.action == "post"}
    united = tuple(each for each in outcomes.values() if each.reason != "outsider" or each.record not in posted)
    ordered = tuple(sorted(steps, key=lambda step: ORDER.index(step.rule)))
    settled = answer.settle(message, state, kind, coming, common.authentic, united)
    sent_on = relay.relay(message, state, kind, settled.outcomes)
    silent = settled.status.exit == 75 or message.envelope.source == "file"
    copies = () if silent else sent_on.copies
    return Decision(
        kind.name, sent_on.outcomes, settled.outgoing + copies, ordered, settled.status, common.authentic.result
    )


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
