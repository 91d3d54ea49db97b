"""The program: its commands by section; the module of a command is imported when the command is used."""

import sys
from importlib import import_module
from keyword import iskeyword

import click

from mailgate import __version__
from mailgate.cli.ui.app import App
from mailgate.cli.ui.options import Command, Group
from mailgate.values.light import Any

SECTIONS = {
    "Mail": {
        "route": "show what would happen to a message, and why",
        "why": "explain what happened to a received message",
        "test": "check your own test cases against the configuration",
        "message": "show every message, received or sent",
        "log": "list what happened to each message",
        "stats": "count messages by hour and outcome",
        "top": "watch mail, the queue and latency as they change",
        "held": "show and release held mail",
        "bounce": "show mail that could not be delivered",
        "post": "send a message to the followers of a record",
        "sent": "register a message that another program sends",
        "outbox": "show the outgoing queue",
        "work": "send queued mail",
        "fetch": "fetch mail from IMAP and POP servers, or import files",
    },
    "Directory": {
        "domain": "manage local domains",
        "alias": "manage the addresses that create records",
        "record": "show and change records",
        "contact": "manage known senders",
        "sender": "allow or block senders",
        "param": "show and set parameters",
        "key": "manage the keys that sign addresses",
        "server": "manage the servers that mail is fetched from",
        "export": "write the directory to a file",
        "import": "read the directory from a file",
    },
    "Setup": {
        "demo": "run a guided demo on a temporary database",
        "doctor": "check the installation and print fixes",
        "init": "create a configuration and a store",
        "config": "show and check the settings",
        "setup": "configure Postfix or Exim",
        "migrate": "upgrade the schema of the store",
        "purge": "delete old mail",
        "backup": "copy the store while mail arrives",
        "restore": "put a backup in the place of the store",
        "check-store": "check, repair and shrink the store",
        "help": "show a page of the manual, or the help of a command",
        "completion": "print a script for shell completion",
    },
}
"""Section of `--help` -> command -> what it is about."""
COMMANDS = (*(name for section in SECTIONS.values() for name in section), "lmtp", "serve")
MAIL_SERVER = {
    "deliver": "accept one message from the mail server's pipe",
    "lmtp": "accept messages over LMTP",
    "serve": "accept messages in a process that stays",
}
"""The commands that a mail server runs, or speaks to."""
_MACHINES = {*MAIL_SERVER, "work", "fetch", "doctor", "top", "demo", "init", "migrate"}
"""The commands whose runs are no changes by an administrator."""


def module_of(name: str) -> str:
    """The module of a command."""
    return f"{name}_" if iskeyword(name) else name.replace("-", "_")


class Program(Group):
    """The program; the module of a command is imported when the command is used."""

    def invoke(self, context: click.Context) -> Any:
        """Run a command, then update the mail server's tables: also after an error, what was committed counts."""
        try:
            return super().invoke(context)
        finally:
            app = context.find_object(App)
            used = self.get_command(context, context.invoked_subcommand or "")
            if app and context.invoked_subcommand not in _MACHINES:
                app.note_change(sys.argv[1:])
            if app and isinstance(used, Command | Group) and used.changes_addresses:
                app.keep_maps()

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(section.items()))
        with formatter.section("Mail server"):
            formatter.write_dl(list(MAIL_SERVER.items()))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"mailgate.cli.{module_of(name)}")
        return next(item for item in vars(module).values() if isinstance(item, click.Command) and item.name == name)


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples="""
        mailgate demo
        mailgate domain add example.com --contact info@example.com
        mailgate alias add support@example.com --model ticket
        mailgate route support@example.com < message.eml
        mailgate why 12
    """,
)
@click.version_option(__version__, prog_name="mailgate", message="%(prog)s %(version)s")
def program() -> None:
    """A mail gateway: it turns piped mail into records and replies, and explains every decision."""
