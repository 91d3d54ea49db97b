"""Read a feedback report (ARF, RFC 5965): who complained, and about which message.

    Feedback-Type: abuse
    User-Agent: SomeGenerator/1.0
    Version: 1
    Original-Mail-From: <bounce@example.com>
    Original-Rcpt-To: <ann@client.org>

Original-Rcpt-To is optional (section 3.2), and many providers hide who complained; some add it to the header of the
returned message. A wrong name is worse than none, because that recipient would get no more mail.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from mailgate.values import charset, mailboxes
from mailgate.values.address import Address, lower

LIMIT = 64 * 1024
"""Characters of a text that are read."""
RECIPIENTS_LIMIT = 1000
"""Recipients of one report."""
VALUE_LIMIT = 4000
"""Characters of one field that are read."""
DIAGNOSTIC_LIMIT = 500
"""Characters of a diagnostic that are kept."""

_NO_COMPLAINT = frozenset(("not-spam", "auth-failure", "dkim", "spf", "dmarc"))
"""Types that are not complaints: the opposite (RFC 6430), and failed checks (RFC 6591, and older names)."""
_PROVIDERS_FIELDS = ("x-hmxmroriginalrecipient", "x-original-recipient", "original-recipient", "x-apparently-to")
"""Fields for the recipient in the header of the message: Microsoft's, others', RFC 8098 section 2.3, Yahoo's."""
_HIDDEN = re.compile(r"redacted|undisclosed|\*\*|[.@]invalid$")
_FIELD = re.compile(r"^([A-Za-z][\w-]{0,60})[ \t]*:[ \t]*([^\n]*(?:\n[ \t]+[^\n]*)*)", re.MULTILINE)
_TYPE = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}")


class Feedback(NamedTuple):
    """What a feedback report says.

    `recipients`: who complained, (None,) when the report hides it, () when it is not a complaint. `mail_from`: the
    addresses in Original-Mail-From. `remote`: the server that wrote the report, or whose user complained.
    """

    recipients: tuple[str | None, ...] = ()
    mail_from: tuple[str, ...] = ()
    diagnostic: str = ""
    remote: str = ""


def read(text: str, returned: str) -> Feedback:
    """The feedback in a message/feedback-report part; `returned` is the text of the returned message, "" without one.

    An unregistered type is a complaint too, like `other`; a report without a type is not one.
    """
    fields = _fields(text)
    mail_from = tuple(map(str, _addresses(fields.get("original-mail-from", ()))))
    match = _TYPE.search(lower(_first(fields, "feedback-type")))
    type_ = match[0] if match else ""
    if not type_ or type_ in _NO_COMPLAINT:
        return Feedback(mail_from=mail_from)
    details = [f"{label} {value}" for name, label in _DETAILS.items() if (value := _first(fields, name))]
    return Feedback(
        recipients=_recipients(fields, _header(returned)) or (None,),
        mail_from=mail_from,
        diagnostic=charset.line(", ".join((type_, *details)), DIAGNOSTIC_LIMIT),
        remote=charset.line(_first(fields, "reporting-mta").rpartition(";")[2] or _first(fields, "source"), 255),
    )


def complaint(returned: str) -> Feedback:
    """The complaint about a returned message that comes without a feedback part."""
    return Feedback(recipients=_recipients({}, _header(returned)) or (None,), diagnostic="abuse")


_DETAILS = {"source-ip": "sent from", "user-agent": "reported by"}


def _recipients(fields: dict[str, list[str]], header: dict[str, list[str]]) -> tuple[str | None, ...]:
    """Who complained: by the report, else by the fields that providers add, else the only recipient of the message."""
    reported = (fields.get(name, ()) for name in ("original-rcpt-to", "removal-recipient"))
    added = (header.get(name, ()) for name in _PROVIDERS_FIELDS)
    for values in (*reported, *added):
        recipients = tuple(dict.fromkeys(str(address) for address in _addresses(values) if not _is_hidden(address)))
        if recipients:
            return recipients
    # Cc counts too: with a second recipient it is unknown which one complained. A message to its own sender went to
    # others, who are not named.
    addressed = _addresses((*header.get("to", ()), *header.get("cc", ())))
    senders = [value for name in ("from", "reply-to", "return-path") for value in header.get(name, ())]
    keys = {sender.key for sender in _addresses((*senders, *fields.get("original-mail-from", ())))}
    plain = len(addressed) == 1 and not _is_hidden(addressed[0]) and addressed[0].key not in keys
    return (str(addressed[0]),) if plain else ()


def _header(returned: str) -> dict[str, list[str]]:
    """The fields of a returned message."""
    return _fields(returned.lstrip("\n").partition("\n\n")[0])


def _is_hidden(address: Address) -> bool:
    """Whether an address replaces one that was removed; RFC 6590 does not say how these look."""
    return bool(_HIDDEN.search(lower(str(address))))


def _addresses(values: Iterable[str]) -> list[Address]:
    """The addresses in all values, also in `rfc822; ann@client.org`."""
    addresses = (address for value in values for address in mailboxes.read(value, RECIPIENTS_LIMIT))
    return list(islice(addresses, RECIPIENTS_LIMIT))


def _fields(text: str) -> dict[str, list[str]]:
    """The unfolded values of every field by its lower-case name."""
    fields: dict[str, list[str]] = {}
    for name, value in _FIELD.findall(text[:LIMIT]):
        fields.setdefault(lower(name), []).append(charset.line(value, VALUE_LIMIT))
    return fields


def _first(fields: dict[str, list[str]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")
