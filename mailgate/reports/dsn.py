"""Read the fields of a delivery status notification (RFC 3464, RFC 6533), one block for each recipient.

Fields are read by name rather than by paragraph: servers leave out the empty line between two recipients, put several
into one paragraph, misspell address types and forget actions. So fields are found in a text with broken MIME, too.
"""

import re
from typing import NamedTuple

from mailgate.values import address, charset
from mailgate.values.address import lower

TEXT_LIMIT = 64 * 1024
"""Characters of a text that are read."""
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
"""What servers write (RFC 3464 section 2.3.3, and more) -> one of the five actions."""

_RECIPIENTS = ("original-recipient", "final-recipient", "x-actual-recipient")
_FIELDS = frozenset((*_RECIPIENTS, "action", "status", "diagnostic-code", "remote-mta", "x-supplementary-info"))
_FIELD = re.compile(r"[ \t>]*([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:(.*)")
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_IN_TEXT = r"(?<![\d.vV])(?<![Vv]ersion )(?<![Rr]elease )([{}])\.(\d)\.(\d{{1,3}})(?![\d.]*\d)"
"""In words, the subject has one digit (RFC 3463 section 3); versions of programs and addresses of hosts have more."""
_CODE = re.compile(_IN_TEXT.format("245"))
_REPLY = re.compile(r"(?<![\w.:/-])([45])[0-7]\d(?=[\s\-:;,.)#]|$)(?!\.\d)")
_FAILURE_CODE = re.compile(_IN_TEXT.format("45") + r"|(?<![\w.:/-])[45][0-7]\d(?=[ \-#)\]])")
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_ADDRESS = re.compile(r"(?<![^\s<>()\[\]:;,\"])[^\s<>()\[\]:;,\"@]{1,100}+@[^\s<>()\[\]:;,\"@]{1,253}+")
_WORD = re.compile(r"[a-z]+")


FIELDS, WORDS, GUESS, OPAQUE = "fields", "words", "guess", "opaque"
"""The bases of a block: what it was read from; `report` explains them."""


class Block(NamedTuple):
    """What a report says about one recipient.

    `recipient` is a normalised address, None without one. `action` is one of five, or complaint; `status` is `x.y.z` or
    "". `remote` is the server that reported it.
    """

    recipient: str | None
    action: str
    status: str = ""
    diagnostic: str = ""
    remote: str = ""
    basis: str = FIELDS


def blocks(text: str) -> list[Block]:
    """A block for each recipient in a status part, or in any text with such fields."""
    groups: list[dict[str, str]] = []
    group: dict[str, str] = {}
    name = ""  # of the field that the next row may continue
    blank = False
    for row in text[:TEXT_LIMIT].split("\n"):
        if not row.strip():
            blank, name = True, ""
            continue
        match = _FIELD.match(row)
        key = match[1].lower() if match else ""
        if match and key in _FIELDS:
            name = key
            if _starts_recipient(group, key, blank):
                groups.append(group)
                group = {}
            group.setdefault(key, match[2].strip())
            blank = False
        elif row.startswith("--"):  # a boundary ends the block
            groups.append(group)
            group, name = {}, ""
        elif name and (row[0] in " \t" or (name == "diagnostic-code" and not match)):
            group[name] += " " + row.strip()
        else:
            name = ""
    groups.append(group)
    return [_block(fields) for fields in groups if _is_block(fields)][:BLOCKS_LIMIT]


def _starts_recipient(group: dict[str, str], key: str, blank: bool) -> bool:
    """Whether a field starts another recipient: the group has the field already, or is complete.

    Most groups start with their recipient, some with Action or Status.
    """
    has_recipient = any(name in group for name in _RECIPIENTS)
    if key in _RECIPIENTS:
        return key in group or (blank and has_recipient and ("action" in group or "status" in group))
    return key in ("action", "status") and has_recipient and key in group and (blank or key == next(iter(group)))


def _is_block(group: dict[str, str]) -> bool:
    return any(name in group for name in _RECIPIENTS) or ("action" in group and "status" in group)


def _block(group: dict[str, str]) -> Block:
    recipients = [recipient(group.get(name, "")) for name in _RECIPIENTS]
    diagnostic = _plain(group.get("diagnostic-code", ""))
    word = _WORD.search(lower(group.get("action", "")))
    action = ACTIONS.get(word[0], "") if word else ""
    status = code(group.get("status", ""), diagnostic, action)
    if not action:
        action = {"2": "delivered", "4": "delayed" if "action" in group else "failed"}.get(status[:1], "failed")
    return Block(
        recipient=next((address for address in recipients if address), None),
        action=action,
        status=status,
        diagnostic=charset.line(diagnostic, DIAGNOSTIC_LIMIT),
        remote=charset.line(_plain(group.get("remote-mta", "")), 255),
    )


