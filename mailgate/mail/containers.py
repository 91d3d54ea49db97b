"""Open what holds other content: signed S/MIME, winmail.dat, files in text, the two halves of a file of a Macintosh.

The result is a tree like that of the MIME parts, in which each of these stands as a multipart with what is in it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from mailgate.mail import cms, mime, tnef, uuencode
from mailgate.mail.files import File
from mailgate.mail.mime import Part, Tree

DEPTH_LIMIT = 5
"""Containers within containers that are opened."""
_SMIME = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_TNEF = ("application/ms-tnef", "application/vnd.ms-tnef")
_ARMOUR = re.compile(rb"^-----BEGIN PGP (SIGNED )?MESSAGE-----[ \t\r]*$", re.MULTILINE)


class Node(NamedTuple):
    """A part, and the octets that its offsets count in: those of the message, or of what a container holds."""

    raw: bytes
    part: Part
    parts: tuple["Node", ...] = ()

    def octets(self) -> bytes:
        """The decoded octets."""
        return mime.body(self.raw, self.part)

    def leaves(self) -> Iterator["Node"]:
        """The nodes without others in them, in order."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


class Opened(NamedTuple):
    """A message whose containers are open. `encrypted`, `signed`: None, "smime" or "pgp"; `armoured`: within text."""

    root: Node
    encrypted: str | None
    signed: str | None
    armoured: bool
    defects: tuple[str, ...]


def opened(tree: Tree) -> Opened:
    """A message with its containers open."""
    opener = _Opener()
    opener.note(tree.defects)
    root = opener.node(tree.raw, tree.root, 0)
    return Opened(root, opener.encrypted, opener.signed, opener.armoured, tuple(opener.defects))


def closed(tree: Tree) -> Opened:
    """A message whose containers stay files or text."""
    return Opened(_closed(tree.raw, tree.root), None, None, False, tree.defects)


def _closed(raw: bytes, part: Part) -> Node:
    return Node(raw, part, tuple(_closed(raw, child) for child in part.parts))


class _Opener:
    """What is noted on the way through the parts of one message."""

    def __init__(self) -> None:
        self.encrypted: str | None = None
        self.signed: str | None = None
        self.armoured = False
        self.defects: dict[str, None] = {}

    def note(self, defects: tuple[str, ...]) -> None:
        self.defects.update(dict.fromkeys(defects))

    def node(self, raw: bytes, part: Part, depth: int) -> Node:
        """The node of a part."""
        self.protect(part)
        if part.parts:
            parts = part.parts
            if part.type == "multipart/appledouble":
                parts = _one_file(parts)
            return Node(raw, part, tuple(self.node(raw, child, depth) for child in parts))
        node = Node(raw, part)
        if depth >= DEPTH_LIMIT:
            return node
        name = part.name.lower()
        if part.type in _SMIME or (name.endswith(".p7m") and part.type == "application/octet-stream"):
            return self.sealed(node, depth)
        if part.type in _TNEF or name == "winmail.dat":
            found = tnef.read(node.octets())
            return _divided(node, _wrapped(found)) if found else node
        if part.type.startswith("text/") and part.type != "text/html":
            return self.text(node)
        return node

    def protect(self, part: Part) -> None:
        """Note what a part says of encryption and signatures."""
        if part.type in ("multipart/encrypted", "application/pgp-encrypted"):
            self.encrypted = self.encrypted or ("smime" if "pkcs7" in part.variant else "pgp")
        elif part.type in ("multipart/signed", "application/pgp-signature"):
            self.signed = self.signed or ("smime" if "pkcs7" in part.variant else "pgp")

    def sealed(self, node: Node, depth: int) -> Node:
        """S/MIME: opened where it is only signed."""
        found = cms.read(node.octets())
        if found.kind == "encrypted" or (not found.kind and node.part.variant == "enveloped-data"):
            self.encrypted = self.encrypted or "smime"
        if found.content is None:
            return node
        self.signed = self.signed or "smime"
        tree = mime.tree(found.content)
        self.note(tree.defects)
        return Node(node.raw, _container(node.part), (self.node(tree.raw, tree.root, depth + 1),))

    def text(self, node: Node) -> Node:
        """Text without the files in it."""
        data = node.octets()
        armour = _ARMOUR.search(data) if b"-----BEGIN PGP " in data else None
        if armour and armour[1]:
            self.signed = self.signed or "pgp"
        elif armour:
            self.encrypted, self.armoured = self.encrypted or "pgp", True
        rest, files = uuencode.split(data)
        if not files:
            return node
        text = node.part._replace(encoding="", start=0, end=len(rest))
        return _divided(node, (Node(rest, text), *map(_file, files)))


def _one_file(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The data of a file of a Macintosh, without the half that only such a computer reads."""
    fork, *data = parts
    if fork.type != "application/applefile" or not data:
        return parts
    first = data[0] if data[0].name else data[0]._replace(name=fork.name)
    return (first, *data[1:])


def _wrapped(found: tnef.Opened) -> tuple[Node, ...]:
    """The nodes of what is in winmail.dat."""
    said = ("text/plain", found.text) if found.text.strip() else ("text/html", found.html)
    nodes = tuple(map(_file, found.files))
    if not said[1]:
        return nodes
    data = said[1].encode()
    return (Node(data, Part(said[0], "utf-8", "", "", "", "", 0, 0, len(data))), *nodes)


def _file(file: File) -> Node:
    part = Part(file.type, "", "attachment", file.name, file.content_id, "", 0, 0, len(file.data))
    return Node(file.data, part)


def _container(part: Part) -> Part:
    return part._replace(type="multipart/mixed", name="", start=part.end)


def _divided(node: Node, parts: tuple[Node, ...]) -> Node:
    """A part that turned out to be a container; one without anything in it stays a file."""
    return Node(node.raw, _container(node.part), parts) if parts else node
