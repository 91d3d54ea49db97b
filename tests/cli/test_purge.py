"""`purge`, `message remove` and `contact forget`: what they ask, say and leave."""

import sqlite3
from contextlib import closing

import pytest
from helpers.installed import Installed


@pytest.fixture
def old(office: Installed) -> Installed:
    """Three messages on three records, the first two of them three years old."""
    for _ in range(3):
        assert office.deliver(office.mail("support@example.com"), "support@example.com").exit == 0
    with closing(sqlite3.connect(office.path)) as store, store:
        store.execute("UPDATE message SET received_at = received_at - 3 * 31557600 WHERE number < 3")
    return office


def test_it_counts_asks_and_deletes(old: Installed) -> None:
    assert old.ok("purge", "--dry-run").startswith("2 messages (")
    screen = old("purge")
    assert (screen.exit, "add --yes" in screen.err) == (1, True)
    assert old.json("purge", "--dry-run")["messages"] == 2
    assert "next: mailgate check-store --compact" in old.ok("purge", "--yes")
    assert old.json("purge", "--yes") == {"dry_run": False, "messages": 0, "octets": 0}
    assert [bool(each["purged"]) for each in old.json("message", "list")] == [True, True, False]
    assert "its ids are kept" in old.ok("message", "show", "1")
    assert "purge --yes" in old.ok("log", "--changes")
    assert old.json("check-store")["findings"] == []
    for command in (
        ("log",),
        ("record", "show", "ticket/1"),
        ("stats",),
        ("held", "list"),
        ("doctor", "--only", "store"),
    ):
        assert "internal error" not in old(*command).err


@pytest.mark.parametrize("age", ["6d", "x", "2", "-1y", "1h"])
def test_an_age_that_is_none_or_too_short_is_refused(old: Installed, age: str) -> None:
    screen = old("purge", f"--older-than={age}", "--yes")
    assert (screen.exit, screen.err.startswith("error: "), "hint: " in screen.err) == (1, True, True)
    assert old.json("purge", "--dry-run")["messages"] == 2


@pytest.mark.parametrize(("line", "said"), [('raw = "soon"', "must be an age"), ('log = "3d"', "at least 7d")])
def test_a_wrong_rule_is_an_error_of_the_configuration(old: Installed, line: str, said: str) -> None:
    old.configure(f"[retention]\n{line}\n")
    screen = old("config", "check")
    assert screen.exit == 1
    assert said in screen.out + screen.err


def test_work_deletes_by_rule(old: Installed) -> None:
    old.configure('[retention]\nmessages = "2y"\n')
    with closing(sqlite3.connect(old.path)) as store, store:
        store.execute("UPDATE message SET received_at = received_at - 5 * 86400 WHERE number = 3")
    assert old.json("work")["purged"] == 2
    assert old.json("work")["purged"] == 0
    assert "2 messages purged" in old.ok("log", "--changes")


def test_messages_are_removed(old: Installed) -> None:
    assert old("message", "remove", "2", "3").exit == 1
    assert old.ok("message", "remove", "2", "3", "--yes") == "deleted message 2\ndeleted message 3\n"
    assert old("message", "raw", "2").exit == 3
    assert old("message", "raw", "1").exit == 0
    assert old("message", "remove", "99", "--yes").exit == 3


def test_held_mail_is_not_removed_so(office: Installed) -> None:
    assert office.deliver(office.mail("postmaster@example.com"), "postmaster@example.com").exit == 0
    screen = office("message", "remove", "1", "--yes")
    assert screen.exit == 1
    assert "hint: mailgate held drop 1\n" in screen.err


def test_a_person_is_forgotten(old: Installed) -> None:
    old.ok("contact", "add", "bob@client.org", "--name", "Bob")
    assert old.deliver(old.mail("postmaster@example.com"), "postmaster@example.com").exit == 0
    old.ok("sender", "block", "bob@client.org")
    assert old("contact", "forget", "bob@client.org").exit == 1
    said = old.ok("contact", "forget", "Bob@client.org", "--yes")
    assert said.startswith("forgot bob@client.org: deleted 3 messages\nkept: message 4 is held\n")
    assert "kept: the entry on the block list" in said
    assert old.json("contact", "list") == []
    assert old.json("record", "show", "ticket/1")["followers"] == []
    assert "bob@client.org" not in old.ok("log", "--changes").replace("sender block bob@client.org", "")
    assert old.json("contact", "forget", "nobody@x.org", "--yes")["messages"] == 0
