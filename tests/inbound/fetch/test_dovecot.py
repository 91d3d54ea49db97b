"""What becomes of mail in a mailbox of a real server, and what the mailbox looks like afterwards."""

import time
from pathlib import Path

import pytest
from mta.real.polling import until

from mailgate.store import leases

from .conftest import Collector, mail
from .dovecot import BARE, PASSWORD, Account, together

BOTH = pytest.mark.parametrize("speaks", ["imap", "pop"])


@BOTH
def test_every_message_is_collected_once_oldest_first_byte_for_byte(
    collector: Collector, account: Account, speaks: str
) -> None:
    sent = [mail(number) for number in range(40)]
    account.deliver(*sent)
    collector.add("box", speaks, account)
    assert collector.fetch() == {
        "server": "box",
        "state": "ok",
        "error": "",
        "warning": "",
        "fetched": 40,
        "created": 40,
        "posted": 0,
        "reported": 0,
        "held": 0,
        "refused": 0,
        "ignored": 0,
        "failed": 0,
        "left": 0,
    }
    assert collector.subjects() == [f"Hello {number}" for number in range(40)]
    assert together(collector.raws()) == together(sent)
    assert collector.fetch()["fetched"] == 0
    account.deliver(mail("new"))
    assert collector.fetch()["created"] == 1
    assert len(account.files()) == 41


def test_nothing_on_the_server_changes_unless_configured(collector: Collector, account: Account) -> None:
    account.deliver(mail(1), mail(2))
    collector.add("box", "imap", account)
    collector.fetch()
    assert list(account.files().values()) == ["", ""]


def test_mail_that_is_already_read_is_collected_too(collector: Collector, account: Account) -> None:
    account.deliver(mail(1))
    (path,) = (account.home / "Maildir/new").iterdir()
    path.rename(account.home / "Maildir/cur" / f"{path.name}:2,S")
    collector.add("box", "imap", account)
    assert collector.fetch()["created"] == 1


def test_collected_mail_is_marked_as_read_if_configured(collector: Collector, account: Account) -> None:
    account.deliver(mail(1), mail(2))
    collector.add("box", "imap", account, "--done", "seen")
    collector.fetch()
    assert list(account.files().values()) == ["S", "S"]


@pytest.mark.parametrize("speaks", ["imap", "pop"])
def test_only_collected_messages_are_deleted(collector: Collector, account: Account, speaks: str) -> None:
    account.deliver(mail(1), mail(2))
    (first, _) = sorted((account.home / "Maildir/new").iterdir())
    if speaks == "imap":  # somebody marked it, and may think again
        first.rename(account.home / "Maildir/cur" / f"{first.name}:2,T")
    collector.add("box", speaks, account, "--done", "delete")
    collector.fetch("--limit", "1")
    collector.fetch("--limit", "1")
    assert account.files() == {}
    assert len(collector.subjects()) == 2


def test_a_message_that_others_marked_as_deleted_stays(collector: Collector, account: Account) -> None:
    account.deliver(mail(1))
    collector.add("box", "imap", account, "--done", "delete", "--folder", "Other")
    account.deliver(mail(2), mail(3), folder="Other")
    collector.fetch("--limit", "1")
    (theirs,) = (account.home / "Maildir/.Other").glob("*/*M000003*")
    theirs.rename(account.home / "Maildir/.Other/cur" / f"{theirs.name.partition(':')[0]}:2,T")
    account.deliver(mail(4), folder="Other")
    collector.ok("server", "set", "box", "--done", "keep")
    collector.fetch("--limit", "1")  # theirs is collected, and kept
    collector.ok("server", "set", "box", "--done", "delete")
    assert collector.fetch()["created"] == 1
    assert list(account.files("Other").values()) == ["T"]
    assert len(account.files()) == 1


def test_collected_mail_is_moved_into_a_folder_that_is_created(collector: Collector, account: Account) -> None:
    account.deliver(mail(1), mail(2))
    collector.add("box", "imap", account, "--done", "move:Collected")
    assert collector.fetch()["warning"] == ""
    assert account.files() == {}
    assert len(account.files("Collected")) == 2


