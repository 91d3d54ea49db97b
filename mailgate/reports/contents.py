"""Sort the parts of a report: status fields, the words of the notice, the returned message."""

from functools import cached_property

from mailgate.mail import markup, mime
from mailgate.mail.mime import Part, Tree
from mailgate.reports import evidence, phrases, plaintext
from mailgate.reports.plaintext import Notice
from mailgate.values import charset
from mailgate.values.address import lower

TEXT_LIMIT = 64 * 1024
"""Octets of one part, and characters of all text together, that are read."""
_HTML_LIMIT = 3
"""Parts with HTML that are read."""

FEEDBACK = "message/feedback-report"
_MESSAGES = frozenset(("message/rfc822", "message/global", "message/partial"))
_RETURNED = frozenset((*_MESSAGES, "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"))
_DISPOSITION = frozenset(("message/disposition-notification", "message/global-disposition-notification"))
_STATUS_FIELDS = ("reporting-mta:", "final-recipient:", "original-recipient:")


class Contents:
    """The decoded texts of one report.

    `types`: the types of all parts. `status`: status parts (RFC 3464). `returned`: what is given back of the original
    message, attached texts included. `disposition` and `feedback`: such a part, "" without one. `words`: all text that
    is meant to be read. `enclosed`: the first complete message among the parts.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.types: set[str] = set()
        self.status: list[str] = []
        self.returned: list[str] = []
        self.disposition = ""
        self.feedback = ""
        self.enclosed: Part | None = None
        texts: list[str] = []
        attached: list[str] = []
        html: list[Part] = []
        for part in mime.leaves(tree.root):
            self.types.add(part.type)
            if part.type in _RETURNED:
                self.returned.append(self._text(part))
                if self.enclosed is None and part.type in _MESSAGES:
                    self.enclosed = part
            elif part.type.endswith("delivery-status"):
                self.status.append(self._text(part))
            elif part.type in _DISPOSITION:
                self.disposition = self.disposition or self._text(part)
            elif part.type == FEEDBACK:
                self.feedback = self.feedback or self._text(part)
            elif part.type == "text/html":
                html.append(part)
            elif part.type.startswith("application/") and tree.root.type == evidence.REPORT:
                text = self._text(part)  # from a server that has no better type for status fields
                self.status += [text] if lower(text.lstrip()[:20]).startswith(_STATUS_FIELDS) else []
            elif part.type.startswith(("text/", "message/")):
                (attached if part.disposition == "attachment" else texts).append(self._text(part))
        # The plain text next to HTML may be empty, or only a footer that was added on the way.
        if html and not any(text.strip() and phrases.failed(text) for text in texts):
            texts[:0] = [markup.text(self._text(part)) for part in html[:_HTML_LIMIT]]
        self.words = "\n".join(texts)[:TEXT_LIMIT]
        self.returned += attached

    @cached_property
    def notice(self) -> Notice:
        """The words of the mail system, and the copy of the original message below them."""
        return plaintext.split(self.words)

    def open_enclosed(self) -> list[str]:
        """The status parts of the enclosed message. What that message gives back is then given back by this one."""
        if self.enclosed is None:
            return []
        inner = Contents(mime.tree(mime.body(self.tree.raw, self.enclosed)))
        self.returned += inner.returned
        return inner.status

    def _text(self, part: Part) -> str:
        """The start of a part, decoded, with LF line ends."""
        short = part._replace(end=min(part.end, part.start + TEXT_LIMIT + TEXT_LIMIT // 2))
        return charset.clean(charset.decode(mime.body(self.tree.raw, short), part.charset))[:TEXT_LIMIT]
