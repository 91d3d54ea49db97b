"""`mailgate domain dns`: the DNS records of a domain."""

import ipaddress

import click

from mailgate.cli.ui import completions, console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.mta import zone
from mailgate.store import domains
from mailgate.values import address
from mailgate.values.problem import Problem, command


@click.command("dns", cls=Command, examples="mailgate domain dns example.com --host mail.example.net")
@click.argument("name", shell_complete=completions.domains)
@click.option("--host", required=True, metavar="MX", help="Host that accepts mail for the domain.")
@click.option(
    "--priority", type=click.IntRange(0, 65535), default=10, show_default=True, help="Priority of the MX record."
)
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="IP",
    help="IP address of the host, to print its record, too; repeatable.",
)
@click.option("--reports", metavar="ADDRESS", default="", help="Address for DMARC reports.")
@json_option
@pass_app
def dns(app: App, name: str, host: str, priority: int, addresses: tuple[str, ...], reports: str, as_json: bool) -> None:
    """Print the DNS records that a domain needs, as lines of a zone file: MX, SPF, DKIM and DMARC."""
    with app.store.read() as tx:
        domain = domains.get(tx, name)
    if _ip(host):
        raise Problem(
            "an MX record names a host, not an IP address",
            command("mailgate domain dns {DOMAIN} --host {HOST}", name, f"mail.{name}"),
        )
    for text in addresses:
        if not _ip(text):
            raise Problem(
                f"`{text}` is not an IP address",
                command("mailgate domain dns {DOMAIN} --host {HOST} --address 192.0.2.1", name, host),
            )
    if reports and not address.parse(reports):
        raise Problem(
            f"`{reports}` is not a mail address",
            command("mailgate domain dns {DOMAIN} --host {HOST} --reports {ADDRESS}", name, host, f"dmarc@{name}"),
        )
    ips = [str(_ip(text)) for text in addresses]
    records = zone.records(domain.name, domains.name_of(host), priority, ips, reports)
    if as_json:
        console.data([record._asdict() for record in records])
        return
    for line in zone.lines(records):
        console.verbatim(line)


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
