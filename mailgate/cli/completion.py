"""`mailgate completion`: the script that completes commands in a shell."""

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.options import Command
from mailgate.cli.ui.program import program


@click.command(
    "completion",
    cls=Command,
    examples="""
        mailgate completion bash > /etc/bash_completion.d/mailgate
        mailgate completion zsh > ~/.zfunc/_mailgate
    """,
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands and options in a shell."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    console.verbatim(found(program, {}, "mailgate", "_MAILGATE_COMPLETE").source())
