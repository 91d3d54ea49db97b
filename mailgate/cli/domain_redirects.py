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
    "--to", required=True, metavar="DOMAIN|ADDRESS", help="A domain, where names stay the same, or a mailbox."
)
@click.option("--format", "form", type=click.Choice(["table", "postfix", "csv"]), default="table", show_default=True)
@json_option
@pass_app
def redirects(app: App, name: str, to: str, form: str, as_json: bool) -> None:
    """The forwards that the provider of a domain needs, so that its mail reaches us."""
    with app.store.read() as tx:
        found = domains.get(tx, name)
        target = _target(to, found.name)
        here = [each.local for each in aliases.listing(tx) if each.domain == found.canonical]
        rows = forwards.redirects(found, here, target)
        lost = [each.target for each in rows if each.what != "detail" and directory.is_stranger(tx, each.target)]
    if lost:
        console.warning(
            f"{lost[0]}{f' and {len(lost) - 1} more' if len(lost) > 1 else ''}: nobody is there, such mail is refused; "
            f"make {found.name} another name of that domain, or forward to a mailbox"
        )
    if as_json:
        console.data([each._asdict() for each in rows])
        return
    if form == "postfix":
        console.verbatim(forwards.postfix(rows))
        return
    if form == "csv":
        console.verbatim(forwards.table(rows))
        return
    console.table(("FORWARD", "TO", "WHAT"), rows, "")
    if sys.stdout.isatty() and any(each.what == "detail" for each in rows):
        console.say("where the provider has no `+` addresses:")
        console.hint(command("mailgate domain set {DOMAIN} --details off", found.canonical))
    app.finish()


def _target(to: str, source: str) -> str:
    """The mailbox or the domain that mail is forwarded to. Raises Problem."""
    if "@" in to:
        mailbox = address.parse(to)
        if mailbox is None:
            raise Problem(
                f"`{to}` is no address", command("mailgate domain redirects example.org --to box@provider.net")
            )
        return str(mailbox)
    if domains.name_of(to) == source:
        raise Problem(f"{source} would forward to itself", advice="name the domain that reaches us, or a mailbox")
    return domains.name_of(to)
