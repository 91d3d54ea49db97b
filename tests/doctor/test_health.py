"""Every fault that the doctor names, planted one by one; and that it names none where there is none."""

import os
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail

from mailgate.doctor import addresses, collecting, configuration, files, integrity, queues
from mailgate.mta.check import Check
from mailgate.settings.config import Config, Submit
from mailgate.store import aliases, domains, outbox, servers
from mailgate.store.condition import condition
from mailgate.store.schema import open_or_create
from mailgate.values.directory import Domain
from mailgate.values.record import Ref
from mailgate.values.server import Secret, Server


@pytest.fixture
def house(tmp_path: Path) -> Gateway:
    """A gateway in a folder as `init` makes it."""
    folder = tmp_path / "house"
    folder.mkdir(mode=0o700)
    return Gateway(folder / "mailgate.db")


def wrong(checks: Check | list[Check]) -> list[str]:
    """What is wrong, and that each says how to mend it."""
    every = checks if isinstance(checks, list) else [checks]
    assert all(each.fix or each.advice for each in every if each.verdict != "ok")
    return [f"{each.name}: {each.text}" for each in every if each.verdict == "wrong"]


def everything(house: Gateway, now: float | None = None) -> list[Check]:
    path = str(house.path)
    return [
        *files.check(path, os.geteuid()),
        files.space(path, 1),
        *integrity.check(path),
        *addresses.check(house.store, house.config),
        *queues.check(house.store, Submit(), now or house.now),
    ]


def test_a_healthy_house_has_nothing_wrong(house: Gateway) -> None:
    house.alias("office@example.com", "task")
    found = everything(house)
    assert wrong(found) == []
    assert {each.verdict for each in found} == {"ok"}
    assert len(found) == 8


# The configuration


def configured(tmp_path: Path, text: str, mode: int = 0o644) -> list[Check]:
    path = tmp_path / "mailgate.toml"
    path.write_text(text)
    path.chmod(mode)
    return configuration.loaded(str(path), None)[1]


def test_a_missing_configuration_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(configuration.check(Config(None, "x"))) == [
        "config: there is no configuration: mail is put off until there is one"
    ]


@pytest.mark.parametrize(
    ("text", "mode", "fault"),
    [
        ("[store", 0o644, "mailgate.toml"),
        ("[store]\nurl = 5\n", 0o644, "store.url must be a text"),
        ("[limits]\nmax_sise = 5\n", 0o644, "unknown key `max_sise`"),
        ("[store]\n", 0o666, "can be written by others"),
        ('[submit]\nmethod = "pigeon"\n', 0o644, "submit.method must be one of"),
    ],
)
def test_an_unusable_configuration_is_a_problem(tmp_path: Path, text: str, mode: int, fault: str) -> None:
    (said,) = wrong(configured(tmp_path, text, mode))
    assert fault in said


def test_a_good_configuration_is_no_problem(tmp_path: Path) -> None:
    assert [each.verdict for each in configured(tmp_path, "[store]\n")] == ["ok"]


def test_a_broken_template_is_a_problem(tmp_path: Path) -> None:
    assert configuration.templates(None) == []
    assert "no folder" in wrong(configuration.templates(str(tmp_path / "none")))[0]
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "policy.txt").write_text("No: $address\n")
    assert wrong(configuration.templates(str(tmp_path))) == []
    (tmp_path / "en" / "catchall.txt").write_text("No: $adress\n")
    (said,) = wrong(configuration.templates(str(tmp_path)))
    assert "catchall.txt" in said


# The store, from outside


def planted(change: Callable[[Path], None], house: Gateway) -> list[str]:
    change(house.path)
    return wrong(files.check(str(house.path), os.geteuid()))


def test_a_missing_folder_is_a_problem(tmp_path: Path) -> None:
    assert "store folder" in wrong(files.check(str(tmp_path / "none" / "x.db"), 0))[0]


def test_a_folder_that_is_open_to_others_is_a_problem(house: Gateway) -> None:
    assert "open to others" in planted(lambda path: path.parent.chmod(0o755), house)[0]


def test_a_store_that_others_can_read_is_a_problem(house: Gateway) -> None:
    assert "mailgate.db is open to others" in planted(lambda path: path.chmod(0o644), house)[0]


def test_a_leftover_wal_is_a_problem(house: Gateway) -> None:
    assert "WAL" in planted(lambda path: Path(f"{path}-wal").touch(), house)[0]


def test_files_of_another_user_are_a_problem(house: Gateway) -> None:
    found = wrong(files.check(str(house.path), os.geteuid() + 1))
    assert any("mailgate.db belongs to" in each for each in found)


