"""Which message of ours a report is about, for whom, and what it proves."""

from typing import NamedTuple

from mailgate.reports.report import Finding, Report
from mailgate.routing.decision import Reported
from mailgate.routing.resolve import Addressed, resolve
from mailgate.routing.state import Delivery, Known, State
from mailgate.values import address, srs, token
from mailgate.values.address import lower


def findings(report: Report, addressed: Addressed, state: State) -> tuple[Reported, ...]:
    """What a report says, recipient by recipient, matched with what we sent.

    The message is found by the signed return address, else by the ids the report names, the best first. Proof is a
    signature of ours: on the return address, or on the Message-ID of what was sent to that recipient. A report about a
    refusal of ours says nothing: nobody waits for it.
    """
    about = _about(report, addressed, state)
    if not about.by_address and any(_is_refusal(id_, state) for id_ in report.message_ids):
        return ()
    alone = len({_key(finding) for finding in report.findings}) == 1
    return tuple(_reported(finding, about, state, alone=alone) for finding in report.findings)


def _is_refusal(message_id: str, state: State) -> bool:
    mark = token.find_mark(message_id, state.ours.signatures.secrets)
    return mark is not None and mark.kind == token.REFUSAL


class _About(NamedTuple):
    """The message of a report: the id that names it, the stored message, to whom it went.

    `by_address`: a token in an address leads to it; `by_id`: its Message-ID is signed by us.
    """

    named: str | None
    known: Known | None
    sent: tuple[Delivery, ...]
    by_address: bool = False
    by_id: bool = False


def _about(report: Report, addressed: Addressed, state: State) -> _About:
    if signed := _signed(report, addressed, state):
        return _About(signed.message_id, None, (signed,), by_address=True)
    stored = state.thread.known
    known = {id_: _sent_by_us(stored[id_]) for id_ in report.message_ids if stored.get(id_)}
    named = next((id_ for id_ in known if known[id_].outgoing), next(iter(report.message_ids), None))
    if named not in known:
        return _About(named, None, ())
    is_signed = token.find_mark(named, state.ours.signatures.secrets) is not None
    return _About(named, known[named], state.thread.sent_to.get(known[named].number, ()), by_id=is_signed)


def _sent_by_us(same_id: tuple[Known, ...]) -> Known:
    """Of the messages with one id the one that we sent: it may have come back, or somebody may have used the id."""
    return next((known for known in same_id if known.outgoing), same_id[0])


def _signed(report: Report, addressed: Addressed, state: State) -> Delivery | None:
    """The delivery that the return address names, or another signed address: the one that the report was sent to, one
    in what comes back, also when a forwarder rewrote it."""
    texts = (address.lenient(text) for text in report.return_addresses)
    returned_to = [resolve(srs.original(written), state.ours) for written in texts if written]
    for purpose in (token.BOUNCE, token.REPLY):
        for resolved in (*addressed.all, *returned_to):
            if delivery := resolved.delivery(purpose):
                return delivery
    return None


def _reported(finding: Finding, about: _About, state: State, *, alone: bool) -> Reported:
    """One recipient. A forwarder's report names an address that we did not write to: `alone`, without another beside
    it, it is that of the one recipient a signed return address has.

    That must be in fields of the report: words name whom to ask, too. And a guess proves nothing: people whose mailbox
    a program answers for, and programs with other things than mail, speak of failures as well.
    """
    from mailgate.reports.dsn import FIELDS, WORDS  # only a report has findings

    recipient = _key(finding)
    forwarded = about.by_address and alone and finding.basis == FIELDS
    match = next((delivery for delivery in about.sent if delivery.recipient == recipient), None)
    if match is None and len(about.sent) == 1 and (recipient is None or forwarded):
        match = about.sent[0]
    proved = match is not None and (about.by_address or about.by_id) and finding.basis in (FIELDS, WORDS)
    first = match or next(iter(about.sent), None)
    placements = (first.placement,) if first else about.known.placements if about.known else ()
    records = (placement.record for placement in placements)
    return Reported(
        recipient=recipient or (match.recipient if match else None) or None,
        action=finding.action,
        status=finding.status,
        diagnostic=finding.diagnostic,
        remote=finding.remote,
        kind=finding.kind,
        permanent=finding.permanent,
        message=about.named,
        stored=first.message if first else about.known.number if about.known else None,
        record=next((record for record in records if record in state.thread.records), None),
        follower=match.recipient or None if match and proved else None,
    )


def _key(finding: Finding) -> str | None:
    """The recipient as deliveries name it; what is not an address stays as it is."""
    named = address.lenient(finding.recipient) if finding.recipient else None
    return named.key if named else finding.recipient and lower(finding.recipient)
