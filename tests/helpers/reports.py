"""Builders of posts, and of what mail systems answer: reports, notices, complaints and receipts; and rewrites.

A rewrite is the same message written in another way: every reader must understand the same.
"""

import base64
import quopri
import re
from collections.abc import Callable
from email import message_from_bytes
from typing import NamedTuple

from helpers.gateway import Gateway
from helpers.messages import mail
from helpers.queued import queued
from mailgate.gateway import post
from mailgate.gateway.post import Text
from mailgate.values.record import Ref

DAEMON = "Mail Delivery System <MAILER-DAEMON@mx.client.org>"
BOUNCE = "bounce@example.com"
RETURNED = "Message-ID: <orig.1@example.com>\nFrom: info@example.com\nTo: ann@client.org\nSubject: Chairs\n\nHello.\n"


class Copy(NamedTuple):
    """One copy of a post: the number of the message, its id, and the addresses that its recipient sees."""

    number: int
    message_id: str
    reverse_path: str
    reply_to: str

    def header(self, **fields: str) -> str:
        """The header as a report returns it; further fields as for `mail`."""
        return mail("", **{"message_id": self.message_id, "from": "info@example.com", **fields}).decode()


def posted(gateway: Gateway, *to: str, record: str = "crm.lead/1") -> dict[str, Copy]:
    """Post to the followers of a record and to `to`; the copy of each recipient, by address."""
    ref = Ref.parse(record)
    assert ref
    gateway.now += 1
    made = post.write(gateway.store, ref, Text("Blue ones.\n"), to, gateway.now)
    with gateway.store.read() as tx:
        letters = queued(tx, made.queued)
    return {
        each.recipient: Copy(
            made.number, made.message_id, each.reverse_path or "", message_from_bytes(each.octets)["Reply-To"]
        )
        for each in letters
    }


def multipart(*parts: tuple[str, str], kind: str = "report", **fields: str | None) -> bytes:
    """A multipart message of a mail system; a part is its type (and more header lines) and its text."""
    body = "".join(f"--b1\nContent-Type: {header}\n\n{text}\n" for header, text in parts) + "--b1--\n"
    given: dict[str, str | None] = {
        "from": DAEMON,
        "to": BOUNCE,
        "subject": "Undelivered Mail",
        "message_id": "<report.1@mx.client.org>",
        "mime_version": "1.0",
        "content_type": f'multipart/{kind}; boundary="b1"',
    }
    return mail(body, **(given | fields))


def block(
    recipient: str | None = "ann@client.org", action: str = "failed", status: str = "5.1.1", said: str = ""
) -> str:
    """The fields of one recipient (RFC 3464 section 2.3), or the same without the recipient."""
    named = f"Final-Recipient: rfc822; {recipient}\n" if recipient else ""
    return f"{named}Action: {action}\nStatus: {status}\n" + (f"Diagnostic-Code: smtp; {said}\n" if said else "")


def standard(*blocks: str, original: str = RETURNED, words: str = "It failed.", **fields: str | None) -> bytes:
    """A report as RFC 3464 defines it: text, a block for each recipient, the returned message."""
    status = "\n".join(("Reporting-MTA: dns; mx.client.org\n", *(blocks or (block(),))))
    return multipart(("text/plain", words), ("message/delivery-status", status), ("message/rfc822", original), **fields)


def notice(text: str, **fields: str | None) -> bytes:
    """A notice of a mail system in plain text."""
    given: dict[str, str | None] = {
        "from": DAEMON,
        "to": BOUNCE,
        "subject": "failure notice",
        "message_id": "<report.1@mx.client.org>",
    }
    return mail(text, **(given | fields))


def complaint(
    told: str = "Original-Rcpt-To: ann@client.org\n", original: str = RETURNED, **fields: str | None
) -> bytes:
    """A feedback report of abuse (RFC 5965)."""
    given: dict[str, str | None] = {"from": "feedback@client.org", "subject": "FW: Chairs"}
    parts = (
        ("text/plain", "A user complained."),
        ("message/feedback-report", f"Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n{told}"),
        ("message/rfc822", original),
    )
    return multipart(*parts, **(given | fields))


def receipt(original_id: str = "<orig.1@example.com>", **fields: str | None) -> bytes:
    """A receipt for a message that was read (RFC 8098)."""
    told = (
        "Reporting-UA: client.org; Mail\nFinal-Recipient: rfc822; ann@client.org\n"
        f"Original-Message-ID: {original_id}\nDisposition: manual-action/MDN-sent-manually; displayed\n"
    )
    given: dict[str, str | None] = {"from": "Ann <ann@client.org>", "subject": "Read: Chairs"}
    return multipart(("text/plain", "Read."), ("message/disposition-notification", told), **(given | fields))


def _head(raw: bytes) -> tuple[bytes, bytes]:
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    return head, body


