"""What collecting mail costs, as a ratio to a bare loop over the same server, measured in turns.

    python tests/bench/fetch.py [MESSAGES] [TURNS]        as root, with Dovecot installed

The bare loop fetches the same messages from the same Dovecot with imapclient, as many with one command as mailgate
does, and commits each with the same durability into one table. Prints messages a second of every turn, and the ratio
of the best turns: whatever else the machine does only ever takes time, and never from both alike.
"""

import os
import sqlite3
import ssl
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from imapclient import IMAPClient
from inbound.fetch import dovecot
from inbound.fetch.conftest import Collector, mail
from inbound.fetch.dovecot import PASSWORD, Account

from mailgate.inbound import batch
from mailgate.inbound import fetch as product
from mailgate.settings import config
from mailgate.store import servers

BOUND = 0.60


def main(count: int, turns: int) -> None:
    """Print the figures; exit 1 below the bound."""
    ours, bare = [], []
    with dovecot.running() as server:
        account = server.user()
        account.deliver(*(mail(n, body="A line of text as people write them.\n" * 20) for n in range(count)))
        for turn in range(turns):
            with tempfile.TemporaryDirectory() as folder:
                ours.append(count / seconds_of_mailgate(Path(folder), account, count))
                bare.append(count / seconds_of_a_bare_loop(Path(folder), account, count))
            print(f"turn {turn + 1}: mailgate {ours[-1]:.0f}/s, bare loop {bare[-1]:.0f}/s", flush=True)
    ratio = max(ours) / max(bare)
    print(f"mailgate {max(ours):.0f}/s, bare loop {max(bare):.0f}/s at best, {count} messages each")
    print(f"mailgate / bare loop  {ratio:5.2f}  (bound {BOUND:.2f})")
    sys.exit(ratio < BOUND)


def seconds_of_mailgate(folder: Path, account: Account, count: int) -> float:
    """Collect everything into a new store."""
    collector = Collector(folder)
    collector.add("box", "imap", account, "--limit", str(count))
    settings = config.load(str(collector.config), None, {})
    with collector.store.read() as tx:
        server = servers.get(tx, "box")
    started = time.monotonic()
    result = product.run(collector.store, settings, server)
    spent = time.monotonic() - started
    assert result.tally.created == count, result
    collector.store.close()
    return spent


def seconds_of_a_bare_loop(folder: Path, account: Account, count: int) -> float:
    """The same octets, committed one by one."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("CREATE TABLE message (uid INTEGER PRIMARY KEY, octets BLOB)")
    started = time.monotonic()
    with IMAPClient("localhost", account.server.imaps, ssl_context=_trusting(account)) as client:
        client.login(account.name, PASSWORD)
        client.select_folder("INBOX", readonly=True)
        uids = client.search("ALL")
        for at in range(0, len(uids), batch.SIZE):
            for uid, answer in client.fetch(uids[at : at + batch.SIZE], ["BODY.PEEK[]"]).items():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO message VALUES (?, ?)", (uid, answer[b"BODY[]"]))
                connection.execute("COMMIT")
    spent = time.monotonic() - started
    assert connection.execute("SELECT count(*) FROM message").fetchone()[0] == count
    return spent


def _trusting(account: Account) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(account.server.ca))


if __name__ == "__main__":
    if reason := dovecot.missing():
        sys.exit(reason)
    os.umask(0o022)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
