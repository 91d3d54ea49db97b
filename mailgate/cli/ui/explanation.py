"""The picture of a decision: every rule that was asked, and what follows."""

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mailgate.values.charset import printable
from mailgate.values.problem import CommandLine, command

if TYPE_CHECKING:
    pass
from mailgate.cli.ui.console import Span, assignments, cut, lines, size, width

_VERDICTS = {"pass": "", "refuse": "red", "hold": "magenta", "ignore": "magenta", "none": "dim", "no verdict": "dim"}
_ACTIONS = {"create": "bold", "post": "bold", "refuse": "bold red", "defer": "bold red"}


def show(tree: dict[str, Any], number: int | None = None) -> None:
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
    lines([("   hint: ", "bold"), (each, "")] for each in dict.fromkeys((*hints(tree, number), *advice(tree))))


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


def hints(tree: dict[str, Any], number: int | None) -> Iterable[CommandLine]:
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


def advice(tree: dict[str, Any]) -> Iterable[str]:
    """What would change the outcome, where no command does."""
    reasons = [outcome["reason"] for outcome in tree["outcomes"]]
    if "catchall" in reasons:
        yield "the catchall takes only answers; new mail goes to an alias"
    if "too-large" in reasons:
        yield "raise max_size under [limits] in the configuration"


def _path(reverse_path: str | None) -> str:
    return printable(reverse_path) if reverse_path else "<>"
