"""The explanation of a decision: every rule that was asked, what it led to, and what would change that."""

import textwrap
from collections.abc import Iterable
from typing import Any

from mailgate.cli.ui.console import Span, assignments, cut, lines, size, width
from mailgate.values.charset import printable
from mailgate.values.problem import CommandLine, command

_VERDICTS = {"pass": "", "refuse": "red", "hold": "magenta", "ignore": "magenta", "none": "dim", "no verdict": "dim"}
_ACTIONS = {"create": "bold", "post": "bold", "refuse": "bold red", "defer": "bold red"}


def show(tree: dict[str, Any], number: int | None = None) -> None:
    """Print an explanation: the message, every rule asked, the outcomes, and what the mail server sees.

    `tree` is the JSON of `route` and `why`; `number` that of a stored message.
    """
    message, mta = tree["message"], tree["mta"]
    rows: list[list[Span]] = []
    subject = f'  "{cut(message["subject"], 60)}"' if message["subject"] else ""
    name = f"{number}  " if number else ""
    rows.append([("Message   ", "dim"), (name + printable(message["id"] or "no Message-ID"), ""), (subject, "bold")])
    author = message["from_text"] or message["from"] or "(none)"
    unknown = "" if message["from"] else "   (author unknown)"
    rows.append([("From      ", "dim"), (cut(author, 200), ""), (unknown, "magenta")])
    answers = ", ".join(message.get("answer_to", ()))
    if answers and answers != message["from"]:
        rows.append([("Answers   ", "dim"), (f"{cut(answers, 200)} ({message['answer_source']})", "")])
    recipients = ", ".join(message["recipients"]) or "(recipients unknown; those in the header are used)"
    rows.append([("Envelope  ", "dim"), (f"{_path(message['reverse_path'])} -> {cut(recipients, 400)}", "")])
    rows.append([("Size      ", "dim"), (f"{size(message['size'])}, {message['class']} mail", "")])
    rows += [[("Defect    ", "dim"), (cut(defect, 100), "magenta")] for defect in message["defects"]]
    rows.append([])
    rows += _steps(tree["steps"])
    rows.append([])
    for outcome in tree["outcomes"]:
        rows += _outcome(outcome)
    for mail in tree["outgoing"]:
        rows.append([("   sends     ", "dim"), (f"{mail['kind']} ({mail['reason']}) to {printable(mail['to'])}", "")])
    sees = f"exit {mta['exit']}, " + (f'"{printable(mta["text"])}"' if mta["text"] else "no output")
    rows.append([("   MTA sees  ", "dim"), (sees, "")])
    if tree["dry_run"]:
        rows.append([("   (dry run: nothing was written)", "dim")])
    lines(rows, hang=True)
    lines([("   hint: ", "bold"), (hint, "")] for hint in dict.fromkeys((*hints(tree, number), *advice(tree))))


def verdict(tree: dict[str, Any]) -> None:
    """Print the deciding rules of an explanation and their outcomes, in a few lines."""
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
    address = outcome["alias"] or outcome["recipient"] or ""
    match outcome["action"]:
        case "create":
            text = f"new record {target}" + (f" from {address}" if address else "")
            values = assignments(outcome["values"])
            text += f" ({values})" if values else ""
        case "post":
            text = f"on {target}" + (f", in reply to {outcome['parent']}" if outcome["parent"] else "")
        case "refuse":
            text = f"{outcome['reason']}: {address}"
        case "hold":
            text = f"{outcome['reason']}{': ' + address if address else ''}{' (quiet)' if outcome.get('quiet') else ''}"
        case "bounce":
            text = "; ".join(_report(report) for report in outcome["reports"])
        case _:
            text = outcome["reason"] + (f" of message {outcome['message']}" if outcome.get("message") else "")
    yield [(f"=> {outcome['action']:8}  ", _ACTIONS.get(outcome["action"], "bold magenta")), (printable(text), "")]
    if outcome.get("note"):
        yield [("             ", ""), (cut(outcome["note"], 160), "dim")]


def _report(report: dict[str, Any]) -> str:
    """What a delivery report says about one recipient."""
    recipient = report["recipient"] or "unnamed recipient"
    if report["action"] not in ("failed", "complaint"):
        return f"{report['action']} {recipient}"
    words = " ".join(filter(None, (report["kind"], report["status"])))
    place = f" on {report['record']}" if report["record"] else ", of an unknown message"
    return f"{words}: {recipient}{place}{', proved' if report['proved'] else ''}"


def hints(tree: dict[str, Any], number: int | None) -> Iterable[CommandLine]:
    """The commands that would change the outcomes, or show more about them."""
    author = tree["message"]["from"] or tree["message"]["reverse_path"]
    for outcome in tree["outcomes"]:
        address = outcome["alias"] or outcome["recipient"]
        match outcome["action"], outcome["reason"]:
            case _, "no-route":
                yield command("mailgate alias add {ADDRESS} --model MODEL", address)
            case _, "policy":
                if tree["message"]["from"]:
                    yield command("mailgate contact add {ADDRESS}", author)
                yield command("mailgate alias set {ADDRESS} --from everyone", address)
            case _, "rate-limit":
                yield command("mailgate sender allow {ADDRESS}", author)
            case _, "catchall":
                yield command("mailgate alias list")
            case _, "blocked":
                yield command("mailgate sender remove {ADDRESS}", author)
            case "hold", "spam":
                yield command("mailgate alias set {ADDRESS} --spam quiet", address)
            case "hold", "misconfigured":
                yield command("mailgate alias set {ADDRESS} --no-record", address)
            case "ignore", "duplicate":
                yield command("mailgate why {N}", outcome.get("message"))
            case "bounce", _:
                yield command("mailgate bounce list")
            case "create", "alias":
                yield command("mailgate alias show {ADDRESS}", address)
            case "post", _ if outcome["record"]:
                yield command("mailgate record show {MODEL/ID}", outcome["record"])
        if outcome["action"] == "hold" and number:
            yield command("mailgate held route {N} --to ADDRESS", number)


def advice(tree: dict[str, Any]) -> Iterable[str]:
    """What would change the outcomes, where no command does."""
    reasons = [outcome["reason"] for outcome in tree["outcomes"]]
    if "catchall" in reasons:
        yield "the catchall accepts only replies; new mail needs an alias"
    if "too-large" in reasons:
        yield "raise max_size under [limits] in the configuration"


def _path(reverse_path: str | None) -> str:
    return printable(reverse_path) if reverse_path else "<>"
