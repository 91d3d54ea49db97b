"""Lists can be narrowed, limited and streamed, and commands take several numbers."""

import json
import re
import sqlite3
from contextlib import closing

import pytest
from helpers.installed import Installed
from helpers.terminal import screens


@pytest.fixture
def shop(office: Installed) -> Installed:
    """Three records, and three held messages."""
    for number, subject in enumerate(("\u00c4pfel", "Birnen", "Pflaumen"), 1):
        mail = office.mail("support@example.com", subject=subject, sender=f"bob{number}@client.org")
        assert office.deliver(mail, "support@example.com", sender=f"bob{number}@client.org").exit == 0
    for number in range(3):
        mail = office.mail("postmaster@example.com", subject=f"Held {number}", sender="eve@client.org")
        assert office.deliver(mail, "postmaster@example.com", sender="eve@client.org").exit == 0
    return office


def numbers(shop: Installed, *command: str) -> list[int]:
    return [entry["number"] for entry in shop.json(*command)]


def test_messages_are_found_by_what_they_have(shop: Installed) -> None:
    assert numbers(shop, "message", "list", "--from", "BOB2@") == [2]
    assert numbers(shop, "message", "list", "--subject", "\u00e4PFEL") == [1]
    assert numbers(shop, "message", "list", "--to", "postmaster@") == [4, 5, 6]
    assert numbers(shop, "message", "list", "--state", "create") == [1, 2, 3]
    assert numbers(shop, "message", "list", "--limit", "2") == [5, 6]
    assert numbers(shop, "message", "list", "--state", "create", "--limit", "1") == [3]
    assert numbers(shop, "message", "list", "--record", "ticket/2") == [2]
    assert numbers(shop, "message", "list", "--limit", "100", "--after", "4") == [5, 6]


def test_a_time_narrows_a_list(shop: Installed) -> None:
    with closing(sqlite3.connect(shop.path)) as store, store:
        store.execute("UPDATE message SET received_at = received_at - 864000 WHERE number <= 2")
        store.execute("UPDATE record SET created_at = created_at - 864000 WHERE id = 1")
    assert numbers(shop, "message", "list", "--since", "7d") == [3, 4, 5, 6]
    assert numbers(shop, "message", "list", "--until", "7d") == [1, 2]
    assert numbers(shop, "log", "--until", "7d", "--limit", "1") == [2]
    assert numbers(shop, "message", "list", "--until", "2000-01-01") == []
    assert [each["id"] for each in shop.json("record", "list", "--since", "1w")] == [2, 3]
    assert [each["id"] for each in shop.json("record", "list", "--model", "ticket", "--until", "2h")] == [1]
    assert numbers(shop, "held", "list", "--since", "2100-01-01T10:00+02:00") == []
    day = shop.json("message", "show", "1")["received"][:10]
    assert numbers(shop, "message", "list", "--since", day, "--until", day) == [1, 2]
    wrong = shop("message", "list", "--since", "yesterday")
    assert wrong.exit == 2
    assert "write 2026-11-30" in wrong.err


def test_records_are_found_by_state_and_by_a_model_that_exists(shop: Installed) -> None:
    shop.json("record", "set", "ticket/2", "--close")
    assert [each["id"] for each in shop.json("record", "list", "--state", "closed")] == [2]
    assert [each["id"] for each in shop.json("record", "list", "--model", "ticket", "--state", "open")] == [1, 3]
    assert [each["id"] for each in shop.json("record", "list", "--subject", "pflau")] == [3]
    typo = shop("record", "list", "--model", "tikcet")
    assert typo.exit == 3
    assert "`tikcet`: there are ticket" in typo.err


def test_a_list_is_streamed_line_by_line_and_is_the_same_as_an_array(shop: Installed) -> None:
    for command in (["message", "list"], ["record", "list"], ["log"], ["held", "list"], ["outbox", "list"]):
        lines = shop(*command, "--jsonl").out.splitlines()
        assert [json.loads(line) for line in lines] == shop.json(*command)
    array = shop("message", "list", "--json").out
    assert array == json.dumps(json.loads(array), indent=2, ensure_ascii=False) + "\n"
    assert shop("bounce", "list", "--json").out == "[]\n"


