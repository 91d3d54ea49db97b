"""Read from the store what one message needs, and nothing else: what is ours first, then the state it is judged in."""

from collections.abc import Iterable, Mapping

from mailgate.mail.incoming import Fallback
from mailgate.routing import marks
from mailgate.routing.facts import Facts
from mailgate.routing.state import Delivery, Ours, Settings, Signatures, State, Trust
from mailgate.settings.config import Config
from mailgate.store import counts, directory, effects, keys, people
from mailgate.store.database import Transaction
from mailgate.store.threads import Threads, existing
from mailgate.values import srs
from mailgate.values.address import Address, lenient
from mailgate.values.problem import NotReady, command
from mailgate.values.record import Ref


def ours(tx: Transaction, addresses: Iterable[Address], allowed: frozenset[str]) -> Ours:
    """What is ours, as far as these addresses ask for it. Raises NotReady while there is no local domain.

    `allowed`: the domains outside in which local-part detection works.
    """
    every = tuple(addresses)
    local = directory.load(tx, every, allowed)
    if not local.domains:
        raise NotReady("the store has no local domain", command("mailgate domain add example.com"))
    threads = Threads(tx, local)
    deliveries = threads.deliveries(every)
    return Ours(threads.directory, Signatures(keys.secrets(tx), deliveries))


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
    copies = effects.earlier(tx, facts.message)._replace(person=facts.class_.name == "person")
    carried = marks.find(facts.message, known.signatures.secrets)
    if carried.back or carried.last:
        from mailgate.store import returned  # nearly no message

        copies = copies._replace(returned=returned.find(tx, facts.message, carried))
    threads = Threads(tx, known.directory)
    deliveries = {**known.signatures.deliveries, **(_returned(threads, facts) if facts.report else {})}
    thread = threads.thread(facts, (seen.message for seen in copies.seen), deliveries.values())
    placements = (*thread.placements, *(delivery.placement for delivery in deliveries.values()))
    records = {placement.record for placement in placements}
    records |= {alias.record for alias in threads.directory.aliases.values() if alias.record}
    records |= {seen.record for seen in copies.seen if seen.record}
    records |= {record} if record else set()
    governing = (placement.alias for placement in placements)
    owners = {alias.owner for alias in (*threads.directory.aliases.values(), *governing) if alias and alias.owner}
    state = State(
        ours=Ours(threads.directory, known.signatures._replace(deliveries=deliveries)),
        settings=given,
        thread=thread._replace(records=existing(tx, records)) if records else thread,
        copies=copies,
        author=people.author(tx, facts.message, copies, records | owners),
        people=people.to_copy(tx, threads.directory, records),
        now=now,
    )
    return state._replace(counts=counts.lately(tx, facts.message, state, records))


def _returned(threads: Threads, facts: Facts) -> dict[int, Delivery]:
    """The deliveries that the addresses name to which our message would have been returned or answered."""
    texts = facts.report.return_addresses if facts.report else ()
    addresses = [srs.original(address) for text in texts if (address := lenient(text))]
    fresh = [address for address in addresses if address not in facts.addresses]
    threads.directory = directory.extended(threads.tx, threads.directory, fresh)
    return threads.deliveries(fresh)
