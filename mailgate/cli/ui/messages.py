"""A message as JSON, and on a screen."""

from typing import Any

from mailgate.cli.ui import console
from mailgate.cli.ui.console import Span
from mailgate.cli.ui.failures import failure_data, failure_line, language
from mailgate.mail import likeness
from mailgate.mail import message as mails
from mailgate.mail.calendar import Calendar
from mailgate.mail.content import Attachment, content
from mailgate.mail.envelope import Envelope
from mailgate.store import effects, failures, held, messages
from mailgate.store.database import Transaction
from mailgate.store.messages import Stored
from mailgate.values.charset import printable
from mailgate.values.problem import command

_MARGIN = " " * 6
"""Indents the lines of a message below its number."""
_BELOW = ("attachments", "copies", "withheld", "failures", "flags", "defects")
"""What is said below the text."""


def message_data(tx: Transaction, message: Stored) -> dict[str, Any]:
    """A message as JSON; its text and attachments are read from its bytes now."""
    from mailgate.mail import quoting  # takes 20 ms to import

    raw = messages.left_of(tx, message.number) or b""
    purged = messages.purged_at(tx, message.number)
    inside = content(raw)
    written = mails.read(raw, lambda hints, author: Envelope())
    tongue = language(tx)
    refs = [str(ref) for ref in message.records]
    copies = _copies(tx, message, raw)
    return {
        "number": message.number,
        "message_id": message.message_id,
        "parent": message.parent,
        "record": refs[0] if refs else None,
        "kind": message.kind,
        "direction": message.direction,
        "class": message.classed,
        "author": message.author,
        "author_name": message.author_name,
        "author_text": message.author_text,
        "answer_to": next(iter(message.answer_to), None),
        "answer_to_all": list(message.answer_to),
        "cc": [str(address) for address in written.cc],
        "reverse_path": message.reverse_path,
        "subject": message.subject,
        "date": _date(message),
        "received": console.when(message.received_at),
        "size": message.size,
        "text": inside.text,
        "reply": quoting.reply(inside.text, message.subject),
        "html": bool(inside.html),
        "encrypted": inside.encrypted,
        "signed": inside.signed,
        "calendar": _calendar_data(inside.calendar),
        "attachments": [_attachment_data(part) for part in inside.attachments],
        "recipients": list(message.recipients) or [str(address) for address in written.to],
        "flags": list(message.flags),
        "defects": list(dict.fromkeys((*written.defects, *inside.defects))),
        "records": refs,
        "withheld": bool((entry := held.find(tx, message.number)) and entry.withheld),
        "copies": [number for number, _ in copies],
        "copy_details": [{"number": number, "more": "\n".join(lines)} for number, lines in copies],
        "purged": None if purged is None else console.when(purged),
        "failures": [failure_data(failure, tongue) for failure in failures.of_message(tx, message.number)],
    }


def _copies(tx: Transaction, message: Stored, raw: bytes) -> list[tuple[int, tuple[str, ...]]]:
    """The copies of a received message that came too: their numbers, and the lines that each has more."""
    if message.direction == "out":
        return []
    numbers = effects.copies(tx, message.number, message.message_id)
    return [(number, likeness.more(messages.left_of(tx, number) or b"", raw)) for number in numbers]


def _calendar_data(event: Calendar | None) -> dict[str, str] | None:
    if event is None:
        return None
    names = ("method", "summary", "start", "end", "location", "organizer", "status")
    return {name: getattr(event, name) for name in names}


def _attachment_data(part: Attachment) -> dict[str, Any]:
    data: dict[str, Any] = {"name": part.name, "type": part.type, "size": part.size, "inline": part.inline}
    if part.type in ("message/rfc822", "message/global"):
        data |= {"subject": part.subject, "author": part.author}
    return data


