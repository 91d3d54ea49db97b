"""Mail through the pipe, seen by command: route, why, records, messages, held mail, the outbox."""

import json
import sqlite3
import subprocess
import sys

import pytest
from helpers.installed import Installed


def test_route_writes_nothing_and_decides_the_same(office: Installed) -> None:
    message = office.mail("support@example.com", subject="=?utf-8?q?Caf=C3=A9?=")
    tree = office.json("route", "-f", "bob@client.org", "support@example.com", stdin=message)
    assert tree["dry_run"] is True
    assert tree["outcomes"][0]["values"] == {"team": "1"}
    assert tree["outcomes"][0]["record"] is None
    assert office.json("message", "list") == []
    office.deliver(message, "support@example.com")
    stored = office.json("why", "1")
    assert stored["outcomes"][0].pop("record") == "ticket/1"
    tree["outcomes"][0].pop("record")
    assert stored | {"dry_run": True} == tree


def test_route_prints_every_rule_and_a_hint(office: Installed) -> None:
    out = office.ok("route", "-f", "bob@client.org", "nobody@example.com", stdin=office.mail("nobody@example.com"))
    rules = [line.split()[1] for line in out.splitlines() if line[:2].strip().isdigit()]
    assert rules == [
        *("size", "duplicate", "loop-mark", "report", "automatic", "sender", "reply", "catchall", "alias", "fallback"),
        "no-route",
    ]
    assert 'MTA sees  exit 67, "5.1.1 <nobody@example.com>: no such address here"' in out
    assert "hint: mailgate alias add nobody@example.com --model MODEL" in out
    assert "nothing was written" in out


@pytest.mark.parametrize(("recipient", "exit"), [("support@example.com", 0), ("nobody@example.com", 67)])
def test_route_exits_as_deliver_would_if_asked(office: Installed, recipient: str, exit: int) -> None:
    message = office.mail(recipient)
    assert office("route", "-f", "bob@client.org", recipient, "--exit-code", stdin=message).exit == exit
    assert office("route", "-f", "bob@client.org", recipient, stdin=message).exit == 0


def test_route_reads_a_file(office: Installed) -> None:
    (office.folder / "mail.eml").write_bytes(office.mail("support@example.com"))
    tree = office.json("route", "-f", "bob@client.org", "support@example.com", "--message", "mail.eml")
    assert tree["outcomes"][0]["model"] == "ticket"


def test_route_with_a_fallback_model(office: Installed) -> None:
    message = office.mail("x@example.com")
    tree = office.json("route", "-f", "b@c.org", "x@example.com", "--fallback-model", "misc", stdin=message)
    assert (tree["outcomes"][0]["action"], tree["outcomes"][0]["reason"]) == ("create", "fallback")


def test_no_escape_reaches_the_terminal(office: Installed) -> None:
    message = office.mail("support@example.com", subject="\x1b]52;c;x\x07\x9b31m\u202eevil\u2066", extra="X: \x1b[2J\n")
    office.deliver(message + b"\x1b[31mred\x9b \xe2\x80\xae\n", "support@example.com")
    for command in ("why 1", "record show ticket/1", "record list", "message list", "message show 1"):
        out = office.ok(*command.split())
        assert not [c for c in out if c != "\n" and c != "\t" and not c.isprintable()], command


def test_a_reply_is_threaded(office: Installed) -> None:
    first = office.mail("support@example.com", subject="Printer")
    office.deliver(first, "support@example.com")
    answered = office.json("message", "show", "1")["message_id"]
    office.deliver(office.mail("catchall@example.com", extra=f"In-Reply-To: {answered}\n"), "catchall@example.com")
    record = office.json("record", "show", "ticket/1")
    assert [each["parent"] for each in record["messages"]] == [None, answered]
    assert record["followers"] == ["bob@client.org"]
    assert "Printer" in office.ok("record", "show", "ticket/1")


def test_record_values_and_name(office: Installed) -> None:
    office.ok("alias", "add", "named", "--model", "task", "--set", "name=Fixed", "--set", "k=v")
    office.deliver(office.mail("named@example.com"), "named@example.com")
    record = office.json("record", "show", "task/1")
    assert (record["name"], record["values"]) == ("Fixed", {"k": "v", "email_from": "bob@client.org"})


