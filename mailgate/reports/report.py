"""Read a delivery report, of any dialect, into one finding per recipient.

Behind the gate the reader tries what is surest first: the fields of RFC 3464, then Exim's field, such fields in broken
MIME, and last the words of the notice. What reads a body is imported behind the gate: an ordinary delivery pays for
nothing of it.
"""

from typing import TYPE_CHECKING, NamedTuple

from mailgate.mail import classify
from mailgate.mail.message import Message
from mailgate.reports import evidence as gates
from mailgate.reports.evidence import COPY, FIELDS, HINT, NOTIFIED, NULL, REPORT, SURE, Gate
from mailgate.values.address import lower

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailgate.mail.mime import Part, Tree
    from mailgate.reports.dsn import Block
    from mailgate.reports.original import Returned
    from mailgate.reports.plaintext import Notice

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
    from them. `basis` is what all of it was read from: fields, words, guess or opaque.
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
    gate = gates.of(message, expected=expected)
    if not gate:
        return None
    from mailgate.mail import mime

    found = _Reader(message, mime.tree(message.raw)).report(gate)
    if found is None and expected:
        kind = classify.classify(message)
        if kind.name == "automatic" and kind.because != NULL:  # by a field of its own
            return Report("automatic", (), message.references[:IDS_LIMIT], kind.because)
    return found


def summary(told: Report) -> str:
    """A report in one line: what became of whom."""
    named = [f"{each.action} {each.status} for {each.recipient or 'nobody named'}" for each in told.findings[:3]]
    more = f" and {len(told.findings) - 3} more" if len(told.findings) > 3 else ""
    return (", ".join(" ".join(each.split()) for each in named) or told.kind) + more


_BLANK = b"\xef\xbb\xbf\r\n \t"


def _unheaded(raw: bytes) -> bool:
    """Whether something invisible stands in front of the header."""
    return raw[:1] in (b"\n", b"\r", b"\xef") and raw.startswith((b"\n", b"\r", b"\xef\xbb\xbf"))


_WHOLE = frozenset(("message/rfc822", "message/global", "message/partial"))
_RETURNED = frozenset((*_WHOLE, "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"))
_FEEDBACK = "message/feedback-report"
_DISPOSITION = frozenset(("message/disposition-notification", "message/global-disposition-notification"))


