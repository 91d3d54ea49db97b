"""The DNS records that bring a domain's mail to a host, and let it send."""

from collections.abc import Iterable
from typing import NamedTuple

_TEXT_LIMIT = 255
"""Octets of one character-string of a TXT record (RFC 1035 section 3.3.14)."""


class DnsRecord(NamedTuple):
    """One record, ready for a zone file: name with its final dot, type, data; and what it is for.

    `data` is empty when only another program knows it.
    """

    name: str
    type: str
    data: str
    why: str


def records(
    domain: str, host: str, priority: int = 10, addresses: Iterable[str] = (), reports: str = ""
) -> list[DnsRecord]:
    """The records for a domain whose mail goes to `host` (RFC 5321 section 5, RFC 7208, RFC 6376, RFC 7489).

    `addresses`: IP addresses of the host, IPv6 with colons; `reports`: where DMARC reports go.
    """
    rua = f"; rua=mailto:{reports}" if reports else ""
    return [
        DnsRecord(
            f"{domain}.", "MX", f"{priority} {host}.", "where its mail goes: a host with an A or AAAA record, no CNAME"
        ),
        *(
            DnsRecord(f"{host}.", "AAAA" if ":" in address else "A", address, "the host itself")
            for address in addresses
        ),
        DnsRecord(
            f"{domain}.", "TXT", text("v=spf1 mx ~all"), "SPF, who sends for it: its MX. Merge it with one that exists"
        ),
        DnsRecord(
            f"mail._domainkey.{domain}.", "TXT", "", "DKIM: your mail server signs; publish what its key tool prints"
        ),
        DnsRecord(
            f"_dmarc.{domain}.",
            "TXT",
            text(f"v=DMARC1; p=none{rua}"),
            "DMARC: start with none, tighten it when DKIM works",
        ),
    ]


def text(value: str) -> str:
    """The data of a TXT record, in as many quoted strings as it takes (RFC 1035 section 5.1)."""
    pieces = [value[at : at + _TEXT_LIMIT] for at in range(0, len(value), _TEXT_LIMIT)]
    escaped = (piece.replace("\\", "\\\\").replace('"', '\\"') for piece in pieces)
    return " ".join(f'"{piece}"' for piece in escaped)


def lines(records: Iterable[DnsRecord]) -> list[str]:
    """The records as lines of a zone file (RFC 1035 section 5), each after a comment."""
    written = []
    for record in records:
        written.append(f"; {record.why}")
        if record.data:
            written.append(f"{record.name:<32} IN {record.type:<5} {record.data}")
        else:
            written.append(f"; {record.name} IN {record.type} ...")
    return written
