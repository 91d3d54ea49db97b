"""How a refusal is told: by status, by one reply, or, where no answer may be sent, by nothing: the mail is held."""

import functools

from mailgate.routing import authentication, resolve, silence
from mailgate.routing.context import Context
from mailgate.routing.decision import Outcome, Outgoing
from mailgate.values import status
from mailgate.values.address import parse
from mailgate.values.light import NamedTuple
from mailgate.values.status import Status


class Settled(NamedTuple):
    """The outcomes with every refusal settled, what is sent, and the status for the mail server."""

    outcomes: tuple[Outcome, ...]
    outgoing: tuple[Outgoing, ...]
    status: Status


def settle(context: Context, outcomes: tuple[Outcome, ...]) -> Settled:
    """Decide for every refusal how it is told.

    By status means that the mail server tells the sender; that is possible only when nothing of the message was
    taken. Otherwise those refused by status share one reply with reason `no-route`.
    """
    if deferred := [outcome for outcome in outcomes if outcome.action == "defer"]:
        return Settled(outcomes, (), status.temporary(deferred[0].note, "4.7.1"))
    if context.state.settings.refusals_by == "status" and not context.facts.message.envelope.collected:
        outcomes = tuple(outcome._replace(by_status=outcome.action == "refuse") for outcome in outcomes)
    refused = [outcome for outcome in outcomes if not outcome.taken]
    if len(refused) == len(outcomes):
        statuses = [status.refused(outcome.reason, outcome.address or outcome.recipient) for outcome in outcomes]
        return Settled(outcomes, (), status.combine(statuses))
    replies = _Replies(context)
    settled = tuple(
        replies.answer(outcome) if outcome.taken else replies.share(outcome, refused) for outcome in outcomes
    )
    return Settled(settled, tuple(replies.outgoing), status.OK)


_KEPT = "it is kept mail, out of a file"


class _Replies:
    """The answers to one message: each refusal once, and within the limits."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.outgoing: list[Outgoing] = []
        self.vouched = functools.cache(
            lambda: authentication.vouches_for_path(context.facts.message, context.state.settings.trust)
        )
        self.visible = functools.cache(lambda: _visible(context))
        self.written = functools.cache(lambda: resolve.written(context.facts.message, context.state.ours))

    def answer(self, outcome: Outcome) -> Outcome:
        """Settle a refusal by reply: answered, unanswered because of a limit, or held because answers are forbidden."""
        return self._settle(outcome, outcome.reason, {outcome.address: outcome.reason})

    def share(self, outcome: Outcome, refused: list[Outcome]) -> Outcome:
        """Settle a refusal that the status cannot tell, in the one reply that names all of them."""
        open_ones = [refusal for refusal in refused if not self._blind(refusal)]
        reasons = {refusal.address or refusal.recipient: refusal.reason for refusal in open_ones}
        return self._settle(outcome._replace(by_status=False), "no-route", reasons)

    def _blind(self, outcome: Outcome) -> str:
        """The local address that was written to, where no field shows it; an answer may be written to any of ours."""
        if outcome.reason == "no-route" or outcome.address in self.visible() or (outcome.parent and self.visible()):
            return ""
        return outcome.address

    def _settle(self, outcome: Outcome, reason: str, reasons: dict[str, str]) -> Outcome:
        """`reasons`: the addresses that the reply names, each with the reason of its own."""
        if outcome.action != "refuse" or outcome.repeated:
            return outcome
        why = self._silence(outcome)
        sender = self.context.facts.message.envelope.reverse_path
        if why or sender is None:
            held = outcome._replace(
                action="hold", quiet=self.context.facts.class_.name != "person", note=f"no answer: {why}"
            )
            return self.context.state.copies.repeated(held)
        about = tuple(reasons)
        if any((reply.reason, reply.about) == (reason, about) for reply in self.outgoing):
            return outcome
        counts = self.context.state.counts
        if (reason, ",".join(about)) in counts.answered:  # they were told minutes ago
            minutes = self.context.state.settings.loop_minutes
            return outcome._replace(note=f"no answer: one was sent within {minutes} minutes")
        if limit := self._limit():
            held = outcome._replace(action="hold", quiet=self.context.is_crowded, note=f"no answer: {limit}")
            return self.context.state.copies.repeated(held)
        self.outgoing.append(self._reply(outcome, reason, reasons)._replace(to=str(sender)))
        return outcome

    def _reply(self, outcome: Outcome, reason: str, reasons: dict[str, str]) -> Outgoing:
        """The reply, without its recipient; it is written in the name of the domain that the sender knows."""
        alias = self.context.state.alias(outcome.alias)
        written = tuple(self.written().get(address, address) for address in reasons)
        first = parse(written[0])
        is_local = first is not None and first.domain in self.context.state.ours.directory.domains
        return Outgoing(
            kind="refusal",
            reason=reason,
            to="",
            domain=first.domain if first and is_local else alias.domain if alias else "",
            about=tuple(reasons),
            written=written,
            reasons=tuple(reasons.values()),
            text=alias.refusal if alias and reason == "policy" else "",
            vouched=self.vouched(),
        )

    def _silence(self, outcome: Outcome) -> str:
        """Why no answer may be sent, `""` when one may."""
        context = self.context
        if context.facts.message.envelope.source == "file":
            return _KEPT
        return silence.why(
            context.facts.message,
            context.facts.class_,
            own_sender=context.own_sender,
            spam=bool(context.spam),
            forged=context.authentic.because if context.authentic.result == "fail" else "",
            blind=self._blind(outcome),
            answers_refusal=context.marks.refusal is not None,
        )

    def _limit(self) -> str:
        """The limit of a day or an hour that one more answer would break, `""` when it breaks none."""
        settings, counts = self.context.state.settings, self.context.state.counts
        if counts.answered_today + len(self.outgoing) >= settings.per_day:
            return f"{settings.per_day} were sent to this address today"
        if counts.answered_domain_today + len(self.outgoing) >= settings.per_domain and not self.vouched():
            return f"{settings.per_domain} were sent to this domain today, and nothing proves who writes"
        if counts.answered_this_hour + len(self.outgoing) >= settings.per_hour:
            return f"{settings.per_hour} were sent within the hour"
        return ""


def _visible(context: Context) -> frozenset[str]:
    """The local addresses that stand in To, Cc or Resent-*, as outcomes name them (RFC 5230 section 4.5)."""
    message, visible = context.facts.message, set[str]()
    for address in (*message.to, *message.cc, *message.resent):
        resolved = resolve.resolve(address, context.state.ours, envelope=True)
        if resolved.kind != "foreign":
            visible.update((str(address), resolved.name, *(alias.address for alias in resolved.aliases)))
    return frozenset(visible)
