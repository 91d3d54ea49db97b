"""The rules that find out what a message is: each looks at the context, and says what it saw and what follows.

A verdict without outcomes leaves the message to the next rule; `decide` knows their order.
"""

from mailgate.reports.report import summary
from mailgate.routing import bounce, permission, resolve
from mailgate.routing.context import Context, Verdict
from mailgate.routing.decision import Outcome, Reported
from mailgate.routing.resolve import Resolved
from mailgate.routing.state import Returned
from mailgate.values import token
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
    if context.state.copies.returned:
        return _returned(context, context.state.copies.returned)
    sent = next(
        (seen.message for seen in context.state.copies.seen if seen.effect.action == "sent" and seen.same_content), None
    )
    if sent is not None:
        return Verdict(f"what was sent as message {sent}", "ignore", (context.outcome("ignore", "loop"),))
    if context.marks.back:
        saw = "a mark of ours as its own, and a text that we did not send"
        return Verdict(saw, "hold", (context.outcome("hold", "loop", quiet=context.is_crowded, note=saw),))
    if not context.marks.refusal:
        return Verdict("no mark of ours")
    if context.facts.class_.name != "person":
        saw = f"{context.facts.class_.name} mail that answers a refusal of ours"
        return Verdict(saw, "hold", (context.outcome("hold", "loop", quiet=True, note=saw),))
    meant = context.recipient or next(iter(context.addressed.direct), None)
    contacts = context.state.ours.directory.contacts
    if meant and (meant.address.key in contacts or meant.name in contacts):
        return Verdict(f"a person answers a refusal of ours, at the contact address {meant.address}")
    address = str(meant.address) if meant else ""
    held = context.outcome("hold", "loop", address, quiet=context.is_crowded)
    return Verdict("a person answers a refusal of ours", "hold", (held,))


def _returned(context: Context, returned: Returned) -> Verdict:
    """Our own message coming back; at an address that does not exist it is a failure of the recipient it was sent to.

    The envelope may prove that: only the side of a recipient sees the signed return address that was made for them.
    """
    saw = "our own message, by its signed mark and its text"
    if not context.is_to_nobody or not returned.recipient:
        return Verdict(saw, "ignore", (context.outcome("ignore", "loop"),))
    path = context.facts.message.envelope.reverse_path
    delivery = resolve.resolve(path, context.state.ours).delivery(token.BOUNCE) if path else None
    failed = Reported(
        recipient=returned.recipient,
        action="failed",
        status="5.1.1",
        diagnostic=f"{context.recipient_text} does not exist",
        remote="",
        kind="no-such-address",
        permanent=True,
        message=returned.message_id,
        stored=returned.message,
        record=returned.record,
        follower=returned.recipient if delivery and delivery.recipient == returned.recipient else None,
    )
    bounced = context.outcome("bounce", "report")._replace(record=returned.record, reports=(failed,))
    return Verdict(f"{saw}, for an address that does not exist", "bounce", (bounced,))


def delivery_report(context: Context) -> Verdict:
    """A delivery report, or addressed to a bounce address?"""
    report, bounce_address = context.facts.report, _bounce_address(context)
    if bounce_address is None and (report is None or report.kind == "automatic"):
        return Verdict("no report")
    if report is None or report.kind in ("automatic", "other"):
        kind = report.kind if report else "other" if context.facts.class_.name == "person" else "automatic"
        by_address = f"{bounce_address.address} is a bounce address" if bounce_address else ""
        saw = report.because if report else by_address
        if bounce_address and (why := _awaited(context, bounce_address)):
            captured = context.outcome("hold", "capture", bounce_address.name, note=why)._replace(report=kind)
            return Verdict(f"{saw}: no report of a delivery; {why}", "hold", (captured,))
        held = context.outcome("hold", "bounce-address", quiet=bounce_address is not None)._replace(report=kind)
        return Verdict(f"{saw}: no report of a delivery", "hold", (held,))
    reports = bounce.findings(report, context.addressed, context.state)
    saw = f"{report.because}: {summary(report)}"
    if any(reported.counts for reported in reports):
        first = next((reported.record for reported in reports if reported.record), None)
        failed = Outcome(
            "bounce", "report", "", context.recipient_text, record=first, report=report.kind, reports=reports
        )
        return Verdict(saw, "bounce", (failed,))
    return Verdict(saw, "ignore", (context.outcome("ignore", "report")._replace(report=report.kind, reports=reports),))


def _bounce_address(context: Context) -> Resolved | None:
    """The bounce address that a message came to; where an alias is meant beside it, only as the recipient itself."""
    if context.recipient and context.recipient.kind == "bounce":
        return context.recipient
    if context.acting:
        return None
    return next((resolved for resolved in context.addressed.direct if resolved.kind == "bounce"), None)


def _awaited(context: Context, resolved: Resolved) -> str:
    """Why a person waits for mail that a catchall or bounce address does not take; `""` when nobody waits."""
    if resolved.domain and resolved.domain.captures(context.state.now):
        return f"{resolved.domain.canonical} captures"
    from mailgate.routing import confirmation  # nine expressions to compile, for mail to these addresses alone

    provider = confirmation.provider(context.facts.message) if context.authentic.result != "fail" else ""
    return f"{provider} asks to confirm a forwarding" if provider else ""


def automatic(context: Context) -> Verdict:
    """Person, automatic, list or report? No verdict; later rules use it."""
    return Verdict(context.facts.class_.because or "no field of a robot or a list", context.facts.class_.name)


