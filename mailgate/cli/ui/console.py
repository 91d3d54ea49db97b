"""Show things: tables, pairs, explanations and errors, for a terminal, a pipe or a program."""

import json
import re
import shutil
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mailgate.mta.wiring import Check
from mailgate.store.waiting import Waiting
from mailgate.values.charset import printable
from mailgate.values.problem import CommandLine, Problem, command

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Span = tuple[str, str]
"""A piece of text and its style, `""` for none; colour never carries meaning alone.

Red and magenta are the colours that can be read on white and on black; yellow, green and cyan cannot.
"""

_VERDICTS = {"pass": "", "refuse": "red", "hold": "magenta", "ignore": "magenta", "none": "dim", "no verdict": "dim"}
_ACTIONS = {"create": "bold", "post": "bold", "refuse": "bold red", "defer": "bold red"}

_SIGNS = {"ok": ("ok", ""), "wrong": ("WRONG", "bold red"), "unknown": ("?", "magenta")}


def width() -> int:
    """Columns of the terminal, or of $COLUMNS; 100 when nobody says."""
    return max(40, min(200, shutil.get_terminal_size((100, 24)).columns))


def lines(rows: Iterable[Sequence[Span]], *, hang: bool = False) -> None:
    """Print lines of styled spans; without a terminal, plain text. What could move a cursor is escaped.

    With `hang`, a terminal has what is too wide for it folded between words, below the end of the first span. Without,
    it may fold where it likes, but what it shows can be copied: commands, files.
    """
    clean = ([(printable(text), style) for text, style in row] for row in rows)
    if not sys.stdout.isatty():
        for row in clean:
            _write("".join(text for text, _ in row).rstrip())
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for row in clean:
        text = Text.assemble(*row)
        if hang and row and text.cell_len > width():
            text = _hanging(console, row)
        console.print(text)


def _hanging(console: "Console", row: Sequence[Span]) -> "Text":
    """A row as several lines, all but the first as far to the right as the first span is wide."""
    from rich.text import Text

    first, rest = Text.assemble(row[0]), Text.assemble(*row[1:])
    indent = " " * first.cell_len
    folded = rest.wrap(console, max(20, width() - len(indent)))
    for line in folded:
        line.rstrip()
    return Text.assemble(first, Text("\n" + indent).join(folded))


def say(text: str = "") -> None:
    """Print a sentence of ours, or several, each a line, folded to fit a terminal."""
    lines(([("", ""), (line, "")] for line in text.split("\n")), hang=True)


def verbatim(text: str) -> None:
    """Print lines as they are: what people copy, a file or a command."""
    lines([(line, "")] for line in text.split("\n"))


