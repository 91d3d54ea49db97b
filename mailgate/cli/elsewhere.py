"""`mailgate domain redirects` and `dns`: what has to be said to providers and name servers."""

import ipaddress
import sys

import click

from mailgate.cli.app import App, pass_app
from mailgate.cli.parts import Command, completing, json_option
from mailgate.cli.ui import console
from mailgate.mta import redirects, zone
from mailgate.store import aliases, directory, domains
from mailgate.values import address
from mailgate.values.problem import Problem, command

_known = completing(lambda tx: (each.name for each in domains.listing(tx)))


@click.command(
    "redirects",
    cls=Command,
    examples="""
        mailgate domain redirects example.org --to example.com
        mailgate domain redirects example.org --to box@provider.net --format csv
    """,
)
@click.argument("name", shell_complete=_known)
@click.option(
    "--to", required=True, metavar="DOMAIN|ADDRESS", help="A domain, where names stay the same, or a mailbox."
)
@click.option("--format", "form", type=click.Choice(["table", "postfix", "csv"]), default="table", show_default=True)
@json_option
@pass_app
def redirects_(app: App, name: str, to: str, form: str, as_json: bool) -> None:
    """The forwards that the provider of a domain needs, so that its mail reaches us."""
    with app.store.read() as tx:
        found = domains.get(tx, name)
        target = _target(to, found.name)
        here = [each.local for each in aliases.listing(tx) if each.domain == found.canonical]
        rows = redirects.redirects(found, here, target)
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
        console.verbatim(redirects.postfix(rows))
        return
    if form == "csv":
        console.verbatim(redirects.table(rows))
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


@click.command("dns", cls=Command, examples="mailgate domain dns example.com --host mail.example.net")
@click.argument("name", shell_complete=_known)
@click.option("--host", required=True, metavar="MX", help="The host that takes its mail.")
@click.option("--priority", type=click.IntRange(0, 65535), default=10, show_default=True, help="Of the MX record.")
@click.option(
    "--address", "addresses", multiple=True, metavar="IP", help="Of the host, to print its record; repeatable."
)
@click.option("--reports", metavar="ADDRESS", default="", help="Where DMARC reports go.")
@json_option
@pass_app
def dns(app: App, name: str, host: str, priority: int, addresses: tuple[str, ...], reports: str, as_json: bool) -> None:
    """The DNS records of a domain, as a zone file has them: MX, SPF, and what DKIM and DMARC need."""
    with app.store.read() as tx:
        found = domains.get(tx, name)
    if _ip(host):
        raise Problem(
            "an MX record names a host, not an IP address",
            command("mailgate domain dns {DOMAIN} --host {HOST}", name, f"mail.{name}"),
        )
    for each in addresses:
        if not _ip(each):
            raise Problem(
                f"`{each}` is no IP address",
                command("mailgate domain dns {DOMAIN} --host {HOST} --address 192.0.2.1", name, host),
            )
    if reports and not address.parse(reports):
        raise Problem(
            f"`{reports}` is no address",
            command("mailgate domain dns {DOMAIN} --host {HOST} --reports {ADDRESS}", name, host, f"dmarc@{name}"),
        )
    entries = zone.entries(found.name, domains.name_of(host), priority, [str(_ip(each)) for each in addresses], reports)
    if as_json:
        console.data([each._asdict() for each in entries])
        return
    for line in zone.lines(entries):
        console.verbatim(line)


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