def sender(context: Context) -> Verdict:
    """Blocked? Spam? A local address? Who vouches for the author?"""
    if context.state.author.blocked:
        saw = f"{context.state.author.blocked} is on the block list"
        if context.state.settings.blocked_by == "status" and not context.facts.message.envelope.collected:
            refused = context.outcome("refuse", "blocked", context.recipient_text)._replace(by_status=True)
            return Verdict(saw, "refuse", (refused,))
        return Verdict(saw, "hold", (context.outcome("hold", "blocked", quiet=True),))
    if context.authentic.is_against and (known := permission.standing(context.state.author)):
        saw = f"{context.facts.message.author.address} is {known}; {context.authentic.because}"
        return Verdict(saw, "hold", (context.outcome("hold", "unverified"),))
    if context.spam:
        governing = [placement.alias for placement in context.replies.posts]
        takers = governing or [acting for acting, _ in context.acting]
        if not any(taker and taker.spam == "quiet" for taker in takers):
            return Verdict(context.spam, "hold", (context.outcome("hold", "spam"),))
        return Verdict(context.spam, "spam")
    if context.own_sender:
        return Verdict(f"{context.own_sender} is a local address", "own")
    author = context.facts.message.author
    saw = str(author.address) if author.address else f"author unknown: {author.defect}"
    if not context.state.settings.trust.authserv_ids:
        return Verdict(saw, "no verdict")
    if context.authentic.result == "none":
        return Verdict(f"{saw}; {context.authentic.because}", "no verdict")
    return Verdict(f"{saw}; {context.authentic.because}", context.authentic.result)


def reply(context: Context) -> Verdict:
    """Does it answer a stored message, or come to a signed address?"""
    replies = context.replies
    if not replies.posts:
        return Verdict(replies.saw)
    posts = tuple(
        context.outcome(
            "post", "token" if replies.signed else "reply", placement.alias.address if placement.alias else ""
        )._replace(
            record=placement.record,
            model=placement.record.model,
            parent=replies.parent,
            alias=placement.alias.number if placement.alias else None,
        )
        for placement in replies.posts
    )
    beside = tuple(context.acts(alias) for alias, _ in context.acting if alias.number in replies.beside)
    word = ", ".join(str(outcome.record or outcome.model) for outcome in (*posts, *beside))
    return Verdict(replies.saw, word, posts + beside)


def catchall(context: Context) -> Verdict:
    """Only catchall addresses meant, and no reply?"""
    addressed = [resolved for resolved in context.addressed.direct if resolved.kind in ("alias", "catchall", "bounce")]
    if context.is_to_nobody:
        return Verdict(f"{context.recipient_text} does not exist")
    if context.recipient and context.recipient.kind == "reserved":
        return Verdict(f"{context.recipient_text} always exists")
    if not addressed or context.acting or any(resolved.kind != "catchall" for resolved in addressed):
        named = ", ".join(str(resolved.address) for resolved in addressed)
        return Verdict(named or "no local address directly addressed")
    first = context.recipient if context.recipient and context.recipient.kind == "catchall" else addressed[0]
    if why := _awaited(context, first):
        return Verdict(f"{first.address}: {why}", "hold", (context.outcome("hold", "capture", first.name, note=why),))
    refused = context.outcome("refuse", "catchall", first.name)
    return Verdict(f"{first.address} only takes answers", "refuse", (refused, *_postmaster(context)))


def alias(context: Context) -> Verdict:
    """Which aliases are addressed? Each acts, none stops the others."""
    if context.is_to_nobody:
        return Verdict(f"{context.recipient_text} does not exist", "none")
    acting = context.acting
    if context.replies.forward:
        acting = tuple((alias, resolved) for alias, resolved in acting if alias.number in context.replies.forward)
    outcomes = [_unless_invited(context, alias, context.acts(alias)) for alias, _ in acting]
    if context.recipient and context.recipient.kind == "reserved":
        outcomes.append(context.outcome("hold", "postmaster", context.recipient.name))
    if not outcomes:
        return Verdict(_nobody(context), "none")
    saw = ", ".join(_as_addressed(alias, resolved) for alias, resolved in acting)
    word = ", ".join(
        str(outcome.record or outcome.model) if outcome.action != "hold" else outcome.reason for outcome in outcomes
    )
    return Verdict(saw or context.recipient_text, word, tuple(outcomes))


def _as_addressed(alias: Alias, resolved: Resolved) -> str:
    """An alias as it was meant: by its local part, under another name of its domain, by a retired name."""
    if resolved.detected:
        return f"{resolved.address} ({alias.address} by its local part)"
    same_domain = resolved.domain and resolved.domain.name == alias.domain
    return alias.address if same_domain and resolved.name == alias.address else f"{resolved.address} is {alias.address}"


def fallback(context: Context) -> Verdict:
    """A fallback model given?"""
    configured = context.state.settings.fallback
    if not configured:
        return Verdict("no fallback model given", "none")
    made = _unless_invited(context, None, context.creation("fallback", configured))
    word = configured.model if made.action == "create" else "hold"
    return Verdict(f"fallback model {configured.model}", word, (made, *_postmaster(context)))


def _unless_invited(context: Context, alias: Alias | None, outcome: Outcome) -> Outcome:
    """What becomes of an answer to an invitation that no message here made, else the outcome as it is."""
    takes = alias is not None and alias.calendar == "record"
    if takes or not context.facts.answers_invitation or outcome.action not in ("create", "post"):
        return outcome
    note = "an answer to an invitation that is not stored here"
    return context.outcome("hold", "unrouted", outcome.address, quiet=True, note=note)._replace(alias=outcome.alias)


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
    reserved = (resolved for resolved in context.addressed.direct if resolved.kind == "reserved")
    return tuple(context.outcome("hold", "postmaster", resolved.name) for resolved in reserved)


def _nobody(context: Context) -> str:
    if context.recipient_text:
        return f"{context.recipient_text}: no such address"
    return "no local address is named"
