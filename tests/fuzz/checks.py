"""What must hold of everything that comes out of the gateway, whatever went in."""

import json
import re
from collections.abc import Iterator
from email.parser import BytesHeaderParser
from typing import Any

from helpers.contract import OUTCOMES
from helpers.queued import Queued

from mailgate.gateway.receive import Receipt
from mailgate.mail import content, quoting
from mailgate.values import charset, status

REASONS = {**OUTCOMES, "hold": OUTCOMES["hold"] - {"failed"}, "defer": set[str]()}
"""Every action and the reasons it may have here: `failed` is an internal error, and no ceiling is set."""
REFUSAL = [
    *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted"),
    *("Precedence", "X-Auto-Response-Suppress", "X-Mailgate-Loop", "MIME-Version", "Content-Type"),
]
_BODY = [
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-Language"),
    *("Content-ID", "Content-Description", "Content-Location", "Content-Base"),
]
COPY = [
    *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References"),
    *("X-Auto-Response-Suppress", "X-Mailgate-Loop", *_BODY),
]
"""The fields of a header that we write, in their order."""
OPTIONAL = {"Reply-To", "In-Reply-To", "X-Auto-Response-Suppress", *_BODY}
EXPLANATION = 20 << 20
"""Characters of an explanation."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3} ")


class Wrong(Exception):
    """Something that must hold does not: what, always in the same words, and what was seen."""


def must(condition: object, what: str, seen: object = "") -> None:
    """Raise Wrong unless a condition holds."""
    if not condition:
        raise Wrong(what, ascii(seen)[:1000])


def strings(value: object) -> Iterator[str]:
    """Every text in a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for each in pair for text in strings(each))
    elif isinstance(value, (list, tuple)):
        yield from (text for each in value for text in strings(each))


def clean(value: object, where: str) -> None:
    """Nothing in it that moves a cursor, ends a line, or that a database, JSON or XML refuses."""
    for text in strings(value):
        must(charset.clean(text) == text and "\n" not in text, f"control character in {where}", text)


def check_receipt(receipt: Receipt) -> None:
    """A status of the table, and exactly one verdict of the contract for each effect."""
    decision = receipt.decision
    must(decision.status.exit in status.EXITS and decision.status.exit != 75, "status", decision.status)
    for line in (decision.status.line, decision.status.smtp):
        must(len(line.encode()) < 500 and not _CONTROL.search(line), "status line", line)
    must(bool(_CODE.match(decision.status.line)) == (decision.status.exit != 0), "status line", decision.status.line)
    must(decision.outcomes, "no verdict")
    for each in decision.outcomes:
        must(each.reason != "failed", "held as failed", decision.steps)
        must(each.reason in REASONS.get(each.action, ()), "reason", f"{each.action} {each.reason}")
    effects = [each.effect for each in decision.outcomes if not each.repeated]
    must(len(effects) == len(set(effects)), "two verdicts for one effect", effects)


def check_tree(tree: dict[str, Any]) -> None:
    """An explanation that every reader of JSON takes."""
    text = json.dumps(tree, ensure_ascii=False)
    must(json.loads(text.encode("utf-8")) == tree, "explanation as JSON")
    clean(tree, "the explanation")
    must(tree["outcomes"] and tree["steps"], "empty explanation", tree)
    must(len(text) < EXPLANATION, "explanation too long", len(text))


def check_outgoing(letter: Queued) -> None:
    """The fields we write, each once and in order, and nothing that another reader could take for one more.

    A copy keeps the marks of up to three gateways beside ours. To shows who wrote where they are answered elsewhere.
    """
    must(letter.state == "queued", "an outgoing message failed", letter.error)
    head, blank, _ = letter.own.partition(b"\n\n")
    must(blank and b"\r" not in head and b"\0" not in head, "outgoing header", head)
    for row in head.split(b"\n"):
        must(len(row) <= 998, "outgoing line too long", row)
        must(row.strip(), "an outgoing line with nothing but blanks", head)
    names = []
    for line in re.sub(rb"\n[ \t]+", b" ", head).split(b"\n"):
        name, colon, value = line.partition(b": ")
        must(colon and not _CONTROL.search(value.decode("utf-8")), "outgoing field", line)
        names.append(name.decode("ascii"))
    allowed = REFUSAL if letter.kind == "refusal" else COPY
    marks = names.count("X-Mailgate-Loop")
    must(marks <= (4 if letter.kind == "copy" else 1), "outgoing marks", names)
    once = list(dict.fromkeys(names))
    must(len(names) - len(once) == max(0, marks - 1), "an outgoing field that stands twice", names)
    must([each for each in allowed if each in once] == once, "outgoing field names", names)
    must({*allowed} - {*names} <= OPTIONAL, "an outgoing field is missing", names)
    other = BytesHeaderParser().parsebytes(head + b"\n\n")
    must(list(other.keys()) == names, "outgoing field names to another reader", other.keys())
    must(not other.get_payload(), "outgoing header that ends early for another reader", head)
    to = re.sub(rb"\n[ \t]+", b" ", head).partition(b"\nTo: ")[2].partition(b"\n")[0].decode("utf-8")
    written_for = letter.kind != "refusal" and to.startswith('"for ') and to.endswith(f'" <{letter.recipient}>')
    must(to == letter.recipient or written_for, "outgoing To", (to, letter.recipient))
    for address in (letter.recipient, letter.reverse_path or ""):
        must(not _CONTROL.search(address), "outgoing envelope", address)


def check_content(raw: bytes) -> content.Content:
    """The text for people: clean, folded without loss; file names that only name."""
    found = content.content(raw)
    for text in (found.text, found.html, *found.defects):
        must(charset.clean(text) == text, "control character in the content", text[:300])
    for at, each in enumerate(found.attachments[:5]):
        clean((each.name, each.type), "an attachment")
        must(each.name.strip() == each.name and each.name not in ("", ".", ".."), "file name", each.name)
        must("/" not in each.name and "\\" not in each.name, "path in a file name", each.name)
        must(len(each.name.encode()) <= 150, "length of a file name", each.name)
        must(len(content.attachment_bytes(raw, at)) == each.size, "size of an attachment", each)
    folded = quoting.fold(found.text)
    must("".join(piece.text for piece in folded) == found.text, "folded text")
    return found
