"""The rules that find out what a message is: each looks at the context, and says what it saw and what follows.

A verdict without outcomes leaves the message to the next rule; `route` knows their order.
"""

from mailgate.reports.report import summary
from mailgate.routing import bounce, permission
from mailgate.routing.context import Context, Verdict
from mailgate.routing.decision import Outcome
from mailgate.routing.resolve import Resolved
from mailgate.values.directory import Alias


def duplicate(context: Context) -> Verdict:
    """Seen before? Notes it; which effects are repeated is asked of each outcome."""
    same = next((seen.message for seen in context.state.copies.seen if seen.same_content), None)
    if same is not None:
        return Verdict(f"content seen before, message {same}", "seen")
    if context.state.copies.seen:
        return Verdict(f"another copy of the same mail is message {context.state.copies.seen[0].message}", "seen")
    if context.state.copies.reused_id:
        return Verdict("id seen before with other content", "reused-id")
    return Verdict("content new, id new" if context.facts.message.message_id else "content new, no id")


def loop_mark(context: Context) -> Verdict:
    """One of our own messages or refusals coming back?"""
    if context.marks.back:
        return Verdict("our own message, by its signed mark", "ignore", (context.outcome("ignore", "loop"),))
    sent = next(
        (seen.message for seen in context.state.copies.seen if seen.effect.action == "sent" and seen.same_content), None
    )
    if sent is not None:
        return Verdict(f"what was sent as message {sent}", "ignore", (context.outcome("ignore", "loop"),))
    if not context.marks.refusal:
        return Verdict("no mark of ours")
    if context.facts.class_.name != "person":
        saw = f"{context.facts.class_.name} mail that answers a refusal of ours"
        return Verdict(saw, "ignore", (context.outcome("ignore", "loop"),))
    own = context.recipient or next(iter(context.addressed.direct), None)
    contacts = context.state.ours.directory.contacts
    if own and (own.address.key in contacts or own.name in contacts):
        return Verdict(f"a person answers a refusal of ours, at the contact address {own.address}")
    address = str(own.address) if own else ""
    return Verdict("a person answers a refusal of ours", "hold", (context.outcome("hold", "loop", address),))


def delivery_report(context: Context) -> Verdict:
    """A delivery report, or addressed to a bounce address?"""
    report, here = context.facts.report, _bounce_address(context)
    if here is None and (report is None or report.kind == "automatic"):
        return Verdict("no report")
    if report is None or report.kind in ("automatic", "other"):
        kind = report.kind if report else "other" if context.facts.class_.name == "person" else "automatic"
        saw = report.because if report else f"{here.address} is a bounce address" if here else ""
        if here and (why := _awaited(context, here)):
            captured = context.outcome("hold", "capture", here.name, note=why)._replace(report=kind)
            return Verdict(f"{saw}: no report of a delivery; {why}", "hold", (captured,))
        held = context.outcome("hold", "bounce-address", quiet=here is not None)._replace(report=kind)
        return Verdict(f"{saw}: no report of a delivery", "hold", (held,))
    found = bounce.findings(report, context.addressed, context.state)
    saw = f"{report.because}: {summary(report)}"
    if any(each.counts for each in found):
        first = next((each.record for each in found if each.record), None)
        failed = Outcome(
            "bounce", "report", "", context.recipient_text, record=first, report=report.kind, reports=found
        )
        return Verdict(saw, "bounce", (failed,))
    return Verdict(saw, "ignore", (context.outcome("ignore", "report")._replace(report=report.kind, reports=found),))


def _bounce_address(context: Context) -> Resolved | None:
    """The bounce address that a message came to; where an alias is meant beside it, only as the recipient itself."""
    if context.recipient and context.recipient.kind == "bounce":
        return context.recipient
    return None if context.acting else next((own for own in context.addressed.direct if own.kind == "bounce"), None)


def _awaited(context: Context, own: Resolved) -> str:
    """Why a person waits for mail that a catchall or bounce address takes from nobody; `""` when nobody does."""
    if own.domain and own.domain.capture_until > context.state.now:
        return f"{own.domain.canonical} captures"
    from mailgate.routing import confirmation  # nine expressions to compile, for mail to these addresses alone

    provider = confirmation.provider(context.facts.message) if context.authentic.result != "fail" else ""
    return f"{provider} asks to confirm a forwarding" if provider else ""


def automatic(context: Context) -> Verdict:
    """Person, automatic, list or report? No verdict; later rules use it."""
    return Verdict(context.facts.class_.because or "no field of a robot or a list", context.facts.class_.name)