@pytest.mark.parametrize("action", ["move:Collected", "delete"])
def test_without_move_and_uidplus_other_mail_is_never_expunged(
    collector: Collector, account: Account, action: str
) -> None:
    account.deliver(mail(1), mail(2))
    port = str(account.server.imap)
    where = ["--type", "imap", "--host", BARE, "--port", port, "--security", "none", "--user", account.name]
    collector.ok("server", "add", "box", *where, "--password-file", str(collector.secret), "--done", action)
    assert collector.fetch()["created"] == 2
    assert list(account.files().values()) == ["T", "T"], "marked, and left for whoever expunges there"
    assert collector.fetch()["fetched"] == 0
    assert len(account.files("Collected") if action != "delete" else "12") == 2


def test_each_folder_is_collected_separately(collector: Collector, account: Account) -> None:
    account.deliver(mail(1))
    account.deliver(mail(2), folder="Büro".encode().decode())
    account.make("B&APw-ro")
    account.deliver(mail(3), folder="B&APw-ro")
    collector.add("box", "imap", account, "--folder", "INBOX", "--folder", "Büro")
    assert sorted(collector.subjects() if collector.fetch() else []) == ["Hello 1", "Hello 3"]


def test_a_missing_folder_stops_no_other(collector: Collector, account: Account) -> None:
    account.deliver(mail(1))
    collector.add("box", "imap", account, "--folder", "Nowhere", "--folder", "INBOX")
    screen = collector("fetch")
    assert screen.exit == 1
    assert "refuses what is needed for Nowhere" in screen.err
    assert collector.subjects() == ["Hello 1"]


@BOTH
def test_a_new_uid_validity_collects_no_message_twice(collector: Collector, account: Account, speaks: str) -> None:
    account.deliver(mail(1), mail(2))
    collector.add("box", speaks, account)
    collector.fetch()
    account.forget_uids()
    result = collector.fetch()
    assert [result[name] for name in ("fetched", "created", "ignored", "left")] == [2, 0, 2, 0]
    assert collector.fetch()["fetched"] == 0
    assert len(collector.raws()) == 2
    assert len(collector.rows("SELECT 1 FROM mailbox")) == 1


def test_a_read_only_folder_is_collected_with_a_warning(collector: Collector, account: Account) -> None:
    account.deliver(mail(1), folder="Locked")
    collector.add("box", "imap", account, "--folder", "Locked", "--done", "seen")
    result = collector.fetch()
    assert (result["created"], result["warning"]) == (
        1,
        "Locked: collected, but not marked as seen: Locked is read-only",
    )
    assert collector.fetch()["fetched"] == 0
    assert collector.json("server", "show", "box")["state"] == "ok"
    assert list(account.files("Locked").values()) == [""]


def test_a_full_target_folder_leaves_the_message_where_it_is(collector: Collector, account: Account) -> None:
    account.deliver(mail(1, body="x" * 4000), mail(2))
    collector.add("box", "imap", account, "--done", "move:Full.Collected")
    result = collector.fetch()
    assert result["created"] == 2
    assert "collected, but not moved: " in result["warning"]
    assert "quota" in result["warning"].lower()
    assert len(account.files()) == 2, "they stay where they are"
    assert collector.fetch()["fetched"] == 0
    collector.ok("server", "set", "box", "--done", "move:Roomy")
    assert collector.fetch()["warning"] == ""
    assert (len(account.files()), len(account.files("Roomy"))) == (0, 2)


@BOTH
def test_too_large_is_held_with_its_header_and_stays(collector: Collector, account: Account, speaks: str) -> None:
    account.deliver(
        mail(1, body="x" * 70 + "\n", extra="X-Extra: 1\n"), mail(2, body=("y" * 70 + "\n") * 4000), mail(3)
    )
    collector.add("box", speaks, account, "--done", "delete")
    result = collector.fetch()
    assert (result["created"], result["failed"], result["left"]) == (2, 1, 0)
    assert collector.held() == ["too-large"]
    (number,) = [row[0] for row in collector.rows("SELECT message FROM held")]
    raw = collector.raws()[number - 1]
    assert b"Subject: Hello 2" in raw
    assert len(raw) < 1000
    assert collector.json("message", "show", str(number))["size"] > 200_000
    assert len(account.files()) == 1, "only what was collected as a whole is deleted"
    assert collector.fetch()["fetched"] == 0
    retried = collector("held", "retry", str(number))
    assert retried.exit == 1
    assert "only a part of message" in retried.err
    collector.configure("[limits]\nmax_size = 10_000_000\n")
    assert collector.fetch("--again")["created"] == 1
    assert account.files() == {}


