"""`export` and `import` as commands: what they show, and that a file is adopted as a whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.installed import INIT, Installed


@pytest.fixture
def full(office: Installed) -> Installed:
    """A installed with something of everything."""
    office.ok("domain", "set", "example.com", "--catchall", "answers", "--company", 'Example "Ltd"')
    office.ok("alias", "set", "support", "--notify", "Ann@client.org", "--refusal", "No.\nSorry.")
    office.ok("contact", "add", "bob@client.org", "--name", "Bob Ray", "--member")
    office.ok("sender", "allow", "monitor@client.org")
    office.ok("sender", "block", "eve@client.net")
    office.ok("param", "set", "mail.gateway.loop.minutes", "60")
    return office


EXPORTED = """\
[parameters]
"mail.gateway.loop.minutes" = 60

[domain."example.com"]
default = true
catchall = "answers"
company = "Example \\"Ltd\\""
contact = "info@example.com"

[domain."example.com".retired]
catchall = "catchall"

[alias."closed@example.com"]
model = "crm.lead"
from = "contacts"

[alias."support@example.com"]
model = "ticket"
notify = [
    "Ann@client.org",
]
refusal = \"""
No.
Sorry.\"""

[alias."support@example.com".values]
team = "1"

[contact."bob@client.org"]
name = "Bob Ray"
member = true

[senders]
allow = [
    "monitor@client.org",
]
block = [
    "eve@client.net",
]
"""


def test_an_export_is_a_readable_file(full: Installed) -> None:
    header, _, tables = full.ok("export").partition("\n\n")
    assert all(line.startswith("#") for line in header.splitlines())
    assert tables == EXPORTED
    assert full.json("export")["alias"]["closed@example.com"] == {"model": "crm.lead", "from": "contacts"}


def test_another_store_becomes_the_same(full: Installed, tmp_path: Path) -> None:
    assert "1 domain, 2 aliases, 1 contact, 2 senders" in full.ok("export", "one.toml")
    other = str(tmp_path / "other.db")
    full.ok("--db", other, *INIT)
    assert full("--db", other, "import", "one.toml").out.endswith("\n7 added\n")
    assert full("--db", other, "export").out == (tmp_path / "one.toml").read_text()
    assert full("--db", other, "import", "one.toml").out == "nothing to change\n"


