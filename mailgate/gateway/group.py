"""Receive several messages with one commit, and each on its own: one that fails never fails the others."""

import time
from collections.abc import Sequence

from mailgate.gateway import receive
from mailgate.gateway.receive import Receipt
from mailgate.mail.incoming import Incoming
from mailgate.routing.facts import Facts
from mailgate.settings.config import Config
from mailgate.store.database import Store, Transaction, savepoint
from mailgate.values.problem import Busy, StoreError

TURN = 1.0
"""Seconds after which a group takes no further message: the first one in it waits for its answer."""

Result = Receipt | Exception
"""What became of a message: it is committed, or nothing of it is kept."""
_Reading = Facts | Exception


def receive_group(store: Store, config: Config, messages: Sequence[Incoming], now: float) -> list[Result]:
    """Take responsibility for messages, in order: one result for each of the first ones, at least for one.

    When this returns, all receipts in it are committed. A group that took long leaves the rest for another call.
    Messages that come one after the other and have the same bytes are read once. It raises nothing that can be caught.
    """
    readings = _read(messages)
    results: list[Result] = []
    begun = time.monotonic()
    try:
        with store.write() as tx:
            for incoming, facts in zip(messages, readings, strict=False):
                results.append(_one(tx, config, incoming, facts, now))
                if time.monotonic() - begun > TURN:
                    break
    except Exception as error:
        if isinstance(error, Busy):
            return [error] * len(messages)
        return [_alone(store, config, *each, now) for each in zip(messages, readings, strict=False)]
    return results


def _read(messages: Sequence[Incoming]) -> list[_Reading]:
    """The facts of the first messages, at least of one."""
    readings: list[_Reading] = []
    begun = time.monotonic()
    for at, incoming in enumerate(messages):
        before = readings[-1] if at and messages[at - 1].raw is incoming.raw else None
        try:
            read = receive.read_again(before, incoming) if isinstance(before, Facts) else receive.read(incoming)
            readings.append(read)
        except Exception as error:
            readings.append(error)
        if time.monotonic() - begun > TURN:
            break
    return readings


def _one(tx: Transaction, config: Config, incoming: Incoming, facts: _Reading, now: float) -> Result:
    if isinstance(facts, Exception):
        return facts
    try:
        with savepoint(tx):
            return receive.take(tx, config, facts, incoming.fallback, now)
    except StoreError:
        raise  # the transaction is lost, and with it the messages before this one
    except Exception as error:
        return error


def _alone(store: Store, config: Config, incoming: Incoming, facts: _Reading, now: float) -> Result:
    """The same in a transaction of its own: what broke the group was one of its messages, or the store for all."""
    if isinstance(facts, Exception):
        return facts
    try:
        return receive.receive(store, config, incoming, now, facts)
    except Exception as error:
        return error
