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
    entries = zone.records(found.name, domains.name_of(host), priority, [str(_ip(each)) for each in addresses], reports)
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
