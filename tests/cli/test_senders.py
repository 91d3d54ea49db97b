"""Who is near the limit of new records, who is let off it, and who starts anew."""

import contextlib
import sqlite3
import time

import pytest
from helpers.installed import Installed

from mailgate.gateway import receive
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.settings.config import Config
from mailgate.store import schema as store

BOB, EVE = "bob@client.org", "eve@x.org"


@pytest.fixture
def limited(office: Installed) -> Installed:
    """A installed where four new records in two hours are enough; sales@ makes crm.lead."""
    office.ok("param", "set", "mail.gateway.loop.threshold", "4")
    office.ok("alias", "add", "sales@example.com", "--model", "crm.lead")
    return office


def send(
    installed: Installed,
    times: int = 1,
    sender: str = BOB,
    to: str = "support@example.com",
    path: str | None = None,
    fallback: str | None = None,
) -> None:
    """So many messages, all of them accepted; in this process, because it is the commands below that are tested."""
    name = installed.folder / "mailgate.db"
    with contextlib.closing(store.open_or_create(name)) as opened:
        for _ in range(times):
            raw, made = installed.mail(to, sender=sender), Fallback(fallback) if fallback else None
            incoming = Incoming(raw, sender if path is None else path, (to,), {}, made)
            receipt = receive.receive(opened, Config(None, str(name)), incoming, time.time())
            assert receipt.decision.status.exit == 0


def near(installed: Installed) -> list[tuple[str, str, int, int]]:
    """Who is near the limit: address, model, how many of how many."""
    return [
        (each["address"], each["model"], each["made"], each["threshold"])
        for each in installed.json("sender", "list")
        if each["verdict"] == "near-limit"
    ]


def later(installed: Installed, minutes: int) -> None:
    """Let time pass for every record that was made."""
    with sqlite3.connect(installed.folder / "mailgate.db") as database:
        database.execute("UPDATE record SET created_at = created_at - ?", (60 * minutes,))


def test_without_new_records_nobody_is_listed(limited: Installed) -> None:
    assert limited.ok("sender", "list") == "ADDRESS\tSTATE\tCREATED\n"
    assert limited.json("sender", "list") == []


def test_whoever_made_half_the_limit_is_listed(limited: Installed) -> None:
    send(limited)
    assert near(limited) == [], "less than half"
    send(limited)
    assert near(limited) == [(BOB, "ticket", 2, 4)], "half"
    send(limited, 2, sender="BOB@Client.org")
    assert near(limited) == [(BOB, "ticket", 4, 4)], "one person, however he is spelled"
    send(limited)
    assert near(limited) == [(BOB, "ticket", 4, 4)], "what is refused makes no record"
    assert len(limited.json("record", "list")) == 4


def test_the_list_of_senders_is_a_table(limited: Installed) -> None:
    send(limited, 3)
    limited.ok("sender", "block", "spam@bad.example")
    assert limited.ok("sender", "list") == (
        "ADDRESS\tSTATE\tCREATED\nspam@bad.example\tblock\t-\nbob@client.org\tnear limit\t3 of 4 new ticket\n"
    )


def test_the_nearest_first_and_each_model_for_itself(limited: Installed) -> None:
    send(limited, 3, sender=EVE)
    send(limited, 2)
    send(limited, 4, to="sales@example.com")
    send(limited, 1, sender=EVE, to="sales@example.com")
    assert near(limited) == [(BOB, "crm.lead", 4, 4), (EVE, "ticket", 3, 4), (BOB, "ticket", 2, 4)]


def test_what_is_made_by_hand_and_what_is_answered_does_not_count(limited: Installed) -> None:
    send(limited)
    for _ in range(4):
        limited.ok("record", "create", "ticket", "--set", f"email_from={BOB}")
    first = limited.json("message", "list")[0]["message_id"]
    for _ in range(4):
        raw = limited.mail("support@example.com", extra=f"In-Reply-To: {first}\n")
        assert limited.deliver(raw, "support@example.com").exit == 0
    assert near(limited) == []


def test_an_old_record_does_not_count(limited: Installed) -> None:
    send(limited, 4)
    later(limited, 119)
    assert near(limited) == [(BOB, "ticket", 4, 4)]
    later(limited, 2)
    assert near(limited) == []
    send(limited)
    assert len(limited.json("record", "list")) == 5


def test_the_parameters_count_as_they_are_now(limited: Installed) -> None:
    send(limited, 2)
    limited.ok("param", "set", "mail.gateway.loop.threshold", "5")
    assert near(limited) == []
    limited.ok("param", "set", "mail.gateway.loop.threshold", "1")
    assert near(limited) == [(BOB, "ticket", 2, 1)]
    later(limited, 30)
    limited.ok("param", "set", "mail.gateway.loop.minutes", "29")
    assert near(limited) == []


