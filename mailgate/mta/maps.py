"""Which addresses the mail server accepts for us: the tables in which Postfix and Exim look up recipients.

A table may contain an address that `route` refuses later, and never lacks one that it would take. Both servers look an
address up as it is, and without its detail: they cut it at the first delimiter after the first character.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailgate.routing import resolve
from mailgate.values import address, names
from mailgate.values.directory import RESERVED, Directory, Domain
from mailgate.values.problem import Problem, command

GUARD = "/usr/local/sbin/mailgate-pipe"
"""What the mail server runs."""
ADDRESSES, DOMAINS, ALIASES, SIGNED = "addresses", "domains", "aliases", "signed"
INDEXED = (ADDRESSES, DOMAINS, ALIASES)
"""The tables that Postfix reads from an index."""
SIGNED_LOCAL = '^[^@<>" ]{1,40}[^a-z0-9]mg1[rb][a-z2-7]{19,30}'
"""A local part with a signed detail (defined in `values/token`), for the regular expressions of both servers.

What stands before the detail is short enough for an address (RFC 5321 section 4.5.3.1.1): the rest can be read by none.
"""
COMMENT = "#"
_TARGET = "mailgate:"
"""The value of an entry: what Postfix needs in a transport table; Exim asks only whether there is one."""
HEADER = "# Made by mailgate from its domains and aliases: a change made here is lost.\n"


def entry(key: str) -> str:
    """The line of an address or a domain."""
    return f"{key} {_TARGET}\n"


def piped(local: str) -> str:
    """The line of a local part in Postfix' alias file."""
    return f'{local} "|{GUARD}"\n'


class Maps(NamedTuple):
    """What the tables are made of.

    `directory` has every alias. `shared` are local domains that have mailboxes of their own on the server: only our
    addresses in them are listed, and postmaster and abuse are not ours. `unknown`: whether unknown addresses are
    accepted too.
    """

    directory: Directory
    shared: frozenset[str] = frozenset()
    unknown: bool = False

    @property
    def domains(self) -> Sequence[Domain]:
        """Every local domain under each of its names."""
        return tuple(self.directory.domains.values())


def tables(maps: Maps) -> Mapping[str, str]:
    """Every table by its name, as text: lines of key and value, in the order in which they should be written.

    Raises Problem as `check`.
    """
    check(maps)
    locals_ = local_parts(maps)
    hosts = [host for domain in maps.domains if domain.name not in maps.shared for host in spelled(domain.name)]
    addresses = [f"{local}@{host}" for name in locals_ for host in spelled(name) for local in locals_[name]]
    addresses += [f"@{host}" for host in hosts if maps.unknown]
    reached = sorted({local for name in locals_ for local in locals_[name] if local not in RESERVED})
    return {
        SIGNED: HEADER + "".join(f"/{SIGNED_LOCAL}@{re.escape(domain.name)}$/ {_TARGET}\n" for domain in maps.domains),
        ADDRESSES: HEADER + "".join(map(entry, addresses)),
        DOMAINS: HEADER + "".join(map(entry, hosts)),
        ALIASES: HEADER + "".join(map(piped, reached)),
    }


def keys(text: str) -> frozenset[str]:
    """The keys of a table."""
    return frozenset(line.split(" ", 1)[0] for line in text.splitlines() if line and not line.startswith(COMMENT))


def check(maps: Maps) -> None:
    """Raise Problem where a name or a delimiter would say something else in a mail server's configuration.

    The store belongs to a user, and root may write the configuration from it.
    """
    delimiters(maps.domains)
    for name, locals_ in resolve.names_in(maps.directory).items():
        if address.domain(name) != name:
            raise Problem(f"{name!a} cannot be a domain for the mail server")
        for local in locals_:
            if not names.is_local_part(local):
                raise Problem(f"{f'{local}@{name}'!a} cannot be an address for the mail server")


def local_parts(maps: Maps) -> dict[str, list[str]]:
    """The local parts that the server accepts for us, sorted, by the name of each domain.

    All names that the rules know; of a name with a delimiter also the part before it, because that is what is looked up
    for `name+detail+detail`.
    """
    cut_at = delimiters(maps.domains)
    listed = {}
    for name, reached in resolve.names_in(maps.directory).items():
        locals_ = {*reached, *(() if name in maps.shared else RESERVED)}
        locals_.update([cut(local, cut_at) for local in locals_])
        listed[name] = sorted(local for local in locals_ if not local.startswith(COMMENT))
    return listed


def delimiters(domains: Sequence[Domain]) -> str:
    """Every character that separates a detail in one of the domains. Raises Problem."""
    for domain in domains:
        if domain.delimiter and not names.is_delimiter(domain.delimiter):
            raise Problem(
                f"{domain.name!a}: {domain.delimiter!a} cannot be a delimiter for the mail server",
                command("mailgate domain set {DOMAIN} --delimiter +", domain.canonical),
            )
    return "".join(dict.fromkeys(domain.delimiter for domain in domains if domain.delimiter))


def cut(local: str, delimiters: str) -> str:
    """A local part without its detail, as both servers cut it."""
    return next((local[:at] for at, c in enumerate(local) if at and c in delimiters), local)


def spelled(name: str) -> tuple[str, ...]:
    """The spellings of a domain in an envelope: its A-labels, and the U-labels that they encode (RFC 6531)."""
    return tuple(dict.fromkeys((name, address.decoded(name) or name)))
