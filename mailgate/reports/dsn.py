"""The fields of a delivery status notification (RFC 3464, RFC 6533), one block for each recipient.

Read by name and not by their grouping: servers leave out the empty line between two recipients, put several into one
block, misspell address types and forget actions. The same reader finds the fields in a text whose MIME is broken.
"""

import re
from typing import NamedTuple

from mailgate.values import address, charset
from mailgate.values.address import lower

TEXT_LIMIT = 64 * 1024
"""Characters of a text that are looked at."""
BLOCKS_LIMIT = 1000
"""Recipients of one report."""
DIAGNOSTIC_LIMIT = 500
"""Characters of a diagnostic that are kept."""

ACTIONS = {
    **dict.fromkeys(("failed", "failure", "fail", "expired", "undeliverable", "bounced", "rejected"), "failed"),
    **dict.fromkeys(("delayed", "delay", "deferred", "pending"), "delayed"),
    **dict.fromkeys(("delivered", "deliverable", "success"), "delivered"),
    "relayed": "relayed",
    "expanded": "expanded",
}
"""What servers write (RFC 3464 section 2.3.3, and beyond it) -> the five actions there are."""

_RECIPIENTS = ("original-recipient", "final-recipient", "x-actual-recipient")
_FIELDS = frozenset((*_RECIPIENTS, "action", "status", "diagnostic-code", "remote-mta", "x-supplementary-info"))
_FIELD = re.compile(r"[ \t>]*([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:(.*)")
_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"(?<![\w.:/-])([45])[0-7]\d(?=[\s\-:;,.)#]|$)(?!\.\d)")
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_ADDRESS = re.compile(r"(?<![^\s<>()\[\]:;,\"])[^\s<>()\[\]:;,\"@]{1,100}+@[^\s<>()\[\]:;,\"@]{1,253}+")
_WORD = re.compile(r"[a-z]+")


class Block(NamedTuple):
    """What a server says of one recipient. `action` is one of five, `status` `x.y.z`, each "" where it says none."""

    recipient: str | None
    action: str = "failed"
    status: str = ""
    diagnostic: str = ""
    remote: str = ""


def blocks(text: str) -> list[Block]:
    """The recipients of a status part, or of any text that holds such fields. Without a valid address: None."""
    groups: list[dict[str, str]] = []
    group: dict[str, str] = {}
    name = ""
    blank = False
    for row in text[:TEXT_LIMIT].split("\n"):
        if not row.strip():
            blank, name = True, ""
            continue
        found = _FIELD.match(row)
        key = lower(found[1]) if found else ""
        if found and key in _FIELDS:
            name = key
            if _next(group, key, blank):
                groups.append(group)
                group = {}
            group.setdefault(key, found[2].strip())
            blank = False
        elif row.startswith("--"):  # a boundary: what was open is closed
            groups.append(group)
            group, name = {}, ""
        elif name and (row[0] in " \t" or (name == "diagnostic-code" and not found)):
            group[name] += " " + row.strip()
        else:
            name = ""
    groups.append(group)
    return [_block(each) for each in groups if _told(each)][:BLOCKS_LIMIT]


def _next(group: dict[str, str], key: str, blank: bool) -> bool:
    """Whether a field starts another recipient: it was there already, or a block was complete.

    Most blocks start with their recipient, some with Action or Status.
    """
    named = any(each in group for each in _RECIPIENTS)
    if key in _RECIPIENTS:
        return key in group or (blank and named and ("action" in group or "status" in group))
    return key in ("action", "status") and named and key in group and (blank or key == next(iter(group)))


def _told(group: dict[str, str]) -> bool:
    return any(each in group for each in _RECIPIENTS) or ("action" in group and "status" in group)


def _block(group: dict[str, str]) -> Block:
    named = [recipient(group.get(each, "")) for each in _RECIPIENTS]
    diagnostic = _plain(group.get("diagnostic-code", ""))
    status = code(group.get("status", ""), diagnostic)
    word = _WORD.search(lower(group.get("action", "")))
    action = ACTIONS.get(word[0], "") if word else ""
    if not action:
        action = {"2": "delivered", "4": "delayed" if "action" in group else "failed"}.get(status[:1], "failed")
    return Block(
        recipient=next((each for each in named if each), None),
        action=action,
        status=status,
        diagnostic=charset.line(diagnostic, DIAGNOSTIC_LIMIT),
        remote=charset.line(_plain(group.get("remote-mta", "")), 255),
    )


def _plain(value: str) -> str:
    """A typed value (`smtp; 550 ...`, RFC 3464 section 2.1.2) without its type."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and len(kind) < 40 and " " not in kind.strip() else value.strip()


def recipient(value: str) -> str | None:
    """The address of a recipient field, normalised; None for a pipe, a file or a name that is none.

    Seen in the field: no type at all, display names, angle brackets, source routes (`@mx:bob@x.org`), internal
    mailbox names behind the address, and the escapes of RFC 6533 section 3.
    """
    value = _HEX.sub(lambda match: chr(min(int(match[1], 16), 0x10FFFF)), charset.line(value, 2000))
    kinds, semicolon, rest = value.rpartition(";")  # one type, or several by mistake
    return address_in(rest if semicolon and "@" not in kinds and "@" in rest else value)


def address_in(value: str) -> str | None:
    """The one mailbox that a value names, normalised."""
    inner = value[value.rfind("<") + 1 :].partition(">")[0] if "<" in value else value
    inner = inner.strip()
    if inner.endswith("'"):  # apostrophes around it; one in front alone is the first letter of a name
        inner = inner.strip("'")
    if inner.startswith("@") and ":" in inner:  # a source route (RFC 5321 appendix C)
        inner = inner.rpartition(":")[2]
    found = address.lenient(inner)
    if found is None:
        match = _ADDRESS.search(value)
        found = address.lenient(match[0].strip("'.")) if match else None
        if match and not found:  # the name of a domain that cannot be is still what was written to
            return match[0]
    return str(found) if found and len(str(found)) <= 2 * address.LIMIT else None


def enhanced(text: str) -> str:
    """The first code that says what failed, "" when there is none."""
    return next((found[0] for found in _CODE.finditer(text) if found[1] != "2" and found[0][1:] != ".0.0"), "")


def code(status: str, diagnostic: str) -> str:
    """The enhanced status code (RFC 3463): as stated; the diagnostic's where none is, or one that says nothing."""
    stated = _CODE.search(status)
    if stated and stated[0][1:] != ".0.0":
        return stated[0]
    found = _CODE.search(diagnostic)
    if found and (not stated or found[1] == stated[1]):
        return found[0]
    if stated:
        return stated[0]
    reply = _REPLY.search(diagnostic)
    return f"{reply[1]}.0.0" if reply else ""