_STATUS = ("reporting-mta:", "final-recipient:", "original-recipient:")


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
            elif part.type.startswith("application/") and self.tree.root.type == REPORT:
                text = self.text(part)  # a server that knows no better type
                self.status += [text] if lower(text.lstrip()[:20]).startswith(_STATUS) else []
            elif part.type.startswith(("text/", "message/")):
                (attached if part.disposition == "attachment" else self.notice).append(self.text(part))
        if html and self.says_nothing():
            from mailgate.mail import markup

            self.notice[:0] = [markup.text(self.text(part)) for part in html[:3]]
        self.words = "\n".join(self.notice)[:TEXT_LIMIT]
        self.returned += attached

    def says_nothing(self) -> bool:
        """Whether the plain text beside an HTML part is empty, or a mere footer that somebody added on the way."""
        from mailgate.reports import phrases

        return not any(each.strip() and phrases.failed(each) for each in self.notice)

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
        if told := self.notified(gate):
            return told
        blocks = [block for text in self.status for block in dsn.blocks(text)]
        if not any(block.recipient for block in blocks):
            if not self.status and self.is_disposition():
                return self.made("disposition", [], gate)
            blocks = dsn.completed(blocks, self.fallback(gate)) or self.unknown(gate)
        elif gate.trust < HINT:
            blocks = [block._replace(basis=dsn.GUESS) for block in blocks]
        if not blocks:
            return self.made("other", [], gate) if gate.because == REPORT else None
        actions = {each.action for each in blocks}
        kind = next((each for each in ("failed", "delayed") if each in actions), "delivered")
        return self.made(kind, blocks, gate)

    def complaint(self, gate: Gate) -> Report:
        """Who complained of the message; without findings where nobody did."""
        from mailgate.reports import arf

        told = arf.read(self.feedback, next(iter(self.returned), ""))
        found = self.made("feedback", [], gate)
        addresses = tuple(dict.fromkeys((*told.mail_from, *found.return_addresses)))[:ADDRESSES_LIMIT]
        findings = tuple(_complaint(each, told.diagnostic, told.remote) for each in told.recipients)
        return found._replace(findings=findings, return_addresses=addresses)

    def notified(self, gate: Gate) -> Report | None:
        """What Amazon tells in JSON; whoever else writes so has only guessed."""
        if not self.words[:200].lstrip().startswith("{"):
            return None
        from mailgate.reports import dsn, ses

        told = ses.read(self.words)
        if told is None:
            return None
        complained = told.action == "complaint"
        found = self.made("feedback" if complained else told.action, [] if complained else told.blocks, gate)
        findings = found.findings
        if complained:
            findings = tuple(_complaint(each.recipient, "", "") for each in told.blocks) or (_complaint(None, "", ""),)
        if gate.trust < HINT and gate.because != NOTIFIED:
            findings = tuple(each._replace(basis=dsn.GUESS) for each in findings)
        ids = tuple(dict.fromkeys((*told.original.ids, *found.message_ids)))[:IDS_LIMIT]
        return found._replace(findings=findings, message_ids=ids, return_addresses=told.original.addresses)

    def is_disposition(self) -> bool:
        """Whether it tells what a reader did (RFC 8098); a filter that refuses (RFC 5429) says so."""
        content_type = lower(" ".join(self.message.plain("content-type")))
        if not self.disposition.strip() and "disposition-notification" not in content_type:
            return False
        refused = "(rejected)" in " ".join(self.message.plain("auto-submitted"))
        return not (refused and "final-recipient" in lower(self.disposition))

    def fallback(self, gate: Gate) -> "list[Block]":
        """What a report says that has no readable status part; what no mail system vouches for is a guess."""
        from mailgate.reports import dsn

        found = self.in_fields(gate) or (self.in_words(gate) if gate.trust > FIELDS else [])
        return found if gate.trust == SURE else [block._replace(basis=dsn.GUESS) for block in found]

    def in_fields(self, gate: Gate) -> "list[Block]":
        """The recipients that Exim's field names, else the fields of RFC 3464 in broken MIME."""
        from mailgate.reports import dsn, plaintext
        from mailgate.values import mailboxes

        message = self.message
        exim = [str(each) for value in message.plain("x-failed-recipients") for each in mailboxes.read(value)]
        if exim:
            return plaintext.of_these(exim, plaintext.split(self.words).said, message.subject)
        if gate.trust == FIELDS:
            return []
        return [
            block for text in (self.disposition, self.said_by(gate)) for block in dsn.blocks(text) if block.recipient
        ]

    def said_by(self, gate: Gate) -> str:
        """The words of whoever wrote it: a ticket system quotes reports."""
        from mailgate.reports import plaintext

        return self.words if gate.trust == SURE else plaintext.unquoted(self.words)

    def in_words(self, gate: Gate) -> "list[Block]":
        """The recipients that a notice of failure, or of a success, names in words."""
        from mailgate.reports import dsn, plaintext

        told = plaintext.split(self.said_by(gate))
        basis = self.basis(gate, told)
        if not basis:
            return []
        if basis in (dsn.GUESS, dsn.OPAQUE) and gate.trust == SURE:
            return [each._replace(basis=basis) for each in self.named(gate._replace(trust=HINT), told.said)]
        return self.inner() or self.named(gate, told.said)

    def basis(self, gate: Gate, told: "Notice") -> str:
        """What a failure, a delay or a success is read from: the words, a guess; "" where there is none.

        What a daemon gives back, or sends to a bounce address, in a language that nobody here speaks, has failed.
        """
        from mailgate.reports import dsn, phrases

        text = f"{self.message.subject}\n\n{told.said}"
        failed = phrases.failed(text)
        if gate.trust == SURE:
            if failed or dsn.enhanced(told.said):
                return dsn.WORDS if self.surely(gate, told, text) else dsn.GUESS
            if gate.daemon and (phrases.delivered(text) or phrases.delayed(text)):
                return dsn.WORDS
            return dsn.OPAQUE if gate.daemon and (gate.expected or self.returned or told.copy) else ""
        if not failed or (gate.trust == COPY and not self.returned):
            return ""
        return dsn.GUESS if self.surely(gate, told, text) else ""

    def surely(self, gate: Gate, told: "Notice", text: str) -> bool:
        """Whether it is mail that failed: people and other programs speak of failures, too, a postmaster is both."""
        from mailgate.reports import phrases

        return self.plainly(gate, told) or phrases.of_mail(text)

    def plainly(self, gate: Gate, told: "Notice") -> bool:
        """Whether a mail system says so by its name, by a code, or by what it gives back."""
        from mailgate.reports import dsn

        copied = gate.trust > COPY and (self.returned or told.copy)
        return bool(gate.daemon or gate.because == REPORT or copied or dsn.enhanced(told.said))

    def named(self, gate: Gate, said: str) -> "list[Block]":
        """The recipients a notice names in words; flufl.bounce is asked where only a guess is left."""
        from mailgate.reports import plaintext, recipients

        message = self.message
        addresses = (message.author.address, message.envelope.reverse_path, *message.to, *message.cc)
        own = frozenset(str(each).lower() for each in addresses if each)
        host = message.author.address.domain if message.author.address and gate.trust == SURE else ""
        plain = plaintext.blocks(said, own, message.subject, host, recipients.PLAIN)
        if plain or gate.trust < SURE:
            return plain
        return plaintext.known(message, self.words, own) or plaintext.blocks(
            said, own, message.subject, host, recipients.GUESS
        )

    def unknown(self, gate: Gate) -> "list[Block]":
        """A failure of which nothing more can be understood: kept, never dropped.

        A postmaster is a person too, and sends warnings and lists of what a filter took: his words alone are noted at
        a bounce address, and prove nothing.
        """
        from mailgate.reports import dsn, plaintext

        if gate.trust < SURE or not (gate.because == REPORT or gate.daemon or (gate.expected and self.is_null())):
            return []
        told = plaintext.split(self.words)
        basis = self.basis(gate, told)
        if basis == dsn.WORDS and not self.plainly(gate, told):
            basis = dsn.GUESS
        return plaintext.of_nobody(told.said, self.message.subject, basis) if basis else []

    def is_null(self) -> bool:
        """Whether it has the null reverse-path."""
        return self.message.envelope.stated and self.message.envelope.reverse_path is None

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
        from mailgate.reports import dsn, plaintext
        from mailgate.values import charset

        rows = plaintext.split(self.words).said.split("\n")
        said = charset.line(plaintext.diagnostic(rows), dsn.DIAGNOSTIC_LIMIT)
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
        from mailgate.reports import original as returned

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
        from mailgate.reports import plaintext

        yield plaintext.split(self.words).copy, self.words, self.disposition, self.feedback, *self.status
        # broken MIME: part headers, and parts of a type that nobody knows
        raw = self.tree.raw[self.message.body_at : self.message.body_at + TEXT_LIMIT]
        yield (raw.decode("latin-1"),)


def _complaint(recipient: str | None, diagnostic: str, remote: str) -> Finding:
    return Finding(recipient, "complaint", "", diagnostic, remote, "complaint", True)


def _finding(block: "Block") -> Finding:
    """The finding of a block. What was not understood at all may have ended well, or may still."""
    from mailgate.reports import diagnosis, dsn

    delivered = block.action not in ("failed", "delayed")
    kind = "unknown" if delivered else diagnosis.kind(block.status, block.diagnostic)
    permanent = block.basis != dsn.OPAQUE and diagnosis.permanent(block.action, block.status, kind)
    told = (block.recipient, block.action, block.status, block.diagnostic, block.remote)
    return Finding(*told, kind, permanent, block.basis)