def data(value: object) -> None:
    """Print one JSON document; what could move a cursor is escaped as JSON does it (RFC 8259 section 7)."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    _write("\n".join(line if line.isprintable() else _FOREIGN.sub(_escaped, line) for line in text.split("\n")))


def row(value: object) -> None:
    """Print one JSON value on a line of its own."""
    _write(_FOREIGN.sub(_escaped, json.dumps(value, ensure_ascii=False)))


def tabbed(cells: Iterable[object]) -> None:
    """Print one line of cells, tab-separated."""
    _write("\t".join(printable(str(cell)) for cell in cells))


_FOREIGN = re.compile(r"[^\x20-\x7e]")


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def raw(octets: bytes) -> None:
    """Write the exact bytes of a message; on a terminal its lines, escaped."""
    if sys.stdout.isatty():
        verbatim("\n".join(octets.decode("utf-8", "replace").splitlines()))
        return
    sys.stdout.buffer.write(octets)
    sys.stdout.buffer.flush()


def _write(text: str) -> None:
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")


def table(header: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Aligned columns on a terminal, the last one cut to fit; tab-separated with a header row everywhere else."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [list(header), *cells]:
            tabbed(row)
        return
    if not rows:
        lines([[(empty, "dim")]])
        return
    from rich.cells import cell_len

    room = width()
    widths = [max(cell_len(row[at]) for row in [list(header), *cells]) for at in range(len(header))]
    while sum(widths) + 2 * (len(widths) - 1) > room and max(widths) > 4:
        widths[widths.index(max(widths))] -= 1
    lines(
        [
            [(text, style) for text in _padded(row, widths)]
            for row, style in [(header, "bold"), *((c, "") for c in cells)]
        ]
    )


def _padded(row: Sequence[str], widths: list[int]) -> Iterable[str]:
    for at, (text, size) in enumerate(zip(row, widths, strict=True)):
        cell = fitted(text, size)
        yield cell.rstrip() if at == len(widths) - 1 else cell + "  "


def fitted(text: str, size: int) -> str:
    """A cell of a table, cut or padded to `size` columns; a wide character takes two."""
    from rich.cells import set_cell_size

    return set_cell_size(cut(text, size), size)


def cut(text: str, size: int) -> str:
    """Text that takes at most `size` columns, of what could not move a cursor."""
    shown = printable(text)
    if shown.isascii():
        return shown if len(shown) <= size else shown[: size - 1] + "…"
    from rich.cells import cell_len, set_cell_size

    return shown if cell_len(shown) <= size else set_cell_size(shown, size - 1).rstrip() + "…"


def pairs(rows: Sequence[tuple[str, object]]) -> None:
    """A thing with its fields, one a line."""
    size = max(len(name) for name, _ in rows)
    lines([[(f"{name.ljust(size)}  ", "dim"), (printable(str(value)) or "-", "")] for name, value in rows], hang=True)


def error(problem: Problem) -> None:
    """Tell what went wrong and what to type, on stderr."""
    _told("error: ", str(problem))
    hints(problem)


def _told(word: str, text: str) -> None:
    """A sentence on stderr, folded on a terminal."""
    told = word + printable(text)
    if sys.stderr.isatty():
        told = textwrap.fill(
            told, width(), subsequent_indent=" " * len(word), break_long_words=False, break_on_hyphens=False
        )
    sys.stderr.write(told + "\n")


def warning(text: str) -> None:
    """Tell what deserves a look, on stderr."""
    _told("warning: ", text)


def hint(text: CommandLine) -> None:
    """Tell what to do about it, on stderr; never folded, so that it can be copied."""
    sys.stderr.write(f"hint: {printable(text)}\n")


def hints(problem: Problem) -> None:
    """Tell what to do about a problem: commands to copy, and advice."""
    for each in problem.commands:
        hint(each)
    if problem.advice:
        _told("hint: ", problem.advice)


def waiting(what: Waiting) -> None:
    """The last line of a screen when something waits for a person, on stderr so that data stays data."""
    failures = f"{what.failures} failure{'s' if what.failures > 1 else ''}"
    counted = [f"{what.held} held"] * bool(what.held) + [failures] * bool(what.failures)
    if counted:
        look = command("mailgate held list") if what.held else command("mailgate bounce list")
        sys.stderr.write(f"{', '.join(counted)}: {look}\n")
    if what.stuck:
        sys.stderr.write(f"{what.stuck} not sent: {command('mailgate outbox list')}\n")


def when(moment: float) -> str:
    """A time as ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def ago(moment: float) -> str:
    """A time for a column: how long ago on a terminal, ISO 8601 everywhere else."""
    if not sys.stdout.isatty():
        return when(moment)
    past = max(0.0, time.time() - moment)
    for unit, seconds in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if past >= seconds:
            return f"{past // seconds:.0f} {unit} ago"
    return "just now"


def size(octets: int) -> str:
    """Octets for people."""
    for unit, scale in (("MB", 1 << 20), ("KB", 1 << 10)):
        if octets >= scale:
            return f"{octets / scale:.1f} {unit}" if octets < 10 * scale else f"{octets // scale} {unit}"
    return f"{octets} bytes"


