"""Whether there are domains, aliases and a key, and whether each can do what it says."""

from collections.abc import Iterator

from mailgate.mta.check import Check, failed
from mailgate.store import aliases, domains, keys
from mailgate.store.database import Store, Transaction
from mailgate.store.directory import is_stranger
from mailgate.values.problem import command


def check(opened: Store) -> list[Check]:
    """Domains and aliases: that there are any, and that each can do what it says."""
    with opened.read() as tx:
        return list(_checks(tx))


def _checks(tx: Transaction) -> Iterator[Check]:
    here, there = domains.listing(tx), aliases.listing(tx)
    if not here:
        yield Check("domains", "wrong", "no local domain: mail is put off", command("mailgate domain add example.com"))
        return
    wrong = False
    for each in here:
        if each.same_as:
            continue
        if each.details and not each.delimiter:
            wrong = True
            text = f"{each.name}: details are on, and there is no delimiter to write them with"
            yield Check("domains", "wrong", text, command("mailgate domain set {DOMAIN} --delimiter +", each.name))
        if each.contact and is_stranger(tx, each.contact):
            wrong = True
            text = f"{each.name}: refusals name {each.contact}, an address that does not exist"
            yield Check("domains", "wrong", text, command("mailgate alias add {ADDRESS} --model MODEL", each.contact))
    if not wrong:
        yield Check("domains", "ok", ", ".join(each.name for each in here[:5]) + (" ..." if len(here) > 5 else ""))
    problems = [(alias, problem) for alias in there for problem in aliases.problems(tx, alias)]
    for alias, problem in problems:
        check = failed("aliases", "wrong", problem, command("mailgate alias show {ADDRESS}", alias.address))
        yield check._replace(text=f"{alias.address}: {problem}")
    if not there:
        yield Check(
            "aliases",
            "wrong",
            "there is none: all new mail is refused",
            command("mailgate alias add ADDRESS --model MODEL"),
        )
    elif not problems:
        yield Check("aliases", "ok", f"{len(there)}")
    if not keys.secrets(tx):
        yield Check("keys", "wrong", "there is no signing key", command("mailgate key rotate"))
