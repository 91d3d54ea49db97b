"""Write refusals, as delivery status notifications (RFC 3464)."""

import re

from mailgate.compose import mime, returned, wording
from mailgate.compose.mime import BodyPart, field, shown
from mailgate.compose.origin import Composed, Origin
from mailgate.compose.wording import template
from mailgate.mail.message import Message
from mailgate.routing.decision import Outgoing
from mailgate.values import charset, status, token
from mailgate.values.directory import Domain

__all__ = ["refusal", "template"]

SUBJECT_LIMIT = 200
"""Characters of the original subject that are returned, where it is."""
_TEXT_LIMIT = 6_144
_STATUS_LIMIT = 8_192
_ADDRESSES_LIMIT = 2_048
"""Octets of text, octets of blocks, and characters of listed addresses: a refusal is shorter than 32 KiB."""
_ADDRESS_LIMIT = 512
"""Characters of one address."""
_ID = re.compile(r"<(?!.*=\?)[!-;=?-~]{1,250}>")
"""A Message-ID that may be copied: printable ASCII, and nothing that a reader could decode."""
_NOT_XTEXT = re.compile(r"[^!-*,-<>-\[\]-~]")
_TAG = re.compile(
    r"<!--|</?(?:[a-z]{1,8}:[a-z]+|a|b|big|blockquote|body|br|center|div|em|font|h[1-6]|head|hr|html|i|img|li|ol|p|pre|s"
    r"|small|span|strong|style|table|tbody|td|th|tr|u|ul)(?:\s[^<>]*)?/?>|&(?:[a-z][a-z0-9]{1,8}|#[0-9]{1,6}|#x[0-9a-f]{1,6});",
    re.IGNORECASE,
)


def refusal(message: Message, outgoing: Outgoing, origin: Origin, template: str, policy: str = "") -> Composed:
    """The MAILER-DAEMON reply to a message that is refused (RFC 3464, RFC 3834, RFC 6522).

    `template`: what `template()` returned. `policy`: that of the alias that refuses, for the words. This never fails,
    and it never copies a header field of the message into the header of the reply. Nothing that the sender wrote goes
    back unless a server of ours vouches for the reverse-path: it would go to whom a forger names.
    """
    domain = origin.domain
    mark = origin.mark(token.REFUSAL)
    message_id = token.message_id(mark, domain.name)
    addresses = _addresses(message, outgoing)
    subject = wording.undelivered(domain.language)
    if outgoing.vouched:
        subject = f"Re: {shown(message.subject, SUBJECT_LIMIT)}".rstrip()
    answered = [message.message_id] if message.message_id and _ID.fullmatch(message.message_id) else []
    boundary = f"=_mailgate_{origin.random[10:].hex()}"  # of octets that the mark does not show
    header = [
        field("From", "MAILER-DAEMON", origin.sender),
        field("To", outgoing.to),
        *([field("Reply-To", domain.contact)] if domain.contact else []),
        field("Subject", *mime.words(subject)),
        field("Date", mime.date(origin.now)),
        field("Message-ID", message_id),
        *(field("In-Reply-To", original) for original in answered),
        field("References", *answered, message_id),
        field("Auto-Submitted", "auto-replied"),
        # RFC 3834 section 3.1.8 permits Precedence without recommending it. A help desk that reads a mailbox sees no
        # reverse-path, and some of them stop at nothing else. Mail systems do not treat a single notice worse for it.
        field("Precedence", "bulk"),
        field("X-Auto-Response-Suppress", "All"),
        field("X-Mailgate-Loop", mark),
        field("MIME-Version", "1.0"),
        field("Content-Type", "multipart/report;", "report-type=delivery-status;", f'boundary="{boundary}"'),
    ]
    parts = [
        mime.part("text/plain; charset=utf-8", _text(outgoing, domain, addresses, template, policy)),
        BodyPart("message/delivery-status", "7bit", _delivery_status(outgoing, domain, addresses)),
        returned.header(message.raw) if outgoing.vouched else returned.traces(message),
    ]
    return Composed(message_id, subject, b"".join(header) + b"\n" + mime.multipart(parts, boundary))