def assignments(values: object) -> str:
    """`K=V` pairs as one text."""
    return ", ".join(f"{key}={value}" for key, value in values.items()) if isinstance(values, dict) else ""


def checks(found: Sequence[Check]) -> None:
    """What was looked at, one thing a line, and under each that is not as it should be what to do."""
    size = max((len(each.name) for each in found), default=0)
    for each in found:
        sign, style = _SIGNS[each.verdict]
        lines([[(f"{sign:6}{each.name.ljust(size)}  ", style), (each.text, "")]], hang=True)
        if each.verdict != "ok":
            lines([(" " * 6 + "hint: ", "bold"), (text, "")] for text in (each.fix, each.advice) if text)


def explanation(tree: dict[str, Any], number: int | None = None) -> None:
    """The picture of a decision: what it is, every rule asked, then what happens and what the mail server sees."""
    message, mta = tree["message"], tree["mta"]
    rows: list[list[Span]] = []
    subject = f'  "{cut(message["subject"], 60)}"' if message["subject"] else ""
    name = f"{number}  " if number else ""
    rows.append([("Message   ", "dim"), (name + printable(message["id"] or "no Message-ID"), ""), (subject, "bold")])
    author = message["from_text"] or message["from"] or "nobody"
    unknown = "" if message["from"] else "   (author unknown)"
    rows.append([("From      ", "dim"), (cut(author, 200), ""), (unknown, "magenta")])
    recipients = ", ".join(message["recipients"]) or "(recipients not known: header fields speak)"
    rows.append([("Envelope  ", "dim"), (f"{_path(message['reverse_path'])} -> {cut(recipients, 400)}", "")])
    rows.append([("Size      ", "dim"), (f"{size(message['size'])}, {message['class']} mail", "")])
    rows += [[("Defect    ", "dim"), (cut(each, 100), "magenta")] for each in message["defects"]]
    rows.append([])
    rows += _steps(tree["steps"])
    rows.append([])
    for outcome in tree["outcomes"]:
        rows += _outcome(outcome)
    for each in tree["outgoing"]:
        rows.append([("   sends     ", "dim"), (f"a {each['kind']} ({each['reason']}) to {printable(each['to'])}", "")])
    sees = f"exit {mta['exit']}, " + (f'"{printable(mta["text"])}"' if mta["text"] else "no output")
    rows.append([("   MTA sees  ", "dim"), (sees, "")])
    if tree["dry_run"]:
        rows.append([("   (dry run: nothing was written)", "dim")])
    lines(rows, hang=True)
    lines([("   hint: ", "bold"), (each, "")] for each in dict.fromkeys((*_hints(tree, number), *_advice(tree))))


def verdict(tree: dict[str, Any]) -> None:
    """The deciding rules of an explanation and what they led to, in a few lines."""
    rows: list[list[Span]] = []
    deciding = [outcome["rule"] for outcome in tree["outcomes"]]
    for step in [step for step in tree["steps"] if step["rule"] in deciding]:
        style = _VERDICTS.get(step["verdict"], "bold")
        room = width() - len(f"  rule {step['rule']}: : {step['verdict']}")
        saw = cut(step["saw"], max(20, room))
        rows.append([(f"  rule {step['rule']}: ", "dim"), (f"{saw}: ", ""), (printable(step["verdict"]), style)])
    for outcome in tree["outcomes"]:
        rows += [[(f"  {head}", style), *more] for (head, style), *more in _outcome(outcome)]
    lines(rows, hang=True)


def _steps(steps: list[dict[str, str]]) -> Iterable[list[Span]]:
    room = width()
    last = min(32, max((len(printable(step["verdict"])) for step in steps), default=4))
    middle = min(78, max(20, room - 17 - last - 2))
    for at, step in enumerate(steps, 1):
        verdict = cut(step["verdict"], last)
        saw = textwrap.wrap(printable(step["saw"]), middle) or [""]
        style = _VERDICTS.get(step["verdict"], "bold")
        yield [(f"{at:2} ", "dim"), (f"{step['rule']:13} ", ""), (saw[0].ljust(middle) + "  ", ""), (verdict, style)]
        for more in saw[1:3]:
            yield [(" " * 17 + more, "")]
        if saw[3:]:
            yield [(" " * 17 + "…", "")]


