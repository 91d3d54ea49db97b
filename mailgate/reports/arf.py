"""Read a feedback report (ARF, RFC 5965): whose complaint it is, and of what.

    Feedback-Type: abuse
    User-Agent: SomeGenerator/1.0
    Version: 1
    Original-Mail-From: <bounce@example.com>
    Original-Rcpt-To: <ann@client.org>

Original-Rcpt-To is optional (section 3.2), and many providers hide who complained; some write it into the header of
the message that they give back. To name nobody is better than to name somebody else, who would get no more mail.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from mailgate.values import charset, mailboxes
from mailgate.values.address import Address, lower

LIMIT = 64 * 1024
"""Characters of a text that are looked at."""
RECIPIENTS_LIMIT = 1000
"""Recipients of one report."""
VALUE_LIMIT = 4000
"""Characters of one field that are read."""
DIAGNOSTIC_LIMIT = 500
"""Characters of a diagnostic that are kept."""

_NO_COMPLAINT = frozenset(("not-spam", "auth-failure", "dkim", "spf", "dmarc"))
"""What RFC 6430 registered says the opposite; RFC 6591, and names from before it: what a program found."""
_WRITTEN_BACK = ("x-hmxmroriginalrecipient", "x-original-recipient", "original-recipient", "x-apparently-to")
"""Fields for the recipient in the header of the message: Microsoft's; others'; RFC 8098 section 2.3; Yahoo's."""
_HIDDEN = re.compile(r"redacted|undisclosed|\*\*|[.@]invalid$")
_FIELD = re.compile(r"^([A-Za-z][\w-]{0,60})[ \t]*:[ \t]*([^\n]*(?:\n[ \t]+[^\n]*)*)", re.MULTILINE)
_TYPE = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}")


class Feedback(NamedTuple):
    """What a feedback report says. `recipients`: who complained; (None,) when it hides that, () when nobody did.

    `mail_from` are the addresses in Original-Mail-From, `remote` is the server that wrote, or whose user complained.
    """

    recipients: tuple[str | None, ...] = ()
    mail_from: tuple[str, ...] = ()
    diagnostic: str = ""
    remote: str = ""


def read(text: str, returned: str) -> Feedback:
    """What the text of a message/feedback-report part says of a returned message (its text, "" without one).

    A type that nobody registered is a complaint too, like `other`; a report without one is none.
    """
    told = _fields(text)
    mail_from = tuple(map(str, _mailboxes(told.get("original-mail-from", ()))))
    found = _TYPE.search(lower(_first(told, "feedback-type")))
    kind = found[0] if found else ""
    if not kind or kind in _NO_COMPLAINT:
        return Feedback(mail_from=mail_from)
    words = [kind]
    words += [f"{said} {value}" for name, said in _SAID.items() if (value := _first(told, name))]
    return Feedback(
        recipients=_recipients(told, _fields(returned.lstrip("\n").partition("\n\n")[0])) or (None,),
        mail_from=mail_from,
        diagnostic=charset.line(", ".join(words), DIAGNOSTIC_LIMIT),
        remote=charset.line(_first(told, "reporting-mta").rpartition(";")[2] or _first(told, "source"), 255),
    )


_SAID = {"source-ip": "sent from", "user-agent": "reported by"}


def _recipients(told: dict[str, list[str]], header: dict[str, list[str]]) -> tuple[str | None, ...]:
    """Who complained: as the report says, else the fields that providers write, else the only one it was for."""
    says = (told.get(name, ()) for name in ("original-rcpt-to", "removal-recipient"))
    writes = (header.get(name, ()) for name in _WRITTEN_BACK)
    for values in (*says, *writes):
        named = tuple(dict.fromkeys(str(each) for each in _mailboxes(values) if not _hidden(each)))
        if named:
            return named
    # Cc counts as well: with a second recipient it is open who it was. What somebody sends to oneself is meant for
    # others, who are named nowhere.
    addressed = _mailboxes((*header.get("to", ()), *header.get("cc", ())))
    senders = [value for name in ("from", "reply-to", "return-path") for value in header.get(name, ())]
    own = {each.key for each in _mailboxes((*senders, *told.get("original-mail-from", ())))}
    plain = len(addressed) == 1 and not _hidden(addressed[0]) and addressed[0].key not in own
    return (str(addressed[0]),) if plain else ()


def _hidden(found: Address) -> bool:
    """Whether an address stands in the place of the one that somebody took out (RFC 6590 leaves open how)."""
    return bool(_HIDDEN.search(lower(str(found))))


def _mailboxes(values: Iterable[str]) -> list[Address]:
    """The addresses in all values, also in `rfc822; ann@client.org`."""
    return [each for value in values for each in mailboxes.read(value, RECIPIENTS_LIMIT)][:RECIPIENTS_LIMIT]


def _fields(text: str) -> dict[str, list[str]]:
    """Every field by its lower-case name, unfolded."""
    found: dict[str, list[str]] = {}
    for name, value in _FIELD.findall(text[:LIMIT]):
        found.setdefault(lower(name), []).append(charset.line(value, VALUE_LIMIT))
    return found


def _first(fields: dict[str, list[str]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")
