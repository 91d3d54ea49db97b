"""The configuration in the store as the tables of a file: sorted, and without what has its default."""

from typing import Any

from mailgate.export.fields import Kind
from mailgate.export.schema import ALIAS, CONTACT, DOMAIN, SERVER
from mailgate.store import aliases, contacts, directory, domains, parameters, senders, servers
from mailgate.store.database import Transaction
from mailgate.values.directory import Domain

Tables = dict[str, dict[str, dict[str, Any]]]
"""Kind -> name -> key -> value as TOML has it; keys that have their default are left out."""


def describe(tx: Transaction) -> Tables:
    """The configuration in the store, everything sorted: the same configuration is the same text.

    An address to notify that has become a local address is left out: nothing is sent to it any more.
    """
    values = parameters.listing(tx).items()
    entries: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "parameter": [(key, {"value": value}) for key, value in values if value != parameters.DEFAULTS[key]],
        "domain": [(domain.name, _domain(domain)) for domain in domains.listing(tx)],
        "alias": _aliases(tx),
        "contact": [(contact.address, _stated(CONTACT, contact)) for contact in contacts.listing(tx)],
        "sender": [(sender.address, {"verdict": sender.verdict}) for sender in senders.listing(tx)],
        "server": [(server.name, _stated(SERVER, server)) for server in servers.listing(tx)],
    }
    return {kind: dict(sorted(named, key=lambda pair: _order(pair[0]))) for kind, named in entries.items()}


def _order(name: str) -> tuple[str, str]:
    local, _, host = name.rpartition("@")
    return host, local


def _domain(domain: Domain) -> dict[str, Any]:
    return {"same_as": domain.same_as} if domain.same_as else _stated(DOMAIN, domain)


def _aliases(tx: Transaction) -> list[tuple[str, dict[str, Any]]]:
    every, renamed = aliases.listing(tx), aliases.renamed(tx)
    local = directory.local_among(tx, [to for alias in every for to in alias.notify])
    entries = []
    for alias in every:
        notify = tuple(to for to in alias.notify if to not in local)
        former = aliases.former_names(tx, alias) if alias.number in renamed else []
        entries.append((alias.address, _stated(ALIAS, alias._replace(notify=notify), former=former)))
    return entries


def _stated(kind: Kind, entity: Any, **more: Any) -> dict[str, Any]:
    defaults = kind.defaults()
    fields = {field.name: field.form.show(getattr(entity, field.attribute)) for field in kind.stored}
    return {name: value for name, value in {**fields, **more}.items() if value != defaults[name]}


def document(tables: Tables) -> dict[str, Any]:
    """The tables as the file has them: numbers as numbers, senders as two lists, empty tables left out."""
    senders = {
        verdict: [name for name, sender in tables["sender"].items() if sender["verdict"] == verdict]
        for verdict in ("allow", "block")
    }
    parameters = {
        name: int(parameter["value"]) if parameter["value"].isdecimal() else parameter["value"]
        for name, parameter in tables["parameter"].items()
    }
    sections = {
        "parameters": parameters,
        "domain": tables["domain"],
        "alias": tables["alias"],
        "contact": tables["contact"],
        "senders": {verdict: addresses for verdict, addresses in senders.items() if addresses},
        "server": tables["server"],
    }
    return {name: table for name, table in sections.items() if table}
