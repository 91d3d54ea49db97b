"""`mailgate test`: check your own test cases against the configuration."""

import json
import os
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import click
import tomli_w

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.console import Span
from mailgate.cli.ui.options import Command, Number, json_option
from mailgate.gateway import cases
from mailgate.gateway.cases import Case, Difference
from mailgate.process import writer
from mailgate.store import messages
from mailgate.values.problem import NotFound, Problem, command

_HEADER = """\
# A case for `mailgate test`: the envelope of the message in the .eml file of the same name, and the expected result.
# Only the keys in this file are compared; remove those that do not matter. `mailgate route --json` shows all keys.

"""


class Result(NamedTuple):
    """The result of a case: how the decision differs from the expected one, or why there is none (`fault`)."""

    name: str
    differences: tuple[Difference, ...] = ()
    fault: str = ""

    @property
    def passed(self) -> bool:
        """Whether the decision is the expected one."""
        return not self.differences and not self.fault


@click.command(
    "test",
    cls=Command,
    examples="""
        mailgate test /etc/mailgate/cases
        mailgate test --record 12 --to /etc/mailgate/cases
        mailgate test /etc/mailgate/cases --json
    """,
)
@click.argument("folder", required=False, metavar="[DIR]", type=click.Path())
@click.option("--record", "number", type=Number(), metavar="N", help="Make a test case from message N.")
@click.option(
    "--to",
    "target",
    type=click.Path(),
    default=".",
    metavar="DIR",
    help="Folder for the new case.",
)
@json_option
@pass_app
def test(app: App, folder: str | None, number: int | None, target: str, as_json: bool) -> None:
    """Check the cases in a folder, each a NAME.eml with a NAME.toml, and print what differs.

    Each case is decided as if no mail had arrived recently, so duplicates, rate limits and earlier replies do not
    matter. Nothing is written to the store. Exits with 1 if something differs.
    """
    if (folder is None) == (number is None):
        raise click.UsageError("Name a folder with cases, or a message with --record.")
    if number is not None:
        _record(app, number, target, as_json)
        return
    assert folder is not None
    paths = cases.names(folder)
    if not paths:
        raise NotFound(f"no test cases in {folder}", command("mailgate test --record N --to {FOLDER}", folder))
    limit, now = app.config.max_size + 1, time.time()
    read = [(os.path.relpath(path, folder), _read(path, limit)) for path in paths]  # before root is given up
    results = [_result(app, name, case, now) for name, case in read]
    failed = sum(not result.passed for result in results)
    if as_json:
        console.data({"schema": 1, "passed": len(results) - failed, "failed": failed, "cases": [*map(_data, results)]})
    else:
        for result in results:
            _show(result)
        console.say(f"{console.counted({'case': len(results)})}, {failed} failed")
    if failed:
        raise click.exceptions.Exit(1)


def _read(path: str, limit: int) -> Case | Problem:
    try:
        return cases.read(path, limit)
    except Problem as problem:
        return problem


def _result(app: App, name: str, case: Case | Problem, now: float) -> Result:
    if isinstance(case, Problem):
        return Result(name, fault=str(case))
    return Result(name, tuple(cases.judge(app.store, app.config, case, now)))


def _record(app: App, number: int, target: str, as_json: bool) -> None:
    path = os.path.join(os.path.abspath(target), f"message-{number}")
    os.makedirs(target, mode=0o700, exist_ok=True)
    with writer.writer() as write:
        with app.store.read() as tx:
            tree, octets = messages.explanation(tx, number), messages.raw(tx, number)
        table = cases.recorded(tree)
        text = _HEADER + tomli_w.dumps(table)
        try:
            write(f"{path}.eml", octets, replace=False, private=True)
            write(f"{path}.toml", text.encode("utf-8"), replace=False, private=True)
        except FileExistsError as error:
            raise Problem(f"{error.filename} exists already", advice="choose another folder with --to") from error
    differences = cases.judge(app.store, app.config, cases.case(octets, table), time.time())
    if as_json:
        console.data(
            {
                "message": f"{path}.eml",
                "case": f"{path}.toml",
                "differences": [difference.as_data() for difference in differences],
            }
        )
        return
    console.say(f"wrote {path}.eml and {path}.toml")
    if differences:
        console.say("the decision would differ now:")
        _lines(differences)
    app.finish()


def _data(result: Result) -> dict[str, Any]:
    differences = [difference.as_data() for difference in result.differences]
    return {"name": result.name, "passed": result.passed, "fault": result.fault, "differences": differences}


def _show(result: Result) -> None:
    word, style = ("ok  ", "") if result.passed else ("FAIL", "bold red")
    console.lines([[(word, style), (f"  {result.name}", "")]])
    if result.fault:
        console.lines([[(f"      {result.fault}", "")]])
    _lines(result.differences)


def _lines(differences: Sequence[Difference]) -> None:
    rows: list[list[Span]] = []
    size = max((len(difference.field) for difference in differences), default=0)
    for difference in differences:
        name = f"      {difference.field:{size}}  "
        expected, actual = _text(difference.expected), _text(difference.actual)
        if len(name) + len(expected) + len(actual) + 15 <= console.width():
            rows.append([(name, "bold"), (f"expected {expected}, got {actual}", "")])
        else:
            rows += [
                [(name, "bold"), (f"expected {expected}", "")],
                [(" " * len(name), ""), (f"got      {actual}", "")],
            ]
    console.lines(rows)


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