def test_records_by_hand(office: Installed) -> None:
    assert office.json("record", "create", "task", "--name", "N", "--set", "a=b")["values"] == {"a": "b"}
    assert office.json("record", "follow", "task/1", "Ann@example.net")["followers"] == ["ann@example.net"]
    assert office.json("record", "unfollow", "task/1", "ann@example.net")["followers"] == []
    assert "does not follow" in office("record", "unfollow", "task/1", "ann@example.net").err
    assert office("record", "revoke", "task/1", "eve@example.net").exit == 3, "neither follows nor was written to"
    office.ok("record", "follow", "task/1", "ann@example.net")
    assert office.json("record", "revoke", "task/1", "ann@example.net")["followers"] == []
    office.ok("record", "create", "task")
    assert [each["id"] for each in office.json("record", "list", "--model", "task", "--after", "1")] == [2]
    office.ok("record", "remove", "task/2", "--yes")
    assert office.json("record", "create", "task")["id"] == 3


def test_an_alias_whose_record_is_gone_holds_and_is_invalid(office: Installed) -> None:
    office.ok("record", "create", "ticket")
    office.ok("alias", "add", "one", "--model", "ticket", "--record", "ticket/1")
    office.deliver(office.mail("one@example.com"), "one@example.com")
    assert len(office.json("record", "show", "ticket/1")["messages"]) == 1
    office.ok("record", "remove", "ticket/1", "--yes")
    office.deliver(office.mail("one@example.com"), "one@example.com")
    assert office.json("held", "list")[0]["reason"] == "misconfigured"
    assert office.json("alias", "show", "one")["status"] == "invalid"


def test_removing_an_alias_opens_none_of_its_records(office: Installed) -> None:
    office.ok("contact", "add", "bob@client.org")
    office.deliver(office.mail("closed@example.com"), "closed@example.com")
    answered = office.json("message", "show", "1")["message_id"]
    office.ok("alias", "remove", "closed@example.com", "--yes")
    reply = office.mail("catchall@example.com", sender="eve@x.org", extra=f"In-Reply-To: {answered}\n")
    tree = office.json("route", "-f", "eve@x.org", "catchall@example.com", stdin=reply)
    assert [(each["action"], each["reason"]) for each in tree["outcomes"]] == [("refuse", "policy")]


def test_raw_gives_back_the_bytes(office: Installed) -> None:
    message = office.mail("support@example.com").replace(b"\n", b"\r\n") + b"\xff\r\n\r\n"
    office.deliver(message, "support@example.com")
    command = [sys.executable, "-m", "mailgate", "-C", str(office.config), "message", "raw", "1"]
    assert subprocess.run(command, capture_output=True, check=True, timeout=60).stdout == message


