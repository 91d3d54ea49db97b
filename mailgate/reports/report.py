"""Read a delivery report, of any dialect, into one finding per recipient.

A gate comes first, because only a mail system may be believed to report: `multipart/report`, a null reverse-path, a
daemon as author or sender, a field of Exim's. Behind it the reader tries what is surest first: the fields of
RFC 3464, then Exim's field, such fields in broken MIME, and last the words of the notice. What reads a body is imported
behind the gate: an ordinary delivery pays for nothing of it.
"""

import re
from typing import TYPE_CHECKING, NamedTuple

from mailgate.mail import loop
from mailgate.mail.message import Message
from mailgate.values.address import lower

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailgate.mail.mime import Part, Tree
    from mailgate.reports.dsn import Block
    from mailgate.reports.returned import Returned

TEXT_LIMIT = 64 * 1024
"""Octets of one part, and characters of all text together, that are read."""
IDS_LIMIT = 20
"""Candidate ids of the original message that are kept."""
ADDRESSES_LIMIT = 10
"""Return addresses of the original message that are kept."""


class Finding(NamedTuple):
    """What became of a message for one recipient.

    `recipient` is a normalised address, None when the report names none; action: failed, delayed, delivered, relayed,
    expanded or complaint; `status` is `x.y.z` or ""; `remote` the server that said so. `kind` and `permanent` follow
    from them.
    """

    recipient: str | None
    action: str
    status: str
    diagnostic: str
    remote: str
    kind: str
    permanent: bool


class Report(NamedTuple):
    """What a report says. kind: failed, delayed, delivered, disposition, feedback, automatic or other.

    `message_ids` may name the original message, `return_addresses` are those to which it would have been returned or
    answered, the best candidates first; `because` says why this is a report.
    """

    kind: str
    findings: tuple[Finding, ...]
    message_ids: tuple[str, ...]
    because: str
    return_addresses: tuple[str, ...] = ()


def read(message: Message, *, expected: bool = False) -> Report | None:
    """What a message reports; None for everything that is no report. `expected`: it came to a bounce address.

    A gate that opened on a mere hint proves nothing: where no recipient and no words of failure are found behind it,
    the message is none.
    """
    if _unheaded(message.raw):
        from mailgate.mail.message import read as facts

        message = facts(message.raw.lstrip(_BLANK), lambda hints, author: message.envelope)
    gate = _gate(message, expected)
    if not gate:
        return None
    from mailgate.mail import mime

    found = _Reader(message, mime.tree(message.raw)).report(gate)
    if found is None and expected:
        kind = loop.classify(message)
        if kind.name == "automatic" and kind.because != _NULL:  # by a field of its own
            return Report("automatic", (), message.references[:IDS_LIMIT], kind.because)
    return found


def summary(told: Report) -> str:
    """A report in one line: what became of whom."""
    named = [f"{each.action} {each.status} for {each.recipient or 'nobody named'}" for each in told.findings[:3]]
    more = f" and {len(told.findings) - 3} more" if len(told.findings) > 3 else ""
    return (", ".join(" ".join(each.split()) for each in named) or told.kind) + more


class Gate(NamedTuple):
    """Why a message may be a report, and what is believed behind it: SURE, HINT, COPY or FIELDS."""

    because: str
    trust: int


SURE = 3
"""A mail system wrote it: its words count."""
HINT = 2
"""Something of a mail system: words count where they name a recipient plainly."""
COPY = 1
"""A robot with a subject of failure: the same, and only beside a copy of the message."""
FIELDS = 0
"""Hardly anything: only fields of RFC 3464 count."""

_BLANK = b"\xef\xbb\xbf\r\n \t"
_OLD_DAEMONS = frozenset(
    (
        *("mdaemon", "m-daemon", "maildaemon", "mail-daemon", "mail_daemon", "mailerdaemon", "post_master", "mailer"),
        *("mail-delivery-system", "mail.delivery.system", "maildelivery", "mail-delivery", "system administrator"),
    )
)
# Compiled where they are asked: nearly no message gets there.
_DAEMON_TEXT = r"(?:^|[\s<\"'(])(?:mailer-daemon|postmaster|mail delivery (?:sub)?system)(?:[@>\s\"')\\]|$)"
_SUBJECT = r"undeliver|deliver\w* [\w ]{0,40}(?:fail|error|problem|status|warning)|returned mail|failure notice|エラー"


