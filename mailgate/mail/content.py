"""Read the text, the HTML and the attachments of a message, when they are displayed and never on delivery.

The text is the plain text, or that of the HTML where there is no other, with signatures and quoted history. Every part
that is not text, has a file name or is a message of its own is an attachment.
"""

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from mailgate.mail import markup, mime, tags
from mailgate.mail.mime import Part, Tree
from mailgate.values import charset, digest

_CID = re.compile(r"""cid:([^\s"'<>()]++)""", re.IGNORECASE)
_ASCII = frozenset(("", "ascii", "us-ascii", "ansi_x3.4-1968"))
# Types of text/ that hold data for a program.
_DATA = frozenset(("calendar", "x-vcalendar", "vcard", "x-vcard", "directory", "csv", "xml", "rtf", "rfc822-headers"))


class Attachment(NamedTuple):
    """A file in a message, without its octets, which `attachment_bytes` returns.

    `name` is one clean line without a path, "attachment" or "message.eml" where the message has none. It is there for
    people to read; it is not a path to write to. `size`: decoded octets. `inline`: the HTML refers to it (RFC 2392).
    """

    name: str
    type: str
    size: int
    inline: bool


class Content(NamedTuple):
    """The content of a message as clean text, never trimmed. `html` is untrusted: never render it as it is."""

    text: str
    html: str
    attachments: tuple[Attachment, ...]
    defects: tuple[str, ...]


class _Body(NamedTuple):
    """The decoded leaves under a part that are text: `pieces` make its text, `html` is all HTML."""

    pieces: list["_Piece"]
    html: list[str]


class _Piece(NamedTuple):
    type: str
    text: str

    @property
    def blank(self) -> bool:
        """Whether it is empty: some mailers send an empty plain text with the HTML."""
        return self.text == "" or self.text.isspace()


def content(raw: bytes) -> Content:
    """The content of a message as received, with or without an mbox `From ` line; any octets are a message."""
    tree = mime.tree(raw)
    defects = dict.fromkeys(tree.defects)
    body = _body(tree, tree.root, defects)
    html = "\n".join(body.html)
    files = _files(tree)
    inline = _referred(html, {part.content_id for part in files if part.content_id})
    attachments = tuple(
        Attachment(
            name=part.name or ("message.eml" if _is_message(part) else "attachment"),
            type=part.type,
            size=len(mime.body(tree.raw, part)),
            inline=part.content_id in inline,
        )
        for part in files
    )
    return Content(_text(body.pieces, defects), html, attachments, tuple(defects))


def attachment_bytes(raw: bytes, index: int) -> bytes:
    """The decoded octets of attachment `index` of `content(raw).attachments`. Raises IndexError if there is none."""
    return attachment_reader(raw)(index)


def attachment_reader(raw: bytes) -> Callable[[int], bytes]:
    """The same for many attachments of a message, which is parsed once."""
    tree = mime.tree(raw)
    files = _files(tree)

    def read(index: int) -> bytes:
        if index < 0:
            raise IndexError(index)
        return mime.body(tree.raw, files[index])

    return read


def file_digests(raw: bytes) -> frozenset[str]:
    """The SHA-256 of the decoded octets of each attachment of `content(raw)`."""
    tree = mime.tree(raw)
    return frozenset(digest.sha256(mime.body(tree.raw, part)).hexdigest() for part in _files(tree))


def _is_message(part: Part) -> bool:
    return part.type in ("message/rfc822", "message/global")


def _is_file(part: Part) -> bool:
    """Whether a leaf is an attachment; text of an unknown subtype is text (RFC 2046, 4.1.4)."""
    main, _, sub = part.type.partition("/")
    return bool(part.name) or part.disposition == "attachment" or main != "text" or sub in _DATA


def _files(tree: Tree) -> list[Part]:
    return [
        part
        for part in mime.leaves(tree.root)
        if _is_file(part) and (part.start < part.end or not part.type.startswith("multipart/"))
    ]


def _referred(html: str, ids: set[str]) -> set[str]:
    """The Content-IDs, of those given, that the HTML refers to by cid: URLs."""
    if not ids:
        return ids
    return {cid for match in _CID.finditer(html) if (cid := unquote(tags.entities(match[1]))) in ids}


def _body(tree: Tree, part: Part, defects: dict[str, None]) -> _Body:
    if not part.parts:
        if _is_file(part):
            return _Body([], [])
        text = _decoded(tree, part, defects)
        return _Body([_Piece(part.type, text)], [text] if part.type == "text/html" else [])
    bodies = [_body(tree, child, defects) for child in part.parts]
    html = [text for body in bodies for text in body.html]
    if part.type == "multipart/alternative":
        return _Body(_choice(bodies), html)
    return _Body([piece for body in bodies for piece in body.pieces], html)


def _choice(bodies: list[_Body]) -> list[_Piece]:
    """The alternative that is read: the plain text, else the last and richest one (RFC 2046, 5.1.4)."""
    choices = [body.pieces for body in bodies if body.pieces]
    for type_, order in (("text/plain", choices), ("text/html", choices[::-1])):
        for pieces in order:
            if any(piece.type == type_ and not piece.blank for piece in pieces):
                return pieces
    return choices[0] if choices else []


def _decoded(tree: Tree, part: Part, defects: dict[str, None]) -> str:
    codec = charset.codec(part.charset)
    if not codec and part.charset.lower() not in _ASCII:
        defects[f"unknown charset: {charset.printable(part.charset)}"] = None
    if codec in ("utf-7", "utf-16", "utf-32"):  # hides text from software that reads ASCII
        defects[f"unusual charset: {codec}"] = None
    return charset.clean(charset.decode(mime.body(tree.raw, part), part.charset))


def _text(pieces: list[_Piece], defects: dict[str, None]) -> str:
    """The pieces in order, without the HTML that follows plain text.

    HTML in front of plain text is the message, and the plain text a footer that a list appended. HTML behind plain text
    repeats it, from a mailer that writes mixed for alternative, or ends a frame.
    """
    out: list[str] = []
    has_plain_text = False
    html_left = markup.LIMIT
    for piece in pieces:
        text = piece.text
        if piece.type == "text/html":
            if has_plain_text:
                continue
            if len(text) > html_left:
                defects[f"truncated: more than {markup.LIMIT} characters of HTML"] = None
            text = markup.readable(text[:html_left])
            html_left -= min(html_left, len(piece.text))
        elif not piece.blank:
            has_plain_text = True
        if out and text and not out[-1].endswith("\n"):
            out.append("\n")
        if text:
            out.append(text)
    return "".join(out)