def _outcome(outcome: dict[str, Any]) -> Iterable[list[Span]]:
    target = outcome["record"] or outcome["model"] or ""
    for_ = outcome["alias"] or outcome["recipient"] or ""
    match outcome["action"]:
        case "create":
            text = f"a new record {target}" + (f", by {for_}" if for_ else "")
            values = assignments(outcome["values"])
            text += f" ({values})" if values else ""
        case "post":
            text = f"on {target}" + (f", an answer to {outcome['parent']}" if outcome["parent"] else "")
        case "refuse":
            text = f"{outcome['reason']}: {for_}"
        case "hold":
            text = f"{outcome['reason']}{': ' + for_ if for_ else ''}{' (quiet)' if outcome.get('quiet') else ''}"
        case "bounce":
            text = "; ".join(_reported(each) for each in outcome["reports"])
        case _:
            text = outcome["reason"] + (f" of message {outcome['message']}" if outcome.get("message") else "")
    yield [(f"=> {outcome['action']:8}  ", _ACTIONS.get(outcome["action"], "bold magenta")), (printable(text), "")]
    if outcome.get("note"):
        yield [("             ", ""), (cut(outcome["note"], 160), "dim")]


def _reported(found: dict[str, Any]) -> str:
    """What became of one recipient, in a line."""
    who = found["recipient"] or "nobody named"
    if found["action"] not in ("failed", "complaint"):
        return f"{found['action']} {who}"
    words = " ".join(filter(None, (found["kind"], found["status"])))
    where = f" on {found['record']}" if found["record"] else ", of a message we do not know"
    return f"{words}: {who}{where}{', proved' if found['proved'] else ''}"


def _hints(tree: dict[str, Any], number: int | None) -> Iterable[CommandLine]:
    """The exact command that would change the outcome."""
    author = tree["message"]["from"] or tree["message"]["reverse_path"]
    for outcome in tree["outcomes"]:
        own = outcome["alias"] or outcome["recipient"]
        match outcome["action"], outcome["reason"]:
            case _, "no-route":
                yield command("mailgate alias add {ADDRESS} --model MODEL", own)
            case _, "policy":
                if tree["message"]["from"]:
                    yield command("mailgate contact add {ADDRESS}", author)
                yield command("mailgate alias set {ADDRESS} --from everyone", own)
            case _, "rate-limit":
                yield command("mailgate sender allow {ADDRESS}", author)
            case _, "catchall":
                yield command("mailgate alias list")
            case _, "blocked":
                yield command("mailgate sender remove {ADDRESS}", author)
            case "hold", "spam":
                yield command("mailgate alias set {ADDRESS} --spam quiet", own)
            case "hold", "misconfigured":
                yield command("mailgate alias set {ADDRESS} --no-record", own)
            case "ignore", "duplicate":
                yield command("mailgate why {N}", outcome.get("message"))
            case "bounce", _:
                yield command("mailgate bounce list")
            case "create", "alias":
                yield command("mailgate alias show {ADDRESS}", own)
            case "post", _ if outcome["record"]:
                yield command("mailgate record show {MODEL/ID}", outcome["record"])
        if outcome["action"] == "hold" and number:
            yield command("mailgate held route {N} --to ADDRESS", number)


def _advice(tree: dict[str, Any]) -> Iterable[str]:
    """What would change the outcome, where no command does."""
    reasons = [outcome["reason"] for outcome in tree["outcomes"]]
    if "catchall" in reasons:
        yield "the catchall takes only answers; new mail goes to an alias"
    if "too-large" in reasons:
        yield "raise max_size under [limits] in the configuration"


def _path(reverse_path: str | None) -> str:
    return printable(reverse_path) if reverse_path else "<>"
