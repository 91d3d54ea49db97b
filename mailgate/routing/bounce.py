"""Which message of ours a report is about, for whom, and what it proves."""

from typing import NamedTuple

from mailgate.reports.report import Finding, Report
from mailgate.routing.decision import Reported
from mailgate.routing.resolve import Addressed, resolve
from mailgate.routing.state import Delivery, Known, State
from mailgate.values import address, srs, token
from mailgate.values.address import lower


def findings(told: Report, addressed: Addressed, state: State) -> tuple[Reported, ...]:
    """What a report says, recipient by recipient, matched with what we sent.

    The message is found by the signed return address, else by the ids the report names, the best first. Proof is a
    signature of ours: on the return address, or on the Message-ID of what was sent to that recipient. A report about a
    refusal of ours says nothing: nobody waits for it.
    """
    about = _about(told, addressed, state)
    if not about.signed_address and any(_is_refusal(each, state) for each in told.message_ids):
        return ()
    alone = len({_key(each) for each in told.findings}) == 1
    return tuple(_reported(each, about, state, alone=alone) for each in told.findings)


def _is_refusal(message_id: str, state: State) -> bool:
    mark = token.find_mark(message_id, state.ours.signatures.secrets)
    return mark is not None and mark.kind == token.REFUSAL


class _About(NamedTuple):
    """The message of a report: the id that names it, the stored message, who it went to, how that is known."""

    named: str | None
    known: Known | None
    sent: tuple[Delivery, ...]
    signed_address: bool
    signed_id: bool


def _about(told: Report, addressed: Addressed, state: State) -> _About:
    signed = _signed(told, addressed, state)
    if signed:
        return _About(signed.message_id, None, (signed,), True, False)
    known = {each: _ours(state.thread.known[each]) for each in told.message_ids if state.thread.known.get(each)}
    named = next((each for each in known if known[each].outgoing), next(iter(told.message_ids), None))
    if named not in known:
        return _About(named, None, (), False, False)
    ours = token.find_mark(named, state.ours.signatures.secrets) is not None
    return _About(named, known[named], state.thread.sent_to.get(known[named].number, ()), False, ours)


def _ours(same_id: tuple[Known, ...]) -> Known:
    """Of the messages with one id the one that we sent: it may have come back, or somebody may have used the id."""
    return next((each for each in same_id if each.outgoing), same_id[0])


def _signed(told: Report, addressed: Addressed, state: State) -> Delivery | None:
    """The delivery that the return address names, or another signed address: the one that the report was sent to, one
    in what comes back, also when a forwarder rewrote it."""
    written = [srs.original(each) for text in told.return_addresses if (each := address.lenient(text))]
    every = (*addressed.all, *(resolve(each, state.ours) for each in written))
    found = (each.delivery(purpose) for purpose in (token.BOUNCE, token.REPLY) for each in every)
    return next((each for each in found if each), None)


def _reported(finding: Finding, about: _About, state: State, *, alone: bool) -> Reported:
    """One recipient. A forwarder's report names an address that we did not write to: `alone`, without another beside
    it, it is that of the one recipient a signed return address has.

    That must stand in fields of the report: words name whom to ask, too. And a guess proves nothing: people whose
    mailbox a program answers for, and programs with other things than mail, speak of failures as well.
    """
    from mailgate.reports.dsn import FIELDS, WORDS  # only a report has findings

    recipient = _key(finding)
    forwarded = about.signed_address and alone and finding.basis == FIELDS
    match = next((each for each in about.sent if each.recipient == recipient), None)
    if match is None and len(about.sent) == 1 and (recipient is None or forwarded):
        match = about.sent[0]
    proved = match is not None and (about.signed_address or about.signed_id) and finding.basis in (FIELDS, WORDS)
    first = match or next(iter(about.sent), None)
    placed = (first.placement,) if first else about.known.placements if about.known else ()
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
        record=next((each.record for each in placed if each.record in state.thread.records), None),
        follower=match.recipient or None if match and proved else None,
    )


def _key(finding: Finding) -> str | None:
    """The recipient as deliveries name it; what is no address stays as it is."""
    found = address.lenient(finding.recipient) if finding.recipient else None
    return found.key if found else finding.recipient and lower(finding.recipient)
