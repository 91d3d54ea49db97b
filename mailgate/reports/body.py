"""Read the body of a report, in any form: feedback, an event of Amazon's, a disposition, delivery status."""

import re
from typing import NamedTuple

from mailgate.mail import mime
from mailgate.mail.message import Message
from mailgate.reports import arf, dsn, explanation, original, ses, sources
from mailgate.reports.contents import FEEDBACK, TEXT_LIMIT, Contents
from mailgate.reports.dsn import Block
from mailgate.reports.evidence import COMPLAINT, HINT, NOTIFIED, REPORT, UNSUBSCRIBED, Evidence
from mailgate.reports.original import Original
from mailgate.values import charset
from mailgate.values.address import lower

_FAILED_CHECK = re.compile(
    r"\bthis is an? (?:e-?mail |spf/dkim |spf |dkim |dmarc )*(?:abuse|authentication[- ]failure|forensic|failure)"
    r"[\w /-]{0,40}\breport\b",
    re.IGNORECASE,
)
"""How a report of a failed check of DMARC starts that is plain text (RFC 6591 gives it a feedback part)."""
_START = 1000
"""Characters in which a report says what it is."""


class Body(NamedTuple):
    """The kind of the report, a block for each recipient, and candidates for the original message, the best first."""

    kind: str
    blocks: list[Block]
    message_ids: tuple[str, ...]
    return_addresses: tuple[str, ...]


def read(message: Message, evidence: Evidence) -> Body | None:
    """What the body reports, None when it reports nothing."""
    contents = Contents(mime.tree(message.raw))
    if FEEDBACK in contents.types:
        return _feedback(message, contents, arf.read(contents.feedback, next(iter(contents.returned), "")))
    if evidence.because == COMPLAINT:
        return _feedback(message, contents, arf.complaint(contents.returned[0])) if contents.returned else None
    if evidence.because == UNSUBSCRIBED:
        address = message.author.address
        return _feedback(
            message, contents, arf.Feedback((str(address) if address else None,), diagnostic="unsubscribe")
        )
    if not contents.status and _FAILED_CHECK.search(contents.words[:_START]):
        return _feedback(message, contents, arf.Feedback())
    if any(name.startswith("application/tlsrpt") for name in contents.types):
        return _body("other", [], message, contents)
    if contents.words[:200].lstrip().startswith("{"):
        event = ses.read(contents.words)
        if event:
            return _event(event, message, contents, evidence)
    if not contents.status and _is_disposition(message, contents):
        return _body("disposition", [], message, contents)
    blocks = sources.blocks(message, contents, evidence)
    if not blocks:
        return _body("other", [], message, contents) if evidence.because == REPORT else None
    actions = {block.action for block in blocks}
    kind = next((action for action in ("failed", "delayed") if action in actions), "delivered")
    return _body(kind, _explained(blocks, contents), message, contents)


def _feedback(message: Message, contents: Contents, feedback: arf.Feedback) -> Body:
    """A feedback report; without blocks when it is not a complaint."""
    blocks = [
        Block(recipient, "complaint", diagnostic=feedback.diagnostic, remote=feedback.remote)
        for recipient in feedback.recipients
    ]
    body = _body("feedback", blocks, message, contents)
    return body._replace(return_addresses=tuple(dict.fromkeys((*feedback.mail_from, *body.return_addresses))))


def _event(event: ses.Event, message: Message, contents: Contents, evidence: Evidence) -> Body:
    """An event of Amazon's; from another sender, it is a guess."""
    if event.action == "complaint":
        recipients = [block.recipient for block in event.blocks] or [None]
        kind, blocks = "feedback", [Block(recipient, "complaint") for recipient in recipients]
    else:
        kind, blocks = event.action, _explained(event.blocks, contents)
    if evidence.trust < HINT and evidence.because != NOTIFIED:
        blocks = [block._replace(basis=dsn.GUESS) for block in blocks]
    body = _body(kind, blocks, message, contents)
    ids = tuple(dict.fromkeys((*event.original.ids, *body.message_ids)))
    return body._replace(message_ids=ids, return_addresses=event.original.addresses)


def _is_disposition(message: Message, contents: Contents) -> bool:
    """Whether it reports what a reader did (RFC 8098). A filter that refuses a message (RFC 5429) reports a failure."""
    content_type = lower(" ".join(message.plain("content-type")))
    if not contents.disposition.strip() and "disposition-notification" not in content_type:
        return False
    refused = "(rejected)" in " ".join(message.plain("auto-submitted"))
    return not (refused and "final-recipient" in lower(contents.disposition))


def _explained(blocks: list[Block], contents: Contents) -> list[Block]:
    """The blocks; without any diagnostic, with the one in the words of the notice."""
    if not blocks or any(block.diagnostic for block in blocks):
        return blocks
    text = explanation.diagnostic(contents.notice.words.split("\n"))
    diagnostic = charset.line(text, dsn.DIAGNOSTIC_LIMIT)
    return [block._replace(diagnostic=diagnostic) for block in blocks]


def _body(kind: str, blocks: list[Block], message: Message, contents: Contents) -> Body:
    source = _original(message, contents)
    return Body(kind, blocks, tuple(dict.fromkeys((*source.ids, *message.references))), source.addresses)


def _original(message: Message, contents: Contents) -> Original:
    """The original message, from the first place that names its id: what is given back, the notice, the raw body."""
    source = original.read(contents.returned)
    if not source.ids:
        texts = [contents.notice.copy, contents.words, contents.disposition, contents.feedback, *contents.status]
        source = source.completed(original.read(texts))
    if not source.ids:
        # broken MIME: headers of parts, and parts of an unknown type
        raw = contents.tree.raw[message.body_at : message.body_at + TEXT_LIMIT]
        source = source.completed(original.read([raw.decode("latin-1")]))
    return source