def sender(context: Context) -> Verdict:
    """Blocked? Spam? One of our own addresses? Who vouches for the author?"""
    if context.state.author.blocked:
        saw = f"{context.state.author.blocked} is on the block list"
        if context.state.settings.blocked_by == "status" and not context.facts.message.envelope.collected:
            refused = context.outcome("refuse", "blocked", context.recipient_text)._replace(by_status=True)
            return Verdict(saw, "refuse", (refused,))
        return Verdict(saw, "hold", (context.outcome("hold", "blocked", quiet=True),))
    if context.authentic.result == "fail" and (known := permission.standing(context.state.author)):
        saw = f"{context.facts.message.author.address} is {known}; {context.authentic.because}"
        return Verdict(saw, "hold", (context.outcome("hold", "unverified"),))
    if context.spam:
        governing = [placement.alias for placement in context.replies.posts]
        takers = governing or [acting for acting, _ in context.acting]
        if not any(taker and taker.spam == "quiet" for taker in takers):
            return Verdict(context.spam, "hold", (context.outcome("hold", "spam"),))
        return Verdict(context.spam, "spam")
    own = context.own_sender
    if own:
        return Verdict(f"{own} is a local address", "own")
    author = context.facts.message.author
    saw = str(author.address) if author.address else f"author unknown: {author.defect}"
    if not context.state.settings.trust.authserv_ids:
        return Verdict(saw, "no verdict")
    if context.authentic.result == "none":
        return Verdict(f"{saw}; {context.authentic.because}", "no verdict")
    return Verdict(f"{saw}; {context.authentic.because}", context.authentic.result)


def reply(context: Context) -> Verdict:
    """Does it answer a stored message, or carry a signed detail?"""
    found = context.replies
    if not found.posts:
        return Verdict(found.saw)
    posts = tuple(
        context.outcome(
            "post", "token" if found.signed else "reply", place.alias.address if place.alias else ""
        )._replace(
            record=place.record,
            model=place.record.model,
            parent=found.parent,
            alias=place.alias.number if place.alias else None,
        )
        for place in found.posts
    )
    beside = tuple(context.acts(each) for each, _ in context.acting if each.number in found.beside)
    return Verdict(found.saw, ", ".join(str(each.record or each.model) for each in (*posts, *beside)), posts + beside)


def catchall(context: Context) -> Verdict:
    """Only catchall addresses meant, and no reply?"""
    meant = [own for own in context.addressed.direct if own.kind in ("alias", "catchall", "bounce")]
    if context.is_to_nobody:
        return Verdict(f"{context.recipient_text} is nobody's")
    if context.recipient and context.recipient.kind == "reserved":
        return Verdict(f"{context.recipient_text} always exists")
    if not meant or context.acting or any(own.kind != "catchall" for own in meant):
        return Verdict(", ".join(str(own.address) for own in meant) or "no own address directly addressed")
    own = context.recipient if context.recipient and context.recipient.kind == "catchall" else meant[0]
    if why := _awaited(context, own):
        return Verdict(f"{own.address}: {why}", "hold", (context.outcome("hold", "capture", own.name, note=why),))
    refused = context.outcome("refuse", "catchall", own.name)
    return Verdict(f"{own.address} takes only answers", "refuse", (refused, *_postmaster(context)))


def alias(context: Context) -> Verdict:
    """Which aliases are addressed? Each acts, none stops the others."""
    if context.is_to_nobody:
        return Verdict(f"{context.recipient_text} is nobody's", "none")
    acting = context.acting
    if context.replies.forward:
        acting = tuple((each, own) for each, own in acting if each.number in context.replies.forward)
    outcomes = [context.acts(each) for each, _ in acting]
    if context.recipient and context.recipient.kind == "reserved":
        outcomes.append(context.outcome("hold", "postmaster", context.recipient.name))
    if not outcomes:
        return Verdict(_nobody(context), "none")
    saw = ", ".join(_meant(each, own) for each, own in acting)
    words = ", ".join(
        str(outcome.record or outcome.model) if outcome.action != "hold" else outcome.reason for outcome in outcomes
    )
    return Verdict(saw or context.recipient_text, words, tuple(outcomes))


def _meant(alias: Alias, own: Resolved) -> str:
    """An alias as it was meant: by its local part, under another name of its domain, by a name it had before."""
    if own.detected:
        return f"{own.address} ({alias.address} by its local part)"
    there = own.domain and own.domain.name == alias.domain
    return alias.address if there and own.name == alias.address else f"{own.address} is {alias.address}"


def fallback(context: Context) -> Verdict:
    """A fallback model given?"""
    given = context.state.settings.fallback
    if not given:
        return Verdict("no fallback model given", "none")
    created = context.creation("fallback", given)
    return Verdict(f"fallback model {given.model}", given.model, (created, *_postmaster(context)))


def no_route(context: Context) -> Verdict:
    """Nothing above: refuse, or hold what was collected from a mailbox."""
    held = _postmaster(context)
    if held:
        return Verdict(held[0].address, "hold", held)
    saw = _nobody(context)
    if context.facts.message.envelope.collected:
        return Verdict(saw, "hold", (context.outcome("hold", "unrouted"),))
    refused = context.outcome("refuse", "no-route", context.recipient_text)._replace(by_status=True)
    return Verdict(saw, "refuse", (refused,))


def _postmaster(context: Context) -> tuple[Outcome, ...]:
    """With no envelope known, mail directly addressed to postmaster or abuse is held as well."""
    if context.recipient:
        return ()
    return tuple(
        context.outcome("hold", "postmaster", own.name) for own in context.addressed.direct if own.kind == "reserved"
    )


def _nobody(context: Context) -> str:
    if context.recipient_text:
        return f"{context.recipient_text}: no such address"
    return "no own address is named"
