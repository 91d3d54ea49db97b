"""Read a delivery report, of any form, into one finding per recipient.

Kinds of a report, after the worst that happened to a recipient:

    failed       mail was not delivered (RFC 3464, or a notice in words)
    delayed      the mail server still tries
    delivered    a success, or mail passed on: delivered, relayed or expanded
    disposition  what a reader's program did with a message (RFC 8098)
    feedback     a complaint about spam (RFC 5965, or Amazon SES)
    automatic    an automatic reply at a bounce address
    other        a report about something else, such as TLS (RFC 8460)

Two questions are kept apart, because people and robots write about failures too:

    evidence     Is it a report, and how far is it trusted? Answered from header and envelope, before the body is read.
    basis        What is each finding read from? Answered by the body, as far as the evidence allows.

Bases of a finding, the surest first:

    fields       fields of RFC 3464 or of a known product, in a report that a mail system wrote
    words        words of a mail system
    guess        fields or words that could be anyone's
    opaque       a notice of a mail system in words that are not understood

Modules, in the order in which a report passes them: `evidence` judges the header, `contents` sorts the parts, `body`
reads them in their form, `sources` finds the recipients, `basis` says how far they are believed, `diagnosis` names the
reason. All but the first are imported for reports only, so that other deliveries do not pay for them.
"""

from mailgate.mail import classify
from mailgate.mail.classify import Class
from mailgate.mail.message import Message
from mailgate.reports import evidence
from mailgate.values.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mailgate.reports.dsn import Block

IDS_LIMIT = 20
"""Candidate ids of the original message that are kept."""
ADDRESSES_LIMIT = 10
"""Return addresses of the original message that are kept."""
_SUMMARY_LIMIT = 3
"""Findings that a summary names."""


class Finding(NamedTuple):
    """What happened to a message for one recipient.

    `recipient`: a normalised address, None when the report names none. `action`: failed, delayed, delivered, relayed,
    expanded or complaint. `status`: `x.y.z` or "". `remote`: the server that reported it. `kind`: the reason in one
    word. `permanent`: whether to stop sending. `basis`: fields, words, guess or opaque.
    """

    recipient: str | None
    action: str
    status: str
    diagnostic: str
    remote: str
    kind: str
    permanent: bool
    basis: str = "fields"


class Report(NamedTuple):
    """A report. `kind`: failed, delayed, delivered, disposition, feedback, automatic or other.

    `message_ids`: candidates for the id of the original message. `return_addresses`: where that message asked for
    reports or answers. Both have the best candidate first. `because`: what shows that this is a report.
    """

    kind: str
    findings: tuple[Finding, ...]
    message_ids: tuple[str, ...]
    because: str
    return_addresses: tuple[str, ...] = ()


def read(message: Message, class_: Class, *, expected: bool = False) -> Report | None:
    """The report in a message, None when it is not a report. `expected`: it was sent to a bounce address.

    Weak evidence proves nothing by itself: without a recipient or words of failure in the body there is no report.
    """
    if _starts_blank(message.raw):
        from mailgate.mail.message import read as facts

        message = facts(message.raw.lstrip(_BLANK), lambda hints, author: message.envelope)
        class_ = classify.classify(message)  # another header, another class
    signs = evidence.of(message, class_, expected=expected)
    if not signs:
        return None
    from mailgate.reports import body

    contents = body.read(message, signs)
    if contents:
        findings = tuple(dict.fromkeys(_finding(block) for block in contents.blocks))
        ids, addresses = contents.message_ids[:IDS_LIMIT], contents.return_addresses[:ADDRESSES_LIMIT]
        return Report(contents.kind, findings, ids, signs.because, addresses)
    if expected and evidence.is_robots_field(class_):
        return Report("automatic", (), message.references[:IDS_LIMIT], class_.because)
    return None


def summary(report: Report) -> str:
    """A report in one line, such as `failed 5.1.1 for ann@client.org`."""
    listed = report.findings[:_SUMMARY_LIMIT]
    texts = [f"{finding.action} {finding.status} for {finding.recipient or 'nobody named'}" for finding in listed]
    unlisted = len(report.findings) - len(listed)
    return (", ".join(" ".join(text.split()) for text in texts) or report.kind) + (
        f" and {unlisted} more" if unlisted else ""
    )


_BLANK = b"\xef\xbb\xbf\r\n \t"


def _starts_blank(raw: bytes) -> bool:
    """Whether a line end or a byte order mark precedes the header."""
    return raw[:1] in (b"\n", b"\r", b"\xef") and raw.startswith((b"\n", b"\r", b"\xef\xbb\xbf"))


def _finding(block: "Block") -> Finding:
    """The finding of a block. Words that are not understood are never permanent: the mail may have arrived."""
    from mailgate.reports import diagnosis, dsn

    if block.action == "complaint":
        kind, permanent = "complaint", True
    else:
        failed = block.action in ("failed", "delayed")
        kind = diagnosis.kind(block.status, block.diagnostic) if failed else "unknown"
        permanent = block.basis != dsn.OPAQUE and diagnosis.permanent(block.action, block.status, kind)
    return Finding(
        block.recipient, block.action, block.status, block.diagnostic, block.remote, kind, permanent, block.basis
    )
