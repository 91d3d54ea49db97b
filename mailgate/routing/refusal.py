"""How a refusal is told: by status, by one reply, or, where no answer may be sent, by nothing: the mail is held."""

import functools
from typing import NamedTuple

from mailgate.mail import classify
from mailgate.mail.classify import Coming, Kind
from mailgate.mail.message import Message
from mailgate.routing import permission, resolve
from mailgate.routing.authentication import Authentication
from mailgate.routing.decision import Outcome, Outgoing
from mailgate.routing.state import State
from mailgate.values import status
from mailgate.values.address import parse
from mailgate.values.status import Status


class Settled(NamedTuple):
    """The outcomes with every refusal settled, what is sent, and the status for the mail server."""

    outcomes: tuple[Outcome, ...]
    outgoing: tuple[Outgoing, ...]
    status: Status


def settle(
    message: Message,
    state: State,
    kind: Kind,
    coming: Coming,
    authentic: Authentication,
    outcomes: tuple[Outcome, ...],
) -> Settled:
    """Decide for every refusal how it is told.

    By status means that the mail server tells the sender; that is possible only when nothing of the message was
    taken. Otherwise those refused by status share one reply with reason `no-route`.
    """
    if deferred := [each for each in outcomes if each.action == "defer"]:
        return Settled(outcomes, (), status.temporary(deferred[0].note, "4.7.1"))
    if state.settings.refusals_by == "status" and not message.envelope.collected:
        outcomes = tuple(each._replace(by_status=each.action == "refuse") for each in outcomes)
    refused = [each for each in outcomes if not each.taken]
    if len(refused) == len(outcomes):
        told = [status.refused(each.reason, each.address or each.recipient) for each in outcomes]
        return Settled(outcomes, (), status.combine(told))
    desk = _Desk(message, state, kind, coming, authentic)
    settled = tuple(desk.answer(each) if each.taken else desk.share(each, refused) for each in outcomes)
    return Settled(settled, tuple(desk.outgoing), status.OK)


_KEPT = "it is kept mail, out of a file"


class _Desk:
    """Answers the refusals of one message, each once and within the limits."""

    def __init__(self, message: Message, state: State, kind: Kind, coming: Coming, authentic: Authentication) -> None:
        self.message, self.state, self.kind, self.coming = message, state, kind, coming
        self.forged = authentic.because if authentic.result == "fail" else ""
        self.written = functools.cache(lambda: resolve.written(message, state))
        self.outgoing: list[Outgoing] = []
        self.open = _open(message, state)

    def answer(self, outcome: Outcome) -> Outcome:
        """Settle a refusal by reply: answered, unanswered because of a limit, or held because answers are forbidden."""
        return self._settle(outcome, outcome.reason, {outcome.address: outcome.reason})

    def share(self, outcome: Outcome, refused: list[Outcome]) -> Outcome:
        """Settle a refusal that the status cannot tell, in the one reply that names all of them."""
        told = {each.address or each.recipient: each.reason for each in refused if not self._blind(each)}
        return self._settle(outcome._replace(by_status=False), "no-route", told)

    def _blind(self, outcome: Outcome) -> str:
        """The own address that was written to, where no field shows it; an answer may be written to any of ours."""
        if outcome.reason == "no-route" or outcome.address in self.open or (outcome.parent and self.open):
            return ""
        return outcome.address

    def _settle(self, outcome: Outcome, reason: str, told: dict[str, str]) -> Outcome:
        """`told`: the addresses that the reply names, each with its own reason."""
        if outcome.action != "refuse" or outcome.repeated:
            return outcome
        why = (
            _KEPT
            if self.message.envelope.source == "file"
            else classify.silence(
                self.message,
                self.kind,
                own_sender=permission.own_sender(self.message, self.state),
                spam=bool(classify.spam_mark(self.message)),
                forged=self.forged,
                blind=self._blind(outcome),
                answers_refusal=self.coming.refusal is not None,
            )
        )
        sender = self.message.envelope.reverse_path
        if why or sender is None:
            held = outcome._replace(action="hold", quiet=self.kind.name != "person", note=f"no answer: {why}")
            return self.state.repeated(held)
        about = tuple(told)
        if any((sent.reason, sent.about) == (reason, about) for sent in self.outgoing):
            return outcome
        limit = self._limit(reason, about)
        if limit:
            return outcome._replace(note=f"no answer: {limit}")
        alias = self.state.alias(outcome.alias)
        spelled = tuple(self.written().get(each, each) for each in about)
        own = parse(spelled[0])
        there = own is not None and own.domain in self.state.directory.domains
        self.outgoing.append(
            Outgoing(
                kind="refusal",
                reason=reason,
                to=str(sender),
                domain=own.domain if own and there else alias.domain if alias else "",
                about=about,
                written=spelled,
                reasons=tuple(told.values()),
                text=alias.refusal if alias and reason == "policy" else "",
            )
        )
        return outcome

    def _limit(self, reason: str, about: tuple[str, ...]) -> str:
        settings = self.state.settings
        if (reason, ",".join(about)) in self.state.answered:
            return f"one was sent within {settings.loop_minutes} minutes"
        if self.state.answered_today + len(self.outgoing) >= settings.per_day:
            return f"{settings.per_day} were sent to this address today"
        if self.state.answered_this_hour + len(self.outgoing) >= settings.per_hour:
            return f"{settings.per_hour} were sent within the hour"
        return ""


def _open(message: Message, state: State) -> frozenset[str]:
    """The own addresses that stand in To, Cc or Resent-*, as outcomes name them (RFC 5230 section 4.5)."""
    found: set[str] = set()
    for address in (*message.to, *message.cc, *message.resent):
        own = resolve.meaning(address, state, envelope=True)
        if own.kind != "foreign":
            found.update((str(address), own.name, *(alias.address for alias in own.aliases)))
    return frozenset(found)
