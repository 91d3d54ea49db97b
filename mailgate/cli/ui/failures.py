"""A delivery failure, in words and as JSON."""

from typing import Any

from mailgate.cli.ui import console
from mailgate.compose.diagnoses import reason
from mailgate.store import domains
from mailgate.store.database import Transaction
from mailgate.store.failures import Failure
from mailgate.values.charset import printable


def language(tx: Transaction) -> str:
    """The language of the default domain, in which reasons are printed."""
    default = domains.default(tx)
    return default.language if default else "en"


def reason_words(failure: Failure, tongue: str) -> str:
    """The reason of a failure in the language `tongue`, with its status."""
    status = f" ({failure.status})" if failure.status else ""
    return f"{reason(failure.kind, tongue)}{status}"


def failure_data(failure: Failure, tongue: str) -> dict[str, Any]:
    """A failure as JSON."""
    return {
        "number": failure.number,
        "recipient": failure.recipient,
        "status": failure.status,
        "kind": failure.kind,
        "permanent": failure.permanent,
        "diagnostic": failure.diagnostic,
        "message": failure.message_id,
        "record": str(failure.record) if failure.record else None,
        "state": failure.state,
        "reason": reason(failure.kind, tongue),
        "remote": failure.remote,
        "action": failure.action,
        "proved": failure.follower is not None,
        "name": failure.name,
        "quiet": failure.quiet,
        "failed": failure.message,
        "report": failure.report,
        "made": console.when(failure.created_at),
    }


def failure_line(failure: dict[str, Any]) -> str:
    """A failure, from its JSON, in a line below its message."""
    status = f" ({failure['status']})" if failure["status"] else ""
    handled = ", handled" if failure["state"] == "acked" else ""
    recipient = printable(failure["recipient"] or "unnamed recipient")
    return f"{recipient}: {failure['reason']}{status}{handled}"
