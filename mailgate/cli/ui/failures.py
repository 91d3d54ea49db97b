"""A delivery failure in words and as JSON."""

from typing import Any

from mailgate.cli.ui import console
from mailgate.compose.diagnoses import reason
from mailgate.store import domains
from mailgate.store.database import Transaction
from mailgate.store.failures import Failure
from mailgate.values.charset import printable


def language(tx: Transaction) -> str:
    """The language of the people who read this: that of the default domain."""
    default = domains.default(tx)
    return default.language if default else "en"


def reason_words(found: Failure, tongue: str) -> str:
    """The reason in plain words, with the status."""
    status = f" ({found.status})" if found.status else ""
    return f"{reason(found.kind, tongue)}{status}"


def failure_data(found: Failure, tongue: str) -> dict[str, Any]:
    """A failure as JSON."""
    return {
        "number": found.number,
        "recipient": found.recipient,
        "status": found.status,
        "kind": found.kind,
        "permanent": found.permanent,
        "diagnostic": found.diagnostic,
        "message": found.message_id,
        "record": str(found.record) if found.record else None,
        "state": found.state,
        "reason": reason(found.kind, tongue),
        "remote": found.remote,
        "action": found.action,
        "proved": found.follower is not None,
        "failed": found.message,
        "report": found.report,
        "made": console.when(found.created_at),
    }


def failure_line(found: dict[str, Any]) -> str:
    """A failure beside the message it belongs to."""
    status = f" ({found['status']})" if found["status"] else ""
    acked = ", seen to" if found["state"] == "acked" else ""
    who = printable(found["recipient"] or "nobody named")
    return f"{who}: {found['reason']}{status}{acked}"
