"""The DNS records that bring a domain's mail to a host, and let it send."""

from collections.abc import Iterable
from typing import NamedTuple

_TEXT_LIMIT = 255
"""Octets of one character-string of a TXT record (RFC 1035 section 3.3.14)."""


class Entry(NamedTuple):
    """One record, ready for a zone file: name with its final dot, type, data; and a word on what it is for.

    `data` is empty where somebody else has to say it.
    """

    name: str
    type: str
    data: str
    why: str


def entries(
    domain: str, host: str, priority: int = 10, addresses: Iterable[str] = (), reports: str = ""
) -> list[Entry]:
    """The records for a domain whose mail goes to `host` (RFC 5321 section 5, RFC 7208, RFC 6376, RFC 7489).

    `addresses`: IP addresses of the host, IPv6 with colons; `reports`: where DMARC reports go.
    """
    rua = f"; rua=mailto:{reports}" if reports else ""
    return [
        Entry(
            f"{domain}.", "MX", f"{priority} {host}.", "where its mail goes: a host with an A or AAAA record, no CNAME"
        ),
        *(Entry(f"{host}.", "AAAA" if ":" in each else "A", each, "the host itself") for each in addresses),
        Entry(
            f"{domain}.", "TXT", text("v=spf1 mx ~all"), "SPF, who sends for it: its MX. Merge it with one that exists"
        ),
        Entry(
            f"mail._domainkey.{domain}.", "TXT", "", "DKIM: your mail server signs; publish what its key tool prints"
        ),
        Entry(
            f"_dmarc.{domain}.",
            "TXT",
            text(f"v=DMARC1; p=none{rua}"),
            "DMARC: begin with none, tighten when DKIM works",
        ),
    ]


def text(value: str) -> str:
    """The data of a TXT record, in as many quoted strings as it takes (RFC 1035 section 5.1)."""
    pieces = [value[at : at + _TEXT_LIMIT] for at in range(0, len(value), _TEXT_LIMIT)]
    escaped = (each.replace("\\", "\\\\").replace('"', '\\"') for each in pieces)
    return " ".join(f'"{each}"' for each in escaped)


def lines(found: Iterable[Entry]) -> list[str]:
    """The records as a zone file has them (RFC 1035 section 5), each below a comment."""
    written = []
    for each in found:
        written.append(f"; {each.why}")
        written.append(
            f"{each.name:<32} IN {each.type:<5} {each.data}" if each.data else f"; {each.name} IN {each.type} ..."
        )
    return written
