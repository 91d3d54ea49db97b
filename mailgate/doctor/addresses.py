"""Check that there are domains, aliases and a signing key, and that each works as declared."""

from collections.abc import Iterator

from mailgate.mta.check import Check, failed
from mailgate.settings.config import Config
from mailgate.store import aliases, domains, keys
from mailgate.store.database import Store, Transaction
from mailgate.store.directory import SHARED, is_stranger, local_among, unread
from mailgate.values.problem import command

ELSEWHERE = "name an address in a domain that mailgate does not receive, or that [maps] shared names"


def check(opened: Store, config: Config) -> list[Check]:
    """Check domains, aliases and signing keys, and that somebody reads what is sent to our own people."""
    with opened.read() as tx:
        return [*_checks(tx), *_unread(tx, config)]


def _unread(tx: Transaction, config: Config) -> Iterator[Check]:
    """Addresses that are notified and that nobody reads."""
    notified = {address: f"{alias.address} notifies" for alias in aliases.listing(tx) for address in alias.notify}
    for address in unread(tx, notified, config.maps_shared):
        text = f"{notified[address]} {address}, which does not exist: what is sent to it comes back"
        yield Check("notify", "wrong", text, command("mailgate alias add {ADDRESS} --model MODEL", address), SHARED)
    for address, why in unnotified(tx, config).items():
        yield Check("notify", "wrong", f"[notify] to names {address}, which {why}", advice=ELSEWHERE)


def unnotified(tx: Transaction, config: Config) -> dict[str, str]:
    """Those of `[notify] to` whom no notice reaches, and why: what comes back to ourselves tells nobody."""
    found = dict.fromkeys(
        unread(tx, config.notify, config.maps_shared), "does not exist: what is sent to it comes back"
    )
    return found | dict.fromkeys(local_among(tx, config.notify), "is a local address: no notice is sent to it")


def _checks(tx: Transaction) -> Iterator[Check]:
    all_domains, all_aliases = domains.listing(tx), aliases.listing(tx)
    if not all_domains:
        yield Check("domains", "wrong", "no local domain: mail is put off", command("mailgate domain add example.com"))
        return
    wrong = False
    for domain in all_domains:
        if domain.same_as:
            continue
        if domain.details and not domain.delimiter:
            wrong = True
            text = f"{domain.name}: details are on, and there is no delimiter to write them with"
            yield Check("domains", "wrong", text, command("mailgate domain set {DOMAIN} --delimiter +", domain.name))
        if domain.contact and is_stranger(tx, domain.contact):
            wrong = True
            text = f"{domain.name}: refusals name {domain.contact}, an address that does not exist"
            yield Check("domains", "wrong", text, command("mailgate alias add {ADDRESS} --model MODEL", domain.contact))
    if not wrong:
        yield Check(
            "domains",
            "ok",
            ", ".join(domain.name for domain in all_domains[:5]) + (" ..." if len(all_domains) > 5 else ""),
        )
    problems = [(alias, problem) for alias in all_aliases for problem in aliases.problems(tx, alias)]
    for alias, problem in problems:
        check = failed("aliases", "wrong", problem, command("mailgate alias show {ADDRESS}", alias.address))
        yield check._replace(text=f"{alias.address}: {problem}")
    if not all_aliases:
        yield Check(
            "aliases",
            "wrong",
            "there is none: all new mail is refused",
            command("mailgate alias add ADDRESS --model MODEL"),
        )
    elif not problems:
        yield Check("aliases", "ok", f"{len(all_aliases)}")
    if not keys.secrets(tx):
        yield Check("keys", "wrong", "there is no signing key", command("mailgate key rotate"))
