"""Put one thing of a file into the store, or remove one, with the checks of the commands that do the same."""

from functools import cached_property
from typing import Any

from mailgate.export.parse import Declared, Proposal
from mailgate.export.schema import KINDS
from mailgate.store import aliases, contacts, domains, parameters, senders, servers
from mailgate.store.database import Transaction, savepoint
from mailgate.values.directory import Alias, Contact, Domain
from mailgate.values.problem import Problem, StoreError, command
from mailgate.values.server import PORTS, Secret, Server


class Writer:
    """What the store had when the import began, and how each thing gets into it.

    `renamed`: old address -> new one, of aliases whose old address is among the former ones of a new alias. `warnings`:
    what the checks say about things that are allowed.
    """

    def __init__(self, tx: Transaction, proposal: Proposal) -> None:
        self.warnings: list[str] = []
        self._tx, self._proposal = tx, proposal
        self._domains = {domain.name: domain for domain in domains.listing(tx)}
        self._aliases = {alias.address: alias for alias in aliases.listing(tx)}
        self._contacts = {contact.address: contact for contact in contacts.listing(tx)}
        self._senders = {sender.address: sender.verdict for sender in senders.listing(tx)}
        self._servers = {server.name: server for server in servers.listing(tx)}
        self._parameters = parameters.listing(tx)
        self._without_references: set[str] = set()
        self._names_default = any(declared.fields.get("default") for declared in proposal.declared)
        self.renamed = self._renamed()

    def _renamed(self) -> dict[str, str]:
        declared = {alias.name: alias for alias in self._proposal.declared if alias.kind == "alias"}
        return {
            old: name
            for name, alias in declared.items()
            if name not in self._aliases
            for old in alias.fields.get("former", ())
            if old in self._aliases and old not in declared
        }

    def put(self, declared: Declared) -> None:
        """Add or change one thing, unless the store has it already."""
        try:
            with savepoint(self._tx):
                self._put(declared)
        except StoreError:
            raise
        except Problem as problem:
            self._proposal.fault(declared.path, problem)

    def _put(self, declared: Declared) -> None:
        match declared.kind:
            case "domain":
                self._put_domain(declared)
            case "alias":
                self._put_alias(declared)
            case "contact":
                self._put_contact(declared)
            case "server":
                self._put_server(declared)
            case "sender" if self._senders.get(declared.name) != declared.fields["verdict"]:
                senders.put(self._tx, declared.name, declared.fields["verdict"])
            case "parameter" if self._parameters[declared.name] != declared.fields["value"]:
                parameters.put(self._tx, declared.name, declared.fields["value"])

    def put_references(self) -> None:
        """Write what names other things: contacts of domains, which may be aliases, and former names of aliases."""
        if self._proposal.faults:
            return
        self._domains = {domain.name: domain for domain in domains.listing(self._tx)}
        for declared in self._proposal.declared:
            if declared.kind == "domain":
                self.put(declared)
            elif declared.fields.get("former"):
                self._put_former(declared)

    def remove(self, kind: str, name: str) -> None:
        """Remove what the file does not name; when it cannot be removed, that is a fault of what needs it."""
        match kind:
            case "domain" | "server":
                try:
                    if kind == "domain":
                        domains.remove(self._tx, name)
                    else:
                        servers.remove(self._tx, self._servers[name])
                except Problem as problem:
                    needs = (user.path for user in self._proposal.declared if user.name.endswith(f"@{name}"))
                    self._proposal.fault(next(needs, ()), Problem(f"{problem}, and the file does not name that {kind}"))
            case "alias":
                aliases.remove(self._tx, name)
                del self._aliases[name]
            case "contact":
                contacts.remove(self._tx, name)
            case "sender":
                senders.remove(self._tx, name)
            case "parameter":
                parameters.reset(self._tx, name)

    @cached_property
    def _canonical(self) -> dict[str, str]:
        """Domain -> the one it is another name of, once all domains are there."""
        return {domain.name: domain.canonical for domain in domains.listing(self._tx)}

    def _put_domain(self, declared: Declared) -> None:
        old = self._domains.get(declared.name)
        new: Domain = _with_fields(old or Domain(declared.name), declared)
        if old and (old.same_as or new.same_as):
            if old.same_as != new.same_as:
                kind = f"another name of {old.same_as}" if old.same_as else "a domain of its own"
                raise Problem(f"`{old.name}` is {kind}", command("mailgate domain remove {DOMAIN}", old.name))
            return
        if not self._names_default:  # then the default stays as it is
            new = new._replace(default=old.default if old else False)
        if old:
            new = new._replace(retired=_all_retired(old, new))
        if declared.name not in self._without_references:
            self._without_references.add(declared.name)
            if not old or new.contact != old.contact:
                new = new._replace(contact=None)  # `put_references` adds it
        if new != old:
            domains.save(self._tx, new) if old else domains.add(self._tx, new)

    def _put_alias(self, declared: Declared) -> None:
        local, _, host = declared.name.rpartition("@")
        canonical = self._canonical.get(host, host)
        if canonical != host:
            raise Problem(f"`{host}` is another name of {canonical}: write {local}@{canonical}")
        for old_name in (old for old, new in self.renamed.items() if new == declared.name):
            self._aliases[declared.name] = aliases.rename(self._tx, old_name, declared.name)
        old = self._aliases.get(declared.name)
        new: Alias = _with_fields(old or Alias(0, "", "", ""), declared)
        if old and any(getattr(old, field) != getattr(new, field) for field in aliases.TESTED):
            new = new._replace(status="not-tested")
        if new != old:
            new = aliases.save(self._tx, new) if old else aliases.add(self._tx, declared.name, new)
            self.warnings += [f"{new.address}: {problem.line}" for problem in aliases.problems(self._tx, new)]

    def _put_former(self, declared: Declared) -> None:
        alias = aliases.get(self._tx, declared.name)
        known = aliases.former_names(self._tx, alias)
        for address in declared.fields["former"]:
            if address not in known:
                try:
                    aliases.add_former(self._tx, alias, address)
                except Problem as problem:
                    self._proposal.fault((*declared.path, "former"), problem)

    def _put_contact(self, declared: Declared) -> None:
        old = self._contacts.get(declared.name)
        new: Contact = _with_fields(old or Contact(declared.name), declared)
        if new != old:
            contacts.save(self._tx, new)

    def _put_server(self, declared: Declared) -> None:
        old = self._servers.get(declared.name)
        new: Server = _with_fields(old or Server(declared.name, "", "", 0, "", Secret("", "")), declared)
        new = new._replace(port=new.port or PORTS[new.type, new.security])
        if new != old:
            servers.save(self._tx, new) if old else servers.add(self._tx, new)


def _all_retired(old: Domain, new: Domain) -> tuple[tuple[str, str], ...]:
    """The retired names of both: only `domain forget` ends one, because mail would get lost. Raises Problem."""
    for local, _ in new.retired:
        if local in old.former_aliases:
            raise Problem(
                f"`{local}@{old.name}` is the former name of an alias",
                command("mailgate domain forget {DOMAIN} {LOCAL}", old.name, local),
            )
    return tuple(sorted({**dict(old.retired), **dict(new.retired)}.items()))


def _with_fields(entity: Any, declared: Declared) -> Any:
    """A thing with the fields that a file states, and the defaults of those that it leaves out."""
    kind = KINDS[declared.kind]
    attributes = [field.attribute for field in kind.stored]
    return entity._replace(**{name: declared.fields.get(name, getattr(kind.blank, name)) for name in attributes})