def test_reset_lets_a_sender_make_records_again(limited: Installed) -> None:
    send(limited, 5)
    send(limited, 2, sender=EVE)
    assert limited.json("held", "list", "--refused")[0]["reason"] == "rate-limit"
    assert limited.ok("sender", "reset", BOB) == f"restarted the count of {BOB}: 4 records no longer count\n"
    assert near(limited) == [(EVE, "ticket", 2, 4)]
    send(limited, 4)
    assert len(limited.json("record", "list")) == 4 + 2 + 4
    assert near(limited) == [(BOB, "ticket", 4, 4), (EVE, "ticket", 2, 4)]


def test_reset_is_about_every_model(limited: Installed) -> None:
    send(limited, 2)
    send(limited, 3, to="sales@example.com")
    assert limited.json("sender", "reset", BOB) == {"address": BOB, "forgotten": 5}
    assert near(limited) == []


@pytest.mark.parametrize("typed", ["BOB@Client.ORG", "Bob Ray <bob@client.org>", '"bob"@client.org'])
def test_reset_takes_an_address_in_any_spelling(limited: Installed, typed: str) -> None:
    send(limited, 2)
    assert limited.json("sender", "reset", typed) == {"address": BOB, "forgotten": 2}


def test_reset_of_somebody_who_made_nothing(limited: Installed) -> None:
    send(limited, 2)
    assert limited.ok("sender", "reset", EVE) == f"restarted the count of {EVE}: 0 records no longer count\n"
    assert near(limited) == [(BOB, "ticket", 2, 4)]


def test_reset_of_what_is_no_address(limited: Installed) -> None:
    screen = limited("sender", "reset", "bob")
    assert (screen.exit, screen.out) == (1, "")
    assert "`bob` is not a mail address" in screen.err


def test_the_allow_list_is_exempt(limited: Installed) -> None:
    limited.ok("sender", "allow", "BOB@client.org")
    send(limited, 6)
    assert len(limited.json("record", "list")) == 6
    assert limited.json("sender", "list") == [{"address": BOB, "verdict": "allow"}]
    limited.ok("sender", "remove", BOB, "--yes")
    assert near(limited) == [(BOB, "ticket", 6, 4)], "and counted as soon as he is on it no more"
    send(limited)
    assert len(limited.json("record", "list")) == 6
    limited.ok("sender", "allow", BOB)
    assert near(limited) == []
    send(limited)
    assert len(limited.json("record", "list")) == 7


def test_the_block_list_is_not_exempt(limited: Installed) -> None:
    send(limited, 2)
    limited.ok("sender", "block", BOB)
    assert [each["verdict"] for each in limited.json("sender", "list")] == ["block", "near-limit"]


NOBODY = "a@x.org, b@x.org"


def test_an_unknown_author_is_counted_by_the_reverse_path(limited: Installed) -> None:
    send(limited, 5, sender=NOBODY, path="Path@Client.org")
    assert near(limited) == [("path@client.org", "ticket", 4, 4)]
    limited.ok("sender", "reset", "path@client.org")
    assert near(limited) == []


def test_an_unknown_author_without_a_reverse_path_is_counted_by_the_alias(limited: Installed) -> None:
    send(limited, 5, sender=NOBODY, path="")
    assert near(limited) == [("support@example.com", "ticket", 4, 4)]
    limited.ok("sender", "reset", "support@example.com")
    assert near(limited) == []


def test_unknown_authors_of_the_fallback_are_counted_together(limited: Installed) -> None:
    send(limited, 5, sender=NOBODY, to="nobody@example.com", path="", fallback="task")
    assert near(limited) == [("unknown", "task", 4, 4)]
    assert limited.ok("sender", "reset", "unknown") == "restarted the count of unknown: 4 records no longer count\n"
    assert near(limited) == []
    assert limited.json("sender", "reset", "unknown") == {"address": "unknown", "forgotten": 0}


@pytest.mark.parametrize("typed", ["@client.org", "*@client.org", "@CLIENT.org"])
def test_a_whole_domain_is_blocked_as_people_type_it(limited: Installed, typed: str) -> None:
    assert limited.ok("sender", "block", typed) == "@client.org is on the block list: mail is held\n"
    send(limited, 1)
    assert limited.json("record", "list") == []
    limited.ok("sender", "remove", typed, "--yes")
    send(limited, 1)
    assert len(limited.json("record", "list")) == 1
