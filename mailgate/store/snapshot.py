"""Read from the store what one message needs, and nothing else: what is ours first, then the state it is judged in."""

from collections.abc import Iterable, Mapping

from mailgate.mail.incoming import Fallback
from mailgate.reports.report import Report
from mailgate.routing.facts import Facts
from mailgate.routing.state import Ours, Settings, Signatures, State, Trust
from mailgate.settings.config import Config
from mailgate.store import counts, directory, effects, keys, people, threads
from mailgate.store.database import Transaction
from mailgate.values import srs
from mailgate.values.address import Address, lenient
from mailgate.values.problem import NotReady, command
from mailgate.values.record import Ref


def ours(tx: Transaction, addresses: Iterable[Address], allowed: frozenset[str]) -> Ours:
    """What is ours, as far as these addresses ask for it. Raises NotReady while there is no local domain.

    `allowed`: the domains outside in which local-part detection works.
    """
    every = tuple(addresses)
    found = directory.load(tx, every, allowed)
    if not found.domains:
        raise NotReady("the store has no local domain", command("mailgate domain add example.com"))
    return Ours(found, Signatures(keys.secrets(tx), threads.deliveries(tx, found, every)))


def settings(config: Config, parameters: Mapping[str, str], fallback: Fallback | None) -> Settings:
    """What a judgement depends on of the configuration, of the parameters of the store, and of the way in."""
    return Settings(
        max_size=config.max_size,
        refusals_by=config.refusals_by,
        blocked_by=config.blocked_by,
        loop_minutes=int(parameters["mail.gateway.loop.minutes"]),
        loop_threshold=int(parameters["mail.gateway.loop.threshold"]),
        fallback=fallback,
        trust=Trust(frozenset(config.authserv_ids), config.border_strips, config.own_hops),
        records_per_alias=config.records_per_alias,
        records_in_all=config.records_in_all,
    )


def take(tx: Transaction, facts: Facts, known: Ours, given: Settings, now: float, record: Ref | None = None) -> State:
    """The state for one message at `now` (seconds since the epoch), read in one transaction.

    `known` is what is ours for `facts.addresses`; `record`: that on which a person puts the message.
    """
    known = _with(tx, known, _returned_to(facts.report)) if facts.report else known
    copies = effects.earlier(tx, facts.message)
    thread = threads.thread(tx, known.directory, facts, (seen.message for seen in copies.seen))
    deliveries = known.signatures.deliveries.values()
    aliases = known.directory.aliases.values()
    records = {placement.record for placement in (*thread.placements, *(each.placement for each in deliveries))}
    records |= {alias.record for alias in aliases if alias.record} | ({record} if record else set())
    state = State(
        ours=known,
        settings=given,
        thread=thread._replace(records=threads.existing(tx, records)),
        copies=copies,
        author=people.standing(tx, facts.message, copies),
        people=people.to_copy(tx, known.directory, records),
        now=now,
    )
    return state._replace(counts=counts.lately(tx, facts.message, state, records))


def _returned_to(report: Report) -> list[Address]:
    """The addresses to which a report says that our message would have been returned or answered."""
    return [srs.original(address) for text in report.return_addresses if (address := lenient(text))]


def _with(tx: Transaction, known: Ours, addresses: list[Address]) -> Ours:
    """What is ours, as far as these addresses ask for it as well."""
    found = directory.extended(tx, known.directory, addresses)
    more = threads.deliveries(tx, found, addresses)
    signatures = known.signatures._replace(deliveries={**known.signatures.deliveries, **more})
    return Ours(found, signatures)