def completed(stated: list[Block], named: list[Block]) -> list[Block]:
    """Blocks of a status part without addresses (`LOCAL; ann`), with the recipients that the notice names.

    The action comes from the status part. The status does too, unless it is only a class, which the words may narrow.
    """
    if not stated or not named:
        return named or stated
    if len(stated) == len(named):
        return [_completed(*pair) for pair in zip(stated, named, strict=True)]
    if len({block.action for block in stated}) > 1:
        return stated
    same_status = len({block.status for block in stated}) == 1
    common = stated[0] if same_status else Block(None, stated[0].action)
    return [_completed(common, block) for block in named]


def _completed(stated: Block, named: Block) -> Block:
    if stated.action not in ("failed", "delayed"):
        return stated._replace(recipient=named.recipient, basis=named.basis)
    only_class = not stated.status or (stated.status[1:] == ".0.0" and stated.status[0] == named.status[:1])
    return stated._replace(
        recipient=named.recipient,
        status=named.status if only_class else stated.status,
        diagnostic=stated.diagnostic or named.diagnostic,
        basis=named.basis,
    )


def _plain(value: str) -> str:
    """A typed value (`smtp; 550 ...`, RFC 3464 section 2.1.2) without its type."""
    type_, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and len(type_) < 40 and " " not in type_.strip() else value.strip()


def recipient(value: str) -> str | None:
    """The address in a recipient field, normalised; None for a pipe, a file or a name without an address.

    Servers leave out the type, or add display names, angle brackets, source routes (`@mx:bob@x.org`) or internal names
    of mailboxes. The escapes of RFC 6533 section 3 are decoded.
    """
    value = _HEX.sub(lambda match: chr(min(int(match[1], 16), 0x10FFFF)), charset.line(value, 2000))
    types, semicolon, rest = value.rpartition(";")  # one type, or several by mistake
    return address_in(rest if semicolon and "@" not in types and "@" in rest else value)


def address_in(value: str) -> str | None:
    """The one address in a value, normalised."""
    text = value[value.rfind("<") + 1 :].partition(">")[0] if "<" in value else value
    text = text.strip()
    if text.endswith("'"):  # apostrophes around it; one in front alone is the first letter of a local part
        text = text.strip("'")
    if text.startswith("@") and ":" in text:  # a source route (RFC 5321 appendix C)
        text = text.rpartition(":")[2]
    parsed = address.lenient(text)
    if parsed is None:
        match = _ADDRESS.search(value)
        parsed = address.lenient(match[0].strip("'.")) if match else None
        if match and not parsed:  # mail went to this address, although its domain is not valid
            return match[0]
    return str(parsed) if parsed and len(str(parsed)) <= 2 * address.LIMIT else None


def has_code(text: str) -> bool:
    """Whether a text has a code of failure: an enhanced status code, or a reply code of SMTP."""
    return bool(_FAILURE_CODE.search(text))


def enhanced(text: str) -> str:
    """The first enhanced status code of a failure that is more than a class; "" when there is none."""
    return next((code[0] for code in _CODE.finditer(text) if code[1] != "2" and code[0][1:] != ".0.0"), "")


def status_class(text: str) -> str:
    """The first code of a failure; for a reply code of SMTP its class, as `5.0.0`; "" when there is none."""
    first = next((code[0] for code in _CODE.finditer(text) if code[1] != "2"), "")
    reply = None if first else _REPLY.search(text)
    return f"{reply[1]}.0.0" if reply else first


def code(status: str, diagnostic: str, action: str = "") -> str:
    """The enhanced status code (RFC 3463) of a block: the stated one, else the one in the diagnostic.

    The diagnostic also narrows a stated class (`5.0.0`). A code that contradicts the action does not count: nothing
    fails with a code of success.
    """
    stated = _STATUS.search(status)
    fails = action in ("failed", "delayed")
    if stated and action and fails == (stated[1] == "2"):
        stated = None
    if stated and stated[0][1:] != ".0.0":
        return stated[0]
    code = next((match for match in _CODE.finditer(diagnostic) if not action or fails != (match[1] == "2")), None)
    if code and (not stated or code[1] == stated[1]):
        return code[0]
    if stated:
        return stated[0]
    reply = _REPLY.search(diagnostic)
    return f"{reply[1]}.0.0" if reply and (fails or not action) else ""
