"""Which message of ours a report is about, for whom, and what it proves."""

from mailgate.reports.report import Finding, Report
from mailgate.routing.decision import Reported
from mailgate.routing.resolve import Addressed, resolve
from mailgate.routing.state import Delivery, Known, State
from mailgate.values import address, srs, token
from mailgate.values.address import lower
from mailgate.values.light import NamedTuple

OTHERS_LIMIT = 10
"""Recipients of one report, besides those to whom the message went, that are kept."""


def findings(report: Report, addressed: Addressed, state: State) -> tuple[Reported, ...]:
    """What a report says, recipient by recipient, matched with what we sent.

    The message is found by a signed address, else by the ids the report names, the best first. Only the signed return
    address proves, because only the side of that one recipient has seen it, and it proves about that recipient alone: a
    Message-ID and an address for answers are seen by many. A report about a refusal of ours says nothing: nobody waits
    for it.
    """
    about = _about(report, addressed, state)
    if not about.by_address and any(_is_refusal(id_, state) for id_ in report.message_ids):
        return ()
    if about.signed:
        reported = _of_signed(report, about, about.signed, state)
    else:
        reported = [_of_named(finding, about, state) for finding in report.findings]
    quiet = [failure for failure in reported if failure.quiet]
    surplus = set(map(id, quiet[OTHERS_LIMIT:]))
    return tuple(failure for failure in reported if id(failure) not in surplus)


def _is_refusal(message_id: str, state: State) -> bool:
    mark = token.find_mark(message_id, state.ours.signatures.secrets)
    return mark is not None and mark.kind == token.REFUSAL


class _About(NamedTuple):
    """The message of a report: the id that names it, the stored message, to whom it went.

    `by_address`: a token in an address leads to it; `signed`: the delivery, where that is a signed return address.
    """

    named: str | None
    known: Known | None
    sent: tuple[Delivery, ...]
    by_address: bool = False
    signed: Delivery | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it is a message that we sent."""
        return self.by_address or (self.known is not None and self.known.outgoing)


def _about(report: Report, addressed: Addressed, state: State) -> _About:
    if found := _delivery(report, addressed, state):
        purpose, delivery = found
        proving = delivery if purpose == token.BOUNCE and delivery.recipient else None
        shared = state.thread.sent_to.get(delivery.message, ())
        sent = (delivery, *(other for other in shared if other.number == delivery.number))
        return _About(delivery.message_id, None, sent, by_address=True, signed=proving)
    stored = state.thread.known
    known = {id_: _sent_by_us(stored[id_]) for id_ in report.message_ids if stored.get(id_)}
    named = next((id_ for id_ in known if known[id_].outgoing), next(iter(report.message_ids), None))
    if named not in known:
        return _About(named, None, ())
    return _About(named, known[named], state.thread.sent_to.get(known[named].number, ()))


def _sent_by_us(same_id: tuple[Known, ...]) -> Known:
    """Of the messages with one id the one that we sent: it may have come back, or somebody may have used the id."""
    return next((known for known in same_id if known.outgoing), same_id[0])


def _delivery(report: Report, addressed: Addressed, state: State) -> tuple[str, Delivery] | None:
    """The delivery that a signed address names, and the purpose of its token: the address that the report was sent to,
    or one in what comes back, also when a forwarder rewrote it."""
    texts = (address.lenient(text) for text in report.return_addresses)
    returned_to = [resolve(srs.original(written), state.ours) for written in texts if written]
    for purpose in (token.BOUNCE, token.REPLY):
        for resolved in (*addressed.all, *returned_to):
            if delivery := resolved.delivery(purpose):
                return purpose, delivery
    return None


def _of_signed(report: Report, about: _About, signed: Delivery, state: State) -> list[Reported]:
    """What came to a signed return address: whomever the report names, it is about the recipient of that address.

    A forwarder's report names an address that we did not write to. It proves where it stands in fields of the report,
    because words name whom to ask, too, and where the forwarder reached nobody. A guess proves nothing: people whose
    mailbox a program answers for, and programs with other things than mail, speak of failures as well.
    """
    from mailgate.reports.dsn import FIELDS, WORDS  # only a report has findings

    keys = [_key(finding) for finding in report.findings]
    reached_nobody = all(finding.action in ("failed", "complaint") for finding in report.findings)
    reported = []
    for finding, key in zip(report.findings, keys, strict=True):
        if key not in (None, signed.recipient) and signed.recipient in keys:
            reported.append(_reported(finding, about, state, key)._replace(quiet=True))
            continue
        forwarded = key not in (None, signed.recipient)
        proved = finding.basis == FIELDS and reached_nobody if forwarded else finding.basis in (FIELDS, WORDS)
        failure = _reported(finding, about, state, signed.recipient, signed)
        follower = signed.recipient if proved else None
        reported.append(failure._replace(follower=follower, name=key if forwarded else None))
    return reported


def _of_named(finding: Finding, about: _About, state: State) -> Reported:
    """A finding that nothing proves: it opens a failure for those to whom the message went, and is quiet for others."""
    key = _key(finding)
    match = next((delivery for delivery in about.sent if delivery.recipient and delivery.recipient == key), None)
    if match is None and key is None and len(about.sent) == 1:
        match = about.sent[0]
    recipient = key or (match.recipient if match else None) or None
    is_open = about.is_ours and (match is not None or key is None)
    return _reported(finding, about, state, recipient, match)._replace(quiet=not is_open)


def _reported(
    finding: Finding, about: _About, state: State, recipient: str | None, match: Delivery | None = None
) -> Reported:
    first = match or next(iter(about.sent), None)
    placements = (first.placement,) if first else about.known.placements if about.known else ()
    records = (placement.record for placement in placements)
    return Reported(
        recipient=recipient,
        action=finding.action,
        status=finding.status,
        diagnostic=finding.diagnostic,
        remote=finding.remote,
        kind=finding.kind,
        permanent=finding.permanent,
        message=about.named,
        stored=first.message if first else about.known.number if about.known else None,
        record=next((record for record in records if record in state.thread.records), None),
    )


def _key(finding: Finding) -> str | None:
    """The recipient as deliveries name it; what is not an address stays as it is."""
    named = address.lenient(finding.recipient) if finding.recipient else None
    return named.key if named else finding.recipient and lower(finding.recipient)