def _addresses(message: Message, outgoing: Outgoing) -> list[str]:
    """The addresses that refuse, printable; the envelope's or the header's first one when none is named."""
    named = [shown(text, _ADDRESS_LIMIT) for text in outgoing.written or outgoing.about]
    first = [shown(str(address), _ADDRESS_LIMIT) for address in (*message.envelope.recipients, *message.to)[:1]]
    return [text for text in dict.fromkeys(named) if text] or first


def _text(outgoing: Outgoing, domain: Domain, addresses: list[str], template: str, policy: str) -> str:
    own_text = _plain(outgoing.text)
    values = {
        "address": addresses[0] if addresses else "",
        "addresses": _listed(addresses),
        "contact": shown(domain.contact or "", _ADDRESS_LIMIT),
        "company": shown(domain.company, 200) or domain.name,
        "domain": domain.name,
        "text": own_text,
        "who": "" if own_text else wording.permitted(domain.language, policy),
    }
    text = wording.fill(template, values)
    if not text.strip():
        text = f"{status.refused(outgoing.reason, values['address']).line}\n"
    octets = text.encode("utf-8", "replace")
    if len(octets) <= _TEXT_LIMIT:
        return text
    cut = octets[:_TEXT_LIMIT].decode("utf-8", "ignore")
    return f"{cut[: cut.rfind(' ', _TEXT_LIMIT // 2) + 1 or None].rstrip()} ...\n"


def _listed(addresses: list[str]) -> str:
    """The addresses, one a line, as many as a person would read."""
    lines: list[str] = []
    length = 0
    for address in addresses:
        length += len(address)
        if lines and length > _ADDRESSES_LIMIT:
            return "\n".join([*lines, f"... (+{len(addresses) - len(lines)})"])
        lines.append(address)
    return "\n".join(lines)


def _plain(text: str) -> str:
    """The refusal text of an alias as plain text; `""` when nothing of it is visible, as in `<p><br></p>`."""
    if _TAG.search(text):
        from mailgate.mail import markup

        text = markup.text(text)
    lines = [
        "".join(c for c in line.expandtabs(4) if c.isprintable() or c in f"\xa0{mime.JOINERS}").rstrip()
        for line in charset.clean(text[: 2 * _TEXT_LIMIT]).split("\n")
    ]
    joined = "\n".join(lines).strip("\n")
    return joined if any(c.isprintable() and not c.isspace() for c in joined) else ""


def _delivery_status(outgoing: Outgoing, domain: Domain, addresses: list[str]) -> bytes:
    """The part for programs (RFC 3464 section 2): fields of the message, then a block for each address."""
    texts = outgoing.written or outgoing.about
    reasons = {shown(text, _ADDRESS_LIMIT): reason for text, reason in zip(texts, outgoing.reasons, strict=False)}
    blocks = [field("Reporting-MTA", f"dns; {domain.name}")]
    for address in addresses or [""]:
        refused = status.refused(reasons.get(address, outgoing.reason), "")
        block = (
            field("Final-Recipient", _final_recipient(address))
            + field("Action", refused.action)
            + field("Status", refused.code)
            + field("Diagnostic-Code", f"x-mailgate; {refused.code} {refused.text}")
        )
        if sum(map(len, blocks)) + len(block) > _STATUS_LIMIT:
            break
        blocks.append(block)
    return b"\n".join(blocks)


def _final_recipient(address: str) -> str:
    """The recipient with its type (RFC 3464 section 2.3.2), always in ASCII (RFC 6533 section 3)."""
    if not address:
        return "unknown; unknown"
    if address.isascii():
        return f"rfc822; {address}"
    return "utf-8; " + _NOT_XTEXT.sub(lambda match: f"\\x{{{ord(match[0]):02X}}}", address)