def show_message(message: dict[str, Any], *, full: bool = False) -> None:
    """Print a message, from its JSON, with everything escaped that a terminal would act on.

    Quoted text is folded, unless `full`.
    """
    from mailgate.mail import quoting  # takes 20 ms to import

    author = message["author_text"] or message["author"] or "(no author)"
    to = ", ".join(message["recipients"]) if message["direction"] == "out" else ""
    way = "  internal note" if message["kind"] == "note" else f"  to {printable(to)}" if to else ""
    rows: list[list[Span]] = [
        [(f"{message['number']:>4}  ", "dim"), (printable(message["subject"]) or "(no subject)", "bold")],
        [(_MARGIN, ""), (f"{printable(author)}, {message['date']}{way}", "dim")],
        *([[(_MARGIN, ""), (line, "dim")] for line in _answered(message)]),
        [(_MARGIN, ""), (printable(message["message_id"] or "no Message-ID"), "dim")],
        [],
    ]
    unfolded = (quoting.Passage("text", message["text"]),)
    for passage in unfolded if full else quoting.fold(message["text"], message["subject"]):
        lines = passage.text.splitlines()
        if passage.kind == "quoted" and len(lines) > 1:
            show = command("mailgate message show {N} --full", message["number"])
            summary = f"[{len(lines)} quoted lines: {show}]"
            rows.append([(_MARGIN, ""), (summary, "dim")])
        else:
            style = "" if passage.kind == "text" else "dim"
            rows += [[(_MARGIN, ""), (printable(line.replace("\t", "    ")), style)] if line else [] for line in lines]
    facts = _facts(message)
    rows += [[]] if facts or any(message[key] for key in _BELOW) else []
    rows += [[(f"{_MARGIN}{label:<10}", "dim"), (text, "")] for label, text in facts]
    for inline in (False, True):
        for part in (part for part in message["attachments"] if part["inline"] == inline):
            text = f"{printable(part['name'])}  {printable(part['type'])}  {console.size(part['size'])}"
            rows.append([("      inline    " if inline else "      attached  ", "dim"), (text, "")])
            if part.get("author"):
                rows.append([(f"{_MARGIN}          by {printable(part['author'])}", "dim")])
    for copy in message["copy_details"]:
        show = command("mailgate message show {N}", copy["number"])
        rows.append([(f"{_MARGIN}copy      ", "dim"), (f"came too, and is kept: {show}", "")])
        rows += [[(f"{_MARGIN}          + {printable(line)}", "dim")] for line in copy["more"].splitlines()]
    if message["withheld"]:
        retry = command("mailgate held retry {N}", message["number"])
        rows.append([(f"{_MARGIN}withheld  ", "bold red"), (f"its copies to the followers: {retry}", "")])
    if message["purged"]:
        rows.append([(f"{_MARGIN}deleted   ", "dim"), (f"its bytes, {message['purged']}; its ids are kept", "")])
    for failure in message["failures"]:
        rows.append([(f"{_MARGIN}failed    ", "bold red"), (failure_line(failure), "")])
        show = command("mailgate bounce show {N}", failure["number"])
        rows.append([(f"{_MARGIN}          {show}", "dim")])
    rows += [[("      flags     ", "dim"), (", ".join(message["flags"]), "magenta")]] if message["flags"] else []
    rows += [[("      defect    ", "dim"), (defect, "magenta")] for defect in message["defects"]]
    console.lines(rows, hang=True)


def _facts(message: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and text of what else is known of a message: its author, its seal, its event."""
    facts = []
    if message["author"] is None and message["direction"] == "in":
        facts.append(("author", "unknown, see the defects: only the policy `everyone` lets this mail in"))
    names = {"smime": "S/MIME", "pgp": "PGP"}
    if message["signed"]:
        facts.append(("signed", f"with {names[message['signed']]}; the signature is not verified"))
    if message["encrypted"]:
        facts.append(("encrypted", f"with {names[message['encrypted']]}"))
    if event := message["calendar"]:
        words = (event["method"], event["status"], event["summary"], event["start"])
        facts.append(("calendar", printable(", ".join(word for word in words if word))))
    return facts


def _answered(message: dict[str, Any]) -> list[str]:
    """Lines that say where the author is answered, unless it is where they write from, and who has a copy."""
    if message["direction"] == "out":
        return []
    answers = ", ".join(message["answer_to_all"])
    elsewhere = [address.lower() for address in message["answer_to_all"]] != [message["author"]]
    lines = [f"answers go to {printable(answers) or 'nobody: no address of a person is named'}"] if elsewhere else []
    return lines + ([f"Cc {printable(', '.join(message['cc']))}"] if message["cc"] else [])


def _date(message: Stored) -> str:
    """The Date field as ISO 8601, with its zone, or the time of receipt if it cannot be read."""
    from mailgate.mail import dates  # for people alone

    moment = dates.read(message.date)
    return moment.isoformat() if moment else console.when(message.received_at)
