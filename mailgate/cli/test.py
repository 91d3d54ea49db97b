"""`mailgate test`: an administrator's own cases, judged against today's configuration."""

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
# A case for `mailgate test`: the envelope of the message beside this file, and what has to become of it. Only what
# stands here is compared; remove what does not matter. `mailgate route --json` shows what can be named.

"""


class Result(NamedTuple):
    """What became of a case: how today's judgement differs, or why there was none (`fault`)."""

    name: str
    differences: tuple[Difference, ...] = ()
    fault: str = ""

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
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
@click.option("--record", "number", type=Number(), metavar="N", help="Make a case of stored message N.")
@click.option("--to", "target", type=click.Path(), default=".", metavar="DIR", help="Where to; default: here.")
@json_option
@pass_app
def test(app: App, folder: str | None, number: int | None, target: str, as_json: bool) -> None:
    """Judge your own cases, NAME.eml beside NAME.toml, and tell what differs. Nothing is written to the store.

    Each is judged as if no mail had come lately, so that copies, rates and answers do not count. Exits with 1 when
    something differs.
    """
    if (folder is None) == (number is None):
        raise click.UsageError("Name a folder with cases, or --record a message.")
    if number is not None:
        _record(app, number, target, as_json)
        return
    assert folder is not None
    named = cases.names(folder)
    if not named:
        raise NotFound(f"no case in {folder}", command("mailgate test --record N --to {FOLDER}", folder))
    limit, now = app.config.max_size + 1, time.time()
    read = [(os.path.relpath(path, folder), _read(path, limit)) for path in named]  # before root is given up
    found = [_judged(app, name, each, now) for name, each in read]
    failed = sum(not each.passed for each in found)
    if as_json:
        console.data({"schema": 1, "passed": len(found) - failed, "failed": failed, "cases": [*map(_data, found)]})
    else:
        for each in found:
            _show(each)
        differ = f"{failed} {'differs' if failed == 1 else 'differ'}" if failed else "nothing differs"
        console.say(f"{len(found)} {'case' if len(found) == 1 else 'cases'}, {differ}")
    if failed:
        raise click.exceptions.Exit(1)


def _read(path: str, limit: int) -> Case | Problem:
    try:
        return cases.read(path, limit)
    except Problem as problem:
        return problem


def _judged(app: App, name: str, case: Case | Problem, now: float) -> Result:
    if isinstance(case, Problem):
        return Result(name, fault=str(case))
    return Result(name, tuple(cases.judge(app.store, app.config, case, now)))


def _record(app: App, number: int, target: str, as_json: bool) -> None:
    path = os.path.join(os.path.abspath(target), f"message-{number}")
    os.makedirs(target, exist_ok=True)
    with writer.writer() as write:
        with app.store.read() as tx:
            tree, octets = messages.explanation(tx, number), messages.raw(tx, number)
        table = cases.recorded(tree)
        text = _HEADER + tomli_w.dumps(table)
        try:
            write(f"{path}.eml", octets, False)
            write(f"{path}.toml", text.encode("utf-8"), False)
        except FileExistsError as error:
            raise Problem(f"{error.filename} is there already", advice="choose another folder with --to") from error
    now = cases.judge(app.store, app.config, cases.case(octets, table), time.time())
    if as_json:
        console.data(
            {"message": f"{path}.eml", "case": f"{path}.toml", "differences": [each._asdict() for each in now]}
        )
        return
    console.say(f"wrote {path}.eml and {path}.toml")
    if now:
        console.say("today it would be judged differently:")
        _lines(now)
    app.finish()


def _data(found: Result) -> dict[str, Any]:
    differences = [each._asdict() for each in found.differences]
    return {"name": found.name, "passed": found.passed, "fault": found.fault, "differences": differences}


def _show(found: Result) -> None:
    word, style = ("ok  ", "") if found.passed else ("FAIL", "bold red")
    console.lines([[(word, style), (f"  {found.name}", "")]])
    if found.fault:
        console.lines([[(f"      {found.fault}", "")]])
    _lines(found.differences)


def _lines(differences: Sequence[Difference]) -> None:
    rows: list[list[Span]] = []
    size = max((len(each.what) for each in differences), default=0)
    for each in differences:
        name, expected, got = f"      {each.what:{size}}  ", _said(each.expected), _said(each.got)
        if len(name) + len(expected) + len(got) + 15 <= console.width():
            rows.append([(name, "bold"), (f"expected {expected}, got {got}", "")])
        else:
            rows += [[(name, "bold"), (f"expected {expected}", "")], [(" " * len(name), ""), (f"got      {got}", "")]]
    console.lines(rows)


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
