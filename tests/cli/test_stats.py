"""`mailgate log` and `mailgate stats`."""

import json
import re
import signal
import time

import pytest
from helpers.installed import Installed


@pytest.fixture
def busy(office: Installed) -> Installed:
    """A installed that had mail of several kinds."""
    for to in ("support@example.com", "closed@example.com", "postmaster@example.com", "support@example.com"):
        office.deliver(office.mail(to), to)
    office.ok("post", "ticket/1", stdin=b"Hello.\n")
    return office


def test_log_has_a_line_for_each_message(busy: Installed) -> None:
    lines = [line.split("\t") for line in busy.ok("log").splitlines()]
    assert lines[0] == ["TIME", "NUMBER", "ACTION", "TARGET", "REASON", "FROM", "SUBJECT"]
    assert [line[1:6] for line in lines[1:]] == [
        ["1", "create", "ticket/1", "alias", "bob@client.org"],
        ["2", "refuse", "closed@example.com", "policy", "bob@client.org"],
        ["3", "hold", "postmaster@example.com", "postmaster", "bob@client.org"],
        ["4", "create", "ticket/2", "alias", "bob@client.org"],
        ["5", "sent", "ticket/1", "post", "support@example.com"],
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line[0]) for line in lines[1:])
    assert [each["number"] for each in busy.json("log", "--after", "3")] == [4, 5]


def test_log_goes_on_as_mail_comes(busy: Installed) -> None:
    with busy.start("log", "-f", "--after", "4", "--json") as process:
        assert process.stdout is not None
        try:
            assert json.loads(process.stdout.readline())["number"] == 5
            busy.deliver(busy.mail("support@example.com"), "support@example.com")
            assert json.loads(process.stdout.readline())["target"] == "ticket/3"
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
            assert process.stderr is not None
            assert process.stderr.read() == b""
        finally:
            process.kill()


def test_stats_add_up(busy: Installed) -> None:
    found = busy.json("stats", "--hours", "3")
    assert found["received"] == 4 == sum(found["outcomes"].values()) == sum(each["received"] for each in found["hours"])
    assert (found["refusals"], found["held"]) == ({"policy": 1}, {"postmaster": 1})
    assert found["aliases"] == [{"alias": "support@example.com", "messages": 2}]
    rows = [line.split("\t") for line in busy.ok("stats", "--hours", "3").splitlines()]
    assert rows[0] == ["HOUR", "RECEIVED", "CREATE", "POST", "BOUNCE", "HOLD", "REFUSE", "IGNORE"]
    assert [sum(int(row[at]) for row in rows[1:]) for at in range(1, 8)] == [4, 2, 0, 0, 1, 1, 0]


def test_a_file_for_prometheus(busy: Installed) -> None:
    path = busy.folder / "mailgate.prom"
    before = time.time()
    assert busy.ok("stats", "--prometheus", "mailgate.prom") == ""
    lines = path.read_text().splitlines()
    assert 'mailgate_messages{outcome="create",reason="alias"} 2' in lines
    assert "mailgate_message_number 5" in lines
    assert "mailgate_held 1" in lines
    assert 'mailgate_outbox{state="queued"} 2' in lines
    named = {re.split(r"[ {]", line)[0] for line in lines if not line.startswith("#")}
    for what in ("HELP", "TYPE"):
        assert sorted(line.split()[2] for line in lines if line.startswith(f"# {what} ")) == sorted(named)
    stamp = next(line for line in lines if line.startswith("mailgate_written_timestamp_seconds"))
    assert float(stamp.split()[1]) >= before - 1


def test_metrics_on_standard_output(busy: Installed) -> None:
    """They went into a file called `-`."""
    assert 'mailgate_messages{outcome="create",reason="alias"} 2\n' in busy.ok("stats", "--prometheus", "-")
    assert not (busy.folder / "-").exists()


def test_the_last_aliases_a_line_each(busy: Installed) -> None:
    for name in ("a", "b", "c"):
        busy.ok("alias", "add", f"{name}@example.com", "--model", "lead")
    every = busy.json("alias", "list")
    lines = [json.loads(line) for line in busy.ok("alias", "list", "--jsonl", "--limit", "2").splitlines()]
    assert lines == every[-2:]
    assert [alias["address"] for alias in lines] == ["b@example.com", "c@example.com"]
