"""What went wrong is put right: records are changed, closed and merged, messages moved; and who did it is on record."""

import json
import re

import pytest
from helpers.installed import Installed


@pytest.fixture
def two(office: Installed) -> Installed:
    """Two records of one person: ticket/1, which was answered, and ticket/2, made by an answer that lost its thread."""
    for subject in ("Printer", "Re: Printer"):
        assert office.deliver(office.mail("support@example.com", subject=subject), "support@example.com").exit == 0
    office.ok("post", "ticket/2", stdin=b"We are coming.\n")
    return office


def numbers(office: Installed, ref: str) -> list[int]:
    return [message["number"] for message in office.json("record", "show", ref)["messages"]]


def reply_to(office: Installed) -> str:
    """The signed address in the post."""
    raw = office.ok("outbox", "raw", str(office.json("outbox", "list")[-1]["number"]))
    found = re.search(r"^Reply-To:.*?<?([^\s<>]+@[^\s<>]+)>?", raw, re.MULTILINE)
    assert found
    return found[1]


def test_a_record_is_renamed_and_its_values_change(two: Installed) -> None:
    two.ok("record", "set", "ticket/1", "--name", "Printer on fire", "--set", "team=first", "--set", "floor=2")
    changed = two.json("record", "set", "ticket/1", "--unset", "floor")
    assert (changed["name"], changed["values"]) == (
        "Printer on fire",
        {"email_from": "bob@client.org", "team": "first"},
    )


@pytest.mark.parametrize(
    ("words", "exit", "text"),
    [
        ((), 2, "nothing to change"),
        (("--unset", "floor"), 1, "ticket/1 has no value `floor`"),
        (("--set", "floor"), 1, "is not KEY=VALUE"),
    ],
)
def test_a_change_that_is_none_is_said(two: Installed, words: tuple[str, ...], exit: int, text: str) -> None:
    screen = two("record", "set", "ticket/1", *words)
    assert (screen.exit, text in screen.err) == (exit, True), screen.err


def test_a_closed_record_opens_when_a_person_answers(two: Installed) -> None:
    closed = two.json("record", "set", "ticket/2", "--close")["closed"]
    assert closed
    assert two.json("record", "set", "ticket/2", "--close")["closed"] == closed, "it keeps its time"
    to = reply_to(two)
    vacation = two.mail(to, extra="Auto-Submitted: auto-replied\n")
    assert two.deliver(vacation, to).exit == 0
    assert two.json("record", "show", "ticket/2")["closed"] == closed, "a vacation notice opens nothing"
    assert two.deliver(two.mail(to), to).exit == 0
    assert two.json("record", "show", "ticket/2")["closed"] is None
    two.ok("record", "set", "ticket/2", "--close")
    assert two.json("record", "set", "ticket/2", "--reopen")["closed"] is None


def test_a_merged_record_is_all_on_the_other_one(two: Installed) -> None:
    two.ok("record", "follow", "ticket/2", "ann@elsewhere.org")
    two.ok("record", "set", "ticket/2", "--set", "floor=2", "--set", "email_from=kim@client.org")
    before = numbers(two, "ticket/2")
    done = two.json("record", "merge", "ticket/2", "ticket/1", "--yes")
    assert (done["merged"], done["moved"], done["followers"]) == (
        "ticket/2",
        len(before),
        ["bob@client.org", "ann@elsewhere.org"],
    )
    assert done["values"] == {"email_from": "bob@client.org", "team": "1", "floor": "2"}, "its own values stay"
    assert set(before) < set(numbers(two, "ticket/1"))
    screen = two("record", "show", "ticket/2")
    assert (screen.exit, screen.err.splitlines()) == (
        3,
        ["error: `ticket/2` was merged into ticket/1", "hint: mailgate record show ticket/1"],
    )


def test_answers_to_a_merged_record_find_the_other_one(two: Installed) -> None:
    to, first = reply_to(two), two.ok("message", "raw", str(numbers(two, "ticket/2")[0]))
    two.ok("record", "merge", "ticket/2", "ticket/1", "--yes")
    old = re.search(r"^Message-ID: (\S+)", first, re.MULTILINE)
    assert old
    count = len(numbers(two, "ticket/1"))
    assert two.deliver(two.mail(to), to).exit == 0
    assert (
        two.deliver(two.mail("support@example.com", extra=f"References: {old[1]}\n"), "support@example.com").exit == 0
    )
    assert len(numbers(two, "ticket/1")) == count + 2
    assert [record["record"] for record in two.json("record", "list")] == ["ticket/1"]


def test_a_copy_that_comes_again_after_a_merge_is_a_duplicate(two: Installed) -> None:
    to = reply_to(two)
    answer = two.mail(to)
    assert two.deliver(answer, to).exit == 0
    two.ok("record", "merge", "ticket/2", "ticket/1", "--yes")
    before = numbers(two, "ticket/1")
    assert two.deliver(answer, to).exit == 0
    assert numbers(two, "ticket/1") == before


