"""The whole program: its commands by section, each in a module that is imported when it is used."""

from importlib import import_module
from typing import Any

import click

from mailgate import __version__
from mailgate.cli.app import App
from mailgate.cli.parts import Group

SECTIONS = {
    "Mail": {
        "route": ("route", "what would happen to a message, and why"),
        "why": ("route", "why a received message went where it went"),
        "test": ("test", "your own cases against today's configuration"),
        "message": ("message", "every message received or sent"),
        "log": ("stats", "what became of mail, a line each, as it comes"),
        "stats": ("stats", "how much came, and what became of it"),
        "held": ("held", "mail that waits for a person"),
        "bounce": ("bounce", "mail of ours that did not arrive"),
        "post": ("post", "write to the people of a record"),
        "sent": ("post", "register what another program sends"),
        "outbox": ("outbox", "the outgoing queue: refusals, posts, copies"),
        "work": ("outbox", "send what is queued"),
        "fetch": ("fetch", "collect mail from incoming servers, or files"),
    },
    "Directory": {
        "domain": ("domain", "the mail domains that are ours"),
        "alias": ("alias", "the addresses that make records"),
        "record": ("record", "what mail became"),
        "contact": ("contact", "known senders"),
        "sender": ("contact", "senders let through or kept out"),
        "param": ("contact", "the gateway's parameters"),
        "key": ("key", "the keys that sign addresses and ids"),
        "server": ("server", "mailboxes elsewhere that mail is collected from"),
        "export": ("export", "all of that as a file, for review"),
        "import": ("export", "make it what a file says"),
    },
    "Set-up": {
        "demo": ("demo", "the story of the gateway, on a throw-away store"),
        "doctor": ("doctor", "what is not as it should be, and how to mend it"),
        "init": ("init", "write a configuration and make the store"),
        "config": ("config", "the settings that apply, and what is wrong with them"),
        "setup": ("setup", "what to put into Postfix or Exim, and whether it is there"),
        "migrate": ("init", "bring an older store up to date"),
        "help": ("help", "the manual, a page a topic, and the help of each command"),
        "completion": ("init", "the script that completes commands in a shell"),
    },
}
"""Section of `--help` -> command -> module of this package, and what it is about."""
COMMANDS = {
    **{name: module for section in SECTIONS.values() for name, (module, _) in section.items()},
    "lmtp": "lmtp",
}
SERVING = ("work", "lmtp", "fetch")
"""Commands that run by themselves, again and again: they change no address."""
PIPE = "deliver", "for the mail server's pipe: one message in, one exit status out"


class Program(Group):
    """The whole program; a command's module is imported when the command is used."""

    def invoke(self, context: click.Context) -> Any:
        """Run a command; after COMMIT, whatever else it did, the mail server learns of a changed address."""
        try:
            return super().invoke(context)
        finally:
            app = context.find_object(App)
            if app and context.invoked_subcommand not in SERVING:
                app.keep_maps()

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, about) for name, (_, about) in section.items()])
        with formatter.section("Mail server"):
            formatter.write_dl([PIPE, ("lmtp", "the same for mail servers that speak LMTP")])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"mailgate.cli.{COMMANDS[name]}")
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
