"""Write the system log (facility mail): one line a message, and the cause of every deferral.

No other module writes to it: the name, the facility and the length of a line are fixed here.
"""

from contextlib import suppress

from mailgate.gateway import receive
from mailgate.gateway.receive import Receipt
from mailgate.mail.incoming import Incoming
from mailgate.mail.message import Message
from mailgate.process import syslog
from mailgate.values.charset import printable
from mailgate.values.light import TYPE_CHECKING
from mailgate.values.pattern import pattern

if TYPE_CHECKING:  # a delivery that queues nothing loads no outbox
    from mailgate.store.outbox import QueueEntry

_ID = pattern(rb"\bid ([A-Za-z0-9-]{5,40})\b")
_TRACE = 1000
"""Octets of a trace field in which the queue id of the mail server is looked for."""
_START = 64 << 10
"""Octets of a deferred message that are read for the log."""
_NAMED = 400
"""Characters that name a deferred message; the rest of the line is for the cause."""


def delivered(receipt: Receipt, seconds: float | None = None) -> None:
    """Log what became of a message, one line of `name=value`; `seconds`: from its arrival to the commit."""
    decision = receipt.decision
    outcomes = ", ".join(
        f"{item.action} {item.reason} {item.record or item.model or item.address or item.recipient}".rstrip()
        for item in decision.outcomes
    )
    message = _named(receipt.facts.message)
    took = "" if seconds is None else f" ms={1000 * seconds:.0f}"
    about = f"{message}{took} class={receipt.facts.class_.name}"
    line = f"{receipt.number or '-'} {about}: {outcomes} ({decision.status.code})"
    _log(syslog.INFO, line)


def _named(message: Message) -> str:
    """Sender, recipients, id and size of a message, by which it is found in the mail server's log."""
    recipients = ",".join(str(address) for address in message.envelope.recipients)
    return (
        f"from=<{message.envelope.reverse_path or ''}> to=<{recipients}>"
        f" id={message.message_id or '-'} queue={_queue_id(message)} size={message.size or '-'}"
    )


def _queue_id(message: Message) -> str:
    """What the mail server that handed it over calls it (RFC 5321 section 4.4, `id`), `-` where it does not say."""
    newest = message.fields["received"][0] if "received" in message.fields else b""
    found = list(_ID.finditer(newest[:_TRACE]))
    return found[-1][1].decode("ascii") if found else "-"


def deferred(error: BaseException, incoming: Incoming | None = None) -> None:
    """Log why a message was deferred. `incoming`: the message, as far as it is known; its octets may be missing."""
    message = ""
    if incoming:
        start = incoming._replace(raw=incoming.raw[:_START], full_size=len(incoming.raw))
        with suppress(Exception):  # what stopped the message may stop this too
            message = f"- {_named(receive.read(start).message)}"[:_NAMED] + ": "
    _log(syslog.ERROR, f"{message}deferred: {type(error).__name__}: {error}")


def file_bound(bound: int, size: int | None = None) -> None:
    """Log that the mail server limits the size of the files that mailgate writes to `bound` octets.

    size: that of the store, None where the bound may have stopped a message.
    """
    used = "and the store could not be written" if size is None else f"and the store has {size} of them"
    text = f"the mail server lets mailgate write files of at most {bound} octets, {used}; no mail is taken beyond that"
    cure = "with Postfix: postconf -e mailbox_size_limit=0 && postfix reload"
    _log(syslog.ERROR if size is None else syslog.WARNING, f"{text}. {cure}")


def submitted(entry: "QueueEntry", result: str, error: str, *, in_time: bool) -> None:
    """Log how a mail server answered a message of ours: sent, refused or put off, with its error."""
    late = "" if in_time else " (too late: the claim had run out)"
    line = f"outbox {entry.number} {entry.kind} {entry.reason} to=<{entry.recipient}> try={entry.tries}: {result}{late}"
    _log(syslog.INFO if result == "sent" else syslog.WARNING, f"{line} {error}".rstrip())


def unrecorded(entry: "QueueEntry", error: Exception) -> None:
    """Log that the result of handing a message over cannot be recorded yet."""
    _log(syslog.ERROR, f"outbox {entry.number} was handed over, and this cannot be recorded yet: {error}")


def stopped(error: Exception) -> None:
    """Log why a worker stopped early."""
    _log(syslog.ERROR, f"work stopped: {type(error).__name__}: {error}")


def chore(command: str, code: int) -> None:
    """Log that a command which is run on time has failed, with its exit status; negative: the signal that ended it."""
    _log(syslog.ERROR, f"mailgate {command} ended with {code}")


REPORT = "the system log (facility mail) has the place, please report it with `mailgate --version`"
"""What to do about a fault of our own."""


def fault(error: Exception) -> None:
    """Log the traceback of a fault of our own."""
    try:
        import traceback

        lines = traceback.format_exception(error)
    except ImportError:  # the owner of the store may read less of the interpreter than root, which started this
        lines = [f"{type(error).__name__}: {error}"]
    for text in lines:
        for line in text.rstrip().splitlines():
            _log(syslog.ERROR, line)


def server(name: str, text: str, *, good: bool = False) -> None:
    """Log that an incoming server changed its state."""
    _log(syslog.NOTICE if good else syslog.ERROR, f"server {name}: {text}")


def _log(priority: int, line: str) -> None:
    syslog.write(priority, printable(line)[:900])
