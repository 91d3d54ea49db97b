"""A message as JSON, and on a screen."""

from typing import Any

from mailgate.cli.ui import console
from mailgate.cli.ui.console import Span
from mailgate.cli.ui.failures import failure_data, failure_line, language
from mailgate.mail.content import content
from mailgate.store import failures, messages
from mailgate.store.database import Transaction
from mailgate.store.messages import Stored
from mailgate.values.charset import printable
from mailgate.values.problem import command

_MARGIN = " " * 6
"""In front of each line of a message, below its number."""


def message_data(tx: Transaction, found: Stored) -> dict[str, Any]:
    """A message as JSON, its content derived from the bytes now."""
    inside = content(messages.raw(tx, found.number))
    tongue = language(tx)
    refs = [str(ref) for ref in found.records]
    return {
        "number": found.number,
        "message_id": found.message_id,
        "parent": found.parent,
        "record": refs[0] if refs else None,
        "kind": found.kind,
        "direction": found.direction,
        "class": found.classed,
        "author": found.author,
        "author_name": found.author_name,
        "author_text": found.author_text,
        "reverse_path": found.reverse_path,
        "subject": found.subject,
        "date": _date(found),
        "received": console.when(found.received_at),
        "size": found.size,
        "text": inside.text,
        "attachments": [
            {"name": each.name, "type": each.type, "size": each.size, "inline": each.inline}
            for each in inside.attachments
        ],
        "recipients": list(found.recipients),
        "flags": list(found.flags),
        "defects": list(inside.defects),
        "records": refs,
        "failures": [failure_data(each, tongue) for each in failures.of_message(tx, found.number)],
    }


def show_message(found: dict[str, Any], *, full: bool = False) -> None:
    """A message for people: who, when, what; nothing of it reaches the terminal unescaped.

    What it quotes of earlier mail is folded, unless `full`.
    """
    from mailgate.mail import quoting  # twenty milliseconds of patterns, for those who read

    author = found["author_text"] or found["author"] or "nobody"
    to = ", ".join(found["recipients"]) if found["direction"] == "out" else ""
    way = "  a note, kept inside" if found["kind"] == "note" else f"  to {printable(to)}" if to else ""
    rows: list[list[Span]] = [
        [(f"{found['number']:>4}  ", "dim"), (printable(found["subject"]) or "(no subject)", "bold")],
        [(_MARGIN, ""), (f"{printable(author)}, {found['date']}{way}", "dim")],
        [(_MARGIN, ""), (printable(found["message_id"] or "no Message-ID"), "dim")],
        [],
    ]
    whole = (quoting.Passage("text", found["text"]),)
    for passage in whole if full else quoting.fold(found["text"], found["subject"]):
        lines = passage.text.splitlines()
        if passage.kind == "quoted" and len(lines) > 1:
            show = command("mailgate message show {N} --full", found["number"])
            summary = f"[{len(lines)} quoted lines: {show}]"
            rows.append([(_MARGIN, ""), (summary, "dim")])
        else:
            style = "" if passage.kind == "text" else "dim"
            rows += [[(_MARGIN, ""), (printable(line.replace("\t", "    ")), style)] if line else [] for line in lines]
    rows += [[]] if any(found[each] for each in ("attachments", "failures", "flags", "defects")) else []
    for inline in (False, True):
        for each in (each for each in found["attachments"] if each["inline"] == inline):
            text = f"{printable(each['name'])}  {printable(each['type'])}  {console.size(each['size'])}"
            rows.append([("      inline    " if inline else "      attached  ", "dim"), (text, "")])
    for each in found["failures"]:
        rows.append([(f"{_MARGIN}failed    ", "bold red"), (failure_line(each), "")])
        shown = command("mailgate bounce show {N}", each["number"])
        rows.append([(f"{_MARGIN}          {shown}", "dim")])
    rows += [[("      flags     ", "dim"), (", ".join(found["flags"]), "magenta")]] if found["flags"] else []
    rows += [[("      defect    ", "dim"), (each, "magenta")] for each in found["defects"]]
    console.lines(rows, hang=True)


def _date(found: Stored) -> str:
    """The Date field as ISO 8601, the time of receipt when it says nothing sensible."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(found.date[:100]).isoformat()
    except (ValueError, OverflowError, TypeError, IndexError):
        return console.when(found.received_at)
