"""Compose what mailgate itself sends: refusals, as delivery status notifications (RFC 3464)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from mailgate.compose import mime, wording
from mailgate.compose.mime import Part, field, shown
from mailgate.compose.wording import template
from mailgate.mail.message import HEADER_LIMIT, Message
from mailgate.routing.decision import Outgoing
from mailgate.values import charset, status, token
from mailgate.values.address import Address
from mailgate.values.directory import Domain

__all__ = ["Letter", "refusal", "template"]

SUBJECT_LIMIT = 200
"""Characters of the original subject that go back."""
RETURNED_LIMIT = 8_192
"""Octets of the original header that go back, before and after encoding."""
_TEXT_LIMIT = 6_144
_STATUS_LIMIT = 8_192
_ADDRESSES_LIMIT = 2_048
"""Octets of text, of blocks about recipients, and characters of addresses listed: the notice stays below 32 KiB."""
_LINE_LIMIT = 998
_ID = re.compile(r"<(?!.*=\?)[!-;=?-~]{1,250}>")
"""A Message-ID that may be repeated: printable ASCII, and nothing in it that a reader could decode."""
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_NO_XTEXT = re.compile(r"[^!-*,-<>-\[\]-~]")
_TAG = re.compile(
    r"<!--|</?(?:[a-z]{1,8}:[a-z]+|a|b|big|blockquote|body|br|center|div|em|font|h[1-6]|head|hr|html|i|img|li|ol|p|pre|s"
    r"|small|span|strong|style|table|tbody|td|th|tr|u|ul)(?:\s[^<>]*)?/?>|&(?:[a-z][a-z0-9]{1,8}|#[0-9]{1,6}|#x[0-9a-f]{1,6});",
    re.IGNORECASE,
)


class Letter(NamedTuple):
    """A message of ours, ready to send: id with angle brackets, subject as text, octets with LF line ends."""

    message_id: str
    subject: str
    octets: bytes


def refusal(
    message: Message,
    outgoing: Outgoing,
    domain: Domain,
    secret: bytes,
    random: bytes,
    now: float,
    template: str,
    policy: str = "",
) -> Letter:
    """The MAILER-DAEMON reply to a message that is refused (RFC 3464, RFC 3834, RFC 6522).

    `random`: at least 16 octets; `now`: seconds since the epoch; `template`: what `template()` gave; `policy`: that of
    the alias which refuses, for the words. Never fails, and no header field of the message is ever copied into ours.
    """
    mark = token.new_mark(token.REFUSAL, secret, random)
    message_id = token.message_id(mark, domain.name)
    about = _about(message, outgoing)
    subject = f"Re: {shown(message.subject, SUBJECT_LIMIT)}".rstrip()
    answered = [message.message_id] if message.message_id and _ID.fullmatch(message.message_id) else []
    boundary = f"=_mailgate_{random[10:].hex()}"  # of octets that the mark does not show
    header = [
        field("From", "MAILER-DAEMON", f"<{Address(domain.bounce, domain.name)}>"),
        field("To", outgoing.to),
        *([field("Reply-To", domain.contact)] if domain.contact else []),
        field("Subject", *mime.words(subject)),
        field("Date", mime.date(now)),
        field("Message-ID", message_id),
        *(field("In-Reply-To", each) for each in answered),
        field("References", *answered, message_id),
        field("Auto-Submitted", "auto-replied"),
        # RFC 3834 section 3.1.8 allows Precedence without recommending it. Help desks that read a mailbox see no
        # reverse-path, and some of them stop at nothing else; no mail system treats a single notice worse for it.
        field("Precedence", "bulk"),
        field("X-Auto-Response-Suppress", "All"),
        field("X-Mailgate-Loop", mark),
        field("MIME-Version", "1.0"),
        field("Content-Type", "multipart/report;", "report-type=delivery-status;", f'boundary="{boundary}"'),
    ]
    parts = [
        mime.part("text/plain; charset=utf-8", _text(outgoing, domain, about, template, policy)),
        Part("message/delivery-status", "7bit", _delivery_status(outgoing, domain, about)),
        _returned(message.raw),
    ]
    return Letter(message_id, subject, b"".join(header) + b"\n" + mime.multipart(parts, boundary))


def _about(message: Message, outgoing: Outgoing) -> list[str]:
    """The addresses meant, printable; the envelope's or the header's first one when none is named."""
    named = [shown(each, 512) for each in outgoing.written or outgoing.about]
    others = [shown(str(each), 512) for each in (*message.envelope.recipients, *message.to)[:1]]
    return [each for each in dict.fromkeys(named) if each] or others


def _text(outgoing: Outgoing, domain: Domain, about: list[str], template: str, policy: str) -> str:
    own = _own_text(outgoing.text)
    values = {
        "address": about[0] if about else "",
        "addresses": _listed(about),
        "contact": shown(domain.contact or "", 512),
        "company": shown(domain.company, 200) or domain.name,
        "domain": domain.name,
        "text": own,
        "who": "" if own else wording.who(domain.language, policy),
    }
    text = wording.fill(template, values)
    if not text.strip():
        text = f"{status.refused(outgoing.reason, values['address']).line}\n"
    octets = text.encode("utf-8", "replace")
    if len(octets) <= _TEXT_LIMIT:
        return text
    cut = octets[:_TEXT_LIMIT].decode("utf-8", "ignore")
    return f"{cut[: cut.rfind(' ', _TEXT_LIMIT // 2) + 1 or None].rstrip()} ...\n"


def _listed(about: list[str]) -> str:
    """Addresses one a line, as many as a person would read."""
    lines: list[str] = []
    length = 0
    for each in about:
        length += len(each)
        if lines and length > _ADDRESSES_LIMIT:
            return "\n".join([*lines, f"... (+{len(about) - len(lines)})"])
        lines.append(each)
    return "\n".join(lines)


def _own_text(text: str) -> str:
    """The refusal text of an alias as plain text; `""` when there is nothing to see in it, as in `<p><br></p>`."""
    if _TAG.search(text):
        from mailgate.mail import markup

        text = markup.text(text)
    lines = [
        "".join(c for c in line.expandtabs(4) if c.isprintable() or c in f"\xa0{mime.JOINERS}").rstrip()
        for line in charset.clean(text[: 2 * _TEXT_LIMIT]).split("\n")
    ]
    joined = "\n".join(lines).strip("\n")
    return joined if any(c.isprintable() and not c.isspace() for c in joined) else ""


def _delivery_status(outgoing: Outgoing, domain: Domain, about: list[str]) -> bytes:
    """The machine's part (RFC 3464 section 2): about the message, then a block for each address."""
    spelled = outgoing.written or outgoing.about
    reasons = {shown(each, 512): reason for each, reason in zip(spelled, outgoing.reasons, strict=False)}
    blocks = [field("Reporting-MTA", f"dns; {domain.name}")]
    for each in about or [""]:
        refused = status.refused(reasons.get(each, outgoing.reason), "")
        block = (
            field("Final-Recipient", _final_recipient(each))
            + field("Action", refused.action)
            + field("Status", refused.code)
            + field("Diagnostic-Code", f"x-mailgate; {refused.code} {refused.text}")
        )
        if sum(map(len, blocks)) + len(block) > _STATUS_LIMIT:
            break
        blocks.append(block)
    return b"\n".join(blocks)


