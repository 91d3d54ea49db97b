"""What Postfix does with an address: its class, whether RCPT takes it, and where its mail goes.

The steps of smtpd(8) and trivial-rewrite(8) (ADDRESS_CLASS_README, postconf(5)): nothing here runs a program. Tables
are asked through a `Lookup`, one call for many keys, so that a server with many domains is asked in a few calls.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from mailgate.mta import postfix_settings


class Unanswered(Exception):
    """A table cannot be asked; Postfix puts mail off then."""


class Lookup(Protocol):
    """What a table (`type:name`) says about each of some keys; those it does not have are left out.

    Raises Unanswered.
    """

    def __call__(self, table: str, keys: Sequence[str], /) -> Mapping[str, str]:
        """The values by key."""


class Route(NamedTuple):
    """What becomes of an address.

    `class_`: the parameter that makes its domain known, `""` for none. `refusal`: why RCPT refuses it, `""` where it
    takes it. `target`: the address it is rewritten to, itself where it is not. `destination`: the transport of that one
    (`mailgate:`, `lmtp:unix:...`), or its entry in an alias file. `unanswered`: the table that cannot be asked and why;
    then the rest says nothing.
    """

    class_: str = ""
    refusal: str = ""
    target: str = ""
    destination: str = ""
    unanswered: str = ""


CLASSES = ("mydestination", "virtual_alias_domains", "virtual_mailbox_domains", "relay_domains")
"""The parameters that name domains, in the order in which Postfix asks them."""
RECIPIENTS = {
    "mydestination": "local_recipient_maps",
    "virtual_alias_domains": "virtual_alias_maps",
    "virtual_mailbox_domains": "virtual_mailbox_maps",
    "relay_domains": "relay_recipient_maps",
}
"""The parameter with the tables that list the addresses of each class."""
_TRANSPORTS = {
    "mydestination": "local_transport",
    "virtual_mailbox_domains": "virtual_transport",
    "relay_domains": "relay_transport",
}
_REWRITTEN = ("canonical_maps", "recipient_canonical_maps")
_REJECTS = "smtpd_reject_unlisted_recipient"
_SUBDOMAINS = "parent_domain_matches_subdomains"
NAMES = (
    *CLASSES,
    *RECIPIENTS.values(),
    *_TRANSPORTS.values(),
    *_REWRITTEN,
    *(_REJECTS, _SUBDOMAINS, "transport_maps", "alias_maps", "recipient_delimiter", "inet_interfaces"),
)
"""The parameters that `classes` and `routes` read."""
_PATTERNS = ("regexp:", "pcre:", "cidr:")
"""Types of tables that are asked for whole addresses alone."""


def classes(settings: Mapping[str, str], domains: Sequence[str], lookup: Lookup) -> dict[str, str]:
    """Domain -> the first of CLASSES that has it, for those that are in one. Raises Unanswered."""
    found: dict[str, str] = {}
    for name in CLASSES:
        with_parents = name == "relay_domains" and name in re.split(r"[,\s]+", settings.get(_SUBDOMAINS, name))
        asked = [domain for domain in domains if domain not in found]
        found.update(dict.fromkeys(_listed(settings.get(name, ""), asked, lookup, with_parents=with_parents), name))
    return found


def routes(settings: Mapping[str, str], addresses: Sequence[str], lookup: Lookup) -> dict[str, Route]:
    """What becomes of each address; all are `unanswered` when one table cannot be asked."""
    try:
        return _routes(settings, addresses, lookup)
    except Unanswered as error:
        return dict.fromkeys(addresses, Route(unanswered=str(error)))


def transports(settings: Mapping[str, str], addresses: Sequence[str], lookup: Lookup) -> dict[str, str]:
    """Address -> what transport_maps says about it or its domain, for those it knows. Raises Unanswered."""
    return _Asked(settings, lookup).transports(addresses)


def _routes(settings: Mapping[str, str], addresses: Sequence[str], lookup: Lookup) -> dict[str, Route]:
    ask = _Asked(settings, lookup)
    in_class = classes(settings, list(dict.fromkeys(map(_domain, addresses))), lookup)
    local = {domain for domain, name in in_class.items() if name == "mydestination"}
    rewritten = ask.found("virtual_alias_maps", addresses, local)
    known = {*rewritten, *(each for name in _REWRITTEN for each in ask.found(name, addresses, local))}
    for name, parameter in RECIPIENTS.items():
        asked = [each for each in addresses if in_class.get(_domain(each)) == name]
        if name != "virtual_alias_domains" and not settings.get(parameter, "").strip():
            known.update(asked)
        elif name != "virtual_alias_domains":
            known.update(ask.found(parameter, asked, local))
    if settings.get(_REJECTS) == "no":
        known.update(addresses)
    final = {each: ask.target(each, rewritten) for each in addresses}
    destinations = ask.destinations(list(dict.fromkeys(final.values())))
    found = {}
    for address in addresses:
        name = in_class.get(_domain(address), "")
        refusal = "" if address in known else f"it is not in {RECIPIENTS[name]}" if name else ""
        if not name:
            refusal = "no parameter names its domain: relay access denied"
        found[address] = Route(name, refusal, final[address], destinations[final[address]])
    return found


class _Asked:
    """The tables of one server."""

    def __init__(self, settings: Mapping[str, str], lookup: Lookup) -> None:
        self.settings, self.lookup = settings, lookup
        self.delimiters = settings.get("recipient_delimiter", "")

    def found(self, parameter: str, addresses: Sequence[str], local: Iterable[str] = ()) -> dict[str, str]:
        """Address -> what the tables of a parameter say: about it, it without its detail, its domain."""
        keys = {each: list(_keys(each, self.delimiters, local=_domain(each) in local)) for each in addresses}
        return self._first(parameter, keys, frozenset(addresses))

    def _first(self, parameter: str, keys: Mapping[str, Sequence[str]], whole: frozenset[str]) -> dict[str, str]:
        """The value of the first of its keys, for every address that has one; `whole`: keys that patterns see."""
        values: dict[str, str] = {}
        for table in _tables(self.settings.get(parameter, "")):
            asked = {each: list(of) for each, of in keys.items() if each not in values}
            if table.startswith(_PATTERNS):
                asked = {each: [key for key in of if key in whole] for each, of in asked.items()}
            wanted = list(dict.fromkeys(key for of in asked.values() for key in of))
            said = self.lookup(table, wanted) if wanted else {}
            values.update(
                {each: next(said[key] for key in of if key in said) for each, of in asked.items() if said.keys() & of}
            )
        return values

    def target(self, address: str, rewritten: Mapping[str, str]) -> str:
        """The address that an address is rewritten to in the end; the first one of several."""
        seen = {address}
        while address in rewritten:
            to = re.split(r"[,\s]+", rewritten[address].strip())[0].lower() or address
            if "@" not in to:
                return to
            if to in seen or len(seen) > 10:
                return to
            seen.add(to)
            address, rewritten = to, self.found("virtual_alias_maps", [to])
        return address

    def aliased(self, addresses: Sequence[str]) -> dict[str, str]:
        """What the alias files say about local addresses; nothing when one cannot be asked: RCPT does not need them."""
        try:
            return self.found("alias_maps", addresses, [_domain(each) for each in addresses])
        except Unanswered:
            return {}

    def transports(self, addresses: Sequence[str]) -> dict[str, str]:
        """What transport_maps says about each address."""
        keys = {}
        for address in addresses:
            domain = _domain(address)
            bare = f"{_plain(address, self.delimiters)}@{domain}"
            keys[address] = [*dict.fromkeys([address, bare, domain, *(f".{each}" for each in _parents(domain)), "*"])]
        return self._first("transport_maps", keys, frozenset(addresses))

    def destinations(self, addresses: Sequence[str]) -> dict[str, str]:
        """Where the mail of each address goes."""
        in_class = classes(self.settings, list(dict.fromkeys(map(_domain, addresses))), self.lookup)
        # "virtual alias" domains have no transport: transport_maps is not asked about them (trivial-rewrite(8))
        found = self.transports([each for each in addresses if in_class.get(_domain(each)) != "virtual_alias_domains"])
        local = [
            a for a in addresses if a not in found and in_class.get(_domain(a), "mydestination") == "mydestination"
        ]
        aliased = self.aliased(local)
        return {
            each: found.get(each)
            or aliased.get(each)
            or self.settings.get(_TRANSPORTS.get(in_class.get(_domain(each), "mydestination"), ""), "")
            for each in addresses
        }


def _listed(value: str, domains: Sequence[str], lookup: Lookup, *, with_parents: bool) -> list[str]:
    """The domains that a list has: by name, by table, by `.domain`; not behind a `!` that comes first."""
    verdict: dict[str, bool] = {}
    for item in postfix_settings.items(value):
        plain = item.lstrip("!")
        asked = {
            each: [each, *((_parents(each)) if with_parents else (f".{of}" for of in _parents(each)))]
            for each in domains
            if each not in verdict
        }
        if _is_table(plain):
            keys = list(dict.fromkeys(key for of in asked.values() for key in of))
            has = set(lookup(plain, keys)) if keys else set()
        else:
            has = {plain.lower()}
        verdict.update({each: item == plain for each, of in asked.items() if has.intersection(of)})
    return [each for each in domains if verdict.get(each)]


def _is_table(item: str) -> bool:
    return item.startswith("/") or (":" in item and not item.startswith("["))


def _tables(value: str) -> list[str]:
    return [item for item in postfix_settings.items(value) if _is_table(item)]


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _parents(domain: str) -> list[str]:
    labels = domain.split(".")
    return [".".join(labels[at:]) for at in range(1, len(labels))]


def _plain(address: str, delimiters: str) -> str:
    """A local part without its detail."""
    local = address.rpartition("@")[0] or address
    return next((local[:at] for at, c in enumerate(local) if at and c in delimiters), local)


def _keys(address: str, delimiters: str, *, local: bool) -> Iterable[str]:
    """What Postfix asks a table of recipients for, in order."""
    whole, domain = address.lower(), _domain(address)
    name, plain = whole.rpartition("@")[0], _plain(whole, delimiters)
    names = (name, plain) if local else ()
    return dict.fromkeys([whole, f"{plain}@{domain}", *names, f"@{domain}"])