class TestHeld:
    """Mail that waits for a person."""

    @pytest.fixture
    def blocked(self, office: Installed) -> Installed:
        office.ok("sender", "block", "bob@client.org")
        assert office.deliver(office.mail("closed@example.com", subject="Held"), "closed@example.com").exit == 0
        return office

    def test_held_mail_is_listed_with_its_reason(self, blocked: Installed) -> None:
        found = blocked.json("held", "list")
        assert [(each["number"], each["reason"], each["from"], each["subject"]) for each in found] == [
            (1, "blocked", "bob@client.org", "Held")
        ]
        assert found[0]["recipients"] == ["closed@example.com"]
        assert "mailgate held route 1 --to" in blocked.ok("held", "show", "1")

    @pytest.mark.parametrize("target", ["closed@example.com", "crm.lead/1"])
    def test_routed_by_hand_asks_no_rule(self, blocked: Installed, target: str) -> None:
        blocked.ok("record", "create", "crm.lead")
        tree = blocked.json("held", "route", "1", "--to", target)
        record = tree["outcomes"][0]["record"]
        assert record == ("crm.lead/1" if "/" in target else "crm.lead/2")
        assert tree["steps"][-1]["rule"] == "held"
        assert blocked.json("held", "list") == []
        assert [each["number"] for each in blocked.json("record", "show", record)["messages"]] == [1]

    def test_held_route_needs_a_target_that_exists(self, blocked: Installed) -> None:
        assert blocked("held", "route", "1", "--to", "nobody@example.com").exit == 3
        assert blocked("held", "route", "1", "--to", "ticket/7").exit == 3
        assert len(blocked.json("held", "list")) == 1

    def test_retried_it_is_judged_as_if_it_arrived_now(self, blocked: Installed) -> None:
        blocked.ok("held", "retry", "1")
        assert blocked.json("held", "list")[0]["reason"] == "blocked"
        blocked.ok("sender", "remove", "bob@client.org", "--yes")
        blocked.ok("contact", "add", "bob@client.org")
        tree = blocked.json("held", "retry", "1")
        assert tree["outcomes"][0]["record"] == "crm.lead/1"
        assert blocked.json("held", "list") == []
        assert len(blocked.json("message", "list")) == 1

    def test_retried_where_only_a_status_could_refuse_it_stays(self, office: Installed) -> None:
        office.deliver(office.mail("postmaster@example.com"), "postmaster@example.com")
        assert office.json("held", "list")[0]["reason"] == "postmaster"
        office.ok("held", "retry", "1")
        assert office.json("held", "list")[0]["reason"] == "postmaster"

    def test_it_leaves_the_list_when_a_copy_found_its_place(self, blocked: Installed) -> None:
        raw = blocked.ok("message", "raw", "1").encode()
        blocked.ok("sender", "remove", "bob@client.org", "--yes")
        blocked.ok("contact", "add", "bob@client.org")
        assert blocked.deliver(raw, "closed@example.com").exit == 0
        assert blocked.json("held", "list") == []
        assert len(blocked.json("record", "list")) == 1

    def test_routed_by_hand_to_an_address_with_a_detail(self, blocked: Installed) -> None:
        tree = blocked.json("held", "route", "1", "--to", "Closed+x@example.com")
        assert tree["outcomes"][0]["record"] == "crm.lead/1"

    def test_dropped_mail_is_gone(self, blocked: Installed) -> None:
        assert blocked("held", "drop", "1").exit == 1
        blocked.ok("held", "drop", "1", "--yes")
        assert blocked.json("held", "list") == []
        assert blocked("message", "show", "1").exit == 3

    def test_quiet_mail_is_not_counted_and_open_mail_is(self, blocked: Installed) -> None:
        assert blocked("alias", "list").err == ""
        blocked.ok("sender", "remove", "bob@client.org", "--yes")
        blocked.deliver(blocked.mail("abuse@example.com"), "abuse@example.com")
        assert blocked("alias", "list").err == "1 held: mailgate held list\n"

    def test_refused_mail_is_kept_apart(self, office: Installed) -> None:
        office.deliver(office.mail("closed@example.com"), "closed@example.com")
        assert office.json("held", "list") == []
        assert [each["reason"] for each in office.json("held", "list", "--refused")] == ["policy"]
        office.ok("held", "route", "1", "--to", "closed@example.com")
        assert office.json("record", "list", "--model", "crm.lead")[0]["id"] == 1


class TestOutbox:
    """Refusals that are owed."""

    @pytest.fixture
    def refused(self, office: Installed) -> Installed:
        assert office.deliver(office.mail("catchall@example.com"), "catchall@example.com") == (0, "", "")
        return office

    def test_the_outbox_lists_a_refusal(self, refused: Installed) -> None:
        found = refused.json("outbox", "list")
        assert len(found) == 1
        wanted = {
            "number": 1,
            "kind": "refusal",
            "reason": "catchall",
            "to": "bob@client.org",
            "reverse_path": None,
            "subject": "Undelivered mail",
            "state": "queued",
            "tries": 0,
            "error": "",
        }
        assert wanted.items() <= found[0].items()

    def test_raw_is_a_report(self, refused: Installed) -> None:
        assert "Content-Type: multipart/report" in refused.ok("outbox", "raw", "1")

    def test_method_none_leaves_it_queued(self, refused: Installed) -> None:
        assert refused.json("work")["sent"] == 0
        assert refused.json("outbox", "show", "1")["state"] == "queued"

    def test_retry_and_drop(self, refused: Installed) -> None:
        assert refused.json("outbox", "retry", "1")["state"] == "queued"
        refused.ok("outbox", "drop", "1", "--yes")
        assert refused.json("outbox", "list") == []

    def test_answered_once_in_a_window(self, refused: Installed) -> None:
        refused.deliver(refused.mail("catchall@example.com"), "catchall@example.com")
        assert len(refused.json("outbox", "list")) == 1
        assert len(refused.json("held", "list", "--refused")) == 2

    def test_work_without_a_set_up_is_temporary(self, installed: Installed) -> None:
        installed.config.unlink()
        for arguments in (["work"], ["work", "--quiet"]):
            screen = installed(*arguments)
            assert screen.exit == 75
            assert screen.out.startswith("4.3.5 mailgate: cannot read ")
            assert screen.err.startswith("error: cannot read ")


