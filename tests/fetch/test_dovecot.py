"""What becomes of mail in a mailbox of a real server, and what the mailbox looks like afterwards."""

from pathlib import Path

import pytest
from mta.polling import until

from .conftest import Gate, mail
from .dovecot import BARE, PASSWORD, Account, together

BOTH = pytest.mark.parametrize("speaks", ["imap", "pop"])


@BOTH
def test_every_message_once_oldest_first_byte_for_byte(gate: Gate, account: Account, speaks: str) -> None:
    sent = [mail(number) for number in range(40)]
    account.deliver(*sent)
    gate.add("box", speaks, account)
    assert gate.fetch() == {
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
    assert gate.subjects() == [f"Hello {number}" for number in range(40)]
    assert together(gate.raws()) == together(sent)
    assert gate.fetch()["fetched"] == 0
    account.deliver(mail("new"))
    assert gate.fetch()["created"] == 1
    assert len(account.files()) == 41


def test_nothing_is_touched_unless_it_is_asked_for(gate: Gate, account: Account) -> None:
    account.deliver(mail(1), mail(2))
    gate.add("box", "imap", account)
    gate.fetch()
    assert list(account.files().values()) == ["", ""]


def test_mail_that_somebody_has_read_is_collected_all_the_same(gate: Gate, account: Account) -> None:
    account.deliver(mail(1))
    (path,) = (account.home / "Maildir/new").iterdir()
    path.rename(account.home / "Maildir/cur" / f"{path.name}:2,S")
    gate.add("box", "imap", account)
    assert gate.fetch()["created"] == 1


def test_seen(gate: Gate, account: Account) -> None:
    account.deliver(mail(1), mail(2))
    gate.add("box", "imap", account, "--done", "seen")
    gate.fetch()
    assert list(account.files().values()) == ["S", "S"]


@pytest.mark.parametrize("speaks", ["imap", "pop"])
def test_deleted_ones_are_ours_alone(gate: Gate, account: Account, speaks: str) -> None:
    account.deliver(mail(1), mail(2))
    (first, _) = sorted((account.home / "Maildir/new").iterdir())
    if speaks == "imap":  # somebody marked it, and may think again
        first.rename(account.home / "Maildir/cur" / f"{first.name}:2,T")
    gate.add("box", speaks, account, "--done", "delete")
    gate.fetch("--limit", "1")
    gate.fetch("--limit", "1")
    assert account.files() == {}
    assert len(gate.subjects()) == 2


def test_what_others_marked_as_deleted_stays(gate: Gate, account: Account) -> None:
    account.deliver(mail(1))
    gate.add("box", "imap", account, "--done", "delete", "--folder", "Other")
    account.deliver(mail(2), mail(3), folder="Other")
    gate.fetch("--limit", "1")
    (theirs,) = (account.home / "Maildir/.Other").glob("*/*M000003*")
    theirs.rename(account.home / "Maildir/.Other/cur" / f"{theirs.name.partition(':')[0]}:2,T")
    account.deliver(mail(4), folder="Other")
    gate.ok("server", "set", "box", "--done", "keep")
    gate.fetch("--limit", "1")  # theirs is collected, and kept
    gate.ok("server", "set", "box", "--done", "delete")
    assert gate.fetch()["created"] == 1
    assert list(account.files("Other").values()) == ["T"]
    assert len(account.files()) == 1


def test_moved_into_a_folder_that_is_made_for_it(gate: Gate, account: Account) -> None:
    account.deliver(mail(1), mail(2))
    gate.add("box", "imap", account, "--done", "move:Collected")
    assert gate.fetch()["warning"] == ""
    assert account.files() == {}
    assert len(account.files("Collected")) == 2


@pytest.mark.parametrize("action", ["move:Collected", "delete"])
def test_without_move_and_uidplus_nobody_else_s_mail_is_expunged(gate: Gate, account: Account, action: str) -> None:
    account.deliver(mail(1), mail(2))
    port = str(account.server.imap)
    where = ["--type", "imap", "--host", BARE, "--port", port, "--security", "none", "--user", account.name]
    gate.ok("server", "add", "box", *where, "--password-file", str(gate.secret), "--done", action)
    assert gate.fetch()["created"] == 2
    assert list(account.files().values()) == ["T", "T"], "marked, and left for whoever expunges there"
    assert gate.fetch()["fetched"] == 0
    assert len(account.files("Collected") if action != "delete" else "12") == 2


def test_folders_of_their_own(gate: Gate, account: Account) -> None:
    account.deliver(mail(1))
    account.deliver(mail(2), folder="Büro".encode().decode())
    account.make("B&APw-ro")
    account.deliver(mail(3), folder="B&APw-ro")
    gate.add("box", "imap", account, "--folder", "INBOX", "--folder", "Büro")
    assert sorted(gate.subjects() if gate.fetch() else []) == ["Hello 1", "Hello 3"]


def test_a_folder_that_is_not_there_stops_no_other(gate: Gate, account: Account) -> None:
    account.deliver(mail(1))
    gate.add("box", "imap", account, "--folder", "Nowhere", "--folder", "INBOX")
    screen = gate("fetch")
    assert screen.exit == 1
    assert "refuses what is needed for Nowhere" in screen.err
    assert gate.subjects() == ["Hello 1"]


@BOTH
def test_another_uid_validity_means_no_message_twice(gate: Gate, account: Account, speaks: str) -> None:
    account.deliver(mail(1), mail(2))
    gate.add("box", speaks, account)
    gate.fetch()
    account.forget_uids()
    result = gate.fetch()
    assert [result[name] for name in ("fetched", "created", "ignored", "left")] == [2, 0, 2, 0]
    assert gate.fetch()["fetched"] == 0
    assert len(gate.raws()) == 2
    assert len(gate.rows("SELECT 1 FROM mailbox")) == 1


def test_a_read_only_folder_is_collected_and_said_to_be_so(gate: Gate, account: Account) -> None:
    account.deliver(mail(1), folder="Locked")
    gate.add("box", "imap", account, "--folder", "Locked", "--done", "seen")
    result = gate.fetch()
    assert (result["created"], result["warning"]) == (
        1,
        "Locked: collected, but not marked as seen: Locked is read-only",
    )
    assert gate.fetch()["fetched"] == 0
    assert gate.json("server", "show", "box")["state"] == "ok"
    assert list(account.files("Locked").values()) == [""]


def test_no_room_where_it_is_to_be_moved(gate: Gate, account: Account) -> None:
    account.deliver(mail(1, body="x" * 4000), mail(2))
    gate.add("box", "imap", account, "--done", "move:Full.Collected")
    result = gate.fetch()
    assert result["created"] == 2
    assert "collected, but not moved: " in result["warning"]
    assert "quota" in result["warning"].lower()
    assert len(account.files()) == 2, "they stay where they are"
    assert gate.fetch()["fetched"] == 0
    gate.ok("server", "set", "box", "--done", "move:Roomy")
    assert gate.fetch()["warning"] == ""
    assert (len(account.files()), len(account.files("Roomy"))) == (0, 2)


@BOTH
def test_too_large_is_held_with_its_header_and_stays(gate: Gate, account: Account, speaks: str) -> None:
    account.deliver(
        mail(1, body="x" * 70 + "\n", extra="X-Extra: 1\n"), mail(2, body=("y" * 70 + "\n") * 4000), mail(3)
    )
    gate.add("box", speaks, account, "--done", "delete")
    result = gate.fetch()
    assert (result["created"], result["failed"], result["left"]) == (2, 1, 0)
    assert gate.held() == ["too-large"]
    (number,) = [row[0] for row in gate.rows("SELECT message FROM held")]
    raw = gate.raws()[number - 1]
    assert b"Subject: Hello 2" in raw
    assert len(raw) < 1000
    assert gate.json("message", "show", str(number))["size"] > 200_000
    assert len(account.files()) == 1, "only what was collected as a whole is deleted"
    assert gate.fetch()["fetched"] == 0
    retried = gate("held", "retry", str(number))
    assert retried.exit == 1
    assert "only a part of message" in retried.err
    gate.configure("[limits]\nmax_size = 10_000_000\n")
    assert gate.fetch("--again")["created"] == 1
    assert account.files() == {}


def test_pop_takes_lines_of_any_length(gate: Gate, account: Account) -> None:
    long = mail(1, body="x" * 150_000 + "\n.\n..dots\n")
    account.deliver(long)
    gate.add("box", "pop", account)
    assert gate.fetch()["created"] == 1
    assert together(gate.raws()) == together([long])


@BOTH
def test_octets_that_are_no_text_come_as_they_are(gate: Gate, account: Account, speaks: str) -> None:
    odd = mail(1, body="a\0b\r lone\n").replace(b"lone", b"lone \xff\xfe")
    account.deliver(odd)
    gate.add("box", speaks, account)
    assert gate.fetch()["created"] == 1
    (raw,) = gate.raws()
    assert raw.replace(b"\x80", b"\0").replace(b"\r\n", b"\n") == odd, "Dovecot gives a NUL as 0x80, RFC 3501 has none"


def test_the_limit_of_one_run(gate: Gate, account: Account) -> None:
    account.deliver(*map(mail, range(5)))
    gate.add("box", "imap", account, "--limit", "2")
    assert [gate.fetch()["left"] for _ in range(4)] == [3, 1, 0, 0]
    assert gate.subjects() == [f"Hello {number}" for number in range(5)]


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
@BOTH
def test_every_security(gate: Gate, account: Account, speaks: str, security: str) -> None:
    account.deliver(mail(1))
    server = account.server
    plain, secure = (server.imap, server.imaps) if speaks == "imap" else (server.pop, server.pops)
    port = secure if security == "tls" else plain
    where = ["--type", speaks, "--host", "localhost", "--port", str(port), "--security", security]
    more = ["--user", account.name, "--password-file", str(gate.secret), "--ca", str(server.ca)]
    screen = gate("server", "add", "box", *where, *more)
    assert ("in the clear" in screen.err) == (security == "none")
    assert gate.ok("server", "test", "box").splitlines()[1:] == ["  INBOX: 1 message"]
    assert gate.fetch()["created"] == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
@BOTH
def test_a_certificate_that_is_not_to_be_trusted(gate: Gate, account: Account, speaks: str, security: str) -> None:
    account.deliver(mail(1))
    server = account.server
    plain, secure = (server.imap, server.imaps) if speaks == "imap" else (server.pop, server.pops)
    port = secure if security == "tls" else plain
    where = ["--type", speaks, "--port", str(port), "--security", security, "--user", account.name]
    gate.ok("server", "add", "box", *where, "--host", "localhost", "--password-file", str(gate.secret))
    screen = gate("fetch")
    assert screen.exit == 1
    assert "the certificate is not to be trusted: unable to get local issuer certificate" in screen.err
    gate.ok("server", "set", "box", "--ca", str(server.ca), "--host", "127.0.0.1")
    screen = gate("fetch")
    assert (screen.exit, gate.subjects()) == (1, [])
    assert "IP address mismatch" in screen.err
    loud = gate("server", "set", "box", "--insecure")
    assert "ITS CERTIFICATE IS NOT VERIFIED" in loud.err
    screen = gate("fetch")
    assert (screen.exit, gate.subjects()) == (0, ["Hello 1"])
    assert "ITS CERTIFICATE IS NOT VERIFIED" in screen.err
    assert "NOT VERIFIED" in gate.ok("server", "show", "box")


@BOTH
def test_a_wrong_password_is_told_without_it(gate: Gate, account: Account, speaks: str) -> None:
    gate.add("box", speaks, account)
    gate.secret.write_text("wrong-horse\n")
    screen = gate("fetch")
    assert screen.exit == 1
    assert f"does not let `{account.name}` in: " in screen.err
    assert "wrong-horse" not in screen.err + gate.ok("server", "show", "box") + gate.ok("server", "list")
    assert gate.json("server", "show", "box")["state"] == "failing"
    waiting = gate("fetch")
    assert (waiting.exit, "failing, tried again later" in waiting.err) == (1, True)
    gate.secret.write_text(PASSWORD)
    assert gate.fetch("box")["state"] == "ok"
    assert gate.fetch()["state"] == "ok"


def test_a_password_in_utf_8_by_a_command(gate: Gate, account: Account) -> None:
    users = account.server.folder / "users"
    users.write_text(users.read_text().replace(f"{account.name}:{{PLAIN}}{PASSWORD}", f"{account.name}:{{PLAIN}}Grüße"))
    for name, speaks in (("one", "imap"), ("two", "pop")):
        gate.add(name, speaks, account)
        gate.ok("server", "set", name, "--password-command", "printf Gr\\\\303\\\\274\\\\303\\\\237e\\\\n")
        command = ("server", "test", name)  # Dovecot looks at its users' file once a second
        until(lambda command=command: "logged in" in gate(*command).out, f"{speaks} to know the new password")


@BOTH
def test_an_access_token_instead_of_a_password(gate: Gate, account: Account, speaks: str, tmp_path: Path) -> None:
    account.deliver(mail(1))
    account.server.tokens.valid["good-token"] = account.name
    gate.add("box", speaks, account)
    gate.ok("server", "set", "box", "--token-command", "echo bad-token")
    screen = gate("fetch")
    assert screen.exit == 1
    assert "does not take the token" in screen.err
    assert ("status invalid_token" if speaks == "imap" else "status 401") in screen.err
    assert "bad-token" not in screen.err
    gate.ok("server", "set", "box", "--token-command", "echo good-token")
    assert gate.fetch("box")["created"] == 1


def test_one_broken_server_stops_no_other(gate: Gate, account: Account) -> None:
    account.deliver(mail(1))
    where = ["--type", "imap", "--host", "127.0.0.1", "--port", "1", "--user", "nobody"]
    gate.ok("server", "add", "dead", *where, "--password-file", str(gate.secret))
    gate.add("box", "imap", account)
    screen = gate("fetch")
    assert screen.exit == 1
    assert "error: server dead: 127.0.0.1:1: Connection refused" in screen.err
    assert screen.out == "box: 1 fetched, 1 created, 0 posted, 0 held, 0 refused, 0 failed, 0 left\n"


def test_a_server_is_paused_after_days_of_failure_and_says_so(gate: Gate, account: Account) -> None:
    where = ["--type", "imap", "--host", "127.0.0.1", "--port", "1", "--user", "nobody"]
    gate.ok("server", "add", "dead", *where, "--password-file", str(gate.secret))
    assert gate("fetch").exit == 1
    with gate.store.write() as tx:
        tx.execute("UPDATE server SET failing = failing - 5 * 86400, due = 0")
    assert gate("fetch").exit == 1
    screen = gate("fetch")
    assert screen.exit == 1
    assert "server dead is PAUSED" in screen.err
    assert "hint: mailgate server enable dead" in screen.err
    assert "PAUSED" in gate("server", "list").err
    gate.ok("server", "enable", "dead")
    assert "Connection refused" in gate("fetch").err


def test_a_disabled_server_is_left_alone(gate: Gate, account: Account) -> None:
    account.deliver(mail(1))
    gate.add("box", "imap", account)
    gate.ok("server", "disable", "box")
    assert gate.json("fetch") == []
    assert "is disabled" in gate("fetch", "box").err


def test_a_second_fetch_does_not_wait_and_does_not_disturb(gate: Gate, account: Account) -> None:
    account.deliver(mail(1))
    gate.add("box", "imap", account)
    with gate.store.write() as tx:
        from mailgate.store import servers

        servers.hold(tx, 1, servers.myself(), 9e9, 0.0)
    assert gate.fetch()["state"] == "busy"
    with gate.store.write() as tx:  # a process that is no longer
        tx.execute("UPDATE server SET holder = ?", (servers.myself().replace(" ", " 9") + "9",))
    assert gate.fetch()["created"] == 1