def test_a_full_disk_is_a_problem(house: Gateway) -> None:
    assert "MB free" in wrong(files.space(str(house.path), 1 << 60))[0]
    assert files.space("/nowhere/x.db", 1).verdict == "unknown"


def test_a_folder_that_the_user_cannot_enter_is_a_problem(tmp_path: Path) -> None:
    deep = tmp_path / "closed" / "inner"
    deep.mkdir(parents=True)
    file = deep / "file"
    file.touch()
    for each in (deep, tmp_path):
        each.chmod(0o755)
    (tmp_path / "closed").chmod(0o700)
    nobody = 12_345
    assert files.unreadable_by(str(file), 0, []) == ""
    others = [each for each in tmp_path.parents if not stat.S_IMODE(each.stat().st_mode) & 1]
    assert files.unreadable_by(str(file), nobody, []) == str(others[-1] if others else tmp_path / "closed")
    assert wrong(files.program(nobody, [], str(file)))


def test_a_file_that_the_user_cannot_read_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(0o640)
    uid, gid = file.stat().st_uid, file.stat().st_gid
    assert files.unreadable_by(str(file), uid, []) == ""
    assert files.unreadable_by("/etc/shadow", 12_345, [gid + 1]) == "/etc/shadow"


# The store, from inside


def test_a_missing_store_is_a_problem(tmp_path: Path) -> None:
    assert "no store" in wrong(integrity.check(str(tmp_path / "none.db")))[0]


def test_a_file_that_is_no_database_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"Dear diary, " * 1000)
    assert "not a database" in wrong(integrity.check(str(path)))[0]


def test_a_database_of_another_program_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE x (y)")
    connection.close()
    assert "no mailgate store" in wrong(integrity.check(str(path)))[0]


@pytest.mark.parametrize(("change", "fix"), [(-1, "mailgate migrate"), (1, "upgrade mailgate")])
def test_a_store_of_another_schema_is_a_problem(house: Gateway, change: int, fix: str) -> None:
    schema = condition(str(house.path)).schema + change
    with sqlite3.connect(house.path) as connection:
        connection.execute(f"PRAGMA user_version = {schema}")
    connection.close()
    (found,) = integrity.check(str(house.path))
    assert (found.verdict, found.fix or found.advice) == ("wrong", fix)
    assert f"schema {schema}" in found.text


