"""What keeps mail from being stored is said as it is."""

import asyncio
import os
import sqlite3
import time
from pathlib import Path

import pytest

from mailgate.mail.incoming import Incoming
from mailgate.serve.committer import Committer
from mailgate.serve.intake import Request
from mailgate.settings.config import Config
from mailgate.store import database, domains, schema
from mailgate.values.directory import Domain

from .conftest import MESSAGE


def test_a_full_disk_is_said_until_something_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = schema.open_or_create(tmp_path / "mailgate.db")
    with store.write() as tx:
        domains.add(tx, Domain("example.com"))
        pages = tx.execute("PRAGMA page_count").fetchone()[0]
    connect = database.connect

    def small(path: str, wait: float | None) -> sqlite3.Connection:
        connection = connect(path, wait)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(database, "connect", small)
    store = database.open_existing(store.path)
    committer = Committer(store, Config(None, store.path), lambda: None)
    committer.look()
    assert committer.trouble == ""
    loop = asyncio.new_event_loop()
    now = time.monotonic()
    raw = MESSAGE + b"x" * 500_000
    future = loop.create_future()
    committer.turn(
        [Request(future, now + 30, now, [Incoming(raw, "bob@client.org", ("postmaster@example.com",))])], loop
    )
    (result,) = loop.run_until_complete(asyncio.wait_for(future, 10))
    assert isinstance(result, Exception), result
    assert committer.trouble == "the disk is full"
    assert (committer.figures.messages, committer.figures.deferred) == (0, 1)
    monkeypatch.setattr(database, "connect", connect)
    store.close()
    committer.look()
    assert committer.trouble == ""
    nothing = os.statvfs(tmp_path)

    class Full:
        f_bavail, f_frsize = 10, nothing.f_frsize

    monkeypatch.setattr(os, "statvfs", lambda _: Full)
    committer.look()
    assert committer.trouble == "the disk is full"
    loop.close()
