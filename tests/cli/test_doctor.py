"""The doctor at a terminal, for a script, for a timer: what he prints, and his exit status."""

import pytest
from helpers.installed import Installed

INSIDE = ("--only", "config", "--only", "store", "--only", "directory", "--only", "sending", "--only", "waiting")


@pytest.fixture
def well(office: Installed) -> Installed:
    """A installed with nothing wrong."""
    office.folder.chmod(0o700)
    office.ok("alias", "add", "info@example.com", "--model", "task")
    return office


def test_a_healthy_gateway_has_no_problems(well: Installed) -> None:
    screen = well("doctor", *INSIDE)
    assert screen.exit == 0, screen
    assert "0 failed" in screen.out.splitlines()[-1]
    found = well.json("doctor", *INSIDE)["checks"]
    assert {each["name"] for each in found} >= {"config", "store", "disk", "domains", "aliases", "sending", "outbox"}
    assert not [each for each in found if each["verdict"] == "wrong"]


def test_quiet_prints_what_is_not_well_and_only_looks_there(well: Installed) -> None:
    well.ok("domain", "set", "example.com", "--delimiter", "")
    assert well("doctor", "--only", "sending", "--quiet") == (0, "", "")
    screen = well("doctor", "--only", "directory", "--quiet")
    assert screen.exit == 4
    first, *rest = screen.out.splitlines()
    assert first.startswith("WRONG domains  example.com: details are on")
    assert rest[-1].strip() == "hint: mailgate domain set example.com --delimiter +"


def test_a_store_that_cannot_be_opened_is_a_problem(installed: Installed) -> None:
    screen = installed("doctor", *INSIDE)
    assert screen.exit == 4
    assert "WRONG store" in screen.out
    assert "hint: mailgate init" in screen.out
    assert not (installed.folder / "mailgate.db").exists()


def test_a_configuration_that_cannot_be_read_is_a_problem(well: Installed) -> None:
    well.config.write_text("[store\n")
    screen = well("doctor")
    assert screen.exit == 4
    assert f"WRONG config  {well.config}" in screen.out
    assert screen.err == ""


def test_a_probe_needs_a_way_to_send_mail(well: Installed) -> None:
    screen = well("doctor", "--only", "config", "--probe")
    assert screen.exit == 0
    assert "submit.method is none" in screen.out


def test_watch_tells_by_mail_and_only_what_changed(well: Installed) -> None:
    assert "no recipient for notices" in well("doctor", "--watch", *INSIDE).err
    with well.config.open("a") as file:
        file.write('[notify]\nto = ["ann@client.org"]\n')
    assert well("doctor", "--watch", *INSIDE) == (0, "", "")
    assert well.json("outbox", "list") == []
    well.ok("domain", "set", "example.com", "--delimiter", "")
    for _ in range(2):
        screen = well("doctor", "--watch", *INSIDE)
        assert (screen.exit, screen.out) == (4, "")
    (notice,) = well.json("outbox", "list")
    assert (notice["kind"], notice["to"]) == ("notice", "ann@client.org")
    assert "mailgate doctor" in well.ok("outbox", "raw", str(notice["number"]))
    well.ok("domain", "set", "example.com", "--delimiter", "+")
    assert well("doctor", "--watch", *INSIDE).exit == 0
    assert len(well.json("outbox", "list")) == 2
