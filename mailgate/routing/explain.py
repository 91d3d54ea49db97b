"""A decision as the tree that `route --json` prints and `why` stores (schema 1; keys only ever get added)."""

from collections.abc import Mapping

from mailgate.routing.decision import Decision, Outcome, Reported
from mailgate.routing.facts import Facts
from mailgate.values.light import Any
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref

SCHEMA = 1


def tree(facts: Facts, decision: Decision, *, dry_run: bool, made: Mapping[Effect, Ref] = {}) -> dict[str, Any]:
    """The explanation; `made` names the records that outcomes made, by `Outcome.effect`."""
    message = facts.message
    sender, author = message.envelope.reverse_path, message.author
    return {
        "schema": SCHEMA,
        "dry_run": dry_run,
        "message": {
            "id": message.message_id,
            "subject": message.subject,
            "from": str(author.address) if author.address else None,
            "from_text": author.text,
            "reverse_path": str(sender) if sender else None,
            "recipients": [str(recipient) for recipient in message.envelope.recipients],
            "class": facts.class_.name,
            "authentic": decision.authentic,
            "answer_to": [str(address) for address in decision.answer.addresses],
            "answer_source": decision.answer.source,
            "size": message.size,
            "defects": list(message.defects),
        },
        "steps": [step._asdict() for step in decision.steps],
        "outcomes": [_outcome(outcome, made.get(outcome.effect)) for outcome in decision.outcomes],
        "outgoing": outgoing(decision),
        "mta": {"exit": decision.status.exit, "status": decision.status.code, "text": decision.status.line},
    }


def outgoing(decision: Decision) -> list[dict[str, Any]]:
    """What a decision sends."""
    return [
        {"kind": letter.kind, "reason": letter.reason, "to": letter.to, "about": list(letter.about)}
        for letter in decision.outgoing
    ]


def _reported(reported: Reported) -> dict[str, Any]:
    return {
        "recipient": reported.recipient,
        "action": reported.action,
        "status": reported.status,
        "diagnostic": reported.diagnostic,
        "remote": reported.remote,
        "kind": reported.kind,
        "permanent": reported.permanent,
        "message": reported.message,
        "record": str(reported.record) if reported.record else None,
        "proved": reported.follower is not None,
        "name": reported.name,
        "quiet": reported.quiet,
    }


def _outcome(outcome: Outcome, made: Ref | None) -> dict[str, Any]:
    record = made or outcome.record
    tree: dict[str, Any] = {
        "action": outcome.action,
        "reason": outcome.reason,
        "rule": outcome.rule,
        "recipient": outcome.recipient or None,
        "alias": outcome.address if outcome.alias else None,
        "model": outcome.model,
        "record": str(record) if record else None,
        "parent": outcome.parent,
        "values": dict(outcome.values),
        "quiet": outcome.quiet,
        "note": outcome.note,
    }
    if outcome.report:
        tree["report"] = outcome.report
    if outcome.action == "bounce" or outcome.reports:
        tree["reports"] = [_reported(reported) for reported in outcome.reports]
    if outcome.seen is not None:
        tree["message"] = outcome.seen
    if outcome.withheld:
        tree["withheld"] = outcome.withheld
    return tree
