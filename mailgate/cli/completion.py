"""`mailgate completion`: print a script for shell completion."""

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
    """Print a script that completes commands and options in a shell."""
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    console.verbatim(script(program, {}, "mailgate", "_MAILGATE_COMPLETE").source())
