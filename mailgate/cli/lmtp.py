"""`mailgate lmtp`: accept messages over LMTP."""

import click

from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command
from mailgate.mail.incoming import Fallback


@click.command(
    "lmtp",
    cls=Command,
    changes_addresses=False,
    examples="""
        mailgate lmtp --listen unix:/run/mailgate/lmtp.sock --group postfix
        mailgate lmtp --listen 127.0.0.1:2003
    """,
)
@click.option("--listen", required=True, metavar="unix:PATH|HOST:PORT", help="Socket that the mail server connects to.")
@click.option("--group", default="", metavar="GROUP", help="Group that may connect to the socket.")
@click.option("--anyone", is_flag=True, help="Let other machines, or all local users, connect and be believed.")
@click.option("--fallback-model", metavar="MODEL", help="Model for mail that no alias accepts.")
@pass_app
def lmtp(app: App, listen: str, group: str, anyone: bool, fallback_model: str | None) -> None:
    """Accept messages over LMTP until it is stopped: the same decisions as the pipe, with one reply per recipient.

    Any client is taken for the mail server. So a unix socket is open to its owner and its group alone, and a port
    on the loopback interface alone. It never creates or migrates a store; it exits with 75 if there is none.
    """
    from mailgate.cli.ui import serving
    from mailgate.inbound.listen import Access

    settings = serving.settled(app)
    fallback = Fallback(fallback_model) if fallback_model is not None else None
    serving.run(app, settings, serving.Listening(listen, access=Access(group, anyone)), fallback=fallback)
