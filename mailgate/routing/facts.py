"""What a message says by itself: envelope, header, class, report. It is read once, before anything is looked up."""

import re

from mailgate.mail import classify
from mailgate.mail import envelope as envelopes
from mailgate.mail import message as messages
from mailgate.mail.answer import candidates
from mailgate.mail.classify import Class
from mailgate.mail.envelope import Hints
from mailgate.mail.incoming import Incoming
from mailgate.mail.message import Message
from mailgate.reports import report as reports
from mailgate.reports.report import Report
from mailgate.routing import resolve
from mailgate.routing.state import Ours
from mailgate.values import srs
from mailgate.values.address import Address
from mailgate.values.directory import Directory
from mailgate.values.light import NamedTuple
from mailgate.values.pattern import pattern

_CALENDAR_LIMIT = 256 * 1024
"""Octets of a message in which a calendar part begins."""
_CALENDAR = pattern(rb"^content-type:\s{0,9}text/calendar", re.MULTILINE | re.IGNORECASE)


class Facts(NamedTuple):
    """A message, its class, what it reports (None: nothing), and why it cannot be judged (`""`: it can).

    answers_invitation: it holds a calendar with METHOD:REPLY (RFC 5546 section 3.2.3).
    """

    message: Message
    class_: Class
    report: Report | None = None
    failure: str = ""
    answers_invitation: bool = False

    def qualified(self, domain: str) -> "Facts":
        """The same with this domain where an address of the envelope has none."""
        envelope = self.message.envelope.qualified(domain)
        return self._replace(message=self.message._replace(envelope=envelope))

    def failed(self, failure: str) -> "Facts":
        """The same where judging failed: such mail is a person's, so that somebody looks at it."""
        return self._replace(class_=classify.PERSON, report=None, failure=failure)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Every address to look up: recipients, author, reverse-path, what that was, where answers may go."""
        envelope, author = self.message.envelope, self.message.author.address
        path = envelope.reverse_path
        people = (author, path, srs.original(path) if path else None)
        lists = classify.postings(self.message) if self.class_.name == "list" else ()
        recipients = (*envelope.recipients, *envelope.alternatives, *self.message.header_addresses, *lists)
        answers = (address for named in candidates(self.message) for address in named.addresses)
        return tuple(dict.fromkeys((*recipients, *answers, *(address for address in people if address))))


def read(incoming: Incoming) -> Facts:
    """The facts of a message; pure, and linear in its size. Addresses without a domain are not qualified yet."""
    message = messages.read(incoming.raw, lambda hints, author: envelopes.read(incoming, hints, author))
    message = message._replace(full_size=incoming.full_size, defects=(*message.defects, *incoming.defects))
    if incoming.failure:
        return Facts(message, classify.PERSON, None, incoming.failure)
    answers = _answers_invitation(incoming.raw)
    facts = Facts(message, classify.classify(message), answers_invitation=answers)
    return _with_report(facts, came_to_bounce_address=False)


def _answers_invitation(raw: bytes) -> bool:
    if not _CALENDAR.search(raw, 0, _CALENDAR_LIMIT):  # nearly no message
        return False
    from mailgate.mail import calendar

    return calendar.method(raw) == "reply"


def for_envelope(facts: Facts, incoming: Incoming) -> Facts:
    """The facts of the same message with another envelope, which names reverse-path and recipients."""
    envelope = envelopes.read(incoming, Hints(), facts.message.author.address)
    return facts._replace(message=facts.message._replace(envelope=envelope))


def unread(incoming: Incoming, failure: str) -> Facts:
    """The facts that are left where `read` failed."""
    message = messages.unread(incoming.raw, envelopes.read(incoming, Hints(), None), failure)
    return Facts(message._replace(full_size=incoming.full_size), classify.PERSON, None, failure)


def placed(facts: Facts, ours: Ours) -> Facts:
    """The facts, qualified already, with what their addresses mean: the spelling of the recipient that is ours.

    What came to a bounce address is a report with less evidence; whether it did is known only here.
    """
    envelope = resolve.spelled(facts.message.envelope, ours)
    facts = facts._replace(message=facts.message._replace(envelope=envelope))
    if facts.report or facts.failure:
        return facts
    if facts.class_.name == "list" and _is_fed(facts.message, ours.directory):
        facts = facts._replace(class_=classify.classify(facts.message, carried=True))
    every = dict.fromkeys((*envelope.recipients, *facts.message.header_addresses))
    if not any(resolve.resolve(address, ours, envelope=True).kind == "bounce" for address in every):
        return facts
    return _with_report(facts, came_to_bounce_address=True)


def _is_fed(message: Message, directory: Directory) -> bool:
    """Whether the list that passed a message on is ours: it lies in a local domain, or an alias names it."""
    named = frozenset(key for alias in directory.aliases.values() for key in alias.lists)
    return any(posting.key in named or posting.domain in directory.domains for posting in classify.postings(message))


def _with_report(facts: Facts, *, came_to_bounce_address: bool) -> Facts:
    report = reports.read(facts.message, facts.class_, expected=came_to_bounce_address)
    is_report = report is not None and report.kind not in ("automatic", "other")
    class_ = Class("report", report.because) if report and is_report else facts.class_
    return facts._replace(report=report, class_=class_)
