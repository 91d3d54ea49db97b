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
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_IN_TEXT = r"(?<![\d.vV])(?<![Vv]ersion )(?<![Rr]elease )([{}])\.(\d)\.(\d{{1,3}})(?![\d.]*\d)"
"""In words the subject has one digit (RFC 3463 section 3): versions of programs and addresses of hosts have three."""
_CODE = re.compile(_IN_TEXT.format("245"))
_REPLY = re.compile(r"(?<![\w.:/-])([45])[0-7]\d(?=[\s\-:;,.)#]|$)(?!\.\d)")
_CODED = re.compile(_IN_TEXT.format("45") + r"|(?<![\w.:/-])[45][0-7]\d(?=[ \-#)\]])")
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_ADDRESS = re.compile(r"(?<![^\s<>()\[\]:;,\"])[^\s<>()\[\]:;,\"@]{1,100}+@[^\s<>()\[\]:;,\"@]{1,253}+")
_WORD = re.compile(r"[a-z]+")


FIELDS, WORDS, GUESS, OPAQUE = "fields", "words", "guess", "opaque"
"""What a block was read from: fields, the words of a mail system, words that may be anybody's, words not understood."""


class Block(NamedTuple):
    """What a server says of one recipient. `action` is one of five, `status` `x.y.z`, each "" where it says none."""

    recipient: str | None
    action: str = "failed"
    status: str = ""
    diagnostic: str = ""
    remote: str = ""
    basis: str = FIELDS


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
    word = _WORD.search(lower(group.get("action", "")))
    action = ACTIONS.get(word[0], "") if word else ""
    status = code(group.get("status", ""), diagnostic, action)
    if not action:
        action = {"2": "delivered", "4": "delayed" if "action" in group else "failed"}.get(status[:1], "failed")
    return Block(
        recipient=next((each for each in named if each), None),
        action=action,
        status=status,
        diagnostic=charset.line(diagnostic, DIAGNOSTIC_LIMIT),
        remote=charset.line(_plain(group.get("remote-mta", "")), 255),
    )


def completed(stated: list[Block], named: list[Block]) -> list[Block]:
    """Blocks whose recipients are no addresses (`LOCAL; ann`), with the recipients that words beside them name.

    What became of it says the block; the words say it more exactly where the code is only a class.
    """
    if not stated or not named:
        return named or stated
    if len(stated) == len(named):
        return [_completed(*each) for each in zip(stated, named, strict=True)]
    if len({each.action for each in stated}) > 1:
        return stated
    same = len({each.status for each in stated}) == 1
    one = stated[0] if same else Block(None, stated[0].action)
    return [_completed(one, each) for each in named]


def _completed(stated: Block, named: Block) -> Block:
    if stated.action not in ("failed", "delayed"):
        return stated._replace(recipient=named.recipient, basis=named.basis)
    vague = not stated.status or (stated.status[1:] == ".0.0" and stated.status[0] == named.status[:1])
    return stated._replace(
        recipient=named.recipient,
        status=named.status if vague else stated.status,
        diagnostic=stated.diagnostic or named.diagnostic,
        basis=named.basis,
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


def coded(text: str) -> bool:
    """Whether a text holds a code of failure."""
    return bool(_CODED.search(text))


def enhanced(text: str) -> str:
    """The first code that says what failed, "" when there is none."""
    return next((found[0] for found in _CODE.finditer(text) if found[1] != "2" and found[0][1:] != ".0.0"), "")


def vague(text: str) -> str:
    """The class of the first code of failure, as `5.0.0`; "" when there is none."""
    found = next((each[0] for each in _CODE.finditer(text) if each[1] != "2"), "")
    reply = None if found else _REPLY.search(text)
    return f"{reply[1]}.0.0" if reply else found


def code(status: str, diagnostic: str, action: str = "") -> str:
    """The enhanced status code (RFC 3463): as stated; the diagnostic's where none is, or one that says nothing.

    What the action contradicts was not meant: nothing fails with a code of success.
    """
    stated = _STATUS.search(status)
    fails = action in ("failed", "delayed")
    if stated and action and fails == (stated[1] == "2"):
        stated = None
    if stated and stated[0][1:] != ".0.0":
        return stated[0]
    found = next((each for each in _CODE.finditer(diagnostic) if not action or fails != (each[1] == "2")), None)
    if found and (not stated or found[1] == stated[1]):
        return found[0]
    if stated:
        return stated[0]
    reply = _REPLY.search(diagnostic)
    return f"{reply[1]}.0.0" if reply and (fails or not action) else ""
