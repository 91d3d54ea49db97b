"""The forwards that a provider needs, so that mail for a domain kept elsewhere reaches us."""

import csv
import io
from collections.abc import Iterable
from typing import NamedTuple

from mailgate.values.directory import Domain


class Redirect(NamedTuple):
    """One forward. what: catchall, bounce, sender, alias or retired; or detail, which has a `*` in both addresses."""

    source: str
    target: str
    what: str


def redirects(domain: Domain, aliases: Iterable[str], to: str) -> tuple[Redirect, ...]:
    """Every forward for a domain: its catchall and bounce address, its aliases (local parts), its retired names.

    `to` is a mailbox that gets all mail, or a domain in which every name stays the same. A domain with details has each
    name twice, with a detail and without.
    """
    names = {domain.catchall: "catchall", domain.bounce: "bounce"}
    for local in aliases:
        names.setdefault(local, "alias")
    if domain.sender:
        names.setdefault(domain.sender, "sender")
    for local, _ in domain.retired:
        names.setdefault(local, "retired")

    def forward(local: str, kind: str) -> Redirect:
        return Redirect(f"{local}@{domain.name}", to if "@" in to else f"{local}@{to}", kind)

    plain = [forward(local, kind) for local, kind in names.items()]
    if not (domain.details and domain.delimiter):
        return tuple(plain)
    return (*plain, *(forward(f"{local}{domain.delimiter}*", "detail") for local in names))


def postfix(rows: Iterable[Redirect]) -> str:
    """The forwards as a Postfix virtual alias map (virtual(5)), in which Postfix handles details itself."""
    lines = ["# virtual_alias_maps; details follow names (propagate_unmatched_extensions)"]
    lines += [f"{row.source}  {row.target}" for row in rows if row.what != "detail"]
    return "\n".join(lines)


def table(rows: Iterable[Redirect]) -> str:
    """The forwards as CSV (RFC 4180), with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("address", "forward_to", "what"))
    writer.writerows([_inert(value) for value in row] for row in rows)
    return out.getvalue().rstrip("\n")


def _inert(value: str) -> str:
    """A value that no spreadsheet takes for a formula: the form that OWASP recommends against CSV injection."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
