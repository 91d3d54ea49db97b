"""What a rule sees: one message, all that is known of it, and for whom it is decided."""

import functools
from collections.abc import Callable

from mailgate.mail import classify
from mailgate.mail.incoming import Fallback
from mailgate.routing import authentication, marks, permission, resolve, thread
from mailgate.routing.authentication import Authentication
from mailgate.routing.decision import Outcome
from mailgate.routing.facts import Facts
from mailgate.routing.marks import Marks
from mailgate.routing.resolve import Addressed, Named, Resolved
from mailgate.routing.state import State
from mailgate.routing.thread import Answered, Replies
from mailgate.values.directory import Alias
from mailgate.values.light import NamedTuple

_OPEN_OF_DOMAIN, _OPEN_IN_ALL = 20, 100
"""What strangers can pile up in a day for a person to see: mail of one domain that nobody vouches for, and in all."""


class Context(NamedTuple):
    """One message while it is judged.

    The first fields are the same for all of its recipients: `header` says what the header fields name, where no
    envelope is known (True) or for a known recipient; `spam` is the field that marks it as spam, `own_sender` the local
    address among author and reverse-path (`""`: neither is one). The others are those of one recipient: `recipient` is
    None where the header fields speak alone, `recipient_text` the envelope recipient as it is shown, `acting` the
    aliases that are meant, each with the address that meant it.
    """

    facts: Facts
    state: State
    marks: Marks
    authentic: Authentication
    answered: Answered
    header: Callable[[bool], Named]
    spam: str
    own_author: bool
    own_sender: str
    recipient: Resolved | None = None
    recipient_text: str = ""
    addressed: Addressed = Addressed(None, (), ())
    acting: tuple[tuple[Alias, Resolved], ...] = ()
    replies: Replies = Replies()

    @property
    def is_to_nobody(self) -> bool:
        """Whether the recipient lies in a local domain, exists nowhere, and no fallback takes it."""
        return self.recipient is not None and self.recipient.kind == "unknown" and not self.state.settings.fallback

    def for_recipient(self, recipient: Resolved | None) -> "Context":
        """The same for one envelope recipient, None where no envelope is known."""
        counted = resolve.counts(recipient)
        addressed = resolve.addressed(counted, self.header(counted is None))
        return self._replace(
            recipient=addressed.recipient,
            recipient_text=str(recipient.address) if recipient else "",
            addressed=addressed,
            acting=tuple(resolve.aliases(addressed.all)),
            replies=thread.parents(self.answered, addressed),
        )

    def governing(self, proposal: Outcome) -> Alias | None:
        """The alias whose policy decides: the one that acts, or the one that governs the record answered."""
        answered = [post.alias for post in self.replies.posts if post.record == proposal.record]
        acting = (alias for alias, _ in self.acting if alias.number == proposal.alias)
        return next(iter(answered if proposal.reason in ("reply", "token") else acting), None)

    @property
    def is_crowded(self) -> bool:
        """Whether so much of today's mail waits for a person already that more of it is held quietly, and counted.

        A domain that a server vouches for is not held to a share of its own.
        """
        of_domain, in_all = self.state.counts.still_open
        if in_all >= _OPEN_IN_ALL:
            return True
        return of_domain >= _OPEN_OF_DOMAIN and not authentication.vouches_for_path(
            self.facts.message, self.state.settings.trust
        )

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
        if alias.record in self.state.thread.records:
            posted = self.outcome("post", "alias", alias.address)
            return posted._replace(record=alias.record, model=alias.record.model, alias=alias.number)
        note = f"alias {alias.address} posts on {alias.record}, which is gone"
        return self.outcome("hold", "misconfigured", alias.address, note=note)._replace(alias=alias.number)


def of(facts: Facts, state: State) -> Context:
    """What is the same for all recipients of a message."""
    message, ours = facts.message, state.ours
    local_senders = permission.local_senders(message, ours)
    own_author = message.author.address in local_senders
    carried = marks.find(message, ours.signatures.secrets)
    refused = Answered(None, "an answer to a refusal is new mail")
    return Context(
        facts=facts,
        state=state,
        marks=carried,
        authentic=authentication.verdict(message, state.settings.trust),
        answered=refused if carried.refusal else thread.answered(message, state),
        header=functools.cache(lambda alone: resolve.named(message, ours, alone=alone)),
        spam=classify.spam_mark(message),
        own_author=own_author,
        own_sender=str(local_senders[0]) if local_senders else "",
    )


class Verdict(NamedTuple):
    """What a rule says. Empty outcomes: go on to the next rule."""

    saw: str
    word: str = "pass"
    outcomes: tuple[Outcome, ...] = ()
