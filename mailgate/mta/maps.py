"""Which addresses the mail server should take for us: the tables that Postfix and Exim look recipients up in.

A table may say yes to an address that `route` refuses later, never no to one that it would take. Both servers look an
address up as it is, and without its detail: they cut at the first delimiter behind the first character.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailgate.routing import resolve
from mailgate.values.directory import RESERVED, Directory, Domain

GUARD = "/usr/local/sbin/mailgate-pipe"
"""What the mail server runs."""
ADDRESSES, DOMAINS, ALIASES, SIGNED = "addresses", "domains", "aliases", "signed"
INDEXED = (ADDRESSES, DOMAINS, ALIASES)
"""The tables that Postfix reads from an index."""
DETAIL = "[^a-z0-9]mg1[rb][a-z2-7]{19,30}"
"""A signed detail with its delimiter, for the regular expressions of both servers (`token` has the definition)."""
_COMMENT = "#"
_TARGET = "mailgate:"
"""The value of an entry: what Postfix needs in a transport table; Exim asks only whether there is one."""
_HEADER = "# Made by mailgate from its domains and aliases: a change made here is lost.\n"


class Maps(NamedTuple):
    """What the tables are made of.

    `directory` has every alias. `shared` are local domains that have mailboxes of their own on the server: only our
    addresses in them are listed, and postmaster and abuse are not ours. `unknown`: whether addresses that nobody knows
    are taken too.
    """

    directory: Directory
    shared: frozenset[str] = frozenset()
    unknown: bool = False

    @property
    def domains(self) -> Sequence[Domain]:
        """Every local domain under each of its names."""
        return tuple(self.directory.domains.values())


def tables(maps: Maps) -> Mapping[str, str]:
    """Every table by its name, as text: lines of key and value, in the order in which they should be written."""
    whole = [each for each in maps.domains if each.name not in maps.shared]
    places = [
        *(f"{local}@{host}" for each in maps.domains for host in spelled(each.name) for local in locals_(each, maps)),
        *(f"@{host}" for each in whole if maps.unknown for host in spelled(each.name)),
    ]
    names = sorted({local for each in maps.domains for local in locals_(each, maps) if local not in RESERVED})
    return {
        SIGNED: _HEADER + "".join(f"/{DETAIL}@{re.escape(each.name)}$/ {_TARGET}\n" for each in maps.domains),
        ADDRESSES: _HEADER + "".join(f"{each} {_TARGET}\n" for each in places),
        DOMAINS: _HEADER + "".join(f"{host} {_TARGET}\n" for each in whole for host in spelled(each.name)),
        ALIASES: _HEADER + "".join(f'{each} "|{GUARD}"\n' for each in names),
    }


def locals_(domain: Domain, maps: Maps) -> list[str]:
    """The local parts of a domain that the server takes for us, sorted.

    Whatever the rules know by name; where it holds a delimiter also what stands before that, since this is what is
    looked up for `name+detail+detail`.
    """
    names = {*resolve.names_in(domain, maps.directory), *(() if domain.name in maps.shared else RESERVED)}
    names.update([cut(name, delimiters(maps.domains)) for name in names])
    return sorted(name for name in names if not name.startswith(_COMMENT))


def unlisted(maps: Maps) -> list[str]:
    """Our addresses that no table can hold, because a line that begins so is a comment: nobody can write to them."""
    found = set(maps.directory.aliases)
    found.update(f"{name}@{domain.name}" for domain in maps.domains for name in (*domain.catchalls, *domain.bounces))
    return sorted(address for address in found if address.startswith(_COMMENT))


def delimiters(domains: Sequence[Domain]) -> str:
    """Every character that separates a detail in one of the domains."""
    return "".join(dict.fromkeys(each.delimiter for each in domains if each.delimiter))


def cut(local: str, delimiters: str) -> str:
    """A local part without its detail, as both servers cut it."""
    return next((local[:at] for at, c in enumerate(local) if at and c in delimiters), local)


def spelled(name: str) -> tuple[str, ...]:
    """A domain as it may stand in an envelope: its A-labels, and the U-labels that they stand for (RFC 6531)."""
    labels = [_u_label(label) for label in name.split(".")]
    return tuple(dict.fromkeys((name, ".".join(labels))))


def _u_label(label: str) -> str:
    try:
        return label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label
    except UnicodeError:
        return label
