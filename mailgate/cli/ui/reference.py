"""The pages of man: one for each command, from what click knows of it, and one for each topic of the manual.

`python -m mailgate.cli.ui.reference FOLDER` writes them, for the package that is built (`mailgate/manual/build.py`): of
other libraries there are only those then that a build asks for.
"""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from mailgate import __version__
from mailgate.cli.ui.options import Command, Group
from mailgate.cli.ui.program import COMMANDS, MAIL_SERVER, SECTIONS, program
from mailgate.manual import pages, roff
from mailgate.manual.markdown import Block, Code, Heading, Paragraph
from mailgate.manual.roff import Definitions, Sheet


def sources() -> dict[str, str]:
    """File below share/man -> roff, of every page."""
    context = click.Context(program, info_name="mailgate")
    sheets = [_program(context), *_below(program, context), *(_topic(topic) for topic in pages.TOPICS)]
    return {sheet.file: roff.page(sheet, __version__) for sheet in sheets}


def _topic(topic: str) -> Sheet:
    page = pages.page(topic)
    name, section = roff.named(topic)
    also = "`mailgate(1)`" + (f", `mailgate-{topic}(1)`" if topic in COMMANDS else "")
    blocks = (Heading(2, "Description"), *page.blocks[2:], *_see(also))
    return Sheet(name, section, page.summary, blocks)


def _program(context: click.Context) -> Sheet:
    """mailgate(1): every command and every topic, by section."""
    parts: list[Block | Definitions] = [*_head(program, context)]
    for title, section in SECTIONS.items():
        rows = [(f"mailgate-{name}(1)", about) for name, about in section.items()]
        parts += [Heading(2, f"{title} commands"), Definitions(tuple(rows))]
    rows = [(f"mailgate-{name}(1)", about) for name, about in MAIL_SERVER.items()]
    parts += [Heading(2, "Mail server commands"), Definitions(tuple(rows)), *_options(program, context)]
    topics = [(roff.reference(topic), pages.page(topic).summary) for topic in pages.TOPICS]
    parts += [Heading(2, "Manual"), Definitions(tuple(topics))]
    return Sheet("mailgate", 1, program.get_short_help_str(200), tuple(parts))


def _below(group: click.Group, context: click.Context) -> Iterator[Sheet]:
    """A page for each command of a group, and for those below it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield _command(command, inner)
        if isinstance(command, click.Group):
            yield from _below(command, inner)


def _command(command: click.Command, context: click.Context) -> Sheet:
    parts: list[Block | Definitions] = [*_head(command, context), *_options(command, context)]
    name = context.command_path.replace(" ", "-")
    if isinstance(command, click.Group):
        children = [(child, command.get_command(context, child)) for child in command.list_commands(context)]
        rows = [
            (f"{name}-{child}(1)", subcommand.get_short_help_str(200)) for child, subcommand in children if subcommand
        ]
        parts += [Heading(2, "Commands"), Definitions(tuple(rows))]
    parent = context.command_path.rpartition(" ")[0].replace(" ", "-")
    also = [f"`{page}(1)`" for page in dict.fromkeys(("mailgate", parent))]
    also += [f"`{roff.reference(topic)}`" for topic in pages.TOPICS if context.info_name == topic]
    return Sheet(
        name, 1, command.get_short_help_str(200), (*parts, *_see(", ".join([*also, "`mailgate-exit-codes(7)`"])))
    )


def _head(command: click.Command, context: click.Context) -> Iterator[Block]:
    """How a command is called, what it does, and examples."""
    yield Heading(2, "Synopsis")
    yield Code("", (" ".join([context.command_path, *command.collect_usage_pieces(context)]),))
    yield Heading(2, "Description")
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield Paragraph(" ".join(paragraph.split()))
    if isinstance(command, Command | Group) and command.examples:
        yield Heading(2, "Examples")
        yield Code("sh", tuple(inspect.cleandoc(command.examples).splitlines()))


def _options(command: click.Command, context: click.Context) -> Iterator[Block | Definitions]:
    options = [option for option in command.get_params(context) if isinstance(option, click.Option)]
    yield Heading(2, "Options")
    yield Definitions(tuple(record for option in options if (record := option.get_help_record(context))))


def _see(also: str) -> tuple[Block, ...]:
    return Heading(2, "See also"), Paragraph(also)


if __name__ == "__main__":
    for name, text in sources().items():
        path = Path(sys.argv[1], name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
