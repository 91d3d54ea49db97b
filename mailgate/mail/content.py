"""Read the text, the HTML and the attachments of a message, when they are displayed.

On delivery a message is read, with its containers closed, only to compare it with one that is stored already.

The text is the plain text, or that of the HTML where it says more, with signatures and quoted history. Every part that
is not text, has a file name or is a message of its own is an attachment.
"""

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from mailgate.mail import calendar, containers, files, flowed, header, markup, mime, tags, words
from mailgate.mail.calendar import Calendar
from mailgate.mail.containers import Node, Opened
from mailgate.values import charset, digest, mailboxes

ENCRYPTED = "encrypted: only the recipient's mail program can read it"
"""What an encrypted message says."""
_CID = re.compile(r"""cid:([^\s"'<>()]++)""", re.IGNORECASE)
_META = re.compile(rb"<meta[^>]{0,500}?charset\s{0,9}=\s{0,9}[\"']?([a-z0-9._:-]{2,40})", re.IGNORECASE)
_META_LIMIT = 8192
"""Octets of HTML in which its charset is looked for."""
_HTML = re.compile(r"\s{0,200}(?:<!doctype html\b|<html\b)", re.IGNORECASE)
_ASCII = frozenset(("", "ascii", "us-ascii", "ansi_x3.4-1968"))
# Types of text/ that hold data for a program.
_DATA = frozenset(("calendar", "x-vcalendar", "vcard", "x-vcard", "directory", "csv", "xml", "rtf", "rfc822-headers"))
_CALENDARS = ("text/calendar", "application/ics", "text/x-vcalendar")
_EVENTS_LIMIT = 5
"""Calendars that are read."""


class Attachment(NamedTuple):
    """A file in a message, without its octets, which `attachment_bytes` returns.

    `name` is one clean line without a path, made from the type and the rest of the part where the message has none. It
    is there for people to read; it is not a path to write to. `size`: decoded octets. `inline`: the HTML refers to it
    (RFC 2392). `subject`, `author`: those of an attached message, as written, `""` for other files.
    """

    name: str
    type: str
    size: int
    inline: bool
    subject: str = ""
    author: str = ""


class Content(NamedTuple):
    """The content of a message as clean text, never trimmed. `html` is untrusted: never render it as it is.

    `encrypted`, `signed`: None, "smime" or "pgp"; no signature is verified. `calendar`: the first event.
    """

    text: str
    html: str
    attachments: tuple[Attachment, ...]
    defects: tuple[str, ...]
    encrypted: str | None = None
    signed: str | None = None
    calendar: Calendar | None = None


class _Body(NamedTuple):
    """The decoded leaves under a part that are text: `pieces` make its text, `html` is all HTML."""

    pieces: list["_Piece"]
    html: list[str]


class _Piece(NamedTuple):
    """A text; of HTML what a person sees of it."""

    type: str
    text: str

    @property
    def blank(self) -> bool:
        """Whether it is empty: some mailers send an empty plain text with the HTML."""
        return self.text == "" or self.text.isspace()


def content(raw: bytes) -> Content:
    """The content of a message as received, with or without an mbox `From ` line; any octets are a message."""
    return _content(containers.opened(mime.tree(raw)))


def unopened(raw: bytes) -> tuple[str, frozenset[str]]:
    """Text and SHA-256 digests of the attachments with all containers closed and no calendar read, for a comparison."""
    closed = containers.closed(mime.tree(raw))
    reader = _Reader(closed)
    nodes = _files(closed.root, reader.named)
    digests = frozenset(digest.sha256(node.octets()).hexdigest() for node in nodes)
    return reader.text(reader.body(closed.root).pieces), digests


def _content(opened: Opened) -> Content:
    reader = _Reader(opened)
    body = reader.body(opened.root)
    html = "\n".join(body.html)
    found = _files(opened.root, reader.named)
    inline = _referred(html, {node.part.content_id.lower() for node in found if node.part.content_id})
    attachments = tuple(_attachment(node, inline) for node in found)
    events = _events(found, reader)
    text = reader.text(body.pieces)
    if opened.encrypted and not opened.armoured:
        text = _joined([text, f"{ENCRYPTED}\n"])
    elif opened.encrypted:
        reader.defects[ENCRYPTED] = None
    for event in reversed(events):  # in front of the text, whose end may be quoted history
        text = f"{event.text()}\n{text}" if text.strip() else event.text()
    return Content(
        text=text,
        html=html,
        attachments=attachments,
        defects=tuple(reader.defects),
        encrypted=opened.encrypted,
        signed=opened.signed,
        calendar=events[0] if events else None,
    )


