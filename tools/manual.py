"""Write the manual pages from the same help that the commands print: `python tools/manual.py FOLDER`.

Needs click-man (`pip install '.[man]'`), when they are built and never when mailgate runs.
"""

import sys
from pathlib import Path

import click
from click_man.core import write_man_pages

from mailgate import __version__
from mailgate.cli.parts import Command, Group
from mailgate.cli.program import COMMANDS, program


def page(command: click.Command) -> None:
    """Put the examples of a command and of its verbs into their texts, where click-man looks."""
    if isinstance(command, Command | Group) and command.examples and ".nf" not in (command.help or ""):
        lines = [f"  {line.strip()}" for line in command.examples.strip().replace("\\", "\\e").splitlines()]
        command.help = "\n".join([command.help or "", "", "Examples:", "", ".nf", *lines, ".fi"])
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        page(each)


def build(folder: Path) -> None:
    """Write one page a command into a folder, made when there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    context = click.Context(program, info_name="mailgate")
    for name in COMMANDS:  # which are imported when they are used
        command = program.get_command(context, name)
        assert command is not None
        program.commands[name] = command
    page(program)
    write_man_pages("mailgate", program, version=__version__, target_dir=str(folder))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