def _final_recipient(address: str) -> str:
    """The recipient with its type (RFC 3464 section 2.3.2), in ASCII whatever it is (RFC 6533 section 3)."""
    if not address:
        return "unknown; unknown"
    if address.isascii():
        return f"rfc822; {address}"
    return "utf-8; " + _NO_XTEXT.sub(lambda match: f"\\x{{{ord(match[0]):02X}}}", address)


def _returned(raw: bytes) -> Part:
    """The original header fields (RFC 6522 section 4), at most RETURNED_LIMIT octets, cut at a line end."""
    room = RETURNED_LIMIT
    while True:
        lines: list[str] = []
        length = 0
        for line in _header_lines(raw):
            length += len(line.encode("utf-8")) + 1
            if length > room:
                break
            lines.append(f"{line}\n")
        found = mime.part("text/rfc822-headers; charset=utf-8", "".join(lines))
        if len(found.body) <= RETURNED_LIMIT:
            return found
        room = room * RETURNED_LIMIT // len(found.body)


def _header_lines(raw: bytes) -> Iterator[str]:
    """The lines of the header as text without controls, and never one of the body: the first doubtful line ends it."""
    at = raw.find(b"\n") + 1 if raw[:5] == b"From " else 0
    line_end = b"\n" if raw.find(b"\n", at, at + HEADER_LIMIT) >= 0 else b"\r"
    begun = False
    while at < len(raw):
        end = raw.find(line_end, at)
        end = len(raw) if end < 0 else end
        line = raw[at : min(end, at + _LINE_LIMIT)].removesuffix(b"\r")
        if end > at + _LINE_LIMIT:
            line = line.rstrip(bytes(range(128, 256)))  # rather than half a character
        at = end + 1
        if not line.strip():
            return
        if line[:1] not in b" \t":
            if not _FIELD.match(line):
                return
            begun = True
        if begun:
            yield _CONTROL.sub("?", charset.decode(line, None)).rstrip()
