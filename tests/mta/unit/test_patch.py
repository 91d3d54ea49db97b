"""The tables after a command that changed a few addresses: they hold what tables that are made anew hold."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgate.mta import maps, patch, write
from mailgate.settings.config import Config
from mailgate.store import address_changes, aliases, domains, schema
from mailgate.store.database import Store, Transaction
from mailgate.values.directory import Alias, Domain
from mailgate.values.problem import Problem

NAMES = [f"{name}{detail}" for name in ("a", "b", "ab", "a+", "abuse", "#1", "catchall") for detail in ("", "+x", "-x")]
HOSTS = ("example.com", "xn--mller-kva.test", "shared.test")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    """A store with three domains, one of them under two names, and with two delimiters."""
    made = schema.open_or_create(tmp_path / "mailgate.db")
    with made.write() as tx:
        for host in HOSTS:
            domains.add(tx, Domain(host, delimiter="-" if host == "shared.test" else "+"))
        domains.add(tx, Domain("example.org", same_as="example.com"))
    yield made
    made.close()


@pytest.fixture(params=[False, True], ids=["refuse", "accept"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """Tables are kept, with a domain that has mailboxes of its own."""
    folder = tmp_path / "maps"
    folder.mkdir()
    unknown = "accept" if request.param else "refuse"
    return Config(None, "mailgate.db", maps=str(folder), maps_shared=frozenset(["shared.test"]), maps_unknown=unknown)


def texts(settings: Config) -> dict[str, str]:
    """What the files hold."""
    return {name: Path(str(settings.maps), name).read_text() for name in (maps.SIGNED, *maps.INDEXED)}


def add(tx: Transaction, address: str, **more: object) -> None:
    """Add an alias."""
    aliases.add(tx, address, Alias(0, "", "", "lead")._replace(**more))


@pytest.fixture
def never_anew(monkeypatch: pytest.MonkeyPatch, opened: Store, settings: Config) -> None:
    """Tables that are made; from here on they must not be made anew."""
    write.refresh(opened, settings)

    def refuse(*_: object, **__: object) -> list[str]:
        raise AssertionError("made anew")

    monkeypatch.setattr(write, "_refresh", refuse)


def change(tx: Transaction, chance: random.Random) -> None:
    """Add, rename or remove an alias, or forget what it was called."""
    address = f"{chance.choice(NAMES)}@{chance.choice([*HOSTS, 'example.org'])}"
    there = aliases.listing(tx)
    act = chance.choice(["add", "add", "rename", "remove", "forget"])
    if act == "add" or not there:
        add(tx, address)
    elif act == "rename":
        aliases.rename(tx, chance.choice(there).address, address)
    elif act == "remove":
        aliases.remove(tx, chance.choice(there).address)
    else:
        host = chance.choice(HOSTS)
        former = domains.get(tx, host).former_aliases
        domains.forget(tx, host, former[0] if former else "none")


@pytest.mark.usefixtures("never_anew")
@pytest.mark.parametrize("seed", range(12))
def test_patched_tables_are_those_made_anew(opened: Store, settings: Config, seed: int) -> None:
    chance = random.Random(seed)
    changed = 0
    for turn in range(40):
        try:
            with opened.write() as tx:
                change(tx, chance)
            changed += 1
        except Problem:
            continue  # a name in use
        if turn % 3 == 0:
            write.follow(opened, settings)
            assert texts(settings) == maps.tables(write.current(opened, settings))
    assert changed > 10


@pytest.mark.usefixtures("never_anew")
def test_a_command_that_changes_no_address_looks_at_no_table(
    opened: Store, settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table was read, and made, after every command that wrote to the store."""
    monkeypatch.setattr(patch, "edited", None)
    with opened.write() as tx:
        domains.capture(tx, "example.com", 1.0)
    assert write.follow(opened, settings) == []


@pytest.mark.usefixtures("never_anew")
def test_only_the_table_that_changes_is_written(opened: Store, settings: Config) -> None:
    with opened.write() as tx:
        add(tx, "ann@example.com")
    assert write.follow(opened, settings) == [maps.ADDRESSES, maps.ALIASES]
    with opened.write() as tx:
        add(tx, "ann@shared.test")
    assert write.follow(opened, settings) == [maps.ADDRESSES]


def _detected(tx: Transaction) -> None:
    add(tx, "ann@example.com", local_part=True)


def _many(tx: Transaction) -> None:
    for at in range(patch.LIMIT + 1):
        add(tx, f"a{at}@example.com")


def _delimiter(tx: Transaction) -> None:
    domains.save(tx, domains.get(tx, "example.com")._replace(delimiter="_"))


def _domain(tx: Transaction) -> None:
    domains.add(tx, Domain("other.test"))


def _gone(tx: Transaction) -> None:
    for at in range(address_changes.KEPT + 1):
        address_changes.note(tx, "example.com", f"a{at}")


@pytest.mark.parametrize("do", [_detected, _many, _delimiter, _domain, _gone])
def test_what_changes_much_makes_the_tables_anew(opened: Store, settings: Config, do: object) -> None:
    write.refresh(opened, settings)
    with opened.write() as tx:
        assert callable(do)
        do(tx)
    write.follow(opened, settings)
    assert texts(settings) == maps.tables(write.current(opened, settings))


@pytest.mark.parametrize("name", [maps.SIGNED, *maps.INDEXED])
def test_a_table_that_another_program_wrote_is_made_anew(opened: Store, settings: Config, name: str) -> None:
    write.refresh(opened, settings)
    Path(str(settings.maps), name).write_text("x\n")
    write.follow(opened, settings)
    assert texts(settings) == maps.tables(write.current(opened, settings))


def test_a_restored_store_makes_the_tables_anew(opened: Store, settings: Config, tmp_path: Path) -> None:
    """It has as many changes as the one before, and they are others."""
    with opened.write() as tx:
        add(tx, "ann@example.com")
    write.refresh(opened, settings, force=True)
    with opened.write() as tx:
        tx.execute("UPDATE address_change SET token = 'other'")
        tx.execute("UPDATE alias SET local = 'bob'")
    write.follow(opened, settings)
    assert texts(settings) == maps.tables(write.current(opened, settings))


def test_an_address_that_no_table_can_hold_is_named(opened: Store) -> None:
    with opened.write() as tx:
        add(tx, "#1@example.com")
        add(tx, "a#1@example.com")
    assert write.unlisted(opened) == ["#1@example.com"]


@pytest.mark.parametrize("name", ["maps.state", "maps.state.new"])
def test_a_link_in_the_folder_is_not_written_through(
    opened: Store, settings: Config, tmp_path: Path, name: str
) -> None:
    """Root may write here, in a folder where another user may plant a link."""
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (Path(str(settings.maps)) / name).symlink_to(victim)
    write.refresh(opened, settings)
    assert victim.read_text() == "untouched"
    assert patch.known(str(settings.maps), write._state(str(settings.maps), settings)) is not None
