"""The commands for people and scripts: each maps a command line onto a function; `deliver` never comes here."""

from mailgate.cli.ui.run import main

__all__ = ["main"]