def test_pages_join_without_gaps(shop: Installed) -> None:
    with closing(sqlite3.connect(shop.path)) as store, store:
        names = [row[1] for row in store.execute("PRAGMA table_info(message)") if row[1] != "number"]
        every = ", ".join(names)
        for _ in range(10):
            store.execute(f"INSERT INTO message ({every}) SELECT {every} FROM message")
        count = store.execute("SELECT count(*) FROM message").fetchone()[0]
    listed = [json.loads(line)["number"] for line in shop("log", "--jsonl").out.splitlines()]
    assert listed == list(range(1, count + 1))
    assert numbers(shop, "log", "--limit", "4001") == listed[-4001:]
    assert len(numbers(shop, "log", "--subject", "birnen")) == count // 6


def test_held_mail_is_handled_by_the_dozen(shop: Installed) -> None:
    assert shop("held", "list", "--ids").out == "4\n5\n6\n"
    assert shop("held", "list", "--ids", "--subject", "held 1").out == "5\n"
    assert shop("held", "list", "--quiet", "--ids").out == ""
    assert shop("held", "drop", "4", "77", "--yes").exit == 3
    assert numbers(shop, "held", "list") == [4, 5, 6]
    assert shop.ok("held", "drop", "4", "5", "5", "--yes") == "dropped message 4\ndropped message 5\n"
    shop.deliver(shop.mail("postmaster@example.com"), "postmaster@example.com")
    trees = shop.json("held", "route", "6", "7", "--to", "ticket/1")
    assert [tree["outcomes"][0]["record"] for tree in trees] == ["ticket/1", "ticket/1"]
    assert shop.json("held", "list") == []


def test_a_message_whose_record_was_removed_is_not_called_ignored(shop: Installed) -> None:
    shop.ok("record", "remove", "ticket/1", "--yes")
    assert "\trecord removed\t" in shop.ok("message", "list", "--limit", "6").splitlines()[1]


def test_a_terminal_gets_the_last_50(shop: Installed) -> None:
    with closing(sqlite3.connect(shop.path)) as store, store:
        names = [row[1] for row in store.execute("PRAGMA table_info(message)") if row[1] != "number"]
        every = ", ".join(names)
        for _ in range(4):
            store.execute(f"INSERT INTO message ({every}) SELECT {every} FROM message")
    command = ["message", "list"]
    (screen,) = screens(shop, [command], 80).values()
    assert len(re.findall(r"^\d+ .* (?:in|out) ", screen, re.MULTILINE)) == 50
    assert re.search(r"^96 ", screen, re.MULTILINE)
    assert "3 held: mailgate held list" in screen


def test_a_narrow_terminal_gets_fewer_columns_and_whole_keys(office: Installed) -> None:
    name = "a-shop-with-a-long-name.example.net"
    office.ok("domain", "add", name, "--contact", "someone-with-a-long-name@example.com")
    (screen,) = screens(office, [["domain", "list"]], 60).values()
    assert name in screen
    assert "DEFAULT" not in screen


def test_a_message_is_named_by_its_id(shop: Installed) -> None:
    received, kept = shop.json("message", "show", "2"), shop.json("message", "show", "4")
    assert shop.json("message", "show", received["message_id"]) == received
    assert shop.json("why", received["message_id"].strip("<>")) == shop.json("why", "2")
    assert shop.json("held", "show", kept["message_id"])["number"] == 4
    assert shop("held", "show", received["message_id"]).exit == 3
    for command in (["why"], ["message", "show"], ["held", "show"]):
        wrong = shop(*command, "<nobody@client.org>")
        assert (wrong.exit, wrong.err.splitlines()[0]) == (3, "error: no message has the id <nobody@client.org>")
        assert shop(*command, "queue").exit == 2
