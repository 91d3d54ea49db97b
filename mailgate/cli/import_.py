"""`mailgate import`: read the directory from a file."""

import sys
from typing import Any

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.console import Span
from mailgate.cli.ui.options import Command, json_option
from mailgate.export.apply import Applied, apply
from mailgate.export.difference import Change, FieldChange
from mailgate.export.parse import Proposal
from mailgate.values.charset import printable
from mailgate.values.problem import Problem, command

_MARKS = {"added": ("+ ", ""), "changed": ("~ ", "magenta"), "removed": ("- ", "red")}
_LIMIT = 64 << 20
"""Octets that are read of a file."""


class _RollBack(Exception):
    """Rolls back the transaction."""


@click.command(
    "import",
    cls=Command,
    examples="""
        mailgate import mailgate-directory.toml --dry-run
        mailgate import mailgate-directory.toml
        mailgate import mailgate-directory.toml --prune
    """,
)
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Show what would change, without changing it.")
@click.option("--prune", is_flag=True, help="Remove what is not in the file.")
@json_option
@pass_app
def import_(app: App, file: str, dry_run: bool, prune: bool, as_json: bool) -> None:
    """Change the directory to what a file of `mailgate export` says; `-` is standard input.

    The file is checked first, and applied as a whole or not at all. Without --prune nothing is removed.
    """
    name = "<stdin>" if file == "-" else file
    proposal = Proposal(_read(file), name)
    applied = Applied(())
    if not proposal.faults:
        try:
            with app.store.write() as tx:
                applied = apply(tx, proposal, prune=prune)
                if dry_run or proposal.faults:
                    raise _RollBack
        except _RollBack:
            pass
    if proposal.faults:
        for place, problem in sorted(proposal.faults, key=lambda fault: fault.place)[:20]:
            position = f"{name}:{place.line}:{place.column}"
            console.error(Problem(f"{position}: {problem}", *problem.commands, advice=problem.advice))
        raise Problem(
            f"{name}: {len(proposal.faults)} errors, nothing was changed"
            if len(proposal.faults) > 1
            else f"{name}: nothing was changed",
            command("mailgate import {FILE} --dry-run", file),
            advice="correct the file first",
        )
    for warning in applied.warnings:
        console.warning(warning, has_command=True)
    if as_json:
        console.data(as_data(applied, dry_run=dry_run))
        return
    _show(applied, dry_run=dry_run)
    app.finish()


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(_LIMIT)
    try:
        with open(file, "rb") as stream:
            return stream.read(_LIMIT)
    except OSError as error:
        raise Problem(f"cannot read {file}: {error.strerror}", command("mailgate export FILE")) from error


def as_data(applied: Applied, *, dry_run: bool) -> dict[str, Any]:
    """What an import did, or would do, as JSON."""
    counts = _counts(applied)
    return {
        "schema": 1,
        "dry_run": dry_run,
        **counts,
        "changes": [
            {
                "kind": change.kind,
                "name": change.name,
                "change": change.change,
                "fields": {field.key: {"before": field.before, "after": field.after} for field in change.fields},
            }
            for change in applied.changes
        ],
        "doubts": list(applied.warnings),
        "beside": [{"kind": kind, "name": name} for kind, name in applied.unnamed],
    }


def _counts(applied: Applied) -> dict[str, int]:
    return {word: sum(change.change == word for change in applied.changes) for word in _MARKS}


def _show(applied: Applied, *, dry_run: bool) -> None:
    rows: list[list[Span]] = []
    for change in applied.changes:
        mark, style = _MARKS[change.change]
        rows.append([(f"{mark}{change.kind:9} ", style), (printable(change.name), "bold")])
        if change.change != "removed":
            size = max((len(field.key) for field in change.fields), default=0)
            rows += [line for field in change.fields for line in _field(change, field, size)]
    console.lines(rows, hang=True)
    counts = ", ".join(f"{count} {word}" for word, count in _counts(applied).items() if count)
    console.say((f"would be {counts}" if dry_run else counts) if counts else "nothing to change")
    if applied.unnamed:
        kinds = [kind for kind, _ in applied.unnamed]
        unnamed = console.counted({kind: kinds.count(kind) for kind in dict.fromkeys(kinds)})
        console.say(f"not in the file, and kept: {unnamed}; --prune removes them")


def _field(change: Change, field: FieldChange, size: int) -> list[list[Span]]:
    name = f"    {field.key:{size}}  "
    if change.change == "added":
        return [[(name, "dim"), (_cut(field.after, len(name)), "")]]
    before, after = _cut(field.before, len(name) + 3), _cut(field.after, len(name) + 3)
    if len(name) + len(before) + 4 + len(after) <= console.width():
        return [[(name, "dim"), (f"{before} -> {after}", "")]]
    return [[(name, "dim"), (f"   {before}", "")], [(" " * len(name), ""), (f"-> {after}", "")]]


def _cut(value: object, indent: int) -> str:
    return console.cut(_text(value), max(20, console.width() - indent))


def _text(value: object) -> str:
    """A value of the file in a line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return (console.assignments(value) or "-") if isinstance(value, dict) else str(value).replace("\n", "\\n") or "-"
