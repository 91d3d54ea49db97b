"""`[notify]`: `mailgate work` sends what an administrator is told."""

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
    assert "nothing waits any more" in (office.folder / "sent").read_text()
    assert [each["kind"] for each in office.json("outbox", "list")] == ["notice", "notice"]


def test_check_names_who_cannot_be_told(office: Installed) -> None:
    office.config.write_text(office.config.read_text() + '[notify]\nto = ["nobody"]\n')
    screen = office("config", "check")
    assert (screen.exit, "notify.to: `nobody` is no mail address" in screen.err) == (1, True)
