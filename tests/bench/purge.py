"""Deliveries beside a purge: how long each takes alone, and while old mail is deleted.

    python tests/bench/purge.py [MESSAGES] [DELIVERIES]

Makes a store with so many old messages (100,000), then delivers mail in a process of its own, first alone and then
beside `purge`, at most DELIVERIES (2,000) each. Exit status 1 when the p99 beside the purge is more than twice that
alone.
"""

import multiprocessing
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.gateway import NOW
from helpers.messages import mail

from mailgate.gateway import receive, retention
from mailgate.mail.incoming import Incoming
from mailgate.settings.config import Config
from mailgate.store import aliases, database, domains, purging, schema
from mailgate.values.directory import Alias, Domain

YEAR = 31_557_600.0
FACTOR = 2.0


def prepare(path: str, count: int) -> None:
    """A store with old messages of 4 KB, each on a record of its own but for a third, which stands nowhere."""
    store = schema.open_or_create(path)
    with store.write() as tx:
        domains.add(tx, Domain("example.com", default=True))
        aliases.add(tx, "info@example.com", Alias(0, "", "", "crm.lead"))
        old = NOW - 3 * YEAR
        tx.executemany(
            "INSERT INTO message (direction, kind, class, message_id, author_name, author_text, subject, date,"
            " recipients, flags, size, received_at, explanation, action, reason)"
            " VALUES ('in', 'email', 'person', ?, 'Bob', 'Bob', 'Hello', '', '[]', '[]', 4000, ?, ?, 'create',"
            " 'alias')",
            ((f"<{number}@old>", old + number, '{"outcomes": []}' + " " * 800) for number in range(count)),
        )
        tx.execute("INSERT INTO raw (message, octets) SELECT number, randomblob(4000) FROM message")
        tx.execute("INSERT INTO model (name, last_id) VALUES ('crm.lead', ?)", (count,))
        tx.execute(
            "INSERT INTO record (model, id, name, values_json, created_at)"
            " SELECT 'crm.lead', number, '', '{}', received_at FROM message WHERE number % 3"
        )
        tx.execute(
            "INSERT INTO placement (message, model, id) SELECT number, 'crm.lead', number FROM message WHERE number % 3"
        )
        tx.execute(
            "INSERT INTO effect (digest, action, reason, place, message_id, listed, accepted, message)"
            " SELECT hex(randomblob(32)), 'create', '', 'info@example.com', message_id, 0, 1, number FROM message"
        )
        tx.execute("INSERT INTO mention (message_id, message) SELECT message_id || 'x', number FROM message")
    store.close()


def deliver(path: str, count: int, first: int, end: float) -> list[float]:
    """The seconds that each delivery took."""
    store, config = database.open_existing(path), Config(None, path)
    taken = []
    for number in range(first, first + count):
        if time.monotonic() > end:
            break
        raw = mail("Hello.\n" * 50, message_id=f"<{number}@new>", **{"from": f"p{number}@x.org"})
        begun = time.monotonic()
        receive.receive(store, config, Incoming(raw, f"p{number}@x.org", ("info@example.com",)), NOW)
        taken.append(time.monotonic() - begun)
        time.sleep(0.005)
    store.close()
    return taken


def purge(path: str) -> None:
    """Delete all old mail."""
    store = database.open_existing(path)
    with store.write() as tx:
        number = purging.ask(tx, purging.wanted("messages", NOW - YEAR, NOW))
    begun = time.monotonic()
    done = retention.finish(store, number, NOW)
    seconds = time.monotonic() - begun
    print(f"purged {done.messages} messages in {seconds:.0f} s, {done.messages / seconds:.0f} a second", flush=True)


def shown(name: str, taken: list[float]) -> float:
    """Print the figures; the p99."""
    p99 = statistics.quantiles(taken, n=100)[98]
    print(f"{name}: {len(taken)} deliveries, p50 {1000 * statistics.median(taken):.1f} ms, p99 {1000 * p99:.1f} ms")
    return p99


def main() -> int:
    """Measure; the exit status."""
    count, deliveries = (*(int(word) for word in sys.argv[1:]), *(100_000, 2_000)[len(sys.argv) - 1 :])[:2]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/mailgate.db"
        prepare(path, count)
        alone = shown("alone ", deliver(path, deliveries, 0, time.monotonic() + 60))
        purging_process = multiprocessing.Process(target=purge, args=(path,))
        purging_process.start()
        beside = shown("beside", deliver(path, deliveries, deliveries, time.monotonic() + 60))
        purging_process.join()
    return int(beside > FACTOR * alone)


if __name__ == "__main__":
    sys.exit(main())