def _about_failure(subject: str) -> bool:
    return bool(re.search(_SUBJECT, subject, re.IGNORECASE))


def _unheaded(raw: bytes) -> bool:
    """Whether something invisible stands in front of the header."""
    return raw[:1] in (b"\n", b"\r", b"\xef") and raw.startswith((b"\n", b"\r", b"\xef\xbb\xbf"))


def _gate(message: Message, expected: bool) -> Gate | None:
    """What makes a message worth reading as a report: header fields and envelope only."""
    content_type = lower(message.plain("content-type")[0]) if "content-type" in message.fields else ""
    if content_type.startswith("multipart/report"):
        return Gate(_REPORT, SURE)
    if content_type.startswith(("message/delivery-status", "message/global-delivery-status")):
        return Gate(content_type.partition(";")[0].strip(), SURE)
    if "x-failed-recipients" in message.fields:
        return Gate("X-Failed-Recipients", SURE)
    author, sender = message.author, message.envelope.reverse_path
    if loop.is_daemon(author.address) or (not author.address and re.search(_DAEMON_TEXT, author.text, re.IGNORECASE)):
        by_hand = sender is not None and sender == author.address and lower(sender.local) == "postmaster"
        if by_hand and message.envelope.stated:  # a person, who may well answer us
            return Gate(f"written by {author.text}", FIELDS if "in-reply-to" in message.fields else HINT)
        return Gate(f"written by {author.text}", SURE)
    if author.address and lower(author.address.local) in _OLD_DAEMONS:
        return Gate(f"written by {author.address}", HINT)
    if author.address and not loop.is_robot(author.address) and _replied(message):
        return Gate("an automatic reply", COPY) if expected or (message.envelope.stated and sender is None) else None
    if message.envelope.stated and sender is None:
        return Gate(_NULL, HINT)
    if message.envelope.stated and loop.is_daemon(sender):
        return Gate(f"reverse-path {sender}", HINT)
    if expected:
        return Gate("sent to a bounce address", FIELDS if loop.classify(message).name == "person" else HINT)
    if not author.text.strip("<> "):
        return Gate("written by nobody", HINT if author.text else FIELDS)
    if author.address and loop.is_robot(author.address) and _about_failure(message.subject):
        return Gate(f"written by {author.address} about a failure", COPY)
    return None


def _replied(message: Message) -> bool:
    """Whether a program answers for a person (RFC 3834 section 5): he may be away, or tell where he is now."""
    return any(lower(value.strip()).startswith("auto-replied") for value in message.plain("auto-submitted"))


_NULL = "null reverse-path"
_REPORT = "multipart/report"
_STATUS = frozenset(("message/delivery-status", "message/global-delivery-status"))
_WHOLE = frozenset(("message/rfc822", "message/global", "message/partial"))
_RETURNED = frozenset((*_WHOLE, "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"))
_FEEDBACK = "message/feedback-report"
_DISPOSITION = frozenset(("message/disposition-notification", "message/global-disposition-notification"))


