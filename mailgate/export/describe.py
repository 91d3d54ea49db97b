"""The configuration in the store as the tables of a file: sorted, and without what has its default."""

from typing import Any

from mailgate.export.fields import Kind
from mailgate.export.schema import ALIAS, CONTACT, DOMAIN, SERVER
from mailgate.store import aliases, contacts, directory, domains, servers
from mailgate.store.database import Transaction
from mailgate.values.directory import Domain

Tables = dict[str, dict[str, dict[str, Any]]]
"""Kind -> name -> key -> value as TOML has it; keys that have their default are left out."""


def describe(tx: Transaction) -> Tables:
    """The configuration in the store, everything sorted: the same configuration is the same text.

    Who is to be notified and became a local address since is left out: he gets nothing any more.
    """
    parameters = contacts.parameters(tx).items()
    things: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "parameter": [(key, {"value": value}) for key, value in parameters if value != contacts.DEFAULTS[key]],
        "domain": [(each.name, _domain(each)) for each in domains.listing(tx)],
        "alias": _aliases(tx),
        "contact": [(each.address, _shown(CONTACT, each)) for each in contacts.contacts(tx)],
        "sender": [(each.address, {"verdict": each.verdict}) for each in contacts.senders(tx)],
        "server": [(each.name, _shown(SERVER, each)) for each in servers.listing(tx)],
    }
    return {kind: dict(sorted(named, key=lambda each: _order(each[0]))) for kind, named in things.items()}


def _order(name: str) -> tuple[str, str]:
    local, _, host = name.rpartition("@")
    return host, local


def _domain(found: Domain) -> dict[str, Any]:
    return {"same_as": found.same_as} if found.same_as else _shown(DOMAIN, found)


def _aliases(tx: Transaction) -> list[tuple[str, dict[str, Any]]]:
    hosts = {each.name for each in domains.listing(tx)}
    renamed = aliases.renamed(tx)
    shown = []
    for each in aliases.listing(tx):
        notify = tuple(to for to in each.notify if to.rpartition("@")[2] not in hosts or not directory.is_local(tx, to))
        former = aliases.former_names(tx, each) if each.number in renamed else []
        shown.append((each.address, _shown(ALIAS, each._replace(notify=notify), former=former)))
    return shown


def _shown(kind: Kind, thing: Any, **more: Any) -> dict[str, Any]:
    defaults = kind.defaults()
    shown = {each.name: each.form.show(getattr(thing, each.attribute)) for each in kind.stored}
    return {name: value for name, value in {**shown, **more}.items() if value != defaults[name]}


def document(tables: Tables) -> dict[str, Any]:
    """The tables as they stand in the file: numbers as numbers, senders as two lists, empty tables left out."""
    senders = {
        verdict: [name for name, each in tables["sender"].items() if each["verdict"] == verdict]
        for verdict in ("allow", "block")
    }
    parameters = {
        name: int(each["value"]) if each["value"].isdecimal() else each["value"]
        for name, each in tables["parameter"].items()
    }
    whole = {
        "parameters": parameters,
        "domain": tables["domain"],
        "alias": tables["alias"],
        "contact": tables["contact"],
        "senders": {name: each for name, each in senders.items() if each},
        "server": tables["server"],
    }
    return {name: table for name, table in whole.items() if table}
