"""Read the Content- fields of a message or part (RFC 2045, 2183, 2231) as loosely as mail programs write them."""

import re
from binascii import a2b_hex
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mailgate.values import charset

LIMIT = 50
"""Parameters of one field."""
NAME_LIMIT = 150
"""Octets of a file name in UTF-8: what file systems take, less a prefix."""

KNOWN_ENCODINGS = ("", "7bit", "8bit", "binary", "base64", "quoted-printable", "uuencode")
# Their letters and digits, as mailers spell and misspell them: "base-64", "quoted printable", "8 bit".
_ENCODINGS = re.compile(r"(?:x?(base6|b64)|x?(quotedp)|x?(uu)|([78]bit|binary)).*")
_ENCODING_NAMES = ("base64", "quoted-printable", "uuencode")
# Names that mailers write for other types (Odoo corrects the same two).
_CORRECTED = {"pdf": "application/pdf", "binary/octet-stream": "application/octet-stream"}

_TYPE = re.compile(rb"[a-z0-9!#$&*^_.+-]{1,127}(?:/[a-z0-9!#$&*^_.+-]{1,127})?", re.I)
# A separator may be missing or be white space; values without quotes may have spaces; quotes may never be closed.
_PARAMETER = re.compile(
    rb'(?<=[;\s])([^\s;="]{1,100}+)\s*+=\s*+(?:"((?:[^"\\]++|\\.)*)"?|([^;]*+))', re.S
)  # fmt: skip
_TOKEN = re.compile(rb"[a-z0-9-]{1,40}", re.I)
_QUOTED_PAIR = re.compile(rb'\\(["\\])')
_NOT_ALNUM = re.compile(r"[^a-z0-9]+")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


class Entity(NamedTuple):
    """What the Content- fields of a message or part say.

    `type`: lower case. `charset`: as declared, "" without one. `name`: the file name, one clean line without a path, ""
    without one. `boundary`: None without one. `encoding`: lower case, "" without one. `description`: what else names
    it, of Content-Description and Content-Location. `variant`: what tells more about the type, in lower case: "flowed"
    or "flowed delsp" (RFC 3676), the protocol of a signed or encrypted multipart, the `smime-type`.
    """

    type: str
    charset: str
    disposition: str
    name: str
    content_id: str
    encoding: str
    boundary: bytes | None
    description: str
    variant: str
    defects: tuple[str, ...]


def read(fields: Mapping[str, bytes], default: str, declared: Callable[[], str]) -> Entity:
    """The entity with these unfolded fields, by the rest of their names: `type` for Content-Type.

    `default`: its type where the field is missing. `declared`: finds the charset of raw octets beyond ASCII.
    """
    defects: list[str] = []
    rest = "" if all(map(bytes.isascii, fields.values())) else declared()
    head, parameters = _parse(fields.get("type", b""), defects)
    disposition, disposition_parameters = _parse(fields.get("disposition", b""), defects)
    encoding = _encoding(fields.get("transfer-encoding", b""))
    if encoding not in KNOWN_ENCODINGS:
        defects.append(f"unknown encoding: {encoding}")
    content_id = fields.get("id", b"")
    type_ = _type(head, default)
    boundary = parameters.get("boundary")
    if boundary is None and type_.startswith("multipart/"):
        boundary = _value(parameters, "boundary").encode() or None
    return Entity(
        type=type_,
        charset=charset.line(_value(parameters, "charset"), 80) if parameters else "",
        disposition=_token(disposition),
        name=file_name(_value(disposition_parameters, "filename", rest) or _value(parameters, "name", rest)),
        content_id=charset.line(content_id.decode("utf-8", "replace")).strip("<> ") if content_id else "",
        encoding=encoding,
        boundary=boundary,
        description=_description(fields, rest),
        variant=_variant(type_, parameters),
        defects=tuple(defects),
    )


def _description(fields: Mapping[str, bytes], rest: str) -> str:
    for name in ("description", "location"):
        if name in fields and (text := charset.line(charset.decode_words(fields[name], rest), 200)):
            return text
    return ""


