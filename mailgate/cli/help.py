"""`mailgate help`: the pages of the manual, and the help of every command."""

import difflib

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.options import Command
from mailgate.cli.ui.program import program
from mailgate.manual import pages, screen
from mailgate.manual.markdown import Heading, Paragraph, Table
from mailgate.values.problem import Problem, command

WIDEST = 100
"""Columns; longer lines are hard to read."""


@click.command(
    "help",
    cls=Command,
    examples="""
        mailgate help
        mailgate help rules
        mailgate help alias add
    """,
)
@click.argument("topic", nargs=-1, metavar="[TOPIC|COMMAND]")
@click.pass_context
def help_(context: click.Context, topic: tuple[str, ...]) -> None:
    """Show a page of the manual, or the help of a command; without a topic, list them all.

    Where a page and a command have the same name, this is the page; `mailgate NAME --help` is the command's help.
    """
    if not topic:
        _contents()
    elif len(topic) == 1 and topic[0] in pages.TOPICS:
        console.lines(screen.lines(pages.page(topic[0]).blocks, _width()))
    else:
        console.say(_command_help(context, topic))


def _contents() -> None:
    """The topics, a line each."""
    for section, topics in pages.SECTIONS.items():
        rows = tuple((f"`{topic}`", pages.page(topic).summary) for topic in topics)
        head, *lines = screen.lines([Heading(2, section), Table(("", ""), rows)], _width())
        console.lines([head, *(line for line in lines[2:])])
        console.lines([[]])
    last = "`mailgate help TOPIC` shows a page; `mailgate --help` lists the commands, and `mailgate help COMMAND` one."
    console.lines(screen.lines([Paragraph(last)], _width()))


def _width() -> int:
    return min(WIDEST, console.width())


def _command_help(context: click.Context, words: tuple[str, ...]) -> str:
    """The help of a command, or of one of its subcommands. Raises Problem."""
    target: click.Command = program
    parent = context.find_root()
    for word in words:
        child = target.get_command(parent, word) if isinstance(target, click.Group) else None
        if child is None:
            near = difflib.get_close_matches(word, [*pages.TOPICS, *program.list_commands(parent)], 1)
            suggestion = f"; did you mean `{near[0]}`?" if near else ""
            raise Problem(
                f"there is no topic or command `{' '.join(words)}`{suggestion}",
                command("mailgate help"),
            )
        parent = click.Context(child, info_name=word, parent=parent)
        target = child
    return target.get_help(parent)
