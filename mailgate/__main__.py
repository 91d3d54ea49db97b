"""The program: `deliver` stays tiny, everything else is a command for people."""

import gc
import sys

from mailgate import __version__


def main() -> None:
    """Entry point. The pipe must not pay for the commands, so it is told apart before anything is imported."""
    arguments = sys.argv[1:]
    at = _command(arguments)
    if arguments[at : at + 1] == ["deliver"]:
        gc.disable()  # the process ends before it could pay off
        from mailgate.inbound.pipe import main as deliver

        deliver([*arguments[:at], *arguments[at + 1 :]])
    if arguments == ["--version"]:
        print("mailgate", __version__)
        return
    from mailgate.cli import main as commands

    commands()


def _command(arguments: list[str]) -> int:
    """Where the command stands: behind the global options, each of which takes a value."""
    at = 0
    while at + 1 < len(arguments) and arguments[at] in ("-C", "--config", "--db"):
        at += 2
    return at


if __name__ == "__main__":
    main()
