"""Screens in terminals of 80 and of 200 columns: everything fits, and colour says nothing that words do not."""

import re
import sqlite3
import time
from contextlib import closing

import pytest
from helpers.installed import Installed
from helpers.terminal import screens
from rich.cells import cell_len

LONG = f"{'a-very-long-local-part.' * 2}north@{'sub-division.' * 4}of.a-company.example.org"
SUBJECT = (
    "\u6771\u4eac\u306e\u30d7\u30ea\u30f3\u30bf\u30fc\U0001f525 " * 5 + "a very long subject about the printer " * 4
)
REPORT = """\
From: MAILER-DAEMON@client.org
To: {to}
Message-ID: <report@client.org>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.client.org

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 {words}
--b--
"""
STYLE = re.compile(r"\x1b\[([0-9;]*)m")
READABLE = {"0", "1", "2", "31", "35", "1;31", "1;35"}
"""Plain, bold, dim, red, magenta: what can be read on black and on white."""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A gateway whose every name is long, or wide."""
    installed = Installed(tmp_path_factory.mktemp("crowded"))
    company, domain = "\u6771\u4eac Example and Sons " * 5, f"{'division.' * 5}example.org"
    installed.ok("domain", "add", "example.com", "--contact", "info@example.com", "--company", company)
    installed.ok("domain", "add", domain, "--signature", "Example Ltd\n1 High Street")
    installed.ok("domain", "add", "example.net", "--same-as", "example.com")
    installed.ok("domain", "set", "example.com", "--catchall", "answers")
    told = ("--set", f"team={'first ' * 20}", "--notify", LONG, "--notify", "ann@corp.test")
    installed.ok("alias", "add", "support@example.com", "--model", "ticket", *told)
    text = "Please call us first. " * 8
    installed.ok(
        "alias", "add", f"{'long-' * 8}name@{domain}", "--model", "a.long.model", "--from", "members", "--refusal", text
    )
    installed.ok("contact", "add", LONG, "--name", SUBJECT)
    installed.ok("sender", "block", LONG.replace("north", "south"))
    login = ("--type", "imap", "--host", f"{'imap.' * 12}test", "--user", LONG, "--password-file", "/nowhere/secret")
    installed.ok("server", "add", "a-server-with-a-long-name", *login)
    for to in ("support@example.com", "postmaster@example.com", f"{'long-' * 8}name@{domain}"):
        installed.deliver(installed.mail(f"{LONG}, {to}", subject=SUBJECT, sender=LONG), to, sender=LONG)
    (installed.folder / "\u540d\u524d.pdf").write_bytes(b"x")
    installed.ok(
        "post",
        "ticket/1",
        "--attach",
        "\u540d\u524d.pdf",
        "--subject",
        SUBJECT,
        stdin="\u6771\u4eac words ".encode() * 60,
    )
    owed = installed.json("outbox", "list")[-1]
    report = REPORT.format(to=owed["reverse_path"], recipient=owed["to"], words="no such user here " * 12)
    installed.deliver(report.encode(), owed["reverse_path"], sender="")
    installed.ok("record", "create", "ticket", "--name", SUBJECT, "--set", f"note={'x' * 200}")
    (installed.folder / "mail.eml").write_bytes(installed.mail("support@example.com", subject=SUBJECT, sender=LONG))
    (installed.folder / "other.toml").write_text(installed.ok("export").replace("Please call", "Do not call"))
    _three_days_pass(installed)
    return installed


def _three_days_pass(installed: Installed) -> None:
    """Make all times older, so that no column of ages changes its width while one screen after another is drawn."""
    now = time.time()
    with closing(sqlite3.connect(installed.path)) as database, database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for _, column, kind, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
                if kind in ("REAL", "DOUBLE PRECISION"):
                    recent = f"{column} BETWEEN {now - 3_600} AND {now}"
                    database.execute(f"UPDATE {table} SET {column} = {column} - 3 * 86400 WHERE {recent}")


def shown(installed: Installed) -> list[list[str]]:
    """Every command that shows what is stored."""
    numbers = [str(each["number"]) for each in installed.json("message", "list")]
    nouns = ("message", "record", "held", "outbox", "bounce", "sender", "contact", "alias", "domain")
    return [
        *([each, "list"] for each in (*nouns, "param", "key", "server")),
        *(["held", "show", str(each["number"])] for each in installed.json("held", "list")),
        *(["alias", "show", each["address"]] for each in installed.json("alias", "list")),
        *(["domain", "show", each["name"]] for each in installed.json("domain", "list")),
        *(["message", "show", each] for each in numbers),
        *(["why", each] for each in numbers),
        *(["record", "show", f"ticket/{each}"] for each in "12"),
        *([each, "show", "1"] for each in ("bounce", "outbox")),
        *(["held", "list", "--refused"], ["bounce", "list", "--all"], ["log"], ["stats"]),
        *(["server", "show", "a-server-with-a-long-name"], ["config", "show", "--origin"]),
        ["route", "--message", "mail.eml", "-f", LONG, "support@example.com", f"nobody-{LONG}"],
        ["import", "other.toml", "--dry-run"],
        ["domain", "redirects", "example.net", "--to", "example.com"],
        ["record", "follow", "ticket/1", "ann@corp.test"],
        ["server", "test", "nobody"],
    ]


def terminal(installed: Installed, commands: list[list[str]], columns: int, **environ: str) -> dict[str, list[str]]:
    """What a terminal gets from commands, one after the other: the lines of each."""
    found = screens(installed, commands, columns, TERM="xterm-256color", **environ)
    return {name: text.split("\n") for name, text in found.items()}


def copied(line: str) -> bool:
    """Whether a line is a command to copy, which a terminal alone may fold."""
    return line.lstrip().startswith("hint: ")


@pytest.mark.parametrize("columns", [80, 200])
def test_every_screen_fits_and_colour_says_nothing_of_its_own(crowded: Installed, columns: int) -> None:
    commands = shown(crowded)
    coloured = terminal(crowded, commands, columns)
    plain = terminal(crowded, commands, columns, NO_COLOR="1")
    wide = {
        name: line
        for name, lines in coloured.items()
        for line in (STYLE.sub("", each) for each in lines)
        if cell_len(line) > columns and not copied(line)
    }
    assert wide == {}
    assert {style or "0" for lines in coloured.values() for each in lines for style in STYLE.findall(each)} <= READABLE
    assert {style or "0" for lines in plain.values() for each in lines for style in STYLE.findall(each)} <= {
        "0",
        "1",
        "2",
    }
    for name, lines in coloured.items():
        assert [STYLE.sub("", each).split() for each in lines] == [
            STYLE.sub("", each).split() for each in plain[name]
        ], name


def test_what_is_shown_is_there_as_a_whole(crowded: Installed) -> None:
    """Folding loses nothing: what a table cuts, `show` has."""
    screen = "".join(terminal(crowded, [["alias", "show", "support@example.com"]], 80, NO_COLOR="1").popitem()[1])
    assert LONG in re.sub(r"\s|" + STYLE.pattern, "", screen)


def test_an_empty_list_does_not_claim_that_there_is_nothing_at_all(crowded: Installed) -> None:
    filtered = [["message", "list", "--after", "999"], ["record", "list", "--model", "ticket", "--after", "999"]]
    screens = terminal(crowded, filtered, 80, NO_COLOR="1").values()
    assert [STYLE.sub("", lines[0]) for lines in screens] == ["no such messages", "no such records"]


@pytest.mark.parametrize(
    "command",
    [
        ["alias", "add", "jobs", "--model", "hr.job", "--notify", "nora@example.com"],
        ["alias", "set", "support", "--notify", "nora@example.com"],
        ["record", "follow", "ticket/1", "nora@example.com"],
        ["contact", "add", "nora@example.com", "--member"],
    ],
)
def test_an_address_that_nobody_reads_is_warned_of(office: Installed, command: list[str]) -> None:
    office.ok("record", "create", "ticket")
    screen = office(*command)
    assert screen.exit == 0
    assert screen.err.startswith("warning: nora@example.com does not exist, so what is sent to it comes back\nhint: ")
    assert "hint: mailgate alias add nora@example.com --model MODEL\n" in screen.err
    office.configure('[maps]\nshared = ["example.com"]\n')
    assert "nora" not in office("record", "follow", "ticket/1", "nora@example.com").err
