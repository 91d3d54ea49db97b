"""Make the store what a file proposes, and say what that changed.

The difference is that of two descriptions of the store, before and after, so that it is what happened and never what
was meant to happen. All of it goes through the checks that the commands go through.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from mailgate.export.parse import Entry, Proposal
from mailgate.export.schema import KINDS, Tables, describe
from mailgate.store import aliases, contacts, domains, servers
from mailgate.store.database import Transaction, savepoint
from mailgate.store.servers import Secret, Server
from mailgate.values.directory import Alias, Contact, Domain
from mailgate.values.problem import Problem, StoreError, command


class Field(NamedTuple):
    """One key whose value changed; values are as TOML has them."""

    key: str
    before: Any
    after: Any


class Change(NamedTuple):
    """One thing that was `added`, `changed` or `removed`, and how."""

    kind: str
    name: str
    change: str
    fields: tuple[Field, ...]


class Adopted(NamedTuple):
    """What became of a proposal: its changes, what is doubtful about them, and what the store has and the file has not.

    `beside`: kind and name of things that pruning would have removed.
    """

    changes: tuple[Change, ...]
    doubts: tuple[str, ...] = ()
    beside: tuple[tuple[str, str], ...] = ()


def adopt(tx: Transaction, proposal: Proposal, *, prune: bool = False) -> Adopted:
    """Write what a proposal without faults says; `prune`: remove what it does not name.

    What the store does not allow becomes a fault of the proposal, and then nothing may be committed.
    """
    before = describe(tx)
    adopter = _Adopter(tx, proposal)
    named = {(each.kind, each.name) for each in proposal.entries}
    beside = [(kind, name) for kind, things in before.items() for name in things if (kind, name) not in named]
    beside = [each for each in beside if each[0] != "alias" or each[1] not in adopter.renamed]
    for kind, name in beside if prune else ():
        if kind != "domain":  # which its aliases leave first
            adopter.remove(kind, name)
    for entry in sorted(proposal.entries, key=lambda each: (each.kind != "domain", "same_as" in each.fields)):
        adopter.put(entry)
    adopter.relate()
    gone = [name for kind, name in beside if kind == "domain"] if prune else []
    for name in sorted(gone, key=lambda name: "same_as" not in before["domain"][name]):  # other names first
        adopter.remove("domain", name)
    for old, new in adopter.renamed.items():
        before["alias"][new] = before["alias"].pop(old)
    changes = difference(before, describe(tx))
    return Adopted(tuple(changes), tuple(adopter.doubts), () if prune else tuple(beside))


def difference(before: Tables, after: Tables) -> list[Change]:
    """What turns one description into another, kind by kind, in the order of the file."""
    changes = []
    for kind in after:
        defaults = KINDS[kind].defaults()
        old, new = before[kind], after[kind]
        for name in [*new, *(each for each in old if each not in new)]:
            fields = tuple(_fields(defaults, old.get(name, {}), new.get(name, {})))
            if name not in old:
                changes.append(Change(kind, name, "added", fields))
            elif name not in new:
                changes.append(Change(kind, name, "removed", fields))
            elif fields:
                changes.append(Change(kind, name, "changed", fields))
    return changes


def _fields(defaults: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Field]:
    pairs = [(key, old.get(key, default), new.get(key, default)) for key, default in defaults.items()]
    return [Field(key, before, after) for key, before, after in pairs if before != after]


class _Adopter:
    """One run: what the store holds, and what is said about it on the way.

    `renamed`: old address -> new one, of aliases whose old address stands among the former ones of a new alias.
    """

    def __init__(self, tx: Transaction, proposal: Proposal) -> None:
        self.tx, self.proposal = tx, proposal
        self.doubts: list[str] = []
        self.domains = {each.name: each for each in domains.listing(tx)}
        self.aliases = {each.address: each for each in aliases.listing(tx)}
        self.contacts = {each.address: each for each in contacts.contacts(tx)}
        self.senders = {each.address: each.verdict for each in contacts.senders(tx)}
        self.servers = {each.name: each for each in servers.listing(tx)}
        self.parameters = contacts.parameters(tx)
        self.settled: set[str] = set()
        self.has_default = any(each.fields.get("default") for each in proposal.entries)
        named = {each.name for each in proposal.entries if each.kind == "alias"}
        self.renamed = {
            old: each.name
            for each in proposal.entries
            if each.kind == "alias" and each.name not in self.aliases
            for old in each.fields.get("former", ())
            if old in self.aliases and old not in named
        }

    def put(self, entry: Entry) -> None:
        """Add or change one thing, unless it is as the file says already."""
        try:
            with savepoint(self.tx):
                self._put(entry)
        except StoreError:
            raise
        except Problem as problem:
            self.proposal.fault(entry.path, problem)

    def _put(self, entry: Entry) -> None:
        match entry.kind:
            case "domain":
                self._domain(entry)
            case "alias":
                self._alias(entry)
            case "contact":
                self._contact(entry)
            case "server":
                self._server(entry)
            case "sender" if self.senders.get(entry.name) != entry.fields["verdict"]:
                contacts.set_sender(self.tx, entry.name, entry.fields["verdict"])
            case "parameter" if self.parameters[entry.name] != entry.fields["value"]:
                contacts.set_parameter(self.tx, entry.name, entry.fields["value"])

    def remove(self, kind: str, name: str) -> None:
        """Remove what the file does not name; a domain that an alias of the file needs is a fault of that alias."""
        match kind:
            case "domain" | "server":
                try:
                    domains.remove(self.tx, name) if kind == "domain" else servers.remove(self.tx, self.servers[name])
                except Problem as problem:
                    needs = (each.path for each in self.proposal.entries if each.name.endswith(f"@{name}"))
                    self.proposal.fault(next(needs, ()), Problem(f"{problem}, and the file does not name that {kind}"))
            case "alias":
                aliases.remove(self.tx, name)
                del self.aliases[name]
            case "contact":
                contacts.remove_contact(self.tx, name)
            case "sender":
                contacts.remove_sender(self.tx, name)
            case "parameter":
                contacts.reset_parameter(self.tx, name)

    @cached_property
    def canonical(self) -> dict[str, str]:
        """Domain -> the one it is another name of, once all domains are there."""
        return {each.name: each.canonical for each in domains.listing(self.tx)}

    def relate(self) -> None:
        """Let things name each other: former names of aliases, and contacts of domains, which may be aliases."""
        if self.proposal.faults:
            return
        self.domains = {each.name: each for each in domains.listing(self.tx)}
        for entry in self.proposal.entries:
            if entry.kind == "domain":
                self.put(entry)
            elif entry.fields.get("former"):
                self._formers(entry)

    def _formers(self, entry: Entry) -> None:
        found = aliases.get(self.tx, entry.name)
        known = aliases.former_names(self.tx, found)
        for each in entry.fields["former"]:
            if each not in known:
                try:
                    aliases.add_former(self.tx, found, each)
                except Problem as problem:
                    self.proposal.fault((*entry.path, "former"), problem)

    def _domain(self, entry: Entry) -> None:
        old = self.domains.get(entry.name)
        new: Domain = _stated(entry, old or Domain(entry.name))
        if old and (old.same_as or new.same_as):
            if old.same_as != new.same_as:
                said = f"another name of {old.same_as}" if old.same_as else "a domain of its own"
                raise Problem(f"`{old.name}` is {said}", command("mailgate domain remove {DOMAIN}", old.name))
            return
        if not self.has_default:  # a file that names no default leaves it as it is
            new = new._replace(default=old.default if old else False)
        if old:  # a former name is ended by `domain forget` alone: mail would get lost
            former = next((local for local, _ in new.retired if local in old.former_aliases), None)
            if former:
                raise Problem(
                    f"`{former}@{old.name}` is the former name of an alias",
                    command("mailgate domain forget {DOMAIN} {LOCAL}", old.name, former),
                )
            new = new._replace(retired=tuple(sorted({**dict(old.retired), **dict(new.retired)}.items())))
        if entry.name not in self.settled:
            self.settled.add(entry.name)
            if not old or new.contact != old.contact:
                new = new._replace(contact=None)
        if new != old:
            domains.save(self.tx, new) if old else domains.add(self.tx, new)

    def _alias(self, entry: Entry) -> None:
        host = entry.name.rpartition("@")[2]
        canonical = self.canonical.get(host, host)
        if canonical != host:
            raise Problem(f"`{host}` is another name of {canonical}: write {entry.name.rpartition('@')[0]}@{canonical}")
        for before in (old for old, new in self.renamed.items() if new == entry.name):
            self.aliases[entry.name] = aliases.rename(self.tx, before, entry.name)
        old = self.aliases.get(entry.name)
        new: Alias = _stated(entry, old or Alias(0, "", "", ""))
        if old and any(getattr(old, field) != getattr(new, field) for field in aliases.TESTED):
            new = new._replace(status="not-tested")
        if new != old:
            new = aliases.save(self.tx, new) if old else aliases.add(self.tx, entry.name, new)
            self.doubts += [f"{new.address}: {each}" for each in aliases.doubts(self.tx, new)]

    def _contact(self, entry: Entry) -> None:
        old = self.contacts.get(entry.name)
        new: Contact = _stated(entry, old or Contact(entry.name))
        if new != old:
            contacts.save_contact(self.tx, new)

    def _server(self, entry: Entry) -> None:
        old = self.servers.get(entry.name)
        new: Server = _stated(entry, old or Server(entry.name, "", "", 0, "", Secret("", "")))
        new = new._replace(port=new.port or servers.PORTS[new.type, new.security])
        if new != old:
            servers.save(self.tx, new) if old else servers.add(self.tx, new)


def _stated(entry: Entry, thing: Any) -> Any:
    """A thing with the fields that a file states, and the defaults of those that it leaves out."""
    kind = KINDS[entry.kind]
    fields = [each.field for each in kind.keys if each.field]
    return thing._replace(**{each: entry.fields.get(each, getattr(kind.blank, each)) for each in fields})