def _split(part: bytes) -> tuple[bytes, bytes]:
    """The header and the body of a part; it may start with the body."""
    head, _, body = part.partition(b"\n\n")
    return (b"", part[1:]) if part.startswith(b"\n") else (head, body)


def _crlf(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


_MBOX = b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n"
_FIELD_NAME = re.compile(rb"^[A-Za-z][A-Za-z0-9-]*[ \t]*:", re.MULTILINE)
_FOLDED = re.compile(
    rb"^((?:Final|Original)-Recipient|Action|Status|Diagnostic-Code|Message-ID|Content-Type|From|X-Failed-Recipients)"
    rb":[ \t]*(?=\S)",
    re.MULTILINE | re.IGNORECASE,
)
_BOUNDARY = re.compile(rb'boundary\s*=\s*"?([^"\n;]+)"?', re.IGNORECASE)
_ENCODED = re.compile(rb"content-transfer-encoding:\s*(?:base64|quoted)|content-type:\s*multipart", re.IGNORECASE)


def _boundary(new: bytes) -> Callable[[bytes], bytes]:
    def rewrite(raw: bytes) -> bytes:
        head, body = _head(raw)
        found = _BOUNDARY.search(head)
        if not found:
            return raw
        head = head.replace(found[0], b'boundary="' + new + b'"', 1)
        return head + b"\n\n" + body.replace(b"--" + found[1].strip(), b"--" + new)

    return rewrite


def _encoding(name: bytes) -> Callable[[bytes], bytes]:
    """Every part encoded, which RFC 6522 forbids and some servers do."""
    encode = base64.encodebytes if name == b"base64" else quopri.encodestring

    def part(head: bytes, body: bytes) -> bytes:
        if _ENCODED.search(head):
            return head + b"\n\n" + body
        kept = re.sub(rb"^Content-Transfer-Encoding:.*\n?", b"", head, flags=re.IGNORECASE | re.MULTILINE).strip(b"\n")
        return (kept + b"\n" if kept else b"") + b"Content-Transfer-Encoding: " + name + b"\n\n" + encode(body)

    def rewrite(raw: bytes) -> bytes:
        head, body = _head(raw)
        found = _BOUNDARY.search(head)
        if not found:
            return part(head, body)
        line = b"--" + found[1].strip()
        first, *parts = re.split(rb"^" + re.escape(line) + rb"(?:--)?[ \t]*\n", body + b"\n", flags=re.MULTILINE)
        if body.rstrip().endswith(line + b"--"):
            parts = parts[:-1]
        made = b"".join(line + b"\n" + part(*_split(piece)) + b"\n" for piece in parts)
        return head + b"\n\n" + first + made + line + b"--\n"

    return rewrite


def _wrapped(raw: bytes) -> bytes:
    """Inside a multipart/mixed with a footer, as lists and scanners send it."""
    head, body = _head(raw)
    unfolded = re.sub(rb"\n[ \t]+", b" ", head).split(b"\n")
    content = [line for line in unfolded if line.lower().startswith(b"content-")]
    other = [line for line in unfolded if not line.lower().startswith(b"content-")]
    footer = b"\n--o\nContent-Type: text/plain\n\nScanned. Questions: help@scanner.net\n--o--\n"
    opening = b'\nContent-Type: multipart/mixed; boundary="o"\n\n--o\n'
    return b"\n".join(other) + opening + b"\n".join(content) + b"\n\n" + body + footer


def _body(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def rewrite(raw: bytes) -> bytes:
        head, body = _head(raw)
        return head + b"\n\n" + change(body)

    return rewrite


REWRITES: dict[str, Callable[[bytes], bytes]] = {
    "crlf": _crlf,
    "lower-case-names": lambda raw: _FIELD_NAME.sub(lambda name: name[0].lower(), raw),
    "upper-case-names": lambda raw: _FIELD_NAME.sub(lambda name: name[0].upper(), raw),
    "folded-fields": lambda raw: _FOLDED.sub(rb"\1:\n ", raw.replace(b"\r\n", b"\n")),
    "boundary-of-odd-marks": _boundary(b"=_a'()+,-./:=?b"),
    "boundary-of-hyphens": _boundary(b"----------1"),
    "no-mime-version": lambda raw: re.sub(rb"^MIME-Version:.*\n", b"", raw, flags=re.IGNORECASE | re.MULTILINE),
    "no-last-boundary": lambda raw: re.sub(rb"^--[^\n]+--[ \t]*\s*\Z", b"", raw, flags=re.MULTILINE),
    "base64": _encoding(b"base64"),
    "quoted-printable": _encoding(b"quoted-printable"),
    "blanks-at-line-ends": _body(lambda body: re.sub(rb"(?<=[^\s-])$", b"  ", body, flags=re.MULTILINE)),
    "mbox-line": lambda raw: raw if raw.startswith(b"From ") else _MBOX + raw,
    "wrapped": _wrapped,
}
"""Name -> how to write a message in another way."""