def attachment_bytes(raw: bytes, index: int) -> bytes:
    """The decoded octets of attachment `index` of `content(raw).attachments`. Raises IndexError if there is none."""
    return attachment_reader(raw)(index)


def attachment_reader(raw: bytes) -> Callable[[int], bytes]:
    """The same for many attachments of a message, which is parsed once."""
    root = containers.opened(mime.tree(raw)).root
    found = _files(root, _named_body(root))

    def read(index: int) -> bytes:
        if index < 0:
            raise IndexError(index)
        return found[index].octets()

    return read


def _attachment(node: Node, inline: set[str]) -> Attachment:
    part, data = node.part, node.octets()
    subject = author = ""
    if _is_message(node):
        fields = header.scan(data[: header.LIMIT]).fields
        subject = charset.line(charset.decode_words(fields.get("subject", (b"",))[0], charset.declared(data)))
        author = charset.line(
            charset.decode_words(fields.get("from", (b"",))[0][: mailboxes.FIELD_LIMIT], charset.declared(data))
        )
        hints: tuple[str, ...] = (subject.replace("/", "-").replace("\\", "-"), part.description, "message")
    else:
        described = part.description
        where = files.location(described) if "/" in described else described
        hints = (where, files.location(part.content_id))
    return Attachment(
        name=files.named(part.name, part.type, hints),
        type=part.type,
        size=len(data),
        inline=part.content_id.lower() in inline,
        subject=subject,
        author=author,
    )


def _is_message(node: Node) -> bool:
    return node.part.type in ("message/rfc822", "message/global")


def _is_file(node: Node, named: frozenset[int]) -> bool:
    """Whether a leaf is an attachment; text of an unknown subtype is text (RFC 2046, 4.1.4).

    `named`: ids of the nodes that have a name, and are the body all the same.
    """
    part = node.part
    main, _, sub = part.type.partition("/")
    if part.disposition == "attachment" or main != "text" or sub in _DATA:
        return True
    return bool(part.name) and id(node) not in named


def _named_body(root: Node) -> frozenset[int]:
    """The ids of the named text parts that are the body, because no text without a name is there.

    That is the first one, and the other readings of the same text.
    """
    nothing: frozenset[int] = frozenset()
    first: Node | None = None
    for node in root.leaves():
        if _is_file(node, frozenset((id(node),))):
            continue
        if not node.part.name and not node.octets().isspace() and node.part.start < node.part.end:
            return nothing
        if node.part.name and first is None:
            first = node
    if first is None:
        return nothing
    readings = next((parent.parts for parent in _alternatives(root) if any(n is first for n in parent.parts)), (first,))
    return frozenset(id(node) for node in readings)


def _alternatives(node: Node) -> list[Node]:
    found = [each for part in node.parts for each in _alternatives(part)]
    return [node, *found] if node.part.type == "multipart/alternative" else found


def _files(root: Node, named: frozenset[int]) -> list[Node]:
    return [
        node
        for node in root.leaves()
        if _is_file(node, named) and (node.part.start < node.part.end or not node.part.type.startswith("multipart/"))
    ]


def _referred(html: str, ids: set[str]) -> set[str]:
    """The Content-IDs, of those given in lower case, that the HTML refers to by cid: URLs."""
    if not ids:
        return ids
    return {cid for match in _CID.finditer(html) if (cid := unquote(tags.entities(match[1])).lower()) in ids}


def _events(found: list[Node], reader: "_Reader") -> list[Calendar]:
    """The events of the calendars among the files, each once."""
    events: dict[Calendar, None] = {}
    calendars = [node for node in found if node.part.type in _CALENDARS or node.part.name.lower().endswith(".ics")]
    for node in calendars[:_EVENTS_LIMIT]:
        event = calendar.read(charset.clean(charset.decode(node.octets(), node.part.charset, reader.rest)))
        if event:
            events[event] = None
    return list(events)