def test_a_record_that_was_merged_twice_leads_to_the_last_one(two: Installed) -> None:
    to = reply_to(two)
    assert two.deliver(two.mail("support@example.com", subject="Third"), "support@example.com").exit == 0
    two.ok("record", "merge", "ticket/2", "ticket/1", "--yes")
    two.ok("record", "merge", "ticket/1", "ticket/3", "--yes")
    assert "was merged into ticket/3" in two("record", "show", "ticket/2").err
    assert two.deliver(two.mail(to), to).exit == 0
    assert len(numbers(two, "ticket/3")) == 5
    two.ok("record", "remove", "ticket/3", "--yes")
    assert "no record `ticket/2`" in two("record", "show", "ticket/2").err


def test_an_alias_that_posts_on_a_merged_record_posts_on_the_other_one(two: Installed) -> None:
    two.ok("alias", "add", "printer@example.com", "--model", "ticket", "--record", "ticket/2")
    two.ok("record", "merge", "ticket/2", "ticket/1", "--yes")
    assert two.deliver(two.mail("printer@example.com"), "printer@example.com").exit == 0
    assert two.json("alias", "show", "printer@example.com")["record"] == "ticket/1"
    assert len(numbers(two, "ticket/1")) == 4


@pytest.mark.parametrize(
    ("words", "exit", "text"),
    [
        (("ticket/1", "ticket/1", "--yes"), 1, "cannot be merged into itself"),
        (("ticket/1", "ticket/9", "--yes"), 3, "no record `ticket/9`"),
        (("ticket/9", "ticket/1", "--yes"), 3, "no record `ticket/9`"),
        (("ticket/2", "ticket/1"), 1, "add --yes to confirm"),
    ],
)
def test_a_merge_that_cannot_be_is_said(two: Installed, words: tuple[str, ...], exit: int, text: str) -> None:
    screen = two("record", "merge", *words)
    assert (screen.exit, text in screen.err + screen.out) == (exit, True), screen
    assert len(two.json("record", "list")) == 2


def test_a_message_is_moved_and_its_answers_with_it(two: Installed) -> None:
    to = reply_to(two)
    moved = numbers(two, "ticket/2")
    out = two.ok("message", "move", *map(str, moved), "--to", "ticket/1")
    assert f"moved message {moved[0]} from ticket/2 to ticket/1" in out
    assert "ticket/2 has no messages left" in out
    assert two.deliver(two.mail(to), to).exit == 0
    assert numbers(two, "ticket/2") == []
    assert len(numbers(two, "ticket/1")) == 4


def test_one_of_several_that_cannot_be_moved_moves_none(two: Installed) -> None:
    first = numbers(two, "ticket/2")[0]
    screen = two("message", "move", str(first), "99", "--to", "ticket/1")
    assert (screen.exit, "no message 99" in screen.err) == (3, True)
    assert first in numbers(two, "ticket/2")
    assert "is on ticket/2 already" in two("message", "move", str(first), "--to", "ticket/2").err


def test_a_held_message_is_routed_instead(two: Installed) -> None:
    two.ok("sender", "block", "mallory@client.org")
    held = two.mail("support@example.com", sender="mallory@client.org")
    assert two.deliver(held, "support@example.com", sender="mallory@client.org").exit == 0
    number = two.json("held", "list")[0]["number"]
    screen = two("message", "move", str(number), "--to", "ticket/1")
    assert screen.err.splitlines() == [
        f"error: message {number} is not on a record",
        f"hint: mailgate held route {number} --to ticket/1",
    ]


def test_who_changed_what_is_listed(two: Installed) -> None:
    two.ok("record", "set", "ticket/1", "--name", "it's on fire; rm -rf /")
    two("record", "show", "ticket/9")
    two.ok("record", "list")
    two.ok("work")
    listed = [json.loads(json.dumps(each)) for each in two.json("log", "--changes")]
    assert listed[-1]["command"].endswith("""record set ticket/1 --name 'it'"'"'s on fire; rm -rf /'""")
    assert [each["command"].split()[-4:-2] for each in listed][-1:] != [["record", "list"]]
    assert not [each for each in listed if re.search(r"\b(work|deliver|list|show)\b", each["command"])]
    assert listed[-1]["person"]
    assert two.json("log", "--changes", "--after", str(listed[-2]["number"])) == listed[-1:]
    assert "record set ticket/1" in two.ok("log", "--changes")


def test_a_change_by_sudo_is_of_the_person(two: Installed) -> None:
    assert two("sender", "block", "x@y.org", environ={"SUDO_USER": "ann\nmallory"}).exit == 0
    person = two.json("log", "--changes")[-1]["person"]
    assert "\n" not in person