def test_a_store_in_wal_mode_is_a_problem(house: Gateway) -> None:
    house.store.close()
    with sqlite3.connect(house.path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    assert "journal mode wal" in wrong(integrity.check(str(house.path)))[0]


def test_a_damaged_store_is_a_problem(house: Gateway) -> None:
    for number in range(200):
        house(mail("x" * 3000, message_id=f"<{number}@a.b>"), "info@example.com", "nobody@example.com")
    house.store.close()
    octets = bytearray(house.path.read_bytes())
    octets[8192 : 8192 + 20_000] = os.urandom(20_000)
    house.path.write_bytes(octets)
    assert wrong(integrity.check(str(house.path)))


def test_a_store_that_takes_too_long_to_read_is_checked_in_a_copy(
    house: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that is printed works as it is, reads nothing but the copy for long, and leaves none behind."""
    monkeypatch.setattr("mailgate.store.condition._READ_THROUGH", 0)
    (found,) = integrity.check(str(house.path))
    assert (found.verdict, found.fix is not None) == ("unknown", True)
    before = sorted(os.listdir(house.path.parent))
    program, *words = str(found.fix).split()
    assert program == "mailgate"
    command = [sys.executable, "-m", "mailgate", "--db", str(house.path), *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(os.listdir(house.path.parent)) == before


def test_a_lock_that_is_held_is_a_problem(house: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    monkeypatch.setattr(condition, "__defaults__", (0.2,))
    with open(f"{house.path}.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "busy" in wrong(integrity.check(str(house.path)))[0]


# What it knows


def problems_of_addresses(house: Gateway) -> list[str]:
    return wrong(addresses.check(house.store, house.config))


def test_a_store_without_a_domain_is_a_problem(tmp_path: Path) -> None:
    assert "no local domain" in wrong(addresses.check(open_or_create(tmp_path / "x.db"), Config(None, "x")))[0]


def test_a_store_without_an_alias_is_a_problem(house: Gateway) -> None:
    with house.store.write() as tx:
        for each in aliases.listing(tx):
            aliases.remove(tx, each.address)
    assert "all new mail is refused" in problems_of_addresses(house)[-1]


def test_signed_addresses_without_a_delimiter_are_a_problem(house: Gateway) -> None:
    house.alias("office@example.com", "task")
    with house.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(delimiter=""))
        domains.add(tx, Domain("custom.org", same_as="example.com"))
    (said,) = problems_of_addresses(house)
    assert "example.com: details are on, and there is no delimiter" in said


def test_a_contact_address_that_does_not_exist_is_a_problem(house: Gateway) -> None:
    (said,) = problems_of_addresses(house)
    assert "refusals name office@example.com, an address that does not exist" in said


def test_people_whom_nobody_reads_are_a_problem(house: Gateway) -> None:
    """A copy to an address that only we receive, and do not know, comes back to us."""
    house.alias("office@example.com", "task", notify=("ann@example.com", "eve@partner.org"))
    house.config = house.config._replace(notify=("admin@example.com", "admin@partner.org"))
    assert problems_of_addresses(house) == [
        "notify: office@example.com notifies ann@example.com, which does not exist: what is sent to it comes back",
        "notify: [notify] to names admin@example.com, which does not exist: what is sent to it comes back",
    ]
    house.config = house.config._replace(maps_shared=frozenset({"example.com"}))
    assert problems_of_addresses(house) == [], "the mail server has mailboxes there"


def test_an_alias_whose_record_is_gone_is_a_problem(house: Gateway) -> None:
    house.alias("office@example.com", "task")
    house.change("info@example.com", record=Ref("crm.lead", 77))
    (said,) = problems_of_addresses(house)
    assert said == "aliases: info@example.com: record crm.lead/77 does not exist"


def test_a_store_without_a_signing_key_is_a_problem(house: Gateway) -> None:
    with house.store.write() as tx:
        tx.execute("DELETE FROM signing_key")
    assert "keys: there is no signing key" in problems_of_addresses(house)


# What waits


def problems_of_queues(house: Gateway, after: float = 0.0, method: str = "sendmail") -> list[str]:
    return wrong(queues.check(house.store, Submit(method), house.now + after))


def refused(house: Gateway) -> int:
    house(mail(to="catchall@example.com"), "catchall@example.com")
    with house.store.read() as tx:
        return outbox.listing(tx)[0].number


def test_an_outbox_without_a_worker_is_a_problem(house: Gateway) -> None:
    refused(house)
    assert problems_of_queues(house, queues.LATE - 1) == []
    (said,) = problems_of_queues(house, queues.LATE + 1)
    assert "1 should have left 15 minutes ago" in said
    assert problems_of_queues(house, queues.LATE + 1, "none") == []


def test_a_stuck_outbox_is_a_problem(house: Gateway) -> None:
    number = refused(house)
    with house.store.write() as tx:
        entry = outbox.claim(tx, "w", house.now)
        assert entry
        outbox.put_off(tx, entry, "w", "connection refused", house.now)
        assert outbox.get(tx, number).tries == 1
    assert problems_of_queues(house, 60) == []
    (said,) = problems_of_queues(house, outbox.STUCK + 1)
    assert said == "outbox: 1 wait for 60 minutes, the first: connection refused"


def test_mail_that_was_queued_while_the_clock_was_ahead_and_does_not_leave_is_a_problem(house: Gateway) -> None:
    number = refused(house)
    house.now -= 365 * 86_400
    house(mail(message_id="<2@x>"), "info@example.com")
    assert problems_of_queues(house) == [], "it leaves with the next run"
    with house.store.write() as tx:
        entry = outbox.claim(tx, "w", house.now)
        assert entry
        assert entry.number == number
        outbox.put_off(tx, entry, "w", "connection refused", house.now)
    assert problems_of_queues(house) == ["outbox: 1 wait for too long, the first: connection refused"]


def test_mail_that_failed_for_good_is_a_problem(house: Gateway) -> None:
    number = refused(house)
    with house.store.write() as tx:
        tx.execute("UPDATE outbox SET state = 'failed', error = 'no such user' WHERE number = ?", (number,))
    assert problems_of_queues(house) == ["outbox: 1 could not be sent for good, the first: no such user"]


def test_old_held_mail_is_a_problem(house: Gateway) -> None:
    house(mail(to="postmaster@example.com"), "postmaster@example.com")
    assert problems_of_queues(house) == []
    (said,) = problems_of_queues(house, queues.OLD + 1)
    assert "the oldest for 7 days" in said


def test_mail_held_by_an_internal_error_is_a_problem(house: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    house(mail(to="postmaster@example.com"), "postmaster@example.com")
    with house.store.write() as tx:
        tx.execute("UPDATE held SET reason = 'failed'")
    (said,) = problems_of_queues(house)
    assert "fault of mailgate's own" in said


def test_a_clock_that_is_behind_is_a_problem(house: Gateway) -> None:
    house(mail(), "info@example.com")
    (said,) = problems_of_queues(house, -3600 * 3)
    assert said == (
        "clock: the clock is behind, or it was ahead:"
        " the newest message is of 2023-11-14 22:13:21 UTC, 3 hours from now"
    )


def test_a_clock_that_was_ahead_is_a_problem_until_the_next_message(house: Gateway) -> None:
    right = house.now
    house.now += 30 * 86_400
    house(mail(), "info@example.com")
    house.now = right
    assert "ahead" in problems_of_queues(house)[0]
    house(mail(message_id="<2@x>"), "info@example.com")
    (*_, clock) = queues.check(house.store, Submit(), house.now)
    assert clock.verdict == "ok"
    assert clock.text == (
        "2023-11-14 22:13:21 UTC;"
        " it was ahead for a while, until 2023-12-14 22:13:21 UTC: those times count for nothing"
    )


# Where it collects


def test_every_incoming_server_is_checked(house: Gateway) -> None:
    box = Server("box", "imap", "imap.example.com", 993, "box@example.com", Secret("password-file", "/etc/secret"))
    assert collecting.check(house.store, house.now) == []
    with house.store.write() as tx:
        number = servers.add(tx, box).number

    def said() -> list[str]:
        return wrong(collecting.check(house.store, house.now))

    assert said() == ["server box: never collected: nobody runs `mailgate fetch`"]
    with house.store.write() as tx:
        servers.succeeded(tx, number, "", house.now)
    assert said() == []
    with house.store.write() as tx:
        servers.failed(tx, number, "wrong password", house.now)
    house.now += 7_200
    assert said() == ["server box: fails for 2 hours: wrong password"]
    house.now += servers.PATIENCE
    with house.store.write() as tx:
        servers.failed(tx, number, "wrong password", house.now)
    assert said() == ["server box: paused: wrong password"]
    with house.store.write() as tx:
        servers.enable(tx, servers.get(tx, "box"), True)
    assert said() == ["server box: collected 5 days ago: nobody runs `mailgate fetch`"]
    with house.store.write() as tx:
        servers.enable(tx, servers.get(tx, "box"), False)
    assert said() == []


def test_what_a_server_did_while_the_clock_was_ahead_costs_nothing_later(house: Gateway) -> None:
    box = Server("box", "imap", "imap.example.com", 993, "box@example.com", Secret("password-file", "/etc/secret"))
    ahead = house.now + 365 * 86_400
    with house.store.write() as tx:
        number = servers.add(tx, box).number

    def said(after: float = 0.0) -> list[str]:
        return wrong(collecting.check(house.store, house.now + after))

    def failed(at: float) -> str:
        with house.store.write() as tx:
            return servers.failed(tx, number, "wrong password", at).state

    with house.store.write() as tx:
        servers.succeeded(tx, number, "", ahead)
    assert said() == ["server box: collected last while the clock was ahead: nobody runs `mailgate fetch`"]
    assert said(365 * 86_400 - 60) == []
    assert failed(ahead) == "failing"
    assert said() == ["server box: fails for 0 minutes: wrong password"]
    assert failed(house.now) == "failing"
    assert said(7_200) == ["server box: fails for 2 hours: wrong password"]
    assert failed(ahead) == "paused"
    assert said() == ["server box: fails for 0 minutes: wrong password"], "it is tried again"
    assert failed(house.now + 60) == "failing"
    assert failed(house.now + servers.PATIENCE) == "paused"


# How it sends


def test_a_missing_sendmail_is_a_problem(tmp_path: Path) -> None:
    program = tmp_path / "sendmail"
    assert "no program" in wrong(queues.sending(Submit("sendmail", str(program))))[0]
    program.write_text("#!/bin/sh\n")
    program.chmod(0o644)
    assert "cannot be run" in wrong(queues.sending(Submit("sendmail", str(program))))[0]
    program.chmod(0o755)
    assert wrong(queues.sending(Submit("sendmail", str(program)))) == []
    assert wrong(queues.sending(Submit("none"))) == []


def test_an_unreachable_smtp_server_is_a_problem() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert f"127.0.0.1:{port}" in wrong(queues.sending(Submit("smtp", host="127.0.0.1", port=port)))[0]