class _Reader:
    """One report while it is read."""

    def __init__(self, message: Message, tree: "Tree") -> None:
        self.message = message
        self.tree = tree
        self.types: set[str] = set()
        self.status: list[str] = []
        self.notice: list[str] = []
        self.returned: list[str] = []
        self.disposition = ""
        self.feedback = ""
        self.nested: Part | None = None
        self.survey()

    def survey(self) -> None:
        """Sort the parts: status fields, words, the returned message. What a returned message holds is not ours."""
        from mailgate.mail import mime

        html = []
        attached: list[str] = []
        for part in mime.leaves(self.tree.root):
            self.types.add(part.type)
            if part.type in _RETURNED:
                self.returned.append(self.text(part))
                if self.nested is None and part.type in _WHOLE:
                    self.nested = part
            elif part.type.endswith("delivery-status"):
                self.status.append(self.text(part))
            elif part.type in _DISPOSITION:
                self.disposition = self.disposition or self.text(part)
            elif part.type == _FEEDBACK:
                self.feedback = self.feedback or self.text(part)
            elif part.type == "text/html":
                html.append(part)
            elif part.type.startswith(("text/", "message/")):
                (attached if part.disposition == "attachment" else self.notice).append(self.text(part))
        if html and self.says_nothing():
            from mailgate.mail import markup

            self.notice[:0] = [markup.text(self.text(part)) for part in html[:3]]
        self.words = "\n".join(self.notice)[:TEXT_LIMIT]
        self.returned += attached

    def says_nothing(self) -> bool:
        """Whether the plain text beside an HTML part is empty, or a mere footer that somebody added on the way."""
        from mailgate.reports import notice

        return not any(each.strip() and notice.failed(each) for each in self.notice)

    def text(self, part: "Part") -> str:
        """The first of a part, decoded, with LF line ends."""
        from mailgate.mail import mime
        from mailgate.values import charset

        short = part._replace(end=min(part.end, part.start + TEXT_LIMIT + TEXT_LIMIT // 2))
        return charset.clean(charset.decode(mime.body(self.tree.raw, short), part.charset))[:TEXT_LIMIT]

    def report(self, gate: Gate) -> Report | None:
        """The report, whatever form it has."""
        from mailgate.reports import dsn

        if _FEEDBACK in self.types:
            return self.complaint(gate)
        if any(each.startswith("application/tlsrpt") for each in self.types):
            return self.made("other", [], gate)
        blocks = [block for text in self.status for block in dsn.blocks(text)]
        if not any(block.recipient for block in blocks):
            if not self.status and self.is_disposition():
                return self.made("disposition", [], gate)
            blocks = self.fallback(gate) or blocks or self.unknown(gate)
        if not blocks:
            return self.made("other", [], gate) if gate.because == _REPORT else None
        actions = {each.action for each in blocks}
        kind = next((each for each in ("failed", "delayed") if each in actions), "delivered")
        return self.made(kind, blocks, gate)

    def complaint(self, gate: Gate) -> Report:
        """Who complained of the message; without findings where nobody did."""
        from mailgate.reports import feedback

        told = feedback.read(self.feedback, next(iter(self.returned), ""))
        found = self.made("feedback", [], gate)
        addresses = tuple(dict.fromkeys((*told.mail_from, *found.return_addresses)))[:ADDRESSES_LIMIT]
        findings = tuple(
            Finding(each, "complaint", "", told.diagnostic, told.remote, "complaint", True) for each in told.recipients
        )
        return found._replace(findings=findings, return_addresses=addresses)

    def is_disposition(self) -> bool:
        """Whether it tells what a reader did (RFC 8098); a filter that refuses (RFC 5429) says so."""
        content_type = lower(" ".join(self.message.plain("content-type")))
        if not self.disposition.strip() and "disposition-notification" not in content_type:
            return False
        refused = "(rejected)" in " ".join(self.message.plain("auto-submitted"))
        return not (refused and "final-recipient" in lower(self.disposition))

    def fallback(self, gate: Gate) -> "list[Block]":
        """What a report says that has no readable status part."""
        from mailgate.reports import dsn, notice
        from mailgate.values import address

        message = self.message
        exim = [each for value in message.plain("x-failed-recipients") for each in address.mailboxes(value)]
        words = self.words if gate.trust == SURE else notice.unquoted(self.words)  # a ticket system quotes reports
        said = notice.split(words).said
        if exim:
            action = "delayed" if notice.delayed(f"{message.subject}\n{said}") else "failed"
            whole = notice.said_in(said.split("\n"))
            return [notice.block(str(each), action, [], whole) for each in exim]
        fields = [block for text in (self.disposition, words) for block in dsn.blocks(text) if block.recipient]
        if fields or gate.trust == FIELDS:
            return fields if gate.trust > FIELDS else []
        told = notice.failed(f"{message.subject}\n{said}") or (gate.trust == SURE and dsn.enhanced(said))
        if not told or (gate.trust == COPY and not self.returned):
            return []
        return self.inner() or self.named(gate, said)

    def named(self, gate: Gate, said: str) -> "list[Block]":
        """The recipients a notice names in words; flufl.bounce is asked where only a guess is left."""
        from mailgate.reports import notice

        message = self.message
        addresses = (message.author.address, message.envelope.reverse_path, *message.to, *message.cc)
        own = frozenset(str(each).lower() for each in addresses if each)
        host = message.author.address.domain if message.author.address and gate.trust == SURE else ""
        plain = notice.blocks(said, own, message.subject, host, notice.PLAIN)
        if plain or gate.trust < SURE:
            return plain
        return notice.known(message, self.words, own) or notice.blocks(said, own, message.subject, host, notice.GUESS)

    def unknown(self, gate: Gate) -> "list[Block]":
        """A failure of which nothing more can be understood: kept, never dropped."""
        from mailgate.reports import notice

        envelope = self.message.envelope
        said = notice.split(self.words).said
        if gate.trust < SURE or not notice.failed(f"{self.message.subject}\n{said}"):
            return []
        if gate.because != _REPORT and not (envelope.stated and envelope.reverse_path is None):
            return []  # a postmaster is a person too
        action = "delayed" if notice.delayed(f"{self.message.subject}\n{said}") else "failed"
        return [notice.block(None, action, [], notice.said_in(said.split("\n")))]

    def inner(self) -> "list[Block]":
        """The status part of a report that a gateway wrapped in one of its own."""
        if self.nested is None:
            return []
        from mailgate.mail import mime
        from mailgate.reports import dsn

        tree = mime.tree(mime.body(self.tree.raw, self.nested))
        reader = _Reader(self.message, tree)
        self.returned += reader.returned
        return [each for text in reader.status for each in dsn.blocks(text) if each.recipient]

    def explained(self, blocks: "list[Block]") -> "list[Block]":
        """Blocks without a diagnostic, with what the words beside the status part say."""
        from mailgate.reports import dsn, notice
        from mailgate.values import charset

        rows = notice.split(self.words).said.split("\n")
        said = charset.line(notice.diagnostic(rows), dsn.DIAGNOSTIC_LIMIT)
        return [block._replace(diagnostic=said) for block in blocks]

    def made(self, kind: str, blocks: "list[Block]", gate: Gate) -> Report:
        """The report of these recipients."""
        if blocks and not any(block.diagnostic for block in blocks):
            blocks = self.explained(blocks)
        findings = tuple(dict.fromkeys(_finding(block) for block in blocks))
        original = self.original()
        ids = tuple(dict.fromkeys((*original.ids, *self.message.references)))[:IDS_LIMIT]
        return Report(kind, findings, ids, gate.because, original.addresses[:ADDRESSES_LIMIT])

    def original(self) -> "Returned":
        """What the surest place tells of the original message: candidate ids and return addresses, the best first."""
        from mailgate.reports import returned

        ids: list[str] = []
        addresses: list[str] = []
        for texts in self.places():
            found = [returned.read(text) for text in texts]
            ids = [each for text in found for each in text.ids]
            addresses = addresses or [each for text in found for each in text.addresses]
            if ids:
                break
        return returned.Returned(tuple(ids), tuple(dict.fromkeys(addresses)))

    def places(self) -> "Iterator[Sequence[str]]":
        """Where the original message may be told of, each asked for only where those before it do not name it."""
        yield self.returned
        from mailgate.reports import notice

        yield notice.split(self.words).copy, self.words, self.disposition, self.feedback, *self.status
        # broken MIME: part headers, and parts of a type that nobody knows
        raw = self.tree.raw[self.message.body_at : self.message.body_at + TEXT_LIMIT]
        yield (raw.decode("latin-1"),)


def _finding(block: "Block") -> Finding:
    from mailgate.reports import reason

    delivered = block.action not in ("failed", "delayed")
    kind = "unknown" if delivered else reason.kind(block.status, block.diagnostic)
    permanent = reason.permanent(block.action, block.status, kind)
    return Finding(block.recipient, block.action, block.status, block.diagnostic, block.remote, kind, permanent)