def _variant(type_: str, parameters: Mapping[str, bytes]) -> str:
    if type_ == "text/plain" and parameters.get("format", b"").lower() == b"flowed":
        return "flowed delsp" if parameters.get("delsp", b"").lower() == b"yes" else "flowed"
    value = parameters.get("protocol") or parameters.get("smime-type") or b""
    return value[:80].decode("latin-1").lower()


def _encoding(value: bytes) -> str:
    """The transfer encoding that a field means, in lower case; as written where it is unknown."""
    token = _token(value)
    if token in KNOWN_ENCODINGS:
        return token
    match = _ENCODINGS.match(_NOT_ALNUM.sub("", value[:80].decode("latin-1").lower()))
    if not match:
        return token
    return match[4] or next(name for name, group in zip(_ENCODING_NAMES, match.groups(), strict=False) if group)


def _parse(value: bytes, defects: list[str]) -> tuple[bytes, dict[str, bytes]]:
    """A field: what precedes the parameters, and their raw values by lower-case name, the first one of each name."""
    parameters: dict[str, bytes] = {}
    for match in _PARAMETER.finditer(value):
        if len(parameters) >= LIMIT:
            defects.append(f"truncated: more than {LIMIT} parameters")
            break
        name, quoted, bare = match.groups()
        text = bare.strip() if quoted is None else _QUOTED_PAIR.sub(rb"\1", quoted)
        parameters.setdefault(name.decode("latin-1").lower(), text)
    return value.partition(b";")[0].strip(), parameters


def _type(head: bytes, default: str) -> str:
    """The media type; text/plain where it is invalid (RFC 2045, 5.2)."""
    match = _TYPE.match(head)
    if not match:
        return default
    name = match[0].decode("ascii").lower()
    name = _CORRECTED.get(name, name)
    return name if "/" in name else "text/plain"


def _token(value: bytes) -> str:
    """The first token in a value, in lower case; "" when there is none."""
    match = _TOKEN.search(value)
    return match[0].decode("ascii").lower() if match else ""


def _value(parameters: Mapping[str, bytes], name: str, rest: str = "") -> str:
    """The text of a parameter: extended or continued (RFC 2231), else as encoded words or raw octets."""
    if not any(key.startswith(f"{name}*") for key in parameters):  # nearly always
        return charset.decode_words(parameters[name], rest) if name in parameters else ""
    pieces, extended = _pieces(parameters, name)
    if not pieces:
        return charset.decode_words(parameters[name], rest) if name in parameters else ""
    if not extended:
        return charset.decode_words(b"".join(pieces), rest)
    label, quote, first = pieces[0].partition(b"'")
    _, quote, first = first.partition(b"'")  # a language
    if not quote:
        if b"=?" in pieces[0]:
            return charset.decode_words(b"".join(pieces), rest)
        label, first = b"", pieces[0]
    return charset.decode(b"".join([_percent_decoded(first), *pieces[1:]]), label.decode("latin-1"), rest)


def _pieces(parameters: Mapping[str, bytes], name: str) -> tuple[list[bytes], bool]:
    """The pieces of a parameter as RFC 2231 splits it, and whether the first one has a charset."""
    if f"{name}*" in parameters:
        return [parameters[f"{name}*"]], True
    extended = f"{name}*0*" in parameters
    pieces: list[bytes] = []
    for number in range(LIMIT):
        piece = parameters.get(f"{name}*{number}")
        if piece is None:
            piece = parameters.get(f"{name}*{number}*")
            if piece is None:
                break
            if number and extended:
                piece = _percent_decoded(piece)
        pieces.append(piece)
    return pieces, extended


def _percent_decoded(value: bytes) -> bytes:
    return _PERCENT.sub(lambda match: a2b_hex(match[1]), value)


def file_name(text: str) -> str:
    """The file name in a text: its last path part, as one clean line of at most 150 octets; "" stays ""."""
    if not text.strip():
        return ""
    name = charset.line(text).replace("\\", "/").rpartition("/")[2].strip()
    if name in ("", ".", ".."):
        return "attachment"
    if len(name.encode()) > NAME_LIMIT:
        stem, dot, extension = name.rpartition(".")
        if not stem or len(extension.encode()) > 20:
            stem, dot, extension = name, "", ""
        room = NAME_LIMIT - len((dot + extension).encode())
        name = stem.encode()[:room].decode("utf-8", "ignore").rstrip() + dot + extension
    return name
