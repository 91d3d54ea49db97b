"""The whole program: its commands by section, each in a module that is imported when it is used."""

from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

from mailgate import __version__
from mailgate.cli.ui.app import App
from mailgate.cli.ui.options import Command, Group

SECTIONS = {
    "Mail": {
        "route": "what would happen to a message, and why",
        "why": "why a received message went where it went",
        "test": "your own cases against today's configuration",
        "message": "every message received or sent",
        "log": "what became of mail, a line each, as it comes",
        "stats": "how much came, and what became of it",
        "held": "mail that waits for a person",
        "bounce": "mail of ours that did not arrive",
        "post": "write to the people of a record",
        "sent": "register what another program sends",
        "outbox": "the outgoing queue: refusals, posts, copies",
        "work": "send what is queued",
        "fetch": "collect mail from incoming servers, or files",
    },
    "Directory": {
        "domain": "the mail domains that are ours",
        "alias": "the addresses that make records",
        "record": "what mail became",
        "contact": "known senders",
        "sender": "senders let through or kept out",
        "param": "the gateway's parameters",
        "key": "the keys that sign addresses and ids",
        "server": "mailboxes elsewhere that mail is collected from",
        "export": "all of that as a file, for review",
        "import": "make it what a file says",
    },
    "Set-up": {
        "demo": "the story of the gateway, on a throw-away store",
        "doctor": "what is not as it should be, and how to mend it",
        "init": "write a configuration and make the store",
        "config": "the settings that apply, and what is wrong with them",
        "setup": "what to put into Postfix or Exim, and whether it is there",
        "migrate": "bring an older store up to date",
        "help": "the manual, a page a topic, and the help of each command",
        "completion": "the script that completes commands in a shell",
    },
}
"""Section of `--help` -> command -> what it is about."""
COMMANDS = (*(name for section in SECTIONS.values() for name in section), "lmtp")
PIPE = "deliver", "for the mail server's pipe: one message in, one exit status out"


class Program(Group):
    """The whole program; a command's module is imported when the command is used."""

    def invoke(self, context: click.Context) -> Any:
        """Run a command; after COMMIT, whatever else it did, the mail server learns of a changed address."""
        try:
            return super().invoke(context)
        finally:
            app = context.find_object(App)
            used = self.get_command(context, context.invoked_subcommand or "")
            if app and isinstance(used, Command | Group) and used.changes_addresses:
                app.keep_maps()

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(section.items()))
        with formatter.section("Mail server"):
            formatter.write_dl([PIPE, ("lmtp", "the same for mail servers that speak LMTP")])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"mailgate.cli.{name}_" if iskeyword(name) else f"mailgate.cli.{name}")
        return next(each for each in vars(module).values() if isinstance(each, click.Command) and each.name == name)


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
    """A mail gateway: piped mail becomes records, answers, or refusals that explain themselves."""
