"""Make the store what a file proposes, in the order in which its things depend on one another.

What changed is the difference of two descriptions of the store, before and after: what happened, never what was meant
to happen.
"""

from typing import NamedTuple

from mailgate.export.describe import describe
from mailgate.export.difference import Change, difference
from mailgate.export.parse import Proposal
from mailgate.export.write import Writer
from mailgate.store.database import Transaction


class Applied(NamedTuple):
    """What became of a proposal: its changes and the warnings about them.

    `unnamed`: kind and name of the things in the store that the file does not name, and that were kept.
    """

    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()
    unnamed: tuple[tuple[str, str], ...] = ()


def apply(tx: Transaction, proposal: Proposal, *, prune: bool = False) -> Applied:
    """Write what a proposal without faults says; `prune`: remove what it does not name.

    What the store does not allow becomes a fault of the proposal, and then nothing may be committed.
    """
    before = describe(tx)
    writer = Writer(tx, proposal)
    named = {(declared.kind, declared.name) for declared in proposal.declared}
    unnamed = [(kind, name) for kind, entries in before.items() for name in entries if (kind, name) not in named]
    unnamed = [(kind, name) for kind, name in unnamed if kind != "alias" or name not in writer.renamed]
    for kind, name in unnamed if prune else ():
        if kind != "domain":  # which can be removed after its aliases
            writer.remove(kind, name)
    for declared in sorted(
        proposal.declared, key=lambda declared: (declared.kind != "domain", "same_as" in declared.fields)
    ):
        writer.put(declared)
    writer.put_references()
    domains = [name for kind, name in unnamed if kind == "domain"] if prune else []
    for name in sorted(domains, key=lambda name: "same_as" not in before["domain"][name]):  # other names first
        writer.remove("domain", name)
    for old, new in writer.renamed.items():
        before["alias"][new] = before["alias"].pop(old)
    changes = difference(before, describe(tx))
    return Applied(tuple(changes), tuple(writer.warnings), () if prune else tuple(unnamed))
