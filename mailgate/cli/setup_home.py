"""`mailgate setup forward|procmail|maildrop`: mail for a user without root."""

import os
from collections.abc import Sequence

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App
from mailgate.mta import home, planning
from mailgate.mta.plan import MARK, ConfigFile
from mailgate.process import writer
from mailgate.values.problem import Problem, command


def run(app: App, way: str, *, writing: bool, as_json: bool) -> None:
    """Print the files of a way, or write those that are not there."""
    if app.config.path is None:
        raise Problem("there is no configuration: `mailgate deliver` needs one", command("mailgate init"))
    files = home.setup(planning.of_home(app.config), way, os.path.expanduser("~"))
    if writing:
        _write(files)
    if as_json:
        named = [{"name": file.name, "place": file.path, "text": file.text} for file in files]
        console.data({"way": way, "files": named})
        return
    for file in files:
        if writing:
            console.say(f"wrote {file.path}")
        else:
            console.lines([[(f"--- {file.path}", "bold")]])
            console.verbatim(file.text)
    if not writing:
        console.say("with --write the files are written; mailgate-pipe needs the mode 755")


def _write(files: Sequence[ConfigFile]) -> None:
    for file in files:
        try:
            with open(file.path, encoding="utf-8", errors="replace") as present:
                lines = present.read().splitlines()[:3]
        except FileNotFoundError:
            continue
        if not any(MARK in line for line in lines):
            advice = "add the lines that are printed without --write"
            raise Problem(f"{file.path} was not made by mailgate", advice=advice)
    for file in files:
        os.makedirs(os.path.dirname(file.path), exist_ok=True)
        writer.write(file.path, file.text.encode())
        os.chmod(file.path, 0o755 if file.name == "mailgate-pipe" else 0o600)