def test_pop_takes_lines_of_any_length(collector: Collector, account: Account) -> None:
    long = mail(1, body="x" * 150_000 + "\n.\n..dots\n")
    account.deliver(long)
    collector.add("box", "pop", account)
    assert collector.fetch()["created"] == 1
    assert together(collector.raws()) == together([long])


@BOTH
def test_binary_octets_are_collected_unchanged(collector: Collector, account: Account, speaks: str) -> None:
    odd = mail(1, body="a\0b\r lone\n").replace(b"lone", b"lone \xff\xfe")
    account.deliver(odd)
    collector.add("box", speaks, account)
    assert collector.fetch()["created"] == 1
    (raw,) = collector.raws()
    assert raw.replace(b"\x80", b"\0").replace(b"\r\n", b"\n") == odd, "Dovecot gives a NUL as 0x80, RFC 3501 has none"


def test_one_run_collects_no_more_than_its_limit(collector: Collector, account: Account) -> None:
    account.deliver(*map(mail, range(5)))
    collector.add("box", "imap", account, "--limit", "2")
    assert [collector.fetch()["left"] for _ in range(4)] == [3, 1, 0, 0]
    assert collector.subjects() == [f"Hello {number}" for number in range(5)]


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
@BOTH
def test_mail_is_collected_over_tls_starttls_and_plain_connections(
    collector: Collector, account: Account, speaks: str, security: str
) -> None:
    account.deliver(mail(1))
    server = account.server
    plain, secure = (server.imap, server.imaps) if speaks == "imap" else (server.pop, server.pops)
    port = secure if security == "tls" else plain
    where = ["--type", speaks, "--host", "localhost", "--port", str(port), "--security", security]
    more = ["--user", account.name, "--password-file", str(collector.secret), "--ca", str(server.ca)]
    screen = collector("server", "add", "box", *where, *more)
    assert ("not encrypted" in screen.err) == (security == "none")
    assert collector.ok("server", "test", "box").splitlines()[1:] == ["  INBOX: 1 message"]
    assert collector.fetch()["created"] == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
@BOTH
def test_an_untrusted_certificate_stops_the_collection(
    collector: Collector, account: Account, speaks: str, security: str
) -> None:
    account.deliver(mail(1))
    server = account.server
    plain, secure = (server.imap, server.imaps) if speaks == "imap" else (server.pop, server.pops)
    port = secure if security == "tls" else plain
    where = ["--type", speaks, "--port", str(port), "--security", security, "--user", account.name]
    collector.ok("server", "add", "box", *where, "--host", "localhost", "--password-file", str(collector.secret))
    screen = collector("fetch")
    assert screen.exit == 1
    assert "the certificate is not trusted: unable to get local issuer certificate" in screen.err
    collector.ok("server", "set", "box", "--ca", str(server.ca), "--host", "127.0.0.1")
    screen = collector("fetch")
    assert (screen.exit, collector.subjects()) == (1, [])
    assert "IP address mismatch" in screen.err
    loud = collector("server", "set", "box", "--insecure")
    assert "certificate NOT VERIFIED" in loud.err
    screen = collector("fetch")
    assert (screen.exit, collector.subjects()) == (0, ["Hello 1"])
    assert "certificate NOT VERIFIED" in screen.err
    assert "NO, any certificate is accepted" in collector.ok("server", "show", "box")


