"""`mailgate domain redirects`: the forwards that a provider needs."""

import sys

import click

from mailgate.cli.ui import completions, console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.mta import redirects as forwards
from mailgate.store import aliases, directory, domains
from mailgate.values import address
from mailgate.values.problem import Problem, command


@click.command(
    "redirects",
    cls=Command,
    examples="""
        mailgate domain redirects example.org --to example.com
        mailgate domain redirects example.org --to box@provider.net --format csv
    """,
)
@click.argument("name", shell_complete=completions.domains)
@click.option(
    "--to",
    required=True,
    metavar="DOMAIN|ADDRESS",
    help="Forward to the same names in this domain, or all to this mailbox.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "postfix", "csv"]),
    default="table",
    show_default=True,
    help="Format of the output.",
)
@json_option
@pass_app
def redirects(app: App, name: str, to: str, form: str, as_json: bool) -> None:
    """List the forwards to set up at the provider of a domain, so that its mail reaches this gateway."""
    with app.store.read() as tx:
        domain = domains.get(tx, name)
        target = _target(to, domain.name)
        locals_ = [alias.local for alias in aliases.listing(tx) if alias.domain == domain.canonical]
        rows = forwards.redirects(domain, locals_, target)
        lost = [row.target for row in rows if row.what != "detail" and directory.is_stranger(tx, row.target)]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        console.warning(
            f"{lost[0]}{more}: no such alias, mail to it is refused; "
            f"make {domain.name} another name of that domain, or forward to a mailbox"
        )
    if as_json:
        console.data([row._asdict() for row in rows])
        return
    if form == "postfix":
        console.verbatim(forwards.postfix(rows))
        return
    if form == "csv":
        console.verbatim(forwards.table(rows))
        return
    console.table(("FORWARD", "TO", "WHAT"), rows, "")
    if sys.stdout.isatty() and any(row.what == "detail" for row in rows):
        console.say("if the provider does not support `+` addresses:")
        console.hint(command("mailgate domain set {DOMAIN} --details off", domain.canonical))
    app.finish()


def _target(to: str, source: str) -> str:
    """The mailbox or domain that mail is forwarded to. Raises Problem."""
    if "@" in to:
        mailbox = address.parse(to)
        if mailbox is None:
            raise Problem(
                f"`{to}` is not a mail address", command("mailgate domain redirects example.org --to box@provider.net")
            )
        return str(mailbox)
    if domains.name_of(to) == source:
        raise Problem(f"{source} would forward to itself", advice="forward to a domain whose mail arrives here")
    return domains.name_of(to)
