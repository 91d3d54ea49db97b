"""`[notify]`: `mailgate work` sends what an administrator is told."""

import json
import sqlite3

from helpers.installed import Installed


def test_work_tells_and_sends(office: Installed) -> None:
    program = office.folder / "sendmail"
    program.write_text(f'#!/bin/sh\necho "$@" >> {office.folder}/calls\ncat >> {office.folder}/sent\n')
    program.chmod(0o755)
    store = office.config.read_text().partition("[submit]")[0]
    office.config.write_text(f'{store}[submit]\nsendmail = "{program}"\n[notify]\nto = ["admin@client.net"]\n')
    assert office.json("work")["told"] == 0
    office.deliver(office.mail("postmaster@example.com"), "postmaster@example.com")
    done = office.json("work")
    assert (done["told"], done["sent"], done["left"]) == (1, 1, 0)
    assert office.json("work")["told"] == 0
    assert "admin@client.net" in (office.folder / "calls").read_text()
    assert "Subject: [mailgate example.com] 1 message is held\n" in (office.folder / "sent").read_text()
    office.ok("held", "drop", "1", "--yes")
    assert office.json("work")["told"] == 1
    assert "all clear" in (office.folder / "sent").read_text()
    assert [each["kind"] for each in office.json("outbox", "list")] == ["notice", "notice"]


def test_check_names_who_cannot_be_told(office: Installed) -> None:
    office.config.write_text(office.config.read_text() + '[notify]\nto = ["nobody"]\n')
    screen = office("config", "check")
    assert (screen.exit, "notify.to: `nobody` is not a mail address" in screen.err) == (1, True)


def test_everybody_who_counts_what_does_not_leave_counts_the_same(office: Installed) -> None:
    """A post that the mail server has put off for 28 hours: the last line of a screen, doctor, the mail, the metric."""
    program = office.folder / "sendmail"
    program.write_text("#!/bin/sh\ncat > /dev/null\necho 'queue is full'\nexit 75\n")
    program.chmod(0o755)
    store = office.config.read_text().partition("[submit]")[0]
    office.config.write_text(f'{store}[submit]\nsendmail = "{program}"\n[notify]\nto = ["admin@client.net"]\n')
    office.ok("record", "create", "ticket")
    office.ok("post", "ticket/1", "--to", "bob@client.org", stdin=b"Blue ones.\n")
    assert office.json("work")["told"] == 0
    for _ in range(100):  # the post has started a worker of its own
        if office.json("outbox", "list")[0]["error"]:
            break
    assert office("outbox", "list").err == ""
    with sqlite3.connect(office.path) as database:
        database.execute("UPDATE outbox SET created_at = created_at - 28 * 3600")
    assert office("outbox", "list").err == "1 not sent: mailgate outbox list\n"
    screen = office("doctor", "--only", "waiting", "--json")
    assert screen.exit == 4
    checks = json.loads(screen.out)["checks"]
    assert [each["text"] for each in checks if each["name"] == "outbox"] == [
        f"1 wait for 28 hours, the first: {program}: exit status 75: queue is full"
    ]
    office.ok("stats", "--prometheus", str(office.folder / "mailgate.prom"))
    assert "\nmailgate_outbox_stuck 1\n" in (office.folder / "mailgate.prom").read_text()
    assert office.json("work")["told"] == 1