@BOTH
def test_a_wrong_password_is_reported_without_the_password(collector: Collector, account: Account, speaks: str) -> None:
    collector.add("box", speaks, account)
    collector.secret.write_text("wrong-horse\n")
    screen = collector("fetch")
    assert screen.exit == 1
    assert f"does not let `{account.name}` in: " in screen.err
    assert "wrong-horse" not in screen.err + collector.ok("server", "show", "box") + collector.ok("server", "list")
    assert collector.json("server", "show", "box")["state"] == "failing"
    waiting = collector("fetch")
    assert (waiting.exit, "failed before, is retried later" in waiting.err) == (1, True)
    collector.secret.write_text(PASSWORD)
    assert collector.fetch("box")["state"] == "ok"
    assert collector.fetch()["state"] == "ok"


def test_a_command_may_print_a_password_in_utf_8(collector: Collector, account: Account) -> None:
    users = account.server.folder / "users"
    users.write_text(users.read_text().replace(f"{account.name}:{{PLAIN}}{PASSWORD}", f"{account.name}:{{PLAIN}}Grüße"))
    for name, speaks in (("one", "imap"), ("two", "pop")):
        collector.add(name, speaks, account)
        collector.ok("server", "set", name, "--password-command", "printf Gr\\\\303\\\\274\\\\303\\\\237e\\\\n")
        command = ("server", "test", name)  # Dovecot looks at its users' file once a second
        until(lambda command=command: "logged in" in collector(*command).out, f"{speaks} to know the new password")


@BOTH
def test_a_command_may_print_an_access_token(
    collector: Collector, account: Account, speaks: str, tmp_path: Path
) -> None:
    account.deliver(mail(1))
    account.server.tokens.valid["good-token"] = account.name
    collector.add("box", speaks, account)
    collector.ok("server", "set", "box", "--token-command", "echo bad-token")
    screen = collector("fetch")
    assert screen.exit == 1
    assert "does not accept the token" in screen.err
    assert ("status invalid_token" if speaks == "imap" else "status 401") in screen.err
    assert "bad-token" not in screen.err
    collector.ok("server", "set", "box", "--token-command", "echo good-token")
    assert collector.fetch("box")["created"] == 1


def test_one_broken_server_stops_no_other(collector: Collector, account: Account) -> None:
    account.deliver(mail(1))
    where = ["--type", "imap", "--host", "127.0.0.1", "--port", "1", "--user", "nobody"]
    collector.ok("server", "add", "dead", *where, "--password-file", str(collector.secret))
    collector.add("box", "imap", account)
    screen = collector("fetch")
    assert screen.exit == 1
    assert "error: server dead: 127.0.0.1:1: Connection refused" in screen.err
    assert screen.out == "box: 1 fetched, 1 created, 0 posted, 0 held, 0 refused, 0 failed, 0 left\n"


def test_a_server_is_paused_after_days_of_failure_and_says_so(collector: Collector, account: Account) -> None:
    where = ["--type", "imap", "--host", "127.0.0.1", "--port", "1", "--user", "nobody"]
    collector.ok("server", "add", "dead", *where, "--password-file", str(collector.secret))
    assert collector("fetch").exit == 1
    with collector.store.write() as tx:
        tx.execute("UPDATE server SET failing_since = failing_since - 5 * 86400, due_at = 0")
    assert collector("fetch").exit == 1
    screen = collector("fetch")
    assert screen.exit == 1
    assert "server dead is PAUSED" in screen.err
    assert "hint: mailgate server enable dead" in screen.err
    assert "PAUSED" in collector("server", "list").err
    collector.ok("server", "enable", "dead")
    assert "Connection refused" in collector("fetch").err


def test_a_disabled_server_is_left_alone(collector: Collector, account: Account) -> None:
    account.deliver(mail(1))
    collector.add("box", "imap", account)
    collector.ok("server", "disable", "box")
    assert collector.json("fetch") == []
    assert "is disabled" in collector("fetch", "box").err


def test_a_second_fetch_does_not_wait_and_does_not_disturb(collector: Collector, account: Account) -> None:
    account.deliver(mail(1))
    collector.add("box", "imap", account)
    with collector.store.write() as tx:
        leases.take(tx, leases.SERVER, 1, leases.myself(), time.time() + 600, time.time())
    assert collector.fetch()["state"] == "busy"
    with collector.store.write() as tx:  # a process that is no longer
        tx.execute("UPDATE server SET holder = ?", (leases.myself().replace(" ", " 9") + "9",))
    assert collector.fetch()["created"] == 1