class _Reader:
    """Reads the text of one message, and notes its defects."""

    def __init__(self, opened: Opened) -> None:
        self.defects = dict.fromkeys(opened.defects)
        self.html_left = markup.LIMIT
        self.named = _named_body(opened.root)
        labels = [node.part.charset for node in opened.root.leaves()]
        self.rest = next((label for label in labels if charset.codec(label) not in ("", "utf-8-sig")), "")

    def body(self, node: Node) -> _Body:
        """The text and the HTML under a part."""
        if not node.parts:
            if _is_file(node, self.named):
                return _Body([], [])
            text, type_ = self.decoded(node), node.part.type
            if type_ == "text/plain" and _HTML.match(text) and text.rstrip()[-7:].lower() == "</html>":
                type_ = "text/html"
            return _Body([_Piece(type_, self.readable(node, type_, text))], [text] if type_ == "text/html" else [])
        bodies = [self.body(child) for child in node.parts]
        html = [text for body in bodies for text in body.html]
        if node.part.type == "multipart/alternative":
            return _Body(_choice(bodies), html)
        return _Body([piece for body in bodies for piece in body.pieces], html)

    def decoded(self, node: Node) -> str:
        """The characters of a text part."""
        part, data = node.part, node.octets()
        codec = charset.codec(part.charset)
        if not codec and part.charset.lower() not in _ASCII:
            self.defects[f"unknown charset: {charset.printable(part.charset)}"] = None
        if codec in ("utf-7", "utf-16", "utf-32"):  # hides text from software that reads ASCII
            self.defects[f"unusual charset: {codec}"] = None
        meta = _META.search(data, 0, _META_LIMIT) if part.type == "text/html" else None
        return charset.clean(charset.decode(data, part.charset, meta[1].decode() if meta else self.rest))

    def readable(self, node: Node, type_: str, text: str) -> str:
        """What a person reads of a text part."""
        if type_ == "text/html":
            if len(text) > self.html_left:
                self.defects[f"truncated: more than {markup.LIMIT} characters of HTML"] = None
            readable = markup.readable(text[: self.html_left])
            self.html_left -= min(self.html_left, len(text))
            return readable
        if type_ in ("text/enriched", "text/richtext"):
            return flowed.plain(text, richtext=type_ == "text/richtext")
        if node.part.variant.startswith("flowed"):
            return flowed.joined(text, delsp=node.part.variant.endswith("delsp"))
        return text

    def text(self, pieces: list[_Piece]) -> str:
        """The pieces in order, without HTML behind plain text that repeats what was said."""
        said: frozenset[str] = frozenset()
        counted = 0  # pieces whose words are in `said`
        has_plain_text = False
        out: list[str] = []
        for piece in pieces:
            if piece.type == "text/html" and has_plain_text:
                said = said.union(*map(words.of, out[counted:]))
                counted = len(out)
                if words.repeats(piece.text, said):
                    continue
            has_plain_text |= piece.type != "text/html" and not piece.blank
            out.append(piece.text)
        return _joined(out)


def _joined(texts: list[str]) -> str:
    """Texts one below the other."""
    out: list[str] = []
    for text in texts:
        if out and text and not out[-1].endswith("\n"):
            out.append("\n")
        if text:
            out.append(text)
    return "".join(out)


def _choice(bodies: list[_Body]) -> list[_Piece]:
    """The alternative that is read: the plain text, else the last and richest one (RFC 2046, 5.1.4).

    Plain text that stands for HTML which says more gives way to it.
    """
    choices = [body.pieces for body in bodies if body.pieces]
    plain, html = _first("text/plain", choices), _first("text/html", choices[::-1])
    if plain and html and html is not plain:
        seen = "\n".join(piece.text for piece in html)
        return html if words.is_stub("\n".join(piece.text for piece in plain), seen) else plain
    return plain or html or (choices[0] if choices else [])


def _first(type_: str, choices: list[list[_Piece]]) -> list[_Piece]:
    """The first choice that says something in this type."""
    return next((pieces for pieces in choices if any(p.type == type_ and not p.blank for p in pieces)), [])