def test_a_file_is_written_over(full: Installed, tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text("#" * 100_000)
    full.ok("export", "one.toml")
    assert (tmp_path / "one.toml").read_text() == full.ok("export")


def test_the_difference_is_shown_and_done(full: Installed, tmp_path: Path) -> None:
    changed = EXPORTED.replace('"answers"', '"replies"').replace('from = "contacts"', 'from = "members"')
    changed = changed.replace('    "eve@client.net",\n', '    "mallory@client.net",\n').replace(
        'team = "1"', 'team = "2"'
    )
    (tmp_path / "two.toml").write_text(changed)
    lines = [
        "~ domain    example.com",
        "    catchall  answers -> replies",
        "    retired   catchall=catchall -> answers=catchall, catchall=catchall",
        "~ alias     closed@example.com",
        "    from  contacts -> members",
        "~ alias     support@example.com",
        "    values  team=1 -> team=2",
        "+ sender    mallory@client.net",
        "    verdict  block",
    ]
    beside = "not in the file, and kept: 1 sender; --prune removes them\n"
    before = full.ok("export")
    assert full.ok("import", "two.toml", "--dry-run") == "\n".join([*lines, "would be 1 added, 3 changed", beside])
    assert full.ok("export") == before
    assert full.ok("import", "two.toml") == "\n".join([*lines, "1 added, 3 changed", beside])
    pruned = full.json("import", "two.toml", "--prune")
    assert [(each["change"], each["name"]) for each in pruned["changes"]] == [("removed", "eve@client.net")]
    assert full.ok("import", "two.toml", "--prune") == "nothing to change\n"
    assert full.ok("domain", "show", "example.com").startswith(
        "domain     example.com\ndefault    yes\ncatchall   replies@"
    )


def test_an_import_reads_standard_input(full: Installed) -> None:
    assert full.ok("import", "-", stdin=EXPORTED.encode()) == "nothing to change\n"


def test_what_is_wrong_has_its_place_and_changes_nothing(full: Installed, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(
        '[alias."new@example.com"]\nmodel = "x"\n[alias."y@example.com"]\nmodle = "x"\n[contact.bob]\n'
    )
    screen = full("import", "bad.toml")
    assert (screen.exit, screen.out) == (1, "")
    assert screen.err == (
        "error: bad.toml:3:1: alias `y@example.com` has no `model`\n"
        "error: bad.toml:4:1: unknown key `modle`, did you mean `model`?\n"
        "error: bad.toml:5:1: `bob` is not a mail address\n"
        "hint: an address looks like `bob@client.org`\n"
        "error: bad.toml: 3 errors, nothing was changed\n"
        "hint: mailgate import bad.toml --dry-run\n"
        "hint: correct the file first\n"
    )
    (tmp_path / "bad.toml").write_text(
        '[alias."new@example.com"]\nmodel = "x"\n[alias."answers@example.com"]\nmodel = "x"\n'
    )
    screen = full("import", "bad.toml")
    assert "error: bad.toml:3:1: `answers@example.com` is the catchall address of example.com\n" in screen.err
    assert "new@example.com" not in full.ok("export")
    (tmp_path / "bad.toml").write_text("[alias\n")
    assert full("import", "bad.toml").err.startswith("error: bad.toml:1:7: ")
    assert full("import", "none.toml").err.startswith("error: cannot read none.toml: No such file or directory\n")


def test_an_alias_that_points_nowhere_is_a_warning(full: Installed) -> None:
    screen = full("import", "-", stdin=b'[alias."x@example.com"]\nmodel = "m"\nrecord = "m/9"\n')
    assert (screen.exit, screen.err) == (
        0,
        "warning: x@example.com: record m/9 does not exist: mailgate record create m\n",
    )


def aliases(count: int, team: str) -> str:
    """A file with many aliases."""
    one = '[alias."a{0}@example.com"]\nmodel = "ticket"\nnotify = ["ann@client.org"]\nvalues = {{team = "{1}"}}\n'
    return '[domain."example.com"]\n' + "".join(one.format(number, team) for number in range(count))


@pytest.mark.timeout(300)
def test_ten_thousand_aliases_are_imported_in_seconds(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "many.toml").write_text(aliases(10_000, "1"))
    assert installed.json("import", "many.toml")["added"] == 10_001
    installed.ok("export", "one.toml")
    assert installed.json("import", "one.toml")["changes"] == []


@pytest.mark.timeout(300)
def test_a_killed_import_leaves_the_old_or_the_new_state(installed: Installed, tmp_path: Path) -> None:
    """Killed in the middle of its transaction, again and again, each time a little later."""
    old, new = aliases(1_500, "1"), aliases(1_500, "2")
    (tmp_path / "old.toml").write_text(old)
    (tmp_path / "new.toml").write_text(new)
    installed.ok("import", "old.toml")
    before = installed.ok("export")
    after = before.replace('team = "1"', 'team = "2"')
    journal = tmp_path / "mailgate.db-journal"
    killed = 0
    for turn in range(12):
        process = subprocess.Popen(
            [sys.executable, "-m", "mailgate", "import", "new.toml"],
            cwd=tmp_path,
            env={**os.environ, "MAILGATE_CONFIG": str(installed.config)},
            stdout=subprocess.DEVNULL,
        )
        end = time.monotonic() + 60
        while not journal.exists() and process.poll() is None and time.monotonic() < end:
            pass
        if process.poll() is None:
            delay = time.monotonic() + turn * 0.03
            while time.monotonic() < delay and process.poll() is None:
                pass
            process.send_signal(signal.SIGKILL)
        killed += process.wait(60) == -signal.SIGKILL
        found = installed.ok("export")
        assert found in (before, after), "half of a file"
        if found == after:
            break
    assert killed, "no import was ever killed"
    installed.ok("import", "new.toml")
    assert installed.ok("export") == after
