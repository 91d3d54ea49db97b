"""One message for one recipient while it is judged: the facts, what earlier rules found out, what a rule may say."""

import functools
from typing import NamedTuple

from mailgate.mail import classify
from mailgate.mail.classify import Coming, Kind
from mailgate.mail.incoming import Fallback
from mailgate.mail.message import Message
from mailgate.reports.report import Report
from mailgate.routing import authentication, resolve, thread
from mailgate.routing.decision import Outcome
from mailgate.routing.resolve import Addressed, Resolved
from mailgate.routing.state import State
from mailgate.routing.thread import Answered
from mailgate.values.directory import Alias


class Common:
    """What all recipients of one message share, found out once, however many there are."""

    def __init__(self, message: Message, state: State, told: Report | None, kind: Kind, coming: Coming) -> None:
        self.message = message
        self.state = state
        self.told = told
        self.kind = kind
        self.coming = coming
        self.authentic = authentication.verdict(message, state.settings.trust)
        self.named = functools.cache(lambda alone: resolve.named(message, state, alone=alone))
        self.answered = (
            Answered(None, "an answer to a refusal is new mail") if coming.refusal else thread.answered(message, state)
        )


class Case:
    """One message for one recipient while it is judged: the facts, and what earlier rules found out.

    `recipient` is None where the header fields speak alone; `recipient_text` is the envelope recipient as it is shown.
    """

    def __init__(self, common: Common, recipient: Resolved | None) -> None:
        self.message = common.message
        self.state = common.state
        self.kind = common.kind
        self.coming = common.coming
        self.told = common.told
        self.authentic = common.authentic
        meant = resolve.counts(recipient)
        self.addressed: Addressed = resolve.addressed(meant, common.named(meant is None))
        self.recipient = self.addressed.recipient
        self.recipient_text = str(recipient.address) if recipient else ""
        self.acting = resolve.aliases(self.addressed.all)
        self.spam = classify.spam_mark(self.message)
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

    def creation(self, reason: str, maker: Alias | Fallback) -> Outcome:
        """A new record, made by an alias or as the fallback."""
        alias = maker if isinstance(maker, Alias) else None
        created = self.outcome("create", reason, alias.address if alias else "")
        return created._replace(model=maker.model, alias=alias.number if alias else None, values=maker.values)

    def acts(self, alias: Alias) -> Outcome:
        """What an alias makes of the message: a new record, or a post on its one record."""
        if not alias.record:
            return self.creation("alias", alias)
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