def test_mail_another_version_failed_on_is_judged_again(office: Installed) -> None:
    office.ok("sender", "block", "bob@client.org")
    office.deliver(office.mail("support@example.com"), "support@example.com")
    office.ok("sender", "remove", "bob@client.org", "--yes")
    with sqlite3.connect(office.folder / "mailgate.db") as connection:
        connection.execute("UPDATE held SET reason = 'failed', version = '0.0.1'")
    assert office.json("work")["retried"] == 1
    assert office.json("held", "list") == []
    assert office.json("record", "list")[0]["record"] == "ticket/1"


def test_quiet_mail_goes_after_thirty_days(office: Installed) -> None:
    office.ok("sender", "block", "bob@client.org")
    office.deliver(office.mail("support@example.com"), "support@example.com")
    assert office.json("work")["dropped"] == 0
    with sqlite3.connect(office.folder / "mailgate.db") as connection:
        connection.execute("UPDATE held SET held_at = held_at - 31 * 86400")
    assert office.json("work")["dropped"] == 1
    assert office.json("message", "list") == []


def test_demo_tells_the_story(installed: Installed) -> None:
    out = installed.ok("demo")
    for part in (
        "new record crm.lead/1",
        "post      on crm.lead/1, in reply to <chairs@client.org>",
        "refuse    catchall: catchall@example.com",
        "From: MAILER-DAEMON <bounce@example.com>",
        'From: "Ann Lee" <sales@example.com>',
        "is signed for crm.lead/1: crm.lead/1",
        "bounce    no-such-address 5.1.1: bob@client.org on crm.lead/1, proved",
        "failure 1: bob@client.org, on crm.lead/1: There is no such address. (5.1.1)",
        "refuse    rate-limit: sales@example.com",
    ):
        assert part in out
    assert len(out.splitlines()) < 75
    trees = json.loads(installed("demo", "--json").out)
    assert trees[3]["outcomes"][0]["report"] == "failed"
    assert trees[3]["steps"][-1]["saw"] == "multipart/report: failed 5.1.1 for bob@client.org"
    assert [tree["outcomes"][0]["action"] for tree in trees] == [
        *("create", "post", "post", "bounce", "refuse", "create", "create", "create", "refuse"),
    ]


def test_followers_stand_in_the_order_they_came_and_own_addresses_never_follow(office: Installed) -> None:
    office.deliver(office.mail("support@example.com"), "support@example.com")
    office.ok("record", "follow", "ticket/1", "ann@example.net")
    assert office.json("record", "show", "ticket/1")["followers"] == ["bob@client.org", "ann@example.net"]
    for own in ("support@example.com", "SUPPORT+x@example.com", "catchall@example.com", "postmaster@example.com"):
        screen = office("record", "follow", "ticket/1", own)
        assert (screen.exit, "is a local address" in screen.err) == (1, True)
        assert office("alias", "set", "support", "--notify", own).exit == 1


def test_a_shared_refusal_gives_each_recipient_its_own_status(office: Installed) -> None:
    office.config.write_text(office.config.read_text() + '[refusals]\nby = "status"\n')
    message = office.mail("support@example.com, closed@example.com, nobody@example.com")
    assert office.deliver(message, "support@example.com", "closed@example.com", "nobody@example.com").exit == 0
    lines = office.ok("outbox", "raw", "1").splitlines()
    said = [line.split()[-1] for line in lines if line.startswith(("Final-Recipient:", "Status:"))]
    assert said == ["closed@example.com", "5.7.1", "nobody@example.com", "5.1.1"]


def test_the_list_of_messages_says_where_each_went(office: Installed) -> None:
    for recipient in ("support", "catchall", "abuse"):
        office.deliver(office.mail(f"{recipient}@example.com"), f"{recipient}@example.com")
    rows = [line.split("\t") for line in office.ok("message", "list").splitlines()]
    assert [row[4] for row in rows] == ["PLACE", "ticket/1", "refused: catchall", "held: postmaster"]
