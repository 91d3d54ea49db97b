"""The rules that find out what a message is: each looks at the case, and says what it saw and what follows.

A verdict without outcomes leaves the message to the next rule; `route` knows their order.
"""

from mailgate.reports import report
from mailgate.routing import bounce, permission
from mailgate.routing.context import Case, Verdict
from mailgate.routing.decision import Outcome
from mailgate.routing.resolve import Resolved
from mailgate.values.directory import Alias


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
    sent = next((seen.message for seen in case.state.seen if seen.effect.action == "sent" and seen.same_content), None)
    if sent is not None:
        return Verdict(f"what was sent as message {sent}", "ignore", (case.outcome("ignore", "loop"),))
    if not case.coming.refusal:
        return Verdict("no mark of ours")
    if case.kind.name != "person":
        saw = f"{case.kind.name} mail that answers a refusal of ours"
        return Verdict(saw, "ignore", (case.outcome("ignore", "loop"),))
    own = case.recipient or next(iter(case.addressed.direct), None)
    contacts = case.state.directory.contacts
    if own and (own.address.key in contacts or own.name in contacts):
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
    found = bounce.findings(told, case.addressed, case.state)
    saw = f"{told.because}: {report.summary(told)}"
    if any(each.counts for each in found):
        first = next((each.record for each in found if each.record), None)
        failed = Outcome("bounce", "report", "", case.recipient_text, record=first, report=told.kind, reports=found)
        return Verdict(saw, "bounce", (failed,))
    return Verdict(saw, "ignore", (case.outcome("ignore", "report")._replace(report=told.kind, reports=found),))


def _bounce_address(case: Case) -> Resolved | None:
    """The bounce address that a message came to; where an alias is meant beside it, only as the recipient itself."""
    if case.recipient and case.recipient.kind == "bounce":
        return case.recipient
    return None if case.acting else next((own for own in case.addressed.direct if own.kind == "bounce"), None)


def _awaited(case: Case, own: Resolved) -> str:
    """Why a person waits for mail that a catchall or bounce address takes from nobody; `""` when nobody does."""
    if own.domain and own.domain.capture_until > case.state.now:
        return f"{own.domain.canonical} captures"
    from mailgate.routing import confirmation  # nine expressions to compile, for mail to these addresses alone

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
    if case.authentic.result == "fail" and (known := permission.standing(case.state)):
        saw = f"{case.message.author.address} is {known}; {case.authentic.because}"
        return Verdict(saw, "hold", (case.outcome("hold", "unverified"),))
    if case.spam:
        governing = [placement.alias for placement in case.replies.posts]
        takers = governing or [acting for acting, _ in case.acting]
        if not any(taker and taker.spam == "quiet" for taker in takers):
            return Verdict(case.spam, "hold", (case.outcome("hold", "spam"),))
        return Verdict(case.spam, "spam")
    own = permission.own_sender(case.message, case.state)
    if own:
        return Verdict(f"{own} is a local address", "own")
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


def _meant(alias: Alias, own: Resolved) -> str:
    """An alias as it was meant: by its local part, under another name of its domain, by a name it had before."""
    if own.detected:
        return f"{own.address} ({alias.address} by its local part)"
    there = own.domain and own.domain.name == alias.domain
    return alias.address if there and own.name == alias.address else f"{own.address} is {alias.address}"


def fallback(case: Case) -> Verdict:
    """A fallback model given?"""
    given = case.state.settings.fallback
    if not given:
        return Verdict("no fallback model given", "none")
    created = case.creation("fallback", given)
    return Verdict(f"fallback model {given.model}", given.model, (created, *_postmaster(case)))


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
