"""Several messages with one commit: none of them can spoil it for the others, and what is a receipt is committed."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgate.gateway import group, receive
from mailgate.gateway.group import Result
from mailgate.gateway.receive import Receipt
from mailgate.mail.incoming import Incoming
from mailgate.routing.facts import Facts
from mailgate.settings.config import Config
from mailgate.store import aliases, apply, domains, records, schema
from mailgate.store.database import Store
from mailgate.values.directory import Alias, Domain
from mailgate.values.problem import StoreError

NOW = 1_780_000_000.0


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    store = schema.open_or_create(tmp_path / "mailgate.db")
    with store.write() as tx:
        domains.add(tx, Domain("example.com"))
        aliases.add(tx, "support@example.com", Alias(0, "", "", "ticket"))
        aliases.add(tx, "sales@example.com", Alias(0, "", "", "lead"))
    yield store
    store.close()


def mail(number: int, *recipients: str) -> list[Incoming]:
    raw = b"From: Bob <bob@client.org>\nTo: support@example.com\nMessage-ID: <%d@x>\n\nhello\n" % number
    return [Incoming(raw, "bob@client.org", (each,), source="lmtp") for each in recipients or ("support@example.com",)]


def receive_group(opened: Store, messages: list[Incoming]) -> list[Result]:
    return group.receive_group(opened, Config(None, opened.path), messages, NOW)


def made(opened: Store) -> list[str]:
    with opened.read() as tx:
        return sorted(str(each.ref) for each in records.listing(tx))


def test_all_are_committed_together(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = []
    write = Store.write
    monkeypatch.setattr(Store, "write", lambda self: commits.append(1) or write(self))
    results = receive_group(opened, [*mail(1), *mail(2), *mail(3)])
    assert [type(each) for each in results] == [Receipt] * 3
    assert (made(opened), len(commits)) == (["ticket/1", "ticket/2", "ticket/3"], 1)


def test_a_message_is_read_once_for_all_its_recipients(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    read, count = receive.read, []

    def counted(incoming: Incoming) -> Facts:
        count.append(incoming)
        return read(incoming)

    monkeypatch.setattr(receive, "read", counted)
    receive_group(opened, [*mail(1, "support@example.com", "sales@example.com"), *mail(2)])
    assert (made(opened), len(count)) == (["lead/1", "ticket/1", "ticket/2"], 2)


def test_a_message_that_fails_leaves_nothing_and_its_neighbours_everything(
    opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = apply.apply

    def fails(tx, judged, now):  # type: ignore[no-untyped-def]
        done = stored(tx, judged, now)
        if judged.facts.message.message_id == "<2@x>":
            raise OSError("after it was written")
        return done

    monkeypatch.setattr(apply, "apply", fails)
    results = receive_group(opened, [*mail(1), *mail(2), *mail(3)])
    assert [type(each) for each in results] == [Receipt, OSError, Receipt]
    assert made(opened) == ["ticket/1", "ticket/2"]
    assert isinstance(results[2], Receipt)
    assert str(results[2].records[0]) == "ticket/2"


def test_a_store_that_fails_for_one_takes_the_others_alone(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk that has no room for a large message ends the transaction of all."""
    stored = apply.apply

    def fails(tx, judged, now):  # type: ignore[no-untyped-def]
        if judged.facts.message.message_id == "<2@x>":
            raise sqlite3.OperationalError("database or disk is full")
        return stored(tx, judged, now)

    monkeypatch.setattr(apply, "apply", fails)
    results = receive_group(opened, [*mail(1), *mail(2), *mail(3)])
    assert [type(each) for each in results] == [Receipt, StoreError, Receipt]
    assert made(opened) == ["ticket/1", "ticket/2"]


def test_a_message_that_cannot_be_read_now_is_no_matter_of_the_others(
    opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = receive.read

    def fails(incoming: Incoming) -> Facts:
        if b"<1@x>" in incoming.raw:
            raise ImportError("an upgrade runs")
        return read(incoming)

    monkeypatch.setattr(receive, "read", fails)
    results = receive_group(opened, [*mail(1), *mail(2)])
    assert [type(each) for each in results] == [ImportError, Receipt]


def test_a_busy_store_puts_all_off_at_once(tmp_path: Path, opened: Store) -> None:
    impatient = Store(opened.path, sqlite3.connect(opened.path), 0.1)
    with opened.write():
        results = group.receive_group(impatient, Config(None, opened.path), [*mail(1), *mail(2)], NOW)
    impatient.close()
    assert [type(each).__name__ for each in results] == ["Busy", "Busy"]
    assert made(opened) == []


def test_a_group_that_takes_long_leaves_the_rest(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one in it waits for its answer."""
    monkeypatch.setattr(group, "TURN", -1.0)
    messages = [*mail(1), *mail(2), *mail(3)]
    assert len(receive_group(opened, messages)) == 1
    assert made(opened) == ["ticket/1"]


def test_one_that_failed_comes_again_and_is_received(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = apply.apply
    monkeypatch.setattr(apply, "apply", lambda *_: 1 / 0)
    results = receive_group(opened, [*mail(1), *mail(2)])
    assert [type(each) for each in results] == [ZeroDivisionError] * 2
    monkeypatch.setattr(apply, "apply", stored)
    assert [type(each) for each in receive_group(opened, [*mail(1), *mail(2)])] == [Receipt] * 2
    assert made(opened) == ["ticket/1", "ticket/2"]
